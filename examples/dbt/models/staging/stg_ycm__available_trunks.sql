-- Made by scripts/generate.py from schemas/available_trunks.json.
{%- set columns = loaded_columns('available_trunks') %}

select
    {{ loaded(columns, 'id', 'bigint') }} as id,
    {{ loaded(columns, 'name', 'text') }} as name,
    {{ loaded(columns, 'type', 'text') }} as type,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('available_trunks', columns) }}
