"""The source speaks the Airbyte protocol, by its published models: what it offers, and whether it can be reached."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from airbyte_platform import checked
from harness import SCHEMAS, settings_for
from jsonschema import Draft7Validator

from tap_ycm.sandbox import Assumptions
from tap_ycm.settings import SETTINGS
from tap_ycm.streams import STREAMS, SYNCS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness import Run

    from tap_ycm.sandbox import Sandbox

PROPERTIES: dict[str, dict[str, Any]] = SETTINGS["properties"]


def only(run: Run, kind: str) -> dict[str, Any]:
    """Return the one message of a kind; all others are of the log."""
    messages = [message for message in checked(run) if message["type"] != "LOG"]
    assert [message["type"] for message in messages] == [kind], run.stdout
    return messages[0]


def test_the_specification_has_the_settings_of_the_tap(source: Callable[..., Run]) -> None:
    run = source("spec")
    assert run.status == 0
    spec = only(run, "SPEC")["spec"]["connectionSpecification"]
    Draft7Validator.check_schema(spec)
    assert spec["required"] == ["client_id", "client_secret"]
    for name, rules in spec["properties"].items():
        assert rules["title"]
        assert rules["description"]
        if name == "spool_folder":
            continue
        own = PROPERTIES[name]
        assert rules["type"] in own["type"]
        for fact in ("default", "enum", "minimum", "maximum", "title"):
            assert rules.get(fact) == own.get(fact), name
        assert rules.get("airbyte_secret", False) == own.get("secret", False)
    assert [rules["order"] for rules in spec["properties"].values()] == list(range(len(spec["properties"])))
    assert list(spec["properties"])[:3] == ["base_url", "client_id", "client_secret"]
    assert PROPERTIES.keys() - spec["properties"].keys() == {
        "client_secret_file",
        "access_token",
        "access_token_file",
        "emit_activate_version_messages",
        "resume_max_age",
        "report_path",
    }


def test_what_a_form_gives_is_accepted(source: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    """Airbyte's form fills in the defaults, and leaves what is empty out or null."""
    spec = only(source("spec"), "SPEC")["spec"]["connectionSpecification"]
    defaults = {name: rules["default"] for name, rules in spec["properties"].items() if "default" in rules}
    config = defaults | settings_for(sandbox(3)) | {"user_agent": None, "ca_bundle": ""}
    Draft7Validator({**spec, "properties": {}}).validate(config)
    assert only(source("check", config=config), "CONNECTION_STATUS")["connectionStatus"] == {"status": "SUCCEEDED"}


WRONG: dict[str, tuple[dict[str, object], str]] = {
    "secret": ({"client_secret": "c4n4ry"}, "check client_id and client_secret"),
    "no secret": ({"client_secret": None}, "setting client_secret is missing: the two go together"),
    "a value": ({"page_size": "c4n4ry"}, "setting page_size must be a whole number"),
    "a name": ({"pagesize": 5}, "unknown setting pagesize: did you mean page_size?"),
    "left out": ({"report_path": "c4n4ry"}, "unknown setting report_path"),
    "the SDK's": ({"stream_maps": {"customers": "c4n4ry"}}, "unknown setting stream_maps"),
    "folder": (
        {"spool_folder": "/nowhere/c4n4ry"},
        "records cannot be kept in the folder of spool_folder: No such file or directory",
    ),
    "folder's type": ({"spool_folder": 5}, "setting spool_folder must be a string"),
    "address": ({"base_url": "http://127.0.0.1:9"}, "nothing listens at"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_check_that_fails_says_why_in_one_sentence(
    case: str, source: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    wrong, sentence = WRONG[case]
    ycm = sandbox(3)
    run = source("check", config=settings_for(ycm) | wrong)
    assert len(ycm.requests) == (1 if case == "secret" else 0)  # what every list would meet is met once
    assert (run.status, run.log) == (0, "")
    status = only(run, "CONNECTION_STATUS")["connectionStatus"]
    assert status["status"] == "FAILED"
    assert sentence in status["message"]
    assert "c4n4ry" not in run.stdout


def test_one_list_that_can_be_read_is_enough(source: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    ycm = sandbox(3, assumptions=Assumptions(denied=("customers", "cloud_pbxs")))
    assert only(source("check", config=settings_for(ycm)), "CONNECTION_STATUS")["connectionStatus"] == {
        "status": "SUCCEEDED"
    }
    assert [request.endpoint for request in ycm.requests] == ["token", "customers", "cloud_pbxs", "users"]
    ycm.assumptions = Assumptions(denied=tuple(kind.name for kind in STREAMS))
    ycm.reset_log()
    status = only(source("check", config=settings_for(ycm)), "CONNECTION_STATUS")["connectionStatus"]
    assert len(ycm.requests) == 1 + len([kind for kind in STREAMS if not kind.parent])
    assert status["status"] == "FAILED"
    assert "1000043" in status["message"]


def test_what_every_list_would_meet_fails_the_check(
    source: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(3, faults=["customers:1:error=1000040"])
    status = only(source("check", config=settings_for(ycm)), "CONNECTION_STATUS")["connectionStatus"]
    assert status["status"] == "FAILED"
    assert "1000040 RATE_LIMIT_EXCEEDED" in status["message"]


def test_every_stream_is_discovered_without_a_request(
    source: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(3)
    run = source("discover", config=settings_for(ycm))
    assert (run.status, run.log, ycm.requests) == (0, "", [])
    streams = {stream["name"]: stream for stream in only(run, "CATALOG")["catalog"]["streams"]}
    assert list(streams) == [table.name for table in (*STREAMS, SYNCS)]
    for table in (*STREAMS, SYNCS):
        stream = streams[table.name]
        assert stream["source_defined_primary_key"] == [[key] for key in table.keys]
        schema = stream["json_schema"]
        Draft7Validator.check_schema(schema)
        own = json.loads((SCHEMAS / f"{table.name}.json").read_text(encoding="utf-8"))
        assert set(schema["properties"]) == set(own["properties"])
        for name, rules in schema["properties"].items():
            assert (rules.get("airbyte_type") == "timestamp_with_timezone") == (rules.get("format") == "date-time"), (
                name
            )
        history = "snapshotAt" in table.keys or table is SYNCS
        assert stream["supported_sync_modes"] == (["incremental"] if history else ["full_refresh"])
        if history:
            assert stream["source_defined_cursor"] is True
            [cursor] = stream["default_cursor_field"]
            assert schema["properties"][cursor]["format"] == "date-time"
        else:
            assert stream["is_resumable"] is False  # or Airbyte would go on where another attempt stopped


def test_a_column_for_unknown_fields_is_discovered_if_it_is_wanted(
    source: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    run = source("discover", config=settings_for(sandbox(3), unknown_fields="keep"))
    streams = {stream["name"]: stream for stream in only(run, "CATALOG")["catalog"]["streams"]}
    assert "_extra" in streams["customers"]["json_schema"]["properties"]
    assert "_extra" not in streams["syncs"]["json_schema"]["properties"]


BAD_FILES: dict[str, tuple[dict[str, Any], str]] = {
    "config": ({"config": []}, "the file of --config must hold a JSON object"),
    "catalog": ({"catalog": {"streams": [{}]}}, "the file of --catalog is damaged: discover the streams anew"),
    "catalog without streams": ({"catalog": {}}, "the file of --catalog is damaged"),
    "empty catalog": ({"catalog": {"streams": []}}, "the catalog selects nothing"),
    "state": ({"state": [{"stream": {}}]}, "the states in the file of --state are not of this source"),
    "state of another kind": ({"state": [{"type": "GLOBAL", "global": {"stream_states": []}}]}, "not of this source"),
    "memory": (
        {"state": [{"stream": {"stream_descriptor": {"name": "syncs"}, "stream_state": {"lists": {"users": 3}}}}]},
        "not of this source",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_damaged_file_is_one_sentence(case: str, source: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    wrong, sentence = BAD_FILES[case]
    customers = {"stream": {"name": "customers", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}}
    files = {"config": settings_for(sandbox(3)), "catalog": {"streams": [customers]}} | wrong
    run = source("read", **files)
    assert (run.status, run.log) == (1, "")
    error = only(run, "TRACE")["trace"]["error"]
    assert sentence in error["message"]
    assert error["failure_type"] == "config_error"


def test_a_file_that_is_not_there_is_one_sentence(source: Callable[..., Run], tmp_path: Path) -> None:
    run = source("read", "--config", str(tmp_path / "c4n4ry"), "--catalog", str(tmp_path / "c4n4ry"))
    assert run.status == 1
    assert only(run, "TRACE")["trace"]["error"]["message"] == "--config must name a readable file that holds JSON"
