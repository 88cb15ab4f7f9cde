"""YCM's token bucket, as the vendor describes it.

Source: limit-api-request-rate-for-subordinate-users. Burst is the capacity, Rate
is added each Interval. Whether it is added at once or little by little is not
documented, so both can be had.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Limit:
    """How a client is limited.

    Attributes:
        burst: Most requests at once, which is also what the bucket starts with (V).
        rate: Requests added each interval (V).
        interval_seconds: Length of the interval in seconds; YCM counts it in
            minutes (V).
        refill: `stepwise` adds the whole rate at the end of each interval (I: "added
            each Interval"), `continuous` adds it evenly.
        http_status: Status of a refusal (U).
        retry_after: Whether a refusal carries `Retry-After`, and in which form (U).
        counts_token_requests: Whether asking for a token costs one, too (U).

    Raises:
        ValueError: If the numbers cannot be a limit.
    """

    burst: int
    rate: int
    interval_seconds: float
    refill: Literal["stepwise", "continuous"] = "stepwise"
    http_status: Literal[429, 200] = 429
    retry_after: Literal["seconds", "date"] | None = None
    counts_token_requests: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that YCM refuses."""
        if not 1 <= self.rate <= self.burst or self.interval_seconds <= 0:
            msg = (
                "A limit needs 1 <= rate <= burst and an interval above 0 seconds, "
                f"not {self.burst},{self.rate},{self.interval_seconds:g}."
            )
            raise ValueError(msg)


class Bucket:
    """The tokens of one client. Times are seconds on any clock that only rises."""

    def __init__(self, limit: Limit, now: float) -> None:
        """Start full."""
        self.limit = limit
        self._lock = threading.Lock()
        self._level = float(limit.burst)
        self._since = now  # when tokens were last added

    def take(self, now: float) -> float:
        """Take one token.

        Returns:
            0 if there was one, else the seconds until there is one.
        """
        limit = self.limit
        with self._lock:
            passed = (now - self._since) / limit.interval_seconds
            if limit.refill == "stepwise":
                passed = float(int(passed))
            self._level = min(limit.burst, self._level + passed * limit.rate)
            self._since += passed * limit.interval_seconds
            if self._level >= 1 - 1e-9:  # 1e-9: sums of fractions
                self._level -= 1
                return 0
            if limit.refill == "stepwise":
                return self._since + limit.interval_seconds - now
            return (1 - self._level) * limit.interval_seconds / limit.rate
