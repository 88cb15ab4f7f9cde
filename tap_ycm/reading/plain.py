"""The plain order, for a list that cannot be read in lanes: pages 1, 2, 3, ..., several times over.

Nothing is proved by it. It gets what can be got of a list whose rows are shuffled, repeated, or short, and ends by
itself whatever YCM answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_ycm.reading.pages import PageRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_ycm.reading.pages import Page, Row

__all__ = ["MOST_PASSES", "read_plainly"]

MOST_PASSES = 5
MOST_IDLE_PAGES = 10
"""Pages in a row that bring nothing which the same pass had not met."""
_FACTOR = 4


def read_plainly(
    fetch: Callable[[PageRequest], Page],
    size: int,
    unread: Callable[[list[int]], list[int]],
    is_enough: Callable[[], bool],
) -> Iterator[tuple[list[int], list[Row]]]:
    """Read the list in the plain order until a pass brings nothing new.

    Args:
        fetch: Gets one page.
        size: Rows per page.
        unread: Returns the places of those keys that were not handed out yet, each key once.
        is_enough: Whether as many rows as YCM's total were read.

    Yields:
        The keys and rows of one page that were not handed out before.
    """
    for _ in range(MOST_PASSES):
        brought = 0
        for page in _one_pass(fetch, size):
            places = unread(page.ids)
            brought += len(places)
            yield [page.ids[place] for place in places], [page.rows[place] for place in places]
        if not brought or is_enough():
            return


def _one_pass(fetch: Callable[[PageRequest], Page], size: int) -> Iterator[Page]:
    """Yield the pages as far as the total reaches, and not far beyond the last that brings anything."""
    met: set[int] = set()
    number = idle = 0
    last = 1
    while number < last:
        number += 1
        page = fetch(PageRequest(number, size))
        yield page
        before = len(met)
        met.update(page.ids)
        idle = 0 if len(met) > before else idle + 1
        if idle >= MOST_IDLE_PAGES or number > MOST_IDLE_PAGES + _FACTOR * (-(-len(met) // size)):
            return
        # Without a total, on as long as pages bring rows.
        last = number + 1 if page.total is None else -(-page.total // size)
