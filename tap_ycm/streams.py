"""The table of streams: every list of YCM that is read, parents before their children. Nothing but data.

What is no stream, and why: the status of a PBX (two fields of the list again), its activation info and the pass-through
to its own API (live secrets), the DIDs of a PBX (``dids`` has the PBX of each), single objects (used for look-ups).
"""

from __future__ import annotations

from tap_ycm.kinds import SNAPSHOT_AT, Children, Kind, Sorted, Table, UnsortedPages, WholeList
from tap_ycm.shapes import array_in, ids_in, members_in, the_object

__all__ = ["STREAMS", "SYNCS"]

_PBX = "/v1/cloud_pbx/instances"

STREAMS: tuple[Kind, ...] = (
    Sorted(name="customers", path="/v1/customers", keys=("customerId",), look_up="/v1/customers/{key}"),
    Sorted(name="cloud_pbxs", path="/v2/cloud_pbx/instances", keys=("cloudPbxId",), look_up=f"{_PBX}/{{key}}"),
    Sorted(
        name="users",
        path="/v2/users",
        keys=("userId",),
        look_up="/v1/users/{key}",
        look_up_is_whole=False,  # it lacks twoFactorAuthenticationEnable
    ),
    Sorted(name="backup_files", path="/v1/backup_file", keys=("backupFileId",)),
    UnsortedPages(
        name="dids", path="/v1/did_management", keys=("id",), keys_grow=True, look_up="/v1/did_management/{key}"
    ),
    UnsortedPages(name="trunk_permissions", path="/v1/trunk_acl/page", keys=("userId",), keys_grow=False),
    UnsortedPages(
        name="groups",
        path="/v1/groups",
        keys=("id",),
        keys_grow=True,
        look_up="/v1/groups/{key}",
        look_up_is_whole=False,  # it lacks deviceNumber
    ),
    WholeList(
        name="shared_trunks", path="/v1/shared_trunk", keys=("id",), look_up="/v1/shared_trunk/{key}", rows=array_in()
    ),
    WholeList(name="available_trunks", path="/v1/shared_trunk/name/acl", keys=("id",), rows=array_in()),
    WholeList(name="itsps", path="/v1/shared_trunk/itsp", keys=("id",), rows=array_in("itspInfos")),
    WholeList(name="regions", path="/v1/cluster/regions", keys=("regionId",), rows=array_in()),
    WholeList(
        name="domains",
        path="/v1/cluster/domains?regionIds={regionId}",
        keys=("regionId", "domainId"),
        parent="regions",
        rows=array_in(),
    ),
    WholeList(name="firmware_versions", path="/v1/firmware?type=pbx", keys=("versionId",), rows=array_in()),
    WholeList(
        name="provisioning_templates",
        path="/v1/provision_template",
        keys=("provisioningTemplateId",),
        rows=array_in(),
    ),
    WholeList(name="subscription", path="/v1/subscription", keys=(SNAPSHOT_AT,), rows=the_object),
    WholeList(name="plan_statistics", path="/v1/subscription/plan_statistics", keys=(SNAPSHOT_AT,), rows=the_object),
    WholeList(name="remote_connections", path="/v1/subscription/rm_connections", keys=(SNAPSHOT_AT,), rows=the_object),
    Children(
        name="cloud_pbx_customers",
        path=f"{_PBX}/{{cloudPbxId}}/customers",
        keys=("cloudPbxId", "customerId"),
        parent="cloud_pbxs",
        column="cloudPbxId",
        rows=ids_in("customerIds", "customerId"),
    ),
    Children(
        name="cloud_pbx_trunks",
        path="/v1/shared_trunk/pbx/used?cloudPbxId={cloudPbxId}",
        keys=("cloudPbxId", "trunkId"),
        parent="cloud_pbxs",
        column="cloudPbxId",
        rows=ids_in("sharedTrunkIds", "trunkId"),
    ),
    Children(
        name="group_members",
        path="/v1/groups/{id}",
        keys=("groupId", "memberType", "memberId"),
        texts=("memberType",),
        parent="groups",
        column="groupId",
        rows=members_in(selectedDeviceList="device", selectedPbxList="cloud_pbx"),
    ),
    Children(
        name="user_subscriptions",
        path="/v1/users/{userId}/subscription_info",
        keys=("userId", SNAPSHOT_AT),
        parent="users",
        column="userId",
        rows=the_object,
    ),
)
"""Every stream of the tap."""

SYNCS = Table(name="syncs", keys=("syncId", "stream"))
"""The tap's own stream: what became of each of the others in each run."""
