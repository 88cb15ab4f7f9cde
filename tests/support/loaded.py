"""What target-postgres loaded, and what it should have loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import dict_row

from tap_ycm.sandbox.world import FIELDS

if TYPE_CHECKING:
    from tap_ycm.sandbox import Sandbox


def target_postgres(database: str, **settings: str) -> dict[str, str]:
    """Return the environment that points target-postgres to a database."""
    address = database.replace("postgresql://", "postgresql+psycopg://", 1)
    return {
        "TARGET_POSTGRES_SQLALCHEMY_URL": address,
        **{f"TARGET_POSTGRES_{name.upper()}": value for name, value in settings.items()},
    }


def customers(database: str, table: str, *, deleted: bool = False) -> list[dict[str, Any]]:
    """Return the customers of a table or view, without the target's own columns; ``deleted``: those who are gone."""
    with psycopg.connect(database, row_factory=dict_row) as connection:
        rows = connection.execute(f'select * from {table} order by "customerId"').fetchall()  # noqa: S608 - our own
    return [
        {name: value for name, value in row.items() if not name.startswith("_sdc_")}
        for row in rows
        if (row.get("_sdc_deleted_at") is not None) == deleted
    ]


def truth(ycm: Sandbox, **columns: str) -> list[dict[str, Any]]:
    """Return the rows that a target should have of a sandbox, with these columns added."""
    return [dict.fromkeys(FIELDS) | row | columns for row in ycm.world.rows()]
