"""The dbt project of the examples, on what real `meltano run` loaded: models are the truth, and checks notice."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, LiteralString
from urllib.parse import parse_qs, urlsplit

import dbt_project
import psycopg
import pytest
import yaml
from dbt_project import CORE, DbtProject, Row, let_expire, load_syncs, newest, plain, staged, synced
from loaded import target_postgres
from meltano_project import REPOSITORY, MeltanoProject, installed
from psycopg.rows import dict_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tap_ycm.sandbox import Sandbox

POSTGRES = f"{CORE} dbt-postgres==1.11.0"
DUCKDB = f"{CORE} dbt-duckdb==1.11.1"


class Postgres:
    """A database, a Meltano project that loads a sandbox into it, and in it the dbt project as its README says."""

    def __init__(self, folder: Path, database: str, ycm: Sandbox) -> None:
        self.ycm, self.address = ycm, database.replace("/postgres?", "/dbt?")
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("create database dbt")
        parts = urlsplit(self.address)
        places = {"HOST": parse_qs(parts.query)["host"][0], "USER": parts.username or "", "DATABASE": "dbt"}
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

    def add_syncs(self, rows: list[Row]) -> None:
        address = self.address.replace("postgresql://", "postgresql+psycopg://", 1)
        load_syncs("target-postgres", rows, {"sqlalchemy_url": address})

    def rows(self, query: LiteralString) -> list[Row]:
        with psycopg.connect(self.address, row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()

    def table(self, name: str, schema: str = "analytics") -> list[Row]:
        return self.rows(f'select * from {schema}."{name}"')  # noqa: S608 - our own

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
    now = datetime.now(UTC)
    syncs = synced(ycm, "yesterday", now - timedelta(hours=24))
    for table in ycm.tables:
        ycm.shake(create=2, delete=2, edit=2, table=table)
    let_expire(ycm, monkeypatch)
    time.sleep(1)  # a snapshot is known by its second
    second_run = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    postgres.run("tap-ycm", "target-postgres")
    capacity.append(dbt_project.capacity(ycm))
    postgres.add_syncs(syncs + synced(ycm, "today", now - timedelta(hours=12)))

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

    break_everything(postgres, now)
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


def break_everything(postgres: Postgres, now: datetime) -> None:
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
    changes: dict[str, Row] = {
        "customers": {"status": "failed", "failure": failure},
        "cloud_pbxs": {"failure": failure},  # by the brake
        "backup_files": {"status": "incomplete", "failure": failure},
        "groups": {"status": "not read", "began": None, "ended": None},
        "users": {"status": "not permitted", "rows": None},
        "dids": {"rows": 90},  # 25 % less
        "shared_trunks": {"rows": 2},  # 10 less
        "regions": {"rows": 0},
    }
    tonight = [row | changes.get(row["stream"], {}) for row in synced(postgres.ycm, "tonight", now)]
    old = [row for run in ("yesterday", "today") for row in synced(postgres.ycm, run, now - timedelta(hours=27))]
    postgres.add_syncs(
        [row for row in tonight if row["stream"] != "itsps"] + [row for row in old if row["stream"] == "itsps"]
    )


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
    rows = [row for row in synced(ycm, "today", datetime.now(UTC)) if row["stream"] not in not_loaded]
    load_syncs("target-duckdb", rows, {"path": path, "add_metadata_columns": True})
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
