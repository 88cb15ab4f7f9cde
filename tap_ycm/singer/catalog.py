"""What is wrong with an input catalog: it may be older than the tap or its settings, or edited by hand.

What a catalog says of the tap's own facts, such as keys and types, is put right, with a warning. What it says of a
person's will cannot be guessed: a column left out by a name that does not exist ends the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import Metadata, Schema

from tap_ycm.errors import TapError
from tap_ycm.singer.names import did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from singer_sdk.singerlib import Catalog, CatalogEntry

__all__ = ["foreign_streams", "mend", "nothing_selected"]


def mend(
    entry: CatalogEntry, stream: str, keys: Sequence[str], columns: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Put a catalog's entry right, and yield a warning for each thing that was wrong.

    Args:
        entry: The stream's entry; changed in place.
        stream: The stream's name.
        keys: The key columns.
        columns: JSON schema of each column that the stream can have.

    Raises:
        TapError: It deselects a column that does not exist, and one with a name like that is selected.
    """
    entry.stream = stream
    if not entry.metadata:
        entry.metadata.root.selected = True  # as the SDK takes it, until something is in it
    yield from _mend_replication(entry, stream)
    yield from _mend_columns(entry, stream, keys, columns)
    yield from _mend_key(entry, stream, keys)
    yield from _mend_selection(entry, stream, keys, columns)


def _mend_replication(entry: CatalogEntry, stream: str) -> Iterator[str]:
    if entry.replication_key or (entry.replication_method or "FULL_TABLE") != "FULL_TABLE":
        # YCM has no "changed since", so there is nothing to replicate by.
        yield f"the catalog asks for another replication method, but {stream} is FULL_TABLE"
    entry.replication_key, entry.replication_method = None, "FULL_TABLE"
    entry.metadata.root.forced_replication_method = entry.metadata.root.replication_key = None


def _mend_columns(
    entry: CatalogEntry, stream: str, keys: Sequence[str], columns: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    given: dict[str, Schema] = entry.schema.properties or {}
    for key in [key for key in keys if key not in given]:
        yield f"the catalog lacks {key}, the key of {stream}: it is added"
        given = {key: Schema.from_dict(dict(columns[key])), **given}
    for name in sorted(given.keys() - columns.keys()):
        entry.metadata.pop(("properties", name), None)
        yield f"the catalog has a column {name}, which {stream} does not have: it is left out"
    entry.schema.properties = {name: schema for name, schema in given.items() if name in columns}
    for name, schema in entry.schema.properties.items():
        right = Schema.from_dict(dict(columns[name]))
        if _facts(schema) != _facts(right):
            yield f"the catalog gives {name} of {stream} another type: it stays {' or '.join(_types(right))}"
            right.x_sql_datatype = schema.x_sql_datatype
            right.x_sql_datatype_properties = schema.x_sql_datatype_properties
            entry.schema.properties[name] = right


def _mend_key(entry: CatalogEntry, stream: str, keys: Sequence[str]) -> Iterator[str]:
    asked = entry.key_properties or entry.metadata.root.table_key_properties
    if asked and list(asked) != list(keys):
        yield f"the catalog asks for other keys, but the key of {stream} is {', '.join(keys)}"
    entry.key_properties = list(keys)
    for key in keys:
        metadata = entry.metadata["properties", key]
        # Meltano deselects it where no pattern names it, and leaves it to "automatic" to keep it: that is no mistake.
        if metadata.inclusion != Metadata.InclusionType.AUTOMATIC and metadata.selected is False:
            yield f"the catalog deselects {key}, the key of {stream}: it is read all the same"
        metadata.inclusion = Metadata.InclusionType.AUTOMATIC


def _mend_selection(entry: CatalogEntry, stream: str, keys: Sequence[str], columns: Collection[str]) -> Iterator[str]:
    mask = entry.metadata.resolve_selection()
    selected = [name for name in entry.schema.properties or () if mask["properties", name]]
    for place, metadata in entry.metadata.items():
        if len(place) != 2 or place[1] in columns or metadata.selected is None:
            continue
        if metadata.selected:
            yield f"the catalog selects {place[1]}, which {stream} does not have: {did_you_mean(place[1], columns)}"
        elif meant := nearest(place[1], selected):
            sentence = f"the catalog deselects {place[1]}, which {stream} does not have: did you mean {meant}?"
            raise TapError(sentence)
    if len(columns) > len(keys) and set(selected) == set(keys):
        yield f"the catalog selects no column of {stream} but its key"


def foreign_streams(catalog: Catalog, streams: Collection[str]) -> Iterator[str]:
    """Yield a warning for each stream that a catalog selects and the tap does not have."""
    for name, entry in catalog.items():
        if name not in streams and entry.metadata.resolve_selection().get((), True):
            yield f"the catalog selects {name}, which is no stream: {did_you_mean(name, streams)}"


def nothing_selected(catalog: Catalog, streams: Collection[str]) -> str:
    """Say that a catalog selects no stream, and what its author may have meant."""
    foreign = [f"{name} is no stream, {did_you_mean(name, streams)}" for name in catalog if name not in streams]
    hint = "; ".join(foreign) or f"select some of {', '.join(streams)} (with Meltano, look at its select patterns)"
    return f"the catalog selects nothing: {hint}"


def _types(schema: Schema) -> list[str]:
    return [schema.type] if isinstance(schema.type, str) else schema.type or []


def _facts(schema: Schema) -> tuple[object, ...]:
    return (set(_types(schema)), schema.format, schema.minimum, schema.maximum)
