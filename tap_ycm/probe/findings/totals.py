"""Findings on totals: what YCM counts, held against the rows of lists that were read whole. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING

from tap_ycm.probe.findings.finding import Finding, found, unclear

if TYPE_CHECKING:
    from tap_ycm.probe.findings.geometry import Geometry
    from tap_ycm.probe.observation import Observation
    from tap_ycm.probe.seen import Deep, ListSeen

__all__ = ["NAMES", "Whole", "on_totals", "whole_lists"]

NAMES = ("total_as", "total_offset", "total_fixed", "total_cap", "total_wobble", "hidden")
_WRITTEN = {
    "integer": "number",
    "string": "string",
    "number": "float",
    "null": "null",
    "text that is no number": "garbage",
    "missing": "missing",
}
_LARGEST_DIVISOR = 500
_HIDDEN = "rows that no list shows cannot be seen"
_EITHER = "totals and rows differ: some rows are hidden, or totals are wrong"


@dataclass(frozen=True, slots=True)
class Whole:
    """A list that was read whole.

    Attributes:
        stream: Its name.
        rows: How many rows it has.
        totals: The totals that were told of it.
        ids: Its keys, in memory only.
        seen: What shows it.
    """

    stream: str
    rows: int
    totals: tuple[int | None, ...]
    ids: tuple[int, ...] = field(repr=False)
    seen: Observation


def on_totals(lists: list[ListSeen], deep: Deep | None, shape: Geometry | None) -> list[Finding]:
    """Return what totals show."""
    told = [one.seen for one in lists if one.seen and one.seen.total_as] + [
        page.seen for page in (deep.every if deep else ())
    ]
    ways = {one.total_as for one in told}
    if len(ways) != 1:
        why = "lists differ" if ways else "no list in pages was answered"
        return [unclear(name, why) for name in NAMES]
    way = _WRITTEN.get(str(ways.pop()))
    first = found("total_as", way, *told[:3]) if way else unclear("total_as", "another type", *told[:3])
    if way not in {"number", "string", "float"}:
        return [first, *_all("no total is told")]
    whole = whole_lists(lists, deep, shape)
    if shape is not None and (shape.short_by or shape.offset or shape.gap or shape.window is not None):
        return [first, *_all("pages do not show all rows")]
    if not whole:
        return [first, *_all("no list was read whole")]
    return [first, *_held_against_rows(whole, deep)]


def _all(why: str, *evidence: Observation, **like: int | None) -> list[Finding]:
    reasons = dict.fromkeys(NAMES[1:], why) | {"hidden": _HIDDEN}
    return [unclear(name, reason, *evidence, like=like.get(name)) for name, reason in reasons.items()]


def whole_lists(lists: list[ListSeen], deep: Deep | None, shape: Geometry | None) -> list[Whole]:
    """Return the lists in pages that were read whole, the one that was asked in every way first."""
    largest = shape.served if shape and shape.served else 50
    whole = [
        Whole(one.stream, len(one.ids), (one.seen.total,), one.ids, one.seen)
        for one in lists
        if one.outcome == "read"
        and one.seen
        and one.seen.total_as
        and len(one.ids) < min(one.size or 0, one.seen.size or one.size or 0, largest)
        and (deep is None or one.stream != deep.stream)
    ]
    if deep and shape and shape.rows is not None:
        ids = tuple({one for page in deep.pages for one in page.ids})
        totals = tuple(page.seen.total for page in deep.every)
        whole.insert(0, Whole(deep.stream, shape.rows, totals, ids, deep.first.seen))
    return whole


def _held_against_rows(whole: list[Whole], deep: Deep | None) -> list[Finding]:
    evidence = [one.seen for one in whole]
    is_steady = deep is None or (deep.again is not None and deep.again.ids == deep.first.ids)
    moving = next((one for one in whole if len(set(one.totals)) > 1), None)
    if moving:
        return _moving(moving, deep, is_steady=is_steady and _is_wrong_at_once(whole, deep))
    pairs = [(one.rows, one.totals[0] or 0) for one in whole]
    totals = {total for _, total in pairs}
    if all(rows == total for rows, total in pairs):
        return [
            found("total_offset", 0, *evidence),
            found("total_fixed", None, *evidence)
            if len(totals) > 1
            else unclear("total_fixed", "every list has as many rows", *evidence),
            unclear("total_cap", f"no list that was read has more than {max(totals)} rows", *evidence),
            found("total_wobble", 0, *evidence),
            unclear("hidden", _HIDDEN),
        ]
    if not is_steady and any(rows != total and one.totals[1:] for one, (rows, total) in zip(whole, pairs, strict=True)):
        return _all("the list changed meanwhile, or no request was left for a second look", *evidence)
    likely = _explanations(whole, pairs)
    if len(likely) == 1 and "hidden" not in likely:
        ((name, value),) = likely.items()
        defaults = {"total_offset": 0, "total_fixed": None}
        others = [
            unclear(other, "the total is wrong", *evidence)
            if other in {"total_cap", "total_wobble"}
            else found(other, defaults[other], *evidence)
            for other in NAMES[1:5]
            if other != name
        ]
        return [found(name, value, *evidence), *others, unclear("hidden", _HIDDEN)]
    return _all(_EITHER, *evidence, **dict(list(likely.items())[:1]))


def _explanations(whole: list[Whole], pairs: list[tuple[int, int]]) -> dict[str, int]:
    """Return every switch that alone would make totals differ from rows as they do."""
    found_so_far: dict[str, int] = {}
    offset = pairs[0][1] - pairs[0][0]
    if offset and all(total == max(rows + offset, 0) for rows, total in pairs):
        found_so_far["total_offset"] = offset
    totals = {total for _, total in pairs}
    if len(totals) == 1:
        found_so_far["total_fixed"] = next(iter(totals))
    cap = max(totals)
    if all(total == min(rows, cap) for rows, total in pairs):
        found_so_far["total_cap"] = cap
    divisor = _hidden_divisor([one.ids for one in whole], pairs)
    if divisor:
        found_so_far["hidden"] = divisor
    return found_so_far


def _hidden_divisor(ids: list[tuple[int, ...]], pairs: list[tuple[int, int]]) -> int | None:
    """Return a number that divides no listed id, and would hide about as many rows as are missing."""
    if any(total < rows for rows, total in pairs):
        return None
    fitting = {}
    for divisor in range(2, _LARGEST_DIVISOR):
        misses = [abs(total - rows - total / divisor) for rows, total in pairs]
        fits = all(miss <= 3 * sqrt(total / divisor) + 1 for miss, (_, total) in zip(misses, pairs, strict=True))
        if fits and all(one % divisor for listed in ids for one in listed):
            fitting[divisor] = sum(misses)
    return min(fitting, key=lambda one: fitting[one]) if fitting else None


def _is_wrong_at_once(whole: list[Whole], deep: Deep | None) -> bool:
    """Tell whether one answer alone shows a total that does not fit its rows: no change of the list explains that."""
    if any(len(one.totals) == 1 and one.rows != one.totals[0] for one in whole):
        return True
    if deep is None or deep.end != "short":
        return False
    last, number = deep.pages[-1], len(deep.pages)
    return last.seen.total != (number - 1) * deep.size + len(last.ids)


def _moving(moving: Whole, deep: Deep | None, *, is_steady: bool) -> list[Finding]:
    """Judge a total that is another one in each answer."""
    told = [total for total in moving.totals if total is not None]
    steps = [1 if b > a else -1 for a, b in pairwise(told) if a != b]
    turns = sum(a != b for a, b in pairwise(steps))
    widest = max(abs(total - moving.rows) for total in told)
    if turns < 3 or not is_steady:
        is_still = deep is not None and deep.again is not None and deep.again.ids == deep.first.ids
        likely = widest if is_still and turns > 2 else None
        return _all("the list changed while it was looked at", moving.seen, total_wobble=likely)
    return [
        *(one for one in _all("totals go up and down", moving.seen) if one.name != "total_wobble"),
        found("total_wobble", widest, moving.seen),
    ]
