"""Lists that YCM does not sort: whatever happens between two requests, complete means complete."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tap_ycm.errors import ApiError
from tap_ycm.reading import unsorted
from tap_ycm.reading.lane import BELOW_ALL
from tap_ycm.reading.pages import Page, PageRequest
from tap_ycm.reading.unsorted import MOST_READINGS, Unsorted

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEDULES = int(os.environ.get("SCHEDULES", "1500"))  # a soak of minutes: SCHEDULES=1000000


@dataclass
class List:
    """A list that changes before each answer."""

    keys: list[int]
    order: str = "ascending"
    change: Callable[[List], None] = lambda _: None
    hidden: set[int] = field(default_factory=set)
    counts_hidden: bool = True
    offset: int = 0
    past_end: str = "empty"
    seed: int = 0
    requests: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - repeatable on purpose
        self.highest = max(self.keys, default=0)
        self.throughout = set(self.keys)
        self.ever = set(self.keys)

    def create(self) -> None:
        self.highest += self.random.randint(1, 3)
        self.keys.append(self.highest)
        self.ever.add(self.highest)

    def delete(self) -> None:
        if self.keys:
            self.throughout.discard(self.keys.pop(self.random.randrange(len(self.keys))))

    def fetch(self, request: PageRequest) -> Page:
        self.requests += 1
        assert self.requests < 2000
        self.change(self)
        shown = [key for key in self.keys if key not in self.hidden]
        if self.order == "descending":
            shown.reverse()
        elif self.order == "fixed":
            shown.sort(key=lambda key: hash((self.seed, key)))
        elif self.order == "shuffled":
            self.random.shuffle(shown)
        total = max(len(self.keys if self.counts_hidden else shown) + self.offset, 0)
        number, size = request.number, request.size
        if number > 1 and (number - 1) * size >= len(shown):
            if self.past_end == "refused":
                sentence = "error 1000004 INVALID_PARAMETER"
                raise ApiError(sentence, code=1000004)
            if self.past_end == "last":
                number = max(-(-len(shown) // size), 1)
        ids = shown[(number - 1) * size : number * size]
        return Page(ids, [{"id": key} for key in ids], number, size, total, "0123")


def read(world: List, size: int = 3, *, keys_grow: bool = True) -> tuple[Unsorted, list[int]]:
    got: list[int] = []

    def unread(keys: list[int]) -> list[int]:
        places: dict[int, int] = {}
        for place, key in enumerate(keys):
            if key not in got:
                places.setdefault(key, place)
        return list(places.values())

    reading = Unsorted(world.fetch, size=size, keys_grow=keys_grow, unread=unread)
    for handout in reading.read():
        assert handout.keys == sorted(handout.keys) == [row["id"] for row in handout.rows]
        got += handout.keys
    assert len(got) == len(set(got)) == reading.rows
    assert set(got) <= world.ever
    return reading, got


@pytest.fixture(autouse=True)
def few_are_enough(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists that do ascend are read in one lane however short they are, or these tests would see few lanes."""
    if "ascending" in request.node.name or "ascends" in request.node.name:
        monkeypatch.setattr(unsorted, "ENOUGH_IN_ORDER", 0)


@pytest.mark.parametrize("past_end", ["empty", "last", "refused"])
@pytest.mark.parametrize(
    ("count", "requests"),
    # The first page, then from the end of the list down to the first page.
    [(0, 1), (1, 1), (2, 1), (3, 3), (4, 3), (6, 4), (7, 4), (30, 12), (31, 12)],
)
def test_a_quiet_list_that_ascends_is_read_once(count: int, requests: int, past_end: str) -> None:
    world = List(list(range(10, 10 + count)), past_end=past_end)
    reading, got = read(world)
    assert (reading.flaw, sorted(got)) == (None, world.keys)
    assert reading.evidence == ("one answer" if count < 3 else "proved")
    assert world.requests == requests
    assert reading.newest == (max(world.keys) if world.keys else BELOW_ALL)


@pytest.mark.parametrize(("order", "keys_grow"), [("descending", True), ("fixed", True), ("ascending", False)])
def test_a_quiet_list_in_another_order_is_counted(order: str, keys_grow: bool) -> None:  # noqa: FBT001 - a parameter
    world = List(list(range(10, 40)), order=order)
    reading, got = read(world, keys_grow=keys_grow)
    assert (reading.flaw, sorted(got), reading.evidence) == (None, world.keys, "counted")
    assert world.requests == 22  # each reading looks beyond the last full page
    assert reading.newest == (39 if keys_grow else BELOW_ALL)


def churn(rate: float) -> Callable[[List], None]:
    def change(world: List) -> None:
        for _ in range(3):
            if world.random.random() < rate:
                world.delete() if world.random.random() < 0.55 else world.create()

    return change


@pytest.mark.parametrize("order", ["ascending", "descending", "fixed", "shuffled"])
def test_complete_means_complete_whatever_happens_meanwhile(order: str) -> None:
    complete = 0
    for seed in range(SCHEDULES):
        chance = random.Random(f"{order}{seed}")  # noqa: S311 - repeatable on purpose
        count = chance.randint(0, 25)
        world = List(
            sorted(chance.sample(range(60), count)),
            order=order,
            change=churn(chance.choice([0.0, 0.05, 0.2, 0.6])),
            past_end=chance.choice(["empty", "last", "refused"]),
            seed=seed,
        )
        grows = chance.random() < 0.7
        reading, got = read(world, chance.randint(1, 6), keys_grow=grows)
        assert reading.flaw or world.throughout <= set(got), f"{order} {seed}"
        complete += reading.flaw is None
    assert complete > SCHEDULES // 10


@pytest.mark.parametrize("order", ["ascending", "descending", "fixed"])
def test_hidden_rows_are_noticed_though_others_are_deleted(order: str) -> None:
    for seed in range(SCHEDULES // 5):
        chance = random.Random(f"{order}{seed}")  # noqa: S311 - repeatable on purpose
        keys = sorted(chance.sample(range(60), 25))
        world = List(
            keys, order=order, change=churn(chance.choice([0.0, 0.2])), hidden={chance.choice(keys)}, seed=seed
        )
        reading, got = read(world, chance.randint(2, 6))
        assert reading.flaw or world.throughout <= set(got)


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("offset", [-1, 1, 40, 10**9])
def test_a_total_that_is_wrong_is_no_success_unless_all_was_read(order: str, offset: int) -> None:
    world = List(list(range(30)), order=order, offset=offset)
    reading, got = read(world)
    assert sorted(got) == world.keys
    assert reading.flaw or offset == -1
    assert world.requests < 1000


def test_a_list_that_is_shuffled_for_each_answer_is_not_called_complete_by_luck() -> None:
    world = List(list(range(40)), order="shuffled")
    reading, got = read(world)
    assert reading.flaw is None or sorted(got) == world.keys
    assert world.requests <= (MOST_READINGS + 1) * 16


def at(number: int, what: Callable[[List], None]) -> Callable[[List], None]:
    """Return what changes a list before one answer, counted from 1."""

    def change(world: List) -> None:
        if world.requests == number:
            what(world)

    return change


AGAIN = f"{MOST_READINGS} readings in a row did not agree with each other and with YCM's total"


@pytest.mark.parametrize(
    ("world", "flaw", "missing", "only_missing"),
    [
        ({}, None, 0, True),
        # one short page says how many rows it lacks, and the plain reading how many all lack
        ({"hidden": {12}}, "page 10 has 2 rows, 1 fewer than its total says (requestId 0123)", 1, False),
        ({"hidden": {37, 38, 39}}, "page 10 has 0 rows, 3 fewer than its total says (requestId 0123)", 3, False),
        ({"offset": 1}, "page 11 has 0 rows, 1 fewer than its total says (requestId 0123)", 1, False),
        ({"offset": -1}, "the last page never ended where its total says (requestId 0123)", 0, False),
        # nothing but rows is missing: look-ups may find them
        ({"hidden": {12, 13}, "order": "descending"}, AGAIN, 2, True),
        ({"offset": 1, "order": "descending"}, AGAIN, 1, True),
        ({"offset": 5, "order": "fixed"}, AGAIN, 5, True),
        ({"offset": -1, "order": "fixed"}, AGAIN, 0, False),
        ({"offset": 40, "past_end": "refused"}, AGAIN, 0, False),
        # what is created meanwhile is read, and explains a total that has grown
        ({"change": at(2, List.create)}, None, 0, True),
        ({"change": at(9, List.create)}, None, 0, True),
        ({"change": at(11, List.create)}, None, 0, True),
        ({"change": at(5, List.delete)}, None, 0, True),
    ],
)
def test_what_a_reading_of_a_list_that_ascends_or_not_says_of_itself(
    world: dict[str, Any],
    flaw: str | None,
    missing: int,
    only_missing: bool,  # noqa: FBT001 - a parameter
) -> None:
    ycm = List(list(range(10, 40)), **world)
    reading, got = read(ycm)
    assert (reading.flaw, reading.missing, reading.only_missing) == (flaw, missing, only_missing)
    assert sorted(got) == sorted(ycm.ever - ycm.hidden)
    assert reading.pages == ycm.requests or ycm.past_end == "refused"
    assert reading.first_total == 30 + ycm.offset
    assert reading.last_total == len(ycm.keys) + ycm.offset
    assert ycm.requests < 70


def test_rows_that_are_hidden_after_the_reading_has_passed_them_are_missed_by_the_total_that_ascends() -> None:
    """The total is heard again at the end: rows that come back, and are older than the newest read, were hidden."""

    def reappear(world: List) -> None:
        if world.requests == 11:
            world.hidden.clear()

    world = List(list(range(10, 40)), hidden={13, 14}, counts_hidden=False, change=reappear)
    reading, got = read(world)
    assert reading.flaw or set(got) == set(world.keys)
