"""When a target may be told that absent records are deleted: each rule by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tap_ycm.settings import Settings
from tap_ycm.sync.deletes import Brake, Evidence, brake, brake_on_counts, confirmation, decide


def settings(**changes: Any) -> Settings:
    return Settings.of({"access_token": "x", "emit_activate_version_messages": True, **changes})


def keys(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


def many(count: int, start: int = 1) -> frozenset[int]:
    return frozenset(range(start, start + count))


NONE = keys()


@pytest.mark.parametrize(
    ("changes", "absent", "gone", "known", "holds"),
    [
        # 20 % of 1,000 are 200
        ({}, many(200), NONE, 1000, False),
        ({}, many(201), NONE, 1000, True),
        # ten may always go
        ({}, many(10), NONE, 10, False),
        ({}, many(11), NONE, 11, True),
        ({"max_delete_count": 0}, many(1), NONE, 1, True),
        # a percentage does not round up
        ({"max_delete_count": 0}, many(21), NONE, 104, True),
        ({"max_delete_count": 0}, many(21), NONE, 105, False),
        # no allowance at all, and no brake at all
        ({"max_delete_count": 0, "max_delete_percent": 0}, many(1), NONE, 364, True),
        ({"max_delete_count": 0, "max_delete_percent": 0}, NONE, NONE, 364, False),
        ({"max_delete_percent": 100}, many(364), NONE, 364, False),
        # those looked up by earlier syncs, of which the target was not told, count too
        ({}, many(6), many(5, 100), 40, True),
        ({}, many(6), many(4, 100), 40, False),
        # too many to look up; those looked up before need not be asked for again
        ({"max_lookups": 100}, many(101), NONE, 10_000, True),
        ({"max_lookups": 100}, many(100), NONE, 10_000, False),
        ({"max_lookups": 100}, many(100), many(50, 200), 10_000, False),
        ({"max_lookups": 100, "confirm_by_lookup": False}, many(101), NONE, 10_000, False),
        # nothing to hold back where the target is not told
        ({"wanted": False}, many(364), NONE, 364, False),
        ({"wanted": False, "max_lookups": 5}, many(6), NONE, 364, False),
        # the list is empty, and YCM cannot be asked for what it held
        ({"unwitnessed_end": True}, many(1), NONE, 1, True),
        ({"unwitnessed_end": True}, NONE, many(1), 1, True),
        ({"unwitnessed_end": True}, NONE, NONE, 0, False),
        ({"unwitnessed_end": True, "max_delete_percent": 99}, many(1), NONE, 1, True),
        ({"unwitnessed_end": True, "max_delete_percent": 100}, many(1), NONE, 1, False),
        ({"unwitnessed_end": True, "wanted": False}, many(1), NONE, 1, False),
    ],
)
def test_the_brake(
    changes: dict[str, Any], absent: frozenset[int], gone: frozenset[int], known: int, *, holds: bool
) -> None:
    facts = {**FOR, "wanted": True}
    facts |= {name: value for name, value in changes.items() if name in facts}
    chosen = settings(**{name: value for name, value in changes.items() if name not in facts})
    said = brake(chosen, **facts, absent=absent, gone=gone, known=known, braked=NONE)
    assert (said.holds, said.confirmed) == (holds, NONE)
    assert said.remembered == (absent | gone if holds else NONE)
    assert said.words == (f"{len(absent | gone)} of {known}" if holds else "")


SET = many(300)
FOR: Any = {"stream": "s", "unwitnessed_end": False}
WORD = confirmation("s", SET)


@pytest.mark.parametrize(
    ("typed", "absent", "holds", "confirmed", "remembered"),
    [
        # nothing typed: the set that was named stays while little has come to it
        (None, SET, True, NONE, SET),
        (None, SET | many(10, 301), True, NONE, SET),
        (None, SET | many(80, 301), True, NONE, SET | many(80, 301)),
        # typed: what is beyond the set counts for itself
        (WORD, SET, False, SET, SET),
        (f" {WORD} ", SET, False, SET, SET),
        (WORD, SET | {301}, False, SET, SET),
        (WORD, SET | many(10, 301), False, SET, SET),
        (WORD, SET | many(80, 301), True, SET, SET | many(80, 301)),
        # and what lives is not confirmed
        (WORD, SET - {7}, False, SET - {7}, SET),
        # typed wrongly
        ("300", SET, True, NONE, SET),
        ("300-00000000", SET, True, NONE, SET),
        (WORD.upper() + "0", SET, True, NONE, SET),
        ("yes", SET, True, NONE, SET),
        ("0-e3b0c442", SET, True, NONE, SET),
    ],
)
def test_a_confirmation(
    typed: str | None,
    absent: frozenset[int],
    holds: bool,  # noqa: FBT001 - a parameter
    confirmed: frozenset[int],
    remembered: frozenset[int],
) -> None:
    said = brake(settings(confirm_deletes=typed), **FOR, wanted=True, absent=absent, gone=NONE, known=364, braked=SET)
    assert (said.holds, said.confirmed, said.remembered) == (holds, confirmed, remembered)
    assert said.word == (confirmation("s", remembered) if holds else "")


def test_a_confirmation_covers_what_was_looked_up_since() -> None:
    gone = many(20)
    said = brake(
        settings(confirm_deletes=WORD), **FOR, wanted=True, absent=SET - gone, gone=gone, known=364, braked=SET
    )
    assert (said.holds, said.confirmed) == (False, SET)


@pytest.mark.parametrize("braked", [NONE, many(300, 2), many(299), many(301)])
def test_a_confirmation_is_worthless_for_another_set(braked: frozenset[int]) -> None:
    said = brake(settings(confirm_deletes=WORD), **FOR, wanted=True, absent=SET, gone=NONE, known=364, braked=braked)
    assert (said.holds, said.confirmed) == (True, NONE)


def test_a_confirmation_of_nothing_confirms_nothing() -> None:
    said = brake(
        settings(confirm_deletes=confirmation("s", ())),
        **FOR,
        wanted=True,
        absent=SET,
        gone=NONE,
        known=364,
        braked=NONE,
    )
    assert said.holds


def test_a_set_has_a_short_name() -> None:
    assert confirmation("s", [3, 1, 2]) == confirmation("s", (1, 2, 3))
    assert confirmation("s", [1, 2, 3]) == "3-eb83cc48" != confirmation("t", [1, 2, 3])
    assert len({confirmation("s", many(3, start)) for start in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("before", "rows", "changes", "holds"),
    [
        (None, 0, {}, False),
        (364, 400, {}, False),
        (1000, 800, {}, False),
        (1000, 799, {}, True),
        (10, 1, {}, False),
        (10, 0, {}, True),
        (11, 0, {}, True),
        (11, 1, {}, False),
        (12, 1, {}, True),
        (None, 0, {"max_delete_count": 0, "max_delete_percent": 0}, False),
        (364, 64, {"confirm_deletes": "364-64-043a7187"}, False),
        (364, 65, {"confirm_deletes": "x-1, 364-64-043a7187 "}, False),
        (364, 63, {"confirm_deletes": "364-64-043a7187"}, True),
        (365, 64, {"confirm_deletes": "364-64-043a7187"}, True),
        (364, 64, {"confirm_deletes": "364"}, True),
        (364, 64, {"confirm_deletes": "364--043a7187"}, True),
        (364, 64, {"confirm_deletes": "364-x-043a7187"}, True),
        (364, 64, {"confirm_deletes": "364-\u0663-043a7187"}, True),
        (364, 64, {"wanted": False}, False),
        (364, 64, {"confirm_deletes": "364-64"}, True),
        (364, 64, {"confirm_deletes": "364-64-12345678"}, True),
        (3, 1, {}, False),
        (3, 0, {}, True),
        (0, 0, {}, False),
        (3, 0, {"max_delete_percent": 100}, False),
    ],
)
def test_the_brake_on_counts(before: int | None, rows: int, changes: dict[str, Any], *, holds: bool) -> None:
    wanted = changes.get("wanted", True)
    chosen = settings(**{name: value for name, value in changes.items() if name != "wanted"})
    said = brake_on_counts(chosen, stream="s", wanted=wanted, rows=rows, rows_before=before)
    assert (said.holds, said.confirmed, said.remembered) == (holds, NONE, NONE)
    assert not holds or said.words == f"{(before or 0) - rows} of {before}"


FREE = Brake(holds=False, confirmed=NONE, remembered=NONE)
HELD = Brake(holds=True, confirmed=NONE, remembered=SET, words="300 of 364")
GOOD = Evidence(
    baseline=True,
    resumed=False,
    history=False,
    partial=None,
    waiting=None,
    flaw=None,
    mended=False,
    witnessed=True,
    unwritten=False,
    unanswered=None,
    brake=FREE,
)
NO_BASELINE = "withheld until the next sync: the state did not know what the target holds"
CONTINUED = "withheld until the next sync: an interrupted scan was continued"
BRAKE = "withheld by the brake: 300 of 364 known records are absent"
UNANSWERED = "withheld: look-ups of absent records were not answered"
INCOMPLETE = "withheld: the scan is not complete"


@pytest.mark.parametrize(
    ("changes", "facts", "words"),
    [
        ({}, {}, "activated"),
        ({"emit_activate_version_messages": False}, {}, "off"),
        ({"emit_activate_version_messages": False}, {"flaw": "x", "brake": HELD}, "off"),
        ({}, {"partial": "this is a test run"}, "withheld: this is a test run"),
        ({}, {"baseline": False}, NO_BASELINE),
        ({"on_incomplete": "warn"}, {"baseline": False}, NO_BASELINE),
        ({}, {"resumed": True}, CONTINUED),
        ({"on_incomplete": "warn"}, {"resumed": True}, CONTINUED),
        ({}, {"brake": HELD}, BRAKE),
        ({}, {"unanswered": "refused"}, UNANSWERED),
        ({"on_incomplete": "warn"}, {"unanswered": "refused", "witnessed": False}, UNANSWERED),
        # a flaw withholds, but for one that the look-ups have mended
        ({}, {"flaw": "x"}, INCOMPLETE),
        ({}, {"flaw": "x", "mended": True}, "activated"),
        ({}, {"flaw": "x", "mended": True, "resumed": True}, CONTINUED),
        # who lives with wrong totals rests on look-ups alone
        ({"on_incomplete": "warn"}, {"flaw": "x"}, "activated"),
        ({"on_incomplete": "warn"}, {"flaw": "x", "witnessed": False}, INCOMPLETE),
        ({"on_incomplete": "warn"}, {"flaw": "x", "brake": HELD}, BRAKE),
        # without look-ups, a complete scan suffices
        ({"confirm_by_lookup": False}, {"witnessed": False}, "activated"),
    ],
)
def test_the_decision(changes: dict[str, Any], facts: dict[str, Any], words: str) -> None:
    decision = decide(settings(**changes), replace(GOOD, **facts))
    assert (decision.activate, f"{decision.word}{decision.reason or ''}") == (words == "activated", words)
