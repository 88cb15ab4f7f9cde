-- Made by scripts/generate.py from schemas/dids.json.

select
    whole.id as did_id,
    {{ part('element.value', [], 'bigint') }} as trunk_id
from {{ ref('stg_ycm__dids') }} as whole
{{ each_element('whole.trunk_ids') }}
