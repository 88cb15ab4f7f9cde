"""What people read about the source for Airbyte, made from its specification and streams; ``generate.py`` writes it."""

from __future__ import annotations

from typing import Any

from describe_streams import how_read

from tap_ycm.airbyte.catalogs import TABLES, is_history
from tap_ycm.airbyte.spec import connection_specification
from tap_ycm.kinds import Kind

__all__ = ["settings_table", "streams_table"]


def settings_table() -> str:
    """Return the settings as a table."""
    spec: dict[str, Any] = connection_specification()
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, rules in spec["properties"].items():
        default = rules.get("default")
        shown = "required" if name in spec["required"] else ""
        if default is not None:
            shown = f"`{str(default).lower() if isinstance(default, bool) else default}`"
        lines.append(f"| `{name}` | {shown} | {rules['description']} |")
    return "\n".join(lines) + "\n"


def streams_table() -> str:
    """Return the streams as a table."""
    lines = ["| stream | how it is read | primary key | sync mode |", "| --- | --- | --- | --- |"]
    for name, table in TABLES.items():
        read = how_read(table) if isinstance(table, Kind) else "what became of each of the others"
        shown = f"[`{name}`](tables.md#{name})"
        mode = "Incremental" if is_history(table) else "Full refresh"
        lines.append(f"| {shown} | {read} | {', '.join(table.keys)} | {mode} |")
    return "\n".join(lines) + "\n"
