"""One answer held against what was asked for, and what the proof of completeness needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_ycm.reading.pages import Page, PageRequest

__all__ = ["Allowance", "ViolationError", "check", "rows_due"]


class ViolationError(Exception):
    """An assumption of the reading does not hold; the text says which and where."""


def check(page: Page, request: PageRequest) -> list[int]:
    """Hold one page against its request.

    Returns:
        The keys in ascending order.

    Raises:
        ViolationError: It is not the page, the size or the order that was asked for.
    """
    if page.number != request.number:
        raise violation(page, f"page {request.number} was asked for, page {page.number} was answered")
    if page.size != request.size or len(page.ids) > request.size:
        raise violation(page, f"{request.size} rows a page were asked for, not {page.size} or {len(page.ids)}")
    ascending = page.ids[::-1] if request.newest_first else page.ids
    if ascending != sorted(set(ascending)):
        raise violation(page, "the rows are not in the order asked for")
    return ascending


def violation(page: Page, what: str) -> ViolationError:
    """Return what is wrong with a page, with the means to find it again at YCM."""
    return ViolationError(f"{what} (requestId {page.request_id})")


def rows_due(total: int, number: int, size: int) -> int:
    """Return how many rows page ``number``, in either order, holds by the ``total`` that came with it."""
    return min(max(total - (number - 1) * size, 0), size)


class Allowance:
    """Bounds the pages of one reading by the rows it met, whatever YCM or a state claims."""

    EXTRA = 64
    """Pages that each lane may ask for beyond: a search by halving needs at most 63."""
    FACTOR = 4
    """How many pages there may be for each page that the rows met would fill."""

    def __init__(self, size: int, lanes: int) -> None:
        """Begin with nothing met."""
        self._size = size
        self._extra = self.EXTRA * (lanes + 2)
        self.pages = 0
        self.rows = 0

    def spend(self, rows: int) -> None:
        """Count one page that brought so many new rows.

        Raises:
            ViolationError: There were too many pages for so few rows.
        """
        self.pages += 1
        self.rows += rows
        if self.pages > self._extra + self.FACTOR * (-(-self.rows // self._size)):
            what = f"{self.pages} pages brought only {self.rows} rows: YCM seems to answer any page"
            raise ViolationError(what)
