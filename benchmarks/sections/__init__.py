"""What is measured, in parts that can be run alone; each returns its tables, its goals and its highlights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.sections.cpu import cpu
from benchmarks.sections.latency import latency
from benchmarks.sections.meltano import meltano
from benchmarks.sections.memory import memory
from benchmarks.sections.requests import churn, requests
from benchmarks.sections.sizes import QUICK, REAL, Part, Sizes
from benchmarks.sections.startup import startup
from benchmarks.sections.streams import streams

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["QUICK", "REAL", "SECTIONS", "Part", "Sizes"]

SECTIONS: Mapping[str, Callable[[Sizes, Path], Part]] = {
    "requests": requests,
    "churn": churn,
    "startup": startup,
    "cpu": cpu,
    "memory": memory,
    "latency": latency,
    "streams": streams,
    "meltano": meltano,
}
"""The parts by name, in the order in which they run: what finds mistakes comes first."""
