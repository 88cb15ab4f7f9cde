"""Every stream of the table is described: by a schema, by what is made of it, and by names that mean something."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from meltano_project import REPOSITORY, MeltanoProject

from tap_ycm.kinds import SNAPSHOT_AT, Children, Kind, WholeList
from tap_ycm.records.secret_names import looks_secret
from tap_ycm.sandbox.endpoints import streams
from tap_ycm.streams import STREAMS, SYNCS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KINDS = {kind.name: kind for kind in STREAMS}
SCHEMAS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (REPOSITORY / "schemas").glob("*.json")
}
VENDOR = "https://help.yeastar.com/en/yeastar-central-management/ycm-api"
HARMLESS = {"cloud_pbxs.passwordlessLogin", "cloud_pbxs.allowSuperiorPasswordlessLogin"}
"""Switches, and no secrets."""

TABLES = [*KINDS, SYNCS.name]
"""What the schemas and the pages tell of: the lists of YCM, and the tap's own."""

each_stream = pytest.mark.parametrize("kind", STREAMS, ids=KINDS)


def fields(rules: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return all fields in an object by their own names, those of nested objects too."""
    for name, field in rules.get("properties", {}).items():
        yield name, field
        yield from fields(field)
        yield from fields(field.get("items", {}))


def test_each_stream_has_one_schema_and_each_schema_one_stream() -> None:
    assert len(KINDS) == len(STREAMS)
    assert set(TABLES) == SCHEMAS.keys()


def test_the_sandbox_serves_each_stream() -> None:
    assert set(streams()) == KINDS.keys()


@each_stream
def test_keys_are_columns_that_a_row_must_have(kind: Kind) -> None:
    schema = SCHEMAS[kind.name]
    assert set(schema["required"]) == set(kind.keys)
    assert len(set(kind.keys)) == len(kind.keys)
    for key in kind.keys:
        assert schema["properties"][key]["type"] in {"integer", "string"}  # one type, so never null
    if kind.remembers_keys:
        assert schema["properties"][kind.keys[0]]["type"] == "integer"
    if kind.is_appended:
        assert schema["properties"][SNAPSHOT_AT].get("format") == "date-time"


@each_stream
def test_a_placeholder_is_the_key_of_the_parent_which_stands_before(kind: Kind) -> None:
    assert set(re.findall(r"{(\w+)}", kind.path)) == ({kind.placeholder} if kind.parent else set())
    if kind.look_up:
        assert re.findall(r"{\w+}", kind.look_up) == ["{key}"]
    if kind.parent is None:
        return
    parent = KINDS[kind.parent]
    assert STREAMS.index(parent) < STREAMS.index(kind)
    assert (kind.placeholder,) == parent.keys
    assert parent.parent is None  # what is read for children is read for itself
    column = kind.column if isinstance(kind, Children) else kind.placeholder
    assert column in kind.keys
    assert SCHEMAS[kind.name]["properties"][column]["x-references"] == f"{parent.name}.{parent.keys[0]}"


@each_stream
def test_a_stream_with_rows_in_its_answer_says_where_they_are(kind: Kind) -> None:
    if isinstance(kind, WholeList | Children):
        assert kind.rows("not what YCM answers") is None


@each_stream
def test_references_lead_to_a_column_of_a_stream(kind: Kind) -> None:
    for name, field in fields(SCHEMAS[kind.name]):
        if reference := field.get("x-references"):
            stream, _, column = reference.partition(".")
            assert KINDS[stream].keys == (column,), name
            ours, theirs = field.get("items", field)["type"], SCHEMAS[stream]["properties"][column]["type"]
            assert theirs in ([ours] if isinstance(ours, str) else ours), name


@each_stream
def test_no_column_and_nothing_within_one_looks_like_a_secret(kind: Kind) -> None:
    names = {f"{kind.name}.{name}" for name, _ in fields(SCHEMAS[kind.name]) if looks_secret(name)}
    assert names == {name for name in HARMLESS if name.startswith(f"{kind.name}.")}


@each_stream
def test_a_stream_and_its_fields_are_described(kind: Kind) -> None:
    schema = SCHEMAS[kind.name]
    assert f"GET /dm/open_api{kind.path.partition('?')[0]}" in schema["description"]
    for name, field in fields(schema):
        assert field["description"].endswith("."), name
        assert isinstance(field["x-personal-data"], bool), name


def test_readme_and_the_page_of_tables_tell_of_each_table_in_the_order_of_the_table() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    table = readme.partition("<!-- streams -->")[2].partition("<!-- /streams -->")[0]
    assert re.findall(r"^\| \[`(\w+)`\]\(docs/tables\.md#\1\)", table, re.MULTILINE) == TABLES
    page = (REPOSITORY / "docs" / "tables.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", page, flags=re.MULTILINE)[2:]
    assert [section.split()[0] for section in sections] == TABLES
    for section, name in zip(sections, TABLES, strict=True):
        columns = {
            column for column in re.findall(r"^\| `([\w.\[\]]+)`", section, re.MULTILINE) if column.isidentifier()
        }
        assert columns == SCHEMAS[name]["properties"].keys()
        personal = set(re.findall(r"^\| `([\w.\[\]]+)` \|[^|]*\|[^|]*\| yes \|", section, re.MULTILINE))
        assert {path.rpartition(".")[2] for path in personal} == {
            field for field, rules in fields(SCHEMAS[name]) if rules["x-personal-data"]
        }
        for unit in {rules["x-unit"] for _, rules in fields(SCHEMAS[name]) if "x-unit" in rules}:
            shown = re.findall(rf"^\| `([\w.\[\]]+)` \|[^|]*\| {unit} \|", section, re.MULTILINE)
            assert sorted(path.rpartition(".")[2] for path in shown) == sorted(
                field for field, rules in fields(SCHEMAS[name]) if rules.get("x-unit") == unit
            )
        slugs = re.findall(r"vendor page ([\w-]+)", SCHEMAS[name]["description"])
        links = [f"[vendor page {slug}]({VENDOR}/{slug}.html)" for slug in slugs]
        assert links == re.findall(r"\[vendor.*?\)", section)


def wishes() -> list[list[str]]:
    """Return what meltano.yml offers to select, in its comments."""
    text = (REPOSITORY / "meltano.yml").read_text(encoding="utf-8")
    found = re.findall(r"^      # (select: .*\n(?:      #   .*\n)*)", text, re.MULTILINE)
    return [yaml.safe_load(re.sub(r"^      # ", "", wish, flags=re.MULTILINE))["select"] for wish in found]


def selected(patterns: list[str], folder: Path) -> set[str]:
    """Return what Meltano selects by these patterns: columns, and parts of columns."""
    project = MeltanoProject(folder)
    project.extractor["select"] = patterns
    process = project.meltano("select", "tap-ycm", "--list")
    assert process.returncode == 0, process.stderr
    return set(re.findall(r"^\t\[(?:selected|automatic) *\] (\S+)$", process.stdout, re.MULTILINE))


@pytest.mark.slow
def test_meltano_selects_what_meltano_yml_offers_to_select(tmp_path: Path) -> None:
    customers, no_children, no_personal_data = (
        selected(patterns, tmp_path / f"{place}") for place, patterns in enumerate(wishes())
    )
    everything = selected(["*.*"], tmp_path / "all")
    assert {name.partition(".")[0] for name in everything} | {SYNCS.name} == set(TABLES)
    assert customers == {name for name in everything if name.startswith(("customers.", "syncs."))}
    children = tuple(f"{kind.name}." for kind in STREAMS if isinstance(kind, Children))
    assert no_children == {name for name in everything if not name.startswith(children)}
    personal = {f"{stream}.{name}" for stream in SCHEMAS for name in personal_paths(SCHEMAS[stream])}
    assert everything - no_personal_data == personal & everything


def personal_paths(rules: dict[str, Any], prefix: str = "") -> set[str]:
    """Return the fields with personal data by their paths, as Meltano names them."""
    paths = set()
    for name, field in rules.get("properties", {}).items():
        paths |= {prefix + name} if field["x-personal-data"] else set()
        paths |= personal_paths(field, f"{prefix}{name}.")
    return paths
