"""Holds the rows of a target against the customers of YCM. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

__all__ = ["KEY", "MARK", "differences", "fate", "newest"]

KEY = "customerId"
MARK = "_sdc_deleted_at"

Row = dict[str, Any]


def newest(rows: Iterable[Row]) -> dict[int, Row]:
    """Return the row that stands for each customer: the last one, where a target appends."""
    return {row[KEY]: row for row in rows}


def differences(
    truth: Mapping[int, Mapping[str, Any]], rows: Iterable[Row], gone: Collection[int] = ()
) -> Iterator[str]:
    """Yield in words, over and over, how rows differ from the customers.

    Args:
        truth: The customers with all their fields.
        rows: The rows of the target, the oldest first.
        gone: Who was a customer before, and may have a row.
    """
    standing = newest(rows)
    if standing.keys() - truth.keys() - set(gone):
        yield "rows of customers who never were"
    for key, customer in truth.items():
        row = standing.get(key)
        if row is None:
            yield "customers are missing"
        elif row.get(MARK):
            yield "customers are marked as deleted who are not"
        else:
            yield from _changes(customer, row)


def fate(gone: Collection[int], rows: Iterable[Row]) -> str:
    """Tell what became of customers who are gone: ``marked``, ``removed`` or ``stay``, or several of these."""
    standing = newest(rows)
    fates = {"removed" if key not in standing else "marked" if standing[key].get(MARK) else "stay" for key in gone}
    return " or ".join(sorted(fates))


def _changes(customer: Mapping[str, Any], row: Row) -> Iterator[str]:
    for name, value in customer.items():
        if name not in row:
            yield f"column `{name}` is missing"
        elif row[name] != value or type(row[name]) is not type(value):
            yield f"{_shown(value)} arrives as {_shown(row[name])}"


def _shown(value: object) -> str:
    """Return a value as it can stand in a table."""
    if value is None:
        return "null"
    text = ascii(value)
    return f"`{text if len(text) <= 40 else text[:37] + '...'}`".replace("|", r"\|")
