"""A whole list, or one object, that comes in a single answer: it is complete when it was understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_ycm.reading.reading import BaseReading, Handout

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tap_ycm.reading.pages import Row

__all__ = ["OneAnswer"]


class OneAnswer(BaseReading):
    """One reading of a list that is not paged; attributes as in :class:`tap_ycm.reading.reading.Reading`."""

    evidence = "one answer"

    def __init__(self, fetch: Callable[[], list[Row]], key: str | None, withheld: str | None = None) -> None:
        """Prepare; nothing is asked yet.

        Args:
            fetch: Gets the rows, each once, or raises.
            key: The field that identifies a row; None if it is not one integer.
            withheld: Why nothing may be deleted, or None.
        """
        super().__init__()
        self._fetch = fetch
        self._key = key
        self.withheld = withheld

    def read(self) -> Generator[Handout]:
        """Read the list."""
        rows = self._fetch()
        self.pages = 1
        self.rows = len(rows)
        key = self._key
        if key is not None:
            rows = sorted(rows, key=lambda row: int(row[key]))
        yield Handout([row[key] for row in rows] if key is not None else [], rows)
