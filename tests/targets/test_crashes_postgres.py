"""The tap dies anywhere on the way into a real PostgreSQL, and no row that lives is missing or flagged, ever."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from harness import CLEAN_ENVIRONMENT, catalog_of, settings_for
from meltano_project import loader, preset
from psycopg.sql import SQL, Identifier
from warehouse import KINDS, truth

from tap_ycm.sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from warehouse import Key

    Tables = dict[str, dict[Key, bool]]
    """By stream and key, whether a row counts as deleted."""

STREAMS = ("customers", "cloud_pbxs", "dids", "cloud_pbx_customers")
"""One of each way to read: sorted, sorted with children, without an order, and children."""
CRASHES = (
    *(("token", 1), ("customers", 4), ("customer", 2), ("cloud_pbxs", 2), ("dids", 3), ("did", 2)),
    *(("cloud_pbx_customers", 1), ("cloud_pbx_customers", 8), ("cloud_pbx_customers", 15)),
    *(("line", 30), ("line", 75), ("line", 150)),
)
"""At which request to which endpoint, or after how many lines; in turn for one and the other way to delete."""
SAVING_OFTEN = """
from tap_ycm.sync import sync
sync.SAVE_EVERY = 0.0
from tap_ycm.__main__ import main
main()
"""
"""The tap, with a STATE after each page: for lists so small, one every 15 seconds would be none."""


class Pipeline:
    """The tap, the target, and what is between them: state and tables."""

    def __init__(
        self, database: str, folder: Path, schema: str, config: dict[str, object], *streams: str, **target: object
    ) -> None:
        self.database, self.folder, self.schema, self.streams = database, folder, schema, streams
        self.state: dict[str, Any] = {}
        self.config = config
        address = database.replace("postgresql://", "postgresql+psycopg://", 1)
        (folder / "catalog.json").write_text(json.dumps(catalog_of(*streams)))
        target |= {"sqlalchemy_url": address, "default_target_schema": schema}
        target["stream_maps"] = preset("target-postgres", "stream_maps")
        (folder / "target.json").write_text(json.dumps(target))

    def run(self, after_lines: int | None = None, kill: Callable[[Callable[[], None]], None] | None = None) -> int:
        """Run both; kill the tap after so many lines, or when ``kill`` calls what it is given. Returns its status."""
        (self.folder / "state.json").write_text(json.dumps(self.state))
        (self.folder / "tap.json").write_text(json.dumps(self.config))
        target_command = [loader("target-postgres"), "--config", "target.json"]
        files = [f"--{option}={name}.json" for option, name in (("config", "tap"), ("state", "state"))]
        tap_command = [sys.executable, "-c", SAVING_OFTEN, *files, "--catalog=catalog.json"]
        pipe: dict[str, Any] = {"cwd": self.folder, "env": CLEAN_ENVIRONMENT, "stderr": subprocess.PIPE}
        with (
            subprocess.Popen(tap_command, stdout=subprocess.PIPE, **pipe) as tap,
            subprocess.Popen(target_command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **pipe) as target,
        ):
            assert tap.stdout
            assert tap.stderr
            threading.Thread(target=tap.stderr.read, daemon=True).start()
            if kill:
                kill(tap.kill)
            lines = b"".join(itertools.islice(tap.stdout, after_lines))
            if after_lines is not None:
                tap.kill()
                tap.stdout.read()
            output, log = target.communicate(lines, timeout=60)
            assert target.returncode == 0, log.decode()
            status = tap.wait(timeout=60)
        if states := output.decode().splitlines():
            self.state = json.loads(states[-1])
        return status

    def tables(self) -> Tables:
        """Return what is in the tables, and whether it counts as deleted."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            return {name: self._rows(connection, name) for name in self.streams}

    def alive(self) -> dict[str, set[Key]]:
        return {name: {key for key, deleted in rows.items() if not deleted} for name, rows in self.tables().items()}

    def _rows(self, connection: psycopg.Connection[Any], name: str) -> dict[Key, bool]:
        columns = SQL(", ").join(map(Identifier, KINDS[name].keys))
        query = SQL("select _sdc_deleted_at is not null, {} from {}").format(columns, Identifier(self.schema, name))
        try:
            return {tuple(key): deleted for deleted, *key in connection.execute(query)}
        except psycopg.errors.UndefinedTable:
            return {}


@contextmanager
def killed_at(ycm: Sandbox, endpoint: str, number: int) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Kill the tap while it waits for the answer to this request."""
    ycm.faults.add(f"{endpoint}:{number}:stall=30")
    before = ycm.faults.fired["stall"]

    def watch(kill: Callable[[], None]) -> None:
        while ycm.faults.fired["stall"] == before:
            time.sleep(0.01)
        kill()

    try:
        yield lambda kill: threading.Thread(target=watch, args=(kill,), daemon=True).start()
    finally:
        ycm.faults.clear()


def change(ycm: Sandbox) -> None:
    """Delete three of each table, at the ends and in the middle, and create three."""
    for name in ("customers", "cloud_pbxs", "dids"):
        world = ycm.tables[name]
        ids = world.ids()
        for key in (ids[0], ids[len(ids) // 2], ids[-1]):
            world.delete(key)
            world.create()


def living(ycm: Sandbox, name: str) -> set[Key]:
    return set(truth(ycm, name))


def judge(pipeline: Pipeline, ycm: Sandbox, loaded: dict[str, set[Key]]) -> None:
    """Whatever was loaded and exists is in its table and not flagged."""
    alive = pipeline.alive()
    missing = {name: (keys & living(ycm, name)) - alive[name] for name, keys in loaded.items()}
    assert not any(missing.values()), missing


@pytest.mark.parametrize(
    "hard_delete", [pytest.param(False, id="soft", marks=pytest.mark.slow), pytest.param(True, id="hard")]
)
def test_a_crash_anywhere_loses_and_flags_no_living_row(
    hard_delete: bool,  # noqa: FBT001 - a parameter of the test
    database: str,
    tmp_path: Path,
) -> None:
    with Sandbox(World.seeded(customers=60, seed=7), sizes={"cloud_pbxs": 15, "dids": 40}) as ycm:
        config = settings_for(ycm, page_size=10, emit_activate_version_messages=True, max_delete_percent=90)
        schema = f"crash_{hard_delete}".lower()
        pipeline = Pipeline(database, tmp_path, schema, config, *STREAMS, hard_delete=hard_delete)
        assert pipeline.run() == 0
        for place, (where, number) in enumerate(CRASHES[hard_delete::2]):
            pipeline.config["concurrency"] = 4 if place % 2 else 1
            loaded = {name: set(rows) for name, rows in pipeline.tables().items()}
            change(ycm)
            if where == "line":
                pipeline.run(after_lines=number)  # which may be done already; but its last lines get lost
            else:
                with killed_at(ycm, where, number) as kill:
                    assert pipeline.run(kill=kill) == -signal.SIGKILL
            judge(pipeline, ycm, loaded)
            loaded = {name: keys | set(pipeline.tables()[name]) for name, keys in loaded.items()}
            continues = any(bookmark["scan"] for bookmark in pipeline.state["bookmarks"].values())
            for _ in range(1 + continues):  # a continued scan leaves the deletes to the next run
                assert pipeline.run() == 0
                judge(pipeline, ycm, loaded)
            assert pipeline.alive() == {name: living(ycm, name) for name in STREAMS}
            for rows in pipeline.tables().values():
                assert any(rows.values()) != hard_delete


@pytest.mark.parametrize(
    "hard_delete", [pytest.param(False, id="soft", marks=pytest.mark.slow), pytest.param(True, id="hard")]
)
def test_a_scan_that_goes_on_deletes_only_the_dead(
    hard_delete: bool,  # noqa: FBT001 - a parameter of the test
    database: str,
    tmp_path: Path,
) -> None:
    with Sandbox(World.seeded(customers=2100, seed=7)) as ycm:
        config = settings_for(ycm, emit_activate_version_messages=True)
        schema = f"resume_{hard_delete}".lower()
        pipeline = Pipeline(database, tmp_path, schema, config, "customers", hard_delete=hard_delete)
        assert pipeline.run() == 0
        lines, pipeline.config["concurrency"] = (1100, 4) if hard_delete else (2090, 1)
        loaded = {name: set(rows) for name, rows in pipeline.tables().items()}
        change(ycm)
        assert pipeline.run(after_lines=lines) == -signal.SIGKILL
        assert pipeline.state["bookmarks"]["customers"]["scan"]
        judge(pipeline, ycm, loaded)
        ycm.reset_log()
        change(ycm)  # also between the two halves of the scan
        alive = living(ycm, "customers")
        assert pipeline.run() == 0
        assert len(ycm.requests) < 30  # it did go on: a whole reading takes 43
        judge(pipeline, ycm, loaded)
        # What was created between the halves is read too; what was deleted then is left to the next run.
        assert alive <= pipeline.alive()["customers"]
        assert pipeline.run() == 0
        assert pipeline.alive()["customers"] == alive
