"""How long the tap waits and when it gives up, on a clock that the tests move."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_ycm.errors import Action, ApiError
from tap_ycm.http.waiting import LONGEST_WAIT, Pace, parse_retry_after, waits
from tap_ycm.sandbox.limit import Bucket, Limit
from tap_ycm.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

BUDGET = float(SETTINGS["properties"]["retry_budget"]["default"])


class Clock:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    """Full jitter draws from the one random generator of Python; it is the same in every run, and left as it was."""
    state = random.getstate()
    random.seed(7)
    yield
    random.setstate(state)


def failing(action: Action, budget: float, took: float = 0.1, retry_after: float | None = None) -> list[float]:
    """Fail until the waits end; return them."""
    clock = Clock()
    generator = waits(budget, clock)
    next(generator)
    told: list[float] = []
    try:
        while True:
            clock.sleep(took)  # the request
            told.append(generator.send(ApiError("trouble", action, retry_after=retry_after)))
            clock.sleep(told[-1])
    except StopIteration:
        return told


@pytest.mark.parametrize(("action", "share"), [(Action.WAIT, 1.0), (Action.RETRY, 1 / 3)])
@pytest.mark.parametrize("budget", [1.0, 30.0, 300.0, BUDGET, 86400.0])
def test_what_is_waited_fills_the_budget_and_never_exceeds_it(action: Action, share: float, budget: float) -> None:
    """A limit has all of it, a fault a third; the last try is at its very end."""
    for seed in range(20):
        random.seed(seed)
        told = failing(action, budget)
        assert sum(told) <= share * budget
        assert sum(told) + 0.1 * (len(told) + 1) >= share * budget


@pytest.mark.parametrize(("action", "factor", "most"), [(Action.WAIT, 5, 60), (Action.RETRY, 1, 30)])
def test_waits_grow_and_are_spread_from_zero_to_their_bounds(action: Action, factor: int, most: int) -> None:
    rounds: list[list[float]] = []
    for seed in range(400):
        random.seed(seed)
        rounds.append(failing(action, 86400.0)[:12])
    for place in range(12):
        bound = min(factor * 2**place, most)
        drawn = [told[place] for told in rounds]
        assert min(drawn) >= 0
        assert max(drawn) <= bound
        # Spread over all of it, so that tools which failed together do not come back together.
        assert min(drawn) < 0.05 * bound
        assert max(drawn) > 0.95 * bound
        assert 0.4 * bound < sum(drawn) / len(drawn) < 0.6 * bound


@pytest.mark.parametrize("action", [Action.FAIL, Action.NEW_TOKEN])
def test_what_cannot_help_is_not_repeated(action: Action) -> None:
    assert failing(action, BUDGET) == []


def test_an_error_that_is_not_of_the_api_is_not_repeated() -> None:
    generator = waits(BUDGET, Clock())
    next(generator)
    with pytest.raises(StopIteration):
        generator.send(ValueError())


@pytest.mark.parametrize("action", [Action.WAIT, Action.RETRY])
def test_without_a_budget_nothing_is_repeated(action: Action) -> None:
    assert failing(action, 0.0, took=0.0) == []


@given(
    st.integers(0, 2**32),
    st.floats(0, 2000),
    st.lists(
        st.tuples(st.sampled_from([Action.WAIT, Action.RETRY]), st.none() | st.floats(0, 1000), st.floats(0, 100)),
        max_size=80,
    ),
)
def test_no_mixture_of_failures_is_waited_for_longer_than_the_budget(
    seed: int, budget: float, failures: list[tuple[Action, float | None, float]]
) -> None:
    random.seed(seed)
    clock = Clock()
    end = clock.now + budget
    generator = waits(budget, clock)
    next(generator)
    for action, retry_after, took in failures:
        clock.sleep(took)
        asked_at = clock.now
        try:
            wait = generator.send(ApiError("trouble", action, retry_after=retry_after))
        except StopIteration:
            return
        assert 0 <= wait <= max(LONGEST_WAIT, 60)
        clock.sleep(wait)
        limit = end if action is Action.WAIT else end - budget * 2 / 3
        assert clock.now <= limit + 1e-6
        if retry_after is not None and retry_after <= LONGEST_WAIT:
            assert clock.now >= asked_at + retry_after - 1e-6


# Retry-After


@pytest.mark.parametrize("asked", [1.0, 45.0, 180.0, 300.0])
def test_what_the_server_asks_for_is_waited(asked: float) -> None:
    for seed in range(50):
        random.seed(seed)
        told = failing(Action.WAIT, BUDGET, retry_after=asked)
        assert told
        assert all(asked <= wait <= max(asked, 60) for wait in told)


@pytest.mark.parametrize("action", [Action.WAIT, Action.RETRY])
def test_those_who_wait_together_wait_so_long_and_no_longer(action: Action) -> None:
    """Or the last of sixteen threads would still wait by itself when the others have long had their answers."""
    clock = Clock()
    generator = waits(BUDGET, clock)
    next(generator)
    for asked in (0.25, 2.0, 0.5, 30.0, 1.0):
        failure = ApiError("trouble", action, retry_after=asked, together=True)
        assert generator.send(failure) == asked
        clock.sleep(asked)


def test_nobody_waits_longer_than_the_longest_wait_at_once() -> None:
    assert set(failing(Action.WAIT, BUDGET, retry_after=86400.0)) == {LONGEST_WAIT}


def test_what_does_not_fit_in_the_budget_is_not_waited_for() -> None:
    """Neither is it asked too early: the server has said that this cannot help."""
    assert failing(Action.WAIT, 100.0, retry_after=180.0) == []
    assert failing(Action.RETRY, 300.0, retry_after=101.0) == []


NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("007", 7.0),
        (format_datetime(NOW.replace(minute=3), usegmt=True), 180.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:59:00 GMT", 0.0),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60.0),
        ("Sun Mar  1 12:01:00 2026", 60.0),
    ],
)
def test_retry_after_is_read_in_every_form_of_the_rfc(header: str, seconds: float) -> None:
    assert parse_retry_after(header, NOW.timestamp()) == seconds


@pytest.mark.parametrize(
    "junk",
    [None, "", " ", "soon", "-1", "1.5", "1e3", "0x10", "12 seconds", "٣", "²", "nan", "inf", "9" * 400,
     "Sun, 99 Mar 2026 12:00:00 GMT", "Sun, 01 Mar 99999 12:00:00 GMT", "Sun, 01 Mar 0000 00:00:00 GMT",
     "Sun, 01 Mar 2026 12:00:00 +99999999", "Mon", "Mon, ", ",", "1\x00", "01 Jan 0001 00:00:00 +2359"],
)  # fmt: skip
def test_junk_in_retry_after_is_no_trouble(junk: str | None) -> None:
    seconds = parse_retry_after(junk, NOW.timestamp())
    assert seconds is None or seconds >= 0


@given(st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,6} [\d:]{1,9} [A-Z+\d]{1,7}"))
def test_any_text_in_retry_after_is_no_trouble(text: str) -> None:
    seconds = parse_retry_after(text, NOW.timestamp())
    assert seconds is None or seconds >= 0


# YCM's limit


@pytest.mark.parametrize("minutes", [1, 3, 5])
@pytest.mark.parametrize("refill", ["stepwise", "continuous"])
def test_an_empty_bucket_is_survived_within_the_default_budget(
    minutes: int, refill: Literal["stepwise", "continuous"]
) -> None:
    """Somebody else has used up the limit; a list of 400 pages is read all the same, whatever the dice say."""
    longest = 0.0
    for seed in range(300):
        random.seed(seed)
        clock = Clock()
        bucket = Bucket(Limit(100, 50, 60 * minutes, refill=refill), clock.now)
        while not bucket.take(clock.now):
            pass
        clock.sleep(random.uniform(0, 60 * minutes) if refill == "stepwise" else 0)  # noqa: S311 - chance, not a secret
        for _ in range(400):
            generator = waits(BUDGET, clock)
            next(generator)
            began = clock.now
            while bucket.take(clock.now):
                try:
                    wait = generator.send(ApiError("limit", Action.WAIT))
                except StopIteration:
                    pytest.fail(f"gave up after {clock.now - began:.0f} s, seed {seed}")
                clock.sleep(wait)
            longest = max(longest, clock.now - began)
            clock.sleep(0.1)
    print(f"300 runs, {refill}, {minutes} min: the longest wait was {longest:.0f} s of {BUDGET:.0f} s")  # noqa: T201


@pytest.mark.parametrize(("minutes", "rate"), [(1, 60), (3, 300), (5, 10)])
@pytest.mark.parametrize("refill", ["stepwise", "continuous"])
def test_the_pace_that_the_readme_recommends_never_meets_the_limit(
    minutes: int, rate: int, refill: Literal["stepwise", "continuous"]
) -> None:
    clock = Clock()
    per_minute = max(1, int(0.75 * rate / minutes))
    pace = Pace(per_minute, clock, clock.sleep)
    bucket = Bucket(Limit(rate, rate, 60 * minutes, refill=refill), clock.now)
    for _ in range(2000):
        pace.wait()
        assert bucket.take(clock.now) == 0


# Pace


def test_requests_come_evenly() -> None:
    clock = Clock()
    pace = Pace(30, clock, clock.sleep)
    places: list[float] = []
    for _ in range(50):
        pace.wait()
        places.append(clock.now)
    assert places[0] == 5000.0  # the first is free
    assert {later - earlier for earlier, later in pairwise(places)} == {2.0}


def test_time_that_passed_anyway_is_not_waited_again_nor_saved_up() -> None:
    clock = Clock()
    pace = Pace(60, clock, clock.sleep)
    pace.wait()
    clock.sleep(0.75)
    pace.wait()
    assert clock.now == 5001.0
    clock.sleep(500)
    pace.wait()
    assert clock.now == 5501.0
    pace.wait()  # no burst after a pause
    assert clock.now == 5502.0


def test_without_a_pace_nobody_waits() -> None:
    clock = Clock()
    pace = Pace(None, clock, clock.sleep)
    for _ in range(100):
        pace.wait()
    assert clock.now == 5000.0


@pytest.mark.parametrize("per_minute", [None, 60])
def test_a_limit_that_one_meets_holds_everybody(per_minute: int | None) -> None:
    clock = Clock()
    pace = Pace(per_minute, clock, clock.sleep)
    pace.wait()
    pace.hold(30)
    pace.hold(10)  # a shorter one does not shorten it
    pace.wait()
    assert clock.now == 5030.0
    pace.wait()
    assert clock.now == 5030.0 + (1 if per_minute else 0)


@pytest.mark.parametrize("per_minute", [30, 60])
def test_a_limit_holds_those_too_who_have_got_their_place_already(per_minute: int) -> None:
    clock = Clock()

    def sleep(seconds: float) -> None:
        if clock.now == 5000.0:
            pace.hold(30)  # another one meets it while this one sleeps
        clock.sleep(seconds)

    pace = Pace(per_minute, clock, sleep)
    pace.wait()
    pace.wait()
    assert clock.now == 5030.0
    pace.wait()
    assert clock.now == 5030.0 + 60 / per_minute


def test_threads_share_one_row_of_places() -> None:
    """However many ask at once, no two get the same place."""
    waited: list[float] = []
    lock = threading.Lock()

    def sleep(seconds: float) -> None:
        with lock:
            waited.append(seconds)

    pace = Pace(60, lambda: 5000.0, sleep)
    together = threading.Barrier(8)

    def ask(_: int) -> None:
        together.wait()
        for _ in range(25):
            pace.wait()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert sorted(waited) == [float(place) for place in range(1, 200)]


def test_seconds_that_requests_wait_because_of_the_pace_are_counted_once() -> None:
    now = [100.0]
    pace = Pace(60, clock=lambda: now[0], sleep=lambda _: None)
    # Three at once, as threads ask: the second waits one second, the third one more.
    assert [pace.wait() for _ in range(3)] == [0.0, 1.0, 1.0]
    now[0] += 10
    assert pace.wait() == 0.0  # its place was free long ago
    pace.hold(5)
    now[0] += 4
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace._sleep = sleep
    assert pace.wait() == 0.0  # a limit made it wait, not the pace
    assert slept == [1.0]
    assert pace.wait() == 1.0
