-- Made by scripts/generate.py from schemas/cloud_pbx_customers.json.
{%- set columns = loaded_columns('cloud_pbx_customers') %}

select
    {{ loaded(columns, 'cloudPbxId', 'bigint') }} as cloud_pbx_id,
    {{ loaded(columns, 'customerId', 'bigint') }} as customer_id,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('cloud_pbx_customers', columns) }}
