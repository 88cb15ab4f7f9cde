"""Measures tap-ycm side by side with its peers; started by ``scripts/benchmark``."""

from __future__ import annotations

import argparse
import atexit
import os
import platform
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.clients import everyone
from benchmarks.environments import PINS, PROJECT
from benchmarks.report import goals_table, highlights_table, marked, with_marked
from benchmarks.sections import QUICK, REAL, SECTIONS, Part
from tap_ycm.settings import package_version

if TYPE_CHECKING:
    from collections.abc import Iterable

README = PROJECT / "README.md"
RESULTS = PROJECT / "benchmarks" / "results.md"


def main() -> int:
    """Measure, print, and write if asked; return the exit status."""
    options = _options()
    if options.write:
        marked(README.read_text(encoding="utf-8"))  # complains before minutes are spent
    # At the very end: the embedded PostgreSQL writes a last file when it exits.
    atexit.register(shutil.rmtree, folder := tempfile.mkdtemp(prefix="tap-ycm-benchmark-"), ignore_errors=True)
    sizes = QUICK if options.quick else REAL
    if options.rounds:
        sizes = sizes.with_rounds(options.rounds)
    began = time.monotonic()
    parts = {}
    for name in SECTIONS:
        if name in options.only:
            print(f"{name} ...", file=sys.stderr, flush=True)
            (here := Path(folder) / name).mkdir()
            parts[name] = SECTIONS[name](sizes, here)
            print("\n\n".join(table.section() for table in parts[name].tables) + "\n", flush=True)
    summary = _summary(parts.values())
    print(summary)
    if options.quick:
        print("\nThese sizes are too small to say anything about speed.")
    if options.write:
        minutes = (time.monotonic() - began) / 60
        RESULTS.write_text(_results(parts.values(), summary, minutes), encoding="utf-8")
        README.write_text(with_marked(README.read_text(encoding="utf-8"), summary), encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark",
        description="Measures tap-ycm side by side with a bare loop and with what else could do the job.",
    )
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="how often each is run, instead of as often as it needs"
    )
    parser.add_argument("--only", nargs="+", default=list(SECTIONS), choices=SECTIONS, help="measure only this")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that everything works, not how fast")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/results.md and README.md")
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    if options.write and (options.quick or options.rounds or set(options.only) != set(SECTIONS)):
        parser.error("--write needs everything at its real size, as often as it needs")
    return options


def _summary(parts: Iterable[Part]) -> str:
    """Return the tables that the README shows."""
    parts = list(parts)
    columns = {column: cells for part in parts for column, cells in part.highlights.items()}
    names = [client.name for client in everyone() if any(client.name in cells for cells in columns.values())]
    tables = [highlights_table(names, columns)] if columns else []
    goals = [goal for part in parts for goal in part.goals]
    return "\n\n".join([*tables, *([goals_table(goals)] if goals else [])])


_RESULTS = """\
# How fast, in full

Written by `scripts/benchmark --write`; do not edit.

{date}, {minutes:.0f} minutes; {cores} cores ({machine}), {system}, Python {python}. tap-ycm {version} and the plain SDK
tap with what `constraints.txt` pins; {pins}.

Medians of as many rounds as a table says. Within a round all run in turn, each as a process of its own with its output
going to /dev/null; × is the median of the ratios of each round. Before its first round the output of each was checked:
every customer once, with every field. tap-ycm runs as it does every night: with deletes on, and with the state of a
sync before, whose keys it remembers and compares. The seconds are those of one machine on one day: elsewhere, compare
the ratios. The server is a fast one on the loopback interface, with 50 customers and some 17 kB a page. Not measured:
TLS, compression, the real service and its limits.

## Summary

{summary}

## Tables

{tables}
"""


def _results(parts: Iterable[Part], summary: str, minutes: float) -> str:
    return _RESULTS.format(
        date=f"{datetime.now(UTC):%d %B %Y}",
        minutes=minutes,
        cores=os.cpu_count(),
        machine=platform.machine(),
        system=platform.system(),
        python=platform.python_version(),
        version=package_version(),
        pins=", ".join(pin for name, pins in PINS.items() if name != "taps" for pin in pins),
        summary=summary,
        tables="\n\n".join(table.section() for part in parts for table in part.tables),
    )


if __name__ == "__main__":
    sys.exit(main())
