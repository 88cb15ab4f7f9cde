-- Made by scripts/generate.py from schemas/regions.json.
{%- set columns = loaded_columns('regions') %}

select
    {{ loaded(columns, 'regionId', 'bigint') }} as region_id,
    {{ loaded(columns, 'region', 'text') }} as region,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('regions', columns) }}
