"""The world: its rows, its order and its history."""

from __future__ import annotations

import json
import random
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_ycm.sandbox.world import FIELDS, FIRST_ID, Churn, World, encode, generate


def test_the_same_seed_makes_the_same_world() -> None:
    """Ids and rows depend on the seed and on nothing else."""
    first, again = World.seeded(50, seed=1), World.seeded(50, seed=1)
    other = World.seeded(50, seed=2)
    assert list(first.rows()) == list(again.rows())
    assert first.ids() != other.ids()
    assert generate(1, FIRST_ID) != generate(2, FIRST_ID)


def test_the_computed_rows_stay_what_they_are() -> None:
    """Pinned, so that another version of Python or of this code is noticed."""
    assert generate(7, FIRST_ID) == {
        "customerId": 50086120,
        "firstName": "José",
        "lastName": "Muñoz Ibáñez",
        "company": "R&D \\ Partners",
        "email": "customer50086120@example.com",
        "businessNumber": "13616073895",
        "mobileNumber": "+86-592-21090",
        "faxNumber": "13616091462",
    }


def test_rows_have_the_vendors_fields_in_the_vendors_order() -> None:
    """Mandatory ones always, the others now and then, none empty."""
    rows = list(World.seeded(500).rows())
    for row in rows:
        assert [name for name in FIELDS if name in row] == list(row)
        assert {"customerId", "firstName", "company", "email"} <= row.keys()
        assert all(value not in ("", None) for value in row.values())
    seen = [sum(name in row for row in rows) for name in FIELDS]
    assert min(seen) > 0
    assert sum(count < 500 for count in seen) == len(FIELDS) - 4


def test_rows_are_hard_on_what_carries_them() -> None:
    """Several scripts, quotes, commas and line ends occur."""
    text = "".join(str(list(row.values())) for row in World.seeded(500).rows())
    for hard in ("李", "Щ", "🎉", "الأحمد", '"', ",", "\\n", "\\t", "\\\\"):
        assert hard in text


def test_a_million_customers_take_little_time() -> None:
    """Ids only; rows are computed when looked at."""
    began = time.monotonic()
    world = World.seeded(1_000_000)
    cut = world.cut(999_950, 1_000_050, sort="-customerId")
    assert time.monotonic() - began < 5
    assert cut.total == len(world) == 1_000_000
    assert cut.ids[-1] == FIRST_ID


def test_a_gap_of_one_leaves_no_holes() -> None:
    """Neighbouring ids are as far apart as asked at most."""
    assert World.seeded(5, gap=1, first_id=3).ids() == [3, 4, 5, 6, 7]
    ids = World.seeded(500, gap=4).ids()
    steps = {after - before for before, after in pairwise(ids)}
    assert steps == {1, 2, 3, 4}
    assert World.seeded(0).ids() == []


def test_a_new_id_is_above_every_id_ever_used() -> None:
    """Also when the highest customer has gone."""
    world = World([5, 9])
    world.delete(9)
    assert world.create() == 10
    assert world.create(7, firstName="Low") == 7
    assert world.create() == 11
    assert world.ids() == [5, 7, 10, 11]


def test_what_cannot_be_is_refused() -> None:
    """Nothing is recorded then."""
    world = World([5])
    with pytest.raises(ValueError, match="exists"):
        world.create(5)
    with pytest.raises(ValueError, match="twice"):
        World([5, 5])
    for change in (world.delete, world.edit, world.row):
        with pytest.raises(KeyError):
            change(6)
    assert world.seq == 0


def test_edits_set_and_unset_fields() -> None:
    """None unsets; the order of the fields stays the vendor's."""
    world = World([5])
    world.edit(5, remark="new", firstName="Ann", lastName="B")
    world.edit(5, lastName=None)
    row = world.row(5)
    assert row["remark"] == "new"
    assert "lastName" not in row
    assert list(row) == [name for name in FIELDS if name in row]
    assert json.loads(world.cut(0, 1).rows[0]) == row


def test_a_row_put_is_served_as_it_is() -> None:
    """At the place of its id, whatever it says."""
    world = World([5, 7])
    broken = {"customerId": "six", "zipCode": 123, "odd": [None], "email": None}
    world.put_row(6, broken)
    assert world.cut(0, 9).ids == (5, 6, 7)
    assert json.loads(world.cut(1, 2).rows[0]) == broken
    world.put_row(6, {})
    assert world.cut(1, 2).rows == (b"{}",)
    assert [event.kind for event in world.history] == ["create", "edit"]


def test_an_old_version_shows_old_rows() -> None:
    """Deleted customers and earlier values are still there."""
    world = World([5, 6])
    world.edit(5, remark="one")
    world.edit(5, remark="two")
    world.delete(6)
    world.create()
    old = world.cut(0, 9, seq=1)
    assert (old.seq, old.total, old.ids) == (1, 2, (5, 6))
    assert json.loads(old.rows[0])["remark"] == "one"
    assert json.loads(world.cut(0, 9).rows[0])["remark"] == "two"
    assert world.cut(0, 9, seq=0, sort="-customerId").ids == (6, 5)


def test_any_field_sorts() -> None:
    """Both ways; who has no value comes first, and ties are by id."""
    world = World()
    for city in ("b", None, "a", "b"):
        world.create(city=city or "x")
        if city is None:
            world.edit(world.ids()[-1], city=None)
    a, b, c, d = world.ids()
    assert world.cut(0, 9, sort="city").ids == (b, c, a, d)
    assert world.cut(0, 9, sort="-city").ids == (d, a, c, b)
    assert world.cut(1, 3, sort="-city").ids == (a, c)


def test_unset_fields_can_be_filled() -> None:
    """All of them, with null or an empty string."""
    world = World([5])
    for unset, value in (("null", None), ("empty", "")):
        row = json.loads(world.cut(0, 1, unset=unset).rows[0])  # type: ignore[arg-type] # a Literal
        assert row.keys() == set(FIELDS)
        assert {row[name] for name in FIELDS if name not in world.row(5)} == {value}


def test_half_a_surrogate_pair_is_escaped() -> None:
    """UTF-8 cannot hold it, JSON can."""
    assert encode({"a": "\ud83d"}) == b'{"a":"\\ud83d"}'
    assert encode({"a": "é"}) == '{"a":"é"}'.encode()


def test_churn_is_the_same_for_the_same_seed() -> None:
    """And touches whom it says."""
    worlds = World.seeded(40), World.seeded(40)
    touched = [Churn(world, seed=3).step(200) for world in worlds]
    assert touched[0] == touched[1]
    assert worlds[0].ids() == worlds[1].ids()
    assert [event.customer_id for event in worlds[0].history] == touched[0]
    assert {event.kind for event in worlds[0].history} == {"create", "delete", "edit"}


def test_churn_stops_when_nobody_is_left() -> None:
    """It deletes whom there is."""
    world = World([5])
    assert Churn(world).make(create=1, delete=9, edit=1) != []
    assert world.ids() == []


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 12), st.integers(0, 60))
def test_the_history_agrees_with_a_diary(seed: int, start: int, events: int) -> None:
    """The oracle against the simplest one: a copy of the set after every event."""
    rng = random.Random(seed)  # noqa: S311 - data
    world = World(rng.sample(range(100, 140), start))
    diary = [set(world.ids())]
    for _ in range(events):
        kind = rng.choice(("create", "delete", "edit", "again"))
        present = sorted(diary[-1])
        if kind == "create":
            world.create()
        elif kind == "again":
            world.put_row(rng.randrange(100, 140), {})
        elif not present:
            continue
        elif kind == "delete":
            world.delete(rng.choice(present))
        else:
            world.edit(rng.choice(present), remark="x")
        diary.append(set(world.ids()))
    assert world.seq == len(diary) - 1
    assert [event.seq for event in world.history] == list(range(1, len(diary)))
    for seq, those in enumerate(diary):
        assert world.ids_at(seq) == sorted(those)
        assert world.count(seq) == len(those)
    first = rng.randrange(len(diary))
    last = rng.randrange(first, len(diary))
    days = diary[first : last + 1]
    assert world.lived_through(first, last) == set.intersection(*days)
    assert world.ever(first, last) == set.union(*days)
