"""One complete reading of a list that is sorted by its key, several pages at a time.

Pure: functions that fetch pages go in; rows come out, page by page. It returns every object that exists throughout,
given that

* (S) pages are cut from one list sorted by the key,
* (A) a new object's key is higher than every key before it, and no key is used again,
* (P) one answer shows one state of the list, and later answers show no older one.

The newest page comes first, then the others in lanes (:mod:`tap_ycm.reading.lane`, where the proof is), then YCM's
total gets its veto (:mod:`tap_ycm.reading.total`). What violates an assumption loses nothing: the list is read in the
plain order as well, and :attr:`Scan.flaw` says what was found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_ycm.reading.asking import Asking
from tap_ycm.reading.checks import Allowance, ViolationError
from tap_ycm.reading.lane import ABOVE_ALL, BELOW_ALL, Lane, LaneMark
from tap_ycm.reading.opening import open_lanes
from tap_ycm.reading.plain import read_plainly
from tap_ycm.reading.reading import Handout
from tap_ycm.reading.total import rows_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from contextlib import AbstractContextManager

    from tap_ycm.reading.pages import Page, PageRequest
    from tap_ycm.reading.reading import Flights

__all__ = ["Bookmark", "Scan"]


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where another process may continue: valid once everything handed out before it has reached the target.

    Attributes:
        lanes: Those that have not ended.
        size: Rows per page that their pages count in.
        newest: The highest key of the newest page.
        rows: How many rows were read so far.
    """

    lanes: tuple[LaneMark, ...]
    size: int
    newest: int
    rows: int


class Scan:
    """One reading of a list; a :class:`tap_ycm.reading.reading.Reading`.

    Attributes:
        rows: Different rows read so far, those before an interruption included.
        first_total: YCM's total when the reading began; None if it was not told.
        resumed: Whether this continues an interrupted reading.
        newest: The highest key of the newest page; lower than every key if there was none.
        flaw: Why the reading is not complete; None while it is.
        missing: How many rows are missing by YCM's own count, at least.
        only_missing: Whether missing rows are all that is wrong: then finding them one by one mends it.
    """

    def __init__(  # noqa: PLR0913 - each is one independent fact, and all but two are named by the caller
        self,
        fetch: Callable[[PageRequest], Page],
        flights: Callable[[], AbstractContextManager[Flights]],
        *,
        size: int,
        lanes: int,
        unread: Callable[[list[int]], list[int]],
        resume: Bookmark | None = None,
    ) -> None:
        """Prepare a reading; nothing is asked yet.

        Args:
            fetch: Gets one page, or raises.
            flights: Gets several pages at a time.
            size: Rows per page to ask for.
            lanes: How many lanes there may be.
            unread: Returns the places of those keys that were not handed out yet, each key once.
            resume: Where an earlier reading stopped.
        """
        self._ask = Asking(fetch, min(size, resume.size) if resume else size)
        self._fetch = fetch
        self._flights = flights
        self._most_lanes = lanes
        self._unread = unread
        self._resume = resume
        self._lanes: list[Lane] | None = None  # None until the range of each is known
        self.rows = resume.rows if resume else 0
        self.first_total: int | None = None
        self.resumed = resume is not None
        self.newest = BELOW_ALL
        self.flaw: str | None = None
        self.missing = 0
        self.only_missing = True

    evidence = "proved"
    withheld = None

    @property
    def progress(self) -> tuple[int, int | None]:
        """How much is done of how much."""
        return self.rows, self.last_total

    @property
    def pages(self) -> int:
        """Pages received by this process."""
        return self._ask.pages

    @property
    def last_total(self) -> int | None:
        """YCM's total as last told."""
        return self._ask.total

    @property
    def bookmark(self) -> Bookmark | None:
        """Where to continue once the rows handed out last have reached the target; None where that is unsound."""
        if self.flaw is not None or self._ask.short:
            return None
        if self._lanes is None:
            return self._resume
        marks = tuple(lane.mark for lane in self._lanes if lane.page)
        return Bookmark(marks, self._ask.size, self.newest, self.rows)

    def read(self) -> Generator[Handout]:
        """Read the list; closing this begins no further request."""
        try:
            yield from self._read_in_lanes()
        except ViolationError as wrong:
            self.flaw, self.only_missing = str(wrong), False
        if self.flaw is None and self._ask.short:
            self.flaw = self._ask.short
        if self.flaw is not None:
            yield from self._read_plainly()

    def _read_in_lanes(self) -> Iterator[Handout]:
        page = self._ask.first_page()
        self.first_total = page.total
        self.newest = max(page.ids[0] if page.ids else BELOW_ALL, self._resume.newest if self._resume else BELOW_ALL)
        if len(page.ids) < self._ask.size and len(page.ids) == page.total:  # this one answer is the whole list
            self.rows = 0
            yield self._handout(page, BELOW_ALL)
            return
        floor = self._resume.newest if self._resume else BELOW_ALL
        yield self._handout(page, floor)
        lanes: list[tuple[Lane, Page | None]] = []
        lowest = page.ids[-1] if page.ids else ABOVE_ALL
        if lowest > floor + 1:
            most = 1 if self._resume else self._most_lanes
            lanes = open_lanes(self._ask, self._first_pages, most, lowest, floor)
        lanes += [(Lane(mark), None) for mark in self._continued()]
        self._lanes = [lane for lane, _ in lanes]
        yield from self._read_lanes(lanes)
        self._hear_the_total()

    def _continued(self) -> list[LaneMark]:
        """Return where interrupted lanes go on, in pages of the present size: YCM may honour fewer rows now."""
        if self._resume is None:
            return []
        size = self._resume.size
        return [replace(mark, page=-(-mark.page * size // self._ask.size)) for mark in self._resume.lanes]

    def _first_pages(self, numbers: Iterable[int]) -> dict[int, Page]:
        pages: dict[int, Page] = {}
        requests = [self._ask.request(number) for number in numbers]
        with self._flights() as flights:
            for request in requests:
                flights.begin(request, request)
            for _ in requests:
                request, page = flights.next()
                pages[request.number] = self._ask.received((request, page))
        return pages

    def _read_lanes(self, lanes: list[tuple[Lane, Page | None]]) -> Iterator[Handout]:
        """Read all lanes to their ends, each one page after the other."""
        allowance = Allowance(self._ask.size, len(lanes))
        with self._flights() as flights:
            at_hand = [(lane, page) for lane, page in lanes if page]
            under_way = 0
            for lane, page in lanes:
                if not page and lane.page:
                    flights.begin((lane, self._ask.request(lane.page)), self._ask.request(lane.page))
                    under_way += 1
            while at_hand or under_way:
                if at_hand:
                    lane, page = at_hand.pop(0)
                else:
                    (lane, request), page = flights.next()
                    page = self._ask.received((request, page))
                    under_way -= 1
                part = lane.take(page.ids)
                allowance.spend(lane.fresh)
                if lane.page:  # first of all: YCM works on the next page while this one is written
                    request = self._ask.request(lane.page)
                    flights.begin((lane, request), request)
                    under_way += 1
                self.rows += part.stop - part.start
                yield Handout(page.ids[part], page.rows[part])

    def _handout(self, newest: Page, floor: int) -> Handout:
        """Return the rows of the newest page above a key."""
        wanted = sum(key > floor for key in newest.ids)
        self.rows += wanted
        return Handout(newest.ids[:wanted][::-1], newest.rows[:wanted][::-1])

    def _hear_the_total(self) -> None:
        """Let YCM's total object to the reading."""
        if self.first_total is None or self._ask.total is None:
            self.flaw, self.only_missing = "YCM reports no total to check the records against", False
            return
        self.missing = rows_missing(self._ask, self.rows, self.newest, self.first_total, resumed=self.resumed)
        if self.missing:
            self.flaw = f"YCM's total says that there are {self.missing} more"

    def _read_plainly(self) -> Iterator[Handout]:
        """Read what can be read in the plain order, and say how many rows are still missing."""
        missing = max(self.missing, self._ask.lacking)
        if self._resume:  # which rows came before the interruption is not known: they come again
            self.rows -= self._resume.rows
            self._resume = None
        found = -self.rows

        def is_enough() -> bool:
            return self._ask.total is None or self.rows >= self._ask.total

        for keys, rows in read_plainly(self._fetch_plain, self._ask.size, self._unread, is_enough):
            if keys:
                order = sorted(range(len(keys)), key=keys.__getitem__)
                self.rows += len(keys)
                yield Handout([keys[place] for place in order], [rows[place] for place in order])
        found += self.rows
        told = self._ask.total
        self.missing = max(missing - found, 0 if told is None else told - self.rows, 0)

    def _fetch_plain(self, request: PageRequest) -> Page:
        page = self._fetch(request)
        self._ask.pages += 1
        self._ask.total = page.total
        return page
