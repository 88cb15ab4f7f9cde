"""A reading that was interrupted, continued: what is new comes first, and nothing comes twice."""

from __future__ import annotations

import pytest
from lists import MovingList, handed, keys_of

from tap_ycm.reading import opening
from tap_ycm.reading.lane import BELOW_ALL, LaneMark
from tap_ycm.reading.scan import Bookmark

SIZE = 5
MARK = Bookmark((LaneMark(2, 11, BELOW_ALL),), SIZE, 23, 13)
"""Of 23 rows, 13 were handed out: all but the first two pages."""


@pytest.fixture(autouse=True)
def _small_lists_get_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PAGES_WORTH_A_LANE", 1)


REST = [[6, 7, 8, 9, 10], [1, 2, 3, 4, 5]]


def asked(world: MovingList) -> str:
    return ", ".join(f"{'newest ' * request.newest_first}{request.number}" for request in world.requests)


@pytest.mark.parametrize(
    ("now", "handouts", "requests"),
    [
        (23, [[], *REST], "newest 1, 2, 1, 5"),
        (24, [[24], *REST], "newest 1, 2, 1, 5"),
        (28, [[24, 25, 26, 27, 28], *REST], "newest 1, 2, 1, 6"),
        (29, [[25, 26, 27, 28, 29], [24], *REST], "newest 1, 5, 2, 1, 6"),
        (
            35,
            [[31, 32, 33, 34, 35], [], REST[0], [26, 27, 28, 29, 30], REST[1], [24, 25]],
            "newest 1, 7, 2, 6, 1, 5, 7",
        ),
    ],
)
def test_what_was_created_since_comes_first_and_in_one_lane(now: int, handouts: list[list[int]], requests: str) -> None:
    world = MovingList(now)
    scan, _ = world.scan(SIZE, 3, MARK)
    assert [handed(handout) for handout in scan.read()] == handouts
    assert asked(world) == requests
    assert (scan.flaw, scan.rows, scan.newest, scan.resumed) == (None, now, now, True)


@pytest.mark.parametrize("newest", [[21, 22, 23], [22, 23], [23]])
def test_the_newest_key_stays_the_newest_when_its_row_is_deleted(newest: list[int]) -> None:
    world = MovingList(23)
    world.keys = [key for key in world.keys if key not in newest]
    scan, read = world.scan(SIZE, 3, MARK)
    assert keys_of(scan, read) == [*REST[0], *REST[1]]
    assert (scan.flaw, scan.rows, scan.newest) == (None, 23, 23)


def test_where_few_rows_are_left_all_come_again() -> None:
    scan, read = MovingList(4).scan(SIZE, 3, MARK)
    assert keys_of(scan, read) == [1, 2, 3, 4]
    assert (scan.flaw, scan.rows, scan.newest) == (None, 4, 23)


@pytest.mark.parametrize(("size", "most", "requests"), [(8, 5, "newest 1, 2, 1, 5"), (3, 3, "newest 1, 4, 3, 2, 1, 8")])
def test_pages_are_no_larger_than_they_were(size: int, most: int, requests: str) -> None:
    world = MovingList(23)
    scan, read = world.scan(size, 3, MARK)
    assert sorted(keys_of(scan, read)) == list(range(1, 11))
    assert {request.size for request in world.requests} == {most}
    assert asked(world) == requests
    assert scan.flaw is None
