"""Standard output: whole lines, one after the other, from whichever thread; the log among them."""

from __future__ import annotations

import json
import logging
import select
import shutil
import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from tap_ycm.airbyte import protocol
from tap_ycm.cli import cannot_write
from tap_ycm.errors import ApiError

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LogHandler", "Output"]

_STDOUT = 1
_PIECE = 2**18


class Output:
    """Where the messages go."""

    def __init__(self) -> None:
        """Begin; whoever reads is still there."""
        self._lock = threading.Lock()
        self._failure: str | None = None
        self._ends = select.poll()
        self._ends.register(_STDOUT, 0)  # what is wrong with it is told in any case

    def write(self, message: Mapping[str, Any]) -> None:
        """Write a message.

        Raises:
            ApiError: Nobody reads any more.
        """
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
            except OSError as error:
                self._failure = cannot_write(error)
        self.check()

    def copy(self, lines: IO[bytes]) -> None:
        """Write a file of messages.

        Raises:
            ApiError: Nobody reads any more.
        """
        with self._lock:
            try:
                shutil.copyfileobj(lines, sys.stdout.buffer, _PIECE)
                sys.stdout.buffer.flush()
            except OSError as error:
                self._failure = cannot_write(error)
        self.check()

    def check(self) -> None:
        """Raise if nobody reads any more, which is also seen while nothing is written.

        Raises:
            ApiError: So it is.
        """
        if self._failure is None and self._ends.poll(0):
            self._failure = cannot_write(BrokenPipeError())
        if self._failure:
            raise ApiError(self._failure, everywhere=True)


class LogHandler(logging.Handler):
    """Makes each line of the log a message."""

    def __init__(self, output: Output) -> None:
        """Write to an output."""
        super().__init__()
        self._output = output

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, but no text of an exception: it may hold anything."""
        level = {"WARNING": "WARN", "CRITICAL": "FATAL"}.get(record.levelname, record.levelname)
        ours = record.name.startswith("tap-ycm")
        text = record.getMessage() if ours else f"{record.name}: {record.getMessage()}"
        with suppress(ApiError):  # whoever writes the next record will see it
            self._output.write(protocol.log(level, text))
