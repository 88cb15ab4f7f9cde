"""One access token for the whole tap.

YCM's tokens live 30 minutes (vendor page ``request-access-token``); whether a new one ends earlier ones, and whether
failed logins lock an account out, is not documented. So there is one token at a time, and few requests for one.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_ycm.errors import Action, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Token", "TokenSource"]


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; ``expires`` is in seconds on the monotonic clock."""

    value: str = field(repr=False)
    expires: float


class TokenSource:
    """Owns the token; safe to use from several threads."""

    def __init__(
        self,
        request: Callable[[], tuple[str, float]] | None,
        given: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is requested yet.

        Args:
            request: Gets a new token and its life in seconds, or raises; None if there is only the given one.
            given: A token that the user brought.
            clock: Seconds, monotonic.
        """
        self._request = request
        self._clock = clock
        self._lock = threading.Lock()
        self._token = Token(given, float("inf")) if given else None
        self._refusal: ApiError | None = None

    @property
    def renewable(self) -> bool:
        """Whether a refused token can be replaced."""
        return self._request is not None

    def get(self) -> Token:
        """Return a token with life left; get a new one first when three quarters of the old one's are over."""
        with self._lock:
            if self._token is None or self._clock() >= self._token.expires:
                if self._request is None:
                    sentence = "the access token was refused and cannot be renewed"
                    raise RuntimeError(sentence)
                if self._refusal:  # refused logins may lock an account out: one is enough for all threads
                    raise ApiError(str(self._refusal))
                asked = self._clock()
                try:
                    value, life = self._request()
                except ApiError as error:
                    self._refusal = error if error.action is Action.FAIL else None
                    raise
                # Early: at 75 % of its life, and with a minute left, but never so early that it is never used.
                useful = max(min(0.75 * life, life - 60), 0.25 * life)
                self._token = Token(value, asked + useful)
            return self._token

    def discard(self, refused: Token) -> None:
        """Forget a token that YCM refused, unless another thread has replaced it already."""
        with self._lock:
            if self._token is refused:
                self._token = None
