"""Where the lanes begin, and which keys belong to each: no key to two, and none to nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from lists import MovingList

from tap_ycm.reading import opening
from tap_ycm.reading.asking import Asking
from tap_ycm.reading.checks import ViolationError
from tap_ycm.reading.lane import BELOW_ALL, LaneMark

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_ycm.reading.pages import Page, PageRequest

SIZE = 5


@pytest.fixture(autouse=True)
def _small_lists_get_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PAGES_WORTH_A_LANE", 1)


def opened(world: MovingList, most: int = 4, floor: int = BELOW_ALL, size: int = SIZE) -> list[tuple[LaneMark, bool]]:
    """Return the lanes, and whether the first page of each is at hand; the newest page was read before."""
    ask = Asking(world.fetch, size)
    lowest = ask.newest_page().ids[-1]

    def first_pages(numbers: Iterable[int]) -> dict[int, Page]:
        return {number: ask.page(number) for number in numbers}

    lanes = opening.open_lanes(ask, first_pages, most, lowest, floor)
    return [(lane.mark, page is not None) for lane, page in lanes]


def pages(world: MovingList) -> list[int]:
    return [request.number for request in world.requests if not request.newest_first]


@pytest.mark.parametrize(
    ("floor", "lanes"),
    [
        (BELOW_ALL, [(12, 56, 45), (9, 46, 30), (6, 31, 15), (3, 16, BELOW_ALL)]),
        (14, [(12, 56, 45), (9, 46, 30), (6, 31, 15), (3, 16, 14)]),
        (15, [(12, 56, 45), (9, 46, 30), (6, 31, 15)]),
        (20, [(12, 56, 45), (9, 46, 30), (6, 31, 20)]),
        (44, [(12, 56, 45), (9, 46, 44)]),
        (50, [(12, 56, 50)]),
    ],
)
def test_lanes_are_neighbours_down_to_what_is_not_wanted(floor: int, lanes: list[tuple[int, int, int]]) -> None:
    assert opened(MovingList(60), floor=floor) == [(LaneMark(*lane), True) for lane in lanes]


def test_lanes_whose_first_pages_fell_past_each_other_share_no_key() -> None:
    """The page of the third lane was answered last, when most rows beneath it were gone: its top is the higher one."""

    def answered_late(page: Page, request: PageRequest, world: MovingList) -> Page:
        if request.number != 6 or request.newest_first:
            return page
        ids = [43, 44, 45, 46, 47]
        return replace(page, ids=ids, rows=[{"customerId": key} for key in ids])

    lanes = opened(MovingList(60, change=answered_late))
    assert lanes == [(LaneMark(12, 56, 45), True), (LaneMark(6, 46, 15), True), (LaneMark(3, 16, BELOW_ALL), True)]


def test_a_list_that_was_emptied_meanwhile_has_no_lanes() -> None:
    def emptied(page: Page, request: PageRequest, world: MovingList) -> Page:
        return page if len(world.requests) == 1 else replace(page, ids=[], rows=[], total=0)

    assert opened(MovingList(60, change=emptied)) == []


@pytest.mark.parametrize(
    ("total", "lanes", "asked"),
    [
        (30, [(6, 26, BELOW_ALL)], [6]),
        (34, [(6, 26, BELOW_ALL)], [6]),
        (35, [(6, 26, BELOW_ALL)], [7, 3, 5, 6]),
        (60, [(6, 26, BELOW_ALL)], [12, 6]),
        (150, [(6, 26, BELOW_ALL)], [30, 15, 7, 3, 5, 6]),
        # too low: upwards, in growing steps, and beneath them what was read in vain is a lane
        (25, [(5, 26, BELOW_ALL)], [5, 6]),
        (20, [(6, 26, 20), (4, 21, BELOW_ALL)], [4, 5, 7, 6]),
        (0, [(6, 26, 5), (1, 6, BELOW_ALL)], [1, 2, 4, 8, 6]),
    ],
)
def test_the_topmost_lane_begins_at_the_page_that_meets_the_newest(
    total: int, lanes: list[tuple[int, int, int]], asked: list[int]
) -> None:
    world = MovingList(30, change=lambda page, *_: replace(page, total=total))
    assert opened(world, most=1) == [(LaneMark(*lane), True) for lane in lanes]
    assert pages(world) == asked


def test_a_page_that_repeats_keys_of_a_lower_one_is_noticed_while_the_end_is_looked_for() -> None:
    def overlapping(page: Page, request: PageRequest, world: MovingList) -> Page:
        first = {3: 1, 5: 5}.get(request.number)
        ids = page.ids if first is None or request.newest_first else list(range(first, first + SIZE))
        return replace(page, ids=ids, total=35)

    with pytest.raises(ViolationError, match=r"^page 5 repeats keys of a page below it"):
        opened(MovingList(30, change=overlapping), most=1)


def test_the_newest_rows_may_be_deleted_while_the_end_is_looked_for() -> None:
    """Then the highest page that holds a row is read again: it is the newest page by now."""
    world = MovingList(12, [11, 10])
    assert opened(world, most=1, size=1) == [(LaneMark(10, 12, BELOW_ALL), False)]
    assert pages(world) == [12, 6, 9, 10, 11]
