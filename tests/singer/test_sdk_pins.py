"""The private members of the SDK that the tap uses or replaces; a change of them shows here."""

from __future__ import annotations

import ast
import inspect
import json
from itertools import groupby
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
from harness import settings_for
from singer_sdk import Tap
from singer_sdk.streams import Stream

from tap_ycm.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Run

    from tap_ycm.sandbox import Sandbox


def test_the_private_members_are_as_they_were() -> None:
    assert list(inspect.signature(Stream._write_activate_version_message).parameters) == ["self", "full_table_version"]
    assert list(inspect.signature(Stream._write_schema_message).parameters) == ["self"]
    assert "version=self._stream_version" in inspect.getsource(Stream._generate_record_messages)
    # What YCMStream replaces; tests/singer/test_messages_as_the_sdk.py holds the outcome against the original.
    assert list(inspect.signature(Stream._generate_record_messages).parameters) == ["self", "record"]
    assert "in self._generate_record_messages(record)" in inspect.getsource(Stream._write_record_message)
    # What the tap leaves out of each record: partitions and children, of which it has none in the SDK's sense.
    parameters = ["self", "record", "child_context", "partition_context"]
    assert list(inspect.signature(Stream._process_record).parameters) == parameters
    # What the source for Airbyte replaces, for it logs.
    assert list(inspect.signature(Tap._setup_signal_handlers).parameters) == ["self"]
    assert "_handle_termination" in inspect.getsource(Tap._setup_signal_handlers)
    # sync() is final: what it would send before the first record is switched off by this one public property.
    assert "and self.emit_activate_version_messages" in inspect.getsource(Stream.sync)
    # What tap_ycm.singer.run does in place of sync_all: the rest is about replication keys, children and costs.
    calls = [
        node.func for node in ast.walk(ast.parse(dedent(inspect.getsource(Tap.sync_all)))) if isinstance(node, ast.Call)
    ]
    assert {call.attr for call in calls if isinstance(call, ast.Attribute)} == {
        "_reset_state_progress_markers",
        "_set_compatible_replication_methods",
        "write_state",
        "values",
        "info",
        "debug",
        "sync",
        "finalize_state_progress_markers",
        "log_sync_costs",
    }


@pytest.mark.parametrize("wanted", [True, False])
def test_activate_version_comes_after_the_last_record_or_not_at_all(
    wanted: bool,  # noqa: FBT001 - a parameter of the test
    sandbox: Callable[..., Sandbox],
    tap: Callable[..., Run],
) -> None:
    maps = {"customers": {"__alias__": "clients"}, "north": {"__source__": "customers", "zone": "'north'"}}
    config = settings_for(sandbox(120), emit_activate_version_messages=wanted, stream_maps=maps)
    first = tap(config=config)
    assert not first.of_type("ACTIVATE_VERSION")  # the first sync notes what the target holds
    run = tap(config=config, state=first.state)
    types = ["SCHEMA", "RECORD", "ACTIVATE_VERSION", "STATE"] if wanted else ["SCHEMA", "RECORD"]
    assert run.types == ["STATE", *types]  # it begins with the state it was given, as the SDK does
    versions: set[Any] = {message.get("version") for message in run.of_type("RECORD")}
    activated = {(message["stream"], message["version"]) for message in run.of_type("ACTIVATE_VERSION")}
    if wanted:
        (version,) = versions
        assert isinstance(version, int)
        assert activated == {("clients", version), ("north", version)}
        assert run.bookmark["last_version"] == version
    else:
        assert versions == {None}
        assert not activated
        assert '"version"' not in run.stdout


def test_a_version_is_always_higher_than_the_last(sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    """Also when the clock went back, or another machine's clock is ahead."""
    ahead = 10**13 * 3
    config = settings_for(sandbox(3), emit_activate_version_messages=True)
    state = tap(config=config).state
    state["bookmarks"]["customers"]["last_version"] = ahead
    run = tap(config=config, state=state)
    assert run.of_type("ACTIVATE_VERSION")[0]["version"] == ahead + 1


def test_the_verdict_is_the_last_line_for_people_and_programs(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run], tmp_path: Any
) -> None:
    logging = tmp_path / "logging.yaml"
    logging.write_text(
        """
version: 1
disable_existing_loggers: false
formatters: {structured: {"()": singer_sdk.logging.StructuredFormatter}}
handlers: {stderr: {class: logging.StreamHandler, formatter: structured, stream: "ext://sys.stderr"}}
root: {level: INFO, handlers: [stderr]}
"""
    )
    ycm = sandbox(120)
    config = settings_for(ycm)
    plain = tap(config=config)
    assert plain.log.splitlines()[-1].endswith(f"customers: {plain.verdict}")
    structured = tap(config=config, env={"SINGER_SDK_LOG_CONFIG": str(logging)})
    last = json.loads([line for line in structured.log.splitlines() if line.startswith("{")][-1])
    assert last["logger_name"] == "tap-ycm.customers"
    facts = last["extra"]["verdict"]
    assert {name: facts[name] for name in ("stream", "status", "rows", "pages", "reason", "deletes")} == {
        "stream": "customers",
        "status": "complete",
        "rows": 120,
        "pages": 3,
        "reason": None,
        "deletes": "off",
    }


def test_the_verdict_of_each_stream_is_its_last_line(sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    run = tap(config=settings_for(sandbox(5)), catalog="all")
    lines = [line.split(" | ", 3)[2:] for line in run.log.splitlines() if " | tap-ycm." in line]
    ends = {name.strip(): list(group)[-1][1] for name, group in groupby(lines, key=lambda line: line[0])}
    assert list(ends) == [f"tap-ycm.{kind.name}" for kind in STREAMS]
    assert all(f"tap-ycm.{end.partition(': complete; ')[0]}" == name for name, end in ends.items())


def test_a_test_run_activates_nothing(sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    run = tap("--test", config=settings_for(sandbox(1), emit_activate_version_messages=True))
    assert run.status == 0
    assert run.stdout == ""
