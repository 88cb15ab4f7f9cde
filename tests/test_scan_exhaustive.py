"""Every schedule of creations and deletions between the requests for lists of up to eight rows, two on a page."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from moving_list import Event, MovingList, forward, in_flight, keys_of, read

from tap_ycm.reading.scan import PageRequest, Scan

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 2
EVENTS = ("two", "new", "swap")


def schedules(rows: int) -> Iterator[tuple[Event, ...]]:
    """Yield an event for each gap between two requests: all there are up to four rows, four of them beyond."""
    gaps = rows // SIZE + 1
    events: list[Event] = [None, *range(rows), *EVENTS]
    if rows <= 4:
        yield from itertools.product(events, repeat=gaps)
        return
    for quiet in itertools.combinations(range(gaps), gaps - min(gaps, 4)):
        for some in itertools.product(events[1:] if quiet else events, repeat=gaps - len(quiet)):
            busy = iter(some)
            yield tuple(None if gap in quiet else next(busy) for gap in range(gaps))


@pytest.mark.parametrize("rows", range(9))
def test_nobody_who_lives_through_a_scan_is_missed(rows: int) -> None:
    count = 0
    for schedule in schedules(rows):
        world = MovingList(rows, schedule)
        scan = Scan(world.fetch, SIZE)
        keys = read(scan)
        assert world.alive_throughout <= set(keys) <= world.ever_alive, schedule
        assert all(later < earlier for earlier, later in itertools.pairwise(keys)), schedule
        assert (scan.flaw, scan.remark, scan.rows) == (None, None, len(keys)), schedule
        count += 1
    print(f"{count} schedules for {rows} rows")  # noqa: T201 - README quotes it: scripts/test tests/... -rP -n 0


@pytest.mark.parametrize("order", [(1, 0), (2, 1, 0), (3, 0, 2, 1)], ids=str)
def test_nobody_is_missed_with_several_requests_in_flight(order: tuple[int, ...]) -> None:
    """As above, in each of these orders of the answers; twice the events, so that they reach a second reading."""
    count = again = 0
    for rows in range(8):
        for schedule in schedules(rows):
            world = MovingList(rows, schedule * 2)
            scan = Scan(world.fetch, SIZE, ahead=in_flight(world.fetch, order))
            keys = read(scan)
            assert world.alive_throughout <= set(keys) <= world.ever_alive, schedule
            assert len(set(keys)) == len(keys), schedule
            assert scan.flaw is None, schedule
            again += scan.remark is not None
            if set(schedule) <= {None}:
                assert len(world.requests) == rows // SIZE + 1, rows
            count += 1
    assert 0 < again < count
    print(f"{count} schedules, {again} read again, answers in the order {order}")  # noqa: T201 - README quotes it


@pytest.mark.parametrize("order", [(1, 0), (2, 1, 0), (3, 0, 2, 1)], ids=str)
@pytest.mark.parametrize("too_low", [1, 2])
def test_deletions_that_a_total_too_low_would_hide_are_noticed(too_low: int, order: tuple[int, ...]) -> None:
    """As many may be missed as the total is too low by, and the count be right: but then the total falls."""
    again = 0
    for rows in range(4, 8):
        for schedule in schedules(rows):
            if not {"new", "swap"}.isdisjoint(schedule):
                continue
            world = MovingList(
                rows, schedule, lambda page, *_: replace(page, total=max((page.total or 0) - too_low, len(page.ids)))
            )
            scan = Scan(world.fetch, SIZE, ahead=in_flight(world.fetch, order))
            assert world.alive_throughout <= set(read(scan)), schedule
            again += scan.remark is not None
    assert again


@pytest.mark.parametrize("rows", range(9))
def test_an_interruption_anywhere_changes_nothing(rows: int) -> None:
    """Stop after each page, go on from the bookmark in another process, with every event in between."""
    for gap, event in itertools.product(range(rows // SIZE + 2), [None, *range(rows), *EVENTS]):
        for stop in range(1, rows // SIZE + 3):
            world = MovingList(rows, [*[None] * gap, event])
            scan = Scan(world.fetch, SIZE)
            keys: list[int] = []
            for pages, batch in enumerate(scan.read(), start=1):
                keys += keys_of(batch)
                if pages == stop:
                    break
            else:
                continue
            if scan.bookmark is None:
                continue  # nothing to go on from yet: the next run begins anew
            second = Scan(world.fetch, 7, scan.bookmark)
            keys += read(second)
            assert world.alive_throughout <= set(keys), (gap, event, stop)
            assert all(later < earlier for earlier, later in itertools.pairwise(keys)), (gap, event, stop)
            assert second.resumed
            assert (second.flaw, second.rows) == (None, len(keys)), (gap, event, stop)


@pytest.mark.parametrize("order", [(1, 0), (3, 0, 2, 1)], ids=str)
def test_nobody_is_missed_when_several_were_in_flight_at_an_interruption(order: tuple[int, ...]) -> None:
    """As above, in these orders of the answers, with two events anywhere."""
    count = again = 0
    for rows in range(8):
        gaps = itertools.combinations(range(rows // SIZE + 3), 2)
        events = itertools.product([*range(rows), *EVENTS], repeat=2)
        for (when, happening), stop in itertools.product(itertools.product(gaps, events), range(2, rows // SIZE + 3)):
            schedule: list[Event] = [None] * (rows // SIZE + 3)
            for gap, event in zip(when, happening, strict=True):
                schedule[gap] = event
            world = MovingList(rows, schedule)
            scan = Scan(world.fetch, SIZE, ahead=in_flight(world.fetch, order))
            keys: list[int] = []
            for pages, batch in enumerate(scan.read(), start=1):
                keys += keys_of(batch)
                if pages == stop:
                    break
            if pages < stop or scan.bookmark is None:
                continue
            second = Scan(world.fetch, 7, scan.bookmark, ahead=in_flight(world.fetch, order))
            keys += read(second)
            assert world.alive_throughout <= set(keys) <= world.ever_alive, (schedule, stop)
            assert (second.flaw, second.resumed) == (None, True), (schedule, stop)
            again += second.remark is not None
            count += 1
    assert 0 < again < count


def test_the_harness_can_see_a_miss() -> None:
    missed = 0
    for schedule in schedules(8):
        world = MovingList(8, schedule)
        keys = set(forward(world.fetch, lambda number: PageRequest(number, SIZE)))
        missed += not world.alive_throughout <= keys
    assert missed > 1000
