-- Made by scripts/generate.py from schemas/cloud_pbx_trunks.json.
{%- set columns = loaded_columns('cloud_pbx_trunks') %}

select
    {{ loaded(columns, 'cloudPbxId', 'bigint') }} as cloud_pbx_id,
    {{ loaded(columns, 'trunkId', 'bigint') }} as trunk_id,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('cloud_pbx_trunks', columns) }}
