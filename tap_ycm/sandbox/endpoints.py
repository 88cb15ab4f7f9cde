"""The endpoints of the sandbox, as data: what YCM serves at which path, after `/dm/open_api`.

| name | path | kind |
|---|---|---|
| of a table in `TABLES` | `Table.path` | pages, or a list in one answer |
| of its `single` | its path | one object |
| available_trunks | /v1/shared_trunk/name/acl | a list in one answer |
| cloud_pbx_customers | /v1/cloud_pbx/instances/{key}/customers | links of a parent |
| cloud_pbx_trunks | /v1/shared_trunk/pbx/used?cloudPbxId= | links of a parent |
| user_subscriptions | /v1/users/{key}/subscription_info | an object of a parent |
| subscription | /v1/subscription | a snapshot |
| plan_statistics | /v1/subscription/plan_statistics | a snapshot |
| remote_connections | /v1/subscription/rm_connections | a snapshot |

`group` tells the members of a group, too. `token` and `revoke` are no data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from tap_ycm.sandbox.tables import TABLES

__all__ = ["Endpoint", "endpoints", "streams"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call that reads.

    Attributes:
        name: How faults and the log of requests call it.
        path: After `/dm/open_api`, with `{key}` for an id.
        kind: How it answers.
        streams: The streams that it serves.
        table: The table whose rows it tells.
        parent: The table of the object that is asked for.
        query: The parameter that names that object, if the path does not.
        field: The field that holds the ids of links.
    """

    name: str
    path: str
    kind: Literal["pages", "list", "single", "links", "subscription", "snapshot"]
    streams: tuple[str, ...]
    table: str | None = None
    parent: str | None = None
    query: str | None = None
    field: str = ""


def endpoints() -> dict[str, Endpoint]:
    """Return every endpoint by its name."""
    found: list[Endpoint] = []
    for table in TABLES.values():
        kind: Literal["pages", "list"] = "pages" if table.paged else "list"
        found.append(Endpoint(table.name, table.path, kind, (table.name,), table.name))
        if table.single is not None:
            name, path = table.single
            served = (table.name, "group_members") if name == "group" else (table.name,)
            found.append(Endpoint(name, path, "single", served, table.name, table.name))
    found += _OTHERS
    return {one.name: one for one in found}


def streams() -> tuple[str, ...]:
    """Return the name of every stream that the sandbox serves."""
    return tuple(dict.fromkeys(name for one in endpoints().values() for name in one.streams))


_OTHERS: Final = (
    Endpoint("available_trunks", "/v1/shared_trunk/name/acl", "list", ("available_trunks",), "shared_trunks"),
    Endpoint(
        "cloud_pbx_customers",
        "/v1/cloud_pbx/instances/{key}/customers",
        "links",
        ("cloud_pbx_customers",),
        parent="cloud_pbxs",
        field="customerIds",
    ),
    Endpoint(
        "cloud_pbx_trunks",
        "/v1/shared_trunk/pbx/used",
        "links",
        ("cloud_pbx_trunks",),
        parent="cloud_pbxs",
        query="cloudPbxId",
        field="sharedTrunkIds",
    ),
    Endpoint(
        "user_subscriptions",
        "/v1/users/{key}/subscription_info",
        "subscription",
        ("user_subscriptions",),
        parent="users",
    ),
    Endpoint("subscription", "/v1/subscription", "snapshot", ("subscription",)),
    Endpoint("plan_statistics", "/v1/subscription/plan_statistics", "snapshot", ("plan_statistics",)),
    Endpoint("remote_connections", "/v1/subscription/rm_connections", "snapshot", ("remote_connections",)),
)
