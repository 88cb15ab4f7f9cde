-- Made by scripts/generate.py from schemas/customers.json.
{%- set columns = loaded_columns('customers') %}

select
    {{ loaded(columns, 'customerId', 'bigint') }} as customer_id,
    {{ loaded(columns, 'firstName', 'text') }} as first_name,
    {{ loaded(columns, 'lastName', 'text') }} as last_name,
    {{ loaded(columns, 'company', 'text') }} as company,
    {{ loaded(columns, 'email', 'text') }} as email,
    {{ loaded(columns, 'businessNumber', 'text') }} as business_number,
    {{ loaded(columns, 'mobileNumber', 'text') }} as mobile_number,
    {{ loaded(columns, 'homeNumber', 'text') }} as home_number,
    {{ loaded(columns, 'faxNumber', 'text') }} as fax_number,
    {{ loaded(columns, 'zipCode', 'text') }} as zip_code,
    {{ loaded(columns, 'street', 'text') }} as street,
    {{ loaded(columns, 'city', 'text') }} as city,
    {{ loaded(columns, 'state', 'text') }} as state,
    {{ loaded(columns, 'country', 'text') }} as country,
    {{ loaded(columns, 'remark', 'text') }} as remark,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('customers', columns) }}
