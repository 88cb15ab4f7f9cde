"""The last word on a stream: one sentence for people, the same facts for programs. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Verdict", "unread"]

_MOST_NAMES = 100
"""How many names of unknown fields, or of columns, the facts hold at most: those met most often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a sync did; ``schemas/syncs.json`` says what each field means and its unit.

    Attributes:
        stream: Name of the stream.
        began: When the stream's turn began.
        ended: When it ended.
        status: ``complete``, ``incomplete``, ``failed``, ``not permitted`` or ``not read``.
        reason: Why it is not complete, or None.
        failure: Why the run fails because of it, or None.
        unknown_fields: How many records had each unknown field.
        misfits: How many values of each column did not fit it.
        deletes: ``activated``, ``withheld``, ``off`` or ``never``.
        deletes_reason: Why they are withheld, or never told, as the rest of a sentence; or None.
    """

    stream: str
    began: datetime
    ended: datetime
    status: str
    reason: str | None = None
    failure: str | None = None
    evidence: str | None = None
    rows: int = 0
    new: int | None = None
    deleted: int | None = None
    deleted_confirmed: int | None = None
    recovered: int = 0
    missing: int = 0
    first_total: int | None = None
    last_total: int | None = None
    resumed: bool = False
    deletes: str = "withheld"
    deletes_reason: str | None = ": the scan is not complete"
    pages: int = 0
    requests: int = 0
    retries: int = 0
    seconds_waited: float = 0.0
    seconds_paced: float = 0.0
    unknown_fields: Mapping[str, int] = field(default_factory=dict)
    misfits: Mapping[str, int] = field(default_factory=dict)

    def sentence(self) -> str:
        """Return the verdict for a person."""
        if self.status in {"not permitted", "not read"}:
            return f"{self.stream}: {self.reason}"
        state = "complete"
        if self.status != "complete":
            missing = f", records missing: {self.missing}" if self.missing else ""
            state = f"not complete{missing}: {self.reason}"
        total = "unknown" if self.first_total is None else f"{self.first_total}"
        if self.last_total not in {self.first_total, None}:
            total += f", at last {self.last_total}"
        total = f" (YCM's total: {total})" if self.evidence in {"proved", "counted"} else ""
        confirmed = bool(self.deleted) and self.deleted_confirmed == self.deleted
        misfits = sum(self.misfits.values())
        changes = [
            "an interrupted scan continued" if self.resumed else "",
            "" if self.new is None else f"{self.new} new",
            "" if self.deleted is None else f"{self.deleted} deleted{' (each confirmed)' if confirmed else ''}",
            f"{self.recovered} hidden by the list" if self.recovered else "",
            f"{misfits} values that do not fit their column" if misfits else "",
        ]
        parts = [
            ", ".join([f"{self.rows} read{total}", *filter(None, changes)]),
            f"{self.pages} pages, {self.requests} requests, {self.retries} retries, {self.seconds_waited:.0f} s waited",
            f"deletes {self.deletes}{self.deletes_reason or ''}",
        ]
        if self.status == "complete" and self.evidence:
            parts.insert(1, self.evidence)
        return f"{self.stream}: {state}; {'; '.join(parts)}"

    def facts(self) -> dict[str, Any]:
        """Return the verdict for a program: the columns of the table ``syncs``, but for those of the whole run."""
        facts = {_camel_case(one.name): getattr(self, one.name) for one in fields(self)}
        return facts | {
            "began": self.began.isoformat(),
            "ended": self.ended.isoformat(),
            "evidence": self.evidence if self.status == "complete" else None,
            "deletesReason": self.deletes_reason.lstrip(": ") if self.deletes_reason else None,
            "unknownFields": _counts(self.unknown_fields),
            "misfits": _counts(self.misfits),
        }


def unread(stream: str, status: str, reason: str) -> Verdict:
    """Return the verdict on a stream that is not read in this run."""
    now = datetime.now(UTC)
    return Verdict(stream=stream, began=now, ended=now, status=status, reason=reason)


def _camel_case(name: str) -> str:
    """Return a name as YCM writes names."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _counts(by_name: Mapping[str, int]) -> list[dict[str, Any]]:
    often = sorted(by_name.items(), key=lambda one: (-one[1], one[0]))
    return [{"name": name, "count": count} for name, count in often[:_MOST_NAMES]]
