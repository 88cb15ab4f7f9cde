"""The last word on a stream: one sentence for people, the same facts for programs. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a sync did.

    Attributes:
        stream: Name of the stream.
        rows: Different rows read, those before an interruption included.
        duplicates: Rows met again and dropped.
        pages: Pages received.
        requests: Requests sent, for tokens too.
        retries: Requests that were repeated.
        waited: Seconds waited before repetitions.
        first_total: YCM's count when the scan began; None if it was never told.
        last_total: YCM's count as last told.
        resumed: Whether an interrupted scan was continued.
        flaw: Why the scan is not complete; None if it is.
        remark: What was odd but harmless.
        deletes: ``activated``, ``off`` or ``withheld: ...``.
    """

    stream: str
    rows: int
    duplicates: int
    pages: int
    requests: int
    retries: int
    waited: float
    first_total: int | None
    last_total: int | None
    resumed: bool
    flaw: str | None
    remark: str | None
    deletes: str

    def sentence(self) -> str:
        """Return the verdict for a person."""
        state = "complete" if self.flaw is None else f"not complete: {self.flaw}"
        total = f"{self.first_total}"
        if self.last_total != self.first_total:
            total += f", at last {self.last_total}"
        continued = ", an interrupted scan continued" if self.resumed else ""
        traffic = f"{self.pages} pages, {self.requests} requests, {self.retries} retries, {self.waited:.0f} s waited"
        parts = [
            f"{self.rows} read{continued} (YCM's total: {total})",
            f"{self.duplicates} duplicates dropped",
            traffic,
            f"deletes {self.deletes}",
        ]
        return f"{self.stream}: {state}; {'; '.join(parts)}{f'; {self.remark}' if self.remark else ''}"

    def facts(self) -> dict[str, Any]:
        """Return the verdict for a program."""
        return {**asdict(self), "complete": self.flaw is None}
