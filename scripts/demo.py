"""The main job, from YCM to a file that a person can open; started by ``scripts/demo``."""

from __future__ import annotations

import contextlib
import csv
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tap_ycm.sandbox.server import Sandbox
from tap_ycm.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

PROJECT = Path(__file__).resolve().parents[1]
OUTPUT = PROJECT / "output" / "customers.csv"
SHOWN = ("customerId", "company", "city", "country")
CUSTOMERS = 364


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


def run_meltano(settings: Mapping[str, str]) -> tuple[int, str]:
    """Run the project's own pipeline, show its log as it comes; return its exit status and the verdict on customers."""
    command = [str(Path(sys.executable).with_name("meltano")), "run", "--full-refresh", "tap-ycm", "target-csv"]
    verdict = ""
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, **settings, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            print(f"  {line.rstrip()}", flush=True)
            if found := re.search(r"(?<!_)customers: (not )?complete.*", line):
                verdict = found[0]
        return process.wait(), verdict


def main() -> int:
    """Run the pipeline, look at what arrived, and return the exit status."""
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.unlink(missing_ok=True)
    with source(os.environ) as (settings, sandbox):
        print("$ meltano run tap-ycm target-csv", flush=True)
        status, verdict = run_meltano(settings)
        expected = None if sandbox is None else sorted(map(str, sandbox.world.ids()))
    read = re.search(r"(\d+) read", verdict)
    if status != 0 or read is None:
        print("\nThe pipeline failed; its last lines say why.")
        return status or 1
    rows = list(csv.DictReader(OUTPUT.open(encoding="utf-8", newline=""))) if OUTPUT.exists() else []
    print(f"\n{read[1]} customers read, {len(rows)} loaded. The first of them:\n")
    for row in [dict(zip(SHOWN, SHOWN, strict=True)), *rows[:5]]:
        print("  " + "".join(f"{row.get(name) or '':<28.26}" for name in SHOWN).rstrip())
    files = len(list(OUTPUT.parent.glob("*.csv")))
    print(f"\nVerdict: {verdict}\nThe table: {OUTPUT}, one of {files}")
    if len(rows) != int(read[1]) or expected not in (None, sorted(row["customerId"] for row in rows)):
        print("But the table does not hold the customers that were read: please report this.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
