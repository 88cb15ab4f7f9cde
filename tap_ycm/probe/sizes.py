"""How many rows a sandbox needs in each table to look like what was seen. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_ycm.probe.findings.geometry import geometry
from tap_ycm.probe.findings.totals import whole_lists
from tap_ycm.sandbox.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_ycm.probe.findings import Finding
    from tap_ycm.probe.seen import ListSeen, Seen

__all__ = ["sizes"]

MOST_ROWS = 1_000_000


def sizes(seen: Seen, findings: list[Finding]) -> dict[str, int]:
    """Return how many rows each table has: those that were read, or those that a total tells, if it can be right."""
    known = {one.name: one for one in findings}
    hides = known["hidden"].like is not None
    shape = geometry(seen.deep) if seen.deep else None
    is_whole = {one.stream for one in whole_lists(list(seen.lists.values()), seen.deep, shape)}
    shows_all = (shape is None or shape.is_plain) and known["window"].imitated is None
    found = {}
    for name in TABLES:
        listed = seen.lists.get(name)
        if listed is None or listed.outcome != "read" or listed.count is None or (hides and listed.size is None):
            continue
        found[name] = listed.count
        if hides or (listed.size is not None and not (name in is_whole and shows_all)):
            found[name] = _by_total(seen, listed, known)
        elif seen.deep and name == seen.deep.stream and shape and shape.rows is not None:
            found[name] = shape.rows
    users = found.get("users", 0)
    if found.get("trunk_permissions") == -(-users // 3):
        del found["trunk_permissions"]  # as many as the sandbox gives by itself, to the users that it chooses
    return {name: min(rows, MOST_ROWS) for name, rows in found.items()}


def _by_total(seen: Seen, listed: ListSeen, known: Mapping[str, Finding]) -> int:
    """Return what a total tells, less what it is wrong by; rows that were seen, if it tells nothing."""
    rows = len(set(listed.ids))
    if seen.deep and seen.deep.stream == listed.stream:
        rows = len({one for page in seen.deep.every for one in page.ids})
    total = listed.seen.total if listed.seen else None
    offset = known["total_offset"].imitated or 0
    if total is None or known["total_fixed"].imitated is not None or (total == 0 and offset < 0):
        before = (known["page_offset"].imitated or 0) * (listed.size or 0)
        return rows + before + (known["short_by"].imitated or 0)
    wobble = known["total_wobble"].imitated or 0
    total -= offset + (1 - wobble if wobble else 0)  # the sandbox's first step
    return max(total, 0 if known["past_end"].imitated == "invented" else rows)
