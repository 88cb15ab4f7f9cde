"""PyAirbyte as its users run it, in an environment of its own; the tests say what to do in lines of JSON.

    python with_pyairbyte.py EXECUTABLE FOLDER SCHEMA [DATABASE]

loads into DuckDB, or into a database of the PostgreSQL that PGHOST names. Each line is answered with one.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import airbyte
import pandas as pd
from airbyte.caches import CacheBase, DuckDBCache, PostgresCache
from sqlalchemy import inspect, text


def cache_for(folder: Path, schema: str, database: str | None) -> CacheBase:
    if database is None:
        return DuckDBCache(db_path=folder / "cache.duckdb", schema_name=schema)
    return PostgresCache(
        host="", port=5432, username="postgres", password="", database=database, schema_name=schema, cache_dir=folder
    )


def read(cache: CacheBase, executable: str, asked: dict[str, Any]) -> str | None:
    """Read some streams; returns why that failed, if it did."""
    source = airbyte.get_source("source-ycm", config=asked["config"], local_executable=executable)
    source.select_streams(asked["streams"])
    try:
        source.read(cache, write_strategy=asked["strategy"], force_full_refresh=asked["full"])
    except airbyte.exceptions.PyAirbyteError as error:
        return type(error).__name__
    return None


def tables(cache: CacheBase, schema: str) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of all tables."""
    engine = cache.get_sql_engine()
    found = {}
    with engine.connect() as connection:
        for name in inspect(engine).get_table_names(schema=schema):
            rows = connection.execute(text(f'select * from "{schema}"."{name}"')).mappings()  # noqa: S608 - our own
            found[name] = [dict(row) for row in rows]
    cache.processor.sql_config.dispose_engine()
    return found


def written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def main() -> None:
    warnings.simplefilter("ignore")
    pd.read_json = partial(pd.read_json, dtype=False)  # as docs/airbyte.md says
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # PyAirbyte prints its progress
    executable, folder, schema, *database = sys.argv[1:]
    cache = cache_for(Path(folder), schema, database[0] if database else None)
    for line in sys.stdin:
        asked = json.loads(line)
        answer = read(cache, executable, asked) if asked["do"] == "read" else tables(cache, schema)
        answers.write(json.dumps(answer, default=written) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
