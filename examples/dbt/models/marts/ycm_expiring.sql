-- A view: what expires soon depends on the day it is asked on.
{{ config(materialized='view') }}

with latest_subscription as (
    select * from {{ ref('stg_ycm__subscription') }}
    where snapshot_at = (select max(snapshot_at) from {{ ref('stg_ycm__subscription') }})
),

latest_connections as (
    select * from {{ ref('stg_ycm__remote_connections') }}
    where snapshot_at = (select max(snapshot_at) from {{ ref('stg_ycm__remote_connections') }})
),

customers as (
    select links.cloud_pbx_id, {{ dbt.listagg('customers.company', "', '", 'order by customers.company') }} as customers
    from {{ ref('stg_ycm__cloud_pbx_customers') }} as links
    inner join {{ ref('stg_ycm__customers') }} as customers on customers.customer_id = links.customer_id
    group by links.cloud_pbx_id
),

expirations as (
    select 'cloud PBX' as what, cloud_pbx_id, expiration_date as expires_at from {{ ref('stg_ycm__cloud_pbxs') }}
    union all
    select 'feature plan', cloud_pbx_id, plan_expiration_date from {{ ref('stg_ycm__cloud_pbxs') }}
    union all
    select 'hosting package', null, expiration_time from latest_subscription
    union all
    select 'call recording', null, recording_expire_date from latest_subscription
    union all
    select 'remote management', null, remote_management_account_expiration_time from latest_connections
    union all
    select 'premium remote management', null, remote_management_premium_account_expiration_time from latest_connections
)

select
    expirations.what,
    expirations.cloud_pbx_id,
    pbxs.name as pbx_name,
    pbxs.type as pbx_type,
    pbxs.plan,
    customers.customers,
    expirations.expires_at,
    {{ dbt.datediff(utc_now(), 'expirations.expires_at', 'day') }} as days_left
from expirations
left join {{ ref('stg_ycm__cloud_pbxs') }} as pbxs on pbxs.cloud_pbx_id = expirations.cloud_pbx_id
left join customers on customers.cloud_pbx_id = expirations.cloud_pbx_id
where expirations.expires_at >= {{ utc_now() }}
  and expirations.expires_at < {{ dbt.dateadd('day', var('expiring_days'), utc_now()) }}
