"""A judge that others wrote: singer-check-tap."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from harness import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness import Run

    from tap_ycm.sandbox import Sandbox


def check(messages: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Judge a stream of messages; in an environment of its own, for it wants old versions of other packages."""
    command = ["uv", "tool", "run", "--quiet", "--from", "singer-tools==0.4.1", "singer-check-tap"]
    return subprocess.run(command, input=messages, capture_output=True, check=False, text=True, timeout=120, cwd=folder)


def test_singer_check_tap_accepts_the_messages(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run], tmp_path: Path
) -> None:
    run = tap(config=settings_for(sandbox(364), emit_activate_version_messages=True, unknown_fields="keep"))
    judged = check(run.stdout, tmp_path)
    assert judged.returncode == 0, judged.stderr
    assert "The output is valid" in judged.stdout
    assert "364" in judged.stdout
    wrong = run.stdout.replace('"customerId": ', '"customerId": "x"', 1).replace('"customerId":', '"customerId":"x', 1)
    assert check(wrong, tmp_path).returncode != 0  # or the judge judges nothing
