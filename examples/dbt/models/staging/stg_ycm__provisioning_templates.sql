-- Made by scripts/generate.py from schemas/provisioning_templates.json.
{%- set columns = loaded_columns('provisioning_templates') %}

select
    {{ loaded(columns, 'provisioningTemplateId', 'bigint') }} as provisioning_template_id,
    {{ loaded(columns, 'provisioningTemplateName', 'text') }} as provisioning_template_name,
    {{ loaded(columns, 'provisioningTemplateCreateTime', 'timestamp') }} as provisioning_template_create_time,
    {{ loaded(columns, 'provisioningTemplateModifyTime', 'timestamp') }} as provisioning_template_modify_time,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('provisioning_templates', columns) }}
