"""The share of the tap in a whole `meltano run` into PostgreSQL."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from benchmarks.clients import TAPS
from benchmarks.pipeline import CONCURRENCY, Parts, pipelines
from benchmarks.reading import reading, serving
from benchmarks.report import Table
from benchmarks.rounds import Usage, interleaved, middle, ratio
from benchmarks.sections.sizes import Part, Sizes

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["meltano"]


def meltano(sizes: Sizes, folder: Path) -> Part:
    """The share of the tap in a whole `meltano run` into PostgreSQL."""
    customers, delays, rounds = sizes.meltano, (0, 100), sizes.rounds["meltano"]
    with serving(*((customers, delay) for delay in delays)) as addresses, pipelines(folder) as pipeline:
        by_address = dict(zip(delays, addresses, strict=True))
        alone = {delay: reading(TAPS[CONCURRENCY], address, customers, folder) for delay, address in by_address.items()}
        piped = {delay: pipeline(address, customers) for delay, address in by_address.items()}

        def both(delay: int) -> tuple[Parts, Usage]:
            return piped[delay](), alone[delay]()

        taken = interleaved(rounds, {delay: partial(both, delay) for delay in delays})
    rows = []
    for delay, results in taken.items():
        whole = [parts.whole for parts, _ in results]
        tap = [parts.tap for parts, _ in results]
        target = [parts.target for parts, _ in results]
        rows.append(
            (
                f"{delay} ms",
                f"{middle(whole, 'wall'):.2f}",
                f"{middle(tap, 'wall'):.2f}",
                f"{middle([usage for _, usage in results], 'wall'):.2f}",
                f"{middle(whole, 'cpu'):.2f}",
                f"{middle(tap, 'cpu'):.2f}",
                f"{middle(target, 'cpu'):.2f}",
                f"{ratio(tap, whole, 'cpu'):.0%}",
                f"{ratio(tap, whole, 'wall'):.0%}",
            )
        )
    table = Table(
        f"`meltano run tap-ycm target-postgres`, {customers:,} customers that are in the table already",
        (
            "a request",
            "whole: wall s",
            "tap in it: wall s",
            "tap alone: wall s",
            "whole: CPU s",
            "tap: CPU s",
            "target: CPU s",
            "tap's share of CPU",
            "tap's share of wall",
        ),
        rows,
        f"Rounds: {rounds}. A stopwatch runs around Meltano and, inside it, around tap and target; they run at the "
        "same time, so their walls overlap. The rest is Meltano. The tap's CPU includes the calls by which Meltano "
        f"asks it for its catalog. Concurrency is {CONCURRENCY}. The work of the database server is not counted.",
    )
    return Part([table])
