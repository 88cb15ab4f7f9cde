-- Made by scripts/generate.py from schemas/plan_statistics.json.
{%- set columns = loaded_columns('plan_statistics') %}

select
    {{ loaded(columns, 'snapshotAt', 'timestamp') }} as snapshot_at,
    {{ loaded(columns, 'pbxNumber.enterprisePlan', 'bigint') }} as pbx_number_enterprise_plan,
    {{ loaded(columns, 'pbxNumber.ultimatePlan', 'bigint') }} as pbx_number_ultimate_plan,
    {{ loaded(columns, 'extensionNumber.enterprisePlan', 'bigint') }} as extension_number_enterprise_plan,
    {{ loaded(columns, 'extensionNumber.ultimatePlan', 'bigint') }} as extension_number_ultimate_plan,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ all_rows('plan_statistics') }}
