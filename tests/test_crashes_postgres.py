"""The tap dies anywhere on the way into a real PostgreSQL, and nobody who lives is missing or flagged, ever."""

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
from harness import CLEAN_ENVIRONMENT, settings_for
from meltano_project import loader

from tap_ycm.sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


SAVING_OFTEN = """
from tap_ycm.sync import sync
sync.SAVE_EVERY = 0.0
from tap_ycm.__main__ import main
main()
"""
"""The tap, with a STATE after each page: for lists so small, one every 15 seconds would be none."""


class Pipeline:
    """The tap, the target, and what is between them: state and a table."""

    def __init__(self, database: str, folder: Path, schema: str, config: dict[str, object], **target: object) -> None:
        self.database, self.folder, self.schema = database, folder, schema
        self.state: dict[str, Any] = {}
        self.config = config
        address = database.replace("postgresql://", "postgresql+psycopg://", 1)
        (folder / "target.json").write_text(
            json.dumps({"sqlalchemy_url": address, "default_target_schema": schema, **target})
        )

    def run(self, after_lines: int | None = None, kill: Callable[[Callable[[], None]], None] | None = None) -> int:
        """Run both; kill the tap after so many lines, or when ``kill`` calls what it is given. Returns its status."""
        (self.folder / "state.json").write_text(json.dumps(self.state))
        (self.folder / "tap.json").write_text(json.dumps(self.config))
        target_command = [loader("target-postgres"), "--config", "target.json"]
        tap_command = [sys.executable, "-c", SAVING_OFTEN, "--config", "tap.json", "--state", "state.json"]
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

    def rows(self) -> dict[int, bool]:
        """Return who is in the table, and whether he counts as deleted."""
        query = f'select "customerId", _sdc_deleted_at is not null from {self.schema}.customers'  # noqa: S608 - our own
        with psycopg.connect(self.database) as connection:
            try:
                return dict(connection.execute(query).fetchall())
            except psycopg.errors.UndefinedTable:
                return {}


@contextmanager
def killed_at(ycm: Sandbox, request: int) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Kill the tap when YCM is about to answer this request."""
    kill: list[Callable[[], None]] = []
    ycm.before_answer = lambda number: kill[0]() if number == request and kill else None
    try:
        yield kill.append
    finally:
        ycm.before_answer = None


@contextmanager
def killed_at_look_up(ycm: Sandbox, number: int) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Kill the tap while it waits for the answer to this look-up."""
    ycm.faults.clear()
    ycm.faults.add(f"customer:{number}:stall=30")
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
    """Delete three customers, at the ends and in the middle, and create three."""
    ids = ycm.world.ids()
    for key in (ids[0], ids[len(ids) // 2], ids[-1]):
        ycm.world.delete(key)
        ycm.world.create()


def judge(pipeline: Pipeline, ycm: Sandbox, loaded: set[int]) -> None:
    """Whoever was loaded and exists is in the table and not flagged."""
    rows = pipeline.rows()
    missing = {key for key in loaded & set(ycm.world.ids()) if rows.get(key, True)}
    assert not missing


@pytest.mark.parametrize("hard_delete", [False, True], ids=["soft", "hard"])
def test_a_crash_anywhere_loses_and_flags_nobody(
    hard_delete: bool,  # noqa: FBT001 - a parameter of the test
    database: str,
    tmp_path: Path,
) -> None:
    with Sandbox(World.seeded(customers=60, seed=7)) as ycm:
        config = settings_for(ycm, page_size=10, emit_activate_version_messages=True)
        schema = f"crash_{hard_delete}".lower()
        pipeline = Pipeline(database, tmp_path, schema, config, hard_delete=hard_delete)
        assert pipeline.run() == 0
        # At requests, lines and look-ups, in turn for one and the other way to delete.
        points = [("request", number) for number in range(1, 8)] + [("line", number) for number in range(0, 71, 14)]
        points += [("look-up", number) for number in range(1, 5)]
        for place, (kind, number) in enumerate(points[hard_delete::2]):
            pipeline.config["concurrency"] = 4 if place % 2 else 1
            loaded = set(pipeline.rows())
            change(ycm)
            ycm.reset_log()
            if kind == "request":
                with killed_at(ycm, number) as kill:
                    assert pipeline.run(kill=kill) == -signal.SIGKILL
            elif kind == "look-up":
                with killed_at_look_up(ycm, number) as kill:
                    assert pipeline.run(kill=kill) == -signal.SIGKILL
            else:
                pipeline.run(after_lines=number)  # which may be done already; but its last lines get lost
            judge(pipeline, ycm, loaded)
            loaded |= set(pipeline.rows())
            continues = bool(pipeline.state["bookmarks"]["customers"]["scan"])
            for _ in range(1 + continues):  # a continued scan leaves the deletes to the next run
                assert pipeline.run() == 0
                judge(pipeline, ycm, loaded)
            rows = pipeline.rows()
            assert {key for key, deleted in rows.items() if not deleted} == set(ycm.world.ids())
            assert any(rows.values()) != hard_delete


@pytest.mark.parametrize("hard_delete", [False, True], ids=["soft", "hard"])
def test_a_scan_that_goes_on_deletes_only_the_dead(
    hard_delete: bool,  # noqa: FBT001 - a parameter of the test
    database: str,
    tmp_path: Path,
) -> None:
    with Sandbox(World.seeded(customers=2100, seed=7)) as ycm:
        config = settings_for(ycm, emit_activate_version_messages=True)
        pipeline = Pipeline(database, tmp_path, f"resume_{hard_delete}".lower(), config, hard_delete=hard_delete)
        assert pipeline.run() == 0
        for lines, concurrency in ((1100, 4), (2090, 1)):
            pipeline.config["concurrency"] = concurrency
            loaded = set(pipeline.rows())
            change(ycm)
            assert pipeline.run(after_lines=lines) == -signal.SIGKILL
            assert pipeline.state["bookmarks"]["customers"]["scan"]
            judge(pipeline, ycm, loaded)
            ycm.reset_log()
            change(ycm)  # also between the two halves of the scan
            alive = set(ycm.world.ids())
            assert pipeline.run() == 0
            assert len(ycm.requests) < 30  # it did go on: a whole reading takes 43
            judge(pipeline, ycm, loaded)
            # What was created between the halves is read too; what was deleted then is left to the next run.
            assert alive <= {key for key, deleted in pipeline.rows().items() if not deleted}
            assert pipeline.run() == 0
            assert {key for key, deleted in pipeline.rows().items() if not deleted} == alive
