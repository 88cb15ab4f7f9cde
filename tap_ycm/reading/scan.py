"""The page-number paginator: in which order a moving list is read, so that nobody who lives through it is missed.

Pure: a function that fetches a page goes in; rows come out, page by page. The usual way (pages 1, 2, 3, ...) loses
rows when others are deleted meanwhile: everything behind a deleted row moves one place towards the pages already
read. This one reads the newest page first, which tells ``total``, and then from the last page back to the first: rows
now move towards the pages still to be read, and nobody is missed, given that

* (S) pages are cut from one list sorted by the key,
* (A) a new object's key is higher than every key before it, and no key is used again,
* (P) one answer shows one state of the list, and later answers do not show older states.

Each is checked while reading. A violated check loses nothing: the list is read the plain way, and :attr:`Scan.flaw`
says what was found.

With several requests in flight the order in which YCM answers is not known, and the proof does not hold. A count does:
the newest page told, in one answer, that ``first_total`` rows had keys up to its highest. If so many different ones
were read, and no page told of fewer rows, all of them were; if not, the list is read again, one request at a time.

README ("How a moving list is read completely") has the proof.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from tap_ycm.reading.pages import PageRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from tap_ycm.reading.pages import Page, Row

__all__ = ["Bookmark", "EndlessListError", "Scan"]


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where another process may go on: valid once everything read before it has reached the target.

    Attributes:
        page: The next page to read, in ascending order of keys; 0 when only the final check is left.
        size: Rows per page that ``page`` counts in.
        below: The lowest key read so far.
        newest: The highest key of the list when the scan began.
        first_total: ``total`` when the scan began.
        last_total: ``total`` as last told.
        rows: How many rows were read so far.
    """

    page: int
    size: int
    below: int
    newest: int
    first_total: int
    last_total: int
    rows: int


class EndlessListError(Exception):
    """The list goes on far beyond its ``total``: reading on would never end."""


class _ViolationError(Exception):
    """An assumption of the scan does not hold; the text says which and where."""


class Scan:
    """One complete reading of a list, bounded by its ``total``.

    While no check is violated, rows come in strictly descending order of their keys, each once.

    Attributes:
        rows: Different rows read so far, those before the bookmark included.
        duplicates: Rows met again and dropped.
        pages: Pages received by this process.
        first_total: ``total`` when the scan began.
        last_total: ``total`` as last told.
        resumed: Whether this goes on where an earlier reading stopped.
        flaw: Why the reading cannot be called complete; None while it can.
        remark: What was odd but harmless.
        bookmark: Where to go on once the rows handed out last have reached the target; None where that is unsound.
    """

    def __init__(
        self,
        fetch: Callable[[PageRequest], Page],
        page_size: int,
        resume: Bookmark | None = None,
        ahead: Callable[[Iterable[PageRequest]], Generator[Page]] | None = None,
    ) -> None:
        """Prepare a reading; nothing is asked yet.

        Args:
            fetch: Gets one page, or raises.
            page_size: Rows per page to ask for.
            resume: Where an earlier reading stopped; one with ``ahead`` can only be continued with ``ahead``.
            ahead: Gets many pages, several at a time, and yields them in the order of the requests; None to ask for
                one at a time.
        """
        self._fetch = fetch
        self._ahead = ahead
        self._resume = resume
        self._size = resume.size if resume else page_size
        self._below = resume.below if resume else 0  # the lowest key handed out; the newest page sets it
        # Whether a page told of fewer rows than the newest page did: somebody went, and others may have moved.
        self._fell = resume is not None and resume.last_total < resume.first_total
        self._resumable = True  # whether another process may go on at a bookmark
        self._number = 0  # of the page read last, in ascending order
        self._emitted = array("q")  # the keys read, 8 bytes each
        self._handed_out = array("q")  # those of the reading before this one, ascending
        self.rows = resume.rows if resume else 0
        self.resumed = resume is not None
        self.duplicates = 0
        self.pages = 0
        self.first_total = resume.first_total if resume else 0
        self.last_total = resume.last_total if resume else 0
        self.flaw: str | None = None
        self.remark: str | None = None
        self.bookmark = resume

    def read(self) -> Generator[list[Row]]:
        """Read the list; closing this begins no further request.

        Yields:
            The rows of one page that were not handed out before; possibly none.

        Raises:
            EndlessListError: The list has no end.
        """
        try:
            yield from self._scan()
        except _ViolationError as violation:
            self.flaw = str(violation)
            self.bookmark = None
            self.rows = len(self._emitted)  # rows from before an interruption come again, and count then
            yield from self._read_plainly()

    def _scan(self) -> Iterator[list[Row]]:
        if self._resume:
            newest = self._resume.newest
            pages = self._descend(self._resume.page)
        else:
            page = self._newest_page()
            self.first_total = self.last_total
            yield self._take(page.ids, page.rows)
            if len(page.ids) < self._size:
                if self.first_total != len(page.ids):
                    raise _violation(page, f"the newest page is short, but total is {self.first_total}")
                return
            newest = page.ids[0]
            pages = self._older(page)
        yield from self._take_down(pages, newest)
        yield from self._reconcile(newest)

    def _take_down(self, pages: Generator[Page], newest: int) -> Iterator[list[Row]]:
        """Hand out the rows of descending pages, and keep the bookmark."""
        trusted: bool | None = None
        with closing(pages):
            for page in pages:
                due = self._due(self._number)
                if trusted and len(page.ids) < due:
                    raise _violation(
                        page, f"page {self._number} has {len(page.ids)} rows where {due} are due by its total"
                    )
                if trusted is None:  # a total that is wrong from the start says nothing about single pages
                    trusted = len(page.ids) == due
                lower = bisect_left(page.ids, self._below)
                if self.bookmark:  # the first of these pages overlaps the newest page by design
                    self.duplicates += len(page.ids) - lower
                rows = self._take(page.ids[:lower][::-1], page.rows[:lower][::-1])
                bookmark = Bookmark(
                    page=self._number - 1,
                    size=self._size,
                    below=self._below,
                    newest=newest,
                    first_total=self.first_total,
                    last_total=self.last_total,
                    rows=self.rows,
                )
                self.bookmark = bookmark if self._resumable else None
                yield rows

    def _older(self, newest: Page) -> Generator[Page]:
        """Yield the pages that hold what is older than the newest page, from the last to the first.

        The last one must join the newest page: be short, or reach into it. Otherwise ``total`` was told too low, and
        rows may hide above: go up until a page joins. What is read on the way up does not count as read, for the
        order of the pages is what the proof rests on.

        Where the last one reaches into the newest page, it also tells how many rows there are at least.
        """
        told = self.last_total
        last = max(self.last_total // self._size, 1)  # an emptied list may have told of no page at all
        with closing(self._descend(last)) as pages:
            page = next(pages)
            lowest = newest.ids[-1]
            joins = len(page.ids) == self._due(last) and (len(page.ids) < self._size or page.ids[-1] >= lowest)
            # A row's place can only fall (A): so many were below the newest page, or more.
            below = (last - 1) * self._size + bisect_left(page.ids, lowest)
            if joins and not (lowest in page.ids and told < below + self._size):
                yield page
                yield from pages
                return
        if self._ahead:  # total is wrong: no count can be held against it, neither now nor after an interruption
            self._ahead, self._resumable = None, False
        while len(page.ids) == self._size and page.ids[-1] < newest.ids[-1]:
            last += 1
            self._guard_against_endlessness(last)
            above = self._ascending_page(last)
            if above.ids and above.ids[0] <= page.ids[-1]:
                # A row's place can only fall (A), so nobody from a lower page can turn up on a higher one.
                raise _violation(above, f"page {last} repeats keys of page {last - 1}")
            page = above
        yield page
        yield from self._descend(last - 1)

    def _descend(self, number: int) -> Generator[Page]:
        """Yield the pages from this one down to the first."""
        if self._ahead is None:
            for lower in range(number, 0, -1):
                yield self._ascending_page(lower)
            return
        requests = (PageRequest(lower, self._size) for lower in range(number, 0, -1))
        with closing(self._ahead(requests)) as pages:
            for lower, page in zip(range(number, 0, -1), pages, strict=True):
                yield self._checked(lower, page)

    def _due(self, number: int) -> int:
        """Return how many rows a page holds by the total that came with it."""
        return min(max(self.last_total - (number - 1) * self._size, 0), self._size)

    def _reconcile(self, newest: int) -> Iterator[list[Row]]:
        """Hold the number of rows against ``total``, and read a second time if they do not agree.

        When the scan began, ``first_total`` rows had a key up to ``newest``; no row got such a key later (A). Each of
        them was read, or was deleted before that. What was deleted, the last ``total`` tells, but for newly created
        rows, which the newest page tells. If that does not explain the rows that are missing, then ``total`` is wrong
        (harmless) or an assumption is (rows may be missed): a second reading finds out which.
        """
        missing = self.first_total - self.rows
        # A row can only be missed when another one goes: the total tells of that too, and need not be exact for it.
        if self._ahead and (missing != 0 or self._fell):
            self.remark = "the list changed while several pages were in flight, so it was read again one page at a time"
            yield from self._begin_anew()
            return
        if 0 <= missing <= self.first_total - self.last_total:
            return
        page = self._newest_page()
        created = self._created_since(newest, page)
        if 0 <= missing <= self.first_total + created - self.last_total:
            return
        told = f"YCM's total was {self.first_total}, at last {self.last_total}, where {self.rows} rows could be read"
        if self._resume:  # which rows came before the interruption is not known: a second reading has nothing to tell
            self.remark = f"{told}; the list was read anew, for the reading was an interrupted one"
            yield from self._begin_anew()
            return
        self.bookmark = self._ahead = None
        seen = set(self._emitted)
        overlooked = 0
        older = self._older(page) if len(page.ids) == self._size else ()
        for again in chain([page], older):
            rows = self._take_unseen(again, seen)
            overlooked += sum(key <= newest for key in self._emitted[len(self._emitted) - len(rows) :])
            yield rows
        if overlooked:
            self.flaw = f"{told}, and a second reading found {overlooked} more: the list is not one list at one time"
        else:
            self.remark = f"{told}; a second reading found the same rows, so the total is wrong"

    def _begin_anew(self) -> Iterator[list[Row]]:
        """Read the list again, one page at a time, and hand out what was not handed out before."""
        self.bookmark = self._resume = self._ahead = None
        self._handed_out = self._emitted[::-1]
        self._emitted, self.rows = array("q"), 0
        yield from self._scan()

    def _created_since(self, newest: int, page: Page) -> int:
        """Count the rows above a key, from the newest page on down."""
        created = {key for key in page.ids if key > newest}
        number = 1
        while page.ids and page.ids[-1] > newest:
            number += 1
            self._guard_against_endlessness(number)
            page = self._receive(PageRequest(number, self._size, newest_first=True))
            self._check(page, number, page.ids[::-1])
            created.update(key for key in page.ids if key > newest)
        return len(created)

    def _read_plainly(self) -> Iterator[list[Row]]:
        """Read pages 1, 2, 3, ... until one brings nothing new."""
        seen = set(self._emitted)
        met: set[int] = set()
        number = 1
        while True:
            self._guard_against_endlessness(number)
            page = self._receive(PageRequest(number, self._size))
            if met.issuperset(page.ids):
                return
            met.update(page.ids)
            yield self._take_unseen(page, seen)
            number += 1

    def _newest_page(self) -> Page:
        page = self._receive(PageRequest(1, self._size, newest_first=True))
        if self.pages == 1 and not self._resume and page.size is not None and 0 < page.size < self._size:
            self._size = page.size  # YCM honours no more: count pages in what it honours
            page = self._receive(PageRequest(1, self._size, newest_first=True))
        self._check(page, 1, page.ids[::-1])
        return page

    def _ascending_page(self, number: int) -> Page:
        return self._checked(number, self._fetch(PageRequest(number, self._size)))

    def _checked(self, number: int, page: Page) -> Page:
        self._number = number
        self._count(page)
        self._check(page, number, page.ids)
        return page

    def _receive(self, request: PageRequest) -> Page:
        page = self._fetch(request)
        self._count(page)
        return page

    def _count(self, page: Page) -> None:
        self.pages += 1
        if page.total is not None:
            self.last_total = page.total
            self._fell = self._fell or page.total < self.first_total

    def _check(self, page: Page, number: int, ascending: list[int]) -> None:
        """Hold one page against what was asked for and what the proof needs."""
        if page.number != number:
            raise _violation(page, f"page {number} was asked for, page {page.number} was answered")
        if page.size != self._size or len(page.ids) > self._size:
            raise _violation(page, f"{self._size} rows a page were asked for, not {page.size} or {len(page.ids)}")
        if page.total is None or page.total < len(page.ids):
            raise _violation(page, f"total is {page.total} on a page of {len(page.ids)} rows")
        if ascending != sorted(set(ascending)):
            raise _violation(page, "the rows are not in the order asked for")

    def _guard_against_endlessness(self, number: int) -> None:
        if number > 1000 + 20 * (max(self.first_total, self.last_total) // self._size):
            sentence = f"the list still goes on at page {number}, although YCM's total is {self.last_total}"
            raise EndlessListError(sentence)

    def _take(self, keys: list[int], rows: list[Row]) -> list[Row]:
        self._emitted.extend(keys)
        self.rows += len(rows)
        if keys:
            self._below = keys[-1]
        if self._handed_out:
            return [row for key, row in zip(keys, rows, strict=True) if not _holds(self._handed_out, key)]
        return rows

    def _take_unseen(self, page: Page, seen: set[int]) -> list[Row]:
        unseen = {key: row for key, row in zip(page.ids, page.rows, strict=True) if key not in seen}
        seen.update(unseen)
        self.duplicates += len(page.ids) - len(unseen)
        return self._take(list(unseen), list(unseen.values()))


def _holds(keys: array[int], key: int) -> bool:
    """Tell whether ascending keys hold this one."""
    place = bisect_left(keys, key)
    return place < len(keys) and keys[place] == key


def _violation(page: Page, what: str) -> _ViolationError:
    return _ViolationError(f"{what} (requestId {page.request_id})")
