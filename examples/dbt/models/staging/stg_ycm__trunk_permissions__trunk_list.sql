-- Made by scripts/generate.py from schemas/trunk_permissions.json.

select
    whole.user_id as user_id,
    {{ part('element.value', ['trunkId'], 'bigint') }} as trunk_id,
    {{ part('element.value', ['trunkName'], 'text') }} as trunk_name
from {{ ref('stg_ycm__trunk_permissions') }} as whole
{{ each_element('whole.trunk_list') }}
