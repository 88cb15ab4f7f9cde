"""The time limit of one answer: from its first byte to its last, however slowly it drips.

The time limits of ``requests`` and ``urllib3`` hold for a single read from the socket, so a server that sends a byte
now and then is listened to for ever: in its headers, in the lines between chunks, with one ``100 Continue`` after the
other. Here every read gets what is left of the time for the whole answer.
"""

from __future__ import annotations

import sys
import time
from http.client import HTTPResponse
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    import socket

    from urllib3.connectionpool import ConnectionPool

__all__ = ["OneHost"]

_BUFFER = 2**16
"""Bytes: a page of 50 customers, with its headers, in one read."""


class OneHost(HTTPAdapter):
    """Connects to one host, with one proxy and one set of certificates, and bounds the time of each answer."""

    _pool: ConnectionPool | None = None

    @override
    def get_connection_with_tls_context(self, *what: Any, **options: Any) -> ConnectionPool:
        if self._pool is None:  # looking for it takes long, and it is the same for all requests
            pool: Any = super().get_connection_with_tls_context(*what, **options)
            kind = pool.ConnectionCls
            pool.ConnectionCls = type(kind.__name__, (kind,), {"response_class": _BoundedResponse})
            self._pool = pool
        return self._pool


class _BoundedResponse(HTTPResponse):
    """An answer, a proxy's to CONNECT included, that must be over when the time limit of one read has passed."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp: BufferedReader = BufferedReader(_Bounded(sock, self.fp.detach()), _BUFFER)


class _Bounded(RawIOBase):
    """What comes out of a socket, until the time is over."""

    def __init__(self, sock: socket.socket, raw: Any) -> None:
        self._sock = sock
        self._raw = raw
        self._deadline = time.monotonic() + (sock.gettimeout() or 0.0)

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        read: int | None = self._raw.readinto(buffer)
        return read

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()
