-- Made by scripts/generate.py from schemas/user_subscriptions.json.
{%- set columns = loaded_columns('user_subscriptions') %}

select
    {{ loaded(columns, 'userId', 'bigint') }} as user_id,
    {{ loaded(columns, 'snapshotAt', 'timestamp') }} as snapshot_at,
    {{ loaded(columns, 'totalExtensions', 'bigint') }} as total_extensions,
    {{ loaded(columns, 'usedExtensions', 'bigint') }} as used_extensions,
    {{ loaded(columns, 'totalConcurrentCalls', 'bigint') }} as total_concurrent_calls,
    {{ loaded(columns, 'usedConcurrentCalls', 'bigint') }} as used_concurrent_calls,
    {{ loaded(columns, 'totalRecordings', 'bigint') }} as total_recordings,
    {{ loaded(columns, 'usedRecordings', 'bigint') }} as used_recordings,
    {{ loaded(columns, 'totalUltimatePlan', 'bigint') }} as total_ultimate_plan,
    {{ loaded(columns, 'usedUltimatePlan', 'bigint') }} as used_ultimate_plan,
    {{ loaded(columns, 'minimumExtPerPbx', 'bigint') }} as minimum_ext_per_pbx,
    {{ loaded(columns, 'totalConnections', 'bigint') }} as total_connections,
    {{ loaded(columns, 'usedConnections', 'bigint') }} as used_connections,
    {{ loaded(columns, 'totalCustomDomains', 'bigint') }} as total_custom_domains,
    {{ loaded(columns, 'totalTranscription', 'bigint') }} as total_transcription,
    {{ loaded(columns, 'highAvailability', 'text') }} as high_availability,
    {{ loaded(columns, 'whiteLabel', 'text') }} as white_label,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ all_rows('user_subscriptions') }}
