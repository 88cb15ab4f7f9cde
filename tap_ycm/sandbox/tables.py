"""The tables of the sandbox, as data: where each is served, what its rows are and what they refer to.

A new list of YCM is one more entry in `TABLES`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from tap_ycm.sandbox import rows
from tap_ycm.sandbox.texts import Draw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_ycm.sandbox.rows import Row, Sources

__all__ = ["CUSTOMERS", "TABLES", "Reference", "Table", "spread"]


@dataclass(frozen=True, slots=True)
class Reference:
    """What a row keeps of another table.

    Attributes:
        table: The other table.
        field: The field that holds an id, a list of ids, or a list of objects.
        item: Name of the id within such objects.
        owned: Whether the row goes with the other one; otherwise only the reference goes.
        copies: What the row repeats of the other one, as the fields (of an object of the list) to set.
    """

    table: str
    field: str
    item: str | None = None
    owned: bool = False
    copies: Callable[[Row], Row] | None = None

    def holds(self, row: Row, key: int) -> bool:
        """Tell whether a row refers to an object."""
        return key in self._ids(row.get(self.field))

    def without(self, row: Row, key: int) -> Row:
        """Return the fields to change when that object goes; None unsets one."""
        value = row.get(self.field)
        if isinstance(value, list):
            return {self.field: [one for one in value if key not in self._ids([one])]}
        copied = self.copies({}) if self.copies else {}
        return {**dict.fromkeys(copied), self.field: None}

    def refreshed(self, row: Row, key: int, other: Row) -> Row:
        """Return the fields to change when that object changed."""
        if self.copies is None:
            return {}
        value, copied = row.get(self.field), self.copies(other)
        if isinstance(value, list):
            copied = {self.field: [one | copied if key in self._ids([one]) else one for one in value]}
        return {name: new for name, new in copied.items() if row.get(name) != new}

    def _ids(self, value: Any) -> list[int]:
        found = value if isinstance(value, list) else [value]
        if self.item is not None:
            found = [one.get(self.item) for one in found if isinstance(one, dict)]
        return [int(one) for one in found if isinstance(one, int | str) and str(one).isdecimal()]


@dataclass(frozen=True, slots=True)
class Table:
    """One list of YCM.

    Attributes:
        name: Its name, which is that of the endpoint, too.
        key: The field that tells the id.
        fields: The fields of a row in the vendor's order.
        make: Computes a row nobody touched.
        path: Where it is served, after `/dm/open_api`.
        text: A text field, which faults and churn change.
        edited: The field that churn changes; `text` by default.
        redrawn: The fields that churn computes anew instead.
        first_id: The lowest id.
        size: How many rows by default; 0 if `ids` says it.
        gap: The largest distance between neighbouring ids.
        paged: Whether it is served in pages; otherwise in one answer.
        single: Name and path of the call for one object.
        sorts: The fields that `sort` may name; None if the list ignores `sort`.
        within: The name under which an unpaged list is wrapped.
        ids: Chooses the first ids, when they follow from other tables.
        new_id: Chooses the id of a new row; by default one more than any ever used.
        references: What rows refer to.
    """

    name: str
    key: str
    fields: tuple[str, ...]
    make: Callable[[Draw, int, Sources], Row]
    path: str
    text: str
    edited: str = ""
    redrawn: tuple[str, ...] = ()
    first_id: int = 1
    size: int = 0
    gap: int = 3
    paged: bool = True
    single: tuple[str, str] | None = None
    sorts: tuple[str, ...] | None = None
    within: str | None = None
    ids: Callable[[Sources, int], Iterable[int]] | None = None
    new_id: Callable[[Sources, Callable[[int], bool]], int | None] | None = None
    references: tuple[Reference, ...] = ()

    def row(self, seed: int, key: int, sources: Sources) -> Row:
        """Compute the row that belongs to a seed and an id."""
        # Customers were first, and their rows are pinned by tests.
        word = f"{seed}:{key}" if self.name == "customers" else f"{seed}:{self.name}:{key}"
        return self.make(Draw(word), key, sources)


def spread(count: int, seed: int, first_id: int, gap: int) -> Iterable[int]:
    """Return so many ids with holes, the same for the same arguments."""
    steps = random.Random(seed).choices(  # noqa: S311 - data, not a secret
        range(1, gap + 1), k=max(count - 1, 0)
    )
    return accumulate(steps, initial=first_id) if count else ()


def _a_third_of_the_users(sources: Sources, size: int) -> Iterable[int]:
    users = sources.ids("users")
    return users[:size] if size else users[::3]


def _a_user_without(sources: Sources, there: Callable[[int], bool]) -> int | None:
    return next((one for one in sources.ids("users") if not there(one)), None)


def _some_of_each_region(sources: Sources, size: int) -> Iterable[int]:
    each = size or 2
    return (one * rows.DOMAINS_OF_A_REGION + n for one in sources.ids("regions") for n in range(1, each + 1))


def _one_more_of_a_region(sources: Sources, there: Callable[[int], bool]) -> int | None:
    places = (
        one * rows.DOMAINS_OF_A_REGION + n for n in range(1, rows.DOMAINS_OF_A_REGION) for one in sources.ids("regions")
    )
    return next((one for one in places if not there(one)), None)


def _named_trunk(row: Row) -> Row:
    return {"trunkName": row.get("name")}


_CUSTOMER = (
    *("customerId", "firstName", "lastName", "company", "email", "businessNumber", "mobileNumber", "homeNumber"),
    *("faxNumber", "zipCode", "street", "city", "state", "country", "remark"),
)
_PBX = (
    *("cloudPbxId", "pbxStatus", "activationStatus", "name", "sn", "plan", "planExpirationDate", "extensionCapacity"),
    *("concurrentCallCapacity", "recordingStatus", "recordingCapacity", "transcriptionCapacity"),
    *("transcriptionCapacityPlan", "transcriptionCapacityAddon", "usedTranscription", "receptionistCapacity"),
    *("receptionistCapacityPlan", "region", "url", "type", "expirationDate", "version", "creator", "createTime"),
    *("upgradeInPbx", "passwordlessLogin", "im", "pbxApi", "allowSuperiorPasswordlessLogin"),
    *("provisioningViaTemplate", "trunkConfigurationAccess", "allowRunAfterExpirationDate"),
)
_USER = (
    *("userId", "company", "firstName", "lastName", "email", "phone", "mobile", "address", "remark"),
    *("createdCloudPbx", "createdReseller", "userType", "twoFactorAuthenticationEnable"),
)
_BACKUP = ("backupFileId", "backupFileType", "backupTime", "backupFileName")
_TRUNK = (
    *("id", "regionId", "regionName", "creator", "name", "enable", "country", "itsp", "type", "hostname", "port"),
    *("domain", "transport", "backupHostname", "remark", "registrationAttempts", "defaultRegistrationTime"),
    *("username", "authName", "password", "enbOutboundProxy", "outboundProxyServer", "outboundProxyPort"),
    *("proxyClusterPublicIp", "proxyPort", "proxyServerName", "codecSel", "dtmfMode"),
)
_TEMPLATE = tuple(f"provisioningTemplate{part}" for part in ("Id", "Name", "CreateTime", "ModifyTime"))

CUSTOMERS = Table(
    "customers",
    "customerId",
    _CUSTOMER,
    rows.customer,
    path="/v1/customers",
    first_id=50_086_120,
    size=364,
    text="firstName",
    edited="remark",
    single=("customer", "/v1/customers/{key}"),
    sorts=_CUSTOMER,
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        CUSTOMERS,
        Table(
            "cloud_pbxs",
            "cloudPbxId",
            _PBX,
            rows.cloud_pbx,
            path="/v2/cloud_pbx/instances",
            first_id=4768,
            size=50,
            text="name",
            single=("cloud_pbx", "/v1/cloud_pbx/instances/{key}"),
            sorts=("cloudPbxId", "createTime"),
        ),
        Table(
            "users",
            "userId",
            _USER,
            rows.user,
            path="/v2/users",
            first_id=1143,
            size=30,
            text="firstName",
            edited="remark",
            single=("user", "/v1/users/{key}"),
            sorts=_USER,
        ),
        Table(
            "backup_files",
            "backupFileId",
            _BACKUP,
            rows.backup_file,
            path="/v1/backup_file",
            first_id=9001,
            size=60,
            text="backupFileName",
            sorts=_BACKUP,
        ),
        Table(
            "dids",
            "id",
            ("id", "did", "didName", "creator", "trunkIds", "cloudPbxId"),
            rows.did,
            path="/v1/did_management",
            first_id=2,
            size=120,
            text="didName",
            redrawn=("trunkIds", "cloudPbxId"),
            single=("did", "/v1/did_management/{key}"),
            references=(Reference("cloud_pbxs", "cloudPbxId"), Reference("shared_trunks", "trunkIds")),
        ),
        Table(
            "trunk_permissions",
            "userId",
            ("userId", "userName", "userEmail", "trunkList"),
            rows.trunk_permission,
            path="/v1/trunk_acl/page",
            text="userName",
            redrawn=("trunkList",),
            ids=_a_third_of_the_users,
            new_id=_a_user_without,
            references=(
                Reference("users", "userId", owned=True, copies=rows.named_user),
                Reference("shared_trunks", "trunkList", "trunkId", copies=_named_trunk),
            ),
        ),
        Table(
            "groups",
            "id",
            ("id", "groupName", "deviceNumber"),
            rows.group,
            path="/v1/groups",
            first_id=20_036,
            size=7,
            text="groupName",
            single=("group", "/v1/groups/{key}"),
        ),
        Table(
            "shared_trunks",
            "id",
            _TRUNK,
            rows.shared_trunk,
            path="/v1/shared_trunk",
            first_id=6679,
            size=12,
            text="name",
            edited="remark",
            paged=False,
            single=("shared_trunk", "/v1/shared_trunk/{key}"),
            references=(Reference("regions", "regionId", copies=rows.named_region),),
        ),
        Table(
            "itsps",
            "id",
            ("id", "country", "name"),
            rows.itsp,
            path="/v1/shared_trunk/itsp",
            first_id=111,
            size=20,
            text="name",
            paged=False,
            within="itspInfos",
        ),
        Table(
            "regions",
            "regionId",
            ("regionId", "region"),
            rows.region,
            path="/v1/cluster/regions",
            size=4,
            gap=1,
            text="region",
            paged=False,
        ),
        Table(
            "domains",
            "domainId",
            ("regionId", "domainId", "domain"),
            rows.domain,
            path="/v1/cluster/domains",
            text="domain",
            paged=False,
            ids=_some_of_each_region,
            new_id=_one_more_of_a_region,
            references=(Reference("regions", "regionId", owned=True),),
        ),
        Table(
            "firmware_versions",
            "versionId",
            ("versionId", "version", "regionIds"),
            rows.firmware_version,
            path="/v1/firmware",
            first_id=764,
            size=6,
            text="version",
            paged=False,
            references=(Reference("regions", "regionIds"),),
        ),
        Table(
            "provisioning_templates",
            "provisioningTemplateId",
            _TEMPLATE,
            rows.provisioning_template,
            path="/v1/provision_template",
            first_id=306,
            size=5,
            text="provisioningTemplateName",
            paged=False,
        ),
    )
}
"""Every stored table by its name."""
