"""Where the lanes begin, and which keys each of them returns.

The pages below the newest page are cut into neighbouring segments, one lane each. What decides on the ranges is not
the total, which may be wrong, but the keys met: a lane's *top* is the highest key of its first page, never above the
top of the lane above it. Lane j returns the keys in (top of lane j - 1, top of lane j], so each key belongs to exactly
one lane. An object of that range was on the lane's first page or a lower one when that page was read.

The topmost lane must begin at a page that *meets* the newest page, that is holds a key at or above its lowest: then
everything older is on that page or below. Where the total was told too low, it is looked for above; where pages are
empty, below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_ycm.reading.checks import violation
from tap_ycm.reading.lane import Lane, LaneMark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_ycm.reading.asking import Asking
    from tap_ycm.reading.pages import Page

__all__ = ["PAGES_WORTH_A_LANE", "open_lanes"]

PAGES_WORTH_A_LANE = 10
"""Each lane but the lowest costs a request; it is worth that from so many pages on."""
_LAST_PAGE = 2**40
_ATTEMPTS = 3


def open_lanes(
    ask: Asking,
    first_pages: Callable[[Iterable[int]], dict[int, Page]],
    most: int,
    lowest: int,
    floor: int,
) -> list[tuple[Lane, Page | None]]:
    """Find where the lanes begin.

    Args:
        ask: The list; its newest page was just read.
        first_pages: Gets pages in ascending order, several at a time, checked.
        most: How many lanes there may be.
        lowest: The lowest key of the newest page.
        floor: Keys up to here are not wanted.

    Returns:
        The lanes, the topmost first, each with its first page if that is at hand: it counts as read, and is still to
        be taken.

    Raises:
        ViolationError: The list is cut off above, or its pages overlap.
    """
    total = ask.total or 0
    last = max(min(total // ask.size, _LAST_PAGE), 1)
    count = max(1, min(most, last // PAGES_WORTH_A_LANE))
    pages = first_pages(last * (place + 1) // count for place in range(count))
    start, first = _topmost(ask, pages, lowest)
    # An empty page says that every object is on a lower one, so no lane but the topmost begins above it.
    highest = min([start, *(number for number, page in pages.items() if not page.ids)])
    lower = [(number, page) for number, page in sorted(pages.items(), reverse=True) if number < highest]
    begins: list[tuple[int, Page | None]] = [(start, first), *lower]
    lanes: list[tuple[Lane, Page | None]] = []
    below = lowest
    for place, (number, page) in enumerate(begins):
        beneath = begins[place + 1][1] if place + 1 < len(begins) else None
        until = max(min(beneath.ids[-1], below - 1), floor) if beneath else floor
        if number and until < below - 1:
            lanes.append((Lane(LaneMark(number, below, until)), page))
        below = until + 1
    return lanes


def _topmost(ask: Asking, pages: dict[int, Page], lowest: int) -> tuple[int, Page | None]:
    """Return the page at which the topmost lane begins, if it was read already with it; 0 if there is nothing."""
    filled, met = 0, None  # the highest page known to hold rows without meeting the newest, and its highest key
    number, page = 1, None
    for number, page in sorted(pages.items()):
        if _reaches(page, lowest):
            break
        filled, met = number, page.ids[-1]
    for _ in range(_ATTEMPTS):
        page = page or _next_page(ask, number, met)
        step = 1
        while not _reaches(page, lowest):  # the total is too low: go up, in growing steps
            filled, met = number, page.ids[-1]
            number, step = number + step, step * 2
            page = _next_page(ask, number, met)
        while not page.ids and number - filled > 1:  # the list ends in between: halve
            middle = (number + filled) // 2
            probe = _next_page(ask, middle, met)
            if _reaches(probe, lowest):
                number, page = middle, probe
            else:
                filled, met = middle, probe.ids[-1]
        if page.ids:
            return number, page
        newest = ask.newest_page()
        if not newest.ids or (met is not None and newest.ids[-1] <= met):
            return filled, None  # to be read again, now that the page above it is known to be empty
        # Rows were created meanwhile, fell onto that page as others were deleted, or are hidden: look again.
        number, page, filled, met = max(filled, 1), None, 0, None
    what = f"the list is cut off after page {number}: newer rows are on the newest page only"
    raise violation(newest, what)


def _next_page(ask: Asking, number: int, met: int | None) -> Page:
    """Return a page above one whose highest key is ``met``."""
    page = ask.page(number)
    if met is not None and page.ids and page.ids[0] <= met:
        # A row's place can only fall, so no row of a lower page can turn up on a higher one.
        raise violation(page, f"page {number} repeats keys of a page below it")
    if number > _LAST_PAGE:
        raise violation(page, f"the list still goes on at page {number}")
    return page


def _reaches(page: Page, lowest: int) -> bool:
    """Tell whether a page meets the newest page, or is beyond the end of the list."""
    return not page.ids or page.ids[-1] >= lowest
