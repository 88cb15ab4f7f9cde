"""One lane, step by step; that nothing is missed is shown in test_every_schedule.py."""

from __future__ import annotations

import pytest

from tap_ycm.reading.lane import ABOVE_ALL, BELOW_ALL, Lane, LaneMark


def taken(lane: Lane, keys: list[int]) -> list[int]:
    return keys[lane.take(keys)]


def test_a_lane_reads_downwards_to_the_first_page() -> None:
    lane = Lane(LaneMark(3, 8, BELOW_ALL))
    assert (taken(lane, [7, 8, 9]), lane.page) == ([7], 2)
    assert (taken(lane, [4, 5, 6]), lane.page) == ([4, 5, 6], 1)
    assert lane.mark == LaneMark(1, 4, BELOW_ALL)
    assert (taken(lane, [1, 2, 3]), lane.page) == ([1, 2, 3], 0)


@pytest.mark.parametrize(
    ("keys", "handed_out", "page"),
    [
        ([5, 6, 7], [6, 7], 0),  # down to the lane beneath, whose top is 5
        ([4, 6, 7], [6, 7], 0),
        ([6, 7, 8], [6, 7, 8], 2),
        ([6, 7, 9], [6, 7], 2),  # 9 belongs to the lane above, or was handed out
        ([9, 10, 11], [], 2),  # nothing for this lane, but its objects are below
        ([3, 4, 5], [], 0),
        ([2, 3], [], 0),
        ([5, 9], [], 0),  # nothing is left in its range
    ],
)
def test_a_lane_ends_where_the_lane_beneath_begins(keys: list[int], handed_out: list[int], page: int) -> None:
    lane = Lane(LaneMark(3, 9, 5))
    assert (taken(lane, keys), lane.page) == (handed_out, page)


def test_a_row_that_falls_onto_the_next_page_is_handed_out_once() -> None:
    lane = Lane(LaneMark(2, ABOVE_ALL, BELOW_ALL))
    assert taken(lane, [3, 4]) == [3, 4]
    assert taken(lane, [2, 3]) == [2]


def test_beneath_an_empty_page_the_end_is_found_by_halving_and_read() -> None:
    lane = Lane(LaneMark(100, ABOVE_ALL, BELOW_ALL))
    pages: list[int] = []
    for _ in range(7):
        pages.append(lane.page)
        assert taken(lane, [lane.page] if lane.page <= 37 else []) == []
    assert pages == [100, 50, 25, 37, 43, 40, 38]
    assert lane.page == 37  # again, for what was read while searching does not count
    assert taken(lane, [37]) == [37]


def test_a_list_that_was_emptied_ends_a_lane() -> None:
    lane = Lane(LaneMark(6, ABOVE_ALL, BELOW_ALL))
    pages: list[int] = []
    while lane.page:
        pages.append(lane.page)
        lane.take([])
    assert pages == [6, 3, 1]


def test_an_interrupted_search_goes_on_beneath_the_lowest_empty_page() -> None:
    lane = Lane(LaneMark(100, 77, 5))
    lane.take([])
    assert lane.mark == LaneMark(99, 77, 5)
    lane.take([])
    assert lane.mark == LaneMark(49, 77, 5)
    lane.take([1])
    assert (lane.mark, lane.page) == (LaneMark(49, 77, 5), 37)
