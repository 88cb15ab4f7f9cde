-- Made by scripts/generate.py from schemas/domains.json.
{%- set columns = loaded_columns('domains') %}

select
    {{ loaded(columns, 'regionId', 'bigint') }} as region_id,
    {{ loaded(columns, 'domainId', 'bigint') }} as domain_id,
    {{ loaded(columns, 'domain', 'text') }} as domain,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('domains', columns) }}
