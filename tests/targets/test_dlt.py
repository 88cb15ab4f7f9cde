"""The example for dlt, run by dlt itself into DuckDB and PostgreSQL: the tables are the sandbox's truth."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from clean_environment import CLEAN_ENVIRONMENT
from harness import settings_for
from meltano_project import PROGRAMS, REPOSITORY, installed
from psycopg.conninfo import conninfo_to_dict
from warehouse import CURRENT, key_of, truth

from tap_ycm.sandbox.world import Churn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from warehouse import Table

    from tap_ycm.sandbox import Sandbox

pytestmark = pytest.mark.targets

EXAMPLE = REPOSITORY / "examples" / "dlt" / "ycm.py"
DLT = "dlt[duckdb,postgres]==1.31.0"
DUMP = """
import json, sys, dlt
pipeline = dlt.pipeline("ycm", destination=dlt.destination("ycm"), dataset_name="ycm")
with pipeline.sql_client() as client:
    for name in sys.argv[1:]:
        with client.execute_query(f"select * from {client.make_qualified_table_name(name)}") as cursor:
            names = [column[0] for column in cursor.description]
            print(json.dumps([name, [dict(zip(names, row)) for row in cursor.fetchall()]], default=str))
"""


class Loader:
    """The example beside its configuration, as a user has it."""

    def __init__(self, folder: Path, ycm: Sandbox, kind: str, address: str) -> None:
        self.folder, self.ycm = folder, ycm
        self.python = installed(DLT, "python")
        self.configure()
        self.environment = CLEAN_ENVIRONMENT | {
            "PATH": f"{PROGRAMS}:/usr/bin:/bin",
            "DLT_DATA_DIR": str(folder),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "DESTINATION__YCM__DESTINATION_TYPE": kind,
            "DESTINATION__YCM__CREDENTIALS": address,
        }

    def configure(self, **settings: object) -> None:
        config = settings_for(self.ycm, emit_activate_version_messages=True, max_delete_percent=90, retry_budget=0)
        (self.folder / "tap.json").write_text(json.dumps({**config, **settings}), encoding="utf-8")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, *command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )

    def load(self, status: int = 0) -> str:
        process = self.run(str(EXAMPLE), "tap.json")
        assert process.returncode == status, process.stdout + process.stderr
        return process.stderr

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        process = self.run("-c", DUMP, *CURRENT)
        assert process.returncode == 0, process.stderr
        return dict(json.loads(line) for line in process.stdout.splitlines())

    def is_true(self) -> None:
        tables = self.tables()
        for name in CURRENT:
            expected = truth(self.ycm, name)
            assert as_in_ycm(name, tables[name], expected) == expected, name


def as_in_ycm(name: str, rows: list[dict[str, Any]], expected: Table) -> Table:
    """Return rows with YCM's names and types; a column in which nothing ever was does not exist."""
    found: Table = {}
    for row in rows:
        record = {
            column: value(row.get(snake_case(column)), like) for column, like in next(iter(expected.values())).items()
        }
        like = expected.get(key_of(name, record), {})
        found[key_of(name, record)] = {
            column: value(row.get(snake_case(column)), like.get(column)) for column in record
        }
    return found


def snake_case(name: str) -> str:
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def value(found: Any, like: Any) -> Any:
    if isinstance(like, (dict, list)) and isinstance(found, str):
        return json.loads(found)
    if isinstance(like, str) and re.match(r"\d{4}-\d\d-\d\dT", like) and found is not None:
        return datetime.fromisoformat(found).astimezone(UTC).isoformat()
    return found


@pytest.mark.parametrize("kind", ["duckdb", "postgres"])
def test_the_tables_follow_ycm_and_a_failed_sync_changes_nothing(
    kind: str, sandbox: Callable[..., Sandbox], database: str, tmp_path: Path
) -> None:
    ycm = sandbox(364)
    address = f"duckdb:///{tmp_path}/warehouse.duckdb"
    if kind == "postgres":  # dlt wants a host name, which the socket's place in the query replaces
        server = conninfo_to_dict(database)
        address = f"postgresql://{server['user']}:none@localhost/{server['dbname']}?host={server['host']}"
    loader = Loader(tmp_path, ycm, kind, address)
    loader.load()
    loader.is_true()
    for turn in range(2):
        for name in ("customers", "cloud_pbxs", "dids", "users"):
            Churn(ycm.tables[name], turn).make(create=2, delete=3, edit=2)
        loader.load()
        loader.is_true()
    before = loader.tables()
    Churn(ycm.tables["customers"], 9).make(create=2, delete=3, edit=2)
    ycm.faults.add("users:1:error=1000004")
    log = loader.load(1)
    assert "tap-ycm failed with exit status 1: its last line says why" in log
    assert loader.tables() == before
    loader.load()
    loader.is_true()
