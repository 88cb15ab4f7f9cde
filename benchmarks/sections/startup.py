"""How long a tap takes to say what it has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.clients import PLAIN, TAPS, Client
from benchmarks.report import Goal, Table
from benchmarks.rounds import Usage, interleaved, middle, ratio, run
from benchmarks.sections.sizes import Part, Sizes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["startup"]


def startup(sizes: Sizes, folder: Path) -> Part:
    """How long a tap takes to say what it has."""
    rounds = sizes.rounds["startup"]

    def discovery(client: Client) -> Callable[[], Usage]:
        command = [*replace(client, streams=()).prepared(folder, "http://127.0.0.1:9"), "--discover"]
        run(command, folder)  # compiles what is to be imported
        return lambda: run(command, folder)

    taken = interleaved(rounds, {client.name: discovery(client) for client in (PLAIN, TAPS[1])})
    table = Table(
        "Start-up: `--discover`",
        ("client", "wall ms", "CPU ms", "× wall", "× CPU"),
        [
            (
                name.partition(",")[0],
                f"{middle(usages, 'wall') * 1000:.0f}",
                f"{middle(usages, 'cpu') * 1000:.0f}",
                f"{ratio(usages, taken[PLAIN.name], 'wall'):.2f}",
                f"{ratio(usages, taken[PLAIN.name], 'cpu'):.2f}",
            )
            for name, usages in taken.items()
        ],
        f"Rounds: {rounds}; × is against the plain SDK tap.",
    )
    reached = ratio(taken[TAPS[1].name], taken[PLAIN.name], "wall")
    return Part([table], [Goal.at_most(1.0, reached, "wall of `--discover`, × the plain SDK tap")])
