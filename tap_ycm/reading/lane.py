"""One lane: a part of the list, read downwards, one page after the other.

In ascending order of keys an object's place can only fall: deletions move it towards page 1, and new objects, whose
keys are higher than all before, come behind it. So a reader that asks for page after page *downwards* meets every
object that exists throughout: let f(k) be the object's page at the moment page k is read. It begins at or below the
lane's first page b, so f(b) <= b. From page k to page k - 1, f never rises, so f(k) - k grows by at most 1. The lane
ends at a page e that holds a key below its range (or at page 1), where f(e) >= e. So f(k) - k goes from <= 0 to >= 0
in steps of at most 1: it is 0 somewhere, and there the object is read. Time does not enter: an interrupted lane can be
continued later, by another process.

docs/completeness.md has the whole proof; tests/reading/test_every_schedule.py tries every schedule of small worlds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ABOVE_ALL", "BELOW_ALL", "Lane", "LaneMark"]

BELOW_ALL = -(2**63) - 1
"""Lower than every key."""
ABOVE_ALL = 2**63
"""Higher than every key."""

_NOTHING = slice(0, 0)


@dataclass(frozen=True, slots=True)
class LaneMark:
    """Where another process may continue a lane, once the rows it returned have reached the target.

    Attributes:
        page: The next page, in ascending order of keys, from 1.
        below: Keys from here on were returned already, or belong to the lane above.
        until: Keys up to here belong to the lane beneath.
    """

    page: int
    below: int
    until: int


class Lane:
    """Returns the keys between ``until`` and ``below``, both excluded, in descending order.

    Attributes:
        page: The page to ask for next; 0 when the lane has ended.
        fresh: How many keys of the page taken last are below all that the lane had met.
    """

    def __init__(self, mark: LaneMark) -> None:
        """Begin at a page that no object of the lane's range is above."""
        self.page = mark.page
        self.fresh = 0
        self._met = ABOVE_ALL
        self._below = mark.below
        self._until = mark.until
        # While searching for the list's end: the lowest page known to be empty, the highest known to hold rows.
        self._empty: int | None = None
        self._filled = 0

    @property
    def mark(self) -> LaneMark:
        """Where to continue; every object of the range that was not returned is on this page or a lower one."""
        return LaneMark(self.page if self._empty is None else self._empty - 1, self._below, self._until)

    def take(self, keys: Sequence[int]) -> slice:
        """Take page ``page``, and move on.

        Args:
            keys: All keys of the page, ascending.

        Returns:
            The rows to hand out.
        """
        self.fresh = 0
        if keys and self._empty is None:
            return self._read(keys)
        if keys:
            self._filled = self.page
        else:
            self._empty = self.page  # every object is on a lower page, for good
        self._search()
        return _NOTHING

    def _read(self, keys: Sequence[int]) -> slice:
        self.fresh = bisect_left(keys, self._met)
        self._met = min(self._met, keys[0])
        end = bisect_left(keys, self._below)
        begin = min(bisect_right(keys, self._until), end)
        if begin < end:
            self._below = keys[begin]
        self.page = 0 if keys[0] <= self._until else self.page - 1
        return slice(begin, end)

    def _search(self) -> None:
        """Halve the pages between one that holds rows and an empty one; what is read meanwhile does not count.

        So the number of requests stays small when the list ends far below: it was told too long, or was emptied.
        """
        empty = self._empty or 0
        if empty - self._filled > 1:
            self.page = (empty + self._filled) // 2
        else:
            self.page = empty - 1  # to be read now; 0 if even the first page is empty
            self._empty, self._filled = None, 0
