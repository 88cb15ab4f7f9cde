"""One table of the sandbox and its true history, without any network.

A `World` knows which rows (customers, unless told otherwise) exist now and which
existed at every earlier moment, so a test can ask what a reader had to find. Rows that nobody touched are
not stored: they are computed from the seed and the id when somebody looks.
"""

from __future__ import annotations

import json
import random
import threading
import time
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

from tap_ycm.sandbox.rows import Nothing, Row
from tap_ycm.sandbox.tables import CUSTOMERS, spread
from tap_ycm.sandbox.texts import Draw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tap_ycm.sandbox.rows import Sources
    from tap_ycm.sandbox.tables import Table

__all__ = ["FIELDS", "FIRST_ID", "Churn", "Cut", "Event", "Kind", "Row", "World", "encode", "filled", "generate"]

FIELDS = CUSTOMERS.fields
"""The fields of `Customer_Info` in the vendor's order (query-all-the-customers)."""

FIRST_ID = CUSTOMERS.first_id
"""The first customer id of the vendor's example."""

Kind = Literal["create", "delete", "edit"]
Unset = Literal["omit", "null", "empty"]

_CACHED_ROWS = 200_000  # about 60 MB of encoded rows; then the cache starts over


@dataclass(frozen=True, slots=True)
class Event:
    """One change of the list.

    Attributes:
        seq: The version of the list that the change made, 1 or higher.
        kind: What happened.
        key: To whom.
        at: When, in Unix seconds.
    """

    seq: int
    kind: Kind
    key: int
    at: float

    @property
    def customer_id(self) -> int:
        """To whom, in the list of customers."""
        return self.key


@dataclass(frozen=True, slots=True)
class Cut:
    """Some neighbouring rows of one state of the list.

    Attributes:
        seq: The version of the list that was cut.
        total: How many rows that version lists.
        ids: The ids in the order served.
        rows: The same rows as JSON bytes.
    """

    seq: int
    total: int
    ids: tuple[int, ...]
    rows: tuple[bytes, ...]


def encode(row: object) -> bytes:
    """Return compact JSON in UTF-8; what UTF-8 cannot hold is escaped."""
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(row, separators=(",", ":")).encode()


def generate(seed: int, customer_id: int) -> Row:
    """Compute the customer that belongs to a seed and an id.

    Optional fields are sparse and unset ones are left out, as in the vendor's
    example.
    """
    return CUSTOMERS.row(seed, customer_id, Nothing())


class World:
    """A list, of customers by default, that changes, and everything it ever was.

    Every method is safe to call from any thread. Hold `lock` to make several calls
    at one moment.

    Attributes:
        table: What the list is.
        seed: What the computed rows come from.
        lock: The one lock of this world; it may be taken again by its owner.
        on_event: Called after each event, with the lock held.
    """

    def __init__(  # noqa: PLR0913 - all but the ids by keyword
        self,
        ids: Iterable[int] = (),
        *,
        seed: int = 7,
        table: Table = CUSTOMERS,
        initial: Sources | None = None,
        present: Sources | None = None,
        lock: threading.RLock | None = None,
    ) -> None:
        """Start with the given ids (whole numbers of 64 bits, in any order).

        Args:
            ids: Who is there at first.
            seed: See the class.
            table: See the class.
            initial: What the first rows may refer to: other tables as they were at first.
            present: What a new row may refer to: other tables as they are now.
            lock: A lock to share with other worlds.

        Raises:
            ValueError: If an id occurs twice.
        """
        self.table = table
        self.seed = seed
        self.lock = lock or threading.RLock()
        self.on_event: Callable[[Event], None] | None = None
        self._initial = initial or Nothing()
        self._present = present or Nothing()
        self._ids = array("q", sorted(ids))
        if any(a == b for a, b in zip(self._ids, self._ids[1:], strict=False)):
            msg = "An id occurs twice."
            raise ValueError(msg)
        self._highest = self._ids[-1] if self._ids else table.first_id - 1
        self._events: list[Event] = []
        self._gone: dict[int, int] = {}  # id -> version that deleted it last
        self._first: array[int] | None = None
        # Only rows that differ from the computed ones: id -> [(since seq, row), ...].
        self._versions: dict[int, list[tuple[int, Row]]] = {}
        self._encoded: dict[tuple[int, Unset], bytes] = {}
        self._order: tuple[int, str, int, array[int]] | None = None

    @classmethod
    def seeded(
        cls,
        customers: int = 364,
        seed: int = 7,
        *,
        first_id: int = FIRST_ID,
        gap: int = 3,
    ) -> World:
        """Make customers, any number of them, that are the same for the same arguments.

        Args:
            customers: How many; 364 is the vendor's example total.
            seed: Decides the ids and the rows.
            first_id: The lowest id.
            gap: The largest distance between neighbouring ids; 1 leaves no holes.
        """
        return cls(spread(customers, seed, first_id, gap), seed=seed)

    @property
    def seq(self) -> int:
        """The version of the list: 0 at first, one more after every event."""
        with self.lock:
            return len(self._events)

    @property
    def history(self) -> list[Event]:
        """Every event so far, oldest first."""
        with self.lock:
            return list(self._events)

    def __len__(self) -> int:
        """Return how many rows exist now."""
        with self.lock:
            return len(self._ids)

    def __contains__(self, key: object) -> bool:
        """Tell whether a row exists now."""
        with self.lock:
            return isinstance(key, int) and self._find(key) is not None

    def ids(self) -> list[int]:
        """Return the ids that exist now, ascending."""
        with self.lock:
            return self._ids.tolist()

    def first_ids(self) -> array[int]:
        """Return the ids that existed at first, ascending; not to be changed."""
        with self.lock:
            if self._first is None:
                self._first = self._ids_at(0)
            return self._first

    def first_row(self, key: int) -> Row:
        """Return the row that an id had at first."""
        return self.table.row(self.seed, key, self._initial)

    def lives_since(self, key: int, seq: int) -> bool:
        """Tell whether a row exists now and was not deleted after a version."""
        with self.lock:
            return self._find(key) is not None and self._gone.get(key, 0) <= seq

    def row(self, key: int, seq: int | None = None) -> Row:
        """Return a copy of one row as a version of the list held it; the present one by default.

        Raises:
            KeyError: If there was no such row then.
        """
        with self.lock:
            seq = self.seq if seq is None else seq
            if seq == self.seq:
                self._place(key)
            elif key not in self._ids_at(seq):
                raise KeyError(key)
            return self._row_at(key, seq)

    def rows(self) -> Iterator[Row]:
        """Yield the rows of this moment in ascending order of id."""
        with self.lock:
            ids, seq = self._ids[:], self.seq
        for key in ids:
            with self.lock:
                row = self._row_at(key, seq)
            yield row

    def next_id(self) -> int | None:
        """Return the id of the next new row, None if there can be none.

        It is one more than every id ever used, as YCM is assumed to do, unless the
        table has a rule of its own.
        """
        with self.lock:
            if self.table.new_id is None:
                return self._highest + 1
            return self.table.new_id(self._present, self.__contains__)

    def create(self, key: int | None = None, /, **fields: object) -> int:
        """Add a row and return the id.

        Args:
            key: By default the next one. A lower one makes a world that breaks the rule.
            **fields: Replace fields of the computed row; None unsets one.

        Raises:
            ValueError: If the row exists, or there can be no new one.
        """
        with self.lock:
            new = self.next_id() if key is None else key
            if new is None:
                msg = f"There can be no more {self.table.name}."
                raise ValueError(msg)
            self._insert(new)
            # Written down even when computed: an earlier life may have had another.
            self._record("create", new, self._merge(self.table.row(self.seed, new, self._present), fields))
            return new

    def delete(self, key: int) -> None:
        """Remove a row.

        Raises:
            KeyError: If there is no such row.
        """
        with self.lock:
            del self._ids[self._place(key)]
            self._record("delete", key)

    def edit(self, key: int, /, **fields: object) -> None:
        """Change fields of a row; None unsets one.

        Raises:
            KeyError: If there is no such row.
        """
        with self.lock:
            row = self.row(key)
            self._record("edit", key, self._merge(row, fields))

    def edited(self, key: int, word: str) -> Row:
        """Return fields that an edit may change, and their new values."""
        table = self.table
        if not table.redrawn:
            return {table.edited or table.text: word}
        row = table.make(Draw(word), key, self._present)
        return {name: row.get(name) for name in table.redrawn}

    def put_row(self, key: int, row: Mapping[str, Any]) -> None:
        """Serve any JSON object at the place of an id, which is created if absent.

        The row goes out as it is: numbers for strings, nulls, unknown fields, even
        another id or none. Sorting by id goes by the place.
        """
        with self.lock:
            kind: Kind = "edit"
            if self._find(key) is None:
                self._insert(key)
                kind = "create"
            self._record(kind, key, dict(row))

    def ids_at(self, seq: int) -> list[int]:
        """Return the ids that a version of the list held, ascending."""
        with self.lock:
            return self._ids_at(seq).tolist()

    def lived_through(self, first_seq: int, last_seq: int) -> set[int]:
        """Return who was there from one version to another without a break.

        A reader whose first and last answers show these versions must have found
        every one of them.
        """
        with self.lock:
            deleted = {event.key for event in self._events[first_seq:last_seq] if event.kind == "delete"}
            return set(self._ids_at(first_seq)) - deleted

    def ever(self, first_seq: int, last_seq: int) -> set[int]:
        """Return who was there at any moment between two versions, both included.

        A reader who found somebody else invented a row.
        """
        with self.lock:
            created = {event.key for event in self._events[first_seq:last_seq] if event.kind == "create"}
            return set(self._ids_at(first_seq)) | created

    def cut(  # noqa: PLR0913 - all but the places by keyword
        self,
        start: int,
        stop: int,
        *,
        sort: str | None = None,
        seq: int | None = None,
        hidden: int = 0,
        unset: Unset = "omit",
    ) -> Cut:
        """Cut a part out of one state of the list in a given order.

        Args:
            start: First place, from 0.
            stop: First place not wanted.
            sort: A field (by default the id), or `-field` for descending, or `text` for the ids as words,
                or what begins with `shuffled` for an order that follows no field: one
                for each such word. A missing value sorts first.
            seq: The version to show; the present one by default.
            hidden: Leave out the ids that this number divides; 0 for none.
            unset: How a field without value is served.
        """
        with self.lock:
            seq = self.seq if seq is None else seq
            sort = self.table.key if sort is None else sort
            descending = sort.startswith("-")
            ids = self._ordered(sort.removeprefix("-"), seq, hidden)
            total = len(ids)
            start, stop = min(start, total), min(stop, total)
            part = ids[total - stop : total - start][::-1] if descending else ids[start:stop]
            rows = tuple(self._encoded_row(one, seq, unset) for one in part)
            return Cut(seq, total, tuple(part), rows)

    def count(self, seq: int) -> int:
        """Return how many rows a version of the list held."""
        with self.lock:
            return len(self._ids if seq == self.seq else self._ids_at(seq))

    def random_id(self, rng: random.Random) -> int | None:
        """Choose one of the present rows, None if there is none."""
        with self.lock:
            return rng.choice(self._ids) if self._ids else None

    def _find(self, key: int) -> int | None:
        place = bisect_left(self._ids, key)
        if place < len(self._ids) and self._ids[place] == key:
            return place
        return None

    def _place(self, key: int) -> int:
        place = self._find(key)
        if place is None:
            raise KeyError(key)
        return place

    def _insert(self, key: int) -> None:
        place = bisect_left(self._ids, key)
        if place < len(self._ids) and self._ids[place] == key:
            msg = f"{key} exists in {self.table.name}."
            raise ValueError(msg)
        self._ids.insert(place, key)
        self._highest = max(self._highest, key)

    def _record(self, kind: Kind, key: int, row: Row | None = None) -> None:
        seq = len(self._events) + 1
        event = Event(seq, kind, key, time.time())
        self._events.append(event)
        if kind == "delete":
            self._gone[key] = seq
        if row is not None:
            self._versions.setdefault(key, []).append((seq, row))
            for unset in ("omit", "null", "empty"):
                self._encoded.pop((key, unset), None)
        if self.on_event is not None:
            self.on_event(event)

    def _row_at(self, key: int, seq: int) -> Row:
        for since, row in reversed(self._versions.get(key, ())):
            if since <= seq:
                return dict(row)
        return self.first_row(key)

    def _ids_at(self, seq: int) -> array[int]:
        """Undo the events after `seq` on a copy of the present list."""
        before: dict[int, Kind] = {}
        for event in self._events[seq:]:
            before.setdefault(event.key, event.kind)
        result: array[int] = array("q")
        start = 0
        for key in sorted(before):
            place = bisect_left(self._ids, key, start)
            result.extend(self._ids[start:place])
            if before[key] != "create":  # only somebody present is changed
                result.append(key)
            here = place < len(self._ids) and self._ids[place] == key
            start = place + here
        result.extend(self._ids[start:])
        return result

    def _ordered(self, field: str, seq: int, hidden: int) -> array[int]:
        if field == self.table.key and seq == self.seq and not hidden:
            return self._ids
        if self._order is None or self._order[:3] != (seq, field, hidden):
            ids = self._ids_at(seq)
            if hidden:
                ids = array("q", (one for one in ids if one % hidden))
            if field.startswith("shuffled"):
                ids = array("q", sorted(ids, key=partial(_shuffled, field)))
            elif field == "text":
                ids = array("q", sorted(ids, key=str))
            elif field != self.table.key:
                values = {one: str(self._row_at(one, seq).get(field) or "") for one in ids}
                ids = array("q", sorted(ids, key=values.__getitem__))
            self._order = (seq, field, hidden, ids)
        return self._order[3]

    def _encoded_row(self, key: int, seq: int, unset: Unset) -> bytes:
        versions = self._versions.get(key)
        if versions and versions[-1][0] > seq:  # an old state: not worth remembering
            return encode(self._fill(self._row_at(key, seq), unset))
        encoded = self._encoded.get((key, unset))
        if encoded is None:
            encoded = encode(self._fill(self._row_at(key, seq), unset))
            if len(self._encoded) >= _CACHED_ROWS:
                self._encoded.clear()
            self._encoded[key, unset] = encoded
        return encoded

    def _merge(self, row: Row, fields: Mapping[str, object]) -> Row:
        merged = {**row, **fields}
        kept = {name: value for name, value in merged.items() if value is not None}
        known = {name: kept.pop(name) for name in self.table.fields if name in kept}
        return {**known, **kept}

    def _fill(self, row: Row, unset: Unset) -> Row:
        return row if unset == "omit" else filled(row, self.table, unset)


class Churn:
    """Random creations, deletions and edits, the same for the same seed."""

    def __init__(self, world: World, seed: int = 7, after_edit: Callable[[int, str], object] | None = None) -> None:
        """Prepare to shake a world; `after_edit` is told each id that was edited, and a new word."""
        self._world = world
        self._after_edit = after_edit
        self._rng = random.Random(seed)  # noqa: S311 - data, not a secret
        self._lock = threading.Lock()  # one event's random choices stay together

    def step(self, events: int = 1) -> list[int]:
        """Make some events of random kinds; the size stays about the same."""
        touched: list[int] = []
        for _ in range(events):
            with self._lock:
                kind = self._rng.choices(("create", "delete", "edit"), (4, 4, 2))[0]
            touched += self.make(**{kind: 1})
        return touched

    def make(self, *, create: int = 0, delete: int = 0, edit: int = 0) -> list[int]:
        """Make so many events of each kind and return the ids they touched.

        Fewer are made when nobody is left to delete or edit, or nobody can be added.
        """
        world = self._world
        touched = [world.create() for _ in range(create) if world.next_id() is not None]
        for change in ("delete",) * delete + ("edit",) * edit:
            with self._lock, world.lock:
                key = world.random_id(self._rng)
                if key is None:
                    break
                if change == "delete":
                    world.delete(key)
                else:
                    word = f"edited {self._rng.randrange(10**9)}"
                    world.edit(key, **world.edited(key, word))
                    if self._after_edit is not None:
                        self._after_edit(key, word)
            touched.append(key)
        return touched


def filled(row: Row, table: Table, unset: Unset) -> Row:
    """Return a row in which no field is missing.

    A row without an id stays without one: it was put there to be broken.
    """
    value = None if unset == "null" else ""
    return {**row, **{name: value for name in table.fields if name not in row and name != table.key}}


def _shuffled(word: str, key: int) -> bytes:
    return blake2b(f"{word}{key}".encode(), digest_size=8).digest()
