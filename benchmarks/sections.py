"""What is measured, in parts that can be run alone; each returns its tables, its goals and its highlights."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from clients import FLOORS, PLAIN, TAPS, Client, everyone, sequential_peers
from pipeline import CONCURRENCY, Parts, pipelines
from reading import asking, reading, serving
from report import Goal, Table
from rounds import Usage, interleaved, middle, ratio, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["QUICK", "REAL", "SECTIONS", "Part", "Sizes"]

_PAGE = 50
_LONG = 300  # milliseconds: one client after the other takes minutes then


@dataclass(frozen=True)
class Sizes:
    """How much is read in each part: customers, and milliseconds from a request to its answer."""

    cpu: tuple[int, int] = (10_000, 100_000)
    latency: Mapping[int, int] = field(default_factory=lambda: {20: 10_000, 100: 10_000, 300: 5_000})
    requests: tuple[int, int] = (10_000, 10_020)
    memory: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    memory_rounds: int = 3
    startup_rounds: int = 11
    meltano: int = 10_000


REAL = Sizes()
QUICK = Sizes(
    cpu=(500, 1_000),
    latency={20: 500, 100: 500, 300: 500},
    requests=(500, 520),
    memory=(500, 1_000, 2_000),
    memory_rounds=1,
    startup_rounds=2,
    meltano=500,
)


@dataclass(frozen=True)
class Part:
    """What came out of a part.

    Attributes:
        tables: In full.
        goals: What tap-ycm is to reach here.
        highlights: Column of the README's table -> client -> cell.
    """

    tables: Sequence[Table]
    goals: Sequence[Goal] = ()
    highlights: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def _cpu(sizes: Sizes, rounds: int, folder: Path) -> Part:
    """CPU and wall where the network costs nothing."""
    few, many = sizes.cpu
    clients = (FLOORS[1], *TAPS.values(), *sequential_peers())
    with serving((few, 0), (many, 0)) as addresses:
        jobs = {
            (client.name, customers): reading(client, address, customers, folder)
            for (customers, address), client in product(zip(sizes.cpu, addresses, strict=True), clients)
        }
        taken = interleaved(rounds, jobs)
    floor = {customers: taken[FLOORS[1].name, customers] for customers in sizes.cpu}
    tables = [
        Table(
            f"{customers:,} customers, answers at once",
            ("client", "wall s", "CPU s", "CPU µs a customer", "× wall", "× CPU"),
            [
                (
                    client.name,
                    f"{middle(usages, 'wall'):.2f}",
                    f"{middle(usages, 'cpu'):.2f}",
                    f"{middle(usages, 'cpu') / customers * 1e6:.1f}",
                    f"{ratio(usages, floor[customers], 'wall'):.2f}",
                    f"{ratio(usages, floor[customers], 'cpu'):.2f}",
                )
                for client in clients
                for usages in [taken[client.name, customers]]
            ],
            "Whole processes, start-up included; × is against the bare loop.",
        )
        for customers in sizes.cpu
    ]
    further = {
        client.name: [
            Usage(more.wall - less.wall, more.cpu - less.cpu, more.megabytes)
            for less, more in zip(taken[client.name, few], taken[client.name, many], strict=True)
        ]
        for client in clients
    }
    tables.append(
        Table(
            f"Each further customer, from {few:,} to {many:,}",
            ("client", "CPU µs", "× CPU"),
            [
                (
                    name,
                    f"{middle(usages, 'cpu') / (many - few) * 1e6:.1f}",
                    f"{ratio(usages, further[FLOORS[1].name], 'cpu'):.2f}",
                )
                for name, usages in further.items()
            ],
            "The difference of the two tables above, without start-up.",
        )
    )
    reached = ratio(taken[TAPS[1].name, many], floor[many], "cpu")
    goal = Goal.at_most(1.25, reached, f"CPU for {many:,} customers at concurrency 1, × the bare loop")
    cells = {client.name: f"{ratio(taken[client.name, many], floor[many], 'cpu'):.2f}" for client in clients}
    return Part(tables, [goal], {f"CPU for {many:,} customers, × the bare loop": cells})


def _latency(sizes: Sizes, rounds: int, folder: Path) -> Part:
    """Wall where each answer takes a while."""
    tables, goals, highlights = [], [], {}
    for delay, customers in sizes.latency.items():
        peers = sequential_peers() if delay < _LONG else (PLAIN,)
        clients = (*FLOORS.values(), *TAPS.values(), *peers)
        with serving((customers, delay)) as (address,):
            taken = interleaved(rounds, {one.name: reading(one, address, customers, folder) for one in clients})
        rows = []
        for client in clients:
            usages, limit = taken[client.name], taken[FLOORS[client.in_flight].name]
            rows.append(
                (
                    client.name,
                    f"{middle(usages, 'wall'):.2f}",
                    f"{middle(usages, 'cpu'):.2f}",
                    f"{ratio(usages, limit, 'wall'):.2f}",
                    f"{ratio(usages, taken[FLOORS[1].name], 'wall'):.2f}",
                )
            )
        header = ("client", "wall s", "CPU s", "× its limit", "× the bare loop")
        note = "The limit is the bare loop with as many requests in flight."
        if delay >= _LONG:
            note += " Of the peers only one, and fewer customers: the others would wait just as long."
        tables.append(Table(f"{customers:,} customers, {delay} ms a request", header, rows, note))
        if delay == 100:
            reached = ratio(taken[TAPS[8].name], taken[FLOORS[8].name], "wall")
            what = f"wall for {customers:,} customers at 100 ms, 8 requests in flight, × 8 bare threads"
            goals.append(Goal.at_most(1.08, reached, what))
            cells = {client.name: f"{middle(taken[client.name], 'wall'):.1f} s" for client in clients}
            highlights = {f"{customers:,} customers at 100 ms a request": cells}
    return Part(tables, goals, highlights)


def _requests(sizes: Sizes, _rounds: int, folder: Path) -> Part:
    """How often YCM is asked."""
    told = {}
    with serving(*((customers, 5) for customers in sizes.requests)) as addresses:
        for (customers, address), client in product(zip(sizes.requests, addresses, strict=True), everyone()):
            told[client.name, customers] = asking(client, address, folder)
    rows = [
        (
            client.name,
            *(str(told[client.name, customers].requests) for customers in sizes.requests),
            str(told[client.name, sizes.requests[0]].tokens),
            str(told[client.name, sizes.requests[0]].connections),
            str(told[client.name, sizes.requests[0]].most_in_flight),
        )
        for client in everyone()
    ]
    columns = [f"requests, {customers:,} customers" for customers in sizes.requests]
    least = " and ".join(f"{-(-customers // _PAGE):,}" for customers in sizes.requests)
    table = Table(
        "Requests",
        ("client", *columns, "tokens", "connections", "most in flight"),
        rows,
        f"The least possible is {least}.",
    )
    excess = max(
        told[tap.name, customers].requests - _due(customers)
        for tap, customers in product(TAPS.values(), sizes.requests)
    )
    what = "requests beyond ⌈customers / 50⌉ (one more where 50 divides it), at any concurrency"
    goal = Goal(what, "0", str(excess), met=excess == 0)
    cells = {client.name: str(told[client.name, sizes.requests[0]].requests) for client in everyone()}
    return Part([table], [goal], {f"requests for {sizes.requests[0]:,} customers": cells})


def _due(customers: int) -> int:
    """Return how many requests the tap's scan needs: the newest page tells a total that leads one page too far."""
    return -(-customers // _PAGE) + (customers % _PAGE == 0)


def _memory(sizes: Sizes, rounds: int, folder: Path) -> Part:
    """Peak memory, and whether it grows."""
    rounds = min(rounds, sizes.memory_rounds)
    clients = (FLOORS[1], TAPS[1], TAPS[8])
    with serving(*((customers, 0) for customers in sizes.memory)) as addresses:
        jobs = {
            (client.name, customers): reading(client, address, customers, folder)
            for (customers, address), client in product(zip(sizes.memory, addresses, strict=True), clients)
        }
        taken = interleaved(rounds, jobs)
    least, most = sizes.memory[0], sizes.memory[-1]
    growth = {one.name: ratio(taken[one.name, most], taken[one.name, least], "megabytes") for one in clients}
    table = Table(
        "Peak memory, MB",
        ("client", *(f"{customers:,}" for customers in sizes.memory), f"{most:,} / {least:,}"),
        [
            (
                client.name,
                *(f"{middle(taken[client.name, customers], 'megabytes'):.1f}" for customers in sizes.memory),
                f"{growth[client.name]:.2f}",
            )
            for client in clients
        ],
        f"Medians of {rounds}: runs hardly differ.",
    )
    reached = max(growth[tap.name] for tap in (TAPS[1], TAPS[8]))
    what = f"peak memory for {most:,} customers, × that for {least:,}"
    return Part([table], [Goal.at_most(1.25, reached, what)])


def _startup(sizes: Sizes, rounds: int, folder: Path) -> Part:
    """How long a tap takes to say what it has."""
    rounds = max(rounds, sizes.startup_rounds) if sizes is REAL else sizes.startup_rounds

    def discovery(client: Client) -> Callable[[], Usage]:
        command = [*client.prepared(folder, "http://127.0.0.1:9"), "--discover"]
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
        f"Medians of {rounds}; × is against the plain SDK tap.",
    )
    reached = ratio(taken[TAPS[1].name], taken[PLAIN.name], "wall")
    return Part([table], [Goal.at_most(1.0, reached, "wall of `--discover`, × the plain SDK tap")])


def _meltano(sizes: Sizes, rounds: int, folder: Path) -> Part:
    """The share of the tap in a whole `meltano run` into PostgreSQL."""
    customers, delays = sizes.meltano, (0, 100)
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
        f"`meltano run tap-ycm target-postgres`, {customers:,} customers who are in the table already",
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
        "A stopwatch runs around Meltano and, inside it, around tap and target; they run at the same time, so their "
        "walls overlap. The rest is Meltano. The tap's CPU includes the calls by which Meltano asks it for its "
        f"catalog. Concurrency is {CONCURRENCY}. The work of the database server is not counted.",
    )
    return Part([table])


SECTIONS: Mapping[str, Callable[[Sizes, int, Path], Part]] = {
    "requests": _requests,
    "startup": _startup,
    "cpu": _cpu,
    "memory": _memory,
    "latency": _latency,
    "meltano": _meltano,
}
"""The parts by name, in the order in which they run: what finds mistakes comes first."""
