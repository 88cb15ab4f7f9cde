"""Progress: seldom in a log, often on a terminal, and no more than it says."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

from harness import CLEAN_ENVIRONMENT, customers_only, settings_for

from tap_ycm.sync.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tap_ycm.sandbox import Sandbox


def test_a_log_gets_a_line_every_15_seconds_and_a_terminal_five_a_second(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    terminal = io.StringIO()
    progress = Progress("customers", logging.getLogger("test"), terminal=terminal, clock=lambda: now)
    with caplog.at_level(logging.INFO):
        for tick in range(451):
            now = tick / 10
            progress.at(100 + tick, 1000)
    assert caplog.messages == [
        "customers: 250 of 1000 read, about 75 s left",
        "customers: 400 of 1000 read, about 60 s left",
        "customers: 550 of 1000 read, about 45 s left",
    ]
    assert 150 < terminal.getvalue().count("\r") <= 226
    progress.end()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_a_person_at_a_terminal_sees_it_move_and_a_pipe_gets_none_of_it(
    sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    ycm = sandbox(400)
    ycm.latency = 0.1
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings_for(ycm)))
    screen, keyboard = pty.openpty()
    command = [sys.executable, "-m", "tap_ycm", "--config", str(config), *customers_only(tmp_path)]
    output = tmp_path / "output"
    with output.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=keyboard, env=CLEAN_ENVIRONMENT):
        os.close(keyboard)
        seen = b""
        try:
            while part := os.read(screen, 4096):
                seen += part
        except OSError:
            pass  # a terminal's end
        os.close(screen)
    assert output.read_bytes().count(b'{"type":"RECORD"') == 400
    moves = [line for line in seen.decode().split("\r") if " of 400 read, about " in line]
    assert len(moves) >= 3
    piped = subprocess.run(command, capture_output=True, check=True, text=True, env=CLEAN_ENVIRONMENT)
    assert "\r" not in piped.stderr
    assert "\x1b" not in piped.stderr
