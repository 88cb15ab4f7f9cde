{#- What PostgreSQL, Snowflake and DuckDB say in different words. The first is the default. -#}

{#- A part of a JSON value, by the names on the way to it; the value itself if there are none. -#}
{%- macro part(value, path, type) -%} {{ adapter.dispatch('part')(value, path, type) }} {%- endmacro -%}

{%- macro default__part(value, path, type) -%} cast({{ value }} #>> '{ {{- path | join(',') -}} }' as {{ type }}) {%- endmacro -%}

{%- macro snowflake__part(value, path, type) -%}
    cast({% if path %}get_path({{ value }}, '{{ path | join('.') }}'){% else %}{{ value }}{% endif %} as {{ type }})
{%- endmacro -%}

{%- macro duckdb__part(value, path, type) -%}
    cast(json_extract_string({{ value }}, '{{ (['$'] + path) | join('.') }}') as {{ type }})
{%- endmacro -%}

{#- One row for each element of a JSON array, as element.value. -#}
{%- macro each_element(array) -%} {{ adapter.dispatch('each_element')(array) }} {%- endmacro -%}

{%- macro default__each_element(array) -%} cross join lateral jsonb_array_elements({{ array }}) as element(value) {%- endmacro -%}

{%- macro snowflake__each_element(array) -%} , lateral flatten(input => {{ array }}) as element {%- endmacro -%}

{%- macro duckdb__each_element(array) -%} cross join unnest(cast({{ array }} as json[])) as element(value) {%- endmacro -%}

{%- macro json_type() -%} {{ {'postgres': 'jsonb', 'snowflake': 'variant'}.get(target.type, 'json') }} {%- endmacro -%}

{#- An array as JSON: target-postgres makes arrays of PostgreSQL, the others JSON. -#}
{%- macro as_json(column) -%} {{ 'to_jsonb(' ~ column ~ ')' if target.type == 'postgres' else column }} {%- endmacro -%}

{#- Now, as the loaders write times: in UTC, in a column without a zone. -#}
{%- macro utc_now() -%}
    {{ 'sysdate()' if target.type == 'snowflake' else "(current_timestamp at time zone 'UTC')" }}
{%- endmacro -%}
