"""Each switch of the sandbox in each of its positions: the probe tells the position, or that it cannot tell, and why.

A sandbox that is started like the report answers the probe with the same report.
"""

from __future__ import annotations

import random
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
from probing import POSITIONS, alike, differences, essence, findings, report_on, worlds

from tap_ycm.probe.findings import UNSEEN
from tap_ycm.probe.plan import MOST_REQUESTS
from tap_ycm.sandbox import Assumptions, Limit, Sandbox
from tap_ycm.sandbox.assumptions import ASSUMPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from probing import World

SWITCHES = [known.name for known in ASSUMPTIONS]
TOLD_BY_NOBODY = {
    # What is open in a world although it is not UNSEEN, with the words of the report.
    "max_page_size": ("no sorted list shows two rows", "a page of 100 is served"),
    "default_page_size": ("not below the largest page",),
    "echo_page": ("every answer was the page that was asked for",),
    "page_offset": ("begin further down than was tried",),
    "page_gap": ("too few rows or answers to compare",),
    "window": ("no sorted list shows two rows", "is cut off"),
    "limit": ("a limit was met",),
    "short_pages": ("no page is short", "too little is known"),
    "short_by": ("too few rows or answers",),
    "total_offset": ("some rows are hidden, or totals are wrong",),
    "total_fixed": ("some rows are hidden, or totals are wrong",),
    "total_cap": ("some rows are hidden, or totals are wrong", "no list that was read has more than"),
    "total_wobble": ("the list changed while it was looked at",),
    "denied_code": ("no list was refused",),
    "grant_errors": ("no request for a token failed",),
    "token_delay": ("new tokens are refused for up to",),
    "token_refusals": ("for a while or a few times",),
    "token_uses": ("a token ended after",),
    "error_http": (),
    "denied": ("unclear why these failed",),
}
ELSEWHERE = {"grant_errors", "limit", "token_delay"}
"""Seen only when something fails, or told as a bound: tests of their own show it."""

NOT_THE_SAME = (
    {"vanishing_parents"},  # the probe's own calls delete
    {"page_gap": 30},  # too wide to be measured
    {"total_wobble": 10},  # too slow to be told from a list that changes
    {"short_by": 1, "short_pages": (8,)},  # the last page of the list at hand
    {"hidden": 10, "hidden_counted": False},  # whose list is shorter
    {"error_code_as": "missing", "error_http": "always_200"},  # errors that nobody can read
)
"""Worlds of which a report does not know enough: it says so."""


def as_list(value: object) -> object:
    return sorted(value) if isinstance(value, list | tuple) else value


def position(name: str, world: Mapping[str, Any]) -> object:
    return as_list(world.get(name, getattr(Assumptions(), name)))


def assert_sound(world: World, made: dict[str, Any]) -> None:
    """Nothing is claimed that is not so; what is open says why."""
    for name, one in findings(made).items():
        if one["state"] == "open":
            assert one["why"]
            assert name not in world or name in UNSEEN or any(w in one["why"] for w in TOLD_BY_NOBODY[name]), one
        elif name == "token_life":  # told in whole seconds
            assert abs(one["value"] - world.get(name, 1800)) <= 1
        else:
            assert as_list(one["value"]) == position(name, world), one
            assert one["state"] == ("holds" if as_list(one["assumed"]) == as_list(one["value"]) else "differs")
            assert one["means"]


def can_be_the_same(world: World) -> bool:
    return not any(one & world.keys() if isinstance(one, set) else one.items() <= world.items() for one in NOT_THE_SAME)


def check(world: World) -> dict[str, Any]:
    patience = 0.2 if "token_delay" in world else 0.01
    with Sandbox(assumptions=Assumptions(**world)) as ycm:
        made = report_on(ycm, patience=patience)
        assert made["requests"] == len(ycm.requests) <= MOST_REQUESTS
    assert_sound(world, made)
    if can_be_the_same(world):
        other = alike(made, patience=patience)
        assert not list(differences(made, other)), world
    return made


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_position_is_told_or_said_to_be_open_and_a_sandbox_like_it_shows_the_same(switch: str) -> None:
    """What no position shows is listed as that, with the reason, and nothing else is."""
    states = {findings(check(world))[switch]["state"] for world in worlds(switch)}
    assert ("differs" in states) != (switch in UNSEEN or switch in ELSEWHERE)


def test_the_default_is_told() -> None:
    made = check({})
    states = {name: one["state"] for name, one in findings(made).items()}
    assert "differs" not in states.values()
    assert sum(state == "holds" for state in states.values()) >= 40
    assert made["complete"]
    assert not made["advice"]


def test_the_list_of_what_nobody_sees_is_of_switches_and_gives_reasons() -> None:
    assert UNSEEN.keys() <= set(SWITCHES)
    assert all(UNSEEN.values())
    assert not UNSEEN.keys() & ELSEWHERE


def seldom() -> list[World]:
    """Return worlds that pairs are made of: none that ends the probe, and one position of each kind."""
    keep_out = {"limit", "token_delay", "token_uses", "token_refusals", "vanishing_parents", "only", "token_life"}
    return [world for world in worlds() if not keep_out & world.keys() and can_be_the_same(world)]


def check_pair(one: World, other: World) -> bool:
    """Where the probe knows both switches, a sandbox like the report shows the same; return whether it does."""
    world = {**one, **other}
    with Sandbox(assumptions=Assumptions(**world)) as ycm:
        made = report_on(ycm)
        assert made["requests"] == len(ycm.requests) <= MOST_REQUESTS
    known = findings(made)
    found = list(differences(essence(made), essence(alike(made))))
    is_open = any(known[name]["state"] == "open" for name in world)
    assert not found or is_open, (world, found)
    return not found


def test_pairs_at_random() -> None:
    rng = random.Random(14)  # noqa: S311 - choices, no secret
    pairs = [rng.sample(seldom(), 2) for _ in range(12)]
    assert sum(check_pair(*pair) for pair in pairs) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_many_pairs_at_random(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - as above
    pairs = list(combinations(seldom(), 2))
    same = sum(check_pair(*pair) for pair in rng.sample(pairs, 60))
    print(f"{same} of 60 pairs show the same report")  # noqa: T201 - docs quote it
    assert same >= 50


def test_positions_are_of_switches() -> None:
    """Or a test would test nothing."""
    assert set(POSITIONS) < set(SWITCHES)
    assert all(isinstance(one, Limit) for one in POSITIONS["limit"])
