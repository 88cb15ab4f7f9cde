"""Many runs of the real tap against a list that never stands still: nobody missed, nobody invented, no wrong delete."""

from __future__ import annotations

import itertools
import os
from concurrent.futures import Future
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
import requests
from harness import settings_for
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from target import KilledError, Outcome, Target, run

from tap_ycm.errors import ApiError
from tap_ycm.http import client
from tap_ycm.sandbox import Assumptions, Limit, Sandbox, World
from tap_ycm.streams import CustomersStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# No shrinking: what is found is printed as steps anyway, and a search of minutes would stop nobody's hand.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
EXAMPLES = int(os.environ.get("EXAMPLES", "60"))  # a soak of minutes: EXAMPLES=5000
FAULTS = ("http=503", "expired_token", "invalid_token", "unauthorized", "error=1000040", "error=1000001", "html",
          "not_json", "empty_body", "reset", "reset_after=200", "truncated", "corrupt_gzip", "failed_200", "no_list",
          "data_null", "list_null", "bom", "redirect", "error=1000043", "http=404")  # fmt: skip
ENDING = {"redirect", "error=1000043", "http=404"}
REFUSING = {"expired_token", "invalid_token", "unauthorized"}


pytestmark = pytest.mark.usefixtures("in_process")


class Pipeline(RuleBasedStateMachine):
    """One YCM, one pipeline into one target; the rules are what the world does."""

    @initialize(customers=st.integers(0, 23), size=st.sampled_from([1, 2, 5, 50]))
    def begin(self, customers: int, size: int) -> None:
        self.ycm = Sandbox(World.seeded(customers=customers, seed=7)).start()
        self.config = settings_for(
            self.ycm, page_size=size, emit_activate_version_messages=True, max_delete_percent=100
        )
        self.target = Target()
        self.mark: object = None  # the unfinished scan
        self.span: tuple[int, int] | None = None  # versions of the list at its ends

    def teardown(self) -> None:
        if hasattr(self, "ycm"):
            self.ycm.stop()

    @rule(count=st.integers(1, 4))
    def create(self, count: int) -> None:
        for _ in range(count):
            self.ycm.world.create()

    @rule(places=st.lists(st.integers(0, 30), min_size=1, max_size=6))
    def delete(self, places: list[int]) -> None:
        for place in places:
            if ids := self.ycm.world.ids():
                self.ycm.world.delete(ids[place % len(ids)])

    @rule(place=st.integers(0, 30))
    def edit(self, place: int) -> None:
        if ids := self.ycm.world.ids():
            self.ycm.world.edit(ids[place % len(ids)], remark="edited")

    @rule()
    def expire_tokens(self) -> None:
        self.ycm.expire_tokens()

    @rule(
        concurrency=st.sampled_from([1, 4]),
        order=st.sampled_from([None, (1, 0), (3, 0, 2, 1)]),
        churn=st.sampled_from([0, 0, 1, 3]),
        kill_after=st.none() | st.integers(0, 40),
        faults=st.lists(st.tuples(st.integers(1, 8), st.sampled_from(FAULTS)), max_size=3),
    )
    def sync(
        self,
        concurrency: int,
        order: tuple[int, ...] | None,
        churn: int,
        kill_after: int | None,
        faults: list[tuple[int, str]],
    ) -> None:
        self.ycm.churn_per_request = churn
        self.ycm.faults.clear()
        self.ycm.faults.add(*(f"customers:{place}:{kind}" for place, kind in faults))
        self.ycm.reset_log()
        # With threads, the order of the answers is the machine's, and mostly that of the questions. So there are runs
        # whose answers come in disorder by plan, without threads, and these can also be repeated exactly. Whatever is
        # drawn does not depend on what the threads do.
        with pytest.MonkeyPatch.context() as patch:
            if order:
                patch.setattr(client, "in_order", partial(in_this_order, order))
            outcome = run(self.target, {**self.config, "concurrency": concurrency}, kill_after)
        self.ycm.faults.clear()
        kinds = [kind for _, kind in faults]
        # Some end a run at once; of refusals of the token, two in a row do.
        self.judge(outcome, bool(ENDING & set(kinds)) or sum(kind in REFUSING for kind in kinds) > 1)

    def judge(self, outcome: Outcome, may_fail: bool) -> None:  # noqa: FBT001 - one caller
        # The list's version at each answer; a fault that answers nothing has none.
        shown = [request.seq for request in self.ycm.requests if request.endpoint == "customers"]
        asked = [seq for seq in shown if seq is not None]
        if outcome.resumed and self.span:
            asked = [*self.span, *asked]  # an interrupted scan that has only its end left asks nothing more
        if not asked:
            assert not outcome.ids
            assert not outcome.activated
            return
        began, last = min(asked), max(asked)
        world = self.ycm.world
        assert set(outcome.ids) <= world.ever(began, last)
        assert len(outcome.ids) == len(set(outcome.ids))
        if not (outcome.failure or outcome.flaw or outcome.remark):  # a second reading finds what the first did not
            assert all(later < earlier for earlier, later in itertools.pairwise(outcome.ids))
        if outcome.failure is None:
            assert outcome.flaw is None
            assert outcome.activated
            assert world.lived_through(began, last) <= self.target.rows.keys()
            assert self.target.rows.keys() <= world.ever(began, last)  # who was gone before the scan is gone
            # Last of all, but for a STATE, which is left out if it says nothing new.
            assert "ACTIVATE_VERSION" in [line["type"] for line in outcome.lines[-2:]]
            assert outcome.lines[-1]["type"] != "RECORD"
        else:
            # Only what the test did itself may end a run, and nothing is activated before everything is read.
            assert isinstance(outcome.failure, KilledError) or may_fail, outcome.failure
            assert not outcome.activated or world.lived_through(began, last) <= self.target.rows.keys()
        mark = self.target.state.get("bookmarks", {}).get("customers", {}).get("scan")
        if mark != self.mark:  # or the unfinished scan is that of an earlier run, which this one could not continue
            self.span = (began, last) if mark else None
        self.mark = mark

    @invariant()
    def nobody_who_lives_is_deleted(self) -> None:
        """Whoever was loaded once and still exists stays in the target, whatever ended the runs in between."""
        if not hasattr(self, "ycm"):
            return
        self.loaded: set[int] = getattr(self, "loaded", set()) | self.target.rows.keys()
        alive = set(self.ycm.world.ids())
        assert self.loaded & alive <= self.target.rows.keys()


def test_any_sequence_of_runs_and_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CustomersStream, "STATE_MSG_FREQUENCY", 3)  # or lists this small never leave a bookmark
    run_state_machine_as_test(
        Pipeline,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=12,
            deadline=None,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )


def in_this_order(
    order: tuple[int, ...], ask: Callable[[Any], Any], questions: Iterable[Any], in_flight: int
) -> Iterator[Any]:
    """Stand in for in_order: as many requests at a time as ``order`` is long, asked in that order; errors in turn."""
    waiting = iter(questions)
    while lot := list(islice(waiting, len(order))):
        answers: dict[int, Future[Any]] = {}
        for place in order:
            if place < len(lot):
                answers[place] = Future()
                try:
                    answers[place].set_result(ask(lot[place]))
                except ApiError as error:
                    answers[place].set_exception(error)
        for place in range(len(lot)):
            yield answers[place].result()


def started(customers: int, **options: Any) -> Sandbox:
    return Sandbox(World.seeded(customers=customers, seed=7), **options)


def test_a_killed_scan_goes_on_and_then_deletes() -> None:
    """Lines until the kill are all the target has; the second run brings the rest, and both together delete."""
    with started(2600) as ycm:
        config = settings_for(ycm, page_size=10, emit_activate_version_messages=True)
        target = Target(rows={1: 5})
        first = run(target, config, kill_after=1500)
        assert isinstance(first.failure, KilledError)
        assert 1 in target.rows
        ycm.reset_log()
        second = run(target, config)
        assert second.resumed
        assert second.failure is None
        assert len(ycm.requests) == 1 + (2600 - 990) // 10
        assert set(target.rows) == set(ycm.world.ids())
        assert len(set(target.rows.values())) == 1
        assert not run(target, config).resumed


@pytest.mark.parametrize(
    "change",
    [
        {"resume_max_age": 0},
        {"emit_activate_version_messages": False},
        {"client_id": "another-client"},
        {"stream_maps": {"customers": {"__alias__": "clients"}}},
        {"stream_maps": {"others": {}, "__else__": None}},
        {"stream_map_config": {"salt": "other"}},
        {"unknown_fields": "keep"},
        {"flattening_enabled": True, "flattening_max_depth": 1},
        {"concurrency": 4},
    ],
    ids=str,
)
def test_a_scan_of_something_else_does_not_go_on(change: dict[str, Any]) -> None:
    with started(1300) as ycm:
        config = settings_for(ycm, page_size=10, emit_activate_version_messages=True)
        target = Target()
        run(target, config, kill_after=1100)
        assert target.state["bookmarks"]["customers"]["scan"]
        if "client_id" in change:
            ycm.client_id = change["client_id"]
        second = run(target, config | change)
        assert not second.resumed
        assert len(ycm.requests) > 131 + 50


def test_a_scan_with_another_token_does_not_go_on() -> None:
    """It may be another account's, and nothing tells."""
    with started(1300) as ycm:
        target = Target()
        for expected in (False, False):
            token = requests.post(
                f"{ycm.url}/dm/open_api/oauth/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": ycm.client_id,
                    "client_secret": ycm.client_secret,
                },
                headers={"User-Agent": "test"},
                timeout=5,
            ).json()["access_token"]
            config = {"base_url": ycm.url, "access_token": token, "page_size": 10}
            assert run(target, config, kill_after=1100).resumed == expected
        assert run(target, config).resumed


def test_a_run_without_deletes_does_not_release_the_brake() -> None:
    with started(100) as ycm:
        config = settings_for(ycm, emit_activate_version_messages=True)
        target = Target()
        run(target, config)
        for key in ycm.world.ids()[:90]:
            ycm.world.delete(key)
        assert run(target, config).braked
        assert run(target, {**config, "emit_activate_version_messages": False}).failure is None
        assert run(target, {**config, "stream_maps": {"customers": {"__filter__": "True"}}}).failure is None
        assert run(target, config).braked
        assert len(target.rows) == 100


def test_the_brake_holds_until_a_person_releases_it() -> None:
    with started(100) as ycm:
        config = settings_for(ycm, emit_activate_version_messages=True)
        target = Target()
        run(target, config)
        for key in ycm.world.ids()[:40]:
            ycm.world.delete(key)
        for _ in range(2):  # it holds again and again
            braked = run(target, config)
            assert braked.braked
            assert "confirm_deletes=100-60" in str(braked.failure)
            assert not braked.activated
            assert len(braked.ids) == 60
            assert len(target.rows) == 100
            assert target.state["bookmarks"]["customers"]["complete_rows"] == 100
        released = run(target, {**config, "confirm_deletes": "100-60"})
        assert released.failure is None
        assert len(target.rows) == 60
        # Left in the configuration by mistake, it releases nothing else.
        for key in ycm.world.ids()[:30]:
            ycm.world.delete(key)
        assert run(target, {**config, "confirm_deletes": "100-60"}).braked


@pytest.mark.parametrize(
    ("maps", "activated"),
    [
        ({"customers": {"__filter__": "country != 'Germany'"}}, False),
        ({"customers": {}, "abroad": {"__source__": "customers", "__filter__": "country != 'Germany'"}}, False),
        ({"*": {"__filter__": "False"}}, False),
        ({"cust*": {"__filter__": "customerId < 5"}}, False),
        ({"x": {"__source__": "c*", "__filter__": "False"}}, False),
        ({"customers": {"__key_properties__": None, "__else__": None}}, False),
        ({"customers": None}, False),
        ({"others": {}, "__else__": None}, False),
        ({"customers": {"remark": None}}, True),
        ({"customers": {"company": "company"}, "others": None}, True),
    ],
    ids=str,
)
def test_stream_maps_that_let_records_go_withhold_deletes(maps: dict[str, Any], activated: bool) -> None:  # noqa: FBT001
    with started(30) as ycm:
        target = Target(rows={1: 5})
        outcome = run(target, settings_for(ycm, emit_activate_version_messages=True, stream_maps=maps))
        assert outcome.failure is None
        assert outcome.activated == activated
        assert (1 in target.rows) != activated


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize(
    "assumptions",
    [
        {"honour_sort": False, "default_order": "shuffled"},
        {"honour_sort": False, "default_order": "descending"},
        {"over_max": "echo_asked", "max_page_size": 7},
        {"honour_page": False},
        {"honour_page": False, "echo_page": "served"},
        {"echo": "missing"},
        {"total_as": "missing"},
        {"total_as": "garbage"},
        {"total_as": "float"},
        {"total_as": "null"},
    ],
    ids=str,
)
def test_a_broken_world_is_noticed_and_nothing_is_deleted(assumptions: dict[str, Any], concurrency: int) -> None:
    with started(95, assumptions=Assumptions(**assumptions)) as ycm:
        target = Target(rows={1: 5})
        config = settings_for(ycm, page_size=10, emit_activate_version_messages=True, concurrency=concurrency)
        outcome = run(target, config)
        assert outcome.failure is None
        assert not outcome.activated
        assert outcome.flaw
        assert 1 in target.rows
        if assumptions.get("honour_page", True):
            assert set(outcome.ids) == set(ycm.world.ids())


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize(
    "assumptions",
    [
        {"total_as": "string"},
        {"echo": "string"},
        {"total_offset": -45},
        {"total_offset": -5},
        {"total_offset": 23},
        {"total_cap": 60},
        {"total_wobble": 3},
        {"max_page_size": 7},
        {"past_end": "last"},
        {"unset": "null"},
        {"unset": "empty"},
        {"gzip": True},
        {"error_http": "always_200", "error_code_field": "errno", "error_code_as": "string"},
        {"one_token": True},
    ],
    ids=str,
)
def test_an_odd_world_is_harmless(assumptions: dict[str, Any], concurrency: int) -> None:
    with started(95, assumptions=Assumptions(**assumptions)) as ycm:
        ycm.faults.add("customers:3:expired_token", "customers:5:error=1000001")
        target = Target(rows={1: 5})
        config = settings_for(ycm, page_size=10, emit_activate_version_messages=True, concurrency=concurrency)
        outcome = run(target, config)
        assert outcome.failure is None
        assert outcome.flaw is None
        assert outcome.activated
        assert set(target.rows) == set(outcome.ids) == set(ycm.world.ids())


def test_a_rate_limit_is_waited_out() -> None:
    limit = Limit(burst=3, rate=3, interval_seconds=0.2)
    with started(95, assumptions=Assumptions(limit=limit)) as ycm:
        target = Target()
        outcome = run(target, settings_for(ycm, page_size=10))
        assert outcome.failure is None
        assert set(target.rows) == set(ycm.world.ids())
