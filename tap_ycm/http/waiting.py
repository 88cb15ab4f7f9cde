"""How long to wait before asking YCM again, and when to give up.

Pure, but for the clock. Limits of YCM refill in whole intervals of minutes, perhaps stepwise (vendor topic
``limit-api-request-rate-for-subordinate-users``), so waiting must be able to last minutes; faults get a third of that.
"""

from __future__ import annotations

import math
import threading
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import backoff

from tap_ycm.errors import Action, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["LONGEST_WAIT", "Pace", "parse_retry_after", "waits"]

LONGEST_WAIT = 300.0
"""Seconds: the most that is waited at once, whatever ``Retry-After`` says."""


def waits(budget: float, clock: Callable[[], float] = time.monotonic) -> Generator[float, Exception, None]:
    """Tell how many seconds to wait after each failure: exponential, with full jitter, within a budget of time.

    A wait generator of ``backoff``: it is sent the failure, and ends when asking again has no place in the budget.

    Args:
        budget: Seconds from now that a limited request may take in all; a faulty one has a third of it.
        clock: Seconds, monotonic.
    """
    start = clock()
    faults, limits = backoff.expo(factor=1, max_value=30), backoff.expo(factor=5, max_value=60)
    next(faults)
    next(limits)
    failure: Exception = yield 0.0
    while True:
        action = failure.action if isinstance(failure, ApiError) else Action.FAIL
        asked = failure.retry_after if isinstance(failure, ApiError) else None
        if action is Action.WAIT:
            allowed, wait = budget, backoff.full_jitter(next(limits))
        elif action is Action.RETRY:
            allowed, wait = budget / 3, backoff.full_jitter(next(faults))
        else:
            return
        if asked is not None:
            together = isinstance(failure, ApiError) and failure.together
            wait = min(asked if together else max(wait, asked), LONGEST_WAIT)
        left = start + allowed - clock()
        if left <= 0 or (asked is not None and wait > left):
            return
        failure = yield min(wait, left)


class Pace:
    """Spreads requests evenly, and holds all of them while a limit lasts; safe to use from several threads."""

    def __init__(
        self,
        per_minute: int | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start with the first request free.

        Args:
            per_minute: Requests a minute at most; None for no pace.
            clock: Seconds, monotonic.
            sleep: Waits so many seconds.
        """
        self._gap = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = clock()
        self._held_until = self._next
        self._counted_until = self._next

    def wait(self) -> float:
        """Wait for the next place in the row of requests.

        Returns:
            Seconds that this adds to those in which at least one request waits for its place because of the pace.
        """
        place, paced = -math.inf, 0.0
        while place < self._held_until:  # again, if a limit was met while this one slept
            with self._lock:
                now = self._clock()
                place = max(self._next, now)
                self._next = place + self._gap
                paced += max(place - max(now, self._held_until, self._counted_until), 0.0)
                self._counted_until = max(self._counted_until, place)
            if place > now:
                self._sleep(place - now)
        return paced

    def hold(self, seconds: float) -> None:
        """Let no request begin for so long: a limit that one of them met is everybody's."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)
            self._next = max(self._next, self._held_until)


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Read a ``Retry-After`` header (RFC 9110, section 10.2.3).

    Args:
        value: The header: whole seconds, or an HTTP date.
        now: Seconds since the epoch.

    Returns:
        Seconds from now, not negative; None without a usable header.
    """
    if value is None:
        return None
    if value.strip().isdecimal() and len(value) < 10:
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None
