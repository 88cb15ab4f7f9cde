-- Made by scripts/generate.py from schemas/groups.json.
{%- set columns = loaded_columns('groups') %}

select
    {{ loaded(columns, 'id', 'bigint') }} as id,
    {{ loaded(columns, 'groupName', 'text') }} as group_name,
    {{ loaded(columns, 'deviceNumber', 'bigint') }} as device_number,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('groups', columns) }}
