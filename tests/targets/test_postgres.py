"""From YCM into PostgreSQL by real `meltano run`: every field of every customer, day after day."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from databases import debian_postgres, has_debian_postgres
from loaded import target_postgres
from meltano_project import REPOSITORY, MeltanoProject
from tables import Table

from tap_ycm.sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = list(json.loads((REPOSITORY / "schemas" / "customers.json").read_text(encoding="utf-8"))["properties"])
# Installed already; and deletes are wanted.
PIPELINE = ("--no-install", "tap-ycm", "target-postgres")
WITH_DELETES = {"TAP_YCM_EMIT_ACTIVATE_VERSION_MESSAGES": "true"}

# Each has broken a database, a driver or a file format somewhere.
AWKWARD_TEXTS = (
    "",
    " \t two spaces and a tab ",
    "line\nline\r\nline\rend\n",
    "O'Brien; \"quoted\" `back` ''twice''",
    r"C:\new\table \\N \x41 \u0041",
    r"\N",
    r"\.",
    "NULL",
    "null",
    '{"a": ["b", null]}',
    "a,b;c|d",
    "100 % %s %(id)s :name $1 $$ {0} ?",
    "'; drop table customers; --",
    "👨‍👩‍👧‍👦 🇨🇳 👍🏽 \U0010ffff",
    "e\u0301 \u00e9 \ufb01 \u212b \u00c5 A\u030a \u0130 \u00df",  # what looks the same is not the same
    "محمد \u200f لوي \u202eabc\u202c",  # from right to left
    "line\u2028paragraph\u2029nel\x85bom\ufeff",
    "bell\x07escape\x1b[31m unit\x1f delete\x7f",
    "\ufdd0 \ufffe \uffff",
    "nought\x00in between",
    "1e999",
    "2024-02-30T25:61:61Z",
    "long " * 20_000,
)
BIG_IDS = (2**31, 2**53 + 1, 2**63 - 2)


@pytest.fixture(
    params=[
        "embedded",
        pytest.param(
            "debian",
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(not has_debian_postgres(), reason="pg_virtualenv is not installed"),
            ],
        ),
    ]
)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Two servers of different major versions, one after the other."""
    if request.param == "embedded":
        yield request.getfixturevalue("database")
    else:
        with debian_postgres() as address:
            yield address


def project(folder: Path, schema: str | None = None) -> MeltanoProject:
    made = MeltanoProject(folder / "project", "target-postgres")
    made.extractor["pip_url"] = "tap-ycm"  # Meltano keeps the catalog of a plugin with a pip_url only
    if schema:
        made.extractor["load_schema"] = schema
    return made


def truth(world: World, *, extra: bool = False) -> list[dict[str, Any]]:
    """Return what the table must hold; ``extra`` adds the column for unknown fields."""
    table = []
    for row in world.rows():
        values = {name: row.get(name) for name in COLUMNS}
        # PostgreSQL knows no U+0000.
        loaded = {
            name: text.replace("\0", "\ufffd") if isinstance(text, str) else text for name, text in values.items()
        }
        unknown = {name: row[name] for name in row if name not in COLUMNS} or None
        table.append(loaded | ({"_extra": unknown} if extra else {}))
    return table


def test_the_table_follows_ycm(server: str, tmp_path: Path) -> None:
    world = World.seeded(customers=60, seed=7)
    awkward = [world.create(company=text, remark=text) for text in AWKWARD_TEXTS]
    empty, unset = world.create(), world.create()
    world.edit(empty, **dict.fromkeys(COLUMNS[1:], ""))
    world.edit(unset, **dict.fromkeys(COLUMNS[1:]))
    for key in BIG_IDS:
        world.create(key, remark=f"the customer {key}")
    assert {"", None} <= {row["state"] for row in truth(world)}
    loyal = world.ids()[3:6]
    for key in loyal:
        world.edit(key, loyalty={"tier": "gölden 🥇", "points": [1, 2**53 + 1, 1.5, None], "since": None})

    meltano, table = project(tmp_path), Table(server, "tap_ycm")
    environment = {**WITH_DELETES, **target_postgres(server)}
    with Sandbox(world) as ycm:
        log = meltano.run(*PIPELINE, ycm=ycm, **environment)
        assert f"customers: complete; {len(world)} read (YCM's total: {len(world)})" in log
        assert table.data() == truth(world)
        assert table.types() == dict.fromkeys(COLUMNS, "text") | {"customerId": "bigint"}
        assert table.primary_key() == ["customerId"]
        assert log.count("YCM sent a field 'loyalty'") == 1
        assert "Set unknown_fields to 'keep'" in log

        # Another day: some customers are other than they were, some are gone, one is new; and a new column is wanted.
        world.edit(awkward[0], company="now a name", remark="and a remark", email=None)
        world.edit(awkward[1], company=None, remark="")
        world.edit(unset, **{name: f"new {name}" for name in COLUMNS[1:]})
        world.edit(empty, **dict.fromkeys(COLUMNS[1:]))
        world.edit(loyal[0], loyalty=None)
        world.create(2**63 - 1, firstName="Нова")
        gone = [world.ids()[0], awkward[5], BIG_IDS[1]]
        before = {row["customerId"]: row for row in table.data()}
        for key in gone:
            world.delete(key)
        log = meltano.run(*PIPELINE, ycm=ycm, TAP_YCM_UNKNOWN_FIELDS="keep", **environment)
        assert log.count("YCM sent a field 'loyalty' that the schema does not know; it is kept") == 1
        assert table.types() == dict.fromkeys(COLUMNS, "text") | {"customerId": "bigint", "_extra": "jsonb"}
        assert table.alive() == truth(world, extra=True)
        assert {row["_extra"] is None for row in table.alive()} == {True, False}
        dead = [row for row in table.rows() if row["_sdc_deleted_at"]]
        assert [row["customerId"] for row in dead] == sorted(gone)
        assert [{name: row[name] for name in COLUMNS} for row in dead] == [before[key] for key in sorted(gone)]

        # And the day after, with hard deletes: whoever was only marked goes, too.
        world.delete(loyal[1])
        world.edit(loyal[2], loyalty={"tier": "none"})
        environment["TARGET_POSTGRES_HARD_DELETE"] = "true"
        meltano.run(*PIPELINE, ycm=ycm, TAP_YCM_UNKNOWN_FIELDS="keep", **environment)
        assert table.data() == truth(world, extra=True)


def test_an_interrupted_run_flags_nobody_and_the_next_one_goes_on(database: str, tmp_path: Path) -> None:
    meltano, table = project(tmp_path, "interrupted"), Table(database, "interrupted")
    environment = {
        **WITH_DELETES,
        **target_postgres(database),
        "TAP_YCM_PAGE_SIZE": "10",
        "TAP_YCM_RETRY_BUDGET": "0",
    }
    state_id = "dev:tap-ycm-to-target-postgres"
    with Sandbox(World.seeded(customers=60, seed=7)) as ycm:
        world = ycm.world
        meltano.run(*PIPELINE, ycm=ycm, **environment)
        assert table.alive() == truth(world)
        before = {row["customerId"]: row for row in table.data()}

        ids = world.ids()
        gone = [ids[2], ids[30], ids[57]]
        for key in gone:
            world.delete(key)
        world.edit(ids[1], remark="edited")
        world.edit(ids[55], company=None)
        world.create(firstName="New")
        ycm.faults.add("customers:4:http=503")
        process = meltano.meltano("run", *PIPELINE, ycm=ycm, **environment)
        log = process.stdout + process.stderr
        assert process.returncode == 1
        assert "customers: not complete: the sync failed" in log
        assert "answered HTTP status 503" in log
        # What was read is in the table, the rest is as it was, and nobody counts as deleted.
        now = {row["customerId"]: row for row in truth(world)}
        rows = {row["customerId"]: row for row in table.alive()}
        assert rows.keys() == before.keys() | now.keys()
        assert all(row in (before.get(key), now.get(key)) for key, row in rows.items())
        assert rows[ids[55]] == now[ids[55]]  # read before the fault
        assert rows[ids[1]] == before[ids[1]]  # not reached
        mark = meltano.state(state_id)["bookmarks"]["customers"]
        assert mark["rows"] == 60
        assert mark["scan"]

        ycm.reset_log()
        log = meltano.run(*PIPELINE, ycm=ycm, **environment)
        assert "customers: continuing the scan that was interrupted" in log
        assert len([request for request in ycm.requests if request.endpoint == "customers"]) < 8
        assert {row["customerId"] for row in table.alive()} == now.keys() | set(gone)  # nothing is deleted yet
        meltano.run(*PIPELINE, ycm=ycm, **environment)
        assert table.alive() == truth(world)
        assert {row["customerId"] for row in table.rows() if row["_sdc_deleted_at"]} == set(gone)


def test_columns_are_selected_computed_and_added_by_an_upgrade(database: str, tmp_path: Path) -> None:
    meltano = project(tmp_path, "shaped")
    program = tmp_path / "tap-ycm"
    meltano.extractor |= {
        "executable": str(program),
        "select": ["customers.*", "!customers.email"],
        "config": {
            "stream_maps": {
                "customers": {
                    "__alias__": "clients",
                    "fullName": "((firstName or '') + ' ' + (lastName or '')).strip()",
                    "lastDigits": "int(str(customerId)[-2:])",
                    "zipCode": "__NULL__",
                }
            }
        },
    }
    environment = {**WITH_DELETES, **target_postgres(database)}
    table = Table(database, "shaped", "clients")

    def shaped(world: World, *without: str) -> list[dict[str, Any]]:
        rows = truth(world)
        for row in rows:
            row["fullName"] = f"{row['firstName'] or ''} {row['lastName'] or ''}".strip()
            row["lastDigits"] = int(str(row["customerId"])[-2:])
            for name in ("email", "zipCode", *without):
                del row[name]
        return rows

    with Sandbox(World.seeded(customers=60, seed=7)) as ycm:
        install(program, older_version(tmp_path / "older", lacks="remark"))
        meltano.run(*PIPELINE, ycm=ycm, **environment)
        assert table.data() == shaped(ycm.world, "remark")
        assert table.types()["lastDigits"] == "bigint"

        # After the upgrade Meltano goes on with the catalog that it has: the tap says what is lacking, and works on.
        install(program, REPOSITORY)
        ycm.world.delete(ycm.world.ids()[0])
        ycm.world.create()
        log = meltano.run(*PIPELINE, ycm=ycm, **environment)
        assert "customers: the catalog lacks remark; make a new one to load it" in log
        assert "deletes activated" in log
        assert table.alive() == shaped(ycm.world, "remark")

        log = meltano.run("--refresh-catalog", *PIPELINE, ycm=ycm, **environment)
        assert "the catalog lacks" not in log
        assert table.alive() == shaped(ycm.world)
        assert any(row["remark"] for row in table.alive())


def older_version(folder: Path, *, lacks: str) -> Path:
    """Make a tap whose schema does not know a column yet."""
    shutil.copytree(REPOSITORY / "tap_ycm", folder / "tap_ycm", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "schemas", folder / "schemas")
    customers = folder / "schemas" / "customers.json"
    schema = json.loads(customers.read_text(encoding="utf-8"))
    del schema["properties"][lacks]
    customers.write_text(json.dumps(schema), encoding="utf-8")
    return folder


def install(program: Path, version: Path) -> None:
    program.write_text(f'#!/bin/sh\nPYTHONPATH={version} exec {sys.executable} -m tap_ycm "$@"\n', encoding="utf-8")
    program.chmod(0o755)
