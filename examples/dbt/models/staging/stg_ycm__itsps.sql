-- Made by scripts/generate.py from schemas/itsps.json.
{%- set columns = loaded_columns('itsps') %}

select
    {{ loaded(columns, 'id', 'bigint') }} as id,
    {{ loaded(columns, 'country', 'text') }} as country,
    {{ loaded(columns, 'name', 'text') }} as name,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('itsps', columns) }}
