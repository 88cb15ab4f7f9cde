"""What follows from what was seen: pure functions from observations to findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_ycm.probe.findings.errors import on_errors
from tap_ycm.probe.findings.finding import Finding, unclear
from tap_ycm.probe.findings.geometry import geometry
from tap_ycm.probe.findings.lists import on_lists
from tap_ycm.probe.findings.pages import echo, on_no_pages, on_pages
from tap_ycm.probe.findings.tokens import facts, on_tokens
from tap_ycm.probe.findings.totals import on_totals
from tap_ycm.probe.findings.unseen import UNSEEN
from tap_ycm.sandbox.assumptions import ASSUMPTIONS

if TYPE_CHECKING:
    from tap_ycm.probe.seen import Seen

__all__ = ["UNSEEN", "Finding", "conclude"]


def conclude(seen: Seen) -> tuple[list[Finding], list[Finding]]:
    """Return a finding on each assumption of the sandbox, in its order, and findings on facts beyond them."""
    deep, lists = seen.deep, list(seen.lists.values())
    shape = geometry(deep) if deep else None
    errors = on_errors(seen)
    no_look_ups = any(one.name == "look_up" and one.value == "not_permitted" for one in errors)
    made = [
        *(on_pages(deep, shape) if deep and shape else on_no_pages(lists, seen.why_not_deep)),
        echo(lists, deep.every if deep else []),
        *on_totals(lists, deep, shape),
        *on_lists(seen.lists, no_look_ups=no_look_ups),
        *errors,
        *on_tokens(seen),
    ]
    by_name = {name: unclear(name, why) for name, why in UNSEEN.items()} | {one.name: one for one in made}
    return [by_name[one.name] for one in ASSUMPTIONS], facts(seen)
