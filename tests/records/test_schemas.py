"""The schemas: one way of saying things, and nothing in them that should not be loaded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from tap_ycm.records.secret_names import looks_secret
from tap_ycm.streams import SYNCS

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMAS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[2] / "schemas").glob("*.json"))
}
INT64 = {"minimum": -(2**63), "maximum": 2**63 - 1}
WITHOUT_UNIT = {"enable", "enbOutboundProxy", "port", "outboundProxyPort", "exitStatus"}
"""Numbers that count nothing."""


def as_list(types: str | list[str]) -> list[str]:
    return [types] if isinstance(types, str) else types


def fields(rules: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return all documented fields in an object, those of nested objects too."""
    for name, field in rules.get("properties", {}).items():
        yield name, field
        yield from fields(field)
        yield from fields(field.get("items", {}))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_says_all_that_is_made_from_it(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    if name != SYNCS.name:  # the tap's own, of which the vendor knows nothing
        assert re.search(r"GET /dm/open_api/v.* \(vendor page [a-z0-9-]+[ )]", schema["description"])
    keys = set(schema["required"])
    assert keys <= set(schema["properties"])
    for field, rules in fields(schema):
        assert rules["description"].endswith(".")
        assert rules["description"].endswith("Personal data.") == rules["x-personal-data"], field
        if "." in (reference := rules.get("x-references", "")):
            stream, _, column = reference.partition(".")
            assert column in SCHEMAS[stream]["required"], field
        is_number = bool({"integer", "number"} & set(as_list(rules["type"])))
        is_id = field == "id" or field.endswith("Id")
        assert ("x-unit" in rules) == (is_number and not is_id and field not in WITHOUT_UNIT), field
        assert not re.search(r"\bin (seconds|minutes)\b", rules["description"]) or rules["x-unit"] == "not documented"
    for field, rules in schema["properties"].items():
        assert ("null" not in rules["type"]) == (field in keys), field


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_is_within_a_column_is_described_alike(name: str) -> None:
    def nested(rules: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for inner in (*rules.get("properties", {}).values(), *([rules["items"]] if "items" in rules else ())):
            yield inner
            yield from nested(inner)

    for rules in nested(SCHEMAS[name]):
        types = as_list(rules["type"])
        if "integer" in types:  # all records keep to it, and targets choose the type of a column by it
            assert INT64.items() <= rules.items()
        if "object" in types:
            assert rules["properties"]
            assert rules["additionalProperties"] is True
        assert ("array" in types) == ("items" in rules)


def test_no_schema_asks_for_a_secret() -> None:
    names = {field for schema in SCHEMAS.values() for field, _ in fields(schema) if looks_secret(field)}
    assert names == {"passwordlessLogin", "allowSuperiorPasswordlessLogin"}  # switches
