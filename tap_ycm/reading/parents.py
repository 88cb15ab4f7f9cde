"""One call for each object of another list: its children, known by their parent.

A parent that YCM does not find any more has no children. But YCM's word on that counts only if it does not contradict
itself: where it says that a parent exists and does not find its children, or finds the children of none, the reading
is not complete.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_ycm.errors import ApiError
from tap_ycm.reading.reading import BaseReading, Handout

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from contextlib import AbstractContextManager

    from tap_ycm.reading.reading import Flights

__all__ = ["Parents", "ParentsMark", "PerParent"]


@dataclass(frozen=True, slots=True)
class Parents:
    """The objects of another list.

    Attributes:
        stream: Their stream.
        keys: The keys of all that may exist, ascending.
        flaw: Why some may be missing, or None.
        withheld: Why nothing that belongs to a missing one may be deleted, or None.
    """

    stream: str
    keys: Sequence[int]
    flaw: str | None = None
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class ParentsMark:
    """Where another process may continue: valid once everything handed out before it has reached the target.

    Attributes:
        parents: The parents whose children were handed out, in that order; it may grow behind the first ``count``.
        count: How many of them count.
        rows: How many rows were read so far.
    """

    parents: array[int]
    count: int
    rows: int

    @property
    def done(self) -> array[int]:
        """The parents whose children were handed out."""
        return self.parents[: self.count]


class PerParent(BaseReading):
    """One reading of all children; attributes as in :class:`tap_ycm.reading.reading.Reading`."""

    evidence = "every parent"

    def __init__(  # noqa: PLR0913 - each is one independent fact, and all but two are named by the caller
        self,
        parents: Parents,
        flights: Callable[[], AbstractContextManager[Flights]],
        *,
        in_flight: int,
        exists: Callable[[int], bool] | None,
        need_not_exist: bool = False,
        refusals: Sequence[Exception] = (),
        resume: ParentsMark | None = None,
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            parents: Whose children are wanted.
            flights: Asks for the children of several parents at a time; None for a parent that is not found.
            in_flight: How many requests may be in flight.
            exists: Asks YCM for a parent itself; None if it cannot be asked.
            need_not_exist: Whether there need not be any children of a parent that exists.
            refusals: Those of single parents, filled while answers arrive: the account may see nothing of them.
            resume: Where an earlier reading stopped.
        """
        super().__init__()
        self._parents = parents
        self._flights = flights
        self._in_flight = in_flight
        self._exists = exists
        self._need_not_exist = need_not_exist
        self._refusals = refusals
        self._done = array("q", resume.done if resume else ())
        self.withheld = parents.withheld
        self.resumed = resume is not None
        self.rows = resume.rows if resume else 0
        self.only_missing = False

    @property
    def progress(self) -> tuple[int, int | None]:
        """How many parents are done of how many."""
        return len(self._done), len(self._parents.keys)

    @property
    def bookmark(self) -> ParentsMark | None:
        """Where to continue once the rows handed out last have reached the target."""
        return None if self.flaw else ParentsMark(self._done, len(self._done), self.rows)

    def read(self) -> Generator[Handout]:
        """Ask for the children of each parent, a few requests ahead of the target."""
        done = frozenset(self._done)
        waiting = iter([key for key in self._parents.keys if key not in done])
        not_found: list[int] = []
        with self._flights() as flights:
            under_way = sum(1 for _ in self._begin(flights, waiting, self._in_flight))
            while under_way:
                parent, rows = flights.next()
                under_way += sum(1 for _ in self._begin(flights, waiting, 1)) - 1
                self.pages += 1
                if rows is None:
                    not_found.append(parent)  # not done: a contradiction must not be forgotten by an interruption
                else:
                    self._done.append(parent)
                self.rows += len(rows or ())
                yield Handout([], rows or [])
        if self._refusals and not self._done:
            raise self._refusals[0]
        self.flaw = self._contradiction(not_found) or self._parents.flaw

    @staticmethod
    def _begin(flights: Flights, waiting: Iterable[int], many: int) -> Iterable[int]:
        for _, key in zip(range(many), waiting, strict=False):
            flights.begin(key, key)
            yield key

    def _contradiction(self, not_found: list[int]) -> str | None:
        """Return where YCM contradicts itself on parents without children to be found."""
        parents = self._parents.stream
        if len(not_found) > 1 and not self._done:
            return f"YCM finds nothing for any of the {len(not_found)} {parents} that it lists"
        if self._need_not_exist or not not_found:
            return None
        if self._exists is None:
            return f"YCM lists {parents} and does not find what belongs to them"
        try:
            contradicts = any(map(self._exists, not_found))
        except ApiError as error:
            return f"whether {parents} exist to which nothing is found could not be asked: {error}"
        return f"YCM has one of the {parents} and does not find what belongs to it" if contradicts else None
