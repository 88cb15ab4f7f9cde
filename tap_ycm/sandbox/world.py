"""The customers of the sandbox and their true history, without any network.

A `World` knows which customers exist now and which existed at every earlier
moment, so a test can ask what a reader had to find. Rows that nobody touched are
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
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FIELDS = (
    "customerId",
    "firstName",
    "lastName",
    "company",
    "email",
    "businessNumber",
    "mobileNumber",
    "homeNumber",
    "faxNumber",
    "zipCode",
    "street",
    "city",
    "state",
    "country",
    "remark",
)
"""The fields of `Customer_Info` in the vendor's order (query-all-the-customers)."""

FIRST_ID = 50_086_120
"""The first customer id of the vendor's example."""

Row = dict[str, Any]
Kind = Literal["create", "delete", "edit"]
Unset = Literal["omit", "null", "empty"]

_CACHED_ROWS = 200_000  # about 60 MB of encoded rows; then the cache starts over

_PEOPLE = (
    ("Leo", "Ball"),
    ("Naomi", "Nicholas"),
    ("José", "Muñoz Ibáñez"),
    ("Zoë", "O'Brien-Łukasik"),
    ("Jürgen", "Groß"),
    ("Søren", "Ångström"),
    ("Nguyễn", "Thị Hoa"),
    ("李", "小龙"),
    ("美咲", "髙橋"),
    ("지우", "김"),
    ("Анна", "Щербакова"),
    ("Ελένη", "Παπαδοπούλου"),
    ("محمد", "الأحمد"),
    ("נועה", "לוי"),
    ("प्रिया", "शर्मा"),
    ("Renée", "d'Arc"),
    ('William "Bill"', "Smith, Jr."),
    ("İbrahim", "Yıldız"),  # noqa: RUF001 - Turkish
)
_COMPANIES = (
    "Example company",
    "Müller & Söhne GmbH",
    'Acme "Voice" Ltd.',
    "厦门示例科技有限公司",
    "ООО «Пример»",  # noqa: RUF001 - Russian
    "株式会社サンプル",
    "Café Olé, S.A.",
    "Rocket 🚀 Telecom",
    "R&D \\ Partners",
    "<b>Bold</b> Networks",
)
_CITIES = (
    ("361000", "Xiamen", "Fujian", "China"),
    ("10115", "Berlin", "Berlin", "Germany"),
    ("SW1A 1AA", "London", "England", "United Kingdom"),
    ("01310-100", "São Paulo", "SP", "Brazil"),
    ("100-0001", "東京", "東京都", "Japan"),
    ("101000", "Москва", "Москва", "Россия"),
    ("00100", "Nairobi", "", "Kenya"),
    ("02108", "Boston", "MA", "USA"),
)
_STREETS = ("Main St.", "Gagarin-Allee", "中山路", "Rua 25 de Março", "ул. Ленина")
_REMARKS = (
    "VIP 🎉",
    'Said "call back", twice',
    "line one\nline two",
    "a\tb\tc",
    "see C:\\old\\notes.txt",
    "{'not': 'json'}",
    "zażółć; gęślą, jaźń",
    "family 👨‍👩‍👧‍👦 plan",
    "  spaces kept  ",
    "N/A",
    "null",
    "2024-02-30",
)
_PHONES = ("136160{:05}", "+49 30 {:05}", "(617) 55{:05}", "00{:05}", "+86-592-{:05}")


@dataclass(frozen=True, slots=True)
class Event:
    """One change of the list.

    Attributes:
        seq: The version of the list that the change made, 1 or higher.
        kind: What happened.
        customer_id: To whom.
        at: When, in Unix seconds.
    """

    seq: int
    kind: Kind
    customer_id: int
    at: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Some neighbouring rows of one state of the list.

    Attributes:
        seq: The version of the list that was cut.
        total: How many customers that version lists.
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
    example. A hash gives the choices, not `random`, which takes ten times longer
    to seed and may change between Python versions.
    """
    digest = blake2b(f"{seed}:{customer_id}".encode(), digest_size=48).digest()
    rest = int.from_bytes(digest, "big")

    def pick(choices: int) -> int:
        nonlocal rest
        rest, choice = divmod(rest, choices)
        return choice

    first, last = _PEOPLE[pick(len(_PEOPLE))]
    row: Row = {"customerId": customer_id, "firstName": first}
    if pick(8):
        row["lastName"] = last
    row["company"] = _COMPANIES[pick(len(_COMPANIES))]
    row["email"] = f"customer{customer_id}@example.com"
    for field, one_in in (
        ("businessNumber", 2),
        ("mobileNumber", 2),
        ("homeNumber", 8),
        ("faxNumber", 9),
    ):
        if not pick(one_in):
            row[field] = _PHONES[pick(len(_PHONES))].format(pick(100_000))
    if pick(2):
        zip_code, city, state, country = _CITIES[pick(len(_CITIES))]
        row["zipCode"] = zip_code
        if pick(2):
            row["street"] = f"{_STREETS[pick(len(_STREETS))]} {1 + pick(200)}"
        row["city"] = city
        if state:
            row["state"] = state
        row["country"] = country
    if not pick(4):
        row["remark"] = _REMARKS[pick(len(_REMARKS))]
    return row


class World:
    """A list of customers that changes, and everything it ever was.

    Every method is safe to call from any thread. Hold `lock` to make several calls
    at one moment.

    Attributes:
        seed: What the computed rows come from.
        lock: The one lock of this world; it may be taken again by its owner.
    """

    def __init__(self, ids: Iterable[int] = (), *, seed: int = 7) -> None:
        """Start with the given ids (whole numbers of 64 bits, in any order).

        Raises:
            ValueError: If an id occurs twice.
        """
        self.seed = seed
        self.lock = threading.RLock()
        self._ids = array("q", sorted(ids))
        if any(a == b for a, b in zip(self._ids, self._ids[1:], strict=False)):
            msg = "An id occurs twice."
            raise ValueError(msg)
        self._highest = self._ids[-1] if self._ids else FIRST_ID - 1
        self._events: list[Event] = []
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
        """Make a world of any size that is the same for the same arguments.

        Args:
            customers: How many; 364 is the vendor's example total.
            seed: Decides the ids and the rows.
            first_id: The lowest id.
            gap: The largest distance between neighbouring ids; 1 leaves no holes.
        """
        steps = random.Random(seed).choices(  # noqa: S311 - data, not a secret
            range(1, gap + 1), k=max(customers - 1, 0)
        )
        ids = accumulate(steps, initial=first_id) if customers else ()
        return cls(ids, seed=seed)

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
        """Return how many customers exist now."""
        with self.lock:
            return len(self._ids)

    def __contains__(self, customer_id: object) -> bool:
        """Tell whether a customer exists now."""
        with self.lock:
            return isinstance(customer_id, int) and self._find(customer_id) is not None

    def ids(self) -> list[int]:
        """Return the ids that exist now, ascending."""
        with self.lock:
            return self._ids.tolist()

    def row(self, customer_id: int, seq: int | None = None) -> Row:
        """Return a copy of one customer as a version of the list held it; the present one by default.

        Raises:
            KeyError: If there was no such customer then.
        """
        with self.lock:
            seq = self.seq if seq is None else seq
            if seq == self.seq:
                self._place(customer_id)
            elif customer_id not in self._ids_at(seq):
                raise KeyError(customer_id)
            return self._row_at(customer_id, seq)

    def rows(self) -> Iterator[Row]:
        """Yield the customers of this moment in ascending order of id."""
        with self.lock:
            ids, seq = self._ids[:], self.seq
        for customer_id in ids:
            with self.lock:
                row = self._row_at(customer_id, seq)
            yield row

    def create(self, customer_id: int | None = None, **fields: object) -> int:
        """Add a customer and return the id.

        Args:
            customer_id: By default one more than every id ever used, as YCM is
                assumed to do. A lower one makes a world that breaks this.
            **fields: Replace fields of the computed row; None unsets one.

        Raises:
            ValueError: If the customer exists.
        """
        with self.lock:
            new = self._highest + 1 if customer_id is None else customer_id
            self._insert(new)
            # Written down even when computed: an earlier life may have had another.
            self._record("create", new, _merge(generate(self.seed, new), fields))
            return new

    def delete(self, customer_id: int) -> None:
        """Remove a customer.

        Raises:
            KeyError: If there is no such customer.
        """
        with self.lock:
            del self._ids[self._place(customer_id)]
            self._record("delete", customer_id)

    def edit(self, customer_id: int, **fields: object) -> None:
        """Change fields of a customer; None unsets one.

        Raises:
            KeyError: If there is no such customer.
        """
        with self.lock:
            row = self.row(customer_id)
            self._record("edit", customer_id, _merge(row, fields))

    def put_row(self, customer_id: int, row: Mapping[str, Any]) -> None:
        """Serve any JSON object at the place of an id, which is created if absent.

        The row goes out as it is: numbers for strings, nulls, unknown fields, even
        another `customerId` or none. Sorting by id goes by the place.
        """
        with self.lock:
            kind: Kind = "edit"
            if self._find(customer_id) is None:
                self._insert(customer_id)
                kind = "create"
            self._record(kind, customer_id, dict(row))

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
            deleted = {event.customer_id for event in self._events[first_seq:last_seq] if event.kind == "delete"}
            return set(self._ids_at(first_seq)) - deleted

    def ever(self, first_seq: int, last_seq: int) -> set[int]:
        """Return who was there at any moment between two versions, both included.

        A reader who found somebody else invented a customer.
        """
        with self.lock:
            created = {event.customer_id for event in self._events[first_seq:last_seq] if event.kind == "create"}
            return set(self._ids_at(first_seq)) | created

    def cut(  # noqa: PLR0913 - all but the places by keyword
        self,
        start: int,
        stop: int,
        *,
        sort: str = "customerId",
        seq: int | None = None,
        hidden: int = 0,
        unset: Unset = "omit",
    ) -> Cut:
        """Cut a part out of one state of the list in a given order.

        Args:
            start: First place, from 0.
            stop: First place not wanted.
            sort: A field, or `-field` for descending, or `text` for the ids as words,
                or what begins with `shuffled` for an order that follows no field: one
                for each such word. A missing value sorts first.
            seq: The version to show; the present one by default.
            hidden: Leave out the ids that this number divides; 0 for none.
            unset: How a field without value is served.
        """
        with self.lock:
            seq = self.seq if seq is None else seq
            descending = sort.startswith("-")
            ids = self._ordered(sort.removeprefix("-"), seq, hidden)
            total = len(ids)
            start, stop = min(start, total), min(stop, total)
            part = ids[total - stop : total - start][::-1] if descending else ids[start:stop]
            rows = tuple(self._encoded_row(one, seq, unset) for one in part)
            return Cut(seq, total, tuple(part), rows)

    def count(self, seq: int) -> int:
        """Return how many customers a version of the list held."""
        with self.lock:
            return len(self._ids if seq == self.seq else self._ids_at(seq))

    def random_id(self, rng: random.Random) -> int | None:
        """Choose one of the present customers, None if there is none."""
        with self.lock:
            return rng.choice(self._ids) if self._ids else None

    def _find(self, customer_id: int) -> int | None:
        place = bisect_left(self._ids, customer_id)
        if place < len(self._ids) and self._ids[place] == customer_id:
            return place
        return None

    def _place(self, customer_id: int) -> int:
        place = self._find(customer_id)
        if place is None:
            raise KeyError(customer_id)
        return place

    def _insert(self, customer_id: int) -> None:
        place = bisect_left(self._ids, customer_id)
        if place < len(self._ids) and self._ids[place] == customer_id:
            msg = f"Customer {customer_id} exists."
            raise ValueError(msg)
        self._ids.insert(place, customer_id)
        self._highest = max(self._highest, customer_id)

    def _record(self, kind: Kind, customer_id: int, row: Row | None = None) -> None:
        seq = len(self._events) + 1
        self._events.append(Event(seq, kind, customer_id, time.time()))
        if row is not None:
            self._versions.setdefault(customer_id, []).append((seq, row))
            for unset in ("omit", "null", "empty"):
                self._encoded.pop((customer_id, unset), None)

    def _row_at(self, customer_id: int, seq: int) -> Row:
        for since, row in reversed(self._versions.get(customer_id, ())):
            if since <= seq:
                return dict(row)
        return generate(self.seed, customer_id)

    def _ids_at(self, seq: int) -> array[int]:
        """Undo the events after `seq` on a copy of the present list."""
        before: dict[int, Kind] = {}
        for event in self._events[seq:]:
            before.setdefault(event.customer_id, event.kind)
        result: array[int] = array("q")
        start = 0
        for customer_id in sorted(before):
            place = bisect_left(self._ids, customer_id, start)
            result.extend(self._ids[start:place])
            if before[customer_id] != "create":  # only somebody present is changed
                result.append(customer_id)
            here = place < len(self._ids) and self._ids[place] == customer_id
            start = place + here
        result.extend(self._ids[start:])
        return result

    def _ordered(self, field: str, seq: int, hidden: int) -> array[int]:
        if field == "customerId" and seq == self.seq and not hidden:
            return self._ids
        if self._order is None or self._order[:3] != (seq, field, hidden):
            ids = self._ids_at(seq)
            if hidden:
                ids = array("q", (one for one in ids if one % hidden))
            if field.startswith("shuffled"):
                ids = array("q", sorted(ids, key=partial(_shuffled, field)))
            elif field == "text":
                ids = array("q", sorted(ids, key=str))
            elif field != "customerId":
                values = {one: str(self._row_at(one, seq).get(field) or "") for one in ids}
                ids = array("q", sorted(ids, key=values.__getitem__))
            self._order = (seq, field, hidden, ids)
        return self._order[3]

    def _encoded_row(self, customer_id: int, seq: int, unset: Unset) -> bytes:
        versions = self._versions.get(customer_id)
        if versions and versions[-1][0] > seq:  # an old state: not worth remembering
            return encode(_fill(self._row_at(customer_id, seq), unset))
        key = (customer_id, unset)
        encoded = self._encoded.get(key)
        if encoded is None:
            encoded = encode(_fill(self._row_at(customer_id, seq), unset))
            if len(self._encoded) >= _CACHED_ROWS:
                self._encoded.clear()
            self._encoded[key] = encoded
        return encoded


class Churn:
    """Random creations, deletions and edits, the same for the same seed."""

    def __init__(self, world: World, seed: int = 7) -> None:
        """Prepare to shake a world."""
        self._world = world
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

        Fewer are made when nobody is left to delete or edit.
        """
        world = self._world
        touched = [world.create() for _ in range(create)]
        for change in ("delete",) * delete + ("edit",) * edit:
            with self._lock, world.lock:
                customer_id = world.random_id(self._rng)
                if customer_id is None:
                    break
                if change == "delete":
                    world.delete(customer_id)
                else:
                    remark = f"edited {self._rng.randrange(10**9)}"
                    world.edit(customer_id, remark=remark)
            touched.append(customer_id)
        return touched


def _merge(row: Row, fields: Mapping[str, object]) -> Row:
    merged = {**row, **fields}
    kept = {name: value for name, value in merged.items() if value is not None}
    known = {name: kept.pop(name) for name in FIELDS if name in kept}
    return {**known, **kept}


def _fill(row: Row, unset: Unset) -> Row:
    if unset == "omit":
        return row
    value = None if unset == "null" else ""
    # A row without an id stays without one: it was put there to be broken.
    return {**row, **{name: value for name in FIELDS[1:] if name not in row}}


def _shuffled(word: str, customer_id: int) -> bytes:
    return blake2b(f"{word}{customer_id}".encode(), digest_size=8).digest()
