"""How often YCM is asked, and what is missed, on a quiet list and where customers are deleted while it is read."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from benchmarks.clients import FLOORS, TAPS, everyone
from benchmarks.reading import asking, reading_judged, serving
from benchmarks.report import Goal, Table
from benchmarks.rounds import interleaved, middle, ratio
from benchmarks.sections.latency import differ
from benchmarks.sections.sizes import Part, Sizes
from benchmarks.server import PAGE

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["churn", "due_of", "lanes_of", "requests"]

_WORTH_A_LANE = 10  # pages


def requests(sizes: Sizes, folder: Path) -> Part:
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
    least = " and ".join(f"{-(-customers // PAGE):,}" for customers in sizes.requests)
    table = Table(
        "Requests",
        ("client", *columns, "tokens", "connections", "most in flight"),
        rows,
        f"The least possible is {least}.",
    )
    excess = max(
        told[tap.name, customers].requests - due_of(customers, tap.in_flight)
        for tap, customers in product(TAPS.values(), sizes.requests)
    )
    what = "requests beyond ⌈customers / 50⌉ + lanes - 1 (one more where 50 divides it), at any concurrency"
    goal = Goal(what, "≤ 0", str(excess), met=excess <= 0)
    cells = {client.name: str(told[client.name, sizes.requests[0]].requests) for client in everyone()}
    return Part([table], [goal], {f"requests for {sizes.requests[0]:,} customers": cells})


def churn(sizes: Sizes, folder: Path) -> Part:
    """Requests, wall and what is missed where customers are deleted while they are read."""
    customers, delay = sizes.churn
    rounds = sizes.rounds["waiting"]
    with serving((customers, delay)) as (address,):
        jobs = {
            (client.name, deletions): reading_judged(client, address, customers, deletions, folder)
            for in_flight, deletions in product(FLOORS, sizes.deletions)
            for client in (FLOORS[in_flight], TAPS[in_flight])
        }
        taken = interleaved(rounds, jobs)
    quiet, most = sizes.deletions[0], sizes.deletions[-1]
    walls = {place: [one.usage for one in results] for place, results in taken.items()}
    asked = {place: max(one.requests for one in results) for place, results in taken.items()}
    missed = {place: max(one.missed for one in results) for place, results in taken.items()}
    rows = [
        (
            client.name,
            str(deletions),
            str(asked[client.name, deletions]),
            str(max(one.look_ups for one in taken[client.name, deletions])),
            f"{middle(walls[client.name, deletions], 'wall'):.2f}",
            f"{ratio(walls[client.name, deletions], walls[client.name, quiet], 'wall'):.2f}",
            f"{ratio(walls[client.name, deletions], walls[FLOORS[client.in_flight].name, deletions], 'wall'):.2f}",
            str(missed[client.name, deletions]),
            str(max(one.again for one in taken[client.name, deletions])),
        )
        for in_flight in FLOORS
        for client in (FLOORS[in_flight], TAPS[in_flight])
        for deletions in sizes.deletions
    ]
    table = Table(
        f"{customers:,} customers, {delay} ms a request, some deleted while they are read",
        ("client", "deleted", "requests", "look-ups", "wall s", "× quiet", "× its limit", "missed", "twice"),
        rows,
        f"Rounds: {rounds}; counts are the highest of them. Every output went to a file and was checked. The deletions "
        "are spread evenly over the requests and over the list. Missed are customers that are not in the output "
        "although they were in the list throughout. A look-up asks for a single customer that is not in the list any "
        "more, before a target is told to delete that customer. The limit is the bare loop with as many requests in "
        "flight. "
        f"{differ(walls.values())}",
    )
    churned = [(tap, deletions) for tap in TAPS.values() for deletions in sizes.deletions[1:]]
    excess = max(
        (asked[tap.name, deletions] - due_of(customers, tap.in_flight)) / lanes_of(customers, tap.in_flight)
        for tap, deletions in churned
    )
    slower = max(ratio(walls[tap.name, deletions], walls[tap.name, quiet], "wall") for tap, deletions in churned)
    losses = max(missed[tap.name, deletions] for tap, deletions in churned)
    meanwhile = f"{' or '.join(map(str, sizes.deletions[1:]))} of {customers:,} customers deleted meanwhile"
    goals = [
        Goal("customers missed, " + meanwhile, "0", str(losses), met=losses == 0),
        Goal.at_most(2, excess, f"further requests a lane, {meanwhile}"),
        Goal.at_most(1.25, slower, f"wall at {delay} ms, {meanwhile}, × that of a quiet list"),
    ]
    cells = {name: str(number) for (name, deletions), number in missed.items() if deletions == most}
    return Part([table], goals, {f"missed of {customers:,}, {most} others deleted meanwhile": cells})


def lanes_of(customers: int, concurrency: int) -> int:
    """Return in how many lanes the tap reads a list: each costs a request, so each must be worth it."""
    return max(1, min(concurrency, -(-customers // PAGE) // _WORTH_A_LANE))


def due_of(customers: int, concurrency: int) -> int:
    """Return how many requests the tap may need: the newest page tells a total that leads one page too far."""
    return -(-customers // PAGE) + (customers % PAGE == 0) + lanes_of(customers, concurrency) - 1
