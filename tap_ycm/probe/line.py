"""The one place that sends: it counts, keeps the pace, and refuses the request that would be one too many."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from urllib3.util import SKIP_HEADER

from tap_ycm.errors import Action, ApiError
from tap_ycm.http.answers import as_utf8
from tap_ycm.http.decode import decode
from tap_ycm.http.waiting import parse_retry_after
from tap_ycm.http.wire import Wire
from tap_ycm.probe.plan import MOST_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_ycm.http.waiting import Pace
    from tap_ycm.settings import Settings
    from tap_ycm.stopping import Stop

__all__ = ["Answer", "Ask", "EndError", "Line"]


class EndError(Exception):
    """The probe cannot go on; the text says why, and holds no value of YCM's."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.

    Attributes:
        step: The step of the plan that it belongs to.
        shown: Method, path and query as reports show them, without an id.
        path: The path after ``/dm/open_api``, and the query.
        bearer: The access token.
        form: The body; the request is a POST then.
        user_agent: Whether it says which program asks.
    """

    step: str
    shown: str
    path: str
    bearer: str | None = field(default=None, repr=False)
    form: dict[str, str] | None = field(default=None, repr=False)
    user_agent: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What came back. It holds rows, and never leaves the memory: reports are made of observations.

    Attributes:
        n: Number of the request, from 1.
        ask: The request.
        status: HTTP status; None if there was no answer.
        headers: By name, in any case.
        body: In UTF-8.
        version: HTTP version: 10 or 11.
        value: The JSON value of the body; None if it is none.
        at: When it was there, in seconds since the epoch.
        retry_after: Seconds that it asks to wait, or None.
        trouble: Why there was no answer, in words of the tap's own.
        hopeless: Whether no request can be answered.
    """

    n: int
    ask: Ask
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    version: int = 0
    value: Any = None
    at: float = 0.0
    retry_after: float | None = None
    trouble: str | None = None
    hopeless: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object; empty if it is none."""
        return self.value if isinstance(self.value, dict) else {}


class Line:
    """Sends one request after the other to one YCM."""

    def __init__(self, settings: Settings, stop: Stop, pace: Pace) -> None:
        """Prepare; nothing is sent yet.

        Raises:
            TapError: The certificates or the proxy cannot be used.
        """
        self._wire = Wire(settings)
        self._base_url = settings.base_url
        self._stop = stop
        self._pace = pace
        self.sent = 0

    def send(self, ask: Ask) -> Answer:
        """Wait for the pace, send, and return what came back, whatever it is.

        Raises:
            EndError: That would be one request too many.
        """
        if self.sent >= MOST_REQUESTS:
            sentence = f"all {MOST_REQUESTS} requests were sent"
            raise EndError(sentence)
        request = self._wire.prepare("GET" if ask.form is None else "POST", ask.form)
        request.url = f"{request.url}{ask.path}"
        if ask.bearer is not None:
            request.headers["Authorization"] = f"Bearer {ask.bearer}"
        if not ask.user_agent:
            request.headers["User-Agent"] = SKIP_HEADER  # without the header, urllib3 would send its own
        with self._stop.waiting():
            self._pace.wait()
            self.sent += 1
            try:
                received = self._wire.send("", request)
            except ApiError as error:
                return Answer(
                    self.sent,
                    ask,
                    at=time.time(),
                    trouble=self._without_address(str(error)),
                    hopeless=error.everywhere and error.action is Action.FAIL,
                )
        body, _ = as_utf8(received.body, received.headers.get("Content-Type", ""))
        now = time.time()
        return Answer(
            self.sent,
            ask,
            received.status,
            received.headers,
            body,
            received.version,
            _json(body),
            now,
            parse_retry_after(received.headers.get("Retry-After"), now),
        )

    def close(self) -> None:
        """Close the connections."""
        self._wire.session.close()

    def pause(self, seconds: float) -> None:
        """Send nothing for so long."""
        self._pace.hold(seconds)

    def _without_address(self, trouble: str) -> str:
        """Return a sentence of the tap's without the address, and without what the libraries added in brackets."""
        return re.sub(r" \(.*\)", "", trouble).replace(self._base_url, "YCM").removeprefix(": ")


def _json(body: bytes) -> Any:
    try:
        return decode(body)
    except (ValueError, ArithmeticError, RecursionError):
        return None
