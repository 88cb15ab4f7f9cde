{%- set package = {
    'extensions': 'extension',
    'concurrent calls': 'concurrent_call',
    'call recording': 'recording',
    'AI transcription': 'transcription',
    'Ultimate Plans': 'ultimate_plan',
} %}
{%- set users = {
    'extensions': ('total_extensions', 'used_extensions'),
    'concurrent calls': ('total_concurrent_calls', 'used_concurrent_calls'),
    'call recording': ('total_recordings', 'used_recordings'),
    'AI transcription': ('total_transcription', 'null'),
    'Ultimate Plans': ('total_ultimate_plan', 'used_ultimate_plan'),
    'remote connections': ('total_connections', 'used_connections'),
    'custom domains': ('total_custom_domains', 'null'),
} %}
{%- set plans = {
    'PBXs on the Enterprise Plan': 'pbx_number_enterprise_plan',
    'PBXs on the Ultimate Plan': 'pbx_number_ultimate_plan',
    'extensions on the Enterprise Plan': 'extension_number_enterprise_plan',
    'extensions on the Ultimate Plan': 'extension_number_ultimate_plan',
} -%}

with capacity as (
{%- for resource, name in package.items() %}
    select
        snapshot_at,
        cast(null as bigint) as user_id,
        '{{ resource }}' as resource,
        capacity_total_{{ name }}_capacity as bought,
        capacity_used_assigned_to_reseller_{{ name }}_capacity as assigned,
        capacity_used_{{ name }}_capacity as used,
        capacity_available_{{ name }}_capacity as available
    from {{ ref('stg_ycm__subscription') }}
    union all
{%- endfor %}
    select
        snapshot_at,
        null,
        'remote connections',
        connections_capacity,
        connections_assigned_to_reseller_capacity,
        connections_used,
        null
    from {{ ref('stg_ycm__remote_connections') }}
{%- for resource, name in plans.items() %}
    union all
    select snapshot_at, null, '{{ resource }}', null, null, {{ name }}, null from {{ ref('stg_ycm__plan_statistics') }}
{%- endfor %}
{%- for resource, (total, used) in users.items() %}
    union all
    select snapshot_at, user_id, '{{ resource }}', {{ total }}, null, {{ used }}, null
    from {{ ref('stg_ycm__user_subscriptions') }}
{%- endfor %}
)

select * from capacity
where coalesce(bought, assigned, used, available) is not null
