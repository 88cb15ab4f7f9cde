"""What is asked of a paged list, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Page", "PageRequest", "Row"]

Row: TypeAlias = "dict[str, Any]"
"""One object as YCM sends it: field name to JSON value."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One page to ask for: ``number`` counts from 1, ``size`` is in rows."""

    number: int
    size: int
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    Attributes:
        ids: The key of each row, in the order of the answer.
        rows: The rows, in the order of the answer.
        number: ``pageNumber`` as echoed, 1-based; None if it was not a whole number.
        size: ``pageSize`` as echoed; None if it was not a whole number.
        total: Number of objects in the whole list as YCM tells it; None if it was not a whole number.
        request_id: ``requestId`` of the answer, to find it again in YCM's logs.
    """

    ids: list[int]
    rows: list[Row]
    number: int | None
    size: int | None
    total: int | None
    request_id: str
