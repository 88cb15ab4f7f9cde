with numbers as (
    select cloud_pbx_id, count(*) as number_count, {{ dbt.listagg('did', "', '", 'order by did') }} as numbers
    from {{ ref('stg_ycm__dids') }}
    group by cloud_pbx_id
)

select
    customers.customer_id,
    customers.company,
    customers.first_name,
    customers.last_name,
    customers.email,
    customers.country,
    links.cloud_pbx_id,
    pbxs.name as pbx_name,
    pbxs.sn,
    pbxs.type as pbx_type,
    pbxs.pbx_status,
    pbxs.region,
    pbxs.plan,
    pbxs.plan_expiration_date,
    pbxs.expiration_date,
    pbxs.extension_capacity,
    pbxs.concurrent_call_capacity,
    coalesce(numbers.number_count, 0) as number_count,
    numbers.numbers
from {{ ref('stg_ycm__customers') }} as customers
left join {{ ref('stg_ycm__cloud_pbx_customers') }} as links on links.customer_id = customers.customer_id
left join {{ ref('stg_ycm__cloud_pbxs') }} as pbxs on pbxs.cloud_pbx_id = links.cloud_pbx_id
left join numbers on numbers.cloud_pbx_id = links.cloud_pbx_id
