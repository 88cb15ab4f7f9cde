"""The example for many accounts, by Airflow with its LocalExecutor: two fail, and the others are loaded."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from loaded import target_postgres
from meltano_project import REPOSITORY, MeltanoProject, installed
from psycopg.conninfo import conninfo_to_dict
from tables import Table
from warehouse import CURRENT, KINDS, truth

from tap_ycm.sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

pytestmark = pytest.mark.schedulers

AIRFLOW = "apache-airflow==3.3.2"
DAG = "ycm_accounts"
ACCOUNTS = [f"account{number}" for number in range(int(os.environ.get("ACCOUNTS", "20")))]
WRONG, BRAKED = ACCOUNTS[0], ACCOUNTS[2]
PATIENCE = 600


class Airflow:
    """A scheduler with its LocalExecutor, a DAG processor and an API server; a context manager."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self._airflow = installed(AIRFLOW, "airflow")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "DO_NOT_TRACK": "1",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": "for this test only, and long enough to be one",
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            **environment,
        }
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self.command("db", "migrate")
        self.command("pools", "set", "ycm", "4", "accounts at a time")
        for name in ("api-server", "scheduler", "dag-processor"):
            log = self._running.enter_context((self.home / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                [self._airflow, name], env=self.environment, cwd=self.home, stdout=log, stderr=subprocess.STDOUT
            )
            self._running.callback(process.wait, 60)
            self._running.callback(process.terminate)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def command(self, *arguments: str) -> str:
        process = subprocess.run(
            [self._airflow, *arguments],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        """Return what a command lists, without what Airflow logs around it."""
        output = self.command(*arguments, "-o", "json")
        found: list[dict[str, Any]] = json.loads(next(line for line in output.splitlines() if line[:2] in {"[{", "[]"}))
        return found

    def run(self, run_id: str) -> dict[str, list[str]]:
        """Run the DAG; returns the states of the instances of each task."""
        deadline = time.monotonic() + PATIENCE
        while DAG not in self.command("dags", "list", "-o", "plain"):
            assert time.monotonic() < deadline
            time.sleep(2)
        self.command("dags", "unpause", DAG)
        self.command("dags", "trigger", DAG, "-r", run_id)
        while self._state(run_id) not in {"success", "failed"}:
            assert time.monotonic() < deadline
            time.sleep(3)
        states: dict[str, list[str]] = {}
        for task in self.listed("tasks", "states-for-dag-run", DAG, run_id):
            states.setdefault(task["task_id"], []).append(task["state"])
        return states

    def _state(self, run_id: str) -> str:
        return next((run["state"] for run in self.listed("dags", "list-runs", DAG) if run["run_id"] == run_id), "")

    def log(self, run_id: str, task: str) -> str:
        folder = self.home / "logs" / f"dag_id={DAG}" / f"run_id={run_id}" / f"task_id={task}"
        return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.log")))


@pytest.fixture
def accounts() -> Iterator[dict[str, Sandbox]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                Sandbox(World.seeded(customers=500, seed=seed), client_id=name, client_secret=f"secret of {name}")
            )
            for seed, name in enumerate(ACCOUNTS)
        }


def test_two_of_twenty_accounts_fail_and_the_others_are_loaded(
    accounts: dict[str, Sandbox], database: str, tmp_path: Path
) -> None:
    project = MeltanoProject(tmp_path / "project", "target-postgres")
    project.extractor.pop("select", None)
    project.deploy()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create database meltano")
    server = conninfo_to_dict(database)
    states = f"postgresql+psycopg://{server['user']}@/meltano?host={server['host']}"
    everywhere = {
        "MELTANO_DATABASE_URI": states,
        "TAP_YCM_EMIT_ACTIVATE_VERSION_MESSAGES": "true",
        "TAP_YCM_RETRY_BUDGET": "0",
        **target_postgres(database),
    }
    everywhere.pop("TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA", None)
    assert project.meltano("state", "list", ycm=None, **everywhere).returncode == 0  # makes the tables, once
    connections = {
        f"AIRFLOW_CONN_YCM_{name.upper()}": json.dumps(
            {"conn_type": "http", "login": name, "password": ycm.client_secret, "host": ycm.url}
        )
        for name, ycm in accounts.items()
    }
    home = tmp_path / "airflow"
    (home / "dags").mkdir(parents=True)
    text = (REPOSITORY / "examples" / "airflow" / "accounts.py").read_text(encoding="utf-8")
    text = text.replace("/srv/ycm", str(project.folder)).replace("minutes=30", "seconds=1")
    (home / "dags" / "accounts.py").write_text(text, encoding="utf-8")
    variable = {"AIRFLOW_VAR_YCM_ACCOUNTS": json.dumps(ACCOUNTS)}
    with Airflow(home, **everywhere, **connections, **variable) as airflow:
        assert airflow.run("first") == {
            "accounts": ["success"],
            "sync": ["success"] * len(ACCOUNTS),
            "report": ["success"],
        }
        for name, ycm in accounts.items():
            assert_loaded(database, name, ycm)
        before = {name: rows(database, name, "customers") for name in (WRONG, BRAKED)}
        for name, ycm in accounts.items():
            for key in ycm.world.ids()[: 300 if name == BRAKED else 3]:
                ycm.world.delete(key)
        accounts[WRONG].client_secret = "another"  # noqa: S105 - it is none
        found = airflow.run("second")
        assert sorted(found.pop("sync")) == ["failed"] * 2 + ["success"] * (len(ACCOUNTS) - 2)
        assert found == {"accounts": ["success"], "report": ["failed"]}
        log, everything = airflow.log("second", "report"), airflow.log("second", "sync")
    assert f"2 of {len(ACCOUNTS)} accounts failed" in log
    assert f"{WRONG}: POST /dm/open_api/oauth/token answered error 1000002 AUTHENTICATION_FAILED" in log
    assert f"{BRAKED}: customers: deletes are withheld by the brake, for 300 of 500 known records are absent" in log
    for name, ycm in accounts.items():
        assert ycm.client_secret not in log + everything
        if name in {BRAKED, WRONG}:
            assert before[name] == rows(database, name, "customers")
        else:
            assert_loaded(database, name, ycm)


def assert_loaded(database: str, account: str, ycm: Sandbox) -> None:
    for stream in CURRENT:
        assert rows(database, account, stream) == set(truth(ycm, stream)), f"{account} {stream}"


def rows(database: str, account: str, stream: str) -> set[tuple[Any, ...]]:
    """Return the keys of the living rows of a table."""
    keys = KINDS[stream].keys
    found = Table(database, f"ycm_{account}", stream).alive(keys[0])
    return {tuple(row[key] for key in keys) for row in found}
