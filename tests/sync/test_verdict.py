"""The verdict in numbers: what a program reads."""

from __future__ import annotations

from datetime import UTC, datetime

from tap_ycm.sync.verdict import Verdict

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_names_are_counted_the_most_frequent_first_and_not_without_end() -> None:
    unknown = {f"field{number:03}": 1 + number // 2 for number in range(150)}
    facts = Verdict(stream="x", began=NOW, ended=NOW, status="complete", unknown_fields=unknown).facts()
    counts = facts["unknownFields"]
    assert len(counts) == 100
    assert counts[:3] == [
        {"name": "field148", "count": 75},
        {"name": "field149", "count": 75},
        {"name": "field146", "count": 74},
    ]
