-- Made by scripts/generate.py from schemas/trunk_permissions.json.
{%- set columns = loaded_columns('trunk_permissions') %}

select
    {{ loaded(columns, 'userId', 'bigint') }} as user_id,
    {{ loaded(columns, 'userName', 'text') }} as user_name,
    {{ loaded(columns, 'userEmail', 'text') }} as user_email,
    {{ loaded(columns, 'trunkList', 'json') }} as trunk_list,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('trunk_permissions', columns) }}
