"""One request to YCM, asked until it is answered or hopeless.

Everything that goes over the wire goes through :class:`Client`: headers, the token, time limits, retries. It raises
:class:`~tap_ycm.errors.ApiError` with one sentence, and lets no text of ``requests`` through, for that text holds
addresses, and could hold what was sent.
"""

from __future__ import annotations

import logging
import socket
import ssl
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import backoff
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, LocationParseError, ReadTimeoutError

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from tap_ycm.errors import Action, ApiError, TapError
from tap_ycm.http.answers import parse_object, parse_page, parse_token
from tap_ycm.http.flights import Flights
from tap_ycm.http.tokens import TokenSource
from tap_ycm.http.waiting import Pace, parse_retry_after, waits

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from backoff.types import Details
    from urllib3.connectionpool import ConnectionPool

    from tap_ycm.http.answers import Listing
    from tap_ycm.http.tokens import Token
    from tap_ycm.reading.pages import Page, PageRequest, Row
    from tap_ycm.settings import Settings
    from tap_ycm.stopping import Stop

__all__ = ["API", "Client", "Traffic"]

API = "/dm/open_api"
CONNECT_TIMEOUT = 15.0
MOST_BYTES = 64 * 2**20
"""The most that one answer may hold. A page of 50 customers has some 20 kB."""

_Q = TypeVar("_Q")
_A = TypeVar("_A")


@dataclass(slots=True)
class Traffic:
    """What went over the wire, for the verdict; ``waited`` counts seconds in which at least one request waited."""

    requests: int = 0
    retries: int = 0
    waited: float = 0.0


class Client:
    """Asks YCM; one session, one token. Its threads are its own: it is used from one."""

    def __init__(self, settings: Settings, logger: logging.Logger, stop: Stop) -> None:
        """Prepare; nothing is sent yet.

        Args:
            settings: Where to ask, as whom, how long.
            logger: Gets one line for each wait.
            stop: May interrupt whatever is waited for.
        """
        logging.getLogger("urllib3").setLevel(logging.INFO)  # at DEBUG it logs every address with its query
        self._settings = settings
        self._logger = logger
        self._stop = stop
        self._lock = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = False  # no .netrc: it would replace the bearer token; the rest is resolved just below
        self._session.headers["User-Agent"] = settings.user_agent
        # One place in the pool for each request in flight, or connections would be thrown away.
        self._session.mount("https://", _OneHost(pool_maxsize=settings.concurrency))
        self._session.mount("http://", _OneHost(pool_maxsize=settings.concurrency))
        environment = requests.Session().merge_environment_settings(settings.base_url, {}, None, None, None)
        self._proxies, self._verify = environment["proxies"], settings.ca_bundle or environment["verify"]
        _check_bundle(self._verify, "ca_bundle" if settings.ca_bundle else "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE")
        self._pace = Pace(settings.max_requests_per_minute)
        self._token = TokenSource(None if settings.access_token else self._request_token, settings.access_token)
        # Also for one that is asked for while others, which nobody wants any more, are still in flight.
        self._places = threading.BoundedSemaphore(settings.concurrency)
        self._waiting_until = 0.0  # monotonic
        self._alone: dict[Listing, Callable[[PageRequest], Page]] = {}
        self._prepared: dict[str, requests.PreparedRequest] = {}
        self.traffic = Traffic()

    def page(self, listing: Listing, request: PageRequest) -> Page:
        """Ask for one page of a list.

        Args:
            listing: Which list.
            request: Which page.

        Raises:
            ApiError: There is no answer to be had.
        """
        with self._stop.waiting():
            if listing not in self._alone:
                self._alone[listing] = self._patient(partial(self._page, listing), threading.Event())
            return self._alone[listing](request)

    def pages(self, listing: Listing) -> AbstractContextManager[Flights[PageRequest, Page]]:
        """Ask for pages of a list, several at a time; as :meth:`page`, but that answers come as they arrive.

        Args:
            listing: Which list.
        """
        return self._flights(partial(self._page, listing))

    def look_ups(self, listing: Listing) -> AbstractContextManager[Flights[int, Row | None]]:
        """Ask for single objects by their keys, several at a time; None for one that YCM says it does not have.

        Args:
            listing: Which kind of object; it has a ``look_up``.
        """
        return self._flights(partial(self._look_up, listing))

    @contextmanager
    def _flights(self, ask: Callable[[_Q], _A]) -> Generator[Flights[_Q, _A]]:
        unwanted = threading.Event()
        flights = Flights(self._patient(ask, unwanted), self._settings.concurrency, self._stop.waiting)
        try:
            yield flights
        finally:
            unwanted.set()
            flights.close()

    def _page(self, listing: Listing, request: PageRequest) -> Page:
        sort = f"-{listing.key}" if request.newest_first else listing.key
        query = urlencode({"pageSize": request.size, "pageNumber": request.number, "sort": sort})
        parse = partial(parse_page, key=listing.key, typed=listing.typed)
        return self._answer(listing.path, f"{listing.path}?{query}", parse)

    def _look_up(self, listing: Listing, identifier: int) -> Row | None:
        template = listing.look_up or ""
        parse = partial(parse_object, key=listing.key, identifier=identifier)
        return self._answer(template.format(key=f"{{{listing.key}}}"), template.format(key=identifier), parse)

    def _answer(self, name: str, path: str, parse: Callable[[bytes, int, str], _A]) -> _A:
        """Ask once; when the token is refused, once more with a new one.

        Args:
            name: The path as error sentences show it, without data.
            path: The path and the query.
            parse: Gets the body, the HTTP status and the name of the endpoint.
        """
        where = f"GET {API}{name}"
        token = self._token.get()
        for last in (False, True):
            body, response = self._send(where, "GET", path, token=token)
            try:
                return parse(body, response.status_code, where)
            except ApiError as failure:
                failure.retry_after = parse_retry_after(response.headers.get("Retry-After"), time.time())
                if failure.action is not Action.NEW_TOKEN:
                    raise
                refusal = failure
            if last or not self._token.renewable:
                break
            self._token.discard(token)
            token = self._token.get()
        raise ApiError(str(refusal))

    def _request_token(self) -> tuple[str, float]:
        """Ask once for a new token: the page that needs it is what is asked for again, so faults have one budget."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id or "",
            "client_secret": self._settings.client_secret or "",
        }
        path = "/oauth/token"
        where = f"POST {API}{path}"
        body, response = self._send(where, "POST", path, form=form)
        try:
            return parse_token(body, response.status_code, where)
        except ApiError as failure:
            failure.retry_after = parse_retry_after(response.headers.get("Retry-After"), time.time())
            raise

    def _patient(self, ask: Callable[[_Q], _A], unwanted: threading.Event) -> Callable[[_Q], _A]:
        """Return what asks again and again, but not for what has become unwanted meanwhile."""

        def hopeless(failure: Exception) -> bool:
            return unwanted.is_set() or (isinstance(failure, ApiError) and failure.action is Action.FAIL)

        def ask_if_wanted(question: _Q) -> _A:
            if unwanted.is_set():
                sentence = "nobody waits for this answer any more"
                raise ApiError(sentence)
            return ask(question)

        patiently: Callable[[Callable[[_Q], _A]], Callable[[_Q], _A]] = backoff.on_exception(
            partial(waits, self._settings.retry_budget),
            ApiError,
            jitter=None,  # waits() has its own, which Retry-After overrules
            giveup=hopeless,
            on_backoff=self._announce,
            logger=None,
        )
        return patiently(ask_if_wanted)

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
    ) -> tuple[bytes, requests.Response]:
        """Send one request, and read the whole answer within the time for it."""
        self._pace.wait()
        with self._lock:
            self.traffic.requests += 1
        timeout = self._settings.request_timeout
        with self._places:
            deadline = time.monotonic() + timeout
            try:
                request = self._prepare(method, form)
                request.url = f"{request.url}{path}"
                if token:
                    request.headers["Authorization"] = f"Bearer {token.value}"
                if self._session.cookies:  # a balancer's, say: the server that answered once goes on answering
                    request.prepare_cookies(self._session.cookies)
                response = self._session.send(
                    request,
                    timeout=(min(CONNECT_TIMEOUT, timeout), timeout),
                    allow_redirects=False,
                    stream=True,
                    proxies=self._proxies,
                    verify=self._verify,
                )
                with response:
                    return _read(response, deadline), response
            except (requests.RequestException, HTTPError, OSError, _TooMuchError) as error:
                trouble, action = _describe(error, self._settings.base_url, timeout)
        sentence = f"{where}: {trouble}"
        # Outside the handler: the original, whose text may hold anything, is not chained.
        raise ApiError(sentence, action)

    def _prepare(self, method: str, form: dict[str, str] | None) -> requests.PreparedRequest:
        """Return a request whose address lacks its path: those of a method are alike, and preparing one takes long."""
        if method not in self._prepared:
            url = f"{self._settings.base_url}{API}"
            self._prepared[method] = requests.Request(method, url, self._session.headers, data=form).prepare()
        return self._prepared[method].copy()


class _OneHost(HTTPAdapter):
    """Looks for the pool of connections once: host, proxy and certificates are the same for all requests."""

    _pool: ConnectionPool | None = None

    @override
    def get_connection_with_tls_context(self, *what: Any, **options: Any) -> ConnectionPool:
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*what, **options)
        return self._pool


def _check_bundle(path: str | bool | None, name: str) -> None:  # noqa: FBT001 - as requests has it
    """Refuse a bundle that cannot be used: later it would look like a fault of YCM."""
    if isinstance(path, str) and not Path(path).is_dir():
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except OSError:
            sentence = f"{name} must name a file of certificates (PEM)"
            raise TapError(sentence) from None


class _TooMuchError(Exception):
    """An answer is larger than any page can be."""


def _read(response: requests.Response, deadline: float) -> bytes:
    """Return the whole body, decompressed; a body that trickles in byte by byte does not outlast the deadline."""
    body = bytearray()
    while chunk := response.raw.read1(2**16, decode_content=True):
        body += chunk
        if len(body) > MOST_BYTES:
            raise _TooMuchError
        if time.monotonic() > deadline:
            raise requests.Timeout
    return bytes(body)


def _describe(error: Exception, base_url: str, timeout: int) -> tuple[str, Action]:
    """Say what went wrong on the way, in words of our own, and what to do about it."""
    causes: list[BaseException] = [error]
    while len(causes) < 10 and (cause := causes[-1].__cause__ or causes[-1].__context__ or _wrapped(causes[-1])):
        causes.append(cause)
    certificate = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
    why = certificate and certificate.verify_message
    troubles = (
        (
            certificate is not None,
            f"the certificate of {base_url} is refused ({why}): if it is of a private CA, set ca_bundle to its file",
            Action.FAIL,
        ),
        (
            isinstance(error, requests.exceptions.SSLError),
            f"{base_url} does not speak TLS as it should: check base_url and any proxy in between",
            Action.FAIL,
        ),
        (
            isinstance(error, requests.exceptions.InvalidProxyURL | requests.exceptions.InvalidSchema),
            "HTTPS_PROXY or HTTP_PROXY holds an address that cannot be used: check the variable",
            Action.FAIL,
        ),
        (
            isinstance(error, requests.exceptions.InvalidURL | LocationParseError),
            f"{base_url} is not an address that can be asked: check base_url",
            Action.FAIL,
        ),
        (
            isinstance(error, _TooMuchError),
            f"the answer is larger than {MOST_BYTES // 2**20} MiB: check that base_url is your YCM",
            Action.FAIL,
        ),
        (
            isinstance(error, requests.exceptions.ProxyError),
            "the proxy of HTTPS_PROXY or HTTP_PROXY cannot be used: check the variable and the proxy",
            Action.RETRY,
        ),
        (
            isinstance(error, requests.ConnectTimeout),
            f"no connection to {base_url} within {CONNECT_TIMEOUT:.0f} s: check base_url, firewall and proxy",
            Action.RETRY,
        ),
        (
            isinstance(error, requests.Timeout | TimeoutError | ReadTimeoutError),
            f"no whole answer within {timeout} s (setting request_timeout)",
            Action.RETRY,
        ),
        (
            any(isinstance(cause, socket.gaierror) for cause in causes),
            f"the host name of {base_url} cannot be resolved: check base_url and the network",
            Action.RETRY,
        ),
        (
            any(isinstance(cause, ConnectionRefusedError) for cause in causes),
            f"nothing listens at {base_url}: check base_url and the network",
            Action.RETRY,
        ),
        (True, f"the connection broke ({type(error).__name__}): check the network and any proxy", Action.RETRY),
    )
    return next((sentence, action) for applies, sentence, action in troubles if applies)


def _wrapped(error: BaseException) -> Exception | None:
    """Return what an error of urllib3 or requests wraps without chaining it."""
    inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
    return inner if isinstance(inner, Exception) else None
