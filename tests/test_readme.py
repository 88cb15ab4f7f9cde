"""The README's main command, word for word, in a fresh copy of the project."""

from __future__ import annotations

import csv
import re
import subprocess
from typing import TYPE_CHECKING

from harness import CLEAN_ENVIRONMENT
from test_packaging import PROJECT, sources

if TYPE_CHECKING:
    from pathlib import Path


def commands() -> list[str]:
    """Return the commands of the README's section of two commands."""
    section = (PROJECT / "README.md").read_text(encoding="utf-8").partition("## Two commands")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.+?)\n```", section, re.DOTALL)


def test_there_are_two_commands_and_ci_runs_the_second() -> None:
    main_job, tests = commands()
    assert "\n" not in main_job + tests
    assert tests in (PROJECT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_the_main_command_loads_every_customer_into_a_file(tmp_path: Path) -> None:
    for path in sources():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((PROJECT / path).read_bytes())
        (tmp_path / path).chmod((PROJECT / path).stat().st_mode)
    # A fresh copy makes an environment of its own: what this run stands in must not be found first.
    process = subprocess.run(
        ["sh", "-c", commands()[0]],
        cwd=tmp_path,
        env={name: value for name, value in CLEAN_ENVIRONMENT.items() if name != "VIRTUAL_ENV"},
        capture_output=True,
        check=False,
        text=True,
        timeout=240,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "364 customers read, 364 loaded." in process.stdout
    assert "Verdict: customers: complete; 364 read (YCM's total: 364)" in process.stdout
    table = tmp_path / "output" / "customers.csv"
    assert f"The table: {table}" in process.stdout
    with table.open(encoding="utf-8", newline="") as file:
        keys = [row["customerId"] for row in csv.DictReader(file)]
    assert len(set(keys)) == len(keys) == 364
