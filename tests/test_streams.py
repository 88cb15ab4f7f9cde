"""Every list of YCM, by the real tap over real HTTP: the tables are the sandbox's truth, or the run says why not."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from forked_tap import ForkedTap
from harness import catalog_of, settings_for
from warehouse import CURRENT, KINDS, Warehouse, truth, without_time

from tap_ycm.sandbox import Assumptions
from tap_ycm.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Run

    from tap_ycm.sandbox import Sandbox

CHILDREN = ("cloud_pbx_customers", "cloud_pbx_trunks", "group_members", "user_subscriptions")


@pytest.fixture(scope="module")
def tap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Run]]:
    """Run the real tap as a process, forked from one that has imported everything: there are many runs here."""
    with ForkedTap(tmp_path_factory.mktemp("tap")) as forked:
        yield forked.run


class Pipeline:
    """The tap, one run after the other, into one warehouse."""

    def __init__(self, tap: Callable[..., Run], ycm: Sandbox, *streams: str, **settings: object) -> None:
        self.tap = tap
        self.ycm = ycm
        self.config = settings_for(ycm, **{"emit_activate_version_messages": True, "concurrency": 4, **settings})
        self.catalog = catalog_of(*streams) if streams else None
        self.warehouse = Warehouse()

    def run(self, **settings: object) -> Run:
        self.ycm.reset_log()
        run = self.tap(config={**self.config, **settings}, state=self.warehouse.state, catalog=self.catalog)
        self.warehouse.take(run)
        return run

    def requests(self, name: str) -> int:
        return sum(request.endpoint == name for request in self.ycm.requests)

    def is_true(self, *but: str) -> None:
        for name in CURRENT:
            if name not in but:
                assert self.warehouse.rows(name) == truth(self.ycm, name), name


def test_every_table_is_the_truth_field_by_field(tap: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    ycm = sandbox(364)
    pipeline = Pipeline(tap, ycm)
    run = pipeline.run()
    assert run.status == 0, run.log
    pipeline.is_true()
    for name in KINDS.keys() - set(CURRENT):
        assert without_time(name, pipeline.warehouse.rows(name).values()) == truth(ycm, name), name
        assert pipeline.warehouse.rows(name)
    assert all(f"{name}: complete; " in run.log for name in KINDS)
    assert not [request.endpoint for request in ycm.requests if request.endpoint == "unknown"]


def test_three_rounds_of_change_with_deletes(tap: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    ycm = sandbox(120)
    pipeline = Pipeline(tap, ycm, max_delete_percent=100)
    assert pipeline.run().status == 0
    snapshots = len(pipeline.warehouse.rows("subscription"))
    time.sleep(1.1)  # snapshots of one second would be one row
    for _ in range(3):
        for table in ycm.tables:
            ycm.shake(create=2, delete=3, edit=3, table=table)
        run = pipeline.run()
        assert run.status == 0, run.log
        pipeline.is_true()
        assert "withheld" not in run.log
    assert "each confirmed" in run.log
    assert snapshots == 1
    assert len(pipeline.warehouse.rows("subscription")) > 1
    assert not [m for m in run.of_type("ACTIVATE_VERSION") if m["stream"] not in CURRENT]
    activated = [message["stream"] for message in run.of_type("ACTIVATE_VERSION")]
    assert sorted(activated) == sorted(CURRENT)  # once each, children too


def test_a_list_that_changes_while_it_is_read(tap: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    ycm = sandbox(364, sizes={"dids": 300, "cloud_pbxs": 120})
    pipeline = Pipeline(tap, ycm, page_size=10, max_delete_percent=100)
    assert pipeline.run().status == 0
    ycm.churn, ycm.churn_tables = 60.0, ("customers", "cloud_pbxs", "users", "dids")
    pipeline.run()
    pipeline.run()
    ycm.churn = 0.0
    assert pipeline.run().status == 0
    assert pipeline.run().status == 0
    pipeline.is_true()


@pytest.mark.parametrize("name", KINDS)
def test_what_fails_in_one_stream_stops_only_that_stream(
    name: str, tap: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(60, sizes={"cloud_pbxs": 12, "users": 6, "dids": 30})
    pipeline = Pipeline(tap, ycm, retry_budget=0)
    assert pipeline.run().status == 0
    before = pipeline.warehouse.rows(name).copy()
    endpoint = "group" if name == "group_members" else name
    ycm.faults.add(f"{endpoint}:{2 if KINDS[name].parent and name != 'domains' else 1}:error=1000004")
    run = pipeline.run()
    assert run.status == 1
    assert f"GET /dm/open_api{KINDS[name].path.partition('?')[0]}" in run.error
    unread = {name, *(kind.name for kind in STREAMS if kind.parent == name)}
    loaded = {message["stream"] for message in run.of_type("ACTIVATE_VERSION")}
    assert loaded == set(CURRENT) - unread
    assert before.keys() <= pipeline.warehouse.rows(name).keys()
    assert pipeline.run().status == 0  # a continued one deletes nothing
    assert pipeline.run().status == 0
    pipeline.is_true()


def test_a_stream_that_the_account_may_not_see(tap: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    ycm = sandbox(20, assumptions=Assumptions(denied=("users", "groups", "subscription")))
    pipeline = Pipeline(tap, ycm)
    run = pipeline.run()
    assert run.status == 0, run.log
    for name in ("users", "groups", "subscription"):
        assert f"{name}: not permitted" in run.log
        assert not pipeline.warehouse.rows(name)
    assert "user_subscriptions: " in run.log
    pipeline.is_true("users", "groups", "group_members")
    # One that was read before must not vanish in silence.
    ycm.assumptions = Assumptions()
    assert pipeline.run().status == 0
    before = pipeline.warehouse.rows("users").copy()
    ycm.assumptions = Assumptions(denied=("users",), denied_code=1000042)
    run = pipeline.run()
    assert run.status == 1
    assert "1000042" in run.error
    assert pipeline.warehouse.rows("users") == before
    pipeline.is_true()


def test_a_call_that_is_refused_of_every_user_is_left_out_each_time(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    pipeline = Pipeline(tap, sandbox(5, assumptions=Assumptions(denied=("user_subscriptions",))))
    for _ in range(2):
        run = pipeline.run()
        assert run.status == 0, run.log
        assert "user_subscriptions: not permitted" in run.log
        assert "user_subscriptions: complete" not in run.log


def test_a_limit_without_end_is_waited_for_once(tap: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    ycm = sandbox(5)
    ycm.faults.add("any:*:error=1000040")
    pipeline = Pipeline(tap, ycm, retry_budget=1)
    run = pipeline.run()
    assert run.status == 1
    assert "1000040" in run.error
    assert {request.endpoint for request in ycm.requests} == {"token"}


def test_an_account_that_may_see_nothing_has_failed(tap: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    run = Pipeline(tap, sandbox(5, assumptions=Assumptions(denied=("customers", "users"))), "customers", "users").run()
    assert run.status == 1
    assert run.log.count("1000043") >= 2


def test_refused_credentials_stop_the_whole_run_at_once(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    pipeline = Pipeline(tap, ycm := sandbox(5), client_secret="wrong")  # noqa: S106 - it is none
    run = pipeline.run()
    assert run.status == 1
    assert "client_secret" in run.error
    assert len(ycm.requests) == 1


@pytest.mark.parametrize("name", [*CHILDREN, "domains"])
def test_a_stream_whose_parent_is_not_selected(
    name: str, tap: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(60)
    pipeline = Pipeline(tap, ycm, name)
    parent = KINDS[name].parent or ""
    for _ in range(2):
        run = pipeline.run()
        assert run.status == 0, run.log
        assert {message["stream"] for message in run.of_type("RECORD") + run.of_type("SCHEMA")} == {name}
    if name in CURRENT:
        assert [message["stream"] for message in run.of_type("ACTIVATE_VERSION")] == [name]
        assert pipeline.warehouse.rows(name) == truth(ycm, name)
    # A parent that the list hides keeps what belongs to it.
    before = pipeline.warehouse.rows(name).copy()
    if KINDS[parent].look_up:
        ycm.assumptions = Assumptions(hidden=3, only=parent)
        run = pipeline.run()
        assert run.status == 1
        assert before.keys() <= pipeline.warehouse.rows(name).keys()
    # Selected later, it is right at once, and deletes nothing that lives.
    ycm.assumptions = Assumptions()
    pipeline.catalog = catalog_of(parent, name)
    for _ in range(2):
        assert pipeline.run().status == 0
    assert pipeline.warehouse.rows(parent) == truth(ycm, parent)


def test_one_reading_of_a_parent_serves_all_that_belongs_to_it(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    pipeline = Pipeline(tap, sandbox(0), "cloud_pbx_customers", "cloud_pbx_trunks", "cloud_pbxs")
    run = pipeline.run()
    assert run.status == 0
    assert pipeline.requests("cloud_pbxs") == 2  # 50 PBXs: the page, and the total's last word
    assert pipeline.requests("cloud_pbx_customers") == pipeline.requests("cloud_pbx_trunks") == 50
    assert "cloud_pbx_customers: one request for each of 50 cloud_pbxs" in run.log
    paced = pipeline.run(max_requests_per_minute=6000)
    assert "about 0 min at max_requests_per_minute" in paced.log


def test_the_number_of_requests_is_known(tap: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    sizes = {"cloud_pbxs": 200, "users": 30, "groups": 7, "dids": 120, "backup_files": 60}
    pipeline = Pipeline(tap, ycm := sandbox(1000, sizes=sizes), concurrency=1)
    for deleted in (0, 3):
        ycm.shake(delete=deleted)
        run = pipeline.run()
        assert run.status == 0
        assert pipeline.requests("customers") == -(-len(ycm.world) // 50) + (not deleted)
        assert pipeline.requests("customer") == (4 if deleted else 0)  # the absent, and one to control the answers with
        for name in ("cloud_pbx_customers", "cloud_pbx_trunks"):
            assert pipeline.requests(name) == 200
        assert pipeline.requests("group") == 7
        assert pipeline.requests("user_subscriptions") == 30
        assert pipeline.requests("cloud_pbxs") == 5
        others = {name: pipeline.requests(name) for name in KINDS if name not in {"customers", "cloud_pbxs", *CHILDREN}}
        # Paged lists without sort: once if they fit a page, else from their end to their beginning, after a first look.
        assert others.pop("dids") == 4
        assert others.pop("backup_files") == 2
        assert set(others.values()) == {1}


@pytest.mark.parametrize("unknown_fields", ["warn", "keep", "fail"])
def test_no_password_of_a_trunk_leaves_the_tap(
    unknown_fields: str, tap: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(0)
    config = settings_for(ycm, unknown_fields=unknown_fields)
    run = tap(config=config, catalog=catalog_of("shared_trunks"))
    assert run.status == 0
    assert len(run.records) == len(ycm.tables["shared_trunks"])
    assert "sip-secret" not in run.stdout + run.log
    assert '"password"' not in run.stdout


def test_a_stream_map_for_all_streams_leaves_those_alone_that_are_not_selected(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    discovered = json.loads(tap("--discover", config={}).stdout)
    for entry in discovered["streams"]:
        if entry["tap_stream_id"] not in {"users", "user_subscriptions"}:
            for place in entry["metadata"]:
                place["metadata"]["selected"] = False
    config = settings_for(sandbox(5), stream_maps={"*": {"origin": "'ycm'"}})
    run = tap(config=config, catalog=discovered)
    assert run.status == 0, run.log
    assert {record["origin"] for record in run.records} == {"ycm"}
    assert len(run.records) == 60


@pytest.mark.parametrize(
    "assumptions",
    [
        {"trunk_list_as": "object"},
        {"order_groups": "ascending"},
        {"order_dids": "shuffled"},
        {"order_trunk_permissions": "shuffled"},
        {"duplicates": True},
        {"did_pbx_as": "number"},
        {"single_trunk": "bare"},
        {"total_as": "string"},
        {"unset": "null"},
        {"past_end": "last"},
        {"gzip": True},
    ],
    ids=str,
)
def test_an_odd_world_is_harmless(
    assumptions: dict[str, Any], tap: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(60, assumptions=Assumptions(**assumptions))
    pipeline = Pipeline(tap, ycm, page_size=10)
    for _ in range(2):
        run = pipeline.run()
        assert run.status == 0, run.log
    pipeline.is_true()
    assert len(run.of_type("ACTIVATE_VERSION")) == len(CURRENT)


def test_the_connection_test_has_one_line_a_stream(tap: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    ycm = sandbox(12, assumptions=Assumptions(denied=("users",)))
    ycm.faults.add("dids:1:error=1000001")
    run = tap("--test", config=settings_for(ycm))
    assert run.status == 1
    assert not run.stdout
    for name in KINDS:
        assert sum(f" {name}: " in line for line in run.log.splitlines()) == (name != "dids"), name
    assert "customers: reachable, 12 to be read" in run.log
    assert "users: not permitted" in run.log
    assert "GET /dm/open_api/v1/did_management answered error 1000001" in run.error
    ycm.faults.clear()
    assert tap("--test", config=settings_for(ycm)).status == 0
    assert tap("--test=everything", config=settings_for(ycm)).status == 2


def test_a_test_says_that_one_refusal_says_nothing_of_the_other_users(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    run = tap("--test", config=settings_for(sandbox(5, assumptions=Assumptions(denied=("user_subscriptions",)))))
    assert run.status == 0
    assert "user_subscriptions: not permitted for the one of the users that was tried (" in run.log
