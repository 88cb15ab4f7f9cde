"""Peak memory, and whether it grows."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from benchmarks.clients import FIRST_SYNC, TAPS
from benchmarks.reading import serving
from benchmarks.report import Goal, Table
from benchmarks.rounds import middle, ratio
from benchmarks.sections.cpu import at_once
from benchmarks.sections.sizes import Part, Sizes

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["memory"]


def memory(sizes: Sizes, folder: Path) -> Part:
    """Peak memory, and whether it grows."""
    clients = (FIRST_SYNC, TAPS[1], TAPS[8])
    rounds = sizes.rounds["memory"]
    least, *larger = sizes.memory
    with serving(*((customers, 0) for customers in sizes.memory)) as addresses:
        taken = at_once(clients, dict(zip(sizes.memory, addresses, strict=True)), rounds, folder)
    growth = {
        (client.name, customers): ratio(taken[client.name, customers], taken[client.name, least], "megabytes")
        for client, customers in product(clients, larger)
    }
    table = Table(
        "Peak memory, MB",
        (
            "client",
            *(f"{customers:,}" for customers in sizes.memory),
            *(f"{customers:,} / {least:,}" for customers in larger),
        ),
        [
            (
                client.name,
                *(f"{middle(taken[client.name, customers], 'megabytes'):.1f}" for customers in sizes.memory),
                *(f"{growth[client.name, customers]:.2f}" for customers in larger),
            )
            for client in clients
        ],
        f"Rounds: {rounds}. Runs hardly differ.",
    )
    goals = [
        Goal.at_most(
            most,
            max(growth[client.name, customers] for client in clients),
            f"peak memory for {customers:,} customers{whose}, × that for {least:,}",
        )
        for most, customers, whose in zip(
            (1.6, 1.25), larger, (", whose keys are remembered", ", more than are remembered"), strict=True
        )
    ]
    return Part([table], goals)
