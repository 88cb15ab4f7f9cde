"""Every schedule of creations and deletions between the requests of a scan of a small list."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tap_ycm.envelope import Page
from tap_ycm.scan import PageRequest, Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = 2
Event = int | str | None
"""What happens before a request: a position to delete at, ``new`` to create, ``swap`` for both, or nothing."""


class List:
    """A list of YCM, cut into pages, that changes before each request as a schedule says."""

    def __init__(self, rows: int, schedule: tuple[Event, ...]) -> None:
        self.keys = list(range(1, rows + 1))
        self.next_key = rows + 1
        self.schedule = schedule
        self.requests = 0
        self.first: set[int] = set()
        self.alive_throughout = set(self.keys)

    def change(self) -> None:
        if self.requests > 0:  # before the first request nothing matters
            event = self.schedule[self.requests - 1] if self.requests <= len(self.schedule) else None
            if isinstance(event, int) and event < len(self.keys):
                self.alive_throughout.discard(self.keys.pop(event))
            if event == "two" and len(self.keys) > 1:
                self.alive_throughout -= {self.keys.pop(0), self.keys.pop(0)}
            if event in {"new", "swap"}:
                self.keys.append(self.next_key)
                self.next_key += 1
            if event == "swap":
                self.alive_throughout.discard(self.keys.pop(0))
        self.requests += 1

    def fetch(self, request: PageRequest) -> Page:
        self.change()
        keys = self.keys[::-1] if request.newest_first else self.keys
        ids = keys[(request.number - 1) * request.size : request.number * request.size]
        return Page(
            ids=ids,
            rows=[{"customerId": key} for key in ids],
            number=request.number,
            size=request.size,
            total=len(self.keys),
            request_id="test",
        )


def schedules(rows: int) -> Iterator[tuple[Event, ...]]:
    """Return every schedule for a list of this length: an event before each request but the first."""
    requests = rows // SIZE + 2
    events: list[Event] = [None, *range(rows), "two", "new", "swap"]
    # Six rows and more have too many schedules of full length; three events at every place cover the rest.
    if rows <= 4:
        yield from itertools.product(events, repeat=requests)
        return
    for places in itertools.combinations(range(requests), 3):
        for some in itertools.product(events[1:], repeat=3):
            schedule: list[Event] = [None] * requests
            for place, event in zip(places, some, strict=True):
                schedule[place] = event
            yield tuple(schedule)


def forward(fetch: Callable[[PageRequest], Page]) -> Iterator[int]:
    """Read the usual way: pages 1, 2, 3, ... as far as total says."""
    number, seen = 1, 0
    while True:
        page = fetch(PageRequest(number, SIZE))
        yield from page.ids
        seen += len(page.ids)
        if seen >= (page.total or 0) or not page.ids:
            return
        number += 1


def read(scan: Scan) -> list[int]:
    return [row["customerId"] for rows in scan.read() for row in rows]


@pytest.mark.parametrize("rows", range(9))
def test_nobody_who_lives_through_a_scan_is_missed(rows: int) -> None:
    count = 0
    for schedule in schedules(rows):
        world = List(rows, schedule)
        scan = Scan(world.fetch, SIZE)
        keys = read(scan)
        assert world.alive_throughout <= set(keys), schedule
        assert all(later < earlier for earlier, later in itertools.pairwise(keys)), schedule
        assert scan.flaw is None, (schedule, scan.flaw)
        assert scan.remark is None, (schedule, scan.remark)
        count += 1
    assert count >= 1
