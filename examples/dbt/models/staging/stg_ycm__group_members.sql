-- Made by scripts/generate.py from schemas/group_members.json.
{%- set columns = loaded_columns('group_members') %}

select
    {{ loaded(columns, 'groupId', 'bigint') }} as group_id,
    {{ loaded(columns, 'memberType', 'text') }} as member_type,
    {{ loaded(columns, 'memberId', 'bigint') }} as member_id,
    {{ loaded(columns, 'name', 'text') }} as name,
    {{ loaded(columns, 'sn', 'text') }} as sn,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('group_members', columns) }}
