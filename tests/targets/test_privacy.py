"""The recipes of examples/privacy, each by a real `meltano run` into PostgreSQL."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from harness import Run, settings_for
from loaded import target_postgres
from meltano_project import REPOSITORY, MeltanoProject
from tables import Table

from tap_ycm.sandbox import Sandbox, World
from tap_ycm.sandbox.world import FIELDS
from tap_ycm.streams import STREAMS, SYNCS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECIPES = REPOSITORY / "examples" / "privacy" / "meltano.yml"
EXTRACTORS = {
    plugin["name"]: plugin for plugin in yaml.safe_load(RECIPES.read_text(encoding="utf-8"))["plugins"]["extractors"]
}
COLUMNS: dict[str, dict[str, Any]] = {
    kind.name: json.loads((REPOSITORY / "schemas" / f"{kind.name}.json").read_text(encoding="utf-8"))["properties"]
    for kind in (*STREAMS, SYNCS)
}
IMPERSONAL = {
    stream: [name for name, field in columns.items() if not field["x-personal-data"]]
    for stream, columns in COLUMNS.items()
}
SIZES = {"cloud_pbxs": 3, "users": 4, "backup_files": 2, "dids": 5, "shared_trunks": 4, "groups": 2}
PHONES = ("businessNumber", "mobileNumber", "homeNumber", "faxNumber")
HASHED = ("email", *PHONES)
HASHED_OF_USERS = ("email", "phone", "mobile")
KEY = "sausage-Lantern-7!-of-32-letters"


def people(customers: int = 9) -> World:
    """Make a world whose every personal value is like no other text anywhere."""
    world = World.seeded(customers=customers, seed=7)
    for number, key in enumerate(world.ids()):
        row: dict[str, object] = {name: f"P3rs0n{number}-{name}" for name in FIELDS[1:] if name not in HASHED}
        row |= {name: f"+49 (30) 81{number}-5{place}77-42" for place, name in enumerate(PHONES)}
        row |= {"customerId": key, "company": "Müller & Söhne", "country": "中国"}
        world.put_row(key, {**row, "email": f"P3rs0n{number}@Firm{number % 3}.Example"})
    first, second, third, fourth, *_ = world.ids()
    world.edit(first, email=" P3rs0n-İpek@Firm.Example\t", businessNumber="030/8199 5077 43", mobileNumber=None)
    world.edit(second, email="p3rs0n-i\u0307pek@firm.example", faxNumber="+030-8199-5077-43", homeNumber="")
    world.edit(third, email=None, businessNumber="ask P3rs0n", mobileNumber=None)
    world.edit(fourth, email="P3rs0n without an address")
    return world


def make_personal(ycm: Sandbox) -> None:
    """Do the same in the other tables; what repeats a value, such as the trunk permissions of a user, follows."""
    for stream, table in ycm.tables.items():
        if stream == "customers":
            continue
        for key in table.ids():
            changed: dict[str, Any] = {}
            for name in COLUMNS[stream].keys() - IMPERSONAL[stream]:
                value = f"P3rs0n-{stream}-{key}-{name}"
                within = COLUMNS[stream][name].get("properties")
                changed[name] = {part: f"{value}-{part}" for part in within} if within else value
            if stream == "users":
                changed |= {"email": f" P3rs0n-{key}@Firm.Example", "phone": f"+49 (30) 82{key}-77-1"}
            if stream == "shared_trunks":
                changed["password"] = f"P3rs0n-secret-{key}"
            if changed:
                table.edit(key, **changed)


def personal_texts(ycm: Sandbox) -> set[bytes]:
    """Return what no table, log or file may hold: every personal value, and phone numbers without their form."""
    values = {
        row.get(name) or ""
        for stream in ("customers", "users")
        for row in ycm.tables[stream].rows()
        for name in COLUMNS[stream].keys() - IMPERSONAL[stream]
    }
    texts = {"P3rs0n", "p3rs0n"} | values | {text.strip().lower() for text in values} | set(map(digits, values))
    # Shorter digits are found by chance in the times and numbers of a log.
    return {text.encode() for text in texts if len(text) > (8 if text.isdigit() else 5)}


def digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def keyed(text: str) -> str:
    inner = hashlib.sha256((KEY + text).encode()).hexdigest()
    return hashlib.sha256((KEY + inner).encode()).hexdigest()


def hashed(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the recipe must make of a customer, or of a user."""
    stream, names = ("customers", HASHED) if "customerId" in row else ("users", HASHED_OF_USERS)
    values = {name: row.get(name) for name in (*IMPERSONAL[stream], *names)}
    for name in names:
        if text := values[name]:
            values[name] = keyed(text.strip().lower() if name == "email" else digits(text))
    return values


def of(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row.get(name) for name in names}


def project(folder: Path) -> MeltanoProject:
    return MeltanoProject(folder, "target-postgres", meltano_yml=RECIPES)


def test_the_recipes_load_what_is_not_personal() -> None:
    for name, recipe in EXTRACTORS.items():
        if name != "tap-ycm":
            selected = {column.removesuffix(".*") for column in recipe["select"]}
            maps = recipe.get("config", {}).get("stream_maps", {})
            replaced = {f"{stream}.{column}" for stream, columns in maps.items() for column in columns}
            streams = set(maps) or IMPERSONAL.keys()
            assert selected - replaced == {f"{one}.{column}" for one in streams for column in IMPERSONAL[one]}, name


def test_no_recipe_lets_personal_data_through(database: str, tmp_path: Path) -> None:
    recipes = [name for name in EXTRACTORS if name != "tap-ycm"]
    tables = {name: Table(database, EXTRACTORS[name]["load_schema"]) for name in recipes}
    environment = {
        **target_postgres(database),
        "TAP_YCM_STREAM_MAP_CONFIG_HASH_KEY": KEY,
        "TAP_YCM_EMIT_ACTIVATE_VERSION_MESSAGES": "true",
        "TAP_YCM_LOGLEVEL": "DEBUG",
        "TARGET_POSTGRES_LOGLEVEL": "DEBUG",
    }
    meltano = project(tmp_path / "project")
    with Sandbox(people(), sizes=SIZES) as ycm:
        make_personal(ycm)
        world, secrets = ycm.world, personal_texts(ycm) | {KEY.encode()}
        before, users = list(world.rows()), list(ycm.tables["users"].rows())
        blocks = [word for name in recipes for word in (name, "target-postgres")]
        log = meltano.meltano("--log-level=debug", "run", *blocks, ycm=ycm, **environment)
        assert log.returncode == 0, log.stdout + log.stderr
        assert "Müller" in log.stdout + log.stderr  # at debug level Meltano does show the records

        assert tables["tap-ycm-impersonal"].data() == [of(row, "customerId", "company", "country") for row in before]
        for kind in STREAMS:
            table = Table(database, "ycm_impersonal", kind.name)
            assert table.types().keys() == set(IMPERSONAL[kind.name]), kind.name
            rows = table.rows(kind.keys[0])
            assert len(rows) == len(list(ycm.tables.rows(kind.name))) > 0, kind.name
            for name in IMPERSONAL[kind.name]:  # a column that is loaded, and never filled, would show nothing
                filled = any(row.get(name) is not None for row in ycm.tables.rows(kind.name))
                assert any(row[name] is not None for row in rows) or not filled, f"{kind.name}.{name}"
        assert tables["tap-ycm-hashed"].data() == [hashed(row) for row in before]
        assert tables["tap-ycm-hashed"].types() == {
            name: "bigint" if name == "customerId" else "text" for name in hashed(before[0])
        }
        assert [
            {name: row[name] for name in hashed(users[0])}
            for row in Table(database, "ycm_hashed", "users").rows("userId")
        ] == [hashed(row) for row in users]
        first, second, third = tables["tap-ycm-hashed"].data()[:3]
        assert first["email"] == second["email"]  # however it is written
        assert first["businessNumber"] == second["faxNumber"]
        assert (first["mobileNumber"], second["homeNumber"], third["email"]) == (None, "", None)

        domains = [row.get("email_domain") for row in tables["tap-ycm-domains"].data()]
        assert domains[:5] == ["firm.example", "firm.example", None, None, "firm1.example"]
        assert set(tables["tap-ycm-domains"].types()) == {"customerId", "company", "country", "email_domain"}
        of_users = Table(database, "ycm_domains", "users")
        assert set(of_users.types()) == {*IMPERSONAL["users"], "email_domain"}
        assert {row["email_domain"] for row in of_users.rows("userId")} == {"firm.example"}

        # Another day: the same hashes, and hashed customers are deleted like any others.
        world.delete(before[-1]["customerId"])
        again = meltano.run("tap-ycm-hashed", "target-postgres", ycm=ycm, **environment)
        assert "deletes activated" in again
        assert tables["tap-ycm-hashed"].data() == [hashed(row) for row in before]
        assert tables["tap-ycm-hashed"].alive() == [hashed(row) for row in before[:-1]]

        settings = meltano.meltano("config", "print", "tap-ycm-hashed", ycm=ycm, **environment)
        assert json.loads(settings.stdout)["stream_map_config"] == {"hash_key": "*****"}
        places = {
            "log": log.stdout + log.stderr + again + settings.stdout + settings.stderr,
            **{
                f"{schema}.{kind.name}": repr(table.rows(kind.keys[0]))
                for kind in STREAMS
                for schema in ("ycm_impersonal", "ycm_hashed", "ycm_domains")
                if (table := Table(database, schema, kind.name)).types()
            },
        }
        found = {(name, secret) for name, text in places.items() for secret in secrets if secret in text.encode()}
        assert not found
        files = [path for path in meltano.folder.rglob("*") if path.is_file() and not path.is_symlink()]
        assert len(files) > 3  # the project, its catalogs, Meltano's own database
        assert not [path for path in files for secret in secrets if secret in path.read_bytes()]


def test_meltano_fails_without_the_key(tmp_path: Path) -> None:
    with Sandbox(people()) as ycm:
        process = project(tmp_path / "project").meltano("invoke", "tap-ycm-hashed", ycm=ycm)
    assert process.returncode == 1
    assert "a stream map cannot be applied (KeyError): check the settings stream_maps and" in process.stderr
    assert '"RECORD"' not in process.stdout


@pytest.mark.parametrize("given", [{}, {"hash_key": ""}, {"hash_key": KEY[:31]}, {"hash_key": None}])
def test_no_record_is_hashed_without_a_good_key(given: dict[str, object], tap: Callable[..., Run]) -> None:
    with Sandbox(World.seeded(customers=1, seed=7)) as ycm:
        maps = EXTRACTORS["tap-ycm-hashed"]["config"]["stream_maps"]
        run = tap(config=settings_for(ycm, stream_maps=maps, stream_map_config=given))
    assert run.status == 1
    assert not run.records
    assert run.error.startswith("a stream map cannot be applied")
