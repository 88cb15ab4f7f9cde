"""The sandbox of tap-ycm as a process of its own: all lists of an account, each answer after a while.

    python -m benchmarks.account '{"latency": 0.1, "customers": 5000, "sizes": {"cloud_pbxs": 1000}}'

It prints its address, and ends when its standard input does. The customers alone come from a faster one: server.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, build_opener

from benchmarks.environments import PROJECT
from benchmarks.server import CLIENT_ID, CLIENT_SECRET
from tap_ycm.kinds import SNAPSHOT_AT
from tap_ycm.sandbox import Sandbox
from tap_ycm.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping

__all__ = ["KEYS", "Account", "serving_all"]

KEYS = {kind.name: tuple(key for key in kind.keys if key != SNAPSHOT_AT) for kind in STREAMS}
"""The columns that tell the rows of a stream from one another within one sync."""


@dataclass(frozen=True)
class Account:
    """A sandbox that runs."""

    base_url: str

    def asked(self) -> Counter[str]:
        """Return how often each endpoint was asked since the start."""
        return Counter(json.loads(self._get("stats"))["requests"])

    def rows(self, stream: str) -> int:
        """Return how many rows a stream has."""
        return len(self._get(f"truth?table={stream}").splitlines())

    def problem(self, streams: Collection[str], lines: Iterable[bytes]) -> str | None:
        """Return what is wrong with messages of Singer; None if they hold every row of the streams once.

        Args:
            streams: Those that were to be read.
            lines: The messages.
        """
        found: dict[str, Counter[tuple[Any, ...]]] = {name: Counter() for name in streams}
        for line in lines:
            message = json.loads(line)
            if message["type"] == "RECORD" and message["stream"] in found:
                found[message["stream"]][_key(message["stream"], message["record"])] += 1
        for name, keys in found.items():
            truth = Counter(_key(name, json.loads(row)) for row in self._get(f"truth?table={name}").splitlines())
            if keys != truth:
                return f"{name}: {keys.total()} rows, {len(keys)} different ones, are not the {truth.total()} served"
        return None

    def _get(self, what: str) -> bytes:
        with build_opener(ProxyHandler({})).open(f"{self.base_url}/sandbox/{what}") as answer:
            content: bytes = answer.read()
        return content


def _key(stream: str, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEYS[stream])


@contextmanager
def serving_all(customers: int, sizes: Mapping[str, int], delay: int) -> Generator[Account, None, None]:
    """Serve an account of so many customers and rows of other tables, each answer after so many milliseconds."""
    options = {"latency": delay / 1000, "customers": customers, "sizes": dict(sizes)}
    command = [sys.executable, "-m", "benchmarks.account", json.dumps(options)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Account((process.stdout.readline() if process.stdout else "").strip())
        finally:
            process.communicate()  # the end of its input ends it; so it does if this process is killed


def _serve(options: Mapping[str, Any]) -> None:
    with Sandbox(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, **options) as ycm:
        for name in KEYS:  # rows are made when they are looked at first: before the clock runs
            for _ in ycm.tables.rows(name):
                pass
        print(ycm.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _serve(json.loads(sys.argv[1]))
