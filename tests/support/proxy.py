"""Servers that stand between the tap and YCM, or in YCM's place: an HTTP proxy, and one that answers anything."""

from __future__ import annotations

import select
import socket
import threading
import time
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping


class _Server(ThreadingHTTPServer):
    """Ends with the test: no thread outlives it, and nobody hears of clients that left."""

    daemon_threads = True
    block_on_close = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is what many tests are about."""


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> Iterator[int]:
    with _Server(("127.0.0.1", 0), handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class Proxy:
    """A proxy for HTTP, with CONNECT for HTTPS.

    Attributes:
        asked: What it was asked for, as ``METHOD target``.
        authorisations: The ``Proxy-Authorization`` headers it was given.
        routes: Hosts that it finds elsewhere than the network does.
        refuses: Whether it answers everything with 407.
    """

    def __init__(self, *, routes: Mapping[str, int] | None = None, refuses: bool = False) -> None:
        self.asked: list[str] = []
        self.authorisations: list[str | None] = []
        self.routes = routes or {}
        self.refuses = refuses
        self.port = 0

    @contextmanager
    def serving(self) -> Iterator[Proxy]:
        handler = type("Handler", (_ProxyHandler,), {"proxy": self})
        with _serving(handler) as self.port:
            yield self

    def target(self, host: str, port: int) -> tuple[str, int]:
        return "127.0.0.1", self.routes.get(host, port)


class _ProxyHandler(BaseHTTPRequestHandler):
    proxy: Proxy
    timeout = 10
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base class
        """Keep quiet."""

    def _refused(self) -> bool:
        self.proxy.asked.append(f"{self.command} {self.path}")
        self.proxy.authorisations.append(self.headers["Proxy-Authorization"])
        if self.proxy.refuses:
            self.close_connection = True
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
            self.send_header("Content-Length", "0")
            self.end_headers()
        return self.proxy.refuses

    def do_CONNECT(self) -> None:
        self.close_connection = True
        if self._refused():
            return
        host, _, port = self.path.rpartition(":")
        with socket.create_connection(self.proxy.target(host, int(port)), timeout=10) as upstream:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: upstream, upstream: self.connection}
            while True:
                for end in select.select(list(ends), [], [], 10)[0] or [self.connection]:
                    if not (piece := end.recv(2**16)):
                        return
                    ends[end].sendall(piece)

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._refused():
            return
        url = urlsplit(self.path)
        headers = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        with closing(HTTPConnection(*self.proxy.target(url.hostname or "", url.port or 80), timeout=10)) as upstream:
            upstream.request(self.command, f"{url.path}?{url.query}", body, headers)
            answer = upstream.getresponse()
            content = answer.read()
        self.send_response(answer.status)
        for name in ("Content-Type", "Content-Encoding"):
            if answer.headers[name]:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - the base class looks for this name


class Anything:
    """A server in YCM's place.

    Attributes:
        arrived: When each request came, in seconds on the monotonic clock.
    """

    def __init__(
        self, answer: Callable[[BaseHTTPRequestHandler, int], None], tls: ssl.SSLContext | None = None
    ) -> None:
        self.answer = answer  # is given the connection and the number of the request, from 1
        self.arrived: list[float] = []
        self.url = ""
        self._tls = tls

    @contextmanager
    def serving(self) -> Iterator[Anything]:
        handler = type("Handler", (_AnythingHandler,), {"server_of": self})
        with _serving(handler, self._tls) as port:
            self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
            yield self


class _AnythingHandler(BaseHTTPRequestHandler):
    server_of: Anything
    timeout = 10
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as in the base class
        """Keep quiet."""

    def do_GET(self) -> None:
        self.server_of.arrived.append(time.monotonic())
        self.close_connection = True
        self.server_of.answer(self, len(self.server_of.arrived))

    do_POST = do_GET  # noqa: N815 - the base class looks for this name
