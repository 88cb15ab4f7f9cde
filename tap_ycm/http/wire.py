"""The way to one YCM: its session, proxies, certificates and time limits; each answer is read whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError

from tap_ycm.errors import ApiError
from tap_ycm.http.deadline import OneHost
from tap_ycm.http.trouble import (
    CONNECT_TIMEOUT,
    MOST_BYTES,
    ProxyLoginError,
    TooMuchError,
    check_bundle,
    check_proxy,
    describe,
    silence,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_ycm.settings import Settings

__all__ = ["API", "Received", "Wire"]

API = "/dm/open_api"


@dataclass(frozen=True, slots=True)
class Received:
    """An answer, whole.

    Attributes:
        status: HTTP status.
        headers: By name, in any case.
        body: Decompressed.
        version: HTTP version: 10 or 11.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    version: int


class Wire:
    """Sends requests to one YCM; safe to use from several threads.

    Attributes:
        session: Holds the connections and the cookies.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare; nothing is sent yet.

        Raises:
            TapError: The certificates or the proxy cannot be used.
        """
        silence()
        self._settings = settings
        self.session = requests.Session()
        self.session.trust_env = False  # no .netrc: it would replace the bearer token; the rest is resolved just below
        self.session.headers["User-Agent"] = settings.user_agent
        # One place in the pool for each request in flight, or connections would be thrown away.
        self.session.mount("https://", OneHost(pool_maxsize=settings.concurrency))
        self.session.mount("http://", OneHost(pool_maxsize=settings.concurrency))
        environment = requests.Session().merge_environment_settings(settings.base_url, {}, None, None, None)
        self._proxies, self._verify = environment["proxies"], settings.ca_bundle or environment["verify"]
        if settings.base_url.startswith("https"):
            check_bundle(self._verify, "ca_bundle" if settings.ca_bundle else "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE")
        self._proxy = check_proxy(settings.base_url, self._proxies)

    def prepare(self, method: str, form: dict[str, str] | None) -> requests.PreparedRequest:
        """Return a request whose address lacks its path after ``/dm/open_api``."""
        url = f"{self._settings.base_url}{API}"
        return requests.Request(method, url, self.session.headers, data=form).prepare()

    def send(self, where: str, request: requests.PreparedRequest) -> Received:
        """Send one request, and read the whole answer within the time for it.

        Args:
            where: The endpoint, for error sentences.
            request: What to send; cookies are added.

        Raises:
            ApiError: There was no answer. No text of the libraries is in it, nor chained to it: it holds addresses.
        """
        timeout = self._settings.request_timeout
        try:
            if self.session.cookies:  # a balancer's, say: the server that answered once goes on answering
                request.prepare_cookies(self.session.cookies)
            response = self.session.send(
                request,
                timeout=(min(CONNECT_TIMEOUT, timeout), timeout),
                allow_redirects=False,
                stream=True,
                proxies=self._proxies,
                verify=self._verify,
            )
            with response:
                return _whole(response)
        except (requests.RequestException, HTTPError, OSError, ProxyLoginError, TooMuchError) as error:
            trouble, action, everywhere = describe(error, self._settings.base_url, timeout, self._proxy)
        sentence = f"{where}: {trouble}"
        # Outside the handler: the original, whose text may hold anything, is not chained.
        raise ApiError(sentence, action, everywhere=everywhere)


def _whole(response: requests.Response) -> Received:
    if response.status_code == 407:
        raise ProxyLoginError
    body = bytearray()
    while chunk := response.raw.read1(2**16, decode_content=True):
        body += chunk
        if len(body) > MOST_BYTES:
            raise TooMuchError
    return Received(response.status_code, response.headers, bytes(body), response.raw.version)
