"""The main job, from YCM to files that a person can open; started by ``scripts/demo``."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import subprocess
import sys
import unicodedata
from collections import defaultdict, deque
from pathlib import Path
from typing import TYPE_CHECKING

from tap_ycm.sandbox.server import Sandbox
from tap_ycm.sandbox.world import World
from tap_ycm.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

PROJECT = Path(__file__).resolve().parents[1]
OUTPUT = PROJECT / "output"
CUSTOMERS = 364
SHOWN = 5
"""Rows of each table that is printed."""
LAST_LINES = 40
"""Lines of the log that are printed after a failure."""

Row = dict[str, str]

_VERDICT = re.compile(r" tap-ycm +(\w+: (?:(?:not )?complete|not permitted).*)")
_TROUBLE = re.compile(r"\[(?:warning|error|critical) *\]")


@contextlib.contextmanager
def source(environment: Mapping[str, str]) -> Generator[tuple[dict[str, str], Sandbox | None], None, None]:
    """Use the YCM whose credentials are in the environment, else a sandbox."""
    own = {name: value for name, value in environment.items() if name.startswith("TAP_YCM_") and value}
    if {"TAP_YCM_CLIENT_ID", "TAP_YCM_ACCESS_TOKEN"} & own.keys():
        print(f"Reading from {own.get('TAP_YCM_BASE_URL', 'https://ycm.yeastar.com')}", flush=True)
        yield own, None
        return
    with Sandbox(World.seeded(customers=CUSTOMERS, seed=7)) as sandbox:
        sandbox.latency = 0.1
        print(f"No YCM credentials in the environment: reading from a sandbox with {CUSTOMERS} customers", flush=True)
        yield (
            {
                "TAP_YCM_BASE_URL": sandbox.url,
                "TAP_YCM_CLIENT_ID": sandbox.client_id,
                "TAP_YCM_CLIENT_SECRET": sandbox.client_secret,
            },
            sandbox,
        )


def run_meltano(settings: Mapping[str, str]) -> tuple[int, dict[str, str]]:
    """Run the project's own pipeline; print each verdict as it comes, and what went wrong.

    Returns:
        Its exit status, and the verdicts by stream.
    """
    command = [str(Path(sys.executable).with_name("meltano")), "run", "--full-refresh", "tap-ycm", "target-csv"]
    verdicts: dict[str, str] = {}
    log: deque[str] = deque(maxlen=LAST_LINES)
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, **settings, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            log.append(line.rstrip())
            if verdict := _VERDICT.search(line):
                verdicts[verdict[1].partition(":")[0]] = verdict[1]
                print(f"  {verdict[1]}", flush=True)
            elif _TROUBLE.search(line):
                print(f"  {line.rstrip()}", flush=True)
        status = process.wait()
    if status:
        print("\nThe last lines of its log:", *log, sep="\n  ")
    return status, verdicts


def table(name: str) -> list[Row]:
    """Return the rows of a file; none if there is no file."""
    path = OUTPUT / f"{name}.csv"
    return list(csv.DictReader(path.open(encoding="utf-8", newline=""))) if path.exists() else []


def customers_with_pbxs() -> list[Row]:
    """Join customers to their PBXs, as a report would: a row for each customer who has one."""
    pbxs = {row["cloudPbxId"]: row for row in table("cloud_pbxs")}
    theirs = defaultdict(list)
    for link in table("cloud_pbx_customers"):
        if link["cloudPbxId"] in pbxs:
            theirs[link["customerId"]].append(pbxs[link["cloudPbxId"]])
    return [
        {
            "customerId": row["customerId"],
            "company": row.get("company") or "",
            "country": row.get("country") or "",
            "PBXs": str(len(theirs[row["customerId"]])),
            "extensions": str(sum(int(pbx.get("extensionCapacity") or 0) for pbx in theirs[row["customerId"]])),
            "plans": ", ".join(sorted({pbx.get("plan") or "?" for pbx in theirs[row["customerId"]]})),
        }
        for row in table("customers")
        if row["customerId"] in theirs
    ]


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese letters take two each."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)


def show(title: str, rows: Iterable[Row], *columns: str) -> None:
    """Print the first rows of a table."""
    rows = list(rows)
    print(f"\n{title}\n")
    lines = [list(columns), *([(row.get(name) or "")[:26] for name in columns] for row in rows[:SHOWN])]
    widths = [max(map(width_of, column)) + 2 for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (value + " " * (width - width_of(value)) for value, width in zip(line, widths, strict=True))
        print("  " + "".join(cells).rstrip())
    if len(rows) > SHOWN:
        print(f"  ... and {len(rows) - SHOWN} more")


def main() -> int:
    """Run the pipeline, look at what arrived, and return the exit status."""
    OUTPUT.mkdir(exist_ok=True)
    files = [OUTPUT / f"{stream.name}.csv" for stream in STREAMS]
    for path in files:
        path.unlink(missing_ok=True)
    with source(os.environ) as (settings, sandbox):
        print("$ meltano run tap-ycm target-csv", flush=True)
        status, verdicts = run_meltano(settings)
        expected = None if sandbox is None else sorted(map(str, sandbox.world.ids()))
    verdict = verdicts.get("customers", "")
    read = re.search(r"(\d+) read", verdict)
    if status != 0 or read is None:
        print("\nThe pipeline failed: the lines above say why.")
        return status or 1
    customers, pbxs = table("customers"), table("cloud_pbxs")
    loaded = f"{read[1]} customers read, {len(customers)} loaded."
    show(f"{loaded} The first of them:", customers, "customerId", "company", "city", "country")
    for pbx in pbxs:
        pbx["expires"] = (pbx.get("expirationDate") or "")[: len("2026-01-31")]
    show("Cloud PBXs:", pbxs, "cloudPbxId", "name", "plan", "extensionCapacity", "version", "expires")
    columns = ("customerId", "company", "country", "PBXs", "extensions", "plans")
    show("Customers with their PBXs, joined by cloud_pbx_customers:", customers_with_pbxs(), *columns)
    print(f"\nVerdict: {verdict}\nThe table: {files[0]}, one of {sum(path.exists() for path in files)}")
    if len(customers) != int(read[1]) or expected not in (None, sorted(row["customerId"] for row in customers)):
        print("But the table does not hold the customers that were read: please report this.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
