"""Several requests in flight: the order, the limits, the one token, the end and the completeness are as with one."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from harness import settings_for
from target import KilledError, Outcome, Target, run

from tap_ycm.errors import TapError
from tap_ycm.http.flights import THREADS, in_order
from tap_ycm.sandbox import Assumptions, Limit, Sandbox, World
from tap_ycm.sandbox.answers import RefusedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from harness import Run

    from tap_ycm.sandbox.answers import Answer, Call

PATIENCE = 30.0
RATE_LIMIT_EXCEEDED, SERVER_ERROR, NOT_ALLOWED = 1000040, 1000001, 1000043


# Answers in the order of the requests


class Asking:
    """What in_order asks: remembers everything, and holds back what it is told to."""

    def __init__(self, *held: int) -> None:
        self.taken: list[int] = []
        self.asked: list[int] = []
        self.most_at_once = 0
        self._held = set(held)
        self._now = 0
        self._changed = threading.Condition()

    def requests(self, number: int) -> Iterator[int]:
        for request in range(number):
            self.taken.append(request)
            yield request

    def __call__(self, request: int) -> int:
        with self._changed:
            self.asked.append(request)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: request not in self._held, PATIENCE)
            self._now -= 1
        return request

    def release(self, *requests: int) -> None:
        with self._changed:
            self._held.difference_update(requests)
            self._changed.notify_all()

    def wait_until_asked(self, *requests: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: set(requests) <= set(self.asked), PATIENCE)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREADS]


def assert_the_threads_end() -> None:
    for thread in threads():
        thread.join(PATIENCE)
    assert not threads()


def drain(
    answers: Iterator[int], at: Callable[[int], object] = lambda _: None
) -> tuple[list[int], BaseException | None]:
    """Take all answers; return them, and the error that ended them."""
    got: list[int] = []
    try:
        for answer in answers:
            got.append(answer)
            at(answer)
    except LookupError as error:
        return got, error
    return got, None


def test_answers_come_in_the_order_of_the_requests_whichever_is_first() -> None:
    asking = Asking(*range(12))

    def ask(request: int) -> int:
        """Answer every four requests in their reverse order."""
        if request % 4 == 3:
            asking.release(request)
        answer = asking(request)
        answered.append(request)
        if request % 4:
            asking.release(request - 1)
        return answer

    answered: list[int] = []
    assert list(in_order(ask, range(12), 4)) == list(range(12))
    assert answered[:4] == [3, 2, 1, 0]
    assert_the_threads_end()


def test_what_is_in_flight_and_what_is_kept_is_bounded() -> None:
    asking = Asking(*range(1, 40))
    answers = in_order(asking, asking.requests(40), 3)
    assert next(answers) == 0
    asking.wait_until_asked(1, 2, 3)
    assert asking.taken == list(range(7))  # six more than were wanted
    asking.release(2, 3, 4, 5, 6)
    asking.wait_until_asked(*range(7))
    assert asking.taken == list(range(7))  # one slow answer, and six are kept
    asking.release(*range(40))
    for place, answer in enumerate(answers, start=1):
        assert answer == place
        assert len(asking.taken) <= place + 1 + 6
    assert asking.most_at_once == 3
    assert sorted(asking.asked) == asking.taken == list(range(40))
    assert_the_threads_end()


def test_nothing_is_asked_before_an_answer_is_wanted() -> None:
    asking = Asking()
    answers = in_order(asking, asking.requests(5), 4)
    assert not threads()
    answers.close()
    assert asking.taken == asking.asked == []


def test_no_more_threads_begin_than_there_are_requests() -> None:
    asking = Asking(0, 1)
    answers = in_order(asking, asking.requests(2), 16)
    asking.release(0)
    assert next(answers) == 0
    assert len(threads()) <= 2
    asking.release(1)
    assert list(answers) == [1]
    assert list(in_order(asking, [], 16)) == []
    assert_the_threads_end()


def test_an_error_comes_in_its_turn_and_stops_further_requests() -> None:
    asking = Asking(0, 4, 5)

    def ask(request: int) -> int:
        if request == 3:
            asking.release(0)  # the error is there before the first answer
            raise LookupError(request)
        return asking(request)

    def at(answer: int) -> None:
        if answer == 1:
            asking.wait_until_asked(4, 5)  # which keeps both threads busy

    got, error = drain(in_order(ask, asking.requests(40), 2), at)
    assert (got, str(error)) == ([0, 1, 2], "3")
    asking.release(4, 5)
    assert_the_threads_end()
    assert sorted(asking.asked) == [0, 1, 2, 4, 5]
    assert asking.taken == list(range(7))


def test_closing_early_stops_further_requests_and_ends_the_threads() -> None:
    asking = Asking(1, 2)
    answers = in_order(asking, asking.requests(40), 2)
    assert next(answers) == 0
    asking.wait_until_asked(1, 2)
    answers.close()  # without waiting for what is in flight
    assert len(threads()) == 2
    asking.release(1, 2)
    assert_the_threads_end()
    assert sorted(asking.asked) == [0, 1, 2]


def test_an_error_of_whoever_names_the_requests_ends_it_too() -> None:
    def requests() -> Iterator[int]:
        yield from range(10)
        raise LookupError

    got, error = drain(in_order(lambda request: request, requests(), 3))
    assert got == list(range(len(got)))
    assert error is not None
    assert_the_threads_end()


# Whole runs


class Watched(Sandbox):
    """Asks the test about each request for the list before it looks at it.

    ``at_page`` gets the number of the page in ascending order, 0 for the newest one; what it raises is answered.
    ``answered`` tells of each page whether it was.
    """

    at_page: Callable[[int, Call], Awaitable[None]] | None = None

    def __init__(self, world: World, **options: Any) -> None:
        super().__init__(world, **options)
        self.answered: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)

    async def wait_until_answered(self, *pages: int) -> None:
        for page in pages:
            await asyncio.wait_for(self.answered[page].wait(), PATIENCE)

    async def _true_answer(self, call: Call) -> Answer:
        if call.endpoint != "customers":
            return await super()._true_answer(call)
        query = call.request.query
        page = 0 if query["sort"].startswith("-") else int(query["pageNumber"])
        if self.at_page:
            await self.at_page(page, call)
        answer = await super()._true_answer(call)
        self.answered[page].set()
        return answer


class Gathering(Watched):
    """Holds the requests that follow the first one until so many of them are there, as long as ``together`` says."""

    def __init__(self, world: World, together: int, **options: Any) -> None:
        super().__init__(world, **options)
        self.when_all_there: Callable[[], object] = lambda: None
        self._together = together
        self._all_there = asyncio.Event()
        self.at_page = self._gather

    async def _gather(self, page: int, call: Call) -> None:
        if call.data_n == 1 + self._together:
            self.when_all_there()
            self._all_there.set()
        if page and call.data_n <= 1 + self._together:
            await asyncio.wait_for(self._all_there.wait(), PATIENCE)


def world_of(customers: int) -> World:
    return World.seeded(customers=customers, seed=7)


def sync(ycm: Sandbox, target: Target | None = None, *, kill_after: int | None = None, **settings: object) -> Outcome:
    ycm.reset_log()
    config = settings_for(ycm, page_size=10, emit_activate_version_messages=True, concurrency=4)
    config |= {"retry_budget": 60, **settings}
    return run(Target() if target is None else target, config, kill_after)


def descending(ycm: Sandbox) -> list[int]:
    return ycm.world.ids()[::-1]


def assert_sound(outcome: Outcome, ycm: Sandbox) -> None:
    """All is there, in order, and nothing was odd."""
    assert outcome.failure is None, outcome.failure
    assert (outcome.flaw, outcome.remark) == (None, None)
    assert outcome.activated
    assert outcome.ids == descending(ycm)


def asked(ycm: Sandbox) -> dict[str, int]:
    return {name: sum(request.endpoint == name for request in ycm.requests) for name in ("token", "customers")}


def without_times(run: Run) -> list[dict[str, Any]]:
    return [{key: value for key, value in message.items() if key != "time_extracted"} for message in run.messages]


def test_the_output_and_the_requests_are_the_same_however_many_are_in_flight(tap: Callable[..., Run]) -> None:
    with Sandbox(world_of(364)) as ycm:
        one = tap(config=settings_for(ycm, page_size=10))
        assert (one.ids, asked(ycm), ycm.max_in_flight, ycm.connections) == (
            descending(ycm),
            {"token": 1, "customers": 37},
            1,
            1,
        )
    for many in (4, 8, 16):
        with Gathering(world_of(364), many) as ycm:
            run = tap(config=settings_for(ycm, page_size=10, concurrency=many))
            assert run.status == 0
            assert without_times(run) == without_times(one)
            assert run.verdict == one.verdict
            assert asked(ycm) == {"token": 1, "customers": 37}
            assert (ycm.max_in_flight, ycm.connections) == (many, many)
            assert "WARNING" not in run.log


@pytest.mark.parametrize("many", [2, 4, 16])
@pytest.mark.usefixtures("in_process")
def test_a_quiet_list_takes_the_fewest_requests(many: int) -> None:
    for customers in (0, 1, 49, 50, 51, 100, 364):
        with Sandbox(world_of(customers)) as ycm:
            assert_sound(sync(ycm, page_size=50, concurrency=many), ycm)
            assert asked(ycm) == {"token": 1, "customers": customers // 50 + 1}
            assert ycm.max_in_flight <= many


@pytest.mark.usefixtures("in_process")
def test_with_the_default_settings_several_requests_are_in_flight() -> None:
    with Gathering(world_of(364), 4) as ycm:
        config = settings_for(ycm)
        del config["concurrency"]
        assert run(Target(), config).ids == descending(ycm)
        assert ycm.max_in_flight == 4


def test_nobody_is_missed_in_a_list_that_never_stands_still(tap: Callable[..., Run]) -> None:
    with Sandbox(world_of(1500), churn_per_request=3) as ycm:
        run = tap(config=settings_for(ycm, concurrency=4, emit_activate_version_messages=True, max_delete_percent=100))
        assert run.status == 0
        shown = [request.seq or 0 for request in ycm.requests if request.endpoint == "customers"]
        assert ycm.world.lived_through(min(shown), max(shown)) <= set(run.ids) <= ycm.world.ever(min(shown), max(shown))
        assert len(set(run.ids)) == len(run.ids)
        assert run.verdict.startswith("complete; ")
        assert run.verdict.endswith(
            "; the list changed while several pages were in flight, so it was read again one page at a time"
        )
        assert "deletes activated" in run.verdict
        assert run.types[-2:] == ["ACTIVATE_VERSION", "STATE"]


@pytest.mark.usefixtures("in_process")
def test_who_moves_to_a_page_that_was_answered_too_early_is_found_by_the_second_reading() -> None:
    """Page 2 is answered, somebody on it goes, and then page 3 is answered: its first customer is on neither."""
    with Watched(world_of(95)) as ycm:
        ids = ycm.world.ids()
        moved = ids[20]

        async def at_page(page: int, _: Call) -> None:
            if page == 3 and not ycm.answered[3].is_set():
                await ycm.wait_until_answered(2)
                ycm.world.delete(ids[10])

        ycm.at_page = at_page
        outcome = sync(ycm)
        pages = [request for request in ycm.requests if request.endpoint == "customers"]
        assert not any(moved in page.ids for page in pages[:10])
        assert sorted(outcome.ids) == ids
        assert outcome.ids.index(moved) > outcome.ids.index(ids[0])  # the last of the first reading
        assert (outcome.flaw, outcome.activated) == (None, True)
        assert outcome.remark == (
            "the list changed while several pages were in flight, so it was read again one page at a time"
        )
        assert len(pages) == 20
        assert {page.in_flight for page in pages[10:]} == {1}


# One token


@pytest.mark.parametrize("many", [4, 16])
@pytest.mark.parametrize("how", ["expired", "revoked"])
@pytest.mark.usefixtures("in_process")
def test_a_token_that_ends_under_all_requests_in_flight_is_replaced_once(how: str, many: int) -> None:
    with Gathering(world_of(364), many) as ycm:
        # 1000035 for all of them, or 1000036
        ycm.when_all_there = ycm.expire_tokens if how == "expired" else ycm._tokens._access.clear
        assert_sound(sync(ycm, concurrency=many), ycm)
        assert asked(ycm) == {"token": 2, "customers": 37 + many}
        assert sum(request.ycm_code is not None for request in ycm.requests) == many


@pytest.mark.usefixtures("in_process")
def test_a_refused_login_is_not_repeated_by_the_other_threads() -> None:
    with Gathering(world_of(364), 8) as ycm:

        def turn_away() -> None:
            ycm.expire_tokens()
            ycm.client_secret = "changed"  # noqa: S105 - no secret

        ycm.when_all_there = turn_away
        outcome = sync(ycm, concurrency=8)
        assert isinstance(outcome.failure, TapError)
        assert "check client_id and client_secret" in str(outcome.failure)
        assert outcome.ids == descending(ycm)[:10]
        assert not outcome.activated
        assert asked(ycm) == {"token": 2, "customers": 9}


@pytest.mark.usefixtures("in_process")
def test_a_given_token_that_is_refused_is_not_tried_again() -> None:
    with Gathering(world_of(364), 4) as ycm:
        token = ycm._tokens.issue(ycm.client_id, ycm.client_secret, "client_credentials", ycm.assumptions)
        ycm.when_all_there = ycm.expire_tokens
        config = {"base_url": ycm.url, "access_token": token["access_token"], "page_size": 10, "concurrency": 4}
        outcome = run(Target(), config)
        assert "fresh access_token" in str(outcome.failure)
        assert outcome.ids == descending(ycm)[:10]
        assert asked(ycm)["token"] == 0
        assert asked(ycm)["customers"] <= 1 + 2 * 4  # the window: threads may take all of it before the error is seen


# Limits


@pytest.mark.parametrize("http_status", [429, 200])
@pytest.mark.usefixtures("in_process")
def test_a_limit_is_met_and_waited_out_by_all_together(http_status: Any) -> None:
    limit = Limit(burst=5, rate=5, interval_seconds=0.5, http_status=http_status, retry_after="seconds")
    with Sandbox(world_of(95), assumptions=Assumptions(limit=limit)) as ycm:
        assert_sound(sync(ycm, concurrency=8), ycm)
        refused = sum(request.ycm_code == RATE_LIMIT_EXCEEDED for request in ycm.requests)
        assert 0 < refused <= 5  # each of the pages that were left, once
        assert asked(ycm) == {"token": 1, "customers": 10 + refused}


@pytest.mark.usefixtures("in_process")
def test_a_limit_of_one_request_at_a_time_is_survived_by_many_threads() -> None:
    limit = Limit(burst=1, rate=1, interval_seconds=0.02)
    with Sandbox(world_of(364), assumptions=Assumptions(limit=limit)) as ycm:
        assert_sound(sync(ycm, concurrency=16), ycm)


@pytest.mark.usefixtures("in_process")
def test_the_pace_holds_over_all_threads() -> None:
    with Sandbox(world_of(95)) as ycm:
        assert_sound(sync(ycm, concurrency=8, max_requests_per_minute=600), ycm)
        times = [request.at for request in ycm.requests]
        assert len(times) == 11
        assert max(times) - min(times) > 10 * 0.1 - 0.05  # the first of them may have been a little late


# Faults


@pytest.mark.usefixtures("in_process")
def test_other_pages_go_on_while_one_is_asked_for_again_and_the_order_stays() -> None:
    """Page 36 fails, and is answered only when the seven pages behind it are: all that the look-ahead lets through."""
    with Watched(world_of(364)) as ycm:
        tries: list[int] = []

        async def at_page(page: int, call: Call) -> None:
            if page == 36:
                tries.append(page)
                if len(tries) == 1:
                    raise RefusedError(SERVER_ERROR, "SERVER_ERROR")
                await ycm.wait_until_answered(*range(35, 28, -1))

        ycm.at_page = at_page
        assert_sound(sync(ycm), ycm)
        assert len(tries) == 2
        assert asked(ycm) == {"token": 1, "customers": 38}


@pytest.mark.parametrize("fault", ["http=503", "reset", "truncated", "html", "error=1000040"])
@pytest.mark.usefixtures("in_process")
def test_faults_that_pass_are_survived_wherever_they_strike(fault: str) -> None:
    with Sandbox(world_of(364), faults=[f"customers:*/3:{fault}"]) as ycm:
        assert_sound(sync(ycm), ycm)
        assert ycm.faults.fired[fault.partition("=")[0]] >= 37 // 3
        assert asked(ycm) == {"token": 1, "customers": 37 + sum(ycm.faults.fired.values())}
        assert ycm.max_in_flight <= 4


def test_an_error_of_one_page_ends_the_run_there_and_the_next_one_goes_on(tap: Callable[..., Run]) -> None:
    """Pages 36 to 29 are well, page 28 is refused for good, those behind it would be asked for again for minutes."""
    with Watched(world_of(364)) as ycm:

        async def at_page(page: int, _: Call) -> None:
            if page == 28:
                raise RefusedError(NOT_ALLOWED, "NOT_ALLOWED")
            if 0 < page < 28:
                raise RefusedError(SERVER_ERROR, "SERVER_ERROR")

        ycm.at_page = at_page
        config = settings_for(ycm, concurrency=4, page_size=10, emit_activate_version_messages=True)
        first = tap(config=config)
        assert first.status == 1
        assert f"error {NOT_ALLOWED}" in first.error
        assert first.ids == descending(ycm)[: 364 - 280]
        assert first.types == ["SCHEMA", "RECORD", "STATE"]
        assert first.verdict.startswith(f"not complete: the run failed; {364 - 280} read")
        assert first.bookmark["scan"]["bookmark"]["page"] == 28
        pages = [int(request.query["pageNumber"]) for request in ycm.requests if request.endpoint == "customers"]
        assert min(pages[1:]) >= 28 - 7
        ycm.at_page = None
        second = tap(config=config, state=first.state)
        assert second.status == 0
        assert second.ids == descending(ycm)[364 - 280 :]
        assert second.verdict.startswith("complete; 364 read, an interrupted scan continued")
        assert second.of_type("ACTIVATE_VERSION")[0]["version"] == first.of_type("RECORD")[0]["version"]


@pytest.mark.usefixtures("in_process")
def test_nothing_is_asked_again_once_a_run_has_failed() -> None:
    """All pages behind the one that is refused fail in a way that is tried again for minutes."""
    with Watched(world_of(364)) as ycm:
        others = asyncio.Event()

        async def at_page(page: int, _: Call) -> None:
            if page == 36:
                await asyncio.wait_for(others.wait(), PATIENCE)
                raise RefusedError(NOT_ALLOWED, "NOT_ALLOWED")
            if page:
                others.set()
                raise RefusedError(SERVER_ERROR, "SERVER_ERROR")

        ycm.at_page = at_page
        outcome = sync(ycm, retry_budget=600)  # which waits for the threads
        assert f"error {NOT_ALLOWED}" in str(outcome.failure)
        assert outcome.ids == descending(ycm)[:10]


@pytest.mark.usefixtures("in_process")
def test_nothing_is_asked_any_more_once_the_target_has_left() -> None:
    with Watched(world_of(364)) as ycm:

        async def at_page(page: int, _: Call) -> None:
            if 0 < page < 36:
                raise RefusedError(SERVER_ERROR, "SERVER_ERROR")

        ycm.at_page = at_page
        outcome = sync(ycm, kill_after=12, retry_budget=600)  # which waits for the threads
        assert isinstance(outcome.failure, KilledError)


@pytest.mark.usefixtures("in_process")
def test_what_is_still_in_flight_when_the_plan_changes_keeps_its_places() -> None:
    """The total is too low, which the first page of those in flight tells: the list goes on above it."""
    with Sandbox(world_of(195), assumptions=Assumptions(total_offset=-45), latency=0.02) as ycm:
        outcome = sync(ycm)
        assert outcome.ids[10:] == descending(ycm)[10:]
        assert outcome.activated
        assert "the total is wrong" in str(outcome.remark)
        assert ycm.max_in_flight <= 4
        assert ycm.connections <= 4


# Interruptions


@pytest.mark.parametrize(("first", "second"), [(4, 1), (1, 4), (4, 16)])
@pytest.mark.usefixtures("in_process")
def test_a_scan_is_only_continued_in_the_way_it_was_begun(
    first: int, second: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(world_of(1300)) as ycm:
        target = Target(rows={1: 5})
        killed = sync(ycm, target, concurrency=first, kill_after=1100)
        assert target.state["bookmarks"]["customers"]["scan"]
        outcome = sync(ycm, target, concurrency=second)
        assert outcome.failure is None
        assert outcome.activated
        assert outcome.resumed == (min(first, second) > 1)
        if outcome.resumed:
            mark = target.state["bookmarks"]["customers"]
            assert mark["complete_rows"] == 1300
            assert len(outcome.ids) < 400
            assert {*killed.ids, *outcome.ids} == set(descending(ycm))
        else:
            assert outcome.ids == descending(ycm)
        assert target.rows.keys() == set(descending(ycm))


@pytest.mark.usefixtures("in_process")
def test_a_list_that_changed_during_an_interruption_is_read_again() -> None:
    with Sandbox(world_of(1300)) as ycm:
        target = Target()
        sync(ycm, target, kill_after=1100)
        gone = ycm.world.ids()[::100]
        for key in gone:
            ycm.world.delete(key)
        ycm.world.create()
        outcome = sync(ycm, target)
        assert outcome.resumed
        assert "read again one page at a time" in str(outcome.remark)
        assert outcome.activated
        assert set(descending(ycm)) <= target.rows.keys()
        assert target.rows.keys() - set(descending(ycm)) <= set(gone)  # who was read before he went: the next run
        assert sync(ycm, target).remark is None
        assert target.rows.keys() == set(descending(ycm))


@pytest.mark.usefixtures("in_process")
def test_messages_are_written_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    writers: set[int] = set()
    receive = Target.receive

    def watched(target: Target, message: dict[str, Any]) -> None:
        writers.add(threading.get_ident())
        receive(target, message)

    monkeypatch.setattr(Target, "receive", watched)
    with Gathering(world_of(364), 4) as ycm:
        outcome = sync(ycm)
        assert_sound(outcome, ycm)
        assert writers == {threading.get_ident()}
        assert all(later < earlier for earlier, later in pairwise(outcome.ids))
