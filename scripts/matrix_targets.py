"""The targets of the matrix, each with a place to write to. Another one is one function and one line at the end."""

from __future__ import annotations

import csv
import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from databases import embedded_postgres
from meltano_project import loader
from object_store import moto_server
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from contextlib import AbstractContextManager

__all__ = ["TARGETS", "Place", "Row", "Target", "in_environment_of"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """An empty place that a target writes to.

    Attributes:
        settings: The target's settings that make it write there.
        read: Returns the rows of a stream, with the columns the target adds; where it appends, the oldest first.
        environment: Variables for Meltano, such as secret settings.
    """

    settings: Mapping[str, object]
    read: Callable[[str], list[Row]]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A target as the matrix measures it.

    Attributes:
        name: The name of its loader in meltano.yml.
        place: Makes a place, which lasts as long as the context, in an empty folder.
        has_hard_delete: Whether it has a setting ``hard_delete``: then it is measured with and without.
    """

    name: str
    place: Callable[[Path], AbstractContextManager[Place]]
    has_hard_delete: bool = False


def in_environment_of(name: str, code: str, *arguments: str) -> Any:
    """Run Python code, which prints JSON, where a loader is installed; return what it printed."""
    python = Path(loader(name)).with_name("python")
    return json.loads(subprocess.check_output([python, "-c", code, *arguments], text=True, timeout=60))


@contextmanager
def _postgres(folder: Path) -> Generator[Place, None, None]:
    with embedded_postgres(folder) as address:

        def read(stream: str) -> list[Row]:
            with psycopg.connect(address) as connection, connection.cursor(row_factory=dict_row) as cursor:
                return cursor.execute(SQL("select * from tap_ycm.{}").format(Identifier(stream))).fetchall()

        yield Place({"sqlalchemy_url": address.replace("postgresql://", "postgresql+psycopg://", 1)}, read)


@contextmanager
def _jsonl(folder: Path) -> Generator[Place, None, None]:
    def read(stream: str) -> list[Row]:
        with (folder / f"{stream}.jsonl").open(encoding="utf-8", newline="\n") as file:
            return [json.loads(line) for line in file]

    yield Place({"destination_path": str(folder)}, read)


@contextmanager
def _csv(folder: Path) -> Generator[Place, None, None]:
    def read(stream: str) -> list[Row]:
        with (folder / f"{stream}.csv").open(encoding="utf-8", newline="") as file:
            rows: list[Row] = list(csv.DictReader(file))
        return [{**row, "customerId": int(row["customerId"])} if "customerId" in row else row for row in rows]

    yield Place({"output_path": str(folder)}, read)


_READ_DUCKDB = """
import duckdb, json, sys
database = duckdb.connect(sys.argv[1], read_only=True)
table = database.sql(f"select * from tap_ycm.{sys.argv[2]}")
print(json.dumps([dict(zip(table.columns, row)) for row in table.fetchall()], default=str))
"""


@contextmanager
def _duckdb(folder: Path) -> Generator[Place, None, None]:
    path = str(folder / "customers.duckdb")
    yield Place({"path": path}, lambda stream: in_environment_of("target-duckdb", _READ_DUCKDB, path, stream))


_READ_PARQUET = """
import json, sys
from pyarrow import fs, parquet
bucket, address, stream = sys.argv[1:]
store = fs.S3FileSystem(endpoint_override=address, access_key="test", secret_key="test", region="us-east-1")
files = [file for file in store.get_file_info(fs.FileSelector(bucket, recursive=True)) if file.is_file]
files = [file for file in files if stream in file.path.split("/")[1:]]
files.sort(key=lambda file: file.mtime)
tables = [parquet.read_table(file.path, filesystem=store) for file in files]
print(json.dumps([row for table in tables for row in table.to_pylist()], default=str))
"""


@contextmanager
def _s3(_folder: Path) -> Generator[Place, None, None]:
    cloud = "cloud_provider.aws."
    with moto_server("customers") as address:
        yield Place(
            {
                f"{cloud}aws_bucket": "customers",
                f"{cloud}aws_region": "us-east-1",
                f"{cloud}aws_endpoint_override": address,
            },
            lambda stream: in_environment_of("target-s3", _READ_PARQUET, "customers", address, stream),
            {
                "TARGET_S3_CLOUD_PROVIDER_AWS_AWS_ACCESS_KEY_ID": "test",
                "TARGET_S3_CLOUD_PROVIDER_AWS_AWS_SECRET_ACCESS_KEY": "test",
            },
        )


TARGETS = (
    Target("target-postgres", _postgres, has_hard_delete=True),
    Target("target-duckdb", _duckdb, has_hard_delete=True),
    Target("target-s3", _s3),
    Target("target-jsonl", _jsonl),
    Target("target-csv", _csv),
)
