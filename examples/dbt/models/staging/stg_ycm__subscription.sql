-- Made by scripts/generate.py from schemas/subscription.json.
{%- set columns = loaded_columns('subscription') %}

select
    {{ loaded(columns, 'snapshotAt', 'timestamp') }} as snapshot_at,
    {{ loaded(columns, 'capacity.total.extensionCapacity', 'bigint') }} as capacity_total_extension_capacity,
    {{ loaded(columns, 'capacity.total.concurrentCallCapacity', 'bigint') }} as capacity_total_concurrent_call_capacity,
    {{ loaded(columns, 'capacity.total.recordingCapacity', 'bigint') }} as capacity_total_recording_capacity,
    {{ loaded(columns, 'capacity.total.transcriptionCapacity', 'bigint') }} as capacity_total_transcription_capacity,
    {{ loaded(columns, 'capacity.total.ultimatePlanCapacity', 'bigint') }} as capacity_total_ultimate_plan_capacity,
    {{ loaded(columns, 'capacity.used.extensionCapacity', 'bigint') }} as capacity_used_extension_capacity,
    {{ loaded(columns, 'capacity.used.concurrentCallCapacity', 'bigint') }} as capacity_used_concurrent_call_capacity,
    {{ loaded(columns, 'capacity.used.recordingCapacity', 'bigint') }} as capacity_used_recording_capacity,
    {{ loaded(columns, 'capacity.used.transcriptionCapacity', 'bigint') }} as capacity_used_transcription_capacity,
    {{ loaded(columns, 'capacity.used.ultimatePlanCapacity', 'bigint') }} as capacity_used_ultimate_plan_capacity,
    {{ loaded(columns, 'capacity.used.frozenExtensionCapacity', 'bigint') }} as capacity_used_frozen_extension_capacity,
    {{ loaded(columns, 'capacity.used.assignedToResellerExtensionCapacity', 'bigint') }} as capacity_used_assigned_to_reseller_extension_capacity,
    {{ loaded(columns, 'capacity.used.assignedToResellerConcurrentCallCapacity', 'bigint') }} as capacity_used_assigned_to_reseller_concurrent_call_capacity,
    {{ loaded(columns, 'capacity.used.assignedToResellerRecordingCapacity', 'bigint') }} as capacity_used_assigned_to_reseller_recording_capacity,
    {{ loaded(columns, 'capacity.used.assignedToResellerTranscriptionCapacity', 'bigint') }} as capacity_used_assigned_to_reseller_transcription_capacity,
    {{ loaded(columns, 'capacity.used.assignedToResellerUltimatePlanCapacity', 'bigint') }} as capacity_used_assigned_to_reseller_ultimate_plan_capacity,
    {{ loaded(columns, 'capacity.available.extensionCapacity', 'bigint') }} as capacity_available_extension_capacity,
    {{ loaded(columns, 'capacity.available.concurrentCallCapacity', 'bigint') }} as capacity_available_concurrent_call_capacity,
    {{ loaded(columns, 'capacity.available.recordingCapacity', 'bigint') }} as capacity_available_recording_capacity,
    {{ loaded(columns, 'capacity.available.transcriptionCapacity', 'bigint') }} as capacity_available_transcription_capacity,
    {{ loaded(columns, 'capacity.available.ultimatePlanCapacity', 'bigint') }} as capacity_available_ultimate_plan_capacity,
    {{ loaded(columns, 'expirationTime', 'timestamp') }} as expiration_time,
    {{ loaded(columns, 'recordingExpireDate', 'timestamp') }} as recording_expire_date,
    {{ loaded(columns, 'highAvailability', 'text') }} as high_availability,
    {{ loaded(columns, 'whiteLabel', 'text') }} as white_label,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ all_rows('subscription') }}
