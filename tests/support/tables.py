"""What target-postgres made of a stream: its tables, as PostgreSQL tells of them."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier


class Table:
    """One table; nothing of it is remembered, each question is a query.

    Attributes:
        name: Schema and name.
    """

    def __init__(self, database: str, schema: str, name: str = "customers") -> None:
        """Point to a table, which need not exist yet."""
        self._database = database
        self.name = (schema, name)

    def rows(self, key: str = "customerId") -> list[dict[str, Any]]:
        """Return the whole table, in the order of its key."""
        query = SQL("select * from {} order by {}").format(Identifier(*self.name), Identifier(key))
        with psycopg.connect(self._database, row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()

    def data(self, key: str = "customerId") -> list[dict[str, Any]]:
        """Return the rows without what the target adds to them."""
        return [{name: row[name] for name in row if not name.startswith("_sdc_")} for row in self.rows(key)]

    def alive(self, key: str = "customerId") -> list[dict[str, Any]]:
        """Return those of them that do not count as deleted."""
        return [
            {name: row[name] for name in row if not name.startswith("_sdc_")}
            for row in self.rows(key)
            if row["_sdc_deleted_at"] is None
        ]

    def types(self) -> dict[str, str]:
        """Return the type of each column that is not the target's own."""
        query = (
            "select column_name, data_type from information_schema.columns"
            r" where table_schema = %s and table_name = %s and column_name not like '\_sdc\_%%'"
        )
        with psycopg.connect(self._database) as connection:
            return dict(connection.execute(query, self.name).fetchall())

    def primary_key(self) -> list[str]:
        """Return the columns of the primary key."""
        query = (
            "select column_name from information_schema.key_column_usage join information_schema.table_constraints"
            " using (constraint_schema, constraint_name) where constraint_type = 'PRIMARY KEY'"
            " and table_constraints.table_schema = %s and table_constraints.table_name = %s order by ordinal_position"
        )
        with psycopg.connect(self._database) as connection:
            return [name for (name,) in connection.execute(query, self.name)]
