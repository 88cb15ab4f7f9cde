-- Made by scripts/generate.py from schemas/shared_trunks.json.
{%- set columns = loaded_columns('shared_trunks') %}

select
    {{ loaded(columns, 'id', 'bigint') }} as id,
    {{ loaded(columns, 'regionId', 'bigint') }} as region_id,
    {{ loaded(columns, 'regionName', 'text') }} as region_name,
    {{ loaded(columns, 'creator', 'text') }} as creator,
    {{ loaded(columns, 'name', 'text') }} as name,
    {{ loaded(columns, 'enable', 'bigint') }} as enable,
    {{ loaded(columns, 'country', 'text') }} as country,
    {{ loaded(columns, 'itsp', 'text') }} as itsp,
    {{ loaded(columns, 'type', 'text') }} as type,
    {{ loaded(columns, 'hostname', 'text') }} as hostname,
    {{ loaded(columns, 'port', 'bigint') }} as port,
    {{ loaded(columns, 'domain', 'text') }} as domain,
    {{ loaded(columns, 'transport', 'text') }} as transport,
    {{ loaded(columns, 'backupHostname', 'text') }} as backup_hostname,
    {{ loaded(columns, 'remark', 'text') }} as remark,
    {{ loaded(columns, 'registrationAttempts', 'bigint') }} as registration_attempts,
    {{ loaded(columns, 'defaultRegistrationTime', 'bigint') }} as default_registration_time,
    {{ loaded(columns, 'username', 'text') }} as username,
    {{ loaded(columns, 'authName', 'text') }} as auth_name,
    {{ loaded(columns, 'enbOutboundProxy', 'bigint') }} as enb_outbound_proxy,
    {{ loaded(columns, 'outboundProxyServer', 'text') }} as outbound_proxy_server,
    {{ loaded(columns, 'outboundProxyPort', 'bigint') }} as outbound_proxy_port,
    {{ loaded(columns, 'proxyClusterPublicIp', 'text') }} as proxy_cluster_public_ip,
    {{ loaded(columns, 'proxyPort', 'text') }} as proxy_port,
    {{ loaded(columns, 'proxyServerName', 'text') }} as proxy_server_name,
    {{ loaded(columns, 'codecSel', 'text') }} as codec_sel,
    {{ loaded(columns, 'dtmfMode', 'text') }} as dtmf_mode,
    {{ loaded(columns, '_sdc_extracted_at', 'timestamp') }} as extracted_at
from {{ living_rows('shared_trunks', columns) }}
