"""Catalogs: what Airbyte is told of the streams, and what it wants of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_ycm.errors import TapError
from tap_ycm.kinds import SNAPSHOT_AT, Kind, Table
from tap_ycm.records.reader import EXTRA
from tap_ycm.schema_files import schema_directory
from tap_ycm.streams import STREAMS, SYNCS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TABLES", "Wanted", "airbyte_stream", "is_history", "wanted"]

TABLES: dict[str, Table] = {table.name: table for table in (*STREAMS, SYNCS)}
"""Every stream by its name."""

_TIMESTAMP = {"airbyte_type": "timestamp_with_timezone"}
_DRAFT = "http://json-schema.org/draft-07/schema#"  # that of the protocol


@dataclass(frozen=True, slots=True)
class Wanted:
    """What Airbyte wants to be read.

    Attributes:
        streams: Names of streams, in the order of the catalog.
        foreign: Names in the catalog that no stream has.
        catalog: The same for the tap.
    """

    streams: tuple[str, ...]
    foreign: tuple[str, ...]
    catalog: dict[str, Any]


def is_history(table: Table) -> bool:
    """Tell whether rows are only ever added: a destination must not overwrite them, for YCM keeps no older ones."""
    return table is SYNCS or (isinstance(table, Kind) and table.is_appended)


def airbyte_stream(table: Table, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a stream can be read.

    Args:
        table: The stream.
        schema: JSON schema of its records.
    """
    stream: dict[str, Any] = {
        "name": table.name,
        "json_schema": {**_typed(schema), "$schema": _DRAFT},
        "source_defined_primary_key": [[key] for key in table.keys],
    }
    if is_history(table):
        cursor = "ended" if table is SYNCS else SNAPSHOT_AT
        return stream | {
            "supported_sync_modes": ["incremental"],
            "source_defined_cursor": True,
            "default_cursor_field": [cursor],
        }
    # Not resumable: another attempt reads everything again, so Airbyte must begin the table anew.
    return stream | {"supported_sync_modes": ["full_refresh"], "is_resumable": False}


def wanted(configured: Mapping[str, Any], *, keeps_unknown: bool) -> Wanted:
    """Read a configured catalog.

    Args:
        configured: What Airbyte gave.
        keeps_unknown: Whether lists have a column for fields that their schemas do not know.

    Raises:
        TapError: It is none.
    """
    try:
        columns = {
            entry["stream"]["name"]: set(entry["stream"].get("json_schema", {}).get("properties", {}))
            for entry in configured["streams"]
        }
    except (KeyError, TypeError, AttributeError):
        sentence = "the file of --catalog is damaged: discover the streams anew"
        raise TapError(sentence) from None
    known = tuple(name for name in columns if name in TABLES)
    entries = [_singer_entry(TABLES[name], columns[name], keeps_unknown=keeps_unknown) for name in known]
    return Wanted(known, tuple(name for name in columns if name not in TABLES), {"streams": entries})


def _singer_entry(table: Table, columns: set[str], *, keeps_unknown: bool) -> dict[str, Any]:
    """Return the entry of a stream in the tap's catalog, with some columns selected; all of them if none is named."""
    schema = json.loads((schema_directory() / f"{table.name}.json").read_text(encoding="utf-8"))
    everything: dict[str, Any] = {"breadcrumb": [], "metadata": {"inclusion": "available", "selected": True}}
    names = {*schema["properties"], *columns, *([EXTRA] if keeps_unknown and table is not SYNCS else ())}
    metadata = [
        {
            "breadcrumb": ["properties", name],
            "metadata": {
                "inclusion": "automatic" if name in table.keys else "available",
                "selected": not columns or name in columns or name in table.keys,
            },
        }
        for name in sorted(names)
    ]
    return {
        "tap_stream_id": table.name,
        "stream": table.name,
        "schema": schema,
        "key_properties": list(table.keys),
        "metadata": [everything, *metadata],
    }


def _typed(rules: Any) -> Any:
    """Return a schema with Airbyte's names for types that JSON schema does not tell apart."""
    if isinstance(rules, list):
        return [_typed(inner) for inner in rules]
    if not isinstance(rules, dict):
        return rules
    typed = {name: _typed(inner) for name, inner in rules.items()}
    return typed | _TIMESTAMP if rules.get("format") == "date-time" else typed
