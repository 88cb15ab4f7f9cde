"""Wall where each answer takes a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.clients import FLOORS, TAPS, sequential_peers
from benchmarks.reading import reading, serving
from benchmarks.report import Goal, Table
from benchmarks.rounds import Usage, interleaved, middle, ratio, spread
from benchmarks.sections.sizes import LONG, SHORT, Part, Sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["differ", "latency"]


def latency(sizes: Sizes, folder: Path) -> Part:
    """Wall where each answer takes a while."""
    tables, goals, highlights = [], [], {}
    for delay, customers in sizes.latency.items():
        clients = [*FLOORS.values(), *TAPS.values()]
        rounds = sizes.rounds["latency" if delay <= SHORT else "waiting"]
        note = f"Rounds: {rounds}. The limit is the bare loop with as many requests in flight."
        if delay >= LONG:
            clients = [client for client in clients if client.in_flight > 1]
            note += " Fewer customers, and no client that asks for one page at a time: those would all wait as long."
        elif delay > SHORT:
            clients += sequential_peers()
        with serving((customers, delay)) as (address,):
            taken = interleaved(rounds, {one.name: reading(one, address, customers, folder) for one in clients})
        rows = [
            (
                client.name,
                f"{middle(taken[client.name], 'wall'):.2f}",
                f"{middle(taken[client.name], 'cpu'):.2f}",
                f"{ratio(taken[client.name], taken[FLOORS[client.in_flight].name], 'wall'):.2f}",
            )
            for client in clients
        ]
        note += f" {differ(taken.values())}"
        tables.append(
            Table(
                f"{customers:,} customers, {delay} ms a request",
                ("client", "wall s", "CPU s", "× its limit"),
                rows,
                note,
            )
        )
        if delay == 100:
            reached = ratio(taken[TAPS[8].name], taken[FLOORS[8].name], "wall")
            what = f"wall for {customers:,} customers at 100 ms, 8 requests in flight, × 8 bare threads"
            goals.append(Goal.at_most(1.08, reached, what))
            cells = {client.name: f"{middle(taken[client.name], 'wall'):.1f} s" for client in clients}
            highlights = {f"{customers:,} customers at 100 ms a request": cells}
    return Part(tables, goals, highlights)


def differ(taken: Iterable[Sequence[Usage]]) -> str:
    """Return the sentence that tells how much the rounds of one client differ."""
    most = max(spread(usages, "wall") for usages in taken)
    return f"No client's longest wall is more than {most:.1%} above its shortest."
