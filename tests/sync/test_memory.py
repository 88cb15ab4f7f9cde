"""What a stream's state remembers: there and back, merged by Meltano, older, damaged."""

from __future__ import annotations

import json
from array import array
from typing import Any

import pytest
from meltano.core.utils import merge
from pipelines import Pipeline, Ycm, known_to

from tap_ycm.errors import TapError
from tap_ycm.reading.lane import ABOVE_ALL, BELOW_ALL, LaneMark
from tap_ycm.reading.parents import ParentsMark
from tap_ycm.reading.scan import Bookmark
from tap_ycm.sync.keys import packed
from tap_ycm.sync.memory import DamagedStateError, Interrupted, Memory

MARK = Bookmark((LaneMark(3, 50086222, 50080000), LaneMark(1, 50080001, BELOW_ALL)), 50, 50086483, 214)
WHOLE = Memory(
    account="ab12cd34",
    last_version=1795467095000,
    baseline=True,
    highest=50086483,
    rows=364,
    known=packed([1, 2, 3]),
    new=(packed([4]), packed([5, 6])),
    gone=packed([9]),
    braked=packed([7, 8]),
    scan=Interrupted(MARK, 1795467095, "ab12"),
)
NAMES = {"account", "last_version", "baseline", "highest", "rows", "known", "new", "gone", "braked", "scan"}


@pytest.mark.parametrize(
    "memory",
    [
        Memory(),
        WHOLE,
        Memory(known=None),
        Memory(scan=Interrupted(Bookmark((), 1, BELOW_ALL, 0), 0, "")),
        Memory(scan=Interrupted(Bookmark((LaneMark(2, ABOVE_ALL, BELOW_ALL),), 1, 5, 0), 0, "")),
        Memory(scan=Interrupted(ParentsMark(array("q", [-4, 2]), 2, 7), 0, "")),
    ],
)
def test_there_and_back(memory: Memory) -> None:
    state = json.loads(json.dumps(memory.state()))
    assert Memory.of(state) == memory
    assert set(state) == NAMES  # always: a key that is left out would not go away when Meltano merges states


def test_the_scan_is_written_whole() -> None:
    (scan,) = WHOLE.state()["scan"]  # a list: Meltano would merge an object, and cannot merge one over null
    assert scan == {
        "lanes": [[3, 50086222, 50080000], [1, 50080001, None]],
        "size": 50,
        "newest": 50086483,
        "rows": 214,
        "began": 1795467095,
        "identity": "ab12",
    }


def test_an_empty_state_and_foreign_keys_are_fine() -> None:
    assert Memory.of({}) == Memory()
    assert Memory.of({"replication_key": "x", "scan": None, "last_version": None}) == Memory()
    assert Memory.of({**WHOLE.state(), "replication_key": "x"}) == WHOLE


def test_a_state_that_holds_a_count_and_no_keys_has_no_baseline() -> None:
    older = {"complete_rows": 364, "last_version": 1795467095000, "scan": {"bookmark": {"page": 3}, "version": 1}}
    assert Memory.of(older) == Memory(last_version=1795467095000, is_older=True)


def changed(**changes: Any) -> dict[str, Any]:
    """Return a whole state with values at places replaced; ``__`` leads inwards, ``DROP`` leaves out."""
    state: dict[str, Any] = json.loads(json.dumps(WHOLE.state()))
    for place, value in changes.items():
        *path, last = place.split("__")
        inner = state
        for name in path:
            inner = inner[name][0]
        if value == "DROP":
            del inner[last]
        else:
            inner[last] = value
    return state


DAMAGES: list[dict[str, Any]] = [
    {"account": 3},
    {"last_version": 1.5},
    {"last_version": "5"},
    {"baseline": None},
    {"baseline": 1},
    {"highest": "9"},
    {"rows": "364"},
    {"rows": True},
    {"known": 3},
    {"known": ["x"]},
    {"new": None},
    {"new": "x"},
    {"new": [3]},
    {"new": "DROP"},
    {"gone": None},
    {"gone": "DROP"},
    {"braked": 1},
    {"braked": "DROP"},
    {"scan": 3},
    {"scan": [3]},
    {"scan": {"lanes": []}},
    {"scan__lanes": None},
    {"scan__lanes": {}},
    {"scan__lanes": [[1, 2]]},
    {"scan__lanes": [[1, 2, 3, 4]]},
    {"scan__lanes": [[0, 2, 1]]},
    {"scan__lanes": [[-1, 2, 1]]},
    {"scan__lanes": [["1", 2, 1]]},
    {"scan__lanes": [[None, 2, 1]]},
    {"scan__lanes": [[1, 2, True]]},
    {"scan__lanes": [3]},
    {"scan__size": 0},
    {"scan__size": None},
    {"scan__rows": -1},
    {"scan__newest": "x"},
    {"scan__began": None},
    {"scan__began": 1.5},
    {"scan__identity": None},
]


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_a_damaged_state_is_noticed(damage: dict[str, Any]) -> None:
    with pytest.raises(DamagedStateError):
        Memory.of(changed(**damage))


@pytest.mark.parametrize("damage", [*DAMAGES, {"known": "x"}, {"new": ["x"]}, {"gone": "x"}, {"braked": "x"}], ids=str)
def test_a_damaged_state_ends_the_run_with_a_sentence(damage: dict[str, Any]) -> None:
    pipeline = Pipeline(Ycm([1, 2, 3]))
    pipeline.target.state = changed(**damage)
    with pytest.raises(TapError, match=r"^the state of stream customers is damaged: clear it"):
        pipeline.run()
    assert not pipeline.ycm.requests


@pytest.mark.parametrize(
    ("name", "value"), [("size", 1), ("rows", 0), ("lanes", []), ("lanes", [[1, 2, 1]]), ("newest", None)]
)
def test_the_lowest_numbers_are_sound(name: str, value: object) -> None:
    assert Memory.of(changed(**{f"scan__{name}": value})).scan is not None


def test_unknown_keys_are_not_no_keys() -> None:
    assert Memory.of(changed(known=None)).known is None
    assert Memory.of(changed(known="DROP")).known is None
    assert Memory.of(changed(known="")).known == ""


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Merge as Meltano does, by its own code."""
    state: dict[str, Any] = json.loads(json.dumps(old))
    merge(json.loads(json.dumps(new)), state)  # type: ignore[no-untyped-call]  # Meltano's
    return state


def test_a_state_merged_over_any_older_one_is_the_newer_one() -> None:
    """With fewer lanes, with and without a scan, over a state of an earlier version of the tap."""
    pipeline = Pipeline(Ycm(list(range(1, 60))), lanes=3, hasty=True)
    states: list[dict[str, Any]] = [{}, {"complete_rows": 3, "last_version": 2, "scan": {"bookmark": {"page": 1}}}]
    for dies_after in (None, 30, None, 50, 20, None):
        pipeline.ycm.create()
        pipeline.lanes = 1 + len(states) % 3
        lines = pipeline.run(dies_after=dies_after).lines
        states += [json.loads(content) for kind, content in lines if kind == "state"]
    assert any(state["scan"] for state in states[2:])
    assert len(states) > 20
    for older in states:
        for newer in states[2:]:
            mixed = merged(older, newer)
            assert Memory.of(mixed) == Memory.of(newer)
            assert known_to(mixed) == known_to(newer)
