{#- The syncs of the streams that are to be loaded, the newest of each first in `place`. A run that was killed before it
    could say anything has no row: it shows by the age of the last one. -#}
{%- macro ranked_syncs(where='1 = 1') -%}
select
    *,
    coalesce(ended, began, extracted_at) as synced_at,
    row_number() over (partition by stream order by coalesce(ended, began, extracted_at) desc) as place
from {{ ref('stg_ycm__syncs') }}
where {{ where }}
{%- for stream in var('not_loaded') %} and stream <> '{{ stream }}'{% endfor %}
{%- endmacro -%}

{#- Whether a sync did all it could. -#}
{%- macro succeeded() -%} coalesce(status, '') in ('complete', 'not permitted') and failure is null {%- endmacro -%}
