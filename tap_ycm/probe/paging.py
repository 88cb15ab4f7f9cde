"""One paged list, asked in every way that tells something about its pages, its order and its total."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_ycm.probe.findings.geometry import geometry
from tap_ycm.probe.observation import failed, observe, succeeded
from tap_ycm.probe.seen import Deep, Page

if TYPE_CHECKING:
    from tap_ycm.http.questions import Listing
    from tap_ycm.probe.asker import Asker
    from tap_ycm.probe.line import Answer

__all__ = ["Paging", "page_in"]

MOST_PAGES = 18
"""Pages that the reading asks for at most, after the first."""
LARGER = 100
FAR = 10_000_000
"""Rows that no list has, where nothing tells how many it has."""
NO_FIELD = "noSuchField"
_INVALID_PARAMETER = 1000004


def page_in(answer: Answer, key: str) -> Page:
    """Return a page: what it showed, and its keys."""
    seen = observe(answer)
    data = answer.fields.get("data")
    rows = data.get("list") if isinstance(data, dict) else None
    if not succeeded(answer) or not isinstance(rows, list):
        return Page(seen, is_page=False, refused=failed(answer) and (answer.status or 0) < 500)
    ids = tuple(row.get(key) if isinstance(row, dict) else None for row in rows)
    return Page(seen, tuple(one for one in ids if type(one) is int) if all(type(one) is int for one in ids) else ())


class Paging:
    """Asks for pages of one list."""

    def __init__(self, asker: Asker, listing: Listing) -> None:
        """Prepare; nothing is asked yet."""
        self._asker = asker
        self._listing = listing

    def page(
        self, number: int | None = 1, size: int | None = 50, sort: str | None = "", *, provokes: bool = False
    ) -> Page:
        """Ask for one page.

        Args:
            number: Its number; None for a request without.
            size: How many rows; None for a request without.
            sort: ``""`` for ascending keys, ``-`` for descending ones, None for a request without, or a field.
            provokes: Whether an error is expected.
        """
        key = self._listing.key
        field = {"": key, "-": f"-{key}"}.get(sort, sort) if sort is not None else None
        parts = (("pageSize", size), ("pageNumber", number), ("sort", field if self._listing.is_sorted else None))
        query = "&".join(f"{name}={value}" for name, value in parts if value is not None)
        path = f"{self._listing.path}?{query}"
        return page_in(self._asker.get(f"GET {path}", path, provokes=provokes), key)

    def first(self) -> tuple[Answer, Page, int, dict[int, bool]]:
        """Ask for page 1 in ascending order; where its size is refused, look for the largest that is not.

        Returns:
            The answer, the page, its size, and the sizes that were tried.
        """
        best = self._first(50)
        if best[1].is_page or best[1].seen.code not in {_INVALID_PARAMETER, None} or best[1].seen.status is None:
            return *best, 50, {}
        size, tried = 50, {50: False}
        low, high = 0, 50
        while high - low > 1 and self._asker.spare > 0:
            middle = 10 if high == 50 and not low else 1 if not low else (low + high) // 2
            found = self._first(middle)
            tried[middle] = found[1].is_page
            if tried[middle]:
                low, size, best = middle, middle, found
            else:
                high = middle
        return *best, size, tried

    def _first(self, size: int) -> tuple[Answer, Page]:
        page = self.page(size=size, provokes=True)
        answer = self._asker.last
        if answer is None:  # there is one after each page
            raise RuntimeError
        return answer, page

    def read(self, deep: Deep) -> None:
        """Read the list to its end, if that does not take too long; otherwise only its last page by its total."""
        deep.down = self.page(size=deep.size, sort="-")
        deep.pages = [deep.first]
        newest = max(deep.down.ids, default=None)
        seen = set(deep.first.ids)
        while (end := _end(deep, newest)) is None:
            left = min(MOST_PAGES + 1 - len(deep.pages), self._asker.spare)
            if _is_long(deep, left):
                deep.end = "long"
                if left > 0 and deep.first.seen.total:
                    deep.last = self.page(-(-deep.first.seen.total // deep.size), deep.size)
                return
            page = self.page(len(deep.pages) + 1, deep.size)
            if page.is_page and page.ids and seen.issuperset(page.ids):
                deep.end = "repeat"
                return
            seen.update(page.ids)
            deep.pages.append(page)
        deep.end = end

    def ask_around(self, deep: Deep) -> None:
        """Ask for pages in other ways: without this or that, too large, too small, too far."""
        size = deep.size
        deep.bare = self.page(None, None)
        deep.unordered = self.page(size=size, sort=None)
        ids = {one for page in deep.pages for one in page.ids}
        was_read = deep.down is not None and ids.issuperset(deep.down.ids[:1])
        total = deep.first.seen.total
        rows = FAR if total is None else max(len(ids), total)
        if was_read and deep.end in {"short", "empty"}:
            rows = len(ids)
        if len(deep.first.ids) > 1:
            deep.small_size = max(min(size // 2, 25, len(deep.first.ids) // 2), 1)
            deep.small = self.page(2, deep.small_size)
            deep.past_number = -(-rows // deep.small_size) + 1
            deep.past = self.page(deep.past_number, deep.small_size, provokes=True)
        deep.over = self.page(size=LARGER, provokes=True)
        deep.below = self.page(0, size, provokes=True)
        deep.odd_sort = self.page(size=size, sort=NO_FIELD, provokes=True)
        self._look_again(deep)

    def _look_again(self, deep: Deep) -> None:
        """Take second looks at what is in doubt, as far as requests are left."""
        found = geometry(deep)
        if found.order_is_unclear and self._asker.spare > 0:
            deep.unordered_again = self.page(size=deep.size, sort=None)
        if deep.over and deep.over.refused and deep.size == 50 and self._asker.spare > 0:
            deep.over_by_one = self.page(size=51, provokes=True)
        if deep.small and found.start_is_unclear and self._asker.spare > 0:
            deep.small_first = self.page(1, deep.small_size)
        if deep.small and geometry(deep).starts_further_down and self._asker.spare > 0:
            deep.small_third = self.page(3, deep.small_size)
        if geometry(deep).is_odd and self._asker.spare > 0:
            deep.again = self.page(size=deep.size)


def _is_long(deep: Deep, left: int) -> bool:
    """Tell whether more pages are to come than may be asked for."""
    total, first = deep.first.seen.total, deep.first
    is_full = len(first.ids) >= (first.seen.size or deep.size)
    if total is None or (len(deep.pages) == 1 and not is_full):  # the second page tells why the first is not full
        return left <= 0
    return -(-total // max(len(page.ids) for page in deep.pages)) - len(deep.pages) > left or left <= 0


def _end(deep: Deep, newest: int | None) -> str | None:
    """Return why a reading has come to its end; None if it has not."""
    page, number = deep.pages[-1], len(deep.pages)
    if not page.is_page:
        return "failed"
    if not page.seen.rows:
        return "empty"
    if not page.ids:
        return "failed"
    if newest is not None and number > 1 and max(page.ids) > newest:
        return "beyond"
    total = page.seen.total
    typical = max(len(one.ids) for one in deep.pages)
    is_short = len(page.ids) < (typical if number > 1 else page.seen.size or deep.size)
    if is_short and total is not None and number >= -(-total // typical):
        return "short"
    return None
