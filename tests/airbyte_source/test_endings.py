"""How a read ends, whatever happens in it: signals, nobody who listens, no space, many records."""

from __future__ import annotations

import fcntl
import json
import logging
import signal
import subprocess
import sys
import termios
import threading
import time
import tracemalloc
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airbyte_platform import Platform, checked
from harness import CLEAN_ENVIRONMENT, Run, settings_for
from singer_sdk.singerlib.messages import SchemaMessage
from warehouse import truth

from tap_ycm.airbyte.output import LogHandler, Output
from tap_ycm.airbyte.spool import Spool
from tap_ycm.errors import TapError
from tap_ycm.singer.writer import PlainMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_ycm.sandbox import Sandbox

LISTS = ("customers", "itsps", "syncs")


class Process:
    """The source as a process of its own.

    Attributes:
        process: It.
    """

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, object],
        *streams: str,
        before: str = "",
    ) -> None:
        entries = [{"stream": {"name": name, "json_schema": {}}, "sync_mode": "full_refresh"} for name in streams]
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (folder / "catalog.json").write_text(json.dumps({"streams": entries}), encoding="utf-8")
        program = [sys.executable, "-W", "error", "-m", "tap_ycm.airbyte"]
        catalog = ["--catalog", "catalog.json"] if streams else []
        command = [*program, "read" if streams else "discover", "--config", "config.json", *catalog]
        self.process = subprocess.Popen(
            ["sh", "-c", f'{before} exec "$@"', "sh", *command],
            cwd=folder,
            env=CLEAN_ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def end(self) -> Run:
        out, err = self.process.communicate(timeout=60)
        return Run(self.process.returncode, out, err)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start sources that end with the test."""
    with ExitStack() as stack:

        def start(*arguments: Any, **options: Any) -> Process:
            process = Process(tmp_path, *arguments, **options)
            stack.callback(process.process.communicate)
            stack.callback(process.process.kill)
            return process

        yield start


def taken(run: Run) -> Platform:
    """Return what a platform made of a run."""
    platform = Platform(lambda *_, **__: run, {}, [])
    platform.messages = checked(run)
    streams = {message["trace"]["stream_status"]["stream_descriptor"]["name"] for message in platform.messages
               if message["type"] == "TRACE" and "stream_status" in message["trace"]}  # fmt: skip
    platform.take({"streams": [{"stream": {"name": name}, "destination_sync_mode": "overwrite"} for name in streams]})
    return platform


class Gate:
    """Holds the answers of a sandbox back from one on."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, number: int) -> None:
        if number > self._number:
            self.reached.set()
            self.go_on.wait(30)


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_hands_out_nothing_of_the_stream_that_it_interrupts(
    signum: signal.Signals, status: int, sandbox: Callable[..., Sandbox], started: Callable[..., Process]
) -> None:
    gate = Gate(3)
    ycm = sandbox(364, before_answer=gate)
    source = started(settings_for(ycm), *LISTS)
    try:
        assert gate.reached.wait(30)
        source.process.send_signal(signum)
        run = source.end()
    finally:
        gate.go_on.set()
    assert (run.status, run.log) == (status, "")
    platform = taken(run)
    assert platform.status == {"customers": "INCOMPLETE", "itsps": "INCOMPLETE", "syncs": "COMPLETE"}
    assert platform.errors["customers"]["message"] == f"stopped by {signum.name}"
    assert platform.errors["customers"]["failure_type"] == "transient_error"
    assert {row["status"] for row in platform.tables["syncs"].values()} == {"failed", "not read"}


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_discovery_can_be_ended_in_the_midst_of_a_line(
    signum: signal.Signals, started: Callable[..., Process]
) -> None:
    """PyAirbyte does so as soon as it has the catalog, and waits ten seconds for the end."""
    source = started({"client_id": "an-id", "client_secret": "a-secret"})
    assert source.process.stdout
    end = source.process.stdout.fileno()
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 2**15)  # less than the catalog
    deadline = time.monotonic() + 30
    while int.from_bytes(fcntl.ioctl(end, termios.FIONREAD, bytes(4)), sys.byteorder) < 2**14:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    source.process.send_signal(signum)
    assert source.process.wait(5) == -signum
    assert source.process.stderr
    assert source.process.stderr.read() == ""


def test_nobody_who_reads_ends_the_run(sandbox: Callable[..., Sandbox], started: Callable[..., Process]) -> None:
    """While a stream is read, nothing is written that could show it."""
    gate = Gate(3)
    ycm = sandbox(5000, before_answer=gate)
    source = started(settings_for(ycm), *LISTS)
    assert source.process.stdout
    try:
        assert gate.reached.wait(30)
        source.process.stdout.close()
    finally:
        gate.go_on.set()
    assert source.process.wait(30) == 1
    assert len(ycm.requests) < 10  # of a hundred
    assert source.process.stderr
    assert source.process.stderr.read() == ""


def test_a_kill_leaves_no_file(
    sandbox: Callable[..., Sandbox], started: Callable[..., Process], tmp_path: Path
) -> None:
    gate = Gate(3)
    folder = tmp_path / "spool"
    folder.mkdir()
    source = started(settings_for(sandbox(364, before_answer=gate), spool_folder=str(folder)), *LISTS)
    try:
        assert gate.reached.wait(30)
        files = [link.readlink() for link in Path(f"/proc/{source.process.pid}/fd").iterdir()]
        assert [file for file in files if folder in file.parents]  # there it is
        source.process.kill()
        source.end()
    finally:
        gate.go_on.set()
    assert not list(folder.iterdir())


def test_a_disk_without_space_fails_the_stream_and_no_other(
    sandbox: Callable[..., Sandbox], started: Callable[..., Process]
) -> None:
    """A limit of the shell stands for it: no file may become larger than 32 KB."""
    ycm = sandbox(364)
    source = started(settings_for(ycm), *LISTS, before="ulimit -f 64;")
    run = source.end()
    assert (run.status, run.log) == (1, "")
    platform = taken(run)
    assert platform.incomplete == {"customers"}
    sentence = "records cannot be kept in the temporary folder of the system (see spool_folder): File too large"
    assert platform.errors["customers"]["message"] == sentence
    assert platform.tables["itsps"] == truth(ycm, "itsps")


def test_records_wait_on_disk_and_not_in_memory(tmp_path: Path) -> None:
    output = Output()
    spool = Spool(str(tmp_path), output, lambda _: None)
    spool.write_message(SchemaMessage("customers", {"properties": {}}, []))
    record = {"customerId": 7, "remark": "x" * 1000}
    spool.write_message(PlainMessage("customers", record))  # imports what it needs
    tracemalloc.start()
    try:
        for _ in range(400):
            for _ in range(50):
                spool.write_message(PlainMessage("customers", record))
            spool.flush()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert spool.records == 20_001
    assert peak < 500_000  # of some 21 MB
    spool.discard()
    assert (spool.stream, spool.records) == (None, 0)


def test_the_log_has_no_text_of_an_exception(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    logger = logging.getLogger("of-some-library")
    logger.addHandler(LogHandler(Output()))
    try:
        json.loads("c4n4ry")
    except ValueError as error:
        logger.exception("it %s", "happened", exc_info=error)
    finally:
        logger.handlers.clear()
    text = "of-some-library: it happened"
    assert json.loads(capsysbinary.readouterr().out) == {"type": "LOG", "log": {"level": "ERROR", "message": text}}


def test_a_folder_that_vanishes_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    spool = Spool(str(folder), Output(), lambda _: None)
    folder.rmdir()
    spool.write_message(SchemaMessage("customers", {"properties": {}}, []))
    spool.write_message(PlainMessage("customers", {"customerId": 7}))
    with pytest.raises(TapError, match="records cannot be kept in the folder of spool_folder: No such file"):
        spool.flush()
