"""The tables agree with one another, whatever happens to them."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tap_ycm.sandbox import Assumptions, Sandbox, World
from tap_ycm.sandbox.account import Account
from tap_ycm.sandbox.rows import named_region, named_user
from tap_ycm.sandbox.tables import TABLES
from tap_ycm.sandbox.world import Churn

if TYPE_CHECKING:
    from collections.abc import Callable

    from raw_client import RawClient

    from tap_ycm.sandbox.rows import Row

SIZES = {"cloud_pbxs": 12, "users": 12, "dids": 30, "shared_trunks": 6}


def account() -> Account:
    """Make a small one."""
    return Account(World.seeded(20), sizes=SIZES)


def all_rows(tables: Account) -> dict[str, dict[int, Row]]:
    """Return every table, by id."""
    return {name: dict(zip(world.ids(), world.rows(), strict=True)) for name, world in tables.items()}


def check(tables: Account) -> None:
    """Every reference leads to somebody, and what is repeated is the same."""
    have = all_rows(tables)
    for row in have["dids"].values():
        assert "cloudPbxId" not in row or int(row["cloudPbxId"]) in have["cloud_pbxs"]
        assert set(row["trunkIds"]) <= have["shared_trunks"].keys()
    for key, row in have["trunk_permissions"].items():
        assert named_user(have["users"][key]).items() <= row.items()
        for one in row["trunkList"]:
            assert one["trunkName"] == have["shared_trunks"][one["trunkId"]]["name"]
    for row in have["shared_trunks"].values():
        if "regionId" in row:
            assert named_region(have["regions"][row["regionId"]]).items() <= row.items()
        else:
            assert "regionName" not in row
    assert {row["regionId"] for row in have["domains"].values()} <= have["regions"].keys()
    assert all(set(row["regionIds"]) <= have["regions"].keys() for row in have["firmware_versions"].values())
    for link, child, other in (
        ("cloud_pbx_customers", "customerId", "customers"),
        ("cloud_pbx_trunks", "trunkId", "shared_trunks"),
    ):
        for row in tables.rows(link):
            assert row["cloudPbxId"] in have["cloud_pbxs"]
            assert row[child] in have[other]
    members = list(tables.rows("group_members"))
    for key, row in have["groups"].items():
        assert row["deviceNumber"] == sum(one["groupId"] == key for one in members)
    assert all(one["memberId"] in have["cloud_pbxs"] for one in members if one["memberType"] == "cloud_pbx")
    assert [row["userId"] for row in tables.rows("user_subscriptions")] == list(have["users"])
    (statistics,) = tables.rows("plan_statistics")
    assert sum(statistics["pbxNumber"].values()) == len(have["cloud_pbxs"])


def test_the_tables_agree_at_first_and_are_the_same_for_the_same_seed() -> None:
    check(account())
    assert all_rows(account()) == all_rows(account())
    other = Account(World.seeded(20), sizes=SIZES, seed=8)
    assert all_rows(other)["dids"] != all_rows(account())["dids"]


@pytest.mark.parametrize("seed", range(8))
def test_the_tables_agree_after_any_changes(seed: int) -> None:
    """In any order, and whichever table is looked at first."""
    tables, rng = account(), random.Random(seed)  # noqa: S311 - data
    churns: dict[str, Churn] = {}
    for _ in range(12):
        for _ in range(10):
            name = rng.choice(list(TABLES))
            if name not in churns:
                churns[name] = Churn(tables[name], seed, partial(tables.links.redraw, name))
            churns[name].step()
        check(tables)


@pytest.mark.parametrize("seed", range(3))
def test_the_tables_agree_when_much_is_deleted(seed: int) -> None:
    tables, rng = account(), random.Random(seed)  # noqa: S311 - data
    for name in rng.sample(sorted(TABLES), len(TABLES)):
        for key in rng.sample(tables[name].ids(), len(tables[name]) // 2):
            if key in tables[name]:
                tables[name].delete(key)
        check(tables)


def test_an_old_version_of_a_table_has_the_old_references() -> None:
    tables = account()
    pbxs, dids = tables["cloud_pbxs"], tables["dids"]
    before = {key: dids.row(key) for key in dids.ids()}
    pbx = next(int(row["cloudPbxId"]) for row in before.values() if "cloudPbxId" in row)
    pbxs.delete(pbx)
    assert {key: dids.row(key, 0) for key in dids.ids_at(0)} == before
    lost = [key for key, row in before.items() if row.get("cloudPbxId") == str(pbx)]
    assert [event.key for event in dids.history] == lost
    assert all("cloudPbxId" not in dids.row(key) for key in lost)


def test_who_is_deleted_and_comes_back_is_linked_no_more() -> None:
    tables = account()
    link = next(iter(tables.rows("cloud_pbx_customers")))
    pbx, customer = link["cloudPbxId"], link["customerId"]
    tables["customers"].delete(customer)
    tables["customers"].create(customer)
    assert customer not in tables.links.of("cloud_pbx_customers", pbx)
    tables.links.put("cloud_pbx_customers", pbx, [customer])
    assert tables.links.of("cloud_pbx_customers", pbx) == [customer]
    tables["customers"].delete(customer)
    assert tables.links.of("cloud_pbx_customers", pbx) == []
    tables["customers"].create(customer)
    assert tables.links.of("cloud_pbx_customers", pbx) == []


def test_links_are_set() -> None:
    tables = account()
    group, pbxs = tables["groups"].ids()[0], tables["cloud_pbxs"].ids()[:3]
    tables.links.put("group_pbxs", group, pbxs)
    tables.links.put("group_devices", group, [1, 2])
    members = [(row["memberType"], row["memberId"]) for row in tables.rows("group_members") if row["groupId"] == group]
    assert members == [("device", 1), ("device", 2), *(("cloud_pbx", one) for one in pbxs)]
    assert tables["groups"].row(group)["deviceNumber"] == 5
    updated = tables.group(group)["updateTime"]
    assert abs(updated - time.time()) < 60
    tables["cloud_pbxs"].delete(pbxs[0])
    assert tables["groups"].row(group)["deviceNumber"] == 4
    check(tables)
    with pytest.raises(KeyError):
        tables.links.of("cloud_pbx_trunks", pbxs[0])


def test_a_new_name_is_the_name_everywhere() -> None:
    tables = account()
    user = tables["trunk_permissions"].ids()[0]
    tables["users"].edit(user, firstName="Zoë", lastName=None, email="new@example.com")
    row = tables["trunk_permissions"].row(user)
    assert (row["userName"], row["userEmail"]) == ("Zoë", "new@example.com")
    tables["shared_trunks"].edit(row["trunkList"][0]["trunkId"], name="Renamed_ABC123")
    assert tables["trunk_permissions"].row(user)["trunkList"][0]["trunkName"] == "Renamed_ABC123"
    tables["users"].delete(user)
    assert user not in tables["trunk_permissions"]
    check(tables)


def test_a_new_permission_is_of_a_user_without() -> None:
    tables = account()
    permissions = tables["trunk_permissions"]
    without = sorted(set(tables["users"].ids()) - set(permissions.ids()))
    assert [permissions.create() for _ in without] == without
    with pytest.raises(ValueError, match="no more trunk_permissions"):
        permissions.create()
    assert Churn(permissions).make(create=3) == []
    check(tables)


def test_rows_that_are_broken_on_purpose_break_nothing_else() -> None:
    """They are served as they are."""
    tables = account()
    first_two: dict[str, list[int]] = {}
    for name in ("dids", "trunk_permissions", "shared_trunks", "users", "cloud_pbxs", "groups", "regions"):
        tables[name].put_row(tables[name].ids()[0], {"cloudPbxId": [None], "trunkIds": "x", "trunkList": [1, {}]})
    for name in ("cloud_pbxs", "shared_trunks", "users", "regions"):
        first, second = first_two[name] = tables[name].ids()[:2]
        tables[name].edit(second, remark="x")
        tables[name].delete(second)
        tables[name].delete(first)
    for name in ("cloud_pbxs", "shared_trunks", "users", "regions"):
        assert not {first_two[name][0], first_two[name][1]} & set(tables[name].ids())
    for stream in ("group_members", "plan_statistics", "available_trunks", "subscription"):
        assert list(tables.rows(stream)), stream
    assert tables["trunk_permissions"].create() in tables["trunk_permissions"].ids()


def test_shaking_another_table(start: Callable[..., RawClient]) -> None:
    sandbox = start(customers=20).sandbox
    pbxs = sandbox.tables["cloud_pbxs"]
    touched = sandbox.shake(table="cloud_pbxs", create=2, delete=3, edit=1)
    assert [event.kind for event in pbxs.history] == ["create"] * 2 + ["delete"] * 3 + ["edit"]
    assert [event.key for event in pbxs.history] == touched
    assert sandbox.world.seq == 0
    check(sandbox.tables)


def test_an_edited_parent_has_other_links() -> None:
    """Otherwise churn would never show a link that goes while both sides live."""
    sandbox = Sandbox(customers=200, sizes={"cloud_pbxs": 1})
    before = list(sandbox.tables.rows("cloud_pbx_customers"))
    sandbox.shake(table="cloud_pbxs", edit=1)
    assert list(sandbox.tables.rows("cloud_pbx_customers")) != before


def test_churn_of_other_tables_over_http(start: Callable[..., RawClient]) -> None:
    client = start(customers=20)
    url = f"{client.sandbox.url}/sandbox/churn"
    touched = client.session.post(url, json={"create": 1, "delete": 2, "table": "users"}).json()
    assert [len(ids) for ids in touched.values()] == [1, 2]
    assert len(client.sandbox.tables["users"]) == 29
    check(client.sandbox.tables)


@pytest.mark.parametrize(
    ("tables", "changed"),
    [(("customers",), {"customers"}), ("users,regions", {"users", "regions"}), ("all", set(TABLES))],
)
def test_churn_per_request_changes_the_tables_it_is_told(
    start: Callable[..., RawClient], tables: Any, changed: set[str]
) -> None:
    clients = [start(customers=20, churn_per_request=40, churn_tables=tables) for _ in range(2)]
    for client in clients:
        for _ in range(5):
            assert client.get("/dm/open_api/v2/users").ok
        check(client.sandbox.tables)
    sandbox = clients[0].sandbox
    assert {name for name in TABLES if sandbox.tables[name].seq} >= changed
    if tables == ("customers",):
        assert not any(sandbox.tables[name].seq for name in TABLES if name != "customers")
    assert all_rows(sandbox.tables) == all_rows(clients[1].sandbox.tables)


def test_a_look_up_changes_nothing(start: Callable[..., RawClient]) -> None:
    """Churn per request is for lists and for what a parent has."""
    client = start(customers=20, churn_per_request=1)
    pbx = client.sandbox.tables["cloud_pbxs"].ids()[0]
    for path, seq in ((f"instances/{pbx}", 0), (f"instances/{pbx}/customers", 1)):
        assert client.get(f"/dm/open_api/v1/cloud_pbx/{path}").ok
        assert client.sandbox.world.seq == seq


def test_background_churn_of_all_tables(start: Callable[..., RawClient]) -> None:
    """The tables agree at every moment, also while they change."""
    sandbox = start(customers=20, churn=400, churn_tables="all", assumptions=Assumptions()).sandbox
    deadline = time.monotonic() + 5
    while sum(world.seq for world in sandbox.tables.values()) < 40 and time.monotonic() < deadline:
        time.sleep(0.01)  # or the lock would hardly ever be free
        with sandbox.world.lock:
            check(sandbox.tables)
    assert sum(world.seq for world in sandbox.tables.values()) >= 40
