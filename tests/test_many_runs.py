"""Many runs of the real tap against a list that never stands still: nobody missed, nobody invented, no wrong delete."""

from __future__ import annotations

import itertools
import os
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from harness import settings_for
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from target import KilledError, Outcome, Target, run

from tap_ycm.http import client
from tap_ycm.http.flights import Flights
from tap_ycm.sandbox import Assumptions, Limit, Sandbox, World
from tap_ycm.sync import sync

if TYPE_CHECKING:
    from collections.abc import Callable

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
        mark = self.bookmark
        # With threads, the order of the answers is the machine's, and mostly that of the questions. So there are runs
        # whose answers come in disorder by plan, without threads, and these can also be repeated exactly. Whatever is
        # drawn does not depend on what the threads do.
        with pytest.MonkeyPatch.context() as patch:
            if order:
                patch.setattr(client, "Flights", partial(Disordered, order))
            outcome = run(self.target, {**self.config, "concurrency": concurrency}, kill_after)
        self.ycm.faults.clear()
        kinds = [kind for _, kind in faults]
        # Some end a run at once, and so much churn between two requests for so few rows cannot be told from a fault.
        may_fail = bool(ENDING & set(kinds)) or (churn > 1 and self.config["page_size"] in {1, 2})
        # A list so short may be deleted as a whole between its last page and the look-ups that control them.
        short = churn > 0 and len(outcome.ids) <= 10 and "so its word means nothing" in str(outcome.failure)
        self.judge(outcome, may_fail=may_fail or short, baseline=bool(mark.get("baseline")))

    @property
    def bookmark(self) -> dict[str, Any]:
        bookmark: dict[str, Any] = self.target.state.get("bookmarks", {}).get("customers", {})
        return bookmark

    def judge(self, outcome: Outcome, *, may_fail: bool, baseline: bool) -> None:
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
        if outcome.failure is None:
            assert outcome.flaw is None
            assert outcome.activated == (baseline and not outcome.resumed)
            assert world.lived_through(began, last) <= self.target.rows.keys()
            assert self.bookmark["baseline"]
            assert outcome.lines[-1]["type"] != "RECORD"  # a STATE, unless it would say nothing new
        else:
            # Only what the test did itself may end a run.
            assert isinstance(outcome.failure, KilledError) or may_fail, outcome.failure
        if outcome.activated:
            assert self.target.rows.keys() <= world.ever(began, last)  # what was deleted before the scan is deleted
            assert "ACTIVATE_VERSION" in [line["type"] for line in outcome.lines[-2:]]
        mark = self.bookmark.get("scan") or None
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
    monkeypatch.setattr(sync, "SAVE_EVERY", 0.0)  # or lists this small never leave a bookmark
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


class Disordered(Flights[Any, Any]):
    """Answers out of turn, without threads: the first of so many in flight, then another, as a plan says."""

    def __init__(self, order: tuple[int, ...], ask: Callable[[Any], Any], *_: object) -> None:
        super().__init__(ask, 1)
        self._waiting_now: list[tuple[Any, Any]] = []
        self._order = itertools.cycle(order)
        self._ask_now = ask

    def begin(self, tag: Any, question: Any) -> None:
        self._waiting_now.append((tag, question))

    def next(self) -> tuple[Any, Any]:
        tag, question = self._waiting_now.pop(next(self._order) % len(self._waiting_now))
        return tag, self._ask_now(question)


def started(customers: int, **options: Any) -> Sandbox:
    return Sandbox(World.seeded(customers=customers, seed=7), **options)


def test_a_killed_scan_goes_on_and_the_next_sync_deletes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "SAVE_EVERY", 0.0)
    with started(2600) as ycm:
        config = settings_for(ycm, page_size=10, emit_activate_version_messages=True)
        target = Target(rows={1: 5})
        first = run(target, config, kill_after=1500)
        assert isinstance(first.failure, KilledError)
        read = len(first.ids)
        ycm.reset_log()
        second = run(target, config)
        assert second.resumed
        assert second.failure is None
        assert not second.activated
        # The token, the newest page, the end of the list, what the first run left, and what it read after its STATE.
        assert len(ycm.requests) <= 4 + (2600 - read) // 10 + 20
        assert set(target.rows) == {1, *ycm.world.ids()}
        third = run(target, config)
        assert not third.resumed
        assert third.activated
        assert set(target.rows) == set(ycm.world.ids())
        assert len(set(target.rows.values())) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"resume_max_age": 0},
        {"emit_activate_version_messages": False},
        {"stream_maps": {"customers": {"__alias__": "clients"}}},
        {"stream_maps": {"cust*": {"remark": None}}},
        {"stream_map_config": {"salt": "other"}},
        {"unknown_fields": "keep"},
        {"flattening_enabled": True, "flattening_max_depth": 1},
    ],
    ids=str,
)
def test_a_scan_of_something_else_does_not_go_on(change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "SAVE_EVERY", 0.0)
    with started(1300) as ycm:
        config = settings_for(ycm, page_size=10, emit_activate_version_messages=True)
        target = Target()
        run(target, config, kill_after=1100)
        assert target.state["bookmarks"]["customers"]["scan"]
        second = run(target, config | change)
        assert not second.resumed
        assert len(ycm.requests) > 131 + 50


def test_a_scan_goes_on_with_another_number_of_requests_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "SAVE_EVERY", 0.0)
    with started(1300) as ycm:
        target = Target()
        for concurrency in (4, 1, 16):
            config = settings_for(ycm, page_size=10, concurrency=concurrency)
            outcome = run(target, config, kill_after=500 if concurrency < 16 else None)
            assert outcome.resumed == (concurrency < 4 or concurrency > 4)
        assert set(target.rows) == set(ycm.world.ids())
        assert len(ycm.requests) < 1.3 * 131


def test_another_account_is_refused_before_the_first_record() -> None:
    with started(30) as ycm:
        target = Target()
        config = settings_for(ycm, emit_activate_version_messages=True)
        run(target, config)
        before = dict(target.rows)
        ycm.client_id = "another-client"
        other = {**config, "client_id": "another-client"}
        refused = run(target, other)
        assert "another account" in str(refused.failure)
        assert not refused.ids
        assert target.rows == before
        word = str(refused.failure).partition("TAP_YCM_CONFIRM_ACCOUNT=")[2].partition(" ")[0]
        assert run(target, {**other, "confirm_account": word}).failure is None
        assert run(target, other).activated


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
            word = str(braked.failure).partition("TAP_YCM_CONFIRM_DELETES=")[2].partition(" ")[0]
            assert word.startswith("40-")
            assert not braked.activated
            assert len(braked.ids) == 60
            assert len(target.rows) == 100
        ycm.world.delete(ycm.world.ids()[-1])  # one more does not void it
        released = run(target, {**config, "confirm_deletes": word})
        assert released.failure is None
        assert len(target.rows) == 59
        # Left in the configuration by mistake, it releases nothing else.
        for key in ycm.world.ids()[:30]:
            ycm.world.delete(key)
        assert run(target, {**config, "confirm_deletes": word}).braked


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
        ({"customers": {"remark": None}}, True),
        ({"customers": {"company": "company"}}, True),
    ],
    ids=str,
)
def test_stream_maps_that_let_records_go_withhold_deletes(maps: dict[str, Any], activated: bool) -> None:  # noqa: FBT001
    with started(30) as ycm:
        target = Target(rows={1: 5})
        config = settings_for(ycm, emit_activate_version_messages=True, stream_maps=maps)
        run(target, config)
        outcome = run(target, config)
        assert outcome.failure is None
        assert outcome.activated == activated
        assert (1 in target.rows) != activated


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize(
    "assumptions",
    [
        {"total_as": "string"},
        {"echo": "string"},
        {"total_offset": -45},
        {"total_offset": -5},
        {"total_cap": 60},
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
        for activated in (False, True):
            outcome = run(target, config)
            assert outcome.failure is None
            assert outcome.flaw is None
            assert outcome.activated == activated
        assert set(target.rows) == set(outcome.ids) == set(ycm.world.ids())


def test_a_rate_limit_is_waited_out() -> None:
    limit = Limit(burst=3, rate=3, interval_seconds=0.2)
    with started(95, assumptions=Assumptions(limit=limit)) as ycm:
        target = Target()
        outcome = run(target, settings_for(ycm, page_size=10))
        assert outcome.failure is None
        assert set(target.rows) == set(ycm.world.ids())
