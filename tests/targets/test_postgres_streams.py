"""Every list of YCM into PostgreSQL by real `meltano run`: table by table the truth, through changes and failures."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
from harness import SCHEMAS
from loaded import target_postgres
from meltano_project import MeltanoProject, preset
from tables import Table
from warehouse import CURRENT, KINDS, key_of, truth, without_time

from tap_ycm.sandbox import Assumptions
from tap_ycm.streams import SYNCS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from warehouse import Table as Rows

    from tap_ycm.sandbox import Sandbox

SNAPSHOTS = [name for name in KINDS if name not in CURRENT]
RENAMED = preset("target-postgres", "stream_maps")
MEMORY = "dev:tap-ycm-to-target-postgres"


class Pipeline:
    """A Meltano project that loads all of a sandbox, and the tables that it makes."""

    def __init__(self, folder: Path, database: str, ycm: Sandbox) -> None:
        self.ycm, self.database = ycm, database
        self.project = MeltanoProject(folder, "target-postgres")
        del self.project.extractor["select"]
        self.project.extractor |= {"pip_url": "tap-ycm", "load_schema": "streams"}  # with it, the catalog is kept
        self.environment = {
            "TAP_YCM_EMIT_ACTIVATE_VERSION_MESSAGES": "true",
            "TAP_YCM_MAX_DELETE_PERCENT": "90",
            "TAP_YCM_RETRY_BUDGET": "0",
        }

    def run(self, *, status: int = 0, hard_delete: bool = True) -> str:
        """Run it, which must end so; returns the log."""
        self.ycm.reset_log()
        target = target_postgres(self.database, hard_delete=str(hard_delete).lower())
        command = ("run", "--no-install", "tap-ycm", "target-postgres")
        process = self.project.meltano(*command, ycm=self.ycm, **self.environment, **target)
        log = process.stdout + process.stderr
        assert process.returncode == status, log
        return log

    def all_rows(self, name: str) -> list[dict[str, Any]]:
        return Table(self.database, "streams", name).data(KINDS[name].keys[0])

    def rows(self, name: str) -> Rows:
        """Return what is alive in a table by its keys; of snapshots the newest."""
        if name in CURRENT:
            rows = Table(self.database, "streams", name).alive(KINDS[name].keys[0])
            return {key_of(name, row): row for row in rows}
        rows = self.all_rows(name)
        newest = max(row["snapshotAt"] for row in rows)
        return without_time(name, [row for row in rows if row["snapshotAt"] == newest])

    def truth(self, name: str) -> Rows:
        """Return what a table ought to hold; target-postgres has times in UTC, in columns without a zone."""
        properties = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))["properties"]
        times = [column for column, rules in properties.items() if rules.get("format") == "date-time"]
        rows = truth(self.ycm, name)
        for row in rows.values():
            for time in times:
                if row.get(time):
                    row[time] = datetime.fromisoformat(row[time]).replace(tzinfo=None)
            for column, source in RENAMED.get(name, {}).items():
                if source != "__NULL__":
                    row[column] = row.pop(source)
        return rows

    def is_true(self, *but: str) -> None:
        for name in KINDS:
            if name not in but:
                assert self.rows(name) == self.truth(name), name

    def change(self) -> None:
        for table in self.ycm.tables:
            self.ycm.shake(create=2, delete=2, edit=2, table=table)


def test_all_tables_follow_ycm_and_no_failure_deletes_a_row(
    sandbox: Callable[..., Sandbox], database: str, tmp_path: Path
) -> None:
    ycm = sandbox(364)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create database streams")
        # That the database thinks of times in a zone of its own must not matter.
        connection.execute("alter database streams set timezone to 'Asia/Shanghai'")
    pipeline = Pipeline(tmp_path / "project", database.replace("/postgres?", "/streams?"), ycm)
    pipeline.run()
    pipeline.is_true()
    snapshots = {name: pipeline.all_rows(name) for name in SNAPSHOTS}

    for hard_delete in (False, True):
        pipeline.change()
        log = pipeline.run(hard_delete=hard_delete)
        pipeline.is_true()
        assert "withheld" not in log
        for name in CURRENT:  # what was only marked the first time, goes the second time
            assert (len(pipeline.all_rows(name)) == len(pipeline.rows(name))) == hard_delete, name
        for name in SNAPSHOTS:  # a row, or one for each user, more; and what was, stays
            rows = pipeline.all_rows(name)
            assert len(rows) == len(snapshots[name]) + len(pipeline.truth(name))
            assert all(row in rows for row in snapshots[name])
            snapshots[name] = rows

    # One call of many fails for good: the links that were not read stay, all of them, and everything else is loaded.
    before = pipeline.rows("cloud_pbx_customers")
    pipeline.change()
    pbxs = ycm.tables["cloud_pbxs"].ids()
    ycm.faults.add("cloud_pbx_customers:20:error=1000004")
    log = pipeline.run(status=1)
    assert "cloud_pbx_customers: not complete" in log
    pipeline.is_true("cloud_pbx_customers")
    now, links = pipeline.rows("cloud_pbx_customers"), pipeline.truth("cloud_pbx_customers")
    assert before.keys() <= now.keys() <= before.keys() | links.keys()
    assert not before.keys() <= links.keys()  # some are gone from YCM
    assert not links.keys() <= now.keys()  # some were not read

    # The next run goes on with the other PBXs. Meanwhile it lost the permission to read users, as it had been able to.
    users, subscriptions = pipeline.rows("users"), pipeline.all_rows("user_subscriptions")
    pipeline.change()
    ycm.assumptions = Assumptions(denied=("users",))
    log = pipeline.run(status=1)
    assert "1000043" in log
    assert "cloud_pbx_customers: continuing the scan" in log
    assert sum(request.endpoint == "cloud_pbx_customers" for request in ycm.requests) < len(pbxs)
    assert pipeline.rows("users") == users
    assert pipeline.all_rows("user_subscriptions") == subscriptions
    assert now.keys() <= pipeline.rows("cloud_pbx_customers").keys()  # a reading that goes on deletes nothing
    pipeline.is_true("users", "user_subscriptions", "cloud_pbx_customers")

    ycm.assumptions = Assumptions()
    pipeline.run()
    pipeline.is_true()
    bookmarks = pipeline.project.state(MEMORY)["bookmarks"]
    assert bookmarks.keys() - {SYNCS.name} == KINDS.keys()
    assert not any(bookmark.get("scan") for bookmark in bookmarks.values())
