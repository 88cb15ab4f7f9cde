"""What people read about the streams, made from the table of streams and the schemas; ``generate.py`` writes it."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_ycm.kinds import Children, Kind, Sorted, Table, UnsortedPages
from tap_ycm.streams import STREAMS, SYNCS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CHILDREN",
    "TABLES",
    "Field",
    "catalogue",
    "description_of",
    "fields",
    "harmless_columns",
    "hub_list",
    "is_appended",
    "plain_type",
    "readme_table",
    "schema_of",
    "select_wishes",
]

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
VENDOR = "https://help.yeastar.com/en/yeastar-central-management/ycm-api"
TABLES: tuple[Table, ...] = (*STREAMS, SYNCS)
CHILDREN = tuple(kind.name for kind in STREAMS if isinstance(kind, Children))
"""The streams that take one request for each object of another stream."""

CATALOGUE_HEAD = """\
# Tables and columns

Made by `scripts/generate.py` from `tap_ycm/streams.py` and `schemas/`.

What is not set in YCM is null; keys never are. Unix seconds become a timestamp, and digits in a text become an integer
where the column has integers. Objects and arrays stay what they are; the SDK's `flattening_enabled` makes columns of
objects. A number without a unit is an ID, a port, an exit status, or 1 for "yes" and 0 for "no".

## How the tables belong together

"""


class Field(NamedTuple):
    """One documented field, a column or part of one."""

    path: str
    rules: dict[str, Any]


def schema_of(stream: str) -> dict[str, Any]:
    """Return the schema of a stream."""
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{stream}.json").read_text(encoding="utf-8"))
    return schema


def description_of(stream: str) -> str:
    """Return the description of a table, with a link to the vendor's page."""
    description: str = schema_of(stream)["description"]
    return re.sub(r"vendor page ([\w-]+)", rf"[vendor page \1]({VENDOR}/\1.html)", description)


def fields(rules: dict[str, Any], prefix: str = "") -> Iterator[Field]:
    """Return all documented fields of an object, each before those within it."""
    for name, field in rules.get("properties", {}).items():
        yield Field(prefix + name, field)
        yield from fields(field, f"{prefix}{name}.")
        yield from fields(field.get("items", {}), f"{prefix}{name}[].")


def personal_columns(stream: str) -> list[str]:
    """Return the columns that hold personal data, in whole or in part."""
    personal = [field.path for field in fields(schema_of(stream)) if field.rules["x-personal-data"]]
    return list(dict.fromkeys(path.partition(".")[0].removesuffix("[]") for path in personal))


def is_appended(table: Table) -> bool:
    """Tell whether rows are only ever added."""
    return not isinstance(table, Kind) or table.is_appended


def how_read(kind: Table) -> str:
    """Say how a list is read."""
    if not isinstance(kind, Kind):
        return "the tap's own"
    words = {Sorted: "sorted pages", UnsortedPages: "unsorted pages"}.get(type(kind), "one answer")
    if isinstance(kind, Children):
        words = f"one call for each of `{kind.parent}`"
    elif kind.parent:
        words = f"one answer for all `{kind.parent}`"
    return f"snapshot: {words}" if kind.is_appended else words


def what_confirms(kind: Table) -> str:
    """Say what must be there before a target is told that a row is deleted."""
    if not isinstance(kind, Kind) or kind.is_appended:
        return "never deleted"
    if kind.look_up:
        return "each looked up"
    if isinstance(kind, Children):
        return "answer for its parent"
    return "complete reading" if isinstance(kind, Sorted | UnsortedPages) else "whole answer"


def readme_table() -> str:
    """Return the table of streams for README."""
    lines = [
        "| stream | how it is read | key | what confirms a delete | personal columns |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind in TABLES:
        link = f"[`{kind.name}`](docs/tables.md#{kind.name})"
        personal = ", ".join(personal_columns(kind.name))
        lines.append(f"| {link} | {how_read(kind)} | {', '.join(kind.keys)} | {what_confirms(kind)} | {personal} |")
    return "\n".join(lines) + "\n"


def hub_list() -> str:
    """Return the streams as text for Meltano Hub."""
    names = ", ".join(f"`{kind.name}`" for kind in TABLES)
    return "\n".join(textwrap.wrap(f"{names}.", 110)) + "\n"


def catalogue() -> str:
    """Return the page on all tables and their columns."""
    parts = [CATALOGUE_HEAD, diagram()]
    for kind in TABLES:
        schema = schema_of(kind.name)
        read = f"Read as {how_read(kind)}. " if isinstance(kind, Kind) else ""
        confirmed = "" if is_appended(kind) else f" What confirms a delete: {what_confirms(kind)}."
        parts += [
            f"\n## {kind.name}\n\n{description_of(kind.name)}\n\n",
            f"{read}Key: {', '.join(f'`{key}`' for key in kind.keys)}.{confirmed}\n\n",
            "| column | type | unit | personal data | meaning |\n| --- | --- | --- | --- | --- |\n",
            *map(row_of, fields(schema)),
        ]
    return "".join(parts)


def row_of(field: Field) -> str:
    """Return the line of a field."""
    personal = "yes" if field.rules["x-personal-data"] else ""
    meaning = field.rules["description"].removesuffix("Personal data.").strip()
    if reference := field.rules.get("x-references"):
        meaning += f" See `{reference}`."
    kind = type_of(field.rules)
    unit = field.rules.get("x-unit", "UTC" if kind == "timestamp" else "")
    return f"| `{field.path}` | {kind} | {unit} | {personal} | {meaning} |\n"


def plain_type(rules: dict[str, Any]) -> str:
    """Return the JSON type of a field besides null, or "timestamp"."""
    types = [rules["type"]] if isinstance(rules["type"], str) else rules["type"]
    return "timestamp" if rules.get("format") == "date-time" else next(str(name) for name in types if name != "null")


def type_of(rules: dict[str, Any]) -> str:
    """Return the type of a field in words."""
    name = plain_type(rules)
    if name == "array":
        return f"array of {type_of(rules['items'])}"
    return {"string": "text", "integer": "integer (64 bit)"}.get(name, name)


def diagram() -> str:
    """Return a diagram of which table refers to which."""
    lines = []
    for kind in TABLES:
        for field in fields(schema_of(kind.name)):
            target = field.rules.get("x-references", "").partition(".")[0]
            one = "||" if "null" not in field.rules["type"] else "|o"
            many = "}o" if "array" in field.rules["type"] or "[]" in field.path else one
            if target:
                lines.append(f'    {target} {many}--o{{ {kind.name} : "{field.path}"')
    linked = {word for line in lines for word in line.split()}
    lines += [f"    {kind.name}" for kind in TABLES if kind.name not in linked]
    return "\n".join(["```mermaid", "erDiagram", *lines, "```\n"])


def harmless_columns(*streams: str) -> list[str]:
    """Return Meltano's patterns for the columns without personal data, of some streams or of all."""
    return [
        f"{kind.name}.{name}{'.*' if _is_object(kind.name, name) else ''}"
        for kind in TABLES
        if not streams or kind.name in streams
        for name in schema_of(kind.name)["properties"]
        if name not in personal_columns(kind.name)
    ]


def _is_object(stream: str, column: str) -> bool:
    return "object" in schema_of(stream)["properties"][column]["type"]


def select_wishes() -> str:
    """Return what most people want to select, as comments for meltano.yml."""
    everything, but = '"*.*"', [f'"!{name}.*"' for name in CHILDREN]
    personal = [
        f'"!{kind.name}.{name}{within}"'
        for kind in STREAMS
        for name in personal_columns(kind.name)
        for within in ("", ".*" if _is_object(kind.name, name) else "")
    ]
    personal = list(dict.fromkeys(personal))
    wishes = {
        "Customers only:": ['"customers.*"', f'"{SYNCS.name}.*"'],
        "All but the lists that take one request for each cloud PBX, user or group:": [everything, *but],
        "No column with personal data (examples/privacy/meltano.yml names those to load, which is stricter):": [
            everything,
            *personal,
            '"!*._extra"',
        ],
    }
    lines = []
    for wish, patterns in wishes.items():
        flow = textwrap.wrap(f"[{', '.join(patterns)}]", 104, break_long_words=False, break_on_hyphens=False)
        lines += [wish, f"select: {flow[0]}", *(f"  {line}" for line in flow[1:])]
    return "".join(f"# {line}\n" for line in lines)
