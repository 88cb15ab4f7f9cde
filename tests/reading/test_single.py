"""A list in one answer: all of it, in the order of its keys."""

from __future__ import annotations

import pytest

from tap_ycm.reading.lane import BELOW_ALL
from tap_ycm.reading.single import OneAnswer

ROWS = [{"id": 10}, {"id": -1}, {"id": 9}]


@pytest.mark.parametrize(
    ("key", "keys", "rows"),
    [("id", [-1, 9, 10], [ROWS[1], ROWS[2], ROWS[0]]), (None, [], ROWS)],
)
def test_one_answer_is_handed_out_in_the_order_of_its_keys(
    key: str | None, keys: list[int], rows: list[dict[str, int]]
) -> None:
    reading = OneAnswer(lambda: ROWS, key)
    assert list(reading.read()) == [(keys, rows)]
    assert (reading.evidence, reading.pages, reading.rows, reading.progress) == ("one answer", 1, 3, (3, None))


def test_one_answer_is_complete_in_itself() -> None:
    reading = OneAnswer(list, "id")
    assert list(reading.read()) == [([], [])]
    assert (reading.flaw, reading.missing, reading.only_missing, reading.resumed) == (None, 0, True, False)
    assert (reading.newest, reading.first_total, reading.last_total) == (BELOW_ALL, None, None)
    assert (reading.withheld, reading.bookmark) == (None, None)


def test_what_one_answer_cannot_vouch_for_is_not_deleted() -> None:
    assert OneAnswer(lambda: ROWS, "id", "others are hidden").withheld == "others are hidden"
