"""What the dbt project in examples/dbt says of the loaded tables; ``generate.py`` writes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from describe_streams import TABLES, Field, description_of, fields, is_appended, plain_type, schema_of

from tap_ycm.kinds import Children, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_ycm.kinds import Table

__all__ = ["dbt_files"]

PROJECT = Path(__file__).resolve().parents[1]
TYPES = {
    "string": "text",
    "integer": "bigint",
    "number": "double precision",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "array": "json",
}
RESERVED = {"rows": "row_count"}
"""Columns that would need quotes in Snowflake."""

SOURCES_HEAD = """\
# Made by scripts/generate.py from schemas/. The tables as target-postgres, target-snowflake or target-duckdb load them.
#
# What is tested here holds for all rows, those marked as deleted included: a record has one row, whatever became of it.
# References are tested on the staging models: a row that is marked as deleted may refer to what is gone, too.
"""
STAGING_HEAD = """\
# Made by scripts/generate.py from schemas/.
#
# A reference to the parent that the tap asked for must hold: no child is read, or stays, without it. All others only
# warn, for they may lead nowhere in a correct load. Lists are read one after the other, so a row may refer to what was
# created in between; and an account may not see all that its objects refer to, such as other accounts' trunks
# (available_trunks) and PBXs. Rows of history have no such test: they stay when what they refer to goes.
"""
SYNCS_CONFIG = {
    "loaded_at_field": "ended",
    "freshness": {
        "warn_after": None,
        "error_after": {"count": 26, "period": "hour"},
        "filter": "status = 'complete' and failure is null",
    },
}
"""One table stands for all: a sync without new rows is as fresh as any other."""


def dbt_files() -> dict[Path, str]:
    """Return each generated file of the dbt project, with its content."""
    models = PROJECT / "examples" / "dbt" / "models"
    described = [model for table in TABLES for model in (staging_model(table), *element_models(table))]
    files = {
        models / "sources.yml": SOURCES_HEAD + dumped({"sources": [source()]}),
        models / "staging" / "staging.yml": STAGING_HEAD + dumped({"models": described}),
    }
    for table in TABLES:
        files[models / "staging" / f"{staging(table.name)}.sql"] = staging_sql(table)
        for field, within in lists_of_references(table):
            files[models / "staging" / f"{elements(table, field)}.sql"] = elements_sql(table, field, within)
    return files


def dumped(content: dict[str, Any]) -> str:
    """Return YAML."""
    return yaml.safe_dump({"version": 2} | content, sort_keys=False, allow_unicode=True, width=116)


def source() -> dict[str, Any]:
    """Return the source with all tables."""
    return {
        "name": "ycm",
        "description": "What tap-ycm loaded from Yeastar Central Management.",
        "schema": '{{ var("ycm_schema") }}',
        "tables": [source_table(table) for table in TABLES],
    }


def source_table(table: Table) -> dict[str, Any]:
    """Return one table of the source."""
    schema = schema_of(table.name)
    tests: list[Any] = [] if is_appended(table) else ["one_table_version"]
    if len(table.keys) > 1:
        tests.append({"unique_together": {"arguments": {"columns": list(table.keys)}}})
    columns = []
    for name, rules in schema["properties"].items():
        column = described(name, rules)
        if name in table.keys:  # in PostgreSQL, names with capitals need quotes; elsewhere, they would do harm
            column["quote"] = '{{ (target.type == "postgres") | as_bool }}'
            column["data_tests"] = ["not_null"] if len(table.keys) > 1 else ["not_null", "unique"]
        columns.append(column)
    own = {} if isinstance(table, Kind) else SYNCS_CONFIG
    config = {"enabled": unless_left_out(table.name)} | own
    found = {"name": table.name, "description": description_of(table.name), "config": config}
    return found | ({"data_tests": tests} if tests else {}) | {"columns": columns}


def described(name: str, rules: dict[str, Any]) -> dict[str, Any]:
    """Return a column with its description, and tags that programs read."""
    meta: dict[str, Any] = {"personal_data": True} if rules["x-personal-data"] else {}
    meta |= {"unit": rules["x-unit"]} if "x-unit" in rules else {}
    column = {"name": name, "description": rules["description"].removesuffix("Personal data.").strip()}
    return column | ({"config": {"meta": meta}} if meta else {})


def unless_left_out(stream: str) -> str:
    """Return what is true unless the user says that a stream is not loaded."""
    return f'{{{{ ("{stream}" not in var("not_loaded")) | as_bool }}}}'


def staging(stream: str) -> str:
    """Return the name of a staging model."""
    return f"stg_ycm__{stream}"


def snake(path: str) -> str:
    """Return the name of a column in a staging model."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|\.", "_", path).lower()
    return RESERVED.get(name, name)


def staged(table: Table) -> list[Field]:
    """Return what becomes a column of a staging model: columns, and what is in objects in their place."""
    return [
        field
        for field in fields(schema_of(table.name))
        if plain_type(field.rules) != "object" and "[]" not in field.path
    ]


def staging_model(table: Table) -> dict[str, Any]:
    """Return the description of a staging model."""
    words = "" if is_appended(table) else " Living ones only."
    columns = [
        described(snake(field.path), field.rules) | relationship(table, field.path, field.rules)
        for field in staged(table)
    ]
    columns.append({"name": "extracted_at", "description": "When the tap read the row."})
    return {"name": staging(table.name), "description": description_of(table.name) + words, "columns": columns}


def relationship(table: Table, path: str, rules: dict[str, Any]) -> dict[str, Any]:
    """Return the test of a reference, if the column is one."""
    reference = rules.get("x-references")
    if not reference or is_appended(table) or "array" in rules["type"]:
        return {}
    stream, _, column = reference.partition(".")
    asked_with = isinstance(table, Kind) and stream == table.parent and path == key_of_parent(table)
    config = {"severity": "error" if asked_with else "warn", "enabled": unless_left_out(stream)}
    arguments = {"to": f"ref('{staging(stream)}')", "field": snake(column)}
    return {"data_tests": [{"relationships": {"arguments": arguments, "config": config}}]}


def key_of_parent(kind: Kind) -> str | None:
    """Return the column that holds the key of the parent."""
    return kind.column if isinstance(kind, Children) else kind.placeholder


def staging_sql(table: Table) -> str:
    """Return a staging model."""
    renamed = renamed_columns(table.name)
    columns = []
    for field in staged(table):
        also = f", also='{renamed[field.path]}'" if field.path in renamed else ""
        kind = TYPES[plain_type(field.rules)]
        columns.append(f"    {{{{ loaded(columns, '{field.path}', '{kind}'{also}) }}}} as {snake(field.path)},\n")
    rows = f"all_rows('{table.name}')" if is_appended(table) else f"living_rows('{table.name}', columns)"
    return (
        f"-- Made by scripts/generate.py from schemas/{table.name}.json.\n"
        f"{{%- set columns = loaded_columns('{table.name}') %}}\n\n"
        f"select\n{''.join(columns)}"
        f"    {{{{ loaded(columns, '_sdc_extracted_at', 'timestamp') }}}} as extracted_at\n"
        f"from {{{{ {rows} }}}}\n"
    )


def renamed_columns(stream: str) -> dict[str, str]:
    """Return the new names of the columns that the stream maps in meltano.yml rename for PostgreSQL."""
    loaders = yaml.safe_load((PROJECT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]["loaders"]
    (postgres,) = (loader for loader in loaders if loader["name"] == "target-postgres")
    maps = next(setting["value"] for setting in postgres["settings"] if setting["name"] == "stream_maps")
    return {old: new for new, old in maps.get(stream, {}).items() if old != "__NULL__"}


def lists_of_references(table: Table) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """Return the columns that hold several references, and what is in an element by its path there ("" is itself)."""
    for name, rules in schema_of(table.name)["properties"].items():
        items = rules.get("items", {})
        if items and "x-references" in rules:  # the list of IDs has what an element has
            yield name, {"": {**rules, **items, "description": f"One of {name}: {rules['description']}"}}
        elif any("x-references" in inner for inner in items.get("properties", {}).values()):
            yield name, items["properties"]


def elements(table: Table, field: str) -> str:
    """Return the name of the model with the elements of a column."""
    return f"{staging(table.name)}__{snake(field)}"


def names_of(table: Table, field: str, within: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the columns of the model with elements: first the key of the row they are in."""
    (key,) = table.keys
    owner = f"{table.name.removesuffix('s')}_id" if key == "id" else snake(key)
    return {key: owner} | {path: snake(path or field.removesuffix("s")) for path in within}


def element_models(table: Table) -> Iterator[dict[str, Any]]:
    """Return the descriptions of the models with elements."""
    (key, *_), properties = table.keys, schema_of(table.name)["properties"]
    for field, within in lists_of_references(table):
        names = names_of(table, field, within)
        columns = [described(names[key], properties[key])]
        columns += [
            described(names[path], rules) | relationship(table, f"{field}[]{path}", rules)
            for path, rules in within.items()
        ]
        words = f"One row for each element of {snake(field)} in {staging(table.name)}."
        yield {"name": elements(table, field), "description": words, "columns": columns}


def elements_sql(table: Table, field: str, within: dict[str, dict[str, Any]]) -> str:
    """Return the model with the elements of a column."""
    (key,), names = table.keys, names_of(table, field, within)
    columns = [f"    whole.{snake(key)} as {names[key]}"]
    columns += [
        f"    {{{{ part('element.value', {[path] if path else []}, '{TYPES[plain_type(rules)]}') }}}} as {names[path]}"
        for path, rules in within.items()
    ]
    selected = ",\n".join(columns)
    return (
        f"-- Made by scripts/generate.py from schemas/{table.name}.json.\n\n"
        f"select\n{selected}\n"
        f"from {{{{ ref('{staging(table.name)}') }}}} as whole\n"
        f"{{{{ each_element('whole.{snake(field)}') }}}}\n"
    )
