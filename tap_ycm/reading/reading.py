"""What every way of reading a list has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tap_ycm.reading.lane import BELOW_ALL

if TYPE_CHECKING:
    from collections.abc import Generator

    from tap_ycm.reading.pages import Row
    from tap_ycm.reading.parents import ParentsMark
    from tap_ycm.reading.scan import Bookmark

__all__ = ["BaseReading", "Flights", "Handout", "Reading"]


class Flights(Protocol):
    """Several requests in flight; answers in the order in which they arrive."""

    def begin(self, tag: Any, question: Any, /) -> None:
        """Ask as soon as there is room."""

    def next(self) -> tuple[Any, Any]:
        """Return the next answer and its tag, or raise what went wrong."""


class Handout(NamedTuple):
    """Rows to be written: their keys in ascending order, and the row of each; no keys where they are no integers."""

    keys: list[int]
    rows: list[Row]


class Reading(Protocol):
    """One reading of a list.

    Attributes:
        rows: Different rows read so far, those before an interruption included.
        first_total: YCM's total when the reading began; None if it was not told.
        resumed: Whether this continues an interrupted reading.
        newest: No key up to this can be new from now on; lower than every key where that cannot be said.
        flaw: Why the reading is not complete; None while it is.
        missing: How many rows are missing by YCM's own count, at least.
        only_missing: Whether missing rows are all that is wrong: then finding them one by one mends it.
    """

    rows: int
    first_total: int | None
    resumed: bool
    newest: int
    flaw: str | None
    missing: int
    only_missing: bool

    @property
    def evidence(self) -> str:
        """What shows that the reading is complete: ``proved``, ``counted``, ``one answer`` or ``every parent``."""

    @property
    def withheld(self) -> str | None:
        """Why nothing may be deleted by this reading though it is complete; None if it may."""

    @property
    def pages(self) -> int:
        """Answers received by this process."""

    @property
    def last_total(self) -> int | None:
        """YCM's total as last told."""

    @property
    def progress(self) -> tuple[int, int | None]:
        """How much is done of how much."""

    @property
    def bookmark(self) -> Bookmark | ParentsMark | None:
        """Where to continue once the rows handed out last have reached the target; None where that is unsound."""

    def read(self) -> Generator[Handout]:
        """Read the list; closing this begins no further request."""


class BaseReading:
    """A reading that has begun with nothing; attributes as in :class:`Reading`."""

    evidence: str
    withheld: str | None = None

    def __init__(self) -> None:
        """Begin with nothing read, and nothing wrong."""
        self.rows = 0
        self.pages = 0
        self.first_total: int | None = None
        self.last_total: int | None = None
        self.resumed = False
        self.newest = BELOW_ALL
        self.flaw: str | None = None
        self.missing = 0
        self.only_missing = True

    @property
    def progress(self) -> tuple[int, int | None]:
        """How much is done of how much."""
        return self.rows, self.last_total

    @property
    def bookmark(self) -> Bookmark | ParentsMark | None:
        """Nowhere to continue: an interrupted reading begins anew."""
        return None
