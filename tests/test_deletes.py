"""When a target may be told that who is absent is gone."""

from __future__ import annotations

from typing import Any

import pytest

from tap_ycm.sync.deletes import brake_holds, decide

QUIET: dict[str, Any] = {
    "wanted": True,
    "flaw": None,
    "partial": None,
    "rows": 364,
    "rows_before": 364,
    "max_percent": 20,
    "max_count": 10,
    "confirmed": None,
}


@pytest.mark.parametrize(
    ("facts", "activate", "words", "braked"),
    [
        ({}, True, "activated", False),
        ({"wanted": False}, False, "off", False),
        ({"wanted": False, "rows": 0}, False, "off", False),
        ({"flaw": "a reason"}, False, "withheld: the scan is not complete", False),
        ({"partial": "this is a test run"}, False, "withheld: this is a test run", False),
        ({"rows_before": None, "rows": 0}, True, "activated", False),
        ({"rows": 400}, True, "activated", False),
        # 20 % of 1,000 are 200
        ({"rows_before": 1000, "rows": 800}, True, "activated", False),
        ({"rows_before": 1000, "rows": 799}, False, "withheld by the brake", True),
        # ten may always go
        ({"rows_before": 10, "rows": 0}, True, "activated", False),
        ({"rows_before": 11, "rows": 0}, False, "withheld by the brake", True),
        ({"rows_before": 11, "rows": 1}, True, "activated", False),
        # a percentage does not round up
        ({"rows_before": 104, "rows": 83, "max_count": 0}, False, "withheld by the brake", True),
        ({"rows_before": 105, "rows": 84, "max_count": 0}, True, "activated", False),
        # no allowance at all
        ({"rows": 363, "max_percent": 0, "max_count": 0}, False, "withheld by the brake", True),
        ({"rows": 364, "max_percent": 0, "max_count": 0}, True, "activated", False),
        # everything may go
        ({"rows": 0, "max_percent": 100}, True, "activated", False),
        # what a person typed
        ({"rows": 64, "confirmed": "364-64"}, True, "activated", False),
        ({"rows": 65, "confirmed": " 364-64 "}, True, "activated", False),
        ({"rows": 63, "confirmed": "364-64"}, False, "withheld by the brake", True),
        ({"rows": 64, "rows_before": 365, "confirmed": "364-64"}, False, "withheld by the brake", True),
        ({"rows": 64, "confirmed": "364"}, False, "withheld by the brake", True),
        ({"rows": 64, "confirmed": "364-"}, False, "withheld by the brake", True),
        ({"rows": 64, "confirmed": "364-x"}, False, "withheld by the brake", True),
        ({"rows": 64, "confirmed": "364-\u0663"}, False, "withheld by the brake", True),
        ({"rows": 64, "confirmed": "yes"}, False, "withheld by the brake", True),
        ({"flaw": "a reason", "rows": 64, "confirmed": "364-64"}, False, "withheld: the scan is not complete", False),
    ],
)
def test_the_decision(facts: dict[str, Any], activate: bool, words: str, braked: bool) -> None:  # noqa: FBT001 - parameters
    decision = decide(**{**QUIET, **facts})
    assert (decision.activate, decision.braked) == (activate, braked)
    assert decision.words == words or (braked and decision.words.startswith(words))


def test_the_brake_says_what_to_type() -> None:
    decision = decide(**{**QUIET, "rows": 64})
    assert decision.words == (
        "withheld by the brake: 64 rows are 300 fewer than the 364 of the last complete scan "
        "(settings max_delete_percent, max_delete_count); if they are really gone, run once with "
        "confirm_deletes=364-64"
    )
    typed = decision.words.rpartition("=")[2]
    assert decide(**{**QUIET, "rows": 64, "confirmed": typed}).activate


def test_the_brake_has_nothing_to_hold_on_a_first_run() -> None:
    assert not brake_holds(0, None, 0, 0, None)
    assert brake_holds(0, 1, 0, 0, None)
