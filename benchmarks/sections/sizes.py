"""How much each part reads and how often, and what comes out of a part."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.report import Goal, Table

__all__ = ["LONG", "QUICK", "REAL", "SHORT", "Part", "Sizes"]

SHORT: Final = 20  # milliseconds: beyond, it hardly shows what a client does besides waiting
LONG: Final = 300  # milliseconds: one request after the other takes minutes then

_ROUNDS: Mapping[str, int] = {
    "startup": 11,
    "cpu": 9,
    "peers": 3,  # too far apart for chance to matter
    "memory": 2,  # which hardly differs between rounds
    "waiting": 2,  # for slow answers: nor does the wall then, and the tables say by how much
    "latency": 5,
    "meltano": 3,
    "streams": 3,
    "links": 1,  # one of them waits for minutes
}


@dataclass(frozen=True)
class Sizes:
    """How much is read in each part: customers, milliseconds from a request to its answer, deletions; and how often.

    Where every stream is read, ``tables`` has how many rows there are of other lists than customers.
    """

    cpu: tuple[int, int] = (10_000, 100_000)
    latency: Mapping[int, int] = field(default_factory=lambda: {SHORT: 10_000, 100: 10_000, LONG: 5_000})
    churn: tuple[int, int] = (10_000, 60)
    deletions: tuple[int, ...] = (0, 1, 20)
    requests: tuple[int, int] = (10_000, 10_020)
    memory: tuple[int, int, int] = (10_000, 500_000, 1_000_000)
    meltano: int = 10_000
    streams: tuple[int, int] = (5_000, 100)
    tables: Mapping[str, int] = field(default_factory=lambda: {"cloud_pbxs": 1_000, "users": 30, "groups": 7})
    rounds: Mapping[str, int] = field(default_factory=lambda: _ROUNDS)

    def with_rounds(self, rounds: int) -> Sizes:
        """Return the same, everything so often."""
        return replace(self, rounds=dict.fromkeys(_ROUNDS, rounds))


REAL = Sizes()
QUICK = Sizes(
    cpu=(500, 1_000),
    latency={SHORT: 500, 100: 500, LONG: 500},
    churn=(2_000, 5),
    requests=(500, 1_020),
    memory=(500, 1_000, 2_000),
    meltano=500,
    streams=(120, 5),
    tables={"cloud_pbxs": 60},
).with_rounds(1)


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
