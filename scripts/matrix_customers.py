"""The customers that the matrix loads: what a target can stumble over, and what may happen to them between two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_ycm.sandbox import World
from tap_ycm.sandbox.world import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["customers", "delete", "difficult_customers", "edit_some"]

_PLAIN = 1200  # enough for a scan that fails to be continued: the state is written every 1,000 customers

_TEXTS = (
    "",
    " ",
    "  spaces around  ",
    "tab\there",
    "two\nlines",
    "two\r\nlines",
    "\r",
    "\n",
    'a "quoted" word',
    '"',
    "it's",
    "a,b;c|d",
    r"C:\new\table \N \u0041",
    "NULL",
    "null",
    "None",
    "NaN",
    "true",
    "0049 30 1234",
    "+49 30 1234",
    "1e5",
    "12345678901234567890",
    "2024-01-02",
    "2024-01-02T10:00:00+00:00",
    "=1+1",
    '{"a": 1}',
    "[1, 2]",
    "李小龙 Ångström نورا",
    "e\u0301, not \u00e9",
    "🚀 👩\u200d👩\u200d👧",
    "\ufefffirst",
    "\u2028\u0085\x01\x1f\x7f",
    "100 % %s {0} :name $1 ?",
    "long " * 4000,
)
_LARGE_IDS = (2**53 + 1, 2**53 + 2, 2**62 + 1)  # a float cannot hold the first and the last


def difficult_customers() -> World:
    """Return a list of plain customers, followed by difficult ones."""
    world = World.seeded(customers=_PLAIN, seed=7)
    for text in _TEXTS:
        world.create(lastName=text, company=text, remark=text)
    world.edit(world.create(), **dict.fromkeys(FIELDS[1:], ""))
    world.edit(world.create(), **dict.fromkeys(FIELDS[1:]))
    nulls = world.create()
    world.put_row(nulls, {"customerId": nulls, **dict.fromkeys(FIELDS[1:])})
    for large in _LARGE_IDS:
        world.create(large)
    return world


def edit_some(world: World) -> None:
    """Give plain customers difficult fields, clear and empty the fields of others, and create some."""
    ids = world.ids()
    for key, text in zip(ids, _TEXTS, strict=False):
        world.edit(key, firstName=text, remark=text)
    world.edit(ids[_PLAIN - 1], **dict.fromkeys(FIELDS[1:]))
    world.edit(ids[_PLAIN - 2], **dict.fromkeys(FIELDS[1:], ""))
    for key in ids[_PLAIN:]:
        row = world.row(key)
        if not row.get("remark"):
            # What was empty is filled, and what was null becomes empty.
            world.edit(key, **{name: "filled" if row.get(name) == "" else "" for name in FIELDS[1:]})
    for text in _TEXTS:
        world.create(city=text)


def delete(world: World, *ids: int) -> set[int]:
    """Delete customers, and return who they were."""
    for key in ids:
        world.delete(key)
    return set(ids)


def customers(world: World) -> Mapping[int, Mapping[str, Any]]:
    """Return who exists now, with every field; what is not set is null."""
    return {row["customerId"]: {name: row.get(name) for name in FIELDS} for row in world.rows()}
