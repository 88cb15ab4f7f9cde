"""A sandbox like the YCM that a probe has seen: from its report to assumptions and sizes.

Whatever the report does not know stays at its default. A report may come from anybody: each value is checked.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from tap_ycm.sandbox.assumptions import ASSUMPTIONS, Assumptions, written
from tap_ycm.sandbox.limit import Limit
from tap_ycm.sandbox.tables import TABLES

__all__ = ["like", "like_file"]

_VERSION = 1
_MOST_ROWS = 1_000_000
_WORD = re.compile(r"[A-Za-z][A-Za-z_]{0,39}[0-9]?")
_NO_REPORT = "This is no report of tap-ycm-probe, or of another version."


def like(report: object) -> tuple[Assumptions, dict[str, int]]:
    """Read a report.

    Args:
        report: The JSON value that ``tap-ycm-probe --json`` wrote.

    Returns:
        How a sandbox behaves, and how many rows each of its tables has.

    Raises:
        ValueError: In one sentence, if it is no such report.
    """
    parts = report if isinstance(report, dict) else {}
    findings, sizes = parts.get("assumptions"), parts.get("sizes")
    is_report = parts.get("report") == _VERSION and isinstance(findings, list) and isinstance(sizes, dict)
    if not is_report or findings is None or sizes is None:
        raise ValueError(_NO_REPORT)
    seen = {one.get("name"): one for one in findings if isinstance(one, dict)}
    changed: dict[str, Any] = {}
    for known in ASSUMPTIONS:
        finding = seen.get(known.name, {})
        value = finding.get("like" if finding.get("state") == "open" else "value")
        if value is None:
            continue
        if known.kind is Limit:
            changed[known.name] = _limit(value)
            continue
        changed[known.name] = known.parse(written(tuple(value) if isinstance(value, list) else value))
        if known.kind is str and not known.choices and not _WORD.fullmatch(str(changed[known.name])):
            msg = f"{known.name} is no plain word in this report."
            raise ValueError(msg)
    return replace(Assumptions(), **changed), _sizes(sizes)


def like_file(path: str) -> tuple[Assumptions, dict[str, int]]:
    """Read the report in a file; as :func:`like`."""
    try:
        report = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        msg = "--like names a report, which tap-ycm-probe --json wrote."
        raise ValueError(msg) from None
    return like(report)


def _limit(value: object) -> Limit:
    try:
        return Limit(**(value if isinstance(value, dict) else {"": value}))
    except TypeError:
        msg = "The limit in this report cannot be read."
        raise ValueError(msg) from None


def _sizes(given: dict[Any, Any]) -> dict[str, int]:
    sizes = {name: given[name] for name in TABLES if name in given}
    if not all(type(size) is int and 0 <= size <= _MOST_ROWS for size in sizes.values()):
        msg = f"The sizes in this report are not all numbers from 0 to {_MOST_ROWS}."
        raise ValueError(msg)
    return sizes
