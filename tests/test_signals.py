"""Signals, and a target that leaves: the tap ends in order, and the next run goes on where it stopped."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from harness import CLEAN_ENVIRONMENT, Run, customers_only, settings_for

from tap_ycm.reading.opening import PAGES_WORTH_A_LANE
from tap_ycm.sandbox import Assumptions, Limit, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tap_ycm.sandbox import Sandbox

PATIENCE = 30.0
STATUS = {signal.SIGTERM: 143, signal.SIGINT: 130}
CUSTOMERS = 1710
PAGE_ON_THE_WAY = 32
"""A request by when more than 1000 customers were written, and a STATE with them, though seven pages came too early."""


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class Pipeline:
    """A tap whose standard output is a pipe that the test reads when it wants to."""

    def __init__(self, config: Mapping[str, object], directory: Path, *, unbuffered: bool = False) -> None:
        path, self._log = directory / "config.json", directory / "stderr"
        path.write_text(json.dumps(config), encoding="utf-8")
        self._reader, writer = os.pipe()
        self._writer = os.dup(writer)  # tells whether the pipe is full
        self.received = b""
        command = [sys.executable, "-W", "error", "-m", "tap_ycm", "--config", str(path), *customers_only(path.parent)]
        with self._log.open("wb") as log:
            env = {**CLEAN_ENVIRONMENT, "PYTHONUNBUFFERED": "1" if unbuffered else ""}
            self.process = subprocess.Popen(command, stdout=writer, stderr=log, env=env)
        os.close(writer)

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")

    @property
    def waiting_to_be_read(self) -> bool:
        """Whether the pipe is full, so that the tap can only wait in the middle of its output."""
        return not select.select([], [self._writer], [], 0)[1]

    @property
    def left_in_pipe(self) -> int:
        return int.from_bytes(fcntl.ioctl(self._reader, termios.FIONREAD, bytes(4)), sys.byteorder)

    def read_until(self, condition: Callable[[], bool]) -> None:
        """Read what comes until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.log
            if select.select([self._reader], [], [], 0.02)[0]:
                self.received += os.read(self._reader, 4096)

    def read_lines(self, number: int) -> None:
        """Read so many lines, and what has come with them."""
        self.read_until(lambda: self.received.count(b"\n") >= number)

    def stop_reading(self) -> None:
        os.close(self._writer)
        os.close(self._reader)
        self._reader = self._writer = -1

    def end(self) -> Run:
        """Read the rest; the tap has ended by then, or ends now."""
        if self._writer >= 0:
            os.close(self._writer)
            self._writer = -1
        while self._reader >= 0:
            assert select.select([self._reader], [], [], PATIENCE)[0], self.log
            if not (piece := os.read(self._reader, 2**16)):
                break
            self.received += piece
        status = self.process.wait(PATIENCE)
        return Run(status, self.received.decode("utf-8"), self.log)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for end in (self._reader, self._writer):
            if end >= 0:
                os.close(end)


class Gate:
    """Holds the answers of a sandbox back from one on; it is reached when so many wait."""

    def __init__(self, number: int, together: int = 1) -> None:
        self._number = number
        self._last = number + together - 1
        self.reached, self._open = threading.Event(), threading.Event()

    def __call__(self, number: int) -> None:
        if number >= self._number:
            if number == self._last:
                self.reached.set()
            self._open.wait(PATIENCE)

    def wait(self) -> None:
        assert self.reached.wait(PATIENCE)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Callable[..., Pipeline]]:
    """Start taps that end with the test."""
    with ExitStack() as stack:

        def started(ycm: Sandbox, *, unbuffered: bool = False, **settings: Any) -> Pipeline:
            tap = Pipeline(settings_for(ycm, **settings), tmp_path, unbuffered=unbuffered)
            stack.callback(tap.close)
            return tap

        yield started


@pytest.fixture
def gate() -> Iterator[Callable[..., Gate]]:
    """Make gates that are open after the test."""
    with ExitStack() as stack:

        def made(number: int, together: int = 1) -> Gate:
            one = Gate(number, together)
            stack.callback(one.open)
            return one

        yield made


def assert_stopped_in_order(run: Run, signum: signal.Signals) -> None:
    assert run.status == STATUS[signum]
    assert run.stdout.endswith("\n")
    assert {"SCHEMA", "RECORD", "STATE"} == {message["type"] for message in run.messages}  # every line is whole
    assert run.messages[-1]["type"] == "STATE"
    assert run.verdict.startswith(f"not complete: stopped by {signum.name}; {len(run.ids)} read")
    assert "deletes withheld: the scan is not complete" in run.verdict
    assert run.error == f"stopped by {signum.name}"
    assert "Exception ignored" not in run.log


def assert_the_next_run_goes_on(run: Run, ycm: Sandbox, tap: Callable[..., Run], concurrency: int = 1) -> None:
    (mark,) = run.bookmark["scan"]
    assert 0 < mark["rows"] <= len(run.ids)
    config = settings_for(ycm, emit_activate_version_messages=True, concurrency=concurrency)
    rest = tap(config=config, state=run.state)
    assert rest.status == 0
    assert len(rest.ids) == CUSTOMERS - mark["rows"]  # not one that the state claims is read again
    assert {*run.ids, *rest.ids} == set(ycm.world.ids())
    assert not rest.of_type("ACTIVATE_VERSION")
    assert rest.verdict.startswith(
        f"complete; {CUSTOMERS} read (YCM's total: {CUSTOMERS}), an interrupted scan continued"
    )
    assert tap(config=config, state=rest.state).of_type("ACTIVATE_VERSION")


@pytest.mark.parametrize("how", [*itertools.product([signal.SIGTERM, signal.SIGINT], [1, 4])], ids=str)
def test_a_signal_while_waiting_for_an_answer(
    how: tuple[signal.Signals, int],
    gate: Callable[..., Gate],
    sandbox: Callable[..., Sandbox],
    pipeline: Callable[..., Pipeline],
    tap: Callable[..., Run],
) -> None:
    signum, concurrency = how
    lanes = min(concurrency, CUSTOMERS // 50 // PAGES_WORTH_A_LANE)
    held = gate(PAGE_ON_THE_WAY, lanes)
    ycm = sandbox(CUSTOMERS, before_answer=held)
    running = pipeline(ycm, emit_activate_version_messages=True, concurrency=concurrency)
    running.read_until(lambda: held.reached.is_set() and running.received.count(b"\n") > 1010)
    running.process.send_signal(signum)
    run = running.end()  # the answers are still held back
    assert_stopped_in_order(run, signum)
    assert len(run.ids) > 1000
    assert ycm.max_in_flight == lanes
    held.open()
    assert_the_next_run_goes_on(run, ycm, tap, concurrency)


@pytest.mark.parametrize(("signum", "concurrency"), [(signal.SIGTERM, 1), (signal.SIGINT, 1), (signal.SIGTERM, 4)])
def test_a_signal_while_waiting_before_a_repetition(
    signum: signal.Signals,
    concurrency: int,
    sandbox: Callable[..., Sandbox],
    pipeline: Callable[..., Pipeline],
    tap: Callable[..., Run],
) -> None:
    limit = Limit(PAGE_ON_THE_WAY, 1, 600, retry_after="seconds")
    ycm = sandbox(CUSTOMERS, assumptions=Assumptions(limit=limit))
    running = pipeline(ycm, emit_activate_version_messages=True, concurrency=concurrency)
    running.read_until(lambda: "; asking again in 300.0 s" in running.log and running.received.count(b"\n") > 1010)
    running.process.send_signal(signum)
    run = running.end()
    assert_stopped_in_order(run, signum)
    assert len(run.ids) > 1000
    ycm.assumptions = Assumptions()
    assert_the_next_run_goes_on(run, ycm, tap, concurrency)


def with_long_rows() -> World:
    """Return customers some of whom do not fit into a pipe, so that it fills in the middle of a line."""
    world = World.seeded(customers=CUSTOMERS, seed=7)
    for key in world.ids()[::25]:
        world.edit(key, remark="x" * 100_000)
    return world


@pytest.mark.parametrize(
    ("signum", "unbuffered"),
    [
        (signal.SIGTERM, False),
        (signal.SIGINT, False),
        (signal.SIGTERM, True),  # PYTHONUNBUFFERED, as in many containers: Python itself then drops what a signal cuts
    ],
)
def test_a_signal_while_the_target_is_slow_leaves_no_half_line(
    signum: signal.Signals,
    unbuffered: bool,  # noqa: FBT001 - a parameter of the test
    sandbox: Callable[..., Sandbox],
    pipeline: Callable[..., Pipeline],
    tap: Callable[..., Run],
) -> None:
    ycm = sandbox(with_long_rows())
    running = pipeline(ycm, unbuffered=unbuffered, emit_activate_version_messages=True)
    running.read_lines(600)
    until(lambda: running.waiting_to_be_read, "the pipe does not fill")
    before = running.left_in_pipe
    running.process.send_signal(signum)
    time.sleep(0.2)  # the tap takes note; it cannot do more
    assert running.process.poll() is None
    assert running.left_in_pipe == before
    run = running.end()
    assert_stopped_in_order(run, signum)
    assert max(map(len, run.stdout.splitlines())) > 100_000
    assert_the_next_run_goes_on(run, ycm, tap)


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_tap_at_once(
    second: signal.Signals, sandbox: Callable[..., Sandbox], pipeline: Callable[..., Pipeline]
) -> None:
    running = pipeline(sandbox(with_long_rows()))
    running.read_lines(100)
    until(lambda: running.waiting_to_be_read, "the pipe does not fill")
    running.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    assert running.process.poll() is None
    running.process.send_signal(second)
    assert running.process.wait(PATIENCE) == -second  # although nobody reads
    assert "Traceback" not in running.log


def test_a_signal_before_anything_was_read_keeps_the_state_of_the_run_before(
    gate: Callable[..., Gate], sandbox: Callable[..., Sandbox], pipeline: Callable[..., Pipeline]
) -> None:
    held = gate(1)
    running = pipeline(sandbox(120, before_answer=held))
    held.wait()
    running.process.terminate()
    run = running.end()
    assert run.status == 143
    assert run.types == ["SCHEMA", "STATE"]
    assert run.verdict.startswith("not complete: stopped by SIGTERM; 0 read")
    assert run.error == "stopped by SIGTERM"


def assert_the_target_is_to_blame(run: Run) -> None:
    assert run.status == 1
    assert run.error == "the target stopped reading: its own log says why"
    assert "Exception ignored" not in run.log
    assert "Error" not in run.log.replace("| ERROR ", "")


def test_a_target_that_ends_early_is_named_in_one_sentence(
    sandbox: Callable[..., Sandbox], pipeline: Callable[..., Pipeline]
) -> None:
    running = pipeline(sandbox(CUSTOMERS), emit_activate_version_messages=True)
    running.read_lines(5)
    running.stop_reading()
    assert_the_target_is_to_blame(running.end())


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_ended_the_target_first_is_the_reason_given(
    signum: signal.Signals,
    gate: Callable[..., Gate],
    sandbox: Callable[..., Sandbox],
    pipeline: Callable[..., Pipeline],
) -> None:
    held = gate(2)
    running = pipeline(sandbox(120, before_answer=held))
    held.wait()
    running.stop_reading()  # Ctrl-C reaches both, and the target ends first
    running.process.send_signal(signum)
    run = running.end()
    assert run.status == STATUS[signum]
    assert run.error == f"stopped by {signum.name}"
    assert run.verdict.startswith(f"not complete: stopped by {signum.name}; ")
    assert "Exception ignored" not in run.log


def test_a_failure_after_the_target_ended_is_still_told(
    sandbox: Callable[..., Sandbox], pipeline: Callable[..., Pipeline]
) -> None:
    ycm = sandbox(120, faults=["customers:2:stall=20"])
    running = pipeline(ycm, request_timeout=2, retry_budget=0)
    running.read_until(lambda: ycm.faults.fired["stall"] > 0)
    running.stop_reading()
    run = running.end()
    assert run.status == 1
    assert "no whole answer within 2 s" in run.error
    assert run.verdict.startswith("not complete: the sync failed; 50 read")
    assert "Exception ignored" not in run.log
