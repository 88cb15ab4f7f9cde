"""Every list of YCM, its objects and its links: the vendor's forms, and what is assumed of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_ycm.sandbox import Assumptions, Limit, Sandbox, World
from tap_ycm.sandbox.account import Account
from tap_ycm.sandbox.endpoints import Endpoint, endpoints, streams
from tap_ycm.sandbox.tables import TABLES, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from raw_client import RawClient

    from tap_ycm.sandbox.rows import Row, Sources
    from tap_ycm.sandbox.texts import Draw

    Start = Callable[..., RawClient]

API = "/dm/open_api"
SCHEMAS = Path(__file__).parents[2] / "schemas"
ENDPOINTS = endpoints()
PAGED = [one.name for one in ENDPOINTS.values() if one.kind == "pages"]
LISTS = [one.name for one in ENDPOINTS.values() if one.kind == "list"]
SINGLES = [one.name for one in ENDPOINTS.values() if one.kind == "single"]
PARENTS = [one.name for one in ENDPOINTS.values() if one.kind in ("links", "subscription")]
NEEDED: dict[str, dict[str, Any]] = {"domains": {"regionIds": "1,2,3,4"}, "firmware_versions": {"type": "pbx"}}


def call(client: RawClient, name: str, key: object = None, **query: Any) -> Any:
    """Return the answer of an endpoint; `key` is the id that it asks for, by default one that is there."""
    endpoint = ENDPOINTS[name]
    if endpoint.parent is not None and key is None:
        key = client.sandbox.tables[endpoint.parent].ids()[2]
    if endpoint.query is not None:
        query = {endpoint.query: key, **query}
    return client.get(API + endpoint.path.replace("{key}", str(key)), **{**NEEDED.get(name, {}), **query})


def data(client: RawClient, name: str, key: object = None, **query: Any) -> Any:
    """Return `data` of a success."""
    body = call(client, name, key, **query).json()
    assert body["status"] == "Success", body
    return body["data"]


def rows(answer: Any) -> list[Row]:
    """Return the rows of a list, however it is wrapped."""
    if isinstance(answer, dict):
        (answer,) = (value for value in answer.values() if isinstance(value, list))
    return list(answer)


def truth(sandbox: Sandbox, stream: str) -> list[Row]:
    """Return what a stream holds now."""
    return list(sandbox.tables.rows(stream))


@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_endpoint_answers_in_the_envelope(start: Start, name: str) -> None:
    client = start(customers=5)
    body = call(client, name).json()
    assert list(body) == ["data", "requestId", "status", "time"]
    record = client.sandbox.requests[-1]
    assert (record.endpoint, record.http_status, record.ycm_code) == (name, 200, None)
    assert isinstance(body["data"], list) == (name in LISTS and name != "itsps")


@pytest.mark.parametrize("name", PAGED)
def test_pages_together_are_the_table(start: Start, name: str) -> None:
    client = start(customers=23, sizes={"trunk_permissions": 21})
    expected = truth(client.sandbox, name)
    pages = [data(client, name, pageSize=10, pageNumber=n) for n in range(1, 15)]
    assert list(pages[0]) == ["pageSize", "pageNumber", "total", "list"]
    assert {page["total"] for page in pages} == {len(expected)}
    served = [row for page in pages for row in page["list"]]
    assert served == (expected[::-1] if name == "groups" else expected)


@pytest.mark.parametrize("name", LISTS)
def test_lists_come_in_one_answer(start: Start, name: str) -> None:
    client = start(customers=5)
    answer = data(client, name)
    assert rows(answer) == truth(client.sandbox, name)
    if name == "itsps":
        assert list(answer) == ["itspInfos"]


@pytest.mark.parametrize("stream", streams())
def test_every_field_of_the_schema_is_served_and_no_other(stream: str) -> None:
    account = Account(World.seeded(200), sizes={"cloud_pbxs": 200, "shared_trunks": 50, "users": 60})
    schema = json.loads((SCHEMAS / f"{stream}.json").read_text(encoding="utf-8"))["properties"]
    served = {field for row in account.rows(stream) for field in row}
    assert served - {"password"} == schema.keys() - {"snapshotAt"}
    assert ("password" in served) == (stream == "shared_trunks")


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_in_the_vendors_order_and_nothing_is_empty(name: str) -> None:
    table = TABLES[name]
    for row in Account(World.seeded(50))[name].rows():
        assert [field for field in table.fields if field in row] == list(row)
        assert all(value not in ("", None) for value in row.values())


def test_rows_look_like_the_vendors_examples(start: Start) -> None:
    client = start(customers=5)
    pbx = data(client, "cloud_pbxs")["list"][0]
    assert list(pbx["creator"]) == ["firstName", "lastName", "email"]
    assert len(str(pbx["createTime"])) == 10
    did = next(row for row in data(client, "dids")["list"] if "cloudPbxId" in row)
    assert did["cloudPbxId"].isdecimal()
    assert all(isinstance(one, int) for one in did["trunkIds"])
    permission = data(client, "trunk_permissions")["list"][0]
    assert list(permission["trunkList"][0]) == ["trunkId", "trunkName"]
    assert list(data(client, "available_trunks")[0]) == ["id", "name", "type"]
    trunk = data(client, "shared_trunks")[0]
    assert trunk["password"] == f"sip-secret-{trunk['id']}"
    group = data(client, "group")
    assert list(group) == ["id", "groupName", "createTime", "updateTime", "selectedDeviceList", "selectedPbxList"]
    assert list(data(client, "cloud_pbx_customers")) == ["customerIds"]
    assert list(data(client, "cloud_pbx_trunks")) == ["sharedTrunkIds"]
    subscription = data(client, "subscription")
    assert list(subscription["capacity"]) == ["total", "used", "available"]
    assert subscription["highAvailability"] == "Enabled"


@pytest.mark.parametrize("name", SINGLES)
def test_a_single_object_is_the_lists(start: Start, name: str) -> None:
    client = start(customers=5)
    world = client.sandbox.tables[ENDPOINTS[name].table or ""]
    key = world.ids()[1]
    expected = world.row(key)
    if name == "user":
        del expected["twoFactorAuthenticationEnable"]
    if name == "group":
        expected = client.sandbox.tables.group(key)
    assert data(client, name, key) == expected
    record = client.sandbox.requests[-1]
    assert (record.parent, record.ids, record.seq) == (key, (key,), 0)


@pytest.mark.parametrize("name", [*SINGLES, *PARENTS])
@pytest.mark.parametrize("key", [1, "usable", "9" * 30, "-1"])
def test_who_is_not_there_is_not_found(start: Start, name: str, key: object) -> None:
    client = start(customers=5)
    answer = call(client, name, key)
    assert (answer.status_code, answer.json()["errCode"]) == (404, 1000005)
    client.sandbox.assumptions = Assumptions(not_found_as="null")
    assert call(client, name, key).json()["data"] is None
    client.sandbox.assumptions = Assumptions(not_found_as="html_404")
    assert call(client, name, key).text.startswith("<!DOCTYPE html>")


def test_parameters_that_are_needed(start: Start) -> None:
    client = start(customers=5)
    for path in ("/v1/cluster/domains", "/v1/firmware", "/v1/shared_trunk/pbx/used"):
        assert client.get(API + path).json()["errCode"] == 1000004
    assert call(client, "domains", regionIds="1,x").json()["errCode"] == 1000004
    assert {row["regionId"] for row in data(client, "domains", regionIds="3,4")} == {3, 4}
    assert data(client, "domains", regionIds="99") == []
    some = data(client, "firmware_versions", regionIds="2")
    assert 0 < len(some) < len(data(client, "firmware_versions"))
    assert all(2 in row["regionIds"] for row in some)


def test_what_can_be_sorted_by(start: Start) -> None:
    client = start(customers=5)
    ids = client.sandbox.tables["cloud_pbxs"].ids()
    for sort, expected in (("cloudPbxId", ids), ("-cloudPbxId", ids[::-1]), ("-createTime", ids[::-1])):
        assert [row["cloudPbxId"] for row in data(client, "cloud_pbxs", sort=sort, pageSize=50)["list"]] == expected
    assert call(client, "cloud_pbxs", sort="name").json()["errCode"] == 1000004
    emails = [row["email"] for row in data(client, "users", sort="-email", pageSize=50)["list"]]
    assert emails == sorted(emails, reverse=True)
    for name in ("dids", "trunk_permissions", "groups"):  # they ignore it
        assert data(client, name, sort="-id") == data(client, name) == data(client, name, sort="nothing")


@pytest.mark.parametrize("name", ["dids", "trunk_permissions", "groups"])
def test_the_order_of_lists_that_cannot_be_sorted(start: Start, name: str) -> None:
    client = start(customers=5, sizes={"groups": 30})
    ids = client.sandbox.tables[name].ids()

    def served(order: str) -> list[int]:
        changed: dict[str, Any] = {f"order_{name}": order, "default_order": "shuffled"}
        client.sandbox.assumptions = Assumptions(**changed)
        call(client, name, pageSize=50)
        return list(client.sandbox.requests[-1].ids)

    assert served("ascending") == ids[:50]
    assert served("descending") == ids[::-1][:50]
    assert served("shuffled") == served("shuffled") != ids[:50]
    assert served("reshuffled") != served("reshuffled")


def test_what_is_unknown_of_single_tables(start: Start) -> None:
    client = start(customers=30)
    trunks = data(client, "shared_trunks")
    trunk = data(client, "shared_trunk")
    links = client.sandbox.links
    pbx, group = client.sandbox.tables["cloud_pbxs"].ids()[0], client.sandbox.tables["groups"].ids()[0]
    links.put("cloud_pbx_customers", pbx, client.sandbox.world.ids()[:3])
    did = next(row for row in truth(client.sandbox, "dids") if "cloudPbxId" in row)
    client.sandbox.assumptions = Assumptions(
        trunk_list_as="object", single_trunk="bare", did_pbx_as="number", duplicates=True
    )
    assert data(client, "shared_trunks") == {"list": trunks}
    assert isinstance(data(client, "available_trunks"), list)
    assert call(client, "shared_trunk").json() == trunk
    assert data(client, "did", did["id"])["cloudPbxId"] == int(did["cloudPbxId"])
    listed = data(client, "dids", pageSize=50)["list"]
    assert {type(row["cloudPbxId"]) for row in listed if "cloudPbxId" in row} == {int}
    one, two, three = client.sandbox.world.ids()[:3]
    assert data(client, "cloud_pbx_customers", pbx) == {"customerIds": [one, two, three, one, three]}
    assert data(client, "group", group) == client.sandbox.tables.group(group)


@pytest.mark.parametrize(
    ("assumed", "total", "served"),
    [
        ({"hidden": 2}, 20, [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]),
        ({"window": 4}, 20, [1, 2, 3, 4]),
        ({"short_by": 7}, 20, [1, 2, 3]),
        ({"total_offset": -3}, 17, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ({"page_offset": 1}, 20, [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]),
        ({"stale_every": 1}, 21, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ],
)
@pytest.mark.parametrize("name", PAGED)
def test_broken_worlds_are_of_every_list(  # noqa: PLR0913, PLR0917 - parameters
    start: Start, monkeypatch: pytest.MonkeyPatch, name: str, assumed: dict[str, Any], total: int, served: list[int]
) -> None:
    monkeypatch.setitem(TABLES, name, replace(TABLES[name], first_id=1, gap=1, size=21, ids=None))
    client = start(World.seeded(21, first_id=1, gap=1), assumptions=Assumptions(order_groups="ascending", **assumed))
    client.sandbox.tables[name].delete(21)
    assert data(client, name)["total"] == total
    assert list(client.sandbox.requests[-1].ids) == served
    client.sandbox.assumptions = replace(
        client.sandbox.assumptions, only="customers" if name != "customers" else "dids"
    )
    data(client, name, pageSize=20)
    assert sorted(client.sandbox.requests[-1].ids) == list(range(1, 21))


@pytest.mark.parametrize("name", LISTS)
def test_an_unpaged_list_may_be_broken_too(start: Start, name: str) -> None:
    client = start(customers=5, assumptions=Assumptions(hidden=2, stale_every=1, stale_lag=1))
    world = client.sandbox.tables[ENDPOINTS[name].table or name]
    gone = world.ids()[0] | 1
    world.put_row(gone, {})
    world.delete(gone)
    expected = [one for one in world.ids_at(world.seq - 1) if one % 2]
    assert gone in expected
    call(client, name)
    if name not in ("domains", "firmware_versions"):  # which are asked for by region
        assert list(client.sandbox.requests[-1].ids) == expected
    client.sandbox.assumptions = replace(client.sandbox.assumptions, only="users")
    assert rows(data(client, name)) == truth(client.sandbox, name)


@pytest.mark.parametrize("name", SINGLES)
def test_look_ups_may_be_broken(start: Start, name: str) -> None:
    client = start(customers=5, assumptions=Assumptions(look_up="another"))
    world = client.sandbox.tables[ENDPOINTS[name].table or ""]
    assert data(client, name, world.ids()[0])[world.table.key] == world.ids()[1]
    client.sandbox.assumptions = Assumptions(look_up="not_permitted", only="backup_files")
    assert data(client, name)
    client.sandbox.assumptions = Assumptions(look_up="not_permitted", only=ENDPOINTS[name].streams[0])
    assert call(client, name).json()["errCode"] == 1000043


@pytest.mark.parametrize("stream", streams())
def test_a_stream_may_be_denied(start: Start, stream: str) -> None:
    client = start(customers=5, assumptions=Assumptions(denied=(stream, "itsps"), denied_code=1000042))
    for name, endpoint in ENDPOINTS.items():
        code = call(client, name).json().get("errCode")
        assert code == (1000042 if {stream, "itsps"} & {*endpoint.streams} else None), name


def test_the_members_of_groups_may_be_denied_alone(start: Start) -> None:
    client = start(customers=5, assumptions=Assumptions(denied=("group_members",)))
    assert call(client, "groups").ok
    assert call(client, "group").json()["errCode"] == 1000043


@pytest.mark.parametrize("name", ["cloud_pbx_customers", "cloud_pbx_trunks", "user_subscriptions", "group"])
def test_a_parent_may_vanish_before_its_call(start: Start, name: str) -> None:
    client = start(customers=5, assumptions=Assumptions(vanishing_parents=3))
    parents = client.sandbox.tables[ENDPOINTS[name].parent or ""]
    ids = parents.ids()[:6]
    assert [call(client, name, key).status_code for key in ids] == [200, 200, 404, 200, 200, 404]
    assert set(ids) - set(parents.ids()) == {ids[2], ids[5]}
    assert call(client, name, 3).status_code == 404
    assert [one.parent for one in client.sandbox.requests[-2:]] == [ids[5], 3]


@pytest.mark.parametrize(
    ("fault", "name", "seen"),
    [
        ("cloud_pbx_customers:2:http=503", "cloud_pbx_customers", "<!DOCTYPE html>"),
        ("subscription:2:data_null", "subscription", '{"data":null'),
        ("group:2:error=1000001", "group", '"errCode":1000001'),
        ("users:2:no_list", "users", '"total":30}'),
        ("dids:2:big_int_id", "dids", '{"id":9223372036854775808'),
        ("regions:2:big_int_id=5", "regions", '[{"regionId":5'),
        ("user:2:lone_surrogate", "user", '"firstName":"\\ud83d"'),
        ("shared_trunks:2:lone_surrogate", "shared_trunks", '"name":"\\ud83d"'),
        ("any:3:html", "domains", "<!DOCTYPE html>"),
        ("plan_statistics:2:not_json", "plan_statistics", '{"data": {"list": [,'),
    ],
)
def test_faults_are_of_every_endpoint(start: Start, fault: str, name: str, seen: str) -> None:
    client = start(customers=5, faults=[fault])
    healthy = call(client, name).json()["data"]
    assert seen in call(client, name).text
    assert client.sandbox.requests[-1].fault == fault.partition("=")[0].rpartition(":")[2]
    assert call(client, name).json()["data"] == healthy


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("cloud_pbx_trunks", b':"\xff\xfe'),
        ("plan_statistics", b':"\xff\xfe'),
        ("cloud_pbxs", b'[{"name":"\xff\xfe",'),
        ("regions", b'[{"region":"\xff\xfe",'),
    ],
)
def test_a_byte_that_utf8_does_not_know(start: Start, name: str, seen: bytes) -> None:
    client = start(customers=5, faults=[f"{name}:*:bad_utf8"])
    assert seen in call(client, name).content


def test_the_limit_counts_every_endpoint(start: Start) -> None:
    client = start(customers=5, assumptions=Assumptions(limit=Limit(len(ENDPOINTS), 1, 600)))
    assert all(call(client, name).ok for name in ENDPOINTS)
    assert all(call(client, name).json()["errCode"] == 1000040 for name in ENDPOINTS)


def test_before_call_makes_precise_interleavings(start: Start) -> None:
    """It is told the endpoint and the number of the request to it."""
    client = start(customers=5)
    pbxs = client.sandbox.tables["cloud_pbxs"]
    first, second = pbxs.ids()[:2]
    seen = []

    def delete(name: str, n: int) -> None:
        seen.append((name, n))
        if (name, n) == ("cloud_pbx_trunks", 2):
            pbxs.delete(second)

    client.sandbox.before_call = delete
    assert call(client, "cloud_pbx_trunks", second).ok
    assert call(client, "cloud_pbx", second).ok
    assert call(client, "cloud_pbx_trunks", second).status_code == 404
    assert call(client, "cloud_pbx_trunks", first).ok
    assert seen == [("cloud_pbx_trunks", 1), ("cloud_pbx", 1), ("cloud_pbx_trunks", 2), ("cloud_pbx_trunks", 3)]


@pytest.mark.parametrize("stream", streams())
def test_the_truth_is_told_of_every_stream(start: Start, stream: str) -> None:
    client = start(customers=5)
    answer = client.session.get(f"{client.sandbox.url}/sandbox/truth", params={"table": stream})
    assert [json.loads(line) for line in answer.content.split(b"\n")[:-1]] == truth(client.sandbox, stream) != []


def test_the_truth_of_what_is_computed(start: Start) -> None:
    """It is what a reader puts together from the answers."""
    client = start(customers=50)
    tables = client.sandbox.tables
    links = [
        {"cloudPbxId": pbx, "customerId": one}
        for pbx in tables["cloud_pbxs"].ids()
        for one in data(client, "cloud_pbx_customers", pbx)["customerIds"]
    ]
    assert truth(client.sandbox, "cloud_pbx_customers") == links != []
    members = [
        {"groupId": key, "memberType": kind, "memberId": one["id"], "name": one["name"], "sn": one["sn"]}
        for key in tables["groups"].ids()
        for kind, field in (("device", "selectedDeviceList"), ("cloud_pbx", "selectedPbxList"))
        for one in data(client, "group", key)[field]
    ]
    assert truth(client.sandbox, "group_members") == members != []
    user = tables["users"].ids()[0]
    assert truth(client.sandbox, "user_subscriptions")[0] == {
        "userId": user,
        **data(client, "user_subscriptions", user),
    }
    for stream in ("subscription", "plan_statistics", "remote_connections"):
        assert truth(client.sandbox, stream) == [data(client, stream)]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "truth?table=nobody", None),
        ("POST", "churn", {"create": 1, "table": "nobody"}),
        ("POST", "churn", {"create": 1, "table": "cloud_pbx_trunks"}),
        ("POST", "churn", {"create": 1, "table": []}),
        ("POST", "assumptions", ["denied=nobody"]),
        ("POST", "assumptions", ["only=nobody"]),
        ("POST", "assumptions", ["vanishing_parents=-1"]),
    ],
)
def test_mistakes_about_tables_are_told(start: Start, method: str, path: str, body: object) -> None:
    client = start(customers=5)
    answer = client.session.request(method, f"{client.sandbox.url}/sandbox/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


def test_a_table_is_made_when_somebody_looks(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test of customers pays for nothing else."""
    made = []
    original = Account._made

    def spy(account: Account, table: Table) -> World:
        made.append(table.name)
        return original(account, table)

    monkeypatch.setattr(Account, "_made", spy)
    client = start(customers=50, churn_per_request=5)
    client.ids()
    client.sandbox.shake(create=1, delete=1, edit=1)
    assert made == []
    call(client, "users")
    assert made == ["users"]


def test_another_list_of_customers_is_linked(start: Start) -> None:
    client = start(customers=5)
    before = truth(client.sandbox, "cloud_pbx_customers")
    pbx = client.sandbox.tables["cloud_pbxs"].ids()[0]
    other = World.seeded(40, first_id=1)
    client.sandbox.links.put("cloud_pbx_customers", pbx, other.ids())
    client.sandbox.world = other
    assert client.sandbox.tables["customers"] is client.sandbox.world is other
    links = truth(client.sandbox, "cloud_pbx_customers")
    assert {row["customerId"] for row in links} <= set(other.ids())
    assert links != before
    assert client.sandbox.links.of("cloud_pbx_customers", pbx) != other.ids()


def test_sizes() -> None:
    account = Account(World.seeded(5), sizes={"users": 0, "dids": 500, "domains": 3, "trunk_permissions": 4})
    assert [len(account[name]) for name in ("users", "dids", "domains", "trunk_permissions")] == [0, 500, 12, 0]
    assert truth_of_nothing() == []
    assert len(Sandbox(sizes={"customers": 9}).world) == 9
    for sizes in ({"nobody": 1}, {"users": -1}):
        with pytest.raises(ValueError, match="A size is"):
            Sandbox(sizes=sizes)
    with pytest.raises(ValueError, match="Churn changes"):
        Sandbox(churn_tables="nobody")


def truth_of_nothing() -> list[Row]:
    """Return every row, but the snapshots, of an account without any."""
    account = Account(World(), sizes=dict.fromkeys(TABLES, 0))
    snapshots = ("subscription", "plan_statistics", "remote_connections")
    return [row for stream in streams() if stream not in snapshots for row in account.rows(stream)]


def test_a_new_list_is_one_entry(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is served, broken, changed and told like the others."""

    def site(draw: Draw, key: int, sources: Sources) -> Row:
        return {"siteId": key, "name": f"Site {key}", "cloudPbxId": draw.one(sources.ids("cloud_pbxs"))}

    table = Table("sites", "siteId", ("siteId", "name", "cloudPbxId"), site, path="/v1/sites", text="name", size=12)
    monkeypatch.setitem(TABLES, "sites", table)
    client = start(customers=5, faults=["sites:2:html"], assumptions=Assumptions(hidden=2, only="sites"))
    answer = client.get(f"{API}/v1/sites")
    assert answer.json()["data"]["list"] == [row for row in truth(client.sandbox, "sites") if row["siteId"] % 2]
    assert "html" in client.get(f"{API}/v1/sites").text
    assert len(client.sandbox.shake(table="sites", create=2)) == 2


def test_every_endpoint_is_described() -> None:
    """In the docstring of the module: the name and the path of those that are no table."""
    import tap_ycm.sandbox.endpoints as module  # noqa: PLC0415 - its docstring only

    for endpoint in ENDPOINTS.values():
        if isinstance(endpoint, Endpoint) and endpoint.kind not in ("pages", "single") and endpoint.name not in TABLES:
            assert f"| {endpoint.name} | {endpoint.path}" in (module.__doc__ or "")
