"""The real tap as a process, against the bundled sandbox over real HTTP."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

import backoff
import pytest
from databases import embedded_postgres
from forked_tap import ForkedTap
from harness import CLEAN_ENVIRONMENT, Run, customers_only
from raw_client import RawClient

from tap_ycm.sandbox import Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


@pytest.fixture
def sandbox() -> Iterator[Callable[..., Sandbox]]:
    """Start sandboxes that end with the test."""
    with ExitStack() as stack:

        def start(customers: int | World = 0, **options: Any) -> Sandbox:
            world = customers if isinstance(customers, World) else World.seeded(customers=customers, seed=7)
            return stack.enter_context(Sandbox(world, **options))

        yield start


@pytest.fixture
def start() -> Iterator[Callable[..., RawClient]]:
    """Start sandboxes that end with the test, each with a raw client; returns the client."""
    with ExitStack() as stack:

        def started(*args: Any, **options: Any) -> RawClient:
            client = RawClient(stack.enter_context(Sandbox(*args, **options)))
            stack.callback(client.session.close)
            return client

        yield started


@pytest.fixture
def tap(tmp_path: Path) -> Callable[..., Run]:
    """Run the tap as users do: a process, files, standard output. It reads customers, unless a catalog is given."""

    def run(
        *arguments: str,
        config: Mapping[str, object] | None = None,
        state: Mapping[str, object] | None = None,
        catalog: Mapping[str, object] | Literal["all"] | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> Run:
        command = [sys.executable, "-W", "error", "-m", "tap_ycm", *arguments]
        if catalog is None and "--catalog" not in arguments:
            command += customers_only(tmp_path)
        given = None if catalog == "all" else catalog
        for option, content in (("config", config), ("state", state), ("catalog", given)):
            if content is not None:
                path = tmp_path / f"{option}.json"
                path.write_text(json.dumps(content), encoding="utf-8")
                command += [f"--{option}", str(path)]
        process = subprocess.run(
            command,
            capture_output=True,
            check=False,
            encoding="utf-8",
            env={**CLEAN_ENVIRONMENT, **(env or {})},
            timeout=timeout,
        )
        return Run(process.returncode, process.stdout, process.stderr)

    return run


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Run]]:
    """Run the source for Airbyte."""
    with ForkedTap(tmp_path_factory.mktemp("source")) as forked:
        yield forked.source


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For the tap in this process: waits take no time, and its signal handlers end with the test."""
    monkeypatch.setattr(backoff, "full_jitter", lambda _: 0.0)
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    logging.getLogger("tap-ycm").setLevel(logging.CRITICAL)
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a PostgreSQL of the tests' own; returns its address for psycopg."""
    with embedded_postgres(tmp_path_factory.mktemp("runtime")) as address:
        yield address
