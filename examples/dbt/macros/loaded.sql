{#- What the loaders made of the tap's tables: each writes names in its own way, and none has columns that the catalog
    leaves out. -#}

{#- The columns of a table in quotes, as they are in the warehouse, by their names in lower case. -#}
{%- macro loaded_columns(stream) -%}
    {%- set names = {} -%}
    {%- if execute and stream not in var('not_loaded') -%}
        {%- for column in adapter.get_columns_in_relation(source('ycm', stream)) -%}
            {%- do names.update({column.name | lower: adapter.quote(column.name)}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro -%}

{#- A column, or a part of one ('creator.email'); null if it was not loaded. `also` is another name that it may have. -#}
{%- macro loaded(columns, field, type, also='') -%}
    {%- set path = field.split('.') -%}
    {%- set column = columns.get(path[0] | lower) or columns.get(also | lower) -%}
    {%- if not column -%} cast(null as {{ json_type() if type == 'json' else type }})
    {%- elif path | length > 1 -%} {{ part(column, path[1:], type) }}
    {%- elif type == 'json' -%} {{ as_json(column) }}
    {%- else -%} {{ column }}
    {%- endif -%}
{%- endmacro -%}

{#- All rows of a table; of a stream that is not loaded, none. -#}
{%- macro all_rows(stream) -%}
    {%- if stream in var('not_loaded') -%} (select 1 as nothing where 1 = 0) as nothing
    {%- else -%} {{ source('ycm', stream) }}
    {%- endif -%}
{%- endmacro -%}

{#- The rows that are not marked as deleted. Without metadata columns, loaders mark none. -#}
{%- macro living_rows(stream, columns) -%}
    {{ all_rows(stream) }}
    {%- if '_sdc_deleted_at' in columns %}
where {{ columns['_sdc_deleted_at'] }} is null
    {%- endif -%}
{%- endmacro -%}
