"""Whether a target may be told that who is absent is gone.

Pure. ``ACTIVATE_VERSION`` makes a target delete every row that this sync did not bring. It is sent after the last
record of a complete scan, and only then; and not even then when so many are gone that the list is more likely the
wrong one (credentials of another account, a permission lost) than the customers are.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Decision", "brake_holds", "decide"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a sync does about deletes.

    Attributes:
        activate: Whether ``ACTIVATE_VERSION`` is sent.
        words: For the verdict: ``activated``, ``off``, or ``withheld: ...`` with the reason.
        braked: Whether the brake withholds it, so that the run must end with a failure exit status.
    """

    activate: bool
    words: str
    braked: bool = False


def decide(  # noqa: PLR0913 - each argument is one independent fact, and all are named by the caller
    *,
    wanted: bool,
    flaw: str | None,
    partial: str | None,
    rows: int,
    rows_before: int | None,
    max_percent: int,
    max_count: int,
    confirmed: str | None,
) -> Decision:
    """Decide on deletes at the end of a scan.

    Args:
        wanted: Setting ``emit_activate_version_messages``.
        flaw: Why the scan is not complete, or None.
        partial: Why the target did not get every record of the scan (a filter, a test run), or None.
        rows: Number of rows of this scan.
        rows_before: Number of rows of the last complete scan; None if there was none, and then nothing is braked.
        max_percent: Setting ``max_delete_percent``.
        max_count: Setting ``max_delete_count``.
        confirmed: Setting ``confirm_deletes``: ``<rows before>-<rows>``. It is a pair of numbers so that it cannot stay
            in a configuration and release the brake again another day.
    """
    braked = brake_holds(rows, rows_before, max_percent, max_count, confirmed)
    if not wanted:
        return Decision(activate=False, words="off")
    if flaw is not None:
        return Decision(activate=False, words="withheld: the scan is not complete")
    if partial is not None:
        return Decision(activate=False, words=f"withheld: {partial}")
    if rows_before is None or not braked:
        return Decision(activate=True, words="activated")
    gone = rows_before - rows
    words = (
        f"withheld by the brake: {rows} rows are {gone} fewer than the {rows_before} of the last complete scan "
        f"(settings max_delete_percent, max_delete_count); if they are really gone, run once with "
        f"confirm_deletes={rows_before}-{rows}"
    )
    return Decision(activate=False, words=words, braked=True)


def brake_holds(rows: int, rows_before: int | None, max_percent: int, max_count: int, confirmed: str | None) -> bool:
    """Return whether so many rows are gone that a person must confirm it; the arguments are those of decide()."""
    if rows_before is None:
        return False
    gone = rows_before - rows
    allowed = gone <= max_count or gone * 100 <= rows_before * max_percent
    return not allowed and not _confirms(confirmed, rows_before, rows)


def _confirms(confirmed: str | None, rows_before: int, rows: int) -> bool:
    """Return whether a person typed this very drop, or a deeper one from the same number."""
    before, _, least = (confirmed or "").strip().partition("-")
    return before == str(rows_before) and least.isascii() and least.isdecimal() and int(least) <= rows
