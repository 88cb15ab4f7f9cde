-- Made by scripts/generate.py from schemas/firmware_versions.json.
{%- set columns = loaded_columns('firmware_versions') %}

select
    {{ loaded(columns, 'versionId', 'bigint') }} as version_id,
    {{ loaded(columns, 'version', 'text', also='firmwareVersion') }} as version,
    {{ loaded(columns, 'regionIds', 'json') }} as region_ids,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('firmware_versions', columns) }}
