{#- No two rows have the same values in these columns, which are a key together. -#}
{% test unique_together(model, columns) %}
{%- set names = [] -%}
{%- for column in columns -%}
    {%- do names.append(adapter.quote(column) if target.type == 'postgres' else column) -%}
{%- endfor -%}
select {{ names | join(', ') }}
from {{ model }}
group by {{ names | join(', ') }}
having count(*) > 1
{% endtest %}
