"""What a stream's state remembers: there and back, and nothing else taken for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tap_ycm.reading.scan import Bookmark
from tap_ycm.sync.memory import DamagedStateError, Interrupted, Memory

MARK = Bookmark(page=3, size=50, below=50086222, newest=50086483, first_total=364, last_total=360, rows=214)
WHOLE = Memory(complete_rows=364, last_version=1795467095000, scan=Interrupted(MARK, 1795467095000, 1795467095, "ab12"))


@pytest.mark.parametrize("memory", [Memory(), WHOLE, Memory(scan=Interrupted(MARK, None, 0, ""))])
def test_there_and_back(memory: Memory) -> None:
    state = json.loads(json.dumps(memory.state()))
    assert Memory.of(state) == memory
    assert set(state) == {"complete_rows", "last_version", "scan"}  # every key, always: Meltano merges states


def test_an_empty_state_and_foreign_keys_are_fine() -> None:
    assert Memory.of({}) == Memory()
    assert Memory.of({"replication_key": "x", "scan": None, "last_version": None}) == Memory()


def changed(**changes: Any) -> dict[str, Any]:
    """Return a whole state with values at dotted places replaced."""
    state: dict[str, Any] = json.loads(json.dumps(WHOLE.state()))
    for place, value in changes.items():
        *path, last = place.split("__")
        inner = state
        for name in path:
            inner = inner[name]
        inner[last] = value
    return state


@pytest.mark.parametrize(
    "changes",
    [
        {"complete_rows": "364"},
        {"complete_rows": True},
        {"last_version": 1.5},
        {"scan": 3},
        {"scan": []},
        {"scan": {}},
        {"scan__bookmark": None},
        {"scan__bookmark": {}},
        {"scan__bookmark__page": None},
        {"scan__bookmark__page": "3"},
        {"scan__bookmark__page": -1},
        {"scan__bookmark__size": 0},
        {"scan__bookmark__rows": -1},
        {"scan__bookmark__below": None},
        {"scan__version": "x"},
        {"scan__began": None},
        {"scan__identity": None},
    ],
)
def test_a_damaged_state_is_noticed(changes: dict[str, Any]) -> None:
    with pytest.raises(DamagedStateError):
        Memory.of(changed(**changes))


@pytest.mark.parametrize(("name", "value"), [("page", 0), ("size", 1), ("rows", 0)])
def test_the_lowest_numbers_are_sound(name: str, value: int) -> None:
    memory = Memory.of(changed(**{f"scan__bookmark__{name}": value}))
    assert memory.scan is not None
    assert getattr(memory.scan.bookmark, name) == value
