"""A stand-in for Airbyte: judges all that a source writes, keeps its tables and its states as the platform does."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airbyte_protocol.models import AirbyteMessage, AirbyteStateBlob, ConfiguredAirbyteCatalog
from pydantic import BaseModel
from warehouse import KEYS, Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Run

Message = dict[str, Any]
OVERWRITE, APPEND = ("full_refresh", "overwrite"), ("incremental", "append")


@dataclass
class Platform:
    """Connections of one source: tables that are overwritten or appended to, states, the last sync.

    Attributes:
        source: Runs the source.
        config: Its settings.
        streams: What discovery gave, by name.
        selected: Names of the streams to read; None for all.
        tables: Records by stream and key.
        last: Those of the last sync alone.
        states: The last state message of each stream.
        messages: What the last sync wrote.
        duplicates: How many records had the key of another one in the same sync.
    """

    source: Callable[..., Run]
    config: dict[str, object]
    selected: list[str] | None = None
    streams: dict[str, Message] = field(default_factory=dict)
    tables: dict[str, dict[Key, dict[str, Any]]] = field(default_factory=dict)
    last: dict[str, dict[Key, dict[str, Any]]] = field(default_factory=dict)
    states: dict[str, Message] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    duplicates: int = 0

    def discover(self) -> None:
        run = self.source("discover", config=self.config)
        [found] = [message["catalog"] for message in checked(run) if message["type"] == "CATALOG"]
        self.streams = {stream["name"]: stream for stream in found["streams"]}

    def catalog(self) -> Message:
        """Return the configured catalog: every stream in the first mode that it supports."""
        if not self.streams:
            self.discover()
        names = self.selected if self.selected is not None else list(self.streams)
        entries = []
        for name in names:
            stream = self.streams[name]
            mode = stream["supported_sync_modes"][0]
            sync, destination = OVERWRITE if mode == "full_refresh" else APPEND
            entries.append(
                {
                    "stream": stream,
                    "sync_mode": sync,
                    "destination_sync_mode": destination,
                    "primary_key": stream["source_defined_primary_key"],
                    "cursor_field": stream.get("default_cursor_field", []),
                    "generation_id": 1,
                    "minimum_generation_id": 1,
                    "sync_id": 1,
                }
            )
        catalog = {"streams": entries}
        ConfiguredAirbyteCatalog.model_validate(catalog)
        return catalog

    def sync(self, status: int = 0, **settings: object) -> Run:
        """Run one, which must end so."""
        catalog = self.catalog()
        # The platform forgets the states of full refreshes when a sync begins, and when it tries one again.
        lists = {entry["stream"]["name"] for entry in catalog["streams"] if entry["sync_mode"] == "full_refresh"}
        given = [state for name, state in self.states.items() if name not in lists]
        run = self.source("read", config=self.config | settings, catalog=catalog, state=given)
        assert run.status == status, run.stdout[-3000:] + run.log
        assert run.log == ""  # everything is a message
        self.messages = checked(run)
        self.take(catalog)
        return run

    def take(self, catalog: Message) -> None:
        """Load what a sync wrote, and hold it against the rules of the protocol."""
        status: dict[str, str] = {}
        records: dict[str, dict[Key, dict[str, Any]]] = {}
        since_state: Counter[str] = Counter()
        counted: Counter[str] = Counter()
        self.duplicates = 0
        configured = {entry["stream"]["name"]: entry for entry in catalog["streams"]}
        for message in self.messages:
            if message["type"] == "RECORD":
                name = message["record"]["stream"]
                assert status[name] == "RUNNING"
                key = tuple(message["record"]["data"][column] for column in KEYS[name])
                self.duplicates += key in records.setdefault(name, {})
                records[name][key] = message["record"]["data"]
                since_state[name] += 1
            elif message["type"] == "STATE":
                name = message["state"]["stream"]["stream_descriptor"]["name"]
                assert status[name] == "RUNNING"
                assert message["state"]["sourceStats"] == {"recordCount": since_state.pop(name, 0)}
                counted[name] += message["state"]["sourceStats"]["recordCount"]
                self.states[name] = message["state"]
            elif message["type"] == "TRACE" and message["trace"]["type"] == "STREAM_STATUS":
                name = message["trace"]["stream_status"]["stream_descriptor"]["name"]
                now = message["trace"]["stream_status"]["status"]
                assert (status.get(name), now) in {
                    (None, "STARTED"),
                    ("STARTED", "RUNNING"),
                    ("STARTED", "INCOMPLETE"),
                    ("RUNNING", "COMPLETE"),
                }
                assert name in configured
                status[name] = now
        assert not since_state
        assert status.keys() == configured.keys()
        self.status, self.last = status, records
        for name, end in status.items():
            rows = records.get(name, {})
            assert len(rows) + self.duplicates >= counted[name]
            if end != "COMPLETE":
                assert end == "INCOMPLETE"
                assert not rows
            elif configured[name]["destination_sync_mode"] == "overwrite":
                self.tables[name] = rows
            else:
                self.tables.setdefault(name, {}).update(rows)

    status: dict[str, str] = field(default_factory=dict)

    @property
    def incomplete(self) -> set[str]:
        return {name for name, status in self.status.items() if status == "INCOMPLETE"}

    @property
    def errors(self) -> dict[str | None, Message]:
        """The errors of the last sync by stream."""
        found = [message["trace"]["error"] for message in self.messages if message["type"] == "TRACE"
                 and message["trace"]["type"] == "ERROR"]  # fmt: skip
        by_stream = {error.get("stream_descriptor", {}).get("name"): error for error in found}
        assert len(by_stream) == len(found)
        return by_stream

    @property
    def logs(self) -> list[str]:
        return [message["log"]["message"] for message in self.messages if message["type"] == "LOG"]


def checked(run: Run) -> list[Message]:
    """Return the messages of a run, all of them as the protocol's published models want them."""
    messages = []
    for line in run.stdout.split("\n")[:-1]:
        message = AirbyteMessage.model_validate_json(line)
        assert_nothing_unknown(message)
        messages.append(json.loads(line))
        assert messages[-1].keys() == {"type", next(iter(messages[-1].keys() - {"type"}))}
    assert run.stdout == "" or run.stdout.endswith("\n")
    return messages


def assert_nothing_unknown(model: BaseModel) -> None:
    """Models allow what they do not know, a misspelt name among it; only states may hold anything."""
    if isinstance(model, AirbyteStateBlob):
        return
    assert not model.model_extra, model.model_extra
    for name in type(model).model_fields:
        value = getattr(model, name)
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, BaseModel):
                assert_nothing_unknown(inner)
