"""The way into Snowflake by real `meltano run`: the real target-snowflake, and fakesnow in the place of the account.

What this does not judge stands in README: Snowflake's own MERGE from a stage, which fake_snowflake.py restates, and
whether an account lets somebody in.
"""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from dbt_project import CORE, DbtProject, let_expire, wrong
from meltano_project import MeltanoProject, installed
from warehouse import CURRENT, KINDS, truth

from tap_ycm.sandbox import Sandbox, World
from tap_ycm.sandbox.world import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.snowflake

SERVER = "fakesnow[server]==0.12.1 snowflake-connector-python<5"  # connector 5 lacks what this fakesnow imports
DBT = f"{CORE} dbt-snowflake==1.12.4"
METADATA = {
    "_SDC_EXTRACTED_AT": "TIMESTAMP_NTZ",
    "_SDC_RECEIVED_AT": "TIMESTAMP_NTZ",
    "_SDC_BATCHED_AT": "TIMESTAMP_NTZ",
    "_SDC_DELETED_AT": "TIMESTAMP_NTZ",
    "_SDC_SEQUENCE": "NUMBER",
    "_SDC_TABLE_VERSION": "NUMBER",
    "_SDC_SYNC_STARTED_AT": "NUMBER",
}


class Warehouse:
    """One database of the fake Snowflake, and a Meltano project that loads a sandbox's customers into it."""

    def __init__(self, address: str, name: str, folder: Path, ycm: Sandbox) -> None:
        self.address, self.name, self.ycm = address, name, ycm
        self.project = MeltanoProject(folder, "target-snowflake")
        self.environment = {
            # The target has no setting for an address: this lets the account carry one.
            "SNOWFLAKE_SQLALCHEMY_LEGACY_URL_PARAMS": "1",
            "TARGET_SNOWFLAKE_ACCOUNT": f"{address}/{name}?account=fake&protocol=http&application=x",
            "TARGET_SNOWFLAKE_DATABASE": name,
            "TARGET_SNOWFLAKE_USER": "LOADER",
            "TARGET_SNOWFLAKE_PASSWORD": 'p@s:s/w%2Brd+ #ü"',
            "TAP_YCM_EMIT_ACTIVATE_VERSION_MESSAGES": "true",
        }

    def load(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the pipeline, whatever comes of it."""
        settings = {**self.environment, **environment}
        return self.project.meltano("run", "tap-ycm", "target-snowflake", ycm=self.ycm, **settings)

    def loaded(self, **environment: str) -> None:
        """Run the pipeline, which must succeed."""
        process = self.load(**environment)
        assert process.returncode == 0, process.stdout + process.stderr

    def sql(self, statement: str) -> list[list[Any]]:
        answer = requests.post(f"http://{self.address}/sql", json={"database": self.name, "sql": statement}, timeout=30)
        assert answer.ok, answer.text
        rows: list[list[Any]] = answer.json()
        return rows

    def log(self, what: str) -> list[Any]:
        """Return the logins or the statements of this database so far."""
        entries: list[dict[str, Any]] = requests.get(f"http://{self.address}/log", timeout=30).json()[what]
        return [entry["content"] for entry in entries if entry["database"] == self.name]

    def alive(self) -> list[list[Any]]:
        """Return who is in the table and not marked as deleted, every field, in the words of the README."""
        names = ", ".join(FIELDS)
        return self.sql(f"select {names} from tap_ycm.customers where _sdc_deleted_at is null order by customerId")  # noqa: S608 - our own

    def gone(self) -> list[int]:
        """Return who is marked as deleted."""
        query = "select customerId from tap_ycm.customers where _sdc_deleted_at is not null order by 1"
        return [key for (key,) in self.sql(query)]

    def truth(self) -> list[list[Any]]:
        """Return what the sandbox has, in the form of :meth:`alive`."""
        return [[row.get(name) for name in FIELDS] for row in self.ycm.world.rows()]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Start the fake Snowflake; returns its host and port."""
    program = Path(__file__).parents[1] / "support" / "fake_snowflake.py"
    with subprocess.Popen(
        [installed(SERVER, "python"), str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        yield f"127.0.0.1:{int(process.stdout.readline())}"
        process.communicate(timeout=30)  # the end of its input ends it


@pytest.fixture
def warehouse(server: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    name = "".join(letter for letter in request.node.name if letter.isalnum()).upper()
    with Sandbox(World.seeded(customers=60, seed=7)) as ycm:
        yield Warehouse(server, name, tmp_path / "project", ycm)


def test_every_field_arrives_as_it_is_and_changes_follow(warehouse: Warehouse) -> None:
    world = warehouse.ycm.world
    first, second, third, *_ = world.ids()
    world.edit(first, remark="quotes \" ' `, \\ \\n, line\nfeed\r\n, tab\t, $1:x, :bind, %s, {}, @~/x", company="")
    world.edit(second, firstName="李小龙 🥋", lastName="e\u0301 \u00e9", street="\u202eright to left", city=None)
    world.create(2**53 + 1, remark="an odd number that a float cannot hold")
    world.create(2**63 - 1)
    warehouse.loaded()
    assert warehouse.alive() == warehouse.truth()
    types = warehouse.sql(
        "select column_name, data_type, is_nullable, numeric_precision, numeric_scale"
        " from information_schema.columns where table_schema = 'TAP_YCM' and table_name = 'CUSTOMERS'"
    )
    assert {name: kind for name, kind, *_ in types} == {
        **{name.upper(): "TEXT" for name in FIELDS},
        "CUSTOMERID": "NUMBER",
        **METADATA,
    }
    assert ["CUSTOMERID", "NUMBER", "NO", 38, 0] in types
    (ddl,) = (statement for statement in warehouse.log("statements") if statement.startswith("CREATE TABLE"))
    assert "PRIMARY KEY (customerid)" in ddl  # without quotes, so Snowflake makes it upper case
    # MERGE has quotes and the tap's casing; Snowflake finds the columns because every session asks for this.
    assert warehouse.log("logins")[0]["data"]["SESSION_PARAMETERS"]["QUOTED_IDENTIFIERS_IGNORE_CASE"] == "TRUE"

    world.edit(first, remark=None, company="Renamed")  # a field that was cleared is cleared in the table too
    world.edit(third, remark="")
    warehouse.loaded()
    assert warehouse.alive() == warehouse.truth()
    assert warehouse.gone() == []


@pytest.mark.parametrize("hard_delete", ["false", "true"], ids=["soft", "hard"])
def test_deletes_follow_but_for_what_the_brake_holds(hard_delete: str, warehouse: Warehouse) -> None:
    world = warehouse.ycm.world
    settings = {"TARGET_SNOWFLAKE_HARD_DELETE": hard_delete}
    warehouse.loaded(**settings)
    left = [world.ids()[0], world.ids()[30], world.ids()[-1]]
    for key in left:
        world.delete(key)
    world.create()
    warehouse.loaded(**settings)
    assert warehouse.alive() == warehouse.truth()
    assert warehouse.gone() == ([] if hard_delete == "true" else left)

    before, gone = warehouse.alive(), warehouse.gone()
    for key in world.ids()[:40]:
        world.delete(key)
    braked = warehouse.load(**settings)
    assert braked.returncode != 0
    assert "withheld by the brake" in braked.stdout + braked.stderr
    assert (warehouse.alive(), warehouse.gone()) == (before, gone)


def test_a_run_that_fails_midway_marks_nobody_and_the_next_repairs(warehouse: Warehouse) -> None:
    world = warehouse.ycm.world
    # Without the brake, which would hold anyway.
    settings = {"TAP_YCM_PAGE_SIZE": "10", "TAP_YCM_RETRY_BUDGET": "0", "TAP_YCM_MAX_DELETE_PERCENT": "100"}
    warehouse.loaded(**settings)
    before = [row[0] for row in warehouse.alive()]
    left = world.ids()[5]
    world.delete(left)
    world.edit(world.ids()[-1], remark="changed before the failure")
    warehouse.ycm.faults.add("customers:4:http=503")
    failed = warehouse.load(**settings)
    assert failed.returncode != 0
    assert [row[0] for row in warehouse.alive()] == before
    assert "changed before the failure" in [row[-1] for row in warehouse.alive()]  # it did load what it had
    for _ in range(2):  # the first continues the scan, and leaves deletes to the second
        warehouse.loaded(**settings)
    assert warehouse.alive() == warehouse.truth()
    assert warehouse.gone() == [left]


def test_a_load_that_fails_is_repaired_by_the_next_run(warehouse: Warehouse) -> None:
    """Target-snowflake carries ACTIVATE_VERSION out before it loads its last batch, which may fail then."""
    world = warehouse.ycm.world
    warehouse.loaded()
    everybody = world.ids()
    world.edit(everybody[0], company=None)
    warehouse.sql("alter table tap_ycm.customers alter column company set not null")
    assert warehouse.load().returncode != 0
    assert warehouse.gone() == everybody  # README warns of it; should it fail one day, the warning can go
    warehouse.sql("alter table tap_ycm.customers alter column company drop not null")
    warehouse.loaded()
    assert warehouse.alive() == warehouse.truth()
    assert warehouse.gone() == []


@pytest.mark.parametrize("way", ["file", "text"])
def test_a_key_pair_signs_the_login(way: str, warehouse: Warehouse, tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    passphrase = secrets.token_urlsafe()
    encryption = serialization.BestAvailableEncryption(passphrase.encode())
    pkcs8 = serialization.PrivateFormat.PKCS8
    del warehouse.environment["TARGET_SNOWFLAKE_PASSWORD"]
    if way == "file":
        (tmp_path / "key.p8").write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, encryption))
        given = {"TARGET_SNOWFLAKE_PRIVATE_KEY_PATH": str(tmp_path / "key.p8")}
    else:
        der = key.private_bytes(serialization.Encoding.DER, pkcs8, encryption)
        given = {"TARGET_SNOWFLAKE_PRIVATE_KEY": base64.b64encode(der).decode()}
    warehouse.loaded(
        **given,
        TARGET_SNOWFLAKE_PRIVATE_KEY_PASSPHRASE=passphrase,
        TARGET_SNOWFLAKE_ROLE="LOADER_ROLE",  # the account that carries an address swallows it
        TARGET_SNOWFLAKE_WAREHOUSE="LOADER_WAREHOUSE",
    )
    assert warehouse.alive() == warehouse.truth()
    login = warehouse.log("logins")[0]
    assert login["query"]["warehouse"] == "LOADER_WAREHOUSE"
    assert login["data"]["AUTHENTICATOR"] == "SNOWFLAKE_JWT"
    assert "PASSWORD" not in login["data"]
    # What Snowflake checks: who says so, with which key, and that it is signed by it.
    signed, _, signature = login["data"]["TOKEN"].rpartition(".")
    claims = json.loads(decoded(signed.partition(".")[2]))
    public = key.public_key()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(spki)
    assert claims["iss"] == f"FAKE.LOADER.SHA256:{base64.b64encode(digest.finalize()).decode()}"
    public.verify(decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_every_stream_has_its_table_and_deletes_follow(warehouse: Warehouse) -> None:
    del warehouse.project.extractor["select"]
    warehouse.loaded()
    # Snapshots are appended, the others follow.
    before = {name: [] if name in CURRENT else list(truth(warehouse.ycm, name)) for name in KINDS}
    for table in warehouse.ycm.tables:
        warehouse.ycm.shake(create=1, delete=1, edit=1, table=table)
    warehouse.loaded(TAP_YCM_MAX_DELETE_PERCENT="90")
    for name, kind in KINDS.items():
        alive = "where _sdc_deleted_at is null" if name in CURRENT else ""
        keys = [column for column in kind.keys if column != "snapshotAt"]
        found = warehouse.sql(f"select {', '.join((*keys, '1'))} from tap_ycm.{name} {alive}")  # noqa: S608 - our own
        assert sorted(found) == sorted([*key, 1] for key in (*before[name], *truth(warehouse.ycm, name))), name


def test_the_dbt_project_builds(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As far as fakesnow goes, which turns Snowflake's words into DuckDB's."""
    let_expire(warehouse.ycm, monkeypatch)
    del warehouse.project.extractor["select"]
    warehouse.loaded()
    for table in warehouse.ycm.tables:
        warehouse.ycm.shake(create=1, delete=1, edit=1, table=table)
    let_expire(warehouse.ycm, monkeypatch)
    warehouse.loaded(TAP_YCM_MAX_DELETE_PERCENT="90")
    config = {name: warehouse.environment[f"TARGET_SNOWFLAKE_{name.upper()}"] for name in ("user", "password")}
    dbt = DbtProject(tmp_path / "dbt", installed(DBT, "dbt"), DBT_TARGET="snowflake", TARGET_SNOWFLAKE_ACCOUNT="fake")
    profiles = yaml.safe_load((dbt.folder / "profiles.yml").read_text(encoding="utf-8"))
    output = profiles["ycm"]["outputs"]["snowflake"]
    del output["private_key_path"], output["private_key_passphrase"]
    host, _, port = warehouse.address.partition(":")
    output |= {"host": host, "port": int(port), "protocol": "http", "threads": 1}
    output |= {"database": warehouse.name, "user": config["user"], "password": config["password"]}
    (dbt.folder / "profiles.yml").write_text(yaml.safe_dump(profiles), encoding="utf-8")
    dbt.run("build")
    assert dbt.results("pass", "success") == {}
    dbt.run("source", "freshness")

    def model(name: str) -> list[dict[str, Any]]:
        place = f"table_schema = 'ANALYTICS' and table_name = '{name.upper()}'"
        found = warehouse.sql(f"select column_name from information_schema.columns where {place}")  # noqa: S608 - our own
        columns = [column for (column,) in found]
        rows = warehouse.sql(f"select {', '.join(columns)} from analytics.{name}")  # noqa: S608 - our own
        return [dict(zip(map(str.lower, columns), row, strict=True)) for row in rows]

    assert wrong(model, warehouse.ycm) == []


def decoded(part: str) -> bytes:
    """Return the bytes of one part of a JSON web token."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
