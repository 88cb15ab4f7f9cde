"""Lets clients read from the fake YCM, and holds what they write against what it served."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self
from urllib.request import ProxyHandler, build_opener

from benchmarks.rounds import Usage, clean_environment, end_of, run
from benchmarks.server import PAGE, Stats, customer_ids, filled_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable

    from benchmarks.clients import Client

__all__ = ["Judged", "Output", "asked_for", "asking", "reading", "reading_judged", "ready", "serving"]


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


def asked_for(base_url: str, *, deletions: int = 0) -> Stats:
    """Return what a list was asked for since the last call, and bring back who was deleted from it.

    Args:
        base_url: The address of the list.
        deletions: How many customers are deleted from it while it is read the next time.
    """
    with build_opener(ProxyHandler({})).open(f"{base_url}/stats?deletions={deletions}") as answer:
        return Stats(**json.load(answer))


def reading(client: Client, base_url: str, customers: int, folder: Path) -> Callable[[], Usage]:
    """Return a job that lets a client read a quiet list once, and fails if it did not ask for all of it.

    Raises:
        SystemExit: Its output is not right.
    """
    _check(client)
    command = ready(client, base_url, folder)

    def read() -> Usage:
        asked_for(base_url)
        usage = run(command, folder)
        told = asked_for(base_url)
        if told.requests < -(-customers // PAGE) or told.tokens != 1:
            problem = f"{client.name} did not read {customers} customers as it should: {told}"
            raise SystemExit(problem)
        return usage

    return read


@dataclass(frozen=True)
class Judged:
    """What one reading took, and what it missed.

    Attributes:
        usage: Seconds and memory.
        requests: For pages of the list.
        look_ups: For single customers.
        missed: How many customers are not in the output although they were in the list throughout.
        again: How many rows of the output are of customers who were there already.
    """

    usage: Usage
    requests: int
    look_ups: int
    missed: int
    again: int


def reading_judged(client: Client, base_url: str, customers: int, deletions: int, folder: Path) -> Callable[[], Judged]:
    """Return a job that lets a client read a list once, from which so many customers are deleted meanwhile.

    The output of each reading is held against what was served.

    Raises:
        SystemExit: It is not right: where the client claims so, every customer must be there once.
    """
    _check(client)
    command = ready(client, base_url, folder)

    def read() -> Judged:
        asked_for(base_url, deletions=deletions)
        usage = run(command, folder, output=folder / "output")
        told = asked_for(base_url)
        with (folder / "output").open("rb") as lines:
            output = Output.of(lines)
        _refuse(client, output.problem(customers, told.deleted, certain=client.certain), output)
        missed, again = output.missed(customers, told.deleted), len(output.ids) - len(set(output.ids))
        return Judged(usage, told.requests, told.look_ups, len(missed), again)

    return read


def asking(client: Client, base_url: str, folder: Path) -> Stats:
    """Let a client read a list, and return what it asked for.

    Raises:
        SystemExit: Its output is not right.
    """
    _check(client)
    command = ready(client, base_url, folder)
    asked_for(base_url)
    run(command, folder)
    return asked_for(base_url)


def ready(client: Client, base_url: str, folder: Path) -> list[str]:
    """Return a client's command, with the state that it starts with."""
    command = client.prepared(folder, base_url)
    return [*command, "--state", str(_state(client.after, base_url, folder))] if client.after else command


@cache
def _state(client: Client, base_url: str, folder: Path) -> Path:
    """Let a client read a list, and return a file with the state that it leaves.

    Raises:
        SystemExit: It leaves none.
    """
    last = b"{}"
    command, log = client.prepared(folder, base_url), folder / "first-log.txt"
    with (
        log.open("wb") as err,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, env=clean_environment()) as tap,
    ):
        for line in tap.stdout or ():
            if b'"STATE"' in line:
                last = line
    state = json.loads(last)
    if tap.returncode or state.get("type") != "STATE":
        problem = f"{client.name} left no state:\n{end_of(log)}"
        raise SystemExit(problem)
    path = folder / f"state-{len(list(folder.glob('state-*')))}.json"
    path.write_text(json.dumps(state["value"]), encoding="utf-8")
    return path


@cache
def _check(client: Client, customers: int = 10_020) -> None:
    """Hold the output of a client against what was served, once: what is not right has no speed."""
    with TemporaryDirectory(prefix="tap-ycm-benchmark-") as name, serving((customers, 5)) as (base_url,):
        folder = Path(name)
        run(ready(client, base_url, folder), folder, output=folder / "output")
        with (folder / "output").open("rb") as lines:
            output = Output.of(lines)
        _refuse(client, output.problem(customers), output)
    print(f"  {client.name}: every customer once, with every field", file=sys.stderr, flush=True)


def _refuse(client: Client, problem: str | None, output: Output) -> None:
    if client.after and not output.activated:
        problem = problem or "no target is told to delete anybody"
    if problem:
        sentence = f"{client.name}: {problem}"
        raise SystemExit(sentence)


@dataclass(frozen=True)
class Output:
    """What a client wrote.

    Attributes:
        ids: Of its rows, as they came.
        fields: How many fields of its rows are filled.
        activated: Whether a Singer target is told to delete who is not among the rows.
    """

    ids: list[int]
    fields: int
    activated: bool

    @classmethod
    def of(cls, lines: Iterable[bytes]) -> Self:
        """Read an output: messages of Singer or of Airbyte, or lines that are the rows."""
        ids: list[int] = []
        fields, activated = 0, False
        for line in lines:
            message = json.loads(line)
            activated |= message.get("type") == "ACTIVATE_VERSION"
            if row := _row(message):
                ids.append(row["customerId"])
                fields += sum(value is not None for value in row.values())
        return cls(ids, fields, activated)

    def missed(self, customers: int, deleted: Collection[int] = ()) -> set[int]:
        """Return who is not there although nobody deleted them while the list was read."""
        return set(customer_ids(customers)) - set(deleted) - set(self.ids)

    def problem(self, customers: int, deleted: Collection[int] = (), *, certain: bool = True) -> str | None:
        """Return what is wrong, None if every customer is there once and with all fields.

        Args:
            customers: How many the list had at first.
            deleted: The ids that were deleted while it was read: they may be there or not.
            certain: Whether everybody else must be there, and nobody twice.
        """
        different = set(self.ids)
        uncertain = len(different) < len(self.ids) or self.missed(customers, deleted)
        if (certain and uncertain) or not different <= set(customer_ids(customers)):
            but = f" but for {len(deleted)} that were deleted meanwhile" if deleted else ""
            return f"{len(self.ids)} rows, {len(different)} different ones, are not the {customers} customers{but}"
        if self.fields != (filled := filled_fields(self.ids)):
            return f"{self.fields} fields are filled, not {filled}"
        return None


def _row(message: dict[str, Any]) -> dict[str, Any] | None:
    """Return the row in a message of Singer, of Airbyte, or that is one; None if there is none."""
    if "type" not in message:
        return message
    record: dict[str, Any] | None = message.get("record") if message["type"] == "RECORD" else None
    return record.get("data", record) if record else None
