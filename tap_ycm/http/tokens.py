"""One access token for the whole tap.

YCM's tokens live 30 minutes (vendor page ``request-access-token``); whether a new one ends earlier ones, whether it
works everywhere at once, and whether failed logins lock an account out, is not documented. So there is one token at a
time, and few requests for one: a login that is refused is not repeated; a token that has never worked gets a second
chance before it is replaced, after a wait that grows; one that ended early is replaced after a second or so. All
threads wait for that together.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import backoff

from tap_ycm.errors import GET_ANOTHER_TOKEN, Action, ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["Token", "TokenSource"]

_LONGEST_GAP = 2.0
"""Seconds between two logins, half of it on average: two programs that end each other's tokens get on in turns."""


@dataclass(slots=True, eq=False)
class Token:
    """An access token.

    Attributes:
        value: What is sent.
        expires: When it is to be replaced, in seconds on the monotonic clock.
        works: Whether YCM has accepted it.
        second_chance: Whether YCM has refused it once.
    """

    value: str = field(repr=False)
    expires: float
    works: bool = False
    second_chance: bool = False


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
        self._issued = clock()
        self._trouble = ApiError("")  # the last one, and until when there is no token because of it
        self._closed_until = clock()
        self._waits = _growing()

    def get(self) -> Token:
        """Return a token with life left; get a new one first when three quarters of the old one's are over.

        Raises:
            ApiError: There is none to be had, or not yet.
        """
        with self._lock:
            if self._left():
                raise self._again()
            if self._token is None or self._clock() >= self._token.expires:
                self._token = self._new()
            return self._token

    def accepted(self, token: Token) -> None:
        """Take note that YCM accepted a token."""
        if not token.works:
            with self._lock:
                token.works = True
                self._waits = _growing()

    def refused(self, token: Token, failure: ApiError) -> ApiError:
        """Take note that YCM refused a token; another may be had at once, unless this one is too new.

        Args:
            token: The token.
            failure: How it was refused.

        Returns:
            What to raise if asking again at once, with what :meth:`get` returns then, has not helped either.
        """
        if self._request is None:
            return ApiError(failure.what, advice=GET_ANOTHER_TOKEN, everywhere=True)
        with self._lock:
            if self._token is token:  # or another thread, which was refused earlier, has seen to it
                if token.works or token.second_chance:
                    self._token = None
                    wait = self._issued + backoff.full_jitter(_LONGEST_GAP) - self._clock()
                else:
                    # A copy: those who are still under way with it learn nothing new when they are refused, too.
                    self._token = replace(token, second_chance=True)
                    wait = backoff.full_jitter(next(self._waits))
                self._close(ApiError(str(failure), Action.RETRY), wait)
            return ApiError(str(failure), Action.RETRY, everywhere=True, retry_after=self._left(), together=True)

    def _new(self) -> Token:
        if self._request is None:
            sentence = "the access token was refused and cannot be renewed"
            raise RuntimeError(sentence)
        self._issued = self._clock()
        try:
            value, life = self._request()
        except ApiError as error:
            self._close(error, max(backoff.full_jitter(next(self._waits)), error.retry_after or 0.0))
            raise self._again() from None
        # Early: at 75 % of its life, and with a minute left, but never so early that it is never used.
        useful = max(min(0.75 * life, life - 60), 0.25 * life)
        return Token(value, self._issued + useful)

    def _close(self, trouble: ApiError, wait: float) -> None:
        """Let nobody have a token for a while; for ever after a refused login, which may lock an account out."""
        self._trouble = trouble
        self._closed_until = self._clock() + (wait if trouble.action is not Action.FAIL else float("inf"))

    def _left(self) -> float | None:
        left = self._closed_until - self._clock()
        return left if left > 0 else None

    def _again(self) -> ApiError:
        trouble = self._trouble
        wait = None if trouble.action is Action.FAIL else self._left()
        return ApiError(str(trouble), trouble.action, everywhere=True, retry_after=wait, together=True)


def _growing() -> Generator[float]:
    """Tell the longest waits, in seconds, after the first, the second, and any further trouble."""
    waits: Generator[float] = backoff.expo(factor=2, max_value=30)
    next(waits)
    return waits
