"""Lists without a server: they change before each answer, answer in any order, and can be broken on purpose."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_ycm.reading.pages import Page, PageRequest
from tap_ycm.reading.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from tap_ycm.reading.scan import Bookmark, Handout

Event = int | str | None
"""What happens before an answer: a place to delete at, ``two`` to delete the first two, ``new`` to create one, ``swap``
to delete the first and create one, or nothing."""


@dataclass
class MovingList:
    """Answers page requests; knows which objects existed all the time.

    Attributes:
        rows: How many objects there are at first; their keys are 1, 2, 3, ...
        events: What happens before each answer but the first.
        choose: Which of so many requests in flight is answered next.
        change: Bends an answer.
    """

    rows: int
    events: Iterable[Event] = ()
    choose: Callable[[int], int] = lambda _: 0
    change: Callable[[Page, PageRequest, MovingList], Page] = lambda page, *_: page
    requests: list[PageRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = list(range(1, self.rows + 1))
        self.next_key = self.rows + 1
        self.alive_throughout = set(self.keys)
        self.ever_alive = set(self.keys)
        self._events = iter(self.events)

    def happen(self, event: Event) -> None:
        if event in {"new", "swap"}:
            self.keys.append(self.next_key)
            self.ever_alive.add(self.next_key)
            self.next_key += 1
        for place in {"two": (0, 0), "swap": (0,)}.get(event, ()) if isinstance(event, str) else (event,):
            if place is not None and place < len(self.keys):
                self.alive_throughout.discard(self.keys.pop(place))

    def fetch(self, request: PageRequest) -> Page:
        if self.requests:
            self.happen(next(self._events, None))
        self.requests.append(request)
        return self.change(self.page(self.keys, request), request, self)

    def flights(self) -> AbstractContextManager[InFlight]:
        return nullcontext(InFlight(self))

    @staticmethod
    def page(keys: Sequence[int], request: PageRequest) -> Page:
        ordered = keys[::-1] if request.newest_first else keys
        ids = list(ordered[(request.number - 1) * request.size : request.number * request.size])
        rows: list[Any] = [{"customerId": key} for key in ids]
        return Page(ids, rows, request.number, request.size, len(keys), "0123")

    def scan(self, size: int = 2, lanes: int = 1, resume: Bookmark | None = None) -> tuple[Scan, set[int]]:
        """Return a scan of this list, and the set that will hold the keys it handed out."""
        read: set[int] = set()

        def unread(keys: list[int]) -> list[int]:
            first = {key: place for place, key in reversed(list(enumerate(keys)))}
            return [place for place, key in enumerate(keys) if key not in read and first[key] == place]

        return Scan(self.fetch, self.flights, size=size, lanes=lanes, unread=unread, resume=resume), read


class InFlight:
    """Requests in flight; each is answered from the list as it is then, in the order that the list chooses."""

    def __init__(self, world: MovingList) -> None:
        self._world = world
        self._waiting: list[tuple[Any, PageRequest]] = []

    def begin(self, tag: Any, question: PageRequest, /) -> None:
        self._waiting.append((tag, question))

    def next(self) -> tuple[Any, Page]:
        tag, request = self._waiting.pop(self._world.choose(len(self._waiting)))
        return tag, self._world.fetch(request)


def keys_of(scan: Scan, read: set[int], stop: int | None = None) -> list[int]:
    """Read, up to so many handouts; return the keys in the order in which they were handed out."""
    keys: list[int] = []
    handouts = scan.read()
    for count, handout in enumerate(handouts, start=1):
        keys += handed(handout)
        read.update(handout.keys)
        if count == stop:
            break
    return keys


def handed(handout: Handout) -> list[int]:
    """Return the keys of a handout, seen to fit its rows."""
    assert handout.keys == [row["customerId"] for row in handout.rows if isinstance(row, dict)]
    assert handout.keys == sorted(handout.keys)
    return handout.keys
