"""The kinds of lists that YCM has: how each is asked for, read, and tried. A stream is data of a kind."""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tap_ycm.errors import PERMISSION_DENIED, ApiError
from tap_ycm.http.questions import Listing, object_of, page_of, rows_of
from tap_ycm.reading.pages import PageRequest
from tap_ycm.reading.parents import Parents, ParentsMark, PerParent
from tap_ycm.reading.scan import Bookmark, Scan
from tap_ycm.reading.single import OneAnswer
from tap_ycm.reading.unsorted import Unsorted

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tap_ycm.http.answers import Extract
    from tap_ycm.http.questions import Question
    from tap_ycm.reading.pages import Row
    from tap_ycm.reading.reading import Reading

__all__ = ["SNAPSHOT_AT", "Asker", "Asks", "Children", "Kind", "Sorted", "Table", "Terms", "UnsortedPages", "WholeList"]

SNAPSHOT_AT = "snapshotAt"
"""The key of snapshots: when they were taken, by the clock of the machine that runs the tap."""

_A = TypeVar("_A")
_PLACEHOLDER = re.compile(r"{(\w+)}")


class Asks(Protocol):
    """Puts a question to YCM."""

    def ask(self, question: Question[_A], /) -> _A:
        """Return the answer, or raise."""


class Asker(Asks, Protocol):
    """Puts questions to YCM."""

    def flights(self, question_of: Callable[[Any], Question[Any]], /) -> AbstractContextManager[Any]:
        """Ask for many things, several at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one reading is given.

    Attributes:
        size: Rows per page to ask for.
        in_flight: How many requests may be in flight.
        began: When the sync began, in seconds since the epoch.
        unread: Returns the places of those keys that were not handed out yet, each key once.
        parents: The objects of the parent stream; None for a list that has none.
        exists: Asks YCM for a parent itself; None if it has no such call.
        resume: Where an earlier reading stopped.
    """

    size: int
    in_flight: int
    began: int
    unread: Callable[[list[int]], list[int]]
    parents: Parents | None = None
    exists: Callable[[int], bool] | None = None
    resume: Bookmark | ParentsMark | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a stream fills.

    Attributes:
        name: Name of the stream.
        keys: The columns that identify a row.
    """

    name: str
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Kind(Table, ABC):
    """One list of YCM.

    Attributes:
        path: Path after ``/dm/open_api``, and a query where it is always the same; ``{field}`` stands for the key of a
            parent.
        texts: Those of the keys that hold text, which the tap puts there; YCM identifies by 64-bit integers.
        parent: The stream whose keys the path needs, or None.
        look_up: The path of a single object, ``{key}`` in place of its key; None if there is none.
        look_up_is_whole: Whether a single object has all columns of the list.
    """

    path: str
    texts: tuple[str, ...] = ()
    parent: str | None = None
    look_up: str | None = None
    look_up_is_whole: bool = True

    @property
    def is_appended(self) -> bool:
        """Whether rows are only ever added: history, of which nothing is deleted."""
        return SNAPSHOT_AT in self.keys

    @property
    def remembers_keys(self) -> bool:
        """Whether the state holds the keys of the rows: 64-bit integers that YCM gives."""
        return len(self.keys) == 1 and not self.is_appended

    @property
    def placeholder(self) -> str | None:
        """The field of a parent that the path needs, or None."""
        found = _PLACEHOLDER.search(self.path)
        return found.group(1) if found else None

    @property
    def listing(self) -> Listing:
        """What asks for its pages and its single objects."""
        return Listing(self.path, self.keys[0], self.look_up, isinstance(self, Sorted))

    def look_ups(self, asker: Asker) -> Callable[[], AbstractContextManager[Any]] | None:
        """Return what asks for single objects; None if YCM has no such call."""
        return partial(asker.flights, partial(object_of, self.listing)) if self.look_up else None

    def exists(self, asker: Asker, key: int) -> bool:
        """Ask YCM whether it has an object."""
        return asker.ask(object_of(self.listing, key)) is not None

    @abstractmethod
    def reading(self, asker: Asker, terms: Terms) -> Reading:
        """Begin a reading of the list; nothing is asked yet."""

    @abstractmethod
    def try_out(self, asker: Asks, parent: int | None) -> tuple[int | None, int | None]:
        """Ask for as little as possible.

        Args:
            asker: Puts the question.
            parent: The key of some parent, where the path needs one.

        Returns:
            How many rows there are, if the answer tells, and the key of one of them, if it is an integer.

        Raises:
            ApiError: There is no answer to be had.
        """

    def _rows_for(self, parents: object, extract: Extract, *, may_be_gone: bool = False) -> Question[list[Row] | None]:
        """Ask for the rows that belong to a parent, or to several with commas between."""
        placeholder = self.placeholder
        path = self.path.replace(f"{{{placeholder}}}", str(parents)) if placeholder else self.path
        return rows_of(self.path, path, extract, self.keys, texts=self.texts, may_be_gone=may_be_gone)


@dataclass(frozen=True, kw_only=True)
class _Paged(Kind):
    @override
    def try_out(self, asker: Asks, parent: int | None) -> tuple[int | None, int | None]:
        page = asker.ask(page_of(self.listing, PageRequest(1, 1, newest_first=True)))
        return (len(page.ids) if page.total is None else page.total), (page.ids[0] if page.ids else None)


@dataclass(frozen=True, kw_only=True)
class Sorted(_Paged):
    """A paged list that YCM sorts by its key; keys only grow."""

    @override
    def reading(self, asker: Asker, terms: Terms) -> Reading:
        question = partial(page_of, self.listing)
        return Scan(
            lambda request: asker.ask(question(request)),
            lambda: asker.flights(question),
            size=terms.size,
            lanes=terms.in_flight,
            unread=terms.unread,
            resume=terms.resume if isinstance(terms.resume, Bookmark) else None,
        )


@dataclass(frozen=True, kw_only=True)
class UnsortedPages(_Paged):
    """A paged list in an order of which YCM says nothing.

    Attributes:
        keys_grow: Whether a new key is higher than all before, and none is used again.
    """

    keys_grow: bool

    @override
    def reading(self, asker: Asker, terms: Terms) -> Reading:
        return Unsorted(
            lambda request: asker.ask(page_of(self.listing, request)),
            size=terms.size,
            keys_grow=self.keys_grow,
            unread=terms.unread,
        )


@dataclass(frozen=True, kw_only=True)
class WholeList(Kind):
    """A list, or one object, that comes in one answer; where it has a parent, one request names all of them.

    Attributes:
        rows: Finds the rows in ``data``.
    """

    rows: Extract

    @override
    def reading(self, asker: Asker, terms: Terms) -> Reading:
        parents = terms.parents
        reading = OneAnswer(
            lambda: self._ask(asker, terms),
            self.keys[0] if self.remembers_keys else None,
            withheld=parents.withheld if parents else None,
        )
        reading.flaw = parents.flaw if parents else None
        return reading

    def _ask(self, asker: Asker, terms: Terms) -> list[Row]:
        parents = terms.parents.keys if terms.parents else ()
        if terms.parents and not parents:
            return []
        extract = _stamped(self.rows, terms.began) if self.is_appended else self.rows
        return asker.ask(self._rows_for(",".join(map(str, parents)), extract)) or []

    @override
    def try_out(self, asker: Asks, parent: int | None) -> tuple[int | None, int | None]:
        if self.parent and parent is None:
            return 0, None
        rows = asker.ask(self._rows_for(parent, _stamped(self.rows, 0) if self.is_appended else self.rows)) or []
        return len(rows), rows[0][self.keys[0]] if rows else None


@dataclass(frozen=True, kw_only=True)
class Children(Kind):
    """What belongs to the objects of another list: one call for each.

    Attributes:
        column: The column for the key of the parent.
        rows: Finds the rows in ``data``.
    """

    parent: str
    column: str
    rows: Extract

    @override
    def reading(self, asker: Asker, terms: Terms) -> Reading:
        if terms.parents is None:
            sentence = f"{self.name} cannot be read without {self.parent}"
            raise ValueError(sentence)
        refusals: list[Exception] = []

        def question(parent: int) -> Question[list[Row] | None]:
            asked = self._question(parent, terms.began)
            return replace(asked, parse=_patient(asked.parse, refusals)) if self.is_appended else asked

        return PerParent(
            terms.parents,
            lambda: asker.flights(question),
            in_flight=terms.in_flight,
            exists=terms.exists,
            need_not_exist=self.is_appended,
            refusals=refusals,
            resume=terms.resume if isinstance(terms.resume, ParentsMark) else None,
        )

    def _question(self, parent: int, began: int) -> Question[list[Row] | None]:
        def extract(data: Any) -> list[Any] | None:
            if isinstance(data, dict) and data.get(self.placeholder, parent) != parent:
                return None  # what belongs to another one
            found = self.rows(data)
            return None if found is None else [{**row, self.column: parent} for row in found]

        return self._rows_for(parent, _stamped(extract, began) if self.is_appended else extract, may_be_gone=True)

    @override
    def try_out(self, asker: Asks, parent: int | None) -> tuple[int | None, int | None]:
        if parent is None:
            return 0, None
        asker.ask(self._question(parent, 0))
        return None, None


def _patient(parse: Callable[..., list[Row] | None], refusals: list[Exception]) -> Callable[..., list[Row] | None]:
    """Return what takes a refusal for an answer without rows: the vendor does not say of which objects there is any."""

    def parse_or_note(*answer: Any, **options: Any) -> list[Row] | None:
        try:
            return parse(*answer, **options)
        except ApiError as error:
            if error.code != PERMISSION_DENIED:
                raise
            refusals.append(error)
            return None

    return parse_or_note


def _stamped(extract: Extract, began: int) -> Extract:
    """Return what finds the same rows, and gives each the time of the snapshot."""

    def rows(data: Any) -> list[Any] | None:
        found = extract(data)
        return None if found is None else [{**row, SNAPSHOT_AT: began} for row in found]

    return rows
