"""The report for people: plain text in short lines, made of the report for programs. Pure."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["for_people"]

_WIDTH = 100
_SEND = (
    "Please send this report to the project: it is what the tap and its sandbox are mended by. Write it with "
    "--json report.json, look it through, and open an issue with the form 'Probe report'. It holds no value of a row, "
    "no token, address, e-mail or id; it does hold how many rows each list has. "
    "tap-ycm-sandbox --like report.json behaves as your YCM did."
)


def for_people(report: dict[str, Any]) -> str:
    """Return the report as text."""
    lines = [*_head(report), *_advice(report["advice"]), *_lists(report["streams"])]
    for state, title in (
        ("differs", "Other than the sandbox assumes"),
        ("open", "Still open"),
        ("holds", "As the sandbox assumes"),
    ):
        found = [one for one in report["assumptions"] if one["state"] == state]
        lines += ["", f"{title}: {len(found)}", *_assumptions(found, state)]
    lines += ["", "Besides", *_facts(report["facts"]), "", *_folded(_SEND, 0)]
    return "\n".join(lines) + "\n"


def _head(report: dict[str, Any]) -> Iterator[str]:
    state = "complete" if report["complete"] else "PARTIAL"
    yield f"Probe of a YCM by tap-ycm {report['tap']}: {state}, {report['requests']} requests"
    for why in report["why_not"]:
        yield from _folded(f"- {why}", 2)


def _advice(advice: Iterable[dict[str, Any]]) -> Iterator[str]:
    lines = []
    for one in advice:
        value = "" if one["value"] is None else f": {_written(one['value'])}"
        lines += _folded(f"{one['setting']}{value}" if one["setting"] else "no setting helps", 2)
        lines += _folded(one["why"], 6)
    yield from ("", "What to set, until the tap knows better:" if lines else "No setting is needed.", *lines)


def _lists(streams: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield from ("", "Lists")
    for one in streams:
        what = one["outcome"]
        if what == "read":
            total = f", total {one['total']}" if "total" in one else ""
            what = f"{one.get('rows', 0)} rows in {one['shape']}{total}"
        elif "code" in one or "status" in one:
            what += f", HTTP {one.get('status')}" + (f", error {one['code']}" if "code" in one else "")
        yield from _folded(f"{one['name']:24}{what}{'; ' + one['why'] if 'why' in one else ''}", 2)
        for name, words in (
            ("unknown_fields", "fields that the schema lacks"),
            ("fields_in_vain", "fields that no row has"),
            ("other_types", "fields of other types"),
            ("values_that_do_not_fit", "values that do not fit"),
        ):
            if name in one:
                yield from _folded(f"{words}: {_names(one[name])}", 6)


def _names(of: list[str] | dict[str, Any]) -> str:
    if isinstance(of, list):
        return ", ".join(of)
    return ", ".join(f"{name} ({_written(what)})" for name, what in of.items())


def _assumptions(found: Iterable[dict[str, Any]], state: str) -> Iterator[str]:
    for one in found:
        if state == "open":
            like = "" if one["like"] is None else f" (--like takes {_written(one['like'])})"
            yield from _folded(f"{one['name']:24}{one['why']}{like}", 2)
        else:
            evidence = f" [{', '.join(map(str, one['evidence'][:6]))}]" if one["evidence"] else ""
            assumed = f", not {_written(one['assumed'])}" if state == "differs" else ""
            yield from _folded(f"{one['name']:24}{_written(one['value'])}{assumed} ({one['mark']}){evidence}", 2)
            yield from _folded(one["means"], 6)


def _facts(facts: Iterable[dict[str, Any]]) -> Iterator[str]:
    for one in facts:
        yield from _folded(f"{one['name']:24}{_written(one['value']) if one['state'] == 'seen' else one['why']}", 2)
        if one["state"] == "seen":
            yield from _folded(one["is"], 6)


def _written(value: Any) -> str:
    """Write a value as JSON does, lists and words bare."""
    if isinstance(value, list):
        return ", ".join(map(_written, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_written(one)}" for name, one in value.items()) or "none"
    return value if isinstance(value, str) else "none" if value is None else json.dumps(value)


def _folded(text: str, indent: int) -> list[str]:
    later = " " * max(indent + 4, 6)
    return textwrap.wrap(text, _WIDTH, initial_indent=" " * indent, subsequent_indent=later, break_on_hyphens=False)
