"""SIGTERM and Ctrl-C, taken where no message is half written.

A signal may arrive in the middle of a line to the target; an exception there would leave half a line. So the exception
comes only while the tap waits for YCM, or where it asks; meanwhile the signal is remembered.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

__all__ = ["Stop", "StoppedError"]


class StoppedError(BaseException):
    """A signal asks the tap to stop; not an Exception, so that nothing on the way takes it for a fault."""

    def __init__(self, signum: int) -> None:
        """Remember which one."""
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.exit_status = 128 + signum


class Stop:
    """Remembers a signal, and raises it where it does no harm."""

    def __init__(self) -> None:
        """Listen to nothing yet."""
        self._signum: int | None = None
        self._waiting = False

    def listen(self) -> None:
        """Take SIGINT and SIGTERM from now on; the second one ends the process at once."""
        signal.signal(signal.SIGINT, self._handle)
        signal.signal(signal.SIGTERM, self._handle)

    def check(self) -> None:
        """Raise if a signal came."""
        if self._signum is not None:
            raise StoppedError(self._signum)

    @contextmanager
    def waiting(self) -> Generator[None, None, None]:
        """Let a signal raise at once inside: nothing is being written there."""
        self._waiting = True
        try:
            self.check()
            yield
        finally:
            self._waiting = False

    def _handle(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        if self._signum is not None:
            signal.signal(signum, signal.SIG_DFL)
            os.kill(os.getpid(), signum)
        self._signum = signum
        if self._waiting:
            raise StoppedError(signum)
