"""The rows of one stream held against its schema: names and types, no value. Pure."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from tap_ycm.kinds import SNAPSHOT_AT, Children
from tap_ycm.probe.observation import json_type, names
from tap_ycm.records.reader import RowReader
from tap_ycm.schema_files import schema_directory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_ycm.kinds import Kind

__all__ = ["Fields", "fields_of"]


@dataclass(frozen=True, slots=True)
class Fields:
    """What the rows of a stream have in common, and what not.

    Attributes:
        unknown: Names that the schema lacks.
        in_vain: Names of the schema that no row has.
        types: JSON types of fields that come in another type than the schema says.
        unfit: How many values of each column are no values for it, and would become null.
        left_out: Whether some rows lack a field that others have.
        null: Whether a field is null in some row.
        blank: Whether a field is empty text in some row.
    """

    unknown: list[str] = field(default_factory=list)
    in_vain: list[str] = field(default_factory=list)
    types: dict[str, list[str]] = field(default_factory=dict)
    unfit: dict[str, int] = field(default_factory=dict)
    left_out: bool = False
    null: bool = False
    blank: bool = False


def fields_of(kind: Kind, rows: Iterable[Any]) -> Fields:
    """Hold rows against the schema of their stream.

    Args:
        kind: The stream.
        rows: Rows as YCM sent them; what is no object is left out.
    """
    made_by_tap = {SNAPSHOT_AT, *((kind.column, *kind.texts) if isinstance(kind, Children) else ())}
    properties = {name: rules for name, rules in _schema(kind.name).items() if name not in made_by_tap}
    given = [row for row in rows if isinstance(row, dict)]
    seen: defaultdict[str, set[str]] = defaultdict(set)
    times: defaultdict[str, int] = defaultdict(int)
    for row in given:
        for name, value in row.items():
            seen[name].add("blank" if value == "" else json_type(value))
            times[name] += 1
    reader = RowReader(
        kind.name,
        {"properties": properties},
        keys=(),
        columns=list(properties),
        unknown_fields="warn",
        warn=lambda _: None,
    )
    for _ in reader.records(given):
        pass
    return Fields(
        unknown=names(seen.keys() - properties.keys() - made_by_tap),
        in_vain=sorted(properties.keys() - seen.keys()) if given else [],
        types={
            name: sorted(others)
            for name, rules in properties.items()
            if (others := seen.get(name, set()) - {_wanted(rules), "null", "blank"})
        },
        unfit=dict(sorted(reader.misfits.items())),
        left_out=any(count < len(given) for count in times.values()),
        null=any("null" in kinds for name, kinds in seen.items() if name in properties),
        blank=any("blank" in kinds for name, kinds in seen.items() if name in properties),
    )


def _wanted(rules: dict[str, Any]) -> str:
    """Return the JSON type in which YCM documents a column; times are seconds."""
    if rules.get("format") == "date-time":
        return "integer"
    kinds = [rules["type"]] if isinstance(rules["type"], str) else rules["type"]
    return next(str(kind) for kind in kinds if kind != "null")


@cache
def _schema(stream: str) -> dict[str, Any]:
    """Return the columns of a stream."""
    text = (schema_directory() / f"{stream}.json").read_text(encoding="utf-8")
    properties: dict[str, Any] = json.loads(text)["properties"]
    return properties
