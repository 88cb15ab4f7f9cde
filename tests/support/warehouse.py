"""What a target holds of every stream, and what it ought to hold by the sandbox's truth."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests
from harness import SCHEMAS

from tap_ycm.streams import STREAMS, SYNCS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness import Run

    from tap_ycm.sandbox import Sandbox

Key = tuple[Any, ...]
Table = dict[Key, dict[str, Any]]

KINDS = {kind.name: kind for kind in STREAMS}
KEYS = {table.name: table.keys for table in (*STREAMS, SYNCS)}
CURRENT = [name for name, kind in KINDS.items() if "snapshotAt" not in kind.keys]
"""Streams whose tables show what is; the others add a row with each sync."""


@dataclass
class Warehouse:
    """Tables with versions, as the SDK's targets keep them, and the last state.

    Attributes:
        tables: Records by stream and key.
        versions: The version of each row.
        state: What the next run gets.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    versions: dict[str, dict[Key, int | None]] = field(default_factory=dict)
    state: dict[str, Any] | None = None

    def take(self, run: Run, most: int | None = None) -> None:
        """Load what a run wrote; of one that died, the first so many messages."""
        for message in run.messages[:most]:
            name = message.get("stream", "")
            table, versions = self.tables.setdefault(name, {}), self.versions.setdefault(name, {})
            if message["type"] == "RECORD":
                key = tuple(message["record"][column] for column in KEYS[name])
                table[key] = message["record"]
                versions[key] = message.get("version")
            elif message["type"] == "ACTIVATE_VERSION":
                for key, version in list(versions.items()):
                    if version is None or version < message["version"]:
                        del table[key], versions[key]
            elif message["type"] == "STATE":
                self.state = message["value"]

    def rows(self, name: str) -> Table:
        return self.tables.get(name, {})


def truth(ycm: Sandbox, name: str) -> Table:
    """Return what a table ought to hold now, by key; of snapshots without the time."""
    lines = requests.get(f"{ycm.url}/sandbox/truth?table={name}", timeout=10).content.splitlines()
    rows = [json.loads(line) for line in lines if line]
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    records = [_object(schema, row) for row in rows]
    for record in records:
        record.pop("snapshotAt", None)
    return {key_of(name, record): record for record in records}


def key_of(name: str, record: dict[str, Any]) -> Key:
    return tuple(record[column] for column in KINDS[name].keys if column != "snapshotAt")


def without_time(name: str, records: Iterable[dict[str, Any]]) -> Table:
    """Return the records of one snapshot like :func:`truth` does."""
    return {
        key_of(name, record): {column: value for column, value in record.items() if column != "snapshotAt"}
        for record in records
    }


def _object(rules: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as the schema has it: every documented field, and what is not documented only within objects."""
    return {name: _value(inner, row.get(name)) for name, inner in rules["properties"].items()}


def _value(rules: dict[str, Any], value: Any) -> Any:
    if value is None:
        return None
    kinds = rules["type"] if isinstance(rules["type"], list) else [rules["type"]]
    if rules.get("format") == "date-time":
        return datetime.fromtimestamp(int(value), UTC).isoformat()
    if "object" in kinds:
        return {**value, **_object(rules, value)} if "properties" in rules else value
    if "array" in kinds:
        return [_value(rules["items"], one) for one in value]
    if "integer" in kinds:
        return int(value)
    return value
