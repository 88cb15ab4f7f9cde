"""The plain order: which pages are asked for, how often, and when it is enough."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from lists import MovingList

from tap_ycm.reading.plain import read_plainly

if TYPE_CHECKING:
    from tap_ycm.reading.pages import Page, PageRequest

ONCE = [1, 2, 3]
ON_AND_ON = list(range(1, 14))
"""Ten pages beyond the last that brings anything."""


@pytest.mark.parametrize(
    ("total", "enough", "pages"),
    [
        (12, 12, ONCE),
        (12, 13, ONCE * 2),
        (16, 12, [1, 2, 3, 4]),
        (6, 12, [1, 2] * 2),  # no further than the total says
        (None, 12, ON_AND_ON),
        (None, 13, ON_AND_ON * 2),
        (10**9, 12, ON_AND_ON),
    ],
)
def test_pages_are_read_to_the_end_and_again_while_rows_are_due(
    total: int | None, enough: int, pages: list[int]
) -> None:
    world = MovingList(12)
    read: set[int] = set()

    def fetch(request: PageRequest) -> Page:
        return replace(world.fetch(request), total=total)

    def unread(keys: list[int]) -> list[int]:
        return [place for place, key in enumerate(keys) if key not in read]

    for keys, rows in read_plainly(fetch, 5, unread, lambda: len(read) >= enough):
        assert rows == [{"customerId": key} for key in keys]
        assert read.isdisjoint(keys)
        read.update(keys)
    assert read == set(world.keys[: 5 * max(pages)])
    assert [request.number for request in world.requests] == pages
