"""CPU and wall where the network costs nothing."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from benchmarks.clients import FLOORS, FORGETFUL, TAPS, Client, sequential_peers
from benchmarks.reading import reading, serving
from benchmarks.report import Goal, Table
from benchmarks.rounds import Usage, interleaved, middle, ratio
from benchmarks.sections.sizes import Part, Sizes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["at_once", "cpu"]

_Taken = dict[tuple[str, int], list[Usage]]


def cpu(sizes: Sizes, folder: Path) -> Part:
    """CPU and wall where the network costs nothing."""
    few, many = sizes.cpu
    taps = (FLOORS[1], FLOORS[4], *TAPS.values(), FORGETFUL)
    with serving((few, 0), (many, 0)) as addresses:
        by_size = dict(zip(sizes.cpu, addresses, strict=True))
        taken = at_once(taps, by_size, sizes.rounds["cpu"], folder)
        peers = at_once((FLOORS[1], *sequential_peers()), by_size, sizes.rounds["peers"], folder)
    tables = [*_cpu_tables(taken, sizes.cpu, "tap-ycm"), *_cpu_tables(peers, sizes.cpu, "its peers")]
    at_most = {1: 1.25, 4: 1.4}
    goals = [
        Goal.at_most(
            most,
            ratio(taken[TAPS[concurrency].name, many], taken[FLOORS[1].name, many], "cpu"),
            f"CPU for {many:,} customers at concurrency {concurrency}, with deletes, × the bare loop",
        )
        for concurrency, most in at_most.items()
    ]
    remembering = ratio(taken[TAPS[1].name, many], taken[FORGETFUL.name, many], "cpu")
    goals.append(Goal.at_most(1.05, remembering, f"CPU for {many:,} customers, × a tap that remembers no keys"))
    cells = {
        name: f"{ratio(usages, table[FLOORS[1].name, many], 'cpu'):.2f}"
        for table in (peers, taken)
        for (name, customers), usages in table.items()
        if customers == many
    }
    return Part(tables, goals, {f"CPU for {many:,} customers, × the bare loop": cells})


def at_once(clients: Sequence[Client], by_size: Mapping[int, str], rounds: int, folder: Path) -> _Taken:
    """Let clients read lists, given by their size, that are served at once."""
    jobs = {
        (client.name, customers): reading(client, address, customers, folder)
        for (customers, address), client in product(by_size.items(), clients)
    }
    return interleaved(rounds, jobs)


def _cpu_tables(taken: _Taken, sizes: tuple[int, int], whose: str) -> list[Table]:
    few, many = sizes
    names = list(dict.fromkeys(name for name, _ in taken))
    rounds = len(taken[names[0], few])
    tables = []
    for customers in sizes:
        floor = taken[FLOORS[1].name, customers]
        rows = []
        for name in names:
            usages = taken[name, customers]
            rows.append(
                (
                    name,
                    f"{middle(usages, 'wall'):.2f}",
                    f"{middle(usages, 'cpu'):.2f}",
                    f"{middle(usages, 'cpu') / customers * 1e6:.1f}",
                    f"{ratio(usages, floor, 'wall'):.2f}",
                    f"{ratio(usages, floor, 'cpu'):.2f}",
                )
            )
        title = f"{customers:,} customers, answers at once: {whose}"
        header = ("client", "wall s", "CPU s", "CPU µs a customer", "× wall", "× CPU")
        note = f"Rounds: {rounds}. Whole processes, start-up included; × is against the bare loop."
        tables.append(Table(title, header, rows, note))
    further = {
        name: [
            Usage(more.wall - less.wall, more.cpu - less.cpu, more.megabytes)
            for less, more in zip(taken[name, few], taken[name, many], strict=True)
        ]
        for name in names
    }
    lines = [
        (
            name,
            f"{middle(usages, 'cpu') / (many - few) * 1e6:.1f}",
            f"{ratio(usages, further[FLOORS[1].name], 'cpu'):.2f}",
        )
        for name, usages in further.items()
    ]
    title = f"Each further customer, from {few:,} to {many:,}: {whose}"
    note = "The difference of the two tables above, without start-up."
    return [*tables, Table(title, ("client", "CPU µs", "× CPU"), lines, note)]
