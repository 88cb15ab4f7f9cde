select
    dids.id as did_id,
    dids.did as number,
    dids.did_name as number_name,
    links.trunk_id,
    coalesce(shared_trunks.name, available_trunks.name) as trunk_name,
    shared_trunks.itsp,
    dids.cloud_pbx_id,
    pbxs.name as pbx_name,
    dids.cloud_pbx_id is null as is_free
from {{ ref('stg_ycm__dids') }} as dids
left join {{ ref('stg_ycm__dids__trunk_ids') }} as links on links.did_id = dids.id
left join {{ ref('stg_ycm__shared_trunks') }} as shared_trunks on shared_trunks.id = links.trunk_id
left join {{ ref('stg_ycm__available_trunks') }} as available_trunks on available_trunks.id = links.trunk_id
left join {{ ref('stg_ycm__cloud_pbxs') }} as pbxs on pbxs.cloud_pbx_id = dids.cloud_pbx_id
