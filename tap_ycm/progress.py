"""How far a reading is: one line at most every 15 seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger

__all__ = ["Progress"]


class Progress:
    """Logs rows read, rows in all, and the time that is probably left."""

    def __init__(
        self,
        stream: str,
        logger: Logger,
        *,
        already: int = 0,
        every: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start counting.

        Args:
            stream: Name of the stream.
            logger: Gets the lines.
            already: Rows that an earlier run read.
            every: Seconds between two lines, at least.
            clock: Seconds, monotonic.
        """
        self._stream = stream
        self._logger = logger
        self._already = already
        self._every = every
        self._clock = clock
        self._start = self._said = clock()

    def at(self, rows: int, total: int) -> None:
        """Say so, if it is time to."""
        now = self._clock()
        if now - self._said < self._every:
            return
        self._said = now
        left = (now - self._start) / max(rows - self._already, 1) * max(total - rows, 0)
        self._logger.info("%s: %d of %d read, about %.0f s left", self._stream, rows, total, left)
