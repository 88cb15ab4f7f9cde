-- Made by scripts/generate.py from schemas/users.json.
{%- set columns = loaded_columns('users') %}

select
    {{ loaded(columns, 'userId', 'bigint') }} as user_id,
    {{ loaded(columns, 'company', 'text') }} as company,
    {{ loaded(columns, 'firstName', 'text') }} as first_name,
    {{ loaded(columns, 'lastName', 'text') }} as last_name,
    {{ loaded(columns, 'email', 'text') }} as email,
    {{ loaded(columns, 'phone', 'text') }} as phone,
    {{ loaded(columns, 'mobile', 'text') }} as mobile,
    {{ loaded(columns, 'address', 'text') }} as address,
    {{ loaded(columns, 'remark', 'text') }} as remark,
    {{ loaded(columns, 'createdCloudPbx', 'bigint') }} as created_cloud_pbx,
    {{ loaded(columns, 'createdReseller', 'bigint') }} as created_reseller,
    {{ loaded(columns, 'userType', 'text') }} as user_type,
    {{ loaded(columns, 'twoFactorAuthenticationEnable', 'text') }} as two_factor_authentication_enable,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('users', columns) }}
