"""Lists without a server: they change before each answer, answer in any order, and can be broken on purpose."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from tap_ycm.reading.pages import Page, PageRequest
from tap_ycm.reading.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from tap_ycm.reading.reading import Handout
    from tap_ycm.reading.scan import Bookmark

Event: TypeAlias = int | str | None
"""What happens before an answer: a place to delete at, ``two`` to delete the first two, ``new`` to create one, ``swap``
to delete the first and create one, or nothing."""
Change: TypeAlias = "Callable[[Page, PageRequest, MovingList], Page]"
"""Bends an answer."""


@dataclass
class MovingList:
    """Answers page requests; knows which objects existed all the time.

    Attributes:
        rows: How many objects there are at first.
        events: What happens before each answer but the first.
        choose: Which of so many requests in flight is answered next.
        change: Bends an answer.
        honoured: The most rows that a page holds, whatever is asked for.
        step: From one key to the next; the first is 1.
    """

    rows: int
    events: Iterable[Event] = ()
    choose: Callable[[int], int] = lambda _: 0
    change: Change | None = None
    honoured: int | None = None
    step: int = 1
    requests: list[PageRequest] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.next_key = 1 + self.rows * self.step
        self.keys = list(range(1, self.next_key, self.step))
        self.ever_alive: set[int] = set()
        self.begin()
        self._events = iter(self.events)

    def begin(self) -> None:
        """Judge from now on: a reading begins."""
        self.alive_throughout = set(self.keys)
        self.ever_alive.update(self.keys)

    def happen(self, event: Event) -> None:
        if event is None:
            return
        if event in {"new", "swap"}:
            self.keys.append(self.next_key)
            self.ever_alive.add(self.next_key)
            self.next_key += self.step
        for place in {"two": (0, 0), "swap": (0,)}.get(event, ()) if isinstance(event, str) else (event,):
            if place < len(self.keys):
                self.alive_throughout.discard(self.keys.pop(place))

    def fetch(self, request: PageRequest) -> Page:
        if self.requests:
            self.happen(next(self._events, None))
        self.requests.append(request)
        assert len(self.requests) < 10_000, "the reading does not end"
        if self.honoured is not None and request.size > self.honoured:
            request = replace(request, size=self.honoured)
        page = self.page(self.keys, request)
        return self.change(page, request, self) if self.change else page

    def flights(self) -> AbstractContextManager[InFlight]:
        return nullcontext(InFlight(self))

    @staticmethod
    def page(keys: Sequence[int], request: PageRequest) -> Page:
        begin, end = (request.number - 1) * request.size, request.number * request.size
        ids = list(keys[::-1][begin:end] if request.newest_first else keys[begin:end])
        return Page(ids, [{"customerId": key} for key in ids], request.number, request.size, len(keys), "0123")

    def scan(self, size: int = 2, lanes: int = 1, resume: Bookmark | None = None) -> tuple[Scan, set[int]]:
        """Return a scan of this list, and the set that holds the keys it handed out."""
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


class Decisions:
    """Tries every way through a run that asks for decisions: one way a run, each way once.

    Attributes:
        tried: How many ways were tried.
    """

    def __init__(self) -> None:
        self.tried = 0
        self._path: list[int] = []
        self._options: list[int] = []
        self._at = 0

    def __call__(self, options: int) -> int:
        """Decide between so many; return a number from 0."""
        if options == 1:
            return 0
        if self._at == len(self._path):
            self._path.append(0)
            self._options.append(options)
        self._at += 1
        return self._path[self._at - 1]

    def __repr__(self) -> str:
        return f"decisions {self._path[: self._at]} of {self._options[: self._at]}"

    def runs(self) -> Iterator[None]:
        """Yield before each run, until every way was tried."""
        while True:
            self._at = 0
            yield
            self.tried += 1
            while self._path and self._path[-1] + 1 == self._options[-1]:
                self._path.pop()
                self._options.pop()
            if not self._path:
                return
            self._path[-1] += 1


def keys_of(scan: Scan, read: set[int], stop: int | None = None) -> list[int]:
    """Read, up to so many handouts; return the keys in the order in which they were handed out."""
    keys: list[int] = []
    if stop == 0:
        return keys
    for count, handout in enumerate(scan.read(), start=1):
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
