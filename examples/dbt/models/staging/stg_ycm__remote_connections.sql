-- Made by scripts/generate.py from schemas/remote_connections.json.
{%- set columns = loaded_columns('remote_connections') %}

select
    {{ loaded(columns, 'snapshotAt', 'timestamp') }} as snapshot_at,
    {{ loaded(columns, 'connections.used', 'bigint') }} as connections_used,
    {{ loaded(columns, 'connections.capacity', 'bigint') }} as connections_capacity,
    {{ loaded(columns, 'connections.assignedToResellerUsed', 'bigint') }} as connections_assigned_to_reseller_used,
    {{ loaded(columns, 'connections.assignedToResellerCapacity', 'bigint') }} as connections_assigned_to_reseller_capacity,
    {{ loaded(columns, 'remoteManagementAccount.status', 'text') }} as remote_management_account_status,
    {{ loaded(columns, 'remoteManagementAccount.expirationTime', 'timestamp') }} as remote_management_account_expiration_time,
    {{ loaded(columns, 'remoteManagementPremiumAccount.status', 'text') }} as remote_management_premium_account_status,
    {{ loaded(columns, 'remoteManagementPremiumAccount.expirationTime', 'timestamp') }} as remote_management_premium_account_expiration_time,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ all_rows('remote_connections') }}
