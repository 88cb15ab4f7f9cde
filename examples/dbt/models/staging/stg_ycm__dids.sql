-- Made by scripts/generate.py from schemas/dids.json.
{%- set columns = loaded_columns('dids') %}

select
    {{ loaded(columns, 'id', 'bigint') }} as id,
    {{ loaded(columns, 'did', 'text') }} as did,
    {{ loaded(columns, 'didName', 'text') }} as did_name,
    {{ loaded(columns, 'creator', 'text') }} as creator,
    {{ loaded(columns, 'trunkIds', 'json') }} as trunk_ids,
    {{ loaded(columns, 'cloudPbxId', 'bigint') }} as cloud_pbx_id,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('dids', columns) }}
