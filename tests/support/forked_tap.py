"""The real tap as a process, begun by forking one that has imported everything: a tenth of a second, not a whole one.

    python -W error forked_tap.py

reads lines of JSON, ``[arguments, file for standard output, file for standard error, seconds]``, runs one program for
each, the tap or the source for Airbyte as the first argument says, and answers with a line that holds its exit status.
One that takes longer is ended by SIGALRM.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from harness import CLEAN_ENVIRONMENT, Run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Self


class ForkedTap:
    """Runs taps one after the other; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **{name: value for name, value in CLEAN_ENVIRONMENT.items() if not name.endswith("_CA_BUNDLE")},
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),  # it imports what tests import
            },
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)

    def run(
        self,
        *more: str,
        config: Mapping[str, object],
        state: Mapping[str, Any] | None = None,
        catalog: Mapping[str, Any] | None = None,
        timeout: int = 40,
    ) -> Run:
        """Run a tap as users do, with files; without a state or a catalog if that is empty."""
        arguments = ["tap-ycm", *more]
        for name, content in (("config", config), ("state", state), ("catalog", catalog)):
            if content:
                path = self._folder / f"{name}.json"
                path.write_text(json.dumps(content), encoding="utf-8")
                arguments += [f"--{name}", str(path)]
        return self._run(arguments, timeout)

    def source(
        self,
        *command: str,
        config: Mapping[str, object] | None = None,
        catalog: Mapping[str, Any] | None = None,
        state: object = None,
        timeout: int = 40,
    ) -> Run:
        """Run the source for Airbyte as Airbyte does."""
        arguments = ["source-ycm", *command]
        for name, content in (("config", config), ("catalog", catalog), ("state", state)):
            if content is not None:
                path = self._folder / f"{name}.json"
                path.write_text(json.dumps(content), encoding="utf-8")
                arguments += [f"--{name}", str(path)]
        return self._run(arguments, timeout)

    def _run(self, arguments: list[str], timeout: int) -> Run:
        out, err = self._folder / "stdout", self._folder / "stderr"
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([arguments, str(out), str(err), timeout]) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        return Run(status, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


def _serve() -> None:
    import msgspec  # noqa: F401, PLC0415 - in the process that forks only: the taps find it there

    import tap_ycm.http.client  # noqa: PLC0415 - as above
    import tap_ycm.sync.sync  # noqa: PLC0415 - as above
    import tap_ycm.tap  # noqa: F401, PLC0415 - as above
    from tap_ycm.__main__ import main  # noqa: PLC0415 - as above
    from tap_ycm.airbyte.__main__ import main as source  # noqa: PLC0415 - as above

    for line in sys.stdin:
        arguments, out, err, seconds = json.loads(line)
        child = os.fork()
        if not child:
            signal.alarm(seconds)
            for path, number in ((out, 1), (err, 2)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            sys.argv = arguments
            (source if arguments[0] == "source-ycm" else main)()  # ends the process
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
