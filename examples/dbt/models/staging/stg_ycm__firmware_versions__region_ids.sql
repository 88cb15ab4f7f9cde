-- Made by scripts/generate.py from schemas/firmware_versions.json.

select
    whole.version_id as version_id,
    {{ part('element.value', [], 'bigint') }} as region_id
from {{ ref('stg_ycm__firmware_versions') }} as whole
{{ each_element('whole.region_ids') }}
