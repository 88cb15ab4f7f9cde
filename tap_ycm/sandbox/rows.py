"""The computed rows of every table: what YCM would tell of an object that nobody touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tap_ycm.sandbox.texts import (
    CITIES,
    COMPANIES,
    ITSPS,
    PEOPLE,
    PHONES,
    PLACES,
    REGIONS,
    REMARKS,
    STREETS,
    Draw,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Row = dict[str, Any]

DOMAINS_OF_A_REGION = 100
"""A domain has a number within its region; in the sandbox its place is region × 100 + number."""

_NEWER = 1_635_737_324  # Unix seconds; the creation time of the vendor's example
_DAY = 86_400
_SUFFIX = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


class Sources(Protocol):
    """The tables that a row may refer to, at one moment."""

    def ids(self, table: str) -> Sequence[int]:
        """Return the ids of a table, ascending."""

    def row(self, table: str, key: int) -> Row:
        """Return a row of a table."""


class Nothing:
    """The sources of a table that stands alone."""

    def ids(self, table: str) -> Sequence[int]:  # noqa: ARG002 - whatever the table
        """Return no id."""
        return ()

    def row(self, table: str, key: int) -> Row:
        """Find nothing.

        Raises:
            KeyError: Always.
        """
        raise KeyError(table, key)


def customer(draw: Draw, key: int, _sources: Sources) -> Row:
    """Compute a customer (query-all-the-customers)."""
    pick = draw.pick
    first, last = draw.one(PEOPLE)
    row: Row = {"customerId": key, "firstName": first}
    if pick(8):
        row["lastName"] = last
    row["company"] = draw.one(COMPANIES)
    row["email"] = f"customer{key}@example.com"
    for field, one_in in (("businessNumber", 2), ("mobileNumber", 2), ("homeNumber", 8), ("faxNumber", 9)):
        if not pick(one_in):
            row[field] = _phone(draw)
    if pick(2):
        zip_code, city, state, country = draw.one(CITIES)
        row["zipCode"] = zip_code
        if pick(2):
            row["street"] = f"{draw.one(STREETS)} {1 + pick(200)}"
        row["city"] = city
        if state:
            row["state"] = state
        row["country"] = country
    if not pick(4):
        row["remark"] = draw.one(REMARKS)
    return row


def cloud_pbx(draw: Draw, key: int, _sources: Sources) -> Row:
    """Compute a cloud PBX (query-all-the-cloud-pbxs-v2)."""
    pick = draw.pick
    created = _NEWER + (key - 4768) * 3600 + pick(3600)
    first, last = draw.one(PEOPLE)
    ultimate, recording, switches = pick(3) == 0, pick(2), ("Disabled", "Enabled")
    row: Row = {
        "cloudPbxId": key,
        "pbxStatus": draw.one(("Running", "Running", "Running", "Stopped", "Upgrading")),
        "activationStatus": "Activated" if pick(6) else "Unactivated",
        "name": f"{draw.one(COMPANIES)} – {draw.one(PLACES)}",  # noqa: RUF001 - a dash, as people type it
        "sn": f"3658B43{key:08}",
        "plan": "Ultimate Plan" if ultimate else "Enterprise Plan",
    }
    if pick(5):
        row["planExpirationDate"] = created + 365 * _DAY
    row |= {"extensionCapacity": 20 * (1 + pick(10)), "concurrentCallCapacity": 5 * (1 + pick(10))}
    row["recordingStatus"] = switches[recording]
    if recording:
        row["recordingCapacity"] = 500 * (1 + pick(4))
    if pick(2):
        included, bought = 240 if ultimate else 120, 60 * pick(4)
        row["transcriptionCapacity"] = included + bought
        row["transcriptionCapacityPlan"] = included
        row["transcriptionCapacityAddon"] = bought
        row["usedTranscription"] = pick(included)
    if not pick(5):
        row |= {"receptionistCapacity": 100, "receptionistCapacityPlan": 60}
    row |= {"region": draw.one(REGIONS), "url": f"pbx{key}.example.yeastarcloud.com"}
    row["type"] = "Commercial" if pick(4) else "Trial"
    if pick(3):
        row["expirationDate"] = created + 730 * _DAY
    row["version"] = f"84.{8 + pick(9)}.0.{pick(90)}"
    row["creator"] = {"firstName": first, "lastName": last, "email": f"creator{key}@example.com"}
    row |= {"createTime": created, "upgradeInPbx": switches[pick(2)], "passwordlessLogin": switches[pick(2)]}
    for field in (
        "im",
        "pbxApi",
        "allowSuperiorPasswordlessLogin",
        "provisioningViaTemplate",
        "trunkConfigurationAccess",
    ):
        if not pick(6):
            row[field] = switches[pick(2)]
    if not pick(6):
        row["allowRunAfterExpirationDate"] = bool(pick(2))
    return row


def user(draw: Draw, key: int, _sources: Sources) -> Row:
    """Compute a YCM user (query-all-the-ycm-users-v2)."""
    pick = draw.pick
    first, last = draw.one(PEOPLE)
    row: Row = {"userId": key, "company": draw.one(COMPANIES), "firstName": first}
    if pick(6):
        row["lastName"] = last
    row["email"] = f"user{key}@example.com"
    for field, one_in in (("phone", 2), ("mobile", 2)):
        if not pick(one_in):
            row[field] = _phone(draw)
    if pick(2):
        row["address"] = f"{draw.one(STREETS)} {1 + pick(200)}, {draw.one(PLACES)}"
    if not pick(4):
        row["remark"] = draw.one(REMARKS)
    row["createdCloudPbx"] = pick(40)
    reseller = pick(2)
    if reseller:
        row["createdReseller"] = pick(5)
    row["userType"] = "Reseller" if reseller else "My Colleague"
    row["twoFactorAuthenticationEnable"] = draw.one(("enable", "disable"))
    return row


def backup_file(draw: Draw, key: int, _sources: Sources) -> Row:
    """Compute a backup file (query-all-the-backup-files)."""
    made = _NEWER + key * 600
    return {
        "backupFileId": key,
        "backupFileType": "cloud_pbx",
        "backupTime": made,
        "backupFileName": f"PCE-Backup-84.{8 + draw.pick(9)}.0.{draw.pick(90)}-{made}",
    }


def did(draw: Draw, key: int, sources: Sources) -> Row:
    """Compute a DID number; its `cloudPbxId` is a string (query-a-specific-did-number)."""
    row: Row = {"id": key, "did": f"+4410{key:09}"}
    if draw.pick(4):
        row["didName"] = f"{draw.one(PLACES)} Support 🎧 Tier {1 + draw.pick(3)}"
    row["creator"] = " ".join(draw.one(PEOPLE))
    row["trunkIds"] = draw.some(sources.ids("shared_trunks"), 4)
    pbxs = sources.ids("cloud_pbxs")
    if pbxs and draw.pick(5):
        row["cloudPbxId"] = str(draw.one(pbxs))
    return row


def trunk_permission(draw: Draw, key: int, sources: Sources) -> Row:
    """Compute what a user may do with trunks (query-all-trunk-access-permissions)."""
    row: Row = {"userId": key}
    if key in sources.ids("users"):
        row |= named_user(sources.row("users", key))
    trunks = draw.some(sources.ids("shared_trunks"), 3, 1)
    row["trunkList"] = [{"trunkId": one, "trunkName": sources.row("shared_trunks", one).get("name")} for one in trunks]
    return row


def named_user(row: Row) -> Row:
    """Tell a user as trunk permissions do."""
    name = " ".join(str(row[part]) for part in ("firstName", "lastName") if row.get(part))
    return {"userName": name, "userEmail": row.get("email")}


def group(draw: Draw, key: int, sources: Sources) -> Row:
    """Compute a group without its members (query-all-the-groups)."""
    devices, pbxs = draw_devices(draw, key), draw_pbxs(draw, sources.ids("cloud_pbxs"))
    return {"id": key, "groupName": f"{draw.one(PLACES)} Group {key}", "deviceNumber": len(devices) + len(pbxs)}


def draw_devices(draw: Draw, group: int) -> list[int]:
    """Choose the remotely managed devices of a group, which are no table."""
    return [1_072_434 + group * 10 + place for place in range(draw.pick(4))]


def draw_pbxs(draw: Draw, pbxs: Sequence[int]) -> list[int]:
    """Choose the cloud PBXs of a group, after its devices."""
    return draw.some(pbxs, 5)


def device(seed: int, key: int) -> Row:
    """Compute a remotely managed device as a group tells it (query-a-specific-group)."""
    draw = Draw(f"{seed}:device:{key}")
    return {"id": key, "name": f"{draw.one(PLACES)} PBX", "sn": f"3631B21{key:08}"}


def shared_trunk(draw: Draw, key: int, sources: Sources) -> Row:
    """Compute a trunk with its password in clear, as YCM sends it (query-all-the-shared-trunks)."""
    pick = draw.pick
    country, itsp_name = draw.one(ITSPS)
    suffix = "".join(draw.one(_SUFFIX) for _ in range(6))
    row: Row = {"id": key}
    if regions := sources.ids("regions"):
        row |= named_region(sources.row("regions", draw.one(regions)))
    kind = draw.one(("register", "did_based", "port_based"))
    row |= {
        "creator": " ".join(draw.one(PEOPLE)),
        "name": f"{draw.one(PLACES)}_{suffix}",
        "enable": pick(2),
        "country": country,
        "itsp": itsp_name,
        "type": kind,
        "hostname": f"sip{key}.example.com",
        "port": 5060,
        "domain": f"sip{key}.example.com",
        "transport": draw.one(("udp", "tcp", "tls", "dnsnaptr")),
    }
    if not pick(3):
        row["backupHostname"] = f"backup{key}.example.com"
    if not pick(3):
        row["remark"] = draw.one(REMARKS)
    if kind == "register":
        row |= {"registrationAttempts": 1 + pick(9), "defaultRegistrationTime": 1800}
        row |= {"username": f"+4930{key:07}", "authName": f"auth-{key}"}
    row["password"] = f"sip-secret-{key}"
    if kind == "register":
        row |= {"enbOutboundProxy": 1, "outboundProxyServer": f"proxy{key}.example.com", "outboundProxyPort": 5060}
    else:
        row |= {"proxyClusterPublicIp": f"203.0.113.{key % 256}", "proxyPort": "5060"}
        row["proxyServerName"] = f"proxy{key}.example.com"
    return row | {"codecSel": "ulaw,alaw,g729", "dtmfMode": "rfc4733"}


def named_region(row: Row) -> Row:
    """Tell a region as trunks do."""
    return {"regionId": row.get("regionId"), "regionName": row.get("region")}


def itsp(draw: Draw, key: int, _sources: Sources) -> Row:
    """Compute a provider of trunks (query-itsp-of-shared-trunks)."""
    country, name = draw.one(ITSPS)
    return {"id": key, "country": country, "name": f"{name} {key}"}


def region(_draw: Draw, key: int, _sources: Sources) -> Row:
    """Compute a region (query-available-regions)."""
    return {"regionId": key, "region": REGIONS[key - 1] if 0 < key <= len(REGIONS) else f"Region {key}"}


def domain(_draw: Draw, key: int, _sources: Sources) -> Row:
    """Compute a domain of a region (query-available-domain-names)."""
    in_region, number = divmod(key, DOMAINS_OF_A_REGION)
    return {"regionId": in_region, "domainId": number, "domain": f"test{key}.yeastarcloud.com"}


def firmware_version(draw: Draw, key: int, sources: Sources) -> Row:
    """Compute a firmware version of cloud PBXs (query-available-firmwares)."""
    regions = sorted(draw.some(sources.ids("regions"), 4, 1))
    return {"versionId": key, "version": f"84.{8 + draw.pick(9)}.0.{key % 100}", "regionIds": regions}


def provisioning_template(draw: Draw, key: int, _sources: Sources) -> Row:
    """Compute a provisioning template (query-all-the-provisioning-templates)."""
    made = 1_683_193_984 + draw.pick(_DAY)
    return {
        "provisioningTemplateId": key,
        "provisioningTemplateName": f"Auto-Provision {draw.one(PLACES)} {key}",
        "provisioningTemplateCreateTime": made,
        "provisioningTemplateModifyTime": made + draw.pick(90 * _DAY),
    }


def user_subscription(seed: int, key: int) -> Row:
    """Compute what a user has subscribed to (query-the-subscription-of-a-ycm-user)."""
    draw = Draw(f"{seed}:user_subscriptions:{key}")
    row: Row = {}
    for what, most in (("Extensions", 900), ("ConcurrentCalls", 200), ("Recordings", 5000), ("UltimatePlan", 20)):
        row[f"total{what}"] = total = draw.pick(most)
        row[f"used{what}"] = draw.pick(total + 1)
    row |= {"minimumExtPerPbx": 5, "totalConnections": 60, "usedConnections": draw.pick(61), "totalCustomDomains": 3}
    if draw.pick(2):
        row["totalTranscription"] = 120 * draw.pick(9)
    switches = ("Disabled", "Enabled")
    return row | {"highAvailability": switches[draw.pick(2)], "whiteLabel": switches[draw.pick(2)]}


def _phone(draw: Draw) -> str:
    return draw.one(PHONES).format(draw.pick(100_000))
