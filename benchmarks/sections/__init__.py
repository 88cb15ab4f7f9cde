"""What is measured, in parts that can be run alone; each returns its tables, its goals and its highlights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sections.cpu import cpu
from sections.latency import latency
from sections.meltano import meltano
from sections.memory import memory
from sections.requests import churn, requests
from sections.sizes import QUICK, REAL, Part, Sizes
from sections.startup import startup
from sections.streams import streams

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
