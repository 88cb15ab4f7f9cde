{#- All living rows are of one sync: the last load brought each of them, and was told what to delete. Without deletes
    (emit_activate_version_messages), rows have no version, and nothing is to be seen here. -#}
{% test one_table_version(model) %}
{%- set names = adapter.get_columns_in_relation(model) | map(attribute='name') | map('lower') | list if execute else [] -%}
{%- if '_sdc_table_version' in names -%}
select count(distinct _sdc_table_version) as versions
from {{ model }}
where _sdc_deleted_at is null
having count(distinct _sdc_table_version) > 1
{%- else -%}
select 1 as versions where 1 = 0
{%- endif -%}
{% endtest %}
