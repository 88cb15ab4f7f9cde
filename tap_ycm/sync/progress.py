"""How far a reading is: a line in the log at most every 15 seconds, and on a terminal a line that moves."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger

__all__ = ["Progress"]

LOG_EVERY = 15.0
SHOW_EVERY = 0.2


class Progress:
    """Tells rows read, rows in all, and the time that is probably left."""

    def __init__(
        self,
        stream: str,
        logger: Logger,
        *,
        terminal: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start counting.

        Args:
            stream: Name of the stream.
            logger: Gets a line every 15 seconds.
            terminal: Where a person watches; by default standard error, if it is a terminal.
            clock: Seconds, monotonic.
        """
        self._stream = stream
        self._logger = logger
        self._already: int | None = None
        self._terminal = terminal or (sys.stderr if sys.stderr.isatty() else None)
        self._clock = clock
        self._start = self._logged = clock()
        self._shown = self._start - SHOW_EVERY

    def at(self, rows: int, total: int | None) -> None:
        """Say so, where and if it is time to."""
        now = self._clock()
        if self._already is None:  # an interrupted scan that is continued begins with what was read before
            self._already = rows
        log, show = now - self._logged >= LOG_EVERY, self._terminal and now - self._shown >= SHOW_EVERY
        if not log and not show:
            return
        line = f"{self._stream}: {rows} read"
        if total is not None:
            left = (now - self._start) / max(rows - self._already, 1) * max(total - rows, 0)
            line = f"{self._stream}: {rows} of {total} read, about {left:.0f} s left"
        if log:
            self._logged = now
            self._logger.info(line)
        if show and self._terminal:
            self._shown = now
            # The cursor goes back to the start, so that a log line, always longer, writes over it.
            self._terminal.write(f"{line}\x1b[K\r")
            self._terminal.flush()

    def end(self) -> None:
        """Leave the terminal clean."""
        if self._terminal:
            self._terminal.write("\x1b[K")
            self._terminal.flush()
