"""The proof as tests: every schedule of small lists, or many random ones of larger lists.

A schedule says what happens to the list before each answer, which of the requests in flight is answered next, where
the reading is interrupted, and with how many lanes it goes on. ``SCHEDULES=1000000`` sets how many random ones are
tried; ``scripts/test tests/reading/test_every_schedule.py -rP -n 0`` prints how many every test has tried.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest
from lists import Decisions, MovingList, handed, keys_of

from tap_ycm.reading import opening
from tap_ycm.reading.pages import PageRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lists import Change, Event

    from tap_ycm.reading.scan import Bookmark, Scan

KINDS = ("new", "two", "swap")
RANDOM_SCHEDULES = int(os.environ.get("SCHEDULES", "4000"))


@pytest.fixture(autouse=True)
def _small_lists_get_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PAGES_WORTH_A_LANE", 1)


def say(what: object) -> None:
    print(what)  # noqa: T201 - README quotes the counts


def churn(world: MovingList, decide: Decisions, most: int) -> Iterator[Event]:
    """Yield every event that makes a difference, so many at most besides nothing."""
    while most:
        rows = len(world.keys)
        choice = decide(1 + rows + len(KINDS))
        most -= choice > 0
        yield None if not choice else choice - 1 if choice <= rows else KINDS[choice - 1 - rows]


def moving(decide: Decisions, rows: int, events: int, change: Change | None = None) -> MovingList:
    world = MovingList(rows, choose=decide, change=change)
    world._events = churn(world, decide, events)
    return world


def judge(world: MovingList, scan: Scan, keys: list[int], schedule: object) -> None:
    """Nothing twice, nothing invented; and nothing missed, or the scan says that it is not complete."""
    assert len(set(keys)) == len(keys), schedule
    assert set(keys) <= world.ever_alive, schedule
    assert scan.flaw is not None or world.alive_throughout <= set(keys), schedule


def most_requests(world: MovingList, size: int, lanes: int, processes: int = 1) -> int:
    """Return how many requests a reading may take: the pages due, a constant, and a second time after a violation."""
    return processes * (2 * -(-len(world.ever_alive) // size) + 4 * lanes + 12)


def read_on(
    world: MovingList, size: int, lanes: int, *, most_lanes: int, interruptions: int
) -> tuple[Scan, list[int], int]:
    """Read, with interruptions after any handout; each process after one goes on with another number of lanes.

    Returns:
        The last reading, the keys handed out in all, and the number of processes.
    """
    decide = world.choose
    keys: list[int] = []
    resume: Bookmark | None = None
    for processes in count(1):
        scan, read = world.scan(size, lanes, resume)
        part: list[int] = []
        for handout in scan.read():
            part += handed(handout)
            read.update(handout.keys)
            if interruptions and decide(2):
                break
        else:
            if scan.flaw is not None or scan.rows == len(part):  # read anew, or the list fits one answer by now
                return scan, part, processes
            assert scan.rows == len(keys) + len(part), decide
            return scan, keys + part, processes
        interruptions -= 1
        lanes = 1 + decide(most_lanes)
        world.begin()  # what exists by now must be read, too
        if scan.bookmark is None:
            keys, resume = [], None
        elif scan.bookmark != resume:  # as long as it stays, what was read since comes again
            keys, resume = keys + part, scan.bookmark
    raise AssertionError


@pytest.mark.parametrize(
    ("rows", "size", "lanes", "events"),
    [
        *((rows, 2, 1, 4) for rows in range(5)),
        *((rows, 2, 1, 3) for rows in (5, 6, 7, 8)),
        (9, 2, 1, 2),
        (4, 2, 2, 3),
        (5, 2, 2, 3),
        *((rows, 2, 2, 2) for rows in (6, 7, 8)),
        (6, 2, 3, 2),
        (7, 2, 3, 2),
        (8, 2, 3, 1),
        (8, 2, 4, 1),
        (9, 2, 4, 1),
        *((rows, 1, lanes, 2) for rows in (1, 2, 3) for lanes in range(1, rows + 1)),
        (4, 1, 2, 2),
        (4, 1, 3, 1),
        (4, 1, 4, 1),
        (5, 1, 3, 1),
        (9, 3, 3, 2),
    ],
    ids=str,
)
def test_nothing_that_lives_through_a_reading_is_missed(rows: int, size: int, lanes: int, events: int) -> None:
    decide, most = Decisions(), 0
    for _ in decide.runs():
        world = moving(decide, rows, events)
        scan, read = world.scan(size, lanes)
        keys = keys_of(scan, read)
        judge(world, scan, keys, decide)
        assert scan.flaw is None, decide
        assert scan.rows == len(keys), decide
        assert len(world.requests) <= most_requests(world, size, lanes), decide
        most = max(most, len(world.requests))
    say(
        f"{decide.tried} schedules: {rows} rows, {size} a page, {lanes} lanes, {events} events; {most} requests at most"
    )


@pytest.mark.parametrize(
    ("rows", "size", "lanes", "events", "interruptions"),
    [
        *((rows, 2, lanes, 1, 1) for rows in (2, 3, 4, 5) for lanes in (1, 2, 3)),
        (4, 2, 2, 1, 2),
        (6, 2, 1, 2, 1),
        (6, 2, 2, 1, 1),
        (6, 2, 3, 1, 1),
        (7, 2, 2, 1, 1),
        (3, 1, 1, 2, 1),
        (3, 1, 2, 1, 1),
        (3, 1, 3, 1, 1),
        (4, 1, 2, 1, 1),
    ],
    ids=str,
)
def test_interruptions_change_nothing(rows: int, size: int, lanes: int, events: int, interruptions: int) -> None:
    decide, resumed = Decisions(), 0
    for _ in decide.runs():
        world = moving(decide, rows, events)
        scan, keys, processes = read_on(world, size, lanes, most_lanes=3, interruptions=interruptions)
        judge(world, scan, keys, decide)
        assert scan.flaw is None, decide
        assert len(world.requests) <= most_requests(world, size, 3, processes), decide
        resumed += scan.resumed
    assert resumed
    say(f"{decide.tried} schedules, {resumed} resumed: {rows} rows, {size} a page, {lanes} lanes, {events} events")


@pytest.mark.parametrize(("rows", "size", "honoured"), [(5, 3, 2), (6, 4, 2), (4, 3, 1), (7, 5, 3)], ids=str)
def test_a_smaller_page_is_as_good(rows: int, size: int, honoured: int) -> None:
    decide = Decisions()
    for _ in decide.runs():
        world = moving(decide, rows, 1)
        world.honoured = honoured
        scan, keys, processes = read_on(world, size, 2, most_lanes=2, interruptions=1)
        judge(world, scan, keys, decide)
        assert scan.flaw is None, decide
        assert len(world.requests) <= most_requests(world, honoured, 2, processes + 1), decide
    say(f"{decide.tried} schedules: {rows} rows, {size} a page asked for, {honoured} given")


@pytest.mark.parametrize(("rows", "size", "later"), [(8, 3, 2), (7, 4, 1)], ids=str)
def test_pages_may_become_smaller_before_a_reading_goes_on(rows: int, size: int, later: int) -> None:
    decide = Decisions()
    for _ in decide.runs():
        world = moving(decide, rows, 1)
        first, read = world.scan(size)
        keys = keys_of(first, read, 1 + decide(3))
        world.honoured = later
        scan, read = world.scan(size, 1, first.bookmark)
        keys += keys_of(scan, read)
        assert scan.flaw is not None or world.alive_throughout <= set(keys), decide
    say(f"{decide.tried} schedules: {rows} rows, {size} a page, then {later}")


TOTALS: dict[str, Callable[[int, MovingList], int | None]] = {
    "1 too low": lambda total, _: max(total - 1, 0),
    "3 too low": lambda total, _: max(total - 3, 0),
    "1 too high": lambda total, _: total + 1,
    "7 too high": lambda total, _: total + 7,
    "900 too high": lambda total, _: total + 900,
    "at most 2": lambda total, _: min(total, 2),
    "always 0": lambda *_: 0,
    "as at the start": lambda _, world: world.rows,
    "told late": lambda total, world: world.rows if len(world.requests) < 4 else total,
    "not told": lambda *_: None,
}


def told(totals: Callable[[int, MovingList], int | None]) -> Change:
    return lambda page, _, world: replace(page, total=totals(page.total or 0, world))


@pytest.mark.parametrize("totals", TOTALS)
@pytest.mark.parametrize(
    ("rows", "lanes", "events", "interruptions"),
    [(5, 1, 2, 0), (5, 1, 1, 1), (6, 2, 2, 0), (6, 3, 1, 0)],
    ids=str,
)
def test_a_wrong_total_hides_nothing(rows: int, lanes: int, events: int, interruptions: int, totals: str) -> None:
    decide, flaws = Decisions(), 0
    events = 1 if totals == "900 too high" else events  # the search for the list's end has many gaps
    for _ in decide.runs():
        world = moving(decide, rows, events, told(TOTALS[totals]))
        scan, keys, processes = read_on(world, 2, lanes, most_lanes=2, interruptions=interruptions)
        judge(world, scan, keys, decide)
        # A search by halving for the list's end takes 10 requests for 450 pages, and is repeated up to three times.
        assert len(world.requests) <= most_requests(world, 2, lanes, processes) + 40 * lanes, decide
        flaws += scan.flaw is not None
    say(f"{decide.tried} schedules, {flaws} not complete: {rows} rows, {lanes} lanes, a total that is {totals}")


@pytest.mark.parametrize("totals", TOTALS)
@pytest.mark.parametrize("rows", range(8))
def test_a_quiet_list_is_read_whole_whatever_the_total(rows: int, totals: str) -> None:
    for lanes in (1, 2, 3):
        decide = Decisions()
        for _ in decide.runs():
            world = moving(decide, rows, 0, told(TOTALS[totals]))
            scan, read = world.scan(2, lanes)
            keys = keys_of(scan, read)
            judge(world, scan, keys, decide)
            assert totals == "always 0" or set(keys) == set(world.keys), decide


@pytest.mark.parametrize(("rows", "size", "lanes", "asked"), [(364, 50, 4, 8), (8010, 50, 8, 168), (8010, 50, 1, 161)])
def test_a_quiet_list_takes_the_fewest_requests(
    rows: int, size: int, lanes: int, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PAGES_WORTH_A_LANE", 10)
    world = MovingList(rows)
    scan, read = world.scan(size, lanes)
    assert sorted(keys_of(scan, read)) == world.keys
    assert len(world.requests) <= asked


def forward(world: MovingList, size: int) -> Iterator[int]:
    """Read the usual way: pages 1, 2, 3, ... as far as the total says."""
    for number in count(1):
        page = world.fetch(PageRequest(number, size))
        yield from page.ids
        if number * size >= (page.total or 0):
            return


def test_the_harness_sees_a_miss() -> None:
    decide, missed = Decisions(), 0
    for _ in decide.runs():
        world = moving(decide, 8, 2)
        missed += not world.alive_throughout <= set(forward(world, 2))
    assert missed > 100
    say(f"{decide.tried} schedules, {missed} of them missed by a reader of pages 1, 2, 3, ...")


class Chance:
    """Decides at random."""

    def __init__(self, seed: int) -> None:
        self.seed, self.random = seed, random.Random(seed)  # noqa: S311 - repeatable on purpose

    def __call__(self, options: int) -> int:
        return int(self.random.random() * options)

    def __repr__(self) -> str:
        return f"seed {self.seed}"


def heavy_churn(decide: Chance, world: MovingList, share: float) -> Iterator[Event]:
    while True:
        if decide.random.random() >= share:
            yield None
        else:
            rows = max(len(world.keys), 1)
            yield (decide(rows), decide(min(rows, 5)), "two", "new", "new", "swap")[decide(6)]


def random_totals(decide: Chance) -> Change | None:
    off = (0, 0, 0, decide(47) - 23, 900)[decide(5)]
    cap = decide(30) if not decide(7) else 2**63
    if not off and cap == 2**63:
        return None
    return lambda page, *_: replace(page, total=min(max((page.total or 0) + off, 0), cap))


def test_nothing_is_missed_in_random_schedules() -> None:
    outcomes: Counter[str] = Counter()
    for seed in range(RANDOM_SCHEDULES):
        decide = Chance(seed)
        size, lanes = 1 + decide(6), 1 + decide(8)
        world = MovingList(decide(34), choose=decide, change=random_totals(decide), step=(1, 2, 7)[decide(3)])
        world._events = heavy_churn(decide, world, (0, 0.2, 0.5, 0.9)[decide(4)])
        world.honoured = (None, None, None, 1 + decide(6))[decide(4)]
        scan, keys, processes = read_on(world, size, lanes, most_lanes=8, interruptions=(0, 0, 1, 3)[decide(4)])
        judge(world, scan, keys, decide)
        honoured = min(size, world.honoured or size)
        assert len(world.requests) <= 3 * most_requests(world, honoured, 8, processes), decide
        outcomes["resumed" if scan.resumed else "in one go"] += 1
        if scan.flaw is not None:
            outcomes["not complete, total " + ("wrong" if world.change else "honest: " + scan.flaw[:40])] += 1
    say(f"{RANDOM_SCHEDULES} random schedules: {dict(outcomes)}")
