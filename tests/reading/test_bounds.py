"""Nothing that an answer or a bookmark says makes the reading ask without end.

``EXAMPLES=10000`` sets how many worlds are tried.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lists import MovingList, keys_of

from tap_ycm.reading.lane import ABOVE_ALL, BELOW_ALL, LaneMark
from tap_ycm.reading.scan import Bookmark

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_ycm.reading.pages import Page, PageRequest

EXAMPLES = int(os.environ.get("EXAMPLES", "400"))
ENOUGH = 3000
"""A list that really has no end is read without end: here only so far."""


def page_of(keys: list[int], request: PageRequest, total: int) -> Page:
    ids = keys[::-1] if request.newest_first else keys
    return replace(MovingList.page([], request), ids=ids, rows=[{"customerId": key} for key in ids], total=total)


def repeated(page: Page, request: PageRequest, world: MovingList) -> Page:
    return replace(world.page(world.keys, replace(request, number=1)), number=request.number)


def clamped(page: Page, request: PageRequest, world: MovingList) -> Page:
    last = max(-(-len(world.keys) // request.size), 1)
    return replace(world.page(world.keys, replace(request, number=min(request.number, last))), number=request.number)


def endless(page: Page, request: PageRequest, world: MovingList) -> Page:
    start = request.number * request.size
    keys = list(range(start, start + request.size))
    return page_of([10**19 - key for key in keys[::-1]] if request.newest_first else keys, request, len(world.keys))


def always_new(page: Page, request: PageRequest, world: MovingList) -> Page:
    start = 10**6 + len(world.requests) * request.size
    return page_of(list(range(start, start + request.size)), request, len(world.keys))


def newest_never_met(page: Page, request: PageRequest, world: MovingList) -> Page:
    if request.newest_first:
        return page_of(list(range(10**6, 10**6 + request.size)), request, len(world.keys))
    return page


def newest_grows(page: Page, request: PageRequest, world: MovingList) -> Page:
    """Every newest page is the same one, newer than the first one was."""
    if request.newest_first and len(world.requests) > 1:
        return page_of(list(range(10**6, 10**6 + request.size)), request, len(world.keys))
    return page


def empty(page: Page, request: PageRequest, world: MovingList) -> Page:
    return replace(page, ids=[], rows=[])


def one_row(page: Page, request: PageRequest, world: MovingList) -> Page:
    return page_of([request.number], request, len(world.keys))


def other_number(page: Page, request: PageRequest, world: MovingList) -> Page:
    return replace(page, number=1)


def other_size(page: Page, request: PageRequest, world: MovingList) -> Page:
    return replace(page, size=1)


def no_size(page: Page, request: PageRequest, world: MovingList) -> Page:
    return replace(page, size=None)


def disorder(page: Page, request: PageRequest, world: MovingList) -> Page:
    return replace(page, ids=page.ids[::-1], rows=page.rows[::-1])


ANSWERS: list[Callable[[Page, PageRequest, MovingList], Page]] = [
    *(lambda page, *_: page,) * 3,
    *(repeated, clamped, endless, always_new, newest_never_met, newest_grows, empty, one_row),
    *(other_number, other_size, no_size, disorder),
]
TOTALS = st.none() | st.integers(0, 60) | st.sampled_from([-1, -(10**18), 900, 10**9, 10**18])
KEYS = st.integers(-2, 60) | st.sampled_from([BELOW_ALL, ABOVE_ALL, 10**18])
MARKS = st.builds(LaneMark, st.integers(1, 12) | st.sampled_from([10**9, 2**62]), KEYS, KEYS)
BOOKMARKS = st.builds(
    Bookmark, st.lists(MARKS, max_size=12).map(tuple), st.integers(1, 60), KEYS, st.integers(0, 10**12)
)


class Enough(Exception):  # noqa: N818 - no error
    """The list has no end."""


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.integers(0, 60),
    size=st.integers(1, 6),
    lanes=st.integers(1, 16),
    answers=st.lists(st.sampled_from(ANSWERS), min_size=1, max_size=3),
    one_first=st.integers(0, 12),
    totals=st.none() | st.lists(TOTALS, min_size=1, max_size=3),
    resume=st.none() | BOOKMARKS,
    events=st.lists(st.none() | st.integers(0, 30) | st.sampled_from(["new", "two", "swap"]), max_size=20),
)
def test_requests_are_bounded_by_the_rows_met(  # noqa: PLR0913, PLR0917 - each is one independent fact
    rows: int,
    size: int,
    lanes: int,
    answers: list[Callable[[Page, PageRequest, MovingList], Page]],
    one_first: int,
    totals: list[int | None] | None,
    resume: Bookmark | None,
    events: list[int | str | None],
) -> None:
    told, bent = cycle(totals or [None]), cycle(answers)
    met: set[int] = set()
    marks = len(resume.lanes) if resume else 0

    def change(page: Page, request: PageRequest, world: MovingList) -> Page:
        if len(world.requests) > one_first:  # an honest beginning leads further in
            page = next(bent)(page, request, world)
            page = replace(page, total=next(told)) if totals else page
        met.update(page.ids)
        due = -(-len(met) // request.size)
        assert len(world.requests) <= 25 * due + 70 * (lanes + marks + 2) + 400
        if len(world.requests) > ENOUGH:
            raise Enough
        return page

    world = MovingList(rows, events, change=change)
    scan, read = world.scan(size, lanes, resume)
    try:
        keys = keys_of(scan, read)
    except Enough:
        assert len(met) > ENOUGH // 25
        return
    assert set(keys) <= met
    assert scan.pages == len(world.requests)
