"""The dbt project of the examples, on what real `meltano run` loaded: models are the truth, and checks notice."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, LiteralString
from urllib.parse import parse_qs, urlsplit

import dbt_project
import psycopg
import pytest
import yaml
from dbt_project import CORE, DbtProject, Row, let_expire, newest, plain, staged
from loaded import target_postgres
from meltano_project import REPOSITORY, MeltanoProject, installed
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier, Literal
from warehouse import KINDS

from tap_ycm.sandbox import Assumptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_ycm.sandbox import Sandbox

POSTGRES = f"{CORE} dbt-postgres==1.11.0"
DUCKDB = f"{CORE} dbt-duckdb==1.11.1"


class Postgres:
    """A database, a Meltano project that loads a sandbox into it, and in it the dbt project as its README says."""

    def __init__(self, folder: Path, database: str, ycm: Sandbox) -> None:
        name = folder.parent.name  # each test has a database of its own
        self.ycm, self.address = ycm, database.replace("/postgres?", f"/{name}?")
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(SQL("create database {}").format(Identifier(name)))
        parts = urlsplit(self.address)
        places = {"HOST": parse_qs(parts.query)["host"][0], "USER": parts.username or "", "DATABASE": name}
        self.environment = {f"TARGET_POSTGRES_{place}": value for place, value in places.items()}
        self.environment |= {"TARGET_POSTGRES_PASSWORD": "unused", "TAP_YCM_MAX_DELETE_PERCENT": "90"}
        self.environment |= {"TAP_YCM_EMIT_ACTIVATE_VERSION_MESSAGES": "true", **target_postgres(self.address)}
        readme = (REPOSITORY / "examples" / "dbt" / "README.md").read_text(encoding="utf-8")
        (utility,) = yaml.safe_load(readme.partition("```yaml\n")[2].partition("```")[0])["plugins"]["utilities"]
        del utility["pip_url"]
        program = installed(POSTGRES, "dbt")
        self.project = MeltanoProject(folder, "target-postgres")
        self.project.content["plugins"]["utilities"] = [utility | {"executable": program}]
        del self.project.extractor["select"]
        self.dbt = DbtProject(folder / "dbt", program, **self.environment)

    def run(self, *blocks: str) -> None:
        self.project.run(*blocks, ycm=self.ycm, **self.environment)

    def fail(self, **environment: str) -> None:
        """Run a sync that must fail."""
        command = ("run", "--no-install", "tap-ycm", "target-postgres")
        process = self.project.meltano(*command, ycm=self.ycm, **self.environment | environment)
        assert process.returncode == 1, process.stderr

    def failing_syncs(self) -> set[str]:
        """Return the streams whose newest sync did not succeed, as dbt finds them."""
        self.dbt.run("run", "--select", "stg_ycm__syncs")
        self.dbt.run("test", "--select", "latest_syncs_succeeded", "--store-failures", status=None)
        return {row["stream"] for row in self.table("latest_syncs_succeeded", "analytics_dbt_test__audit")}

    def rows(self, query: LiteralString) -> list[Row]:
        with psycopg.connect(self.address, row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()

    def table(self, name: str, schema: str = "analytics") -> list[Row]:
        return self.rows(f'select * from {schema}."{name}"')  # noqa: S608 - our own

    def insert_sync(self, row: Row) -> None:
        """Put a row into the table of syncs: none that is so strange comes of a sandbox."""
        columns = SQL(", ").join(map(Identifier, ["syncId", *row]))
        values = SQL(", ").join(map(Literal, ["tonight", *row.values()]))
        with psycopg.connect(self.address) as connection:
            connection.execute(SQL("insert into tap_ycm.syncs ({}) values ({})").format(columns, values))

    def do(self, *statements: LiteralString) -> None:
        with psycopg.connect(self.address) as connection:
            for statement in statements:
                connection.execute(statement)


def test_models_are_the_truth_and_checks_notice(
    sandbox: Callable[..., Sandbox], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ycm = sandbox(100)
    postgres = Postgres(tmp_path / "project", database, ycm)
    let_expire(ycm, monkeypatch)
    postgres.run("tap-ycm", "target-postgres")
    capacity = [dbt_project.capacity(ycm)]
    for table in ycm.tables:
        ycm.shake(create=2, delete=2, edit=2, table=table)
    let_expire(ycm, monkeypatch)
    time.sleep(1)  # a snapshot is known by its second
    second_run = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    postgres.run("tap-ycm", "target-postgres")
    capacity.append(dbt_project.capacity(ycm))
    postgres.run("dbt-postgres:build")
    assert postgres.dbt.results("pass", "success") == {}
    postgres.dbt.run("source", "freshness")
    assert dbt_project.wrong(postgres.table, ycm) == []
    runs: list[list[Row]] = [[], []]
    for row in postgres.table("ycm_capacity"):
        runs[row.pop("snapshot_at") >= second_run].append(row)
    assert [plain(rows) for rows in runs] == [plain(rows) for rows in capacity]
    kinds = {"cloud PBX", "feature plan", "hosting package", "call recording", "remote management"}
    assert {row["what"] for row in postgres.table("ycm_expiring")} == {*kinds, "premium remote management"}

    break_everything(postgres)
    postgres.dbt.run("test", "--store-failures", status=1)
    assert postgres.dbt.results("pass") == {
        "source_not_null_ycm_customers__customerId_": "fail",
        "source_unique_ycm_customers__customerId_": "fail",
        "source_unique_together_ycm_domains_regionId__domainId": "fail",
        "source_one_table_version_ycm_users_": "fail",
        "relationships_stg_ycm__cloud_pbx_trunks_cloud_pbx_id__cloud_pbx_id__ref_stg_ycm__cloud_pbxs_": "fail",
        "relationships_stg_ycm__cloud_pbx_trunks_trunk_id__id__ref_stg_ycm__shared_trunks_": "warn",
        "latest_syncs_succeeded": "fail",
        "streams_have_not_shrunk": "fail",
        "syncs_are_not_too_old": "fail",
    }
    failed = {
        name: {row["stream"] for row in postgres.table(name, "analytics_dbt_test__audit")}
        for name in ("latest_syncs_succeeded", "streams_have_not_shrunk", "syncs_are_not_too_old")
    }
    assert failed == {
        "latest_syncs_succeeded": {"customers", "cloud_pbxs", "backup_files", "groups"},
        "streams_have_not_shrunk": {"dids", "regions"},
        "syncs_are_not_too_old": {"itsps"},
    }
    postgres.do("update tap_ycm.syncs set ended = ended - interval '27 hours'")
    postgres.dbt.run("source", "freshness", status=1)


def break_everything(postgres: Postgres) -> None:
    """Do what each check is to notice, and some things that none is to take offence at."""
    postgres.do(
        'alter table tap_ycm.customers drop constraint customers_pkey, alter "customerId" drop not null',
        "insert into tap_ycm.customers (select * from tap_ycm.customers limit 1)",
        "insert into tap_ycm.customers default values",
        "alter table tap_ycm.domains drop constraint domains_pkey",
        "insert into tap_ycm.domains (select * from tap_ycm.domains limit 1)",
        'insert into tap_ycm.cloud_pbx_trunks ("cloudPbxId", "trunkId") values (1, 1)',
        "update tap_ycm.users set _sdc_table_version = 1"
        ' where "userId" = (select min(user_id) from analytics.stg_ycm__users)',
    )
    failure = "This is on purpose."
    rows = {name: len(staged(postgres.ycm, name)) for name in ("dids", "shared_trunks")}
    changes: dict[str, Row] = {
        "customers": {"status": "failed", "failure": failure},
        "cloud_pbxs": {"failure": failure},  # by the brake
        "backup_files": {"status": "incomplete", "failure": failure},
        "groups": {"status": "not read"},
        "users": {"status": "not permitted", "rows": None},
        "dids": {"rows": rows["dids"] * 3 // 4},
        "shared_trunks": {"rows": rows["shared_trunks"] - 10},
        "regions": {"rows": 0},
    }
    for stream, change in changes.items():
        newest = {"stream": stream, "status": "complete", "failure": None, "rows": 100, "ended": "now"} | change
        postgres.insert_sync(newest)
    postgres.do("update tap_ycm.syncs set ended = ended - interval '27 hours' where stream = 'itsps'")


@pytest.mark.slow
def test_syncs_that_fail_are_in_the_table_and_dbt_says_so(
    sandbox: Callable[..., Sandbox], database: str, tmp_path: Path
) -> None:
    may_not = Assumptions(denied=("groups",))
    ycm = sandbox(100, assumptions=may_not)
    postgres = Postgres(tmp_path / "project", database, ycm)
    postgres.run("tap-ycm", "target-postgres")
    assert postgres.failing_syncs() == set()
    statuses = {row["stream"]: row["status"] for row in postgres.table("syncs", "tap_ycm")}
    assert [name for name, status in statuses.items() if status != "complete"] == ["groups", "group_members"]

    ycm.assumptions = replace(may_not, hidden=10, only="customers")
    postgres.fail()
    assert postgres.failing_syncs() == {"customers"}

    ycm.assumptions = may_not
    postgres.run("tap-ycm", "target-postgres")
    assert postgres.failing_syncs() == set()
    for key in ycm.world.ids()[:60]:
        ycm.world.delete(key)
    postgres.fail(TAP_YCM_MAX_DELETE_PERCENT="20")
    braked = {"customers", "cloud_pbx_customers"}  # the customers, and what they had
    assert postgres.failing_syncs() == braked
    found = [row for row in postgres.table("stg_ycm__syncs") if "brake" in (row["deletes_reason"] or "")]
    assert {row["stream"] for row in found} == braked

    postgres.fail(TAP_YCM_CLIENT_SECRET="wrong")  # noqa: S106 - on purpose
    assert postgres.failing_syncs() == set(KINDS)

    postgres.run("tap-ycm", "target-postgres")  # the brake of the first runs lets 90 % go
    assert postgres.failing_syncs() == set()
    before = postgres.table("syncs", "tap_ycm")
    ycm.latency = 2
    program = tmp_path / "killed"
    tap = postgres.project.extractor["executable"]
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *--discover*) exec {tap} "$@" ;; esac\nexec timeout -s KILL 5 {tap} "$@"\n'
    )
    program.chmod(0o755)
    postgres.project.extractor["executable"] = str(program)
    postgres.fail()
    assert postgres.table("syncs", "tap_ycm") == before  # it shows by its age only
    postgres.do("update tap_ycm.syncs set began = began - interval '27 hours', ended = ended - interval '27 hours'")
    assert postgres.failing_syncs() == set()
    postgres.dbt.run("test", "--select", "syncs_are_not_too_old", status=1)


@pytest.mark.slow
@pytest.mark.parametrize("not_loaded", [[], ["users", "user_subscriptions", "backup_files"]], ids=["all", "selection"])
def test_it_builds_on_duckdb_too(
    not_loaded: list[str], sandbox: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ycm, path = sandbox(60), str(tmp_path / "ycm.duckdb")
    let_expire(ycm, monkeypatch)
    project = MeltanoProject(tmp_path / "project", "target-duckdb")
    project.extractor["select"] = ["*.*", "!cloud_pbxs.creator", *(f"!{name}.*" for name in not_loaded)]
    project.run("tap-ycm", "target-duckdb", ycm=ycm, TARGET_DUCKDB_PATH=path)
    dbt = DbtProject(tmp_path / "dbt", installed(DUCKDB, "dbt"), DBT_TARGET="duckdb", TARGET_DUCKDB_PATH=path)
    dbt.run("build", "--vars", json.dumps({"not_loaded": not_loaded}))
    assert dbt.results("pass", "success") == {}
    dbt.run("source", "freshness")

    def table(name: str) -> list[Row]:
        code = (
            "import duckdb, json, sys; table = duckdb.connect(sys.argv[1]).table(sys.argv[2]);"
            "print(json.dumps([dict(zip(table.columns, row)) for row in table.fetchall()], default=str))"
        )
        command = [installed(DUCKDB, "python"), "-c", code, path, f"analytics.{name}"]
        found: list[Row] = json.loads(subprocess.check_output(command, text=True, timeout=60))
        return found

    assert dbt_project.wrong(table, ycm, not_loaded) == ["stg_ycm__cloud_pbxs"]  # the creators are missing
    found = table("stg_ycm__cloud_pbxs")
    parts = {"creator_first_name": None, "creator_last_name": None, "creator_email": None}
    assert plain(newest(found)) == plain(row | parts for row in staged(ycm, "cloud_pbxs"))
