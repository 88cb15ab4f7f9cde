"""A list of YCM without a server: it changes before each request as a schedule says, and can be broken on purpose."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from tap_ycm.reading.pages import Page, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from tap_ycm.reading.pages import PageRequest
    from tap_ycm.reading.scan import Scan

Event = int | str | None
"""What happens before a request: a place to delete at, ``two`` to delete the first two, ``new`` to create one, ``swap``
to delete the first and create one, or nothing."""


@dataclass
class MovingList:
    """Answers page requests; remembers who was there all the time."""

    rows: int
    schedule: Sequence[Event] = ()
    change_page: Callable[[Page, PageRequest, MovingList], Page] = lambda page, *_: page
    requests: list[PageRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = list(range(1, self.rows + 1))
        self.next_key = self.rows + 1
        self.alive_throughout = set(self.keys)
        self.ever_alive = set(self.keys)

    def happen(self, event: Event) -> None:
        if event in {"new", "swap"}:
            self.keys.append(self.next_key)
            self.ever_alive.add(self.next_key)
            self.next_key += 1
        for place in {"two": (0, 0), "swap": (0,)}.get(event, ()) if isinstance(event, str) else (event,):
            if place is not None and place < len(self.keys):
                self.alive_throughout.discard(self.keys.pop(place))

    def fetch(self, request: PageRequest) -> Page:
        if self.requests and len(self.requests) <= len(self.schedule):
            self.happen(self.schedule[len(self.requests) - 1])
        self.requests.append(request)
        return self.change_page(self.page(self.keys, request), request, self)

    @staticmethod
    def page(keys: Sequence[int], request: PageRequest) -> Page:
        ordered = keys[::-1] if request.newest_first else keys
        ids = list(ordered[(request.number - 1) * request.size : request.number * request.size])
        return Page(
            ids=ids,
            rows=[{"customerId": key} for key in ids],
            number=request.number,
            size=request.size,
            total=len(keys),
            request_id="0123",
        )


def in_flight(
    fetch: Callable[[PageRequest], Page], order: Sequence[int]
) -> Callable[[Iterable[PageRequest]], Generator[Page]]:
    """Keep as many requests in flight as ``order`` is long, and let YCM answer each lot of them in this order."""

    def ahead(requests: Iterable[PageRequest]) -> Generator[Page]:
        waiting = iter(requests)
        while lot := list(islice(waiting, len(order))):
            answers = {place: fetch(lot[place]) for place in order if place < len(lot)}
            for place in range(len(lot)):
                yield answers[place]

    return ahead


def read(scan: Scan) -> list[int]:
    """Return the keys that a scan hands out, in order."""
    return [key for rows in scan.read() for key in keys_of(rows)]


def keys_of(rows: list[Row]) -> list[int]:
    """Return the keys of rows as :class:`MovingList` makes them."""
    return [row["customerId"] for row in rows if isinstance(row, dict)]


def forward(fetch: Callable[[PageRequest], Page], request: Callable[[int], PageRequest]) -> Iterator[int]:
    """Read the usual way: pages 1, 2, 3, ... as far as total says."""
    number, seen = 1, 0
    while True:
        page = fetch(request(number))
        yield from page.ids
        seen += len(page.ids)
        if not page.ids or seen >= (page.total or 0):
            return
        number += 1
