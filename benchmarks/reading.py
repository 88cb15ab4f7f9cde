"""Lets clients read from the fake YCM, and holds what they write against what it served."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, build_opener

from rounds import Usage, run
from server import Stats, customer_ids, filled_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from clients import Client

__all__ = ["asked_for", "asking", "problem_with", "reading", "serving"]


@contextmanager
def serving(*lists: tuple[int, int]) -> Generator[list[str], None, None]:
    """Serve lists of so many customers, each answer after so many milliseconds; yields their addresses."""
    server = str(Path(__file__).resolve().with_name("server.py"))
    command = [sys.executable, server, *(f"{customers}:{delay}" for customers, delay in lists)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield [
                f"http://127.0.0.1:{port}" for port in json.loads(process.stdout.readline() if process.stdout else "")
            ]
        finally:
            process.communicate()  # the end of its input ends it; so it does if this process is killed


def asked_for(base_url: str) -> Stats:
    """Return what a list was asked for since the last call."""
    with build_opener(ProxyHandler({})).open(f"{base_url}/stats") as answer:
        return Stats(**json.load(answer))


def reading(client: Client, base_url: str, customers: int, folder: Path) -> Callable[[], Usage]:
    """Return a job that lets a client read a list once, and fails if it did not ask for all of it.

    Raises:
        SystemExit: Its output is not right.
    """
    _check(client)
    command = client.prepared(folder, base_url)

    def read() -> Usage:
        asked_for(base_url)
        usage = run(command, folder)
        told = asked_for(base_url)
        if told.requests < -(-customers // 50) or told.tokens != 1:
            problem = f"{client.name} did not read {customers} customers as it should: {told}"
            raise SystemExit(problem)
        return usage

    return read


def asking(client: Client, base_url: str, folder: Path) -> Stats:
    """Let a client read a list, and return what it asked for.

    Raises:
        SystemExit: Its output is not right.
    """
    _check(client)
    asked_for(base_url)
    run(client.prepared(folder, base_url), folder)
    return asked_for(base_url)


@cache
def _check(client: Client, customers: int = 10_020) -> None:
    """Hold the output of a client against what was served, once: what is not right has no speed."""
    with TemporaryDirectory(prefix="tap-ycm-benchmark-") as name, serving((customers, 5)) as (base_url,):
        folder = Path(name)
        run(client.prepared(folder, base_url), folder, output=folder / "output")
        with (folder / "output").open("rb") as lines:
            problem = problem_with(lines, customers)
    if problem:
        sentence = f"{client.name}: {problem}"
        raise SystemExit(sentence)
    print(f"  {client.name}: every customer once, with every field", file=sys.stderr, flush=True)


def problem_with(lines: Iterable[bytes], customers: int) -> str | None:
    """Return what is wrong with the output of a client, None if every customer is there once and with all fields."""
    ids: list[int] = []
    fields = 0
    for line in lines:
        if row := _row(json.loads(line)):
            ids.append(row["customerId"])
            fields += sum(value is not None for value in row.values())
    if sorted(ids) != list(customer_ids(customers)):
        return f"{len(ids)} rows, {len(set(ids))} different ones, are not the {customers} customers"
    if fields != filled_fields(customers):
        return f"{fields} fields are filled, not {filled_fields(customers)}"
    return None


def _row(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return the row in a message of Singer, of Airbyte, or that is one; None if there is none."""
    if "type" not in message:
        return message
    record: dict[str, Any] | None = message.get("record") if message["type"] == "RECORD" else None
    return record.get("data", record) if record else None
