"""One complete reading of a paged list that YCM does not sort.

Where new keys are higher than all before (that is declared, never guessed) and the order seen ascends, the pages are
read downwards in one lane: :mod:`tap_ycm.reading.lane` has the proof. Otherwise complete means *counted*: two readings
in a row find the same keys, and a total told between the two equals their number. Each of them was there in the first
reading and in the second, so all were there when that total was told: they are the list. In any order. One reading
whose count equals its total would show nothing: what was deleted can stand for what was missed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tap_ycm.errors import ApiError
from tap_ycm.reading.checks import Allowance, ViolationError, rows_due, violation
from tap_ycm.reading.lane import ABOVE_ALL, BELOW_ALL, Lane, LaneMark
from tap_ycm.reading.pages import Page, PageRequest
from tap_ycm.reading.plain import read_plainly
from tap_ycm.reading.reading import BaseReading, Handout

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

__all__ = ["MOST_READINGS", "Unsorted"]

MOST_READINGS = 5
ENOUGH_IN_ORDER = 20
"""Keys that must be seen in order: a list in no order shows fewer of them in order by chance."""
MOST_BEYOND = 10
"""Pages past the end by their own total, in a row."""
_MOST_ENDS = 20
"""How often the end of the list is looked at, until its last page ends where its total says."""
_INVALID_PARAMETER = 1000004
"""What YCM may say of a page past the end."""


class Unsorted(BaseReading):
    """One reading of a list; attributes as in :class:`tap_ycm.reading.reading.Reading`."""

    def __init__(
        self,
        fetch: Callable[[PageRequest], Page],
        *,
        size: int,
        keys_grow: bool,
        unread: Callable[[list[int]], list[int]],
    ) -> None:
        """Prepare a reading; nothing is asked yet.

        Args:
            fetch: Gets one page, or raises.
            size: Rows per page to ask for.
            keys_grow: Whether a new key is higher than all before, and none is used again.
            unread: Returns the places of those keys that were not handed out yet, each key once.
        """
        super().__init__()
        self._fetch = fetch
        self._size = size
        self._keys_grow = keys_grow
        self._unread = unread
        self._highest = BELOW_ALL
        self._end_was_whole = False
        self.evidence = "counted"

    def read(self) -> Generator[Handout]:
        """Read the list; closing this begins no further request."""
        try:
            yield from self._read()
        except ViolationError as wrong:
            self.flaw, self.only_missing = str(wrong), False
            yield from self._read_plainly()
        if self._keys_grow:
            self.newest = self._highest

    def _read(self) -> Iterator[Handout]:
        page = self._page(1)
        if page.size is not None and 0 < page.size < self._size:
            self._size = page.size
            page = self._page(1)
        self.first_total = page.total
        if page.total is None:
            raise violation(page, "YCM reports no total to check the records against")
        if len(page.ids) < self._size and len(set(page.ids)) == page.total:  # this one answer is the whole list
            self.evidence = "one answer"
            yield self._handout(page)
            return
        if self._keys_grow and _ascends(page.ids):
            self.evidence = "proved"
            is_sorted = yield from self._read_downwards(page.total)
            if is_sorted:
                return
        self.evidence = "counted"
        yield from self._count(page)

    def _read_downwards(self, total: int) -> Generator[Handout, None, bool]:
        """Read from the end of the list to its beginning, and tell whether all was in order."""
        allowance = Allowance(self._size, 1)
        met: set[int] = set()
        lowest = ABOVE_ALL
        number = total // self._size + 1
        page = self._whole_page(number)
        while len(page.ids) == self._size:  # the list has grown meanwhile
            allowance.spend(0)
            after = self._whole_page(number + 1)
            self._check_end(number, after)
            if after.ids == page.ids:  # YCM answers its last page for any beyond
                break
            number, page = number + 1, after
        if not page.ids and number > 1:  # every object is beneath this page
            number -= 1
            page = self._whole_page(number)
        lane = Lane(LaneMark(number, ABOVE_ALL, BELOW_ALL))
        while True:
            if not _ascends(page.ids) or any(key >= lowest and key not in met for key in page.ids):
                return False
            lowest = min([lowest, *page.ids])
            met.update(page.ids)
            lane.take(page.ids)
            allowance.spend(lane.fresh)
            yield self._handout(page)
            if not lane.page:
                break
            page = self._whole_page(lane.page)
        if len(met) < ENOUGH_IN_ORDER:
            return False
        for _ in range(_MOST_ENDS):
            if self._end_was_whole:
                break
            page = self._whole_page(max(-(-(self.last_total or 0) // self._size), 1))
        else:
            raise violation(page, "the last page never ended where its total says")
        yield from self._hear_the_total(len(met))
        return True

    def _hear_the_total(self, read: int) -> Iterator[Handout]:
        """Let YCM's total object: so many exist by one answer, some of them created since the reading began."""
        highest = self._highest
        told = self.last_total or 0
        if told <= read:
            return
        number = told // self._size + 1
        created = 0
        while number:
            page = self._page(number)
            created += sum(key > highest for key in page.ids)
            yield self._handout(page)
            if page.ids and page.ids[0] <= highest:
                break
            number -= 1
        self.missing = max(told - created - read, 0)
        if self.missing:
            self.flaw = f"YCM's total says that there are {self.missing} more"

    def _count(self, page: Page) -> Iterator[Handout]:
        """Read again and again until two readings agree with each other and with a total between them."""
        before: set[int] | None = None
        between: int | None = None
        for _ in range(MOST_READINGS):
            totals = {between, page.total}
            met: set[int] = set()
            allowance = Allowance(self._size, 1)
            number = 1
            last: list[int] = []
            while page.ids and page.ids != last:  # or YCM answers its last page for any beyond
                last = page.ids
                fresh = len(met)
                met.update(page.ids)
                allowance.spend(len(met) - fresh)
                yield self._handout(page)
                if len(page.ids) < self._size and number * self._size >= (page.total or 0):
                    break
                number += 1
                page = self._page(number)
                self._check_end(number, page)
            if before == met and len(met) in totals:
                self.missing = 0
                return
            before, between = met, page.total
            self.missing = max((between or 0) - len(met), 0)
            page = self._page(1)
        self.only_missing = self.missing > 0
        self.flaw = f"{MOST_READINGS} readings in a row did not agree with each other and with YCM's total"

    def _read_plainly(self) -> Iterator[Handout]:
        """Read what can be read in the plain order; nothing is proved by it."""

        def is_enough() -> bool:
            return self.last_total is None or self.rows >= self.last_total

        def fetch(request: PageRequest) -> Page:
            page = self._answer(request)
            self.last_total = self.last_total if page.total is None else page.total
            return page

        for keys, rows in read_plainly(fetch, self._size, self._unread, is_enough):
            order = sorted(range(len(keys)), key=keys.__getitem__)
            self.rows += len(keys)
            yield Handout([keys[place] for place in order], [rows[place] for place in order])
        self.missing = max(self.missing if self.last_total is None else self.last_total - self.rows, 0)

    def _handout(self, page: Page) -> Handout:
        """Return the rows of a page that were not handed out before."""
        places = sorted(self._unread(page.ids), key=page.ids.__getitem__)
        self.rows += len(places)
        self._highest = max([self._highest, *page.ids])
        return Handout([page.ids[place] for place in places], [page.rows[place] for place in places])

    def _whole_page(self, number: int) -> Page:
        """Return a page that has all rows that are due by the total told with it."""
        page = self._page(number)
        lacking = rows_due(page.total or 0, number, self._size) - len(page.ids)
        if lacking > 0:
            self.missing = max(self.missing, lacking)
            raise violation(page, f"page {number} has {len(page.ids)} rows, {lacking} fewer than its total says")
        if page.ids or not page.total:
            # By one answer, which no change can blur: this is the end, and no row that the total counts is hidden.
            self._end_was_whole |= (number - 1) * self._size + len(page.ids) == page.total
        return page

    def _answer(self, request: PageRequest) -> Page:
        """Return a page; one without a row and a total where YCM says that there is no such page."""
        try:
            page = self._fetch(request)
        except ApiError as error:
            if error.code != _INVALID_PARAMETER or request.number == 1:
                raise
            return Page([], [], request.number, self._size, None, "none")
        self.pages += 1
        return page

    def _page(self, number: int) -> Page:
        page = self._answer(PageRequest(number, self._size))
        if page.total is None and not page.ids and number > 1:
            # There is no such page, so there are no more rows than come before it.
            self.last_total = min(self.last_total or 0, (number - 1) * self._size)
            return page
        self.last_total = page.total
        if page.number != number and self._is_past_the_end(number):  # some page in its place
            return replace(page, ids=[], rows=[], number=number)
        if page.number != number:
            raise violation(page, f"page {number} was asked for, page {page.number} was answered")
        if len(page.ids) > self._size:
            raise violation(page, f"{self._size} rows a page were asked for, not {len(page.ids)}")
        return page

    def _check_end(self, number: int, page: Page) -> None:
        """Refuse a list that goes on and on where its own total says that it has ended."""
        if page.ids and (number - MOST_BEYOND) * self._size >= (page.total or 0):
            raise violation(page, f"page {number} holds rows, far beyond the end that its total tells")

    def _is_past_the_end(self, number: int) -> bool:
        return number > 1 and self.last_total is not None and (number - 1) * self._size >= self.last_total


def _ascends(keys: list[int]) -> bool:
    return keys == sorted(set(keys))
