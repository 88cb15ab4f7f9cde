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
        new: How many of them the state did not know; None if it does not remember keys.
        deleted: How many known records YCM does not have any more; None if that was not looked into.
        confirmed: Whether YCM, or a person, confirmed each of them.
        recovered: Records that the list hides, read one by one.
        missing: How many records are missing by YCM's own count, at least.
        pages: Pages received.
        requests: Requests sent, for tokens and look-ups too.
        retries: Requests that were repeated.
        waited: Seconds waited before repetitions.
        first_total: YCM's count when the scan began; None if it was not told.
        last_total: YCM's count as last told; None if it was not told.
        resumed: Whether an interrupted scan was continued.
        flaw: Why the sync is not complete; None if it is.
        evidence: What shows that it is complete.
        misfits: Values that did not fit their column, and are null.
        deletes: ``activated``, ``off`` or ``withheld ...``.
    """

    stream: str
    rows: int
    new: int | None
    deleted: int | None
    confirmed: bool
    recovered: int
    missing: int
    pages: int
    requests: int
    retries: int
    waited: float
    first_total: int | None
    last_total: int | None
    resumed: bool
    flaw: str | None
    evidence: str
    misfits: int
    deletes: str

    def sentence(self) -> str:
        """Return the verdict for a person."""
        state = "complete"
        if self.flaw is not None:
            missing = f", records missing: {self.missing}" if self.missing else ""
            state = f"not complete{missing}: {self.flaw}"
        total = "unknown" if self.first_total is None else f"{self.first_total}"
        if self.last_total not in {self.first_total, None}:
            total += f", at last {self.last_total}"
        total = f" (YCM's total: {total})" if self.evidence in {"proved", "counted"} else ""
        changes = [
            "an interrupted scan continued" if self.resumed else "",
            "" if self.new is None else f"{self.new} new",
            ""
            if self.deleted is None
            else f"{self.deleted} deleted{' (each confirmed)' if self.confirmed and self.deleted else ''}",
            f"{self.recovered} hidden by the list" if self.recovered else "",
            f"{self.misfits} values that do not fit their column" if self.misfits else "",
        ]
        parts = [
            ", ".join([f"{self.rows} read{total}", *filter(None, changes)]),
            f"{self.pages} pages, {self.requests} requests, {self.retries} retries, {self.waited:.0f} s waited",
            f"deletes {self.deletes}",
        ]
        if self.flaw is None:
            parts.insert(1, self.evidence)
        return f"{self.stream}: {state}; {'; '.join(parts)}"

    def facts(self) -> dict[str, Any]:
        """Return the verdict for a program."""
        return {**asdict(self), "complete": self.flaw is None}
