"""The tap where it is used: ``meltano run tap-ycm target-postgres`` into an embedded PostgreSQL."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg
from databases import embedded_postgres
from meltano_project import PROGRAMS, MeltanoProject, loader

from benchmarks.environments import program
from benchmarks.reading import asked_for
from benchmarks.rounds import Usage, run, stopwatch, usages
from benchmarks.server import CLIENT_ID, CLIENT_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

__all__ = ["CONCURRENCY", "Parts", "pipelines"]

CONCURRENCY: Final = 4
_TARGET = "target-postgres"


@dataclass(frozen=True)
class Parts:
    """One run of the pipeline.

    Attributes:
        whole: Meltano with all it starts.
        tap: The tap alone, inside the pipeline: its CPU of all calls (Meltano also asks it for its catalog), and its
            wall from the start of the sync to its end.
        target: The same of the target.
    """

    whole: Usage
    tap: Usage
    target: Usage


@contextmanager
def pipelines(folder: Path) -> Generator[Callable[[str, int], Callable[[], Parts]], None, None]:
    """Start a database; yields what makes a job of an address of YCM and its number of customers."""
    with embedded_postgres(folder) as database:

        def pipeline(base_url: str, customers: int) -> Callable[[], Parts]:
            project = MeltanoProject(folder / f"project-{len(list(folder.glob('project-*')))}", _TARGET)
            taken = {name: project.folder / f"{name}.jsonl" for name in ("tap-ycm", _TARGET)}
            project.extractor["executable"] = _timed(project.folder, taken["tap-ycm"], program("taps", "tap-ycm"))
            target = next(one for one in project.content["plugins"]["loaders"] if one["name"] == _TARGET)
            target["executable"] = _timed(project.folder, taken[_TARGET], loader(_TARGET))
            target["config"] = {"sqlalchemy_url": database.replace("postgresql://", "postgresql+psycopg://", 1)}
            project.write()

            def job() -> Parts:
                for path in taken.values():
                    path.unlink(missing_ok=True)
                asked_for(base_url)
                whole = run(
                    [str(PROGRAMS / "meltano"), "run", "tap-ycm", _TARGET],
                    project.folder,
                    TAP_YCM_BASE_URL=base_url,
                    TAP_YCM_CLIENT_ID=CLIENT_ID,
                    TAP_YCM_CLIENT_SECRET=CLIENT_SECRET,
                    TAP_YCM_CONCURRENCY=str(CONCURRENCY),
                    TAP_YCM_EMIT_ACTIVATE_VERSION_MESSAGES="true",
                )
                with psycopg.connect(database) as connection:
                    loaded = connection.execute("select count(*) from tap_ycm.customers").fetchone()
                if loaded != (customers,):
                    problem = f"{loaded} customers are in the database, not {customers}"
                    raise SystemExit(problem)
                return Parts(whole, *(_sum(usages(path)) for path in taken.values()))

            job()  # the first run makes the table, and catalogs are kept from then on: not what happens every night
            return job

        yield pipeline


def _timed(folder: Path, result: Path, command: str) -> str:
    """Return a program that is another one under a stopwatch."""
    script = folder / f"timed-{result.stem}"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(stopwatch(result, [command]))} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return str(script)


def _sum(calls: list[Usage]) -> Usage:
    sync = max(calls, key=lambda usage: usage.wall)
    return Usage(sync.wall, sum(usage.cpu for usage in calls), sync.megabytes)
