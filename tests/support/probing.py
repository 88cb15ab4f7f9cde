"""Probes of sandboxes, in this process and without waiting; and the worlds that they are to tell apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tap_ycm.http.waiting import Pace
from tap_ycm.probe.asker import Asker
from tap_ycm.probe.inquiry import Inquiry
from tap_ycm.probe.line import Line
from tap_ycm.probe.plan import plan
from tap_ycm.probe.report import report
from tap_ycm.sandbox import Limit, Sandbox
from tap_ycm.sandbox.assumptions import ASSUMPTIONS
from tap_ycm.sandbox.like import like
from tap_ycm.settings import Settings
from tap_ycm.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_ycm.probe.seen import Seen

__all__ = ["POSITIONS", "World", "alike", "differences", "essence", "findings", "look", "report_on", "worlds"]

World = dict[str, Any]

POSITIONS: dict[str, list[Any]] = {
    "max_page_size": [1, 20, 60, 100],
    "default_page_size": [1, 20, 50],
    "page_offset": [1, 2, 3],
    "page_gap": [5, -3, 30],
    "window": [0, 10, 50, 340],
    "short_by": [1, 2, 30],
    "short_pages": [(3,)],
    "hidden": [3, 10],
    "total_offset": [1, -23, -400, 100_000],
    "total_fixed": [0, 364, 10**9],
    "total_every": [7],
    "total_lag": [3],
    "total_cap": [0, 60, 10_000],
    "total_wobble": [1, 3, 10],
    "stale_every": [2],
    "stale_lag": [3],
    "look_up_lag": [3],
    "vanishing_parents": [2],
    "only": ["users", "customers"],
    "denied": [("users",), ("customers",), ("groups", "cloud_pbxs"), ("group_members",), ("subscription",)],
    "error_code_field": ["errno", "number"],
    "error_message_field": ["errmsg", "text"],
    "token_life": [20],
    "refresh_life": [5],
    "token_delay": [0.2],
    "token_refusals": [1, 3, 5],
    "token_uses": [1, 20],
    "limit": [Limit(30, 30, 1, retry_after="seconds"), Limit(15, 15, 600, retry_after="date")],
}
"""Positions of the switches that have no list of choices."""

TOGETHER: list[World] = [
    {"short_by": 2, "short_pages": (7, 3)},
    {"short_by": 1, "short_pages": (1,)},
    {"short_by": 1, "short_pages": (8,)},
    {"past_end": "last", "echo_page": "served"},
    {"past_end": "around", "echo_page": "served"},
    {"honour_page": False, "echo_page": "served"},
    {"honour_sort": False, "default_order": "shuffled"},
    {"honour_sort": False, "default_order": "reshuffled"},
    {"honour_sort": False, "default_order": "descending"},
    {"hidden": 10, "hidden_counted": False},
    {"denied": ("users",), "denied_code": 1000042},
    {"denied": ("customers", "cloud_pbxs", "users", "backup_files")},
    {"max_page_size": 20, "over_max": "refuse"},
    {"max_page_size": 7, "over_max": "refuse"},
    {"max_page_size": 20, "over_max": "echo_asked"},
    {"error_code_as": "missing", "error_http": "always_200"},
]
"""Switches that show only together, or look like others together; the last one is what each is about."""


def worlds(switch: str | None = None) -> Iterator[World]:
    """Yield a world for each position of a switch, or of every switch; the defaults are no position."""
    for known in ASSUMPTIONS:
        if switch in {None, known.name}:
            for value in POSITIONS.get(known.name) or [one for one in known.choices if one != known.default]:
                yield {known.name: value}
            yield from (world for world in TOGETHER if list(world)[-1] == known.name)


def look(ycm: Sandbox, *, wrong_token: bool = False, patience: float = 0.01, **settings: object) -> Seen:
    """Probe a sandbox."""
    given = {"client_id": ycm.client_id, "client_secret": ycm.client_secret}
    made = Settings.of({"base_url": ycm.url, **({} if "access_token" in settings else given), **settings})
    line = Line(made, Stop(), Pace(None))
    try:
        return Inquiry(Asker(made, line, lambda _: None, patience), plan(wrong_token=wrong_token)).run()
    finally:
        line.close()


def report_on(ycm: Sandbox, **options: Any) -> dict[str, Any]:
    """Probe a sandbox, and return the report as a program reads it."""
    made: dict[str, Any] = json.loads(json.dumps(report(look(ycm, **options), "2026-01-01T00:00:00+00:00")))
    return made


def findings(made: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the findings on assumptions by name."""
    return {one["name"]: one for one in made["assumptions"]}


def alike(made: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Probe a sandbox that is like what a report has seen."""
    assumptions, sizes = like(made)
    with Sandbox(assumptions=assumptions, sizes=sizes) as ycm:
        return report_on(ycm, **options)


def essence(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a report concludes, without the numbers of rows and requests."""
    return {
        "assumptions": {name: (one["state"], one["value"]) for name, one in findings(made).items()},
        "facts": {one["name"]: one["value"] for one in made["facts"]},
        "advice": [(one["setting"], one["value"]) for one in made["advice"]],
        "streams": {one["name"]: (one["outcome"], one.get("shape")) for one in made["streams"]},
        "complete": made["complete"],
    }


def differences(a: Any, b: Any, path: str = "") -> Iterator[str]:
    """Yield where two JSON values differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        for name in sorted({*a, *b}):
            yield from differences(a.get(name), b.get(name), f"{path}.{name}")
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for place, (one, other) in enumerate(zip(a, b, strict=True)):
            name = one.get("name", place) if isinstance(one, dict) else place
            yield from differences(one, other, f"{path}[{name}]")
    elif a != b:
        yield f"{path}: {a} / {b}"
