"""YCM's total as a witness against the reading: it can show that rows are missing, never that none are.

A total that is too low, or a list that hides rows and does not count them, is not noticed here. But a list that shows
fewer rows than YCM says it has is not complete, whatever a second reading finds: it hides rows or the total is wrong,
and there is no way to tell which.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from tap_ycm.reading.checks import Allowance, rows_due
from tap_ycm.reading.lane import ABOVE_ALL

if TYPE_CHECKING:
    from tap_ycm.reading.asking import Asking

__all__ = ["rows_missing"]

_ATTEMPTS = 3


def rows_missing(ask: Asking, rows: int, newest: int, first_total: int, *, resumed: bool) -> int:
    """Return how many rows are missing by YCM's own count, at least; 0 if it has no objection.

    Args:
        ask: The list, read just now; the last answer told a total.
        rows: How many rows with keys up to ``newest`` were read.
        newest: The highest key of the first newest page.
        first_total: The total told with that page.
        resumed: Whether some of the rows were read before an interruption.

    Raises:
        ViolationError: An answer is not what was asked for.
    """
    missing = 0
    if ask.total is not None and (ask.total < first_total or rows < ask.total):
        missing = _due(ask, newest) - rows
    if rows < first_total or resumed:
        # Rows that were read and then deleted can stand for rows that are hidden: ask whether any are.
        missing = max(missing, _hidden(ask))
    return max(missing, 0)


def _due(ask: Asking, newest: int) -> int:
    """Return how many rows with keys up to ``newest`` exist, by one answer: that many existed at the first answer."""
    allowance = Allowance(ask.size, 0)
    lowest = ABOVE_ALL
    for number in count(1):
        page = ask.newest_page(number)
        created = sum(key > newest for key in page.ids)
        if created < len(page.ids) or not page.ids:
            break
        allowance.spend(sum(key < lowest for key in page.ids))
        lowest = min(lowest, page.ids[-1])
    return (page.total or 0) - (number - 1) * ask.size - created


def _hidden(ask: Asking) -> int:
    """Return how many rows the end of the list lacks by the total in the same answer: churn cannot blur that."""
    for _ in range(_ATTEMPTS):
        total = ask.total
        if not total:
            return 0
        number = -(-total // ask.size)
        page = ask.page(number)
        if page.total is None or -(-page.total // ask.size) == number:
            break  # it is still the last page by its own total
    told = page.total or 0
    return rows_due(told, number, ask.size) - len(page.ids)
