"""Asks for the pages of one list, checks each, and keeps what the answers say about the whole list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_ycm.reading.checks import check, rows_due
from tap_ycm.reading.pages import PageRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_ycm.reading.pages import Page

__all__ = ["Asking"]


class Asking:
    """One list being asked.

    Attributes:
        size: Rows per page; what YCM honours, if that is less than what was asked for.
        pages: Pages received.
        total: Number of objects in the list as last told; None if it was not told.
        short: What is wrong with the first page that lacked rows; None if none did.
    """

    def __init__(self, fetch: Callable[[PageRequest], Page], size: int) -> None:
        """Prepare; nothing is asked yet."""
        self._fetch = fetch
        self.size = size
        self.pages = 0
        self.total: int | None = None
        self.short: str | None = None
        self._lacking: dict[PageRequest, int] = {}  # a page that is asked for twice lacks its rows once

    @property
    def lacking(self) -> int:
        """How many rows the pages lacked by the totals told with them."""
        return sum(self._lacking.values())

    def newest_page(self, number: int = 1) -> Page:
        """Return a page in descending order, checked.

        Raises:
            ViolationError: It is not what was asked for.
        """
        return self.received(self._newest(number))

    def first_page(self) -> Page:
        """Return the newest page of all, and take the page size from it if YCM honours no more.

        Raises:
            ViolationError: It is not what was asked for.
        """
        request, page = self._newest(1)
        if page.size is not None and 0 < page.size < self.size:
            self.pages += 1
            self.size = page.size
            request, page = self._newest(1)
        return self.received((request, page))

    def page(self, number: int) -> Page:
        """Return a page in ascending order, checked.

        Raises:
            ViolationError: It is not what was asked for.
        """
        request = self.request(number)
        return self.received((request, self._fetch(request)))

    def request(self, number: int) -> PageRequest:
        """Return what to ask for a page in ascending order."""
        return PageRequest(number, self.size)

    def received(self, answer: tuple[PageRequest, Page]) -> Page:
        """Check a page that was received, and note what it says.

        Raises:
            ViolationError: It is not what was asked for.
        """
        request, page = answer
        self.pages += 1
        check(page, request)
        self.total = page.total
        if page.total is not None:
            lacking = rows_due(page.total, request.number, self.size) - len(page.ids)
            if lacking > 0:
                self._lacking[request] = lacking
                self.short = self.short or (
                    f"page {request.number} has {len(page.ids)} rows, {lacking} fewer than its total says "
                    f"(requestId {page.request_id})"
                )
        return page

    def _newest(self, number: int) -> tuple[PageRequest, Page]:
        request = PageRequest(number, self.size, newest_first=True)
        return request, self._fetch(request)
