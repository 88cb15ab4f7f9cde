"""Secrets: by any spelling, at any depth, in no record and in no warning."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tap_ycm.records.reader import RowReader
from tap_ycm.records.secret_names import looks_secret

SCHEMA = {
    "properties": {
        "id": {"type": "integer"},
        "passwordlessLogin": {"type": ["string", "null"]},
        "remark": {"type": ["string", "null"]},
        "creator": {"type": ["object", "null"], "properties": {"passwordlessLogin": {"type": ["string", "null"]}}},
        "trunks": {"type": ["array", "null"], "items": {"type": ["object", "null"]}},
    }
}
CANARY = "c4n4ry"
NAMES = [
    "password",
    "Password",
    "sipPassword",
    "sip_passwd",
    "PWD",
    "passphrase",
    "clientSecret",
    "access-token",
    "activationCode",
    "activation_url",
    "API Key",
    "x.apiKey2",
    "privateKey",
    "credentials",
    "accessKey",
    "Authorization",
    "sipPass",
    "smtp_pass",
    "pin",
    "userPin",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_is_known_by_its_name(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    ["remark", "pass", "bypass", "compass", "pinned", "key", "code", "activationStatus", "url", "api", "authName", ""],
)
def test_other_names_are_none(name: str) -> None:
    assert not looks_secret(name)


def read(row: dict[str, Any], unknown_fields: str) -> tuple[dict[str, Any], list[str]]:
    warnings: list[str] = []
    columns = [*SCHEMA["properties"], "_extra"]
    reader = RowReader(
        "trunks", SCHEMA, keys=["id"], columns=columns, unknown_fields=unknown_fields, warn=warnings.append
    )
    (record, again) = reader.records([row, row])
    assert record == again
    assert not reader.misfits
    return record, warnings


@pytest.mark.parametrize("unknown_fields", ["warn", "keep", "fail"])
@pytest.mark.parametrize("name", NAMES)
def test_no_secret_gets_into_a_record(name: str, unknown_fields: str) -> None:
    secret = {name: CANARY, "x": [{name: {"y": CANARY}, "z": 1}]}
    row = {"id": 7, name: CANARY, "remark": [secret], "creator": secret, "trunks": [secret]}
    record, warnings = read(row, unknown_fields)
    assert CANARY not in json.dumps([record, warnings])
    assert record["remark"] == '[{"x": [{"z": 1}]}]'
    assert record["creator"] == {"passwordlessLogin": None, "x": [{"z": 1}]}
    assert record["trunks"] == [{"x": [{"z": 1}]}]
    assert len(warnings) == (name != "password")
    assert all("looks like a secret, and is dropped" in warning for warning in warnings)
    if unknown_fields == "keep":
        assert record["_extra"] is None


def test_an_unknown_field_is_kept_without_the_secrets_in_it() -> None:
    record, warnings = read({"id": 7, "account": {"token": CANARY, "x": [{"pwd": CANARY}, 1]}}, "keep")
    assert record["_extra"] == {"account": {"x": [{}, 1]}}
    assert len(warnings) == 1


def test_a_documented_field_is_no_secret() -> None:
    record, warnings = read(
        {"id": 7, "passwordlessLogin": "Enabled", "creator": {"passwordlessLogin": "Disabled"}}, "warn"
    )
    assert record["passwordlessLogin"] == "Enabled"
    assert record["creator"] == {"passwordlessLogin": "Disabled"}
    assert warnings == []
