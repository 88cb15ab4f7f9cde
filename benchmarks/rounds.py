"""Runs commands in turn, A B C ... A B C ..., so that whatever else the machine does meets all alike; compares them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal, TypeVar

from benchmarks.environments import KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

__all__ = [
    "Measure",
    "Usage",
    "clean_environment",
    "interleaved",
    "middle",
    "ratio",
    "run",
    "spread",
    "stopwatch",
    "usages",
]

Measure = Literal["wall", "cpu", "megabytes"]

_Name = TypeVar("_Name", bound="Hashable")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Usage:
    """What one run of a command took: seconds, and the peak memory of its largest process."""

    wall: float
    cpu: float
    megabytes: float


def interleaved(rounds: int, jobs: Mapping[_Name, Callable[[], _Result]]) -> dict[_Name, list[_Result]]:
    """Run every job once, then every job again, and so on; return what each of them returned, round by round."""
    results: dict[_Name, list[_Result]] = {name: [] for name in jobs}
    for number in range(1, rounds + 1):
        for name, job in jobs.items():
            results[name].append(job())
            print(f"  round {number} of {rounds}: {name}: {results[name][-1]}", file=sys.stderr, flush=True)
    return results


def middle(usages: Sequence[Usage], measure: Measure) -> float:
    """Return the median of a measure."""
    return float(median(getattr(usage, measure) for usage in usages))


def ratio(usages: Sequence[Usage], others: Sequence[Usage], measure: Measure) -> float:
    """Return the median of the ratios taken within each round."""
    pairs = zip(usages, others, strict=True)
    return float(median(getattr(usage, measure) / getattr(other, measure) for usage, other in pairs))


def spread(usages: Sequence[Usage], measure: Measure) -> float:
    """Return by how much the highest of a measure is above the lowest, as a share of it."""
    values = [getattr(usage, measure) for usage in usages]
    return float(max(values) / min(values) - 1)


def run(command: Sequence[str], folder: Path, *, output: Path | None = None, **more: str) -> Usage:
    """Run a command in a clean environment and in a folder.

    Args:
        command: The command.
        folder: Where it runs, and what it leaves stays.
        output: Where its standard output goes; nowhere by default.
        **more: Added to the environment.

    Raises:
        SystemExit: It failed; the text has the end of its log.
    """
    result, log = folder / "usage.jsonl", folder / "log.txt"
    result.unlink(missing_ok=True)
    with (output or Path(os.devnull)).open("wb") as out, log.open("wb") as err:
        process = subprocess.run(
            stopwatch(result, command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=folder,
            env={**clean_environment(), **more},
            check=False,
        )
    if process.returncode:
        problem = f"{' '.join(command)} failed:\n{end_of(log)}"
        raise SystemExit(problem)
    (usage,) = usages(result)
    return usage


def end_of(log: Path) -> str:
    """Return the last lines of a log."""
    return log.read_text(encoding="utf-8", errors="replace")[-3000:]


def stopwatch(result: Path, command: Sequence[str]) -> list[str]:
    """Return the command that runs a command and appends to a file what it took."""
    program = Path(__file__).resolve().with_name("stopwatch.py")
    return [sys.executable, "-I", "-S", str(program), str(result), *command]


def usages(result: Path) -> list[Usage]:
    """Return what a stopwatch wrote down."""
    lines = [json.loads(line) for line in result.read_text(encoding="utf-8").splitlines()]
    return [Usage(line["wall"], line["cpu"], line["megabytes"]) for line in lines]


def clean_environment() -> dict[str, str]:
    """Return an environment in which only the machine shows, not who uses it: no proxy, no settings of a tap."""
    (home := KEPT / "home").mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        # Nobody is to be told of this run, nor to be waited for.
        "DO_NOT_TRACK": "1",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
