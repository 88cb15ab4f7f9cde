"""PyAirbyte reads every stream through the source into DuckDB and PostgreSQL; nothing that fails touches a table."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from harness import CLEAN_ENVIRONMENT, SCHEMAS, settings_for
from matrix_customers import difficult_customers, edit_some
from meltano_project import PROGRAMS, installed
from warehouse import CURRENT, KEYS, KINDS, Key, truth, without_time

from tap_ycm.sandbox import Assumptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_ycm.sandbox import Sandbox

pytestmark = pytest.mark.airbyte

PYAIRBYTE = "airbyte==0.71.3"
SCRIPT = Path(__file__).parents[1] / "support" / "with_pyairbyte.py"
HISTORIES = [name for name in KINDS if name not in CURRENT]
Tables = dict[str, dict[Key, dict[str, Any]]]


class PyAirbyte:
    """PyAirbyte with one cache, in a process of its own.

    Attributes:
        process: It.
    """

    def __init__(self, folder: Path, database: str | None) -> None:
        environment = {**CLEAN_ENVIRONMENT, "AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1", "HOME": str(folder)}
        arguments = [str(PROGRAMS / "source-ycm"), str(folder), "ycm"]
        if database:
            address = urlsplit(database)
            environment["PGHOST"] = parse_qs(address.query)["host"][0]
            arguments.append("pyairbyte")
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute("drop database if exists pyairbyte")
                connection.execute("create database pyairbyte")
        with (folder / "log").open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [installed(PYAIRBYTE, "python"), str(SCRIPT), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=environment,
                encoding="utf-8",
            )
        self._folder = folder

    def _ask(self, **asked: object) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, (self._folder / "log").read_text(encoding="utf-8")[-3000:]
        return json.loads(answer)

    def read(
        self,
        ycm: Sandbox,
        *,
        full: bool,
        streams: str | list[str] = "*",
        strategy: str = "replace",
        failure: str | None = None,
        **settings: object,
    ) -> None:
        """Read some streams into the cache; it must fail so, or not at all."""
        ycm.reset_log()
        config = settings_for(ycm, **{"retry_budget": 0, "max_delete_percent": 90, **settings})
        asked = {"streams": streams, "strategy": strategy, "full": full, "config": config}
        assert self._ask(do="read", **asked) == failure, (self._folder / "log").read_text(encoding="utf-8")[-3000:]

    def tables(self) -> Tables:
        """Return the rows of all tables by key."""
        found: dict[str, list[dict[str, Any]]] = self._ask(do="tables")
        return {name: keyed(name, rows) for name, rows in found.items() if name in KEYS}

    def close(self) -> None:
        self.process.communicate(timeout=60)

    def source(self) -> int:
        """Return the process of the source that it has started."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        [process] = {pid for path in children for pid in path.read_text(encoding="utf-8").split()}
        return int(process)


def keyed(stream: str, rows: list[dict[str, Any]]) -> dict[Key, dict[str, Any]]:
    """Return rows by their keys, with the names and the kinds of values that the schema has."""
    properties = json.loads((SCHEMAS / f"{stream}.json").read_text(encoding="utf-8"))["properties"]
    records = []
    for row in rows:
        assert {name.lower() for name in properties} == {name for name in row if not name.startswith("_airbyte_")}
        records.append({name: value(rules, row[name.lower()]) for name, rules in properties.items()})
    by_key = {tuple(record[column] for column in KEYS[stream]): record for record in records}
    assert len(by_key) == len(rows)
    return by_key


def value(rules: dict[str, Any], found: Any) -> Any:
    """Return a value of a table as the record had it; times are in UTC, in columns without a zone."""
    if isinstance(found, str) and rules.get("format") == "date-time":
        moment = datetime.fromisoformat(found)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
    if isinstance(found, str) and {"object", "array"} & set(rules["type"]):
        return json.loads(found)
    return found


def is_true(tables: Tables, ycm: Sandbox) -> None:
    for name in KINDS:
        rows = tables[name]
        if name in HISTORIES:
            newest = max(row["snapshotAt"] for row in rows.values())
            rows = without_time(name, [row for row in rows.values() if row["snapshotAt"] == newest])
        assert rows == truth(ycm, name), name


class Gate:
    """Holds the answers of a sandbox back from one on, while it is closed."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, number: int) -> None:
        if self.first is not None and number >= self.first:
            self.reached.set()
            self.go_on.wait(30)

    @contextmanager
    def closed(self, first: int) -> Iterator[None]:
        self.first = first
        try:
            yield
        finally:
            self.first = None
            self.go_on.set()


@pytest.fixture(params=["DuckDB", "PostgreSQL"])
def pyairbyte(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PyAirbyte]:
    database = request.getfixturevalue("database") if request.param == "PostgreSQL" else None
    client = PyAirbyte(tmp_path, database)
    yield client
    client.close()


def test_all_tables_follow_ycm_and_no_failure_touches_one(
    pyairbyte: PyAirbyte, sandbox: Callable[..., Sandbox]
) -> None:
    gate = Gate()
    ycm = sandbox(difficult_customers(), before_answer=gate)
    pyairbyte.read(ycm, full=True)
    is_true(pyairbyte.tables(), ycm)
    for full in (True, False):  # without states, and with them
        for table in ycm.tables:
            ycm.shake(create=2, delete=2, edit=2, table=table)
        edit_some(ycm.world)
        pyairbyte.read(ycm, full=full)
        is_true(pyairbyte.tables(), ycm)
    before = pyairbyte.tables()
    for table in ycm.tables:
        ycm.shake(create=2, delete=2, edit=2, table=table)
    failed = "AirbyteConnectorFailedError"

    ycm.faults.add("customers:20:error=1000004")
    pyairbyte.read(ycm, full=True, failure=failed)
    assert pyairbyte.tables() == before

    ycm.assumptions = Assumptions(hidden=10, only="customers")
    for full in (True, False):
        pyairbyte.read(ycm, full=full, failure=failed)
        assert pyairbyte.tables() == before
    ycm.assumptions = Assumptions()

    def interrupt() -> None:
        assert gate.reached.wait(30)
        os.kill(pyairbyte.source(), signal.SIGTERM)

    ycm.reset_log()
    with gate.closed(20):
        interrupter = threading.Thread(target=interrupt)
        interrupter.start()
        pyairbyte.read(ycm, full=True, failure=failed)
        interrupter.join()
    assert pyairbyte.tables() == before

    for key in ycm.world.ids()[:700]:
        ycm.world.delete(key)
    pyairbyte.read(ycm, full=False, max_delete_percent=20, failure=failed)
    assert pyairbyte.tables() == before
    pyairbyte.read(ycm, full=True, max_delete_percent=20)  # without states it cannot be known; nor held against us
    is_true(pyairbyte.tables(), ycm)


def test_histories_grow(pyairbyte: PyAirbyte, sandbox: Callable[..., Sandbox]) -> None:
    ycm = sandbox(20)
    grown: dict[str, int] = {}
    for _ in range(2):
        pyairbyte.read(ycm, full=False, streams=[*HISTORIES, "syncs"], strategy="merge")
        tables = pyairbyte.tables()
        for name in (*HISTORIES, "syncs"):
            assert len(tables[name]) > grown.get(name, 0)
            grown[name] = len(tables[name])
