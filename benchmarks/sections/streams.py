"""Every list of YCM: how often it is asked, and the wall where each answer takes a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.account import serving_all
from benchmarks.clients import EVERY_STREAM, FOUR_LISTS, FOUR_STREAMS, FOUR_STREAMS_PEERS, Client
from benchmarks.reading import ready
from benchmarks.report import Goal, Table
from benchmarks.rounds import Usage, interleaved, middle, run
from benchmarks.sections.latency import differ
from benchmarks.sections.requests import due_of
from benchmarks.sections.sizes import Part, Sizes
from benchmarks.server import PAGE
from tap_ycm.kinds import Children, Kind, Sorted, UnsortedPages
from tap_ycm.streams import STREAMS

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from benchmarks.account import Account

__all__ = ["due_of_all", "streams"]

_TAPS: Final = (EVERY_STREAM, FOUR_STREAMS)
_READINGS: Final = 2
"""Of a list of which nothing is known about its order: two that agree."""


@dataclass(frozen=True)
class _Taken:
    """What one reading took.

    Attributes:
        usage: Seconds and memory.
        asked: How often each endpoint was asked.
    """

    usage: Usage
    asked: Counter[str]

    @property
    def requests(self) -> int:
        return self.asked.total() - self.asked["token"]


def streams(sizes: Sizes, folder: Path) -> Part:
    """Every list of YCM: how often it is asked, and the wall where each answer takes a while."""
    customers, delay = sizes.streams
    with serving_all(customers, sizes.tables, delay) as account:
        rows = {kind.name: account.rows(kind.name) for kind in STREAMS}
        taps = {client.name: _job(client, account, folder) for client in _TAPS}
        peers = {client.name: _job(client, account, folder) for client in FOUR_STREAMS_PEERS}
        taken = interleaved(sizes.rounds["streams"], taps) | interleaved(sizes.rounds["links"], peers)

    requests = {name: max(one.requests for one in results) for name, results in taken.items()}
    usages = {name: [one.usage for one in results] for name, results in taken.items()}

    def share_of_limit(client: Client) -> float:
        return middle(usages[client.name], "wall") / (requests[client.name] * delay / 1000 / client.in_flight)

    table = Table(
        f"{rows['cloud_pbxs']:,} PBXs, {customers:,} customers and the rest, {delay} ms a request",
        ("client", "lists", "requests", "tokens", "in flight", "wall s", "× its limit", "CPU s", "MB"),
        [
            (
                client.name,
                str(len(_lists(client))),
                f"{requests[client.name]:,}",
                str(max(one.asked["token"] for one in taken[client.name])),
                str(client.in_flight),
                f"{middle(usages[client.name], 'wall'):.1f}",
                f"{share_of_limit(client):.2f}",
                f"{middle(usages[client.name], 'cpu'):.2f}",
                f"{middle(usages[client.name], 'megabytes'):.0f}",
            )
            for client in (*_TAPS, *FOUR_STREAMS_PEERS)
        ],
        f"Rounds: {sizes.rounds['streams']} of tap-ycm, {sizes.rounds['links']} of the others. The server is the "
        "sandbox: it takes a few milliseconds more than it is to. Every output was checked: each row of each list "
        f"once. The four lists are {', '.join(f'`{name}`' for name in FOUR_LISTS)}. The limit is the time in which so "
        "many requests are answered, all places in flight taken from the first to the last. dlt asks for what belongs "
        f"to the PBXs from 8 threads, for pages one at a time. {differ(usages.values())}",
    )
    excess = max(
        requests[client.name]
        - sum(due_of_all(kind, rows, client.in_flight) for kind in STREAMS if kind.name in _lists(client))
        for client in _TAPS
    )
    wall = f"wall for every stream at {delay} ms, {EVERY_STREAM.in_flight} requests in flight"
    goals = [
        Goal(
            "requests beyond one a page, a further lane and a parent, every stream", "≤ 0", str(excess), met=excess <= 0
        ),
        Goal.at_most(
            1.1,
            share_of_limit(EVERY_STREAM),
            f"{wall}, × the time of so many answers, {EVERY_STREAM.in_flight} at a time",
        ),
    ]
    cells = {
        client.name: f"{middle(usages[client.name], 'wall'):.1f} s" for client in (FOUR_STREAMS, *FOUR_STREAMS_PEERS)
    }
    column = f"{customers:,} customers, {rows['cloud_pbxs']:,} PBXs and their links at {delay} ms a request"
    return Part([table], goals, {column: cells})


def due_of_all(kind: Kind, rows: Mapping[str, int], concurrency: int) -> int:
    """Return how many requests the tap may need for a stream, given the rows of each.

    A list that YCM does not sort is looked at once before it is read, unless that one answer has all of it.
    """
    own = rows[kind.name]
    if isinstance(kind, Children):
        return rows[kind.parent]
    if isinstance(kind, Sorted):
        return due_of(own, concurrency)
    if isinstance(kind, UnsortedPages) and own >= PAGE:
        return 1 + due_of(own, 1) if kind.keys_grow else _READINGS * due_of(own, 1)
    return 1


def _lists(client: Client) -> tuple[str, ...]:
    if client is EVERY_STREAM:
        return tuple(kind.name for kind in STREAMS)
    return FOUR_LISTS


def _job(client: Client, account: Account, folder: Path) -> Callable[[], _Taken]:
    """Return a job that lets a client read its lists once, and holds what it wrote against what was served.

    Raises:
        SystemExit: It is not right.
    """
    command = ready(client, account.base_url, folder)

    def read() -> _Taken:
        before = account.asked()
        usage = run(command, folder, output=folder / "output")
        asked = account.asked() - before
        with (folder / "output").open("rb") as lines:
            if problem := account.problem(_lists(client), lines):
                sentence = f"{client.name}: {problem}"
                raise SystemExit(sentence)
        return _Taken(usage, asked)

    return read
