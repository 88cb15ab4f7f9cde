"""How many pages there may be for the rows that they bring."""

from __future__ import annotations

import pytest

from tap_ycm.reading.checks import Allowance, ViolationError


@pytest.mark.parametrize(
    ("lanes", "rows", "pages"),
    [
        (1, 0, 64 * 3),
        (2, 0, 64 * 4),
        (1, 1, 64 * 3 + 4),
        (1, 5, 64 * 3 + 4),
        (1, 6, 64 * 3 + 8),
    ],
)
def test_pages_that_bring_no_rows_have_an_end(lanes: int, rows: int, pages: int) -> None:
    allowance = Allowance(5, lanes)
    allowance.spend(rows)
    for _ in range(pages - 1):
        allowance.spend(0)
    with pytest.raises(ViolationError, match=f"^{pages + 1} pages brought only {rows} rows: "):
        allowance.spend(0)
