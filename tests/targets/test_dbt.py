"""The dbt project of the examples, on what real `meltano run` loaded: models are the truth, and checks notice."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, LiteralString
from urllib.parse import parse_qs, urlsplit

import dbt_project
import psycopg
import yaml
from dbt_project import CORE, DbtProject, Row, load_syncs, plain, staged, synced
from loaded import target_postgres
from meltano_project import REPOSITORY, MeltanoProject, installed
from psycopg.rows import dict_row
from warehouse import KINDS

from tap_ycm.sandbox import account

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tap_ycm.sandbox import Sandbox

POSTGRES = f"{CORE} dbt-postgres==1.11.0"


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

    def table(self, name: str, schema: str = "ycm") -> list[Row]:
        return self.rows(f'select * from {schema}."{name}"')  # noqa: S608 - our own

    def do(self, *statements: LiteralString) -> None:
        with psycopg.connect(self.address) as connection:
            for statement in statements:
                connection.execute(statement)


def without(rows: list[Row], *columns: str) -> list[Row]:
    return [{name: value for name, value in row.items() if name not in columns} for row in rows]


def newest(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["snapshot_at"] == max(row["snapshot_at"] for row in rows)]


def soon(ycm: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let some things expire around the days that ycm_expiring looks at."""
    now = int(time.time())
    monkeypatch.setattr(account, "_EXPIRY", now + 30 * 86_400)
    days = (-1, 1, 59, 61)
    for key, pbx, plan in zip(ycm.tables["cloud_pbxs"].ids(), days, reversed(days), strict=False):
        ycm.tables["cloud_pbxs"].edit(key, expirationDate=now + pbx * 86_400, planExpirationDate=now + plan * 86_400)


def test_models_are_the_truth_and_checks_notice(
    sandbox: Callable[..., Sandbox], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ycm = sandbox(100)
    postgres = Postgres(tmp_path / "project", database, ycm)
    soon(ycm, monkeypatch)
    postgres.run("tap-ycm", "target-postgres")
    capacity = [dbt_project.capacity(ycm)]
    now = datetime.now(UTC)
    postgres.add_syncs(synced(ycm, "yesterday", now - timedelta(hours=24)))
    for table in ycm.tables:
        ycm.shake(create=2, delete=2, edit=2, table=table)
    soon(ycm, monkeypatch)
    time.sleep(1)  # a snapshot is known by its second
    second_run = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    postgres.run("tap-ycm", "target-postgres")
    capacity.append(dbt_project.capacity(ycm))
    postgres.add_syncs(synced(ycm, "today", now - timedelta(hours=12)))

    postgres.run("dbt-postgres:build")
    assert postgres.dbt.results("pass", "success") == {}
    postgres.dbt.run("source", "freshness")
    for name, kind in KINDS.items():
        rows = postgres.table(f"stg_ycm__{name}")
        if kind.is_appended:
            rows = without(newest(rows), "snapshot_at")
        assert plain(without(rows, "extracted_at")) == plain(staged(ycm, name)), name
    assert plain(postgres.table("stg_ycm__trunk_permissions__trunk_list")) == plain(
        {"user_id": row["user_id"], "trunk_id": trunk["trunkId"], "trunk_name": trunk["trunkName"]}
        for row in staged(ycm, "trunk_permissions")
        for trunk in row["trunk_list"]
    )
    assert plain(postgres.table("stg_ycm__firmware_versions__region_ids")) == plain(
        {"version_id": row["version_id"], "region_id": region}
        for row in staged(ycm, "firmware_versions")
        for region in row["region_ids"]
    )
    assert plain(postgres.table("ycm_customers")) == plain(dbt_project.customers(ycm))
    assert plain(postgres.table("ycm_numbers")) == plain(dbt_project.numbers(ycm))
    runs: list[list[Row]] = [[], []]
    for row in postgres.table("ycm_capacity"):
        runs[row.pop("snapshot_at") >= second_run].append(row)
    assert [plain(rows) for rows in runs] == [plain(rows) for rows in capacity]
    expiring = dbt_project.expiring(ycm)
    kinds = {"cloud PBX", "feature plan", "hosting package", "call recording", "remote management"}
    assert {row["what"] for row in expiring} == {*kinds, "premium remote management"}
    assert plain(without(postgres.table("ycm_expiring"), "customers")) == plain(expiring)

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
        name: {row["stream"] for row in postgres.table(name, "ycm_dbt_test__audit")}
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
        ' where "userId" = (select min(user_id) from ycm.stg_ycm__users)',
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
    postgres.add_syncs([row for row in tonight if row["stream"] != "itsps"])
    for run in ("yesterday", "today"):
        old = synced(postgres.ycm, run, now - timedelta(hours=27))
        postgres.add_syncs([row for row in old if row["stream"] == "itsps"])
