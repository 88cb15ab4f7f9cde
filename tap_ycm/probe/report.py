"""The report: all that was found, as JSON for programs. Made of observations and findings only. Pure."""

from __future__ import annotations

import platform
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tap_ycm.probe.advice import advise
from tap_ycm.probe.findings import conclude
from tap_ycm.probe.meanings import FACTS, MEANINGS
from tap_ycm.probe.plan import MOST_REQUESTS
from tap_ycm.probe.sizes import sizes
from tap_ycm.sandbox.assumptions import ASSUMPTIONS
from tap_ycm.settings import package_version

if TYPE_CHECKING:
    from tap_ycm.probe.findings import Finding
    from tap_ycm.probe.seen import ListSeen, Seen
    from tap_ycm.sandbox.assumptions import Assumption

__all__ = ["VERSION", "report"]

VERSION = 1
"""Version of the form of a report."""


def report(seen: Seen, began: str) -> dict[str, Any]:
    """Return the report.

    Args:
        seen: All that was seen.
        began: When the probe began, as RFC 3339.
    """
    assumptions, facts = conclude(seen)
    why_not = [seen.ended] if seen.ended else []
    if seen.unanswered:
        why_not.append(f"requests without a proper answer: {', '.join(map(str, seen.unanswered))}")
    return {
        "report": VERSION,
        "began": began,
        "tap": package_version(),
        "python": platform.python_version(),
        "complete": not why_not,
        "why_not": why_not,
        "requests": seen.sent,
        "most_requests": MOST_REQUESTS,
        "advice": [asdict(one) for one in advise(seen, assumptions)],
        "assumptions": [_assumption(one, known) for one, known in zip(assumptions, ASSUMPTIONS, strict=True)],
        "facts": [_fact(one) for one in facts],
        "streams": [_stream(one) for one in seen.lists.values()],
        "sizes": sizes(seen, assumptions),
        "exchanges": [
            {name: value for name, value in asdict(one).items() if value not in (None, {}, ())}
            for one in seen.observations
        ],
    }


def _assumption(one: Finding, known: Assumption) -> dict[str, Any]:
    default = list(known.default) if isinstance(known.default, tuple) else known.default
    state = "open"
    if one.known:
        state = "holds" if one.value == default else "differs"
    meaning = MEANINGS[one.name]
    return {
        "name": one.name,
        "mark": known.told.mark,
        "is": known.told.says,
        "assumed": default,
        "state": state,
        "value": one.value,
        "why": one.why,
        "like": one.like,
        "means": "" if state == "open" else meaning.as_assumed if state == "holds" else meaning.otherwise,
        "evidence": list(one.evidence),
    }


def _fact(one: Finding) -> dict[str, Any]:
    return {
        "name": one.name,
        "is": FACTS[one.name],
        "state": "seen" if one.known else "open",
        "value": one.value,
        "why": one.why,
        "evidence": list(one.evidence),
    }


def _stream(one: ListSeen) -> dict[str, Any]:
    told = one.seen
    facts = {
        "name": one.stream,
        "outcome": one.outcome,
        "why": one.why,
        "status": told and told.status,
        "code": told and told.code,
        "shape": one.shape,
        "rows": one.count,
        "total": told and told.total,
        "unknown_fields": one.fields.unknown,
        "fields_in_vain": one.fields.in_vain,
        "other_types": one.fields.types,
        "values_that_do_not_fit": one.fields.unfit,
        "evidence": [told.n] if told else [],
    }
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}
