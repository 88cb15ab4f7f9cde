"""One request to YCM, asked until it is answered or hopeless.

Everything that goes over the wire goes through :class:`Client`: headers, the token, time limits, retries. It raises
:class:`~tap_ycm.errors.ApiError` with one sentence, and lets no text of ``requests`` through, for that text holds
addresses, and could hold what was sent.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import backoff

from tap_ycm.errors import Action, ApiError
from tap_ycm.http.answers import as_utf8, parse_token
from tap_ycm.http.flights import Flights
from tap_ycm.http.tokens import TokenSource
from tap_ycm.http.waiting import Pace, parse_retry_after, waits
from tap_ycm.http.wire import API, Wire

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator

    from backoff.types import Details
    from requests import PreparedRequest

    from tap_ycm.http.questions import Question
    from tap_ycm.http.tokens import Token
    from tap_ycm.http.wire import Received
    from tap_ycm.settings import Settings
    from tap_ycm.stopping import Stop

__all__ = ["API", "Client", "Traffic"]

_BUDGET_IN_TROUBLE = 30
"""Seconds for one request while YCM has answered nothing since the last one was given up."""

_Q = TypeVar("_Q")
_A = TypeVar("_A")


@dataclass(slots=True)
class Traffic:
    """What went over the wire, for the verdict.

    Attributes:
        requests: How many requests were sent.
        retries: How often something was asked again.
        waited: Seconds in which at least one request waited to be asked again.
        paced: Seconds in which at least one request waited because of ``max_requests_per_minute``.
        broken_characters: How many characters of the answers were not in the charset of the answer.
    """

    requests: int = 0
    retries: int = 0
    waited: float = 0.0
    paced: float = 0.0
    broken_characters: int = 0

    @property
    def warning(self) -> str | None:
        """What to warn of after a run."""
        if not self.broken_characters:
            return None
        return (
            f"{self.broken_characters} characters in the answers of YCM were broken, and are U+FFFD in the records: "
            "correct them in YCM, or ask Yeastar"
        )


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer: its body in UTF-8, its HTTP status, and how many seconds it asks to wait."""

    body: bytes
    status: int
    retry_after: float | None


class Client:
    """Asks YCM; one session, one token. Its threads are its own: it is used from one."""

    def __init__(self, settings: Settings, logger: logging.Logger, stop: Stop) -> None:
        """Prepare; nothing is sent yet.

        Args:
            settings: Where to ask, as whom, how long.
            logger: Gets one line for each wait.
            stop: May interrupt whatever is waited for.
        """
        self._settings = settings
        self._logger = logger
        self._stop = stop
        self._lock = threading.Lock()
        self._wire = Wire(settings)
        self._session = self._wire.session
        self._pace = Pace(settings.max_requests_per_minute)
        self._token = TokenSource(None if settings.access_token else self._request_token, settings.access_token)
        # Also for one that is asked for while others, which nobody wants any more, are still in flight.
        self._places = threading.BoundedSemaphore(settings.concurrency)
        self._waiting_until = 0.0  # monotonic
        self._is_in_trouble = False  # a fault has outlasted the budget, and nothing was answered since
        self._alone = self._patient(self._answer, threading.Event())
        self._prepared: dict[str, PreparedRequest] = {}
        self.traffic = Traffic()

    def begin_counting(self) -> None:
        """Count the traffic from zero."""
        with self._lock:
            self.traffic = Traffic()

    def ask(self, question: Question[_A]) -> _A:
        """Ask for one thing.

        Raises:
            ApiError: There is no answer to be had.
        """
        with self._stop.waiting():
            answer: _A = self._alone(question)
        return answer

    @contextmanager
    def flights(self, question_of: Callable[[_Q], Question[_A]]) -> Generator[Flights[_Q, _A]]:
        """Ask for many things, several at a time; as :meth:`ask`, but that answers come as they arrive.

        Args:
            question_of: Puts a question.
        """
        unwanted = threading.Event()

        def ask(one: _Q) -> _A:
            return self._answer(question_of(one))

        flights: Flights[_Q, _A] = Flights(self._patient(ask, unwanted), self._settings.concurrency, self._stop.waiting)
        try:
            yield flights
        finally:
            unwanted.set()
            flights.close()

    def _answer(self, question: Question[_A]) -> _A:
        """Ask once; when the token has come to its end, once more with another."""
        where = f"GET {API}{question.name}"
        for _ in range(2):
            token = self._token.get()
            reply = self._send(where, "GET", question.path, token=token)
            try:
                answer = question.parse(reply.body, reply.status, where, retry_after=reply.retry_after)
            except ApiError as failure:
                if failure.action is not Action.NEW_TOKEN:
                    raise
                refusal = self._token.refused(token, failure)
            else:
                self._token.accepted(token)
                self._is_in_trouble = False
                return answer
            if refusal.action is Action.FAIL:
                break
        raise refusal

    def _request_token(self) -> tuple[str, float]:
        """Ask once for a new token: the page that needs it is what is asked for again, so faults have one budget."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id or "",
            "client_secret": self._settings.client_secret or "",
        }
        path = "/oauth/token"
        where = f"POST {API}{path}"
        try:
            reply = self._send(where, "POST", path, form=form)
            return parse_token(reply.body, reply.status, where, retry_after=reply.retry_after)
        except ApiError as failure:
            failure.everywhere = True
            raise

    def _patient(self, ask: Callable[[_Q], _A], unwanted: threading.Event) -> Callable[[_Q], _A]:
        """Return what asks again and again, but not for what has become unwanted meanwhile."""

        def hopeless(failure: Exception) -> bool:
            return unwanted.is_set() or (isinstance(failure, ApiError) and failure.action is Action.FAIL)

        def ask_if_wanted(question: _Q) -> _A:
            if unwanted.is_set():
                sentence = "this answer is no longer needed"
                raise ApiError(sentence)
            return ask(question)

        patiently: Callable[[Callable[[_Q], _A]], Callable[[_Q], _A]] = backoff.on_exception(
            self._waits,
            ApiError,
            jitter=None,  # waits() has its own, which Retry-After overrules
            giveup=hopeless,
            on_backoff=self._announce,
            on_giveup=partial(self._give_up, unwanted),
            logger=None,
        )
        return patiently(ask_if_wanted)

    def _waits(self) -> Generator[float, Exception, None]:
        """Return how long to wait before each repetition; what has lasted for one list need not be sat out for each."""
        budget = self._settings.retry_budget
        return waits(min(budget, _BUDGET_IN_TROUBLE) if self._is_in_trouble else budget)

    def _give_up(self, unwanted: threading.Event, details: Details) -> None:
        failure = details["exception"]
        if isinstance(failure, ApiError) and failure.action is not Action.FAIL and not unwanted.is_set():
            self._is_in_trouble = True
            failure.everywhere |= failure.action is Action.WAIT  # a limit is one for all lists

    def _announce(self, details: Details) -> None:
        wait, tries, failure = details["wait"], details["tries"], details["exception"]
        if isinstance(failure, ApiError) and failure.action is Action.WAIT:
            self._pace.hold(wait)
        with self._lock:
            self.traffic.retries += 1
            until = time.monotonic() + wait
            self.traffic.waited += min(wait, max(until - self._waiting_until, 0.0))
            self._waiting_until = max(self._waiting_until, until)
        self._logger.warning("%s; asking again in %.1f s (attempt %d failed)", failure, wait, tries)

    def _send(
        self,
        where: str,
        method: str,
        path: str,
        *,
        token: Token | None = None,
        form: dict[str, str] | None = None,
    ) -> _Reply:
        """Send one request, and read the whole answer within the time for it."""
        paced = self._pace.wait()
        with self._lock:
            self.traffic.requests += 1
            self.traffic.paced += paced
        with self._places:
            request = self._prepare(method, form)
            request.url = f"{request.url}{path}"
            if token:
                request.headers["Authorization"] = f"Bearer {token.value}"
            return self._reply(self._wire.send(where, request))

    def _reply(self, received: Received) -> _Reply:
        """Return an answer in UTF-8; characters that are broken are counted."""
        text, broken = as_utf8(received.body, received.headers.get("Content-Type", ""))
        if broken:
            with self._lock:
                self.traffic.broken_characters += broken
        return _Reply(text, received.status, parse_retry_after(received.headers.get("Retry-After"), time.time()))

    def _prepare(self, method: str, form: dict[str, str] | None) -> PreparedRequest:
        """Return a request whose address lacks its path: those of a method are alike, and preparing one takes long."""
        if method not in self._prepared:
            self._prepared[method] = self._wire.prepare(method, form)
        return self._prepared[method].copy()
