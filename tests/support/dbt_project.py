"""The dbt project of the examples, real dbt commands in a copy of it, and the sandbox's truth in its words."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness import CLEAN_ENVIRONMENT, SCHEMAS
from meltano_project import REPOSITORY
from warehouse import KINDS, truth

from tap_ycm.sandbox import account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import pytest

    from tap_ycm.sandbox import Sandbox

CORE = "dbt-core==1.11.16"
Row = dict[str, Any]

OF_CUSTOMER = ("customer_id", "company", "first_name", "last_name", "email", "country")
OF_PBX = (
    *("sn", "pbx_status", "region", "plan", "plan_expiration_date", "expiration_date"),
    *("extension_capacity", "concurrent_call_capacity"),
)
"""What ycm_customers takes as it is."""
TIMES = ("snapshot_at", "extracted_at")
"""When the tap read, which the sandbox does not know."""


class DbtProject:
    """A copy of examples/dbt.

    Attributes:
        folder: Where it is.
    """

    def __init__(self, folder: Path, dbt: str, **environment: str) -> None:
        """Copy it; ``dbt`` is the path of the program."""
        self.folder, self._dbt, self._environment = folder, dbt, environment
        shutil.copytree(REPOSITORY / "examples" / "dbt", folder)

    def run(self, *arguments: str, status: int | None = 0) -> str:
        """Run a command of dbt, which must end so (None: in any way); returns its log."""
        process = subprocess.run(
            [self._dbt, "--no-use-colors", *arguments],
            cwd=self.folder,
            env={**CLEAN_ENVIRONMENT, **self._environment},
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )
        assert status is None or process.returncode == status, process.stdout + process.stderr
        return process.stdout

    def results(self, *but: str) -> dict[str, str]:
        """Return the names of all tests and models of the last command with their status, but for these statuses."""
        content = json.loads((self.folder / "target" / "run_results.json").read_text(encoding="utf-8"))
        found = {result["unique_id"].split(".")[2]: result["status"] for result in content["results"]}
        return {name: status for name, status in found.items() if status not in but}


def wrong(table: Callable[[str], list[Row]], ycm: Sandbox, not_loaded: Sequence[str] = ()) -> list[str]:
    """Return the models that are not what the sandbox has now; of history, only the newest counts.

    Args:
        table: Reads a model.
        ycm: The sandbox.
        not_loaded: Streams that were not loaded, whose staging models ought to be empty.
    """
    wanted = {f"stg_ycm__{name}": [] if name in not_loaded else staged(ycm, name) for name in KINDS}
    wanted["stg_ycm__dids__trunk_ids"] = [
        {"did_id": row["id"], "trunk_id": trunk} for row in staged(ycm, "dids") for trunk in row["trunk_ids"]
    ]
    wanted["stg_ycm__trunk_permissions__trunk_list"] = [
        {"user_id": row["user_id"], "trunk_id": trunk["trunkId"], "trunk_name": trunk["trunkName"]}
        for row in staged(ycm, "trunk_permissions")
        for trunk in row["trunk_list"]
    ]
    wanted["stg_ycm__firmware_versions__region_ids"] = [
        {"version_id": row["version_id"], "region_id": region}
        for row in staged(ycm, "firmware_versions")
        for region in row["region_ids"]
    ]
    wanted |= {"ycm_customers": customers(ycm), "ycm_expiring": expiring(ycm), "ycm_numbers": numbers(ycm)}
    of_account = [row for row in capacity(ycm) if row["user_id"] is None]
    wanted["ycm_capacity"] = of_account if "user_subscriptions" in not_loaded else capacity(ycm)
    return [name for name, rows in wanted.items() if plain(newest(table(name))) != plain(rows)]


def newest(rows: list[Row]) -> list[Row]:
    """Return rows without the time of a snapshot; where there are several snapshots of a thing, only the newest."""
    latest: dict[Any, Any] = {}
    for row in rows:
        thing = (row.get("resource"), row.get("user_id") is None)
        latest[thing] = max(row.get("snapshot_at", ""), latest.get(thing, row.get("snapshot_at", "")))
    return [
        {name: value for name, value in row.items() if name not in TIMES}
        for row in rows
        if row.get("snapshot_at", "") == latest[row.get("resource"), row.get("user_id") is None]
    ]


def plain(rows: Iterable[Row]) -> list[dict[str, str]]:
    """Return rows in an order and in words that do not depend on the warehouse."""
    words = [{name.lower(): _word(name.lower(), value) for name, value in row.items()} for row in rows]
    return sorted(words, key=lambda row: sorted(row.items()))


def _word(name: str, value: Any) -> str:
    if isinstance(value, str) and value.startswith("["):  # JSON in a warehouse
        value = json.loads(value)
    if isinstance(value, list):
        return json.dumps(value, sort_keys=True)
    if name == "customers" and value:  # each warehouse has its own alphabet
        return ", ".join(sorted(value.split(", ")))
    return str(value)


def snake(name: str) -> str:
    """Return the name of a column in the staging models."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()
    return "row_count" if name == "rows" else name


def staged(ycm: Sandbox, name: str) -> list[Row]:
    """Return what a staging model ought to have now, of snapshots without their time."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    rows = [dict(_leaves(schema, row)) for row in truth(ycm, name).values()]
    return [{column: value for column, value in row.items() if column != "snapshot_at"} for row in rows]


def _leaves(rules: dict[str, Any], value: Row | None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in rules["properties"].items():
        found = (value or {}).get(name)
        if "properties" in inner:
            yield from _leaves(inner, found, f"{prefix}{snake(name)}_")
        elif inner.get("format") == "date-time" and found:
            yield prefix + snake(name), datetime.fromisoformat(found).replace(tzinfo=None)
        else:
            yield prefix + snake(name), found


def let_expire(ycm: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let things expire on days around those that ycm_expiring looks at."""
    now, days = int(time.time()), (-1, 1, 59, 61)
    monkeypatch.setattr(account, "_EXPIRY", now + 30 * 86_400)
    for key, pbx, plan in zip(ycm.tables["cloud_pbxs"].ids(), days, reversed(days), strict=False):
        ycm.tables["cloud_pbxs"].edit(key, expirationDate=now + pbx * 86_400, planExpirationDate=now + plan * 86_400)


def customers(ycm: Sandbox) -> list[Row]:
    """Return what ycm_customers ought to have."""
    pbxs = {pbx["cloud_pbx_id"]: pbx for pbx in staged(ycm, "cloud_pbxs")}
    links, dids = defaultdict(list), staged(ycm, "dids")
    for link in staged(ycm, "cloud_pbx_customers"):
        links[link["customer_id"]].append(link["cloud_pbx_id"])
    rows = []
    for customer in staged(ycm, "customers"):
        for key in links[customer["customer_id"]] or [None]:
            pbx = pbxs.get(key, {})
            numbers = sorted(did["did"] for did in dids if key and did["cloud_pbx_id"] == key)
            rows.append(
                {name: customer[name] for name in OF_CUSTOMER}
                | {name: pbx.get(name) for name in OF_PBX}
                | {"cloud_pbx_id": key, "pbx_name": pbx.get("name"), "pbx_type": pbx.get("type")}
                | {"number_count": len(numbers), "numbers": ", ".join(numbers) or None}
            )
    return rows


def expiring(ycm: Sandbox) -> list[Row]:
    """Return what ycm_expiring ought to have."""
    now = datetime.now(UTC).replace(tzinfo=None)
    (package,), (connections,) = staged(ycm, "subscription"), staged(ycm, "remote_connections")
    companies = defaultdict(list)
    for customer in customers(ycm):
        if customer["company"]:
            companies[customer["cloud_pbx_id"]].append(customer["company"])
    nothing: Row = {"cloud_pbx_id": None, "name": None, "type": None, "plan": None}
    ends = [
        ("hosting package", nothing, package["expiration_time"]),
        ("call recording", nothing, package["recording_expire_date"]),
        ("remote management", nothing, connections["remote_management_account_expiration_time"]),
        ("premium remote management", nothing, connections["remote_management_premium_account_expiration_time"]),
    ]
    for pbx in staged(ycm, "cloud_pbxs"):
        ends += [("cloud PBX", pbx, pbx["expiration_date"]), ("feature plan", pbx, pbx["plan_expiration_date"])]
    return [
        {
            "what": what,
            "cloud_pbx_id": pbx["cloud_pbx_id"],
            "pbx_name": pbx["name"],
            "pbx_type": pbx["type"],
            "plan": pbx["plan"],
            "customers": ", ".join(companies[pbx["cloud_pbx_id"]] if pbx["cloud_pbx_id"] else []) or None,
            "expires_at": end,
            "days_left": (end.date() - now.date()).days,
        }
        for what, pbx, end in ends
        if end and now <= end < now + timedelta(days=60)
    ]


def capacity(ycm: Sandbox) -> list[Row]:
    """Return what one sync ought to add to ycm_capacity, without its time."""
    (package,), (connections,) = staged(ycm, "subscription"), staged(ycm, "remote_connections")
    (plans,) = staged(ycm, "plan_statistics")
    rows = []

    def add(resource: str, *amounts: int | None, user: int | None = None) -> None:
        names = ("bought", "assigned", "used", "available")
        if any(amount is not None for amount in amounts):
            rows.append({"user_id": user, "resource": resource, **dict(zip(names, amounts, strict=True))})

    words = {"extensions": "extension", "concurrent calls": "concurrent_call", "call recording": "recording"}
    for resource, word in {**words, "AI transcription": "transcription", "Ultimate Plans": "ultimate_plan"}.items():
        places = ("total", "used_assigned_to_reseller", "used", "available")
        add(resource, *(package[f"capacity_{place}_{word}_capacity"] for place in places))
    kinds = ("capacity", "assigned_to_reseller_capacity", "used")
    add("remote connections", *(connections[f"connections_{kind}"] for kind in kinds), None)
    for plan in ("Enterprise Plan", "Ultimate Plan"):
        for what, word in (("PBXs", "pbx"), ("extensions", "extension")):
            add(f"{what} on the {plan}", None, None, plans[f"{word}_number_{plan.lower().replace(' ', '_')}"], None)
    for user in staged(ycm, "user_subscriptions"):
        for resource, word in {
            "extensions": "extensions",
            "concurrent calls": "concurrent_calls",
            "call recording": "recordings",
            "AI transcription": "transcription",
            "Ultimate Plans": "ultimate_plan",
            "remote connections": "connections",
            "custom domains": "custom_domains",
        }.items():
            add(resource, user[f"total_{word}"], None, user.get(f"used_{word}"), None, user=user["user_id"])
    return rows


def numbers(ycm: Sandbox) -> list[Row]:
    """Return what ycm_numbers ought to have."""
    pbxs = {pbx["cloud_pbx_id"]: pbx["name"] for pbx in staged(ycm, "cloud_pbxs")}
    trunks = {trunk["id"]: trunk for trunk in staged(ycm, "shared_trunks")}
    return [
        {
            "did_id": did["id"],
            "number": did["did"],
            "number_name": did["did_name"],
            "trunk_id": trunk,
            "trunk_name": trunks[trunk]["name"] if trunk else None,
            "itsp": trunks[trunk]["itsp"] if trunk else None,
            "cloud_pbx_id": did["cloud_pbx_id"],
            "pbx_name": pbxs.get(did["cloud_pbx_id"]),
            "is_free": did["cloud_pbx_id"] is None,
        }
        for did in staged(ycm, "dids")
        for trunk in did["trunk_ids"] or [None]
    ]
