"""A fake YCM that is faster than any client: it is not what is measured.

    python server.py 10000:0 10000:100

serves a list of 10,000 customers at once, and another one 100 ms after each request, on two ports of the loopback
interface. It prints one line of JSON, the ports in the order of the arguments, and ends when its standard input does:
so it never outlives who started it.

The sandbox of tap-ycm is faithful where this is fast: here nothing fails, rows are encoded before anyone asks, and a
customer is told from the next one of the same kind by the id alone. GET /stats tells what was asked for since the last
GET /stats. GET /stats?deletions=20 does, too, and lets 20 customers be deleted from then on, spread evenly over the
requests that one reading needs, and over the list: the same ones each time. The next GET /stats brings them back.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qs, urlsplit

from tap_ycm.sandbox.world import FIRST_ID, Row, encode, generate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "PAGE", "FakeYCM", "Stats", "customer_ids", "filled_fields"]

CLIENT_ID: Final = "benchmark-client-id"
CLIENT_SECRET: Final = "benchmark-client-secret"  # noqa: S105 - opens nothing real
TOKEN: Final = "benchmark-token"  # noqa: S105 - opens nothing real

PAGE: Final = 50
"""Customers on a page: YCM's limit."""

_API = "/dm/open_api"
_CUSTOMERS = f"{_API}/v1/customers"
_GOLDEN = (3 - 5**0.5) / 2
_FIELDS = 13  # of 15; a sparser row would flatter whoever is slow at fields


def _dense_rows() -> tuple[Row, ...]:
    """Return rows of the sandbox's generator with nearly all fields: with 50 of them a page has some 17 kB."""
    rows = (generate(7, number) for number in range(FIRST_ID, FIRST_ID + 100_000))
    return tuple(islice((row for row in rows if len(row) >= _FIELDS), PAGE))


ROWS = _dense_rows()
_TEMPLATES = tuple(
    encode({**row, "customerId": 0}).replace(b"%", b"%%").replace(b'"customerId":0', b'"customerId":%d', 1)
    for row in ROWS
)
_SUCCESS = b'{"data":%b,"requestId":"bff89f41bb695e5abb84c45972d24716","status":"Success","time":1664248965}'


def customer_ids(customers: int) -> range:
    """Return the ids of a list."""
    return range(FIRST_ID, FIRST_ID + customers)


def filled_fields(ids: Iterable[int]) -> int:
    """Count the fields of these customers that have a value, the ids included."""
    return sum(len(ROWS[(number - FIRST_ID) % PAGE]) for number in ids)


def page(places: Sequence[int], number: int, size: int, *, newest_first: bool) -> bytes:
    """Return the answer with one page of a list, in YCM's envelope.

    Args:
        places: The customers who are there: how many were created before each, in ascending order.
        number: The page, from 1.
        size: Customers on a page.
        newest_first: Whether the list is sorted down.
    """
    if newest_first:
        places = places[::-1]
    rows = [_row(place) for place in places[(number - 1) * size : number * size]]
    return _SUCCESS % (
        b'{"pageSize":%d,"pageNumber":%d,"total":%d,"list":[%b]}' % (size, number, len(places), b",".join(rows))
    )


def _row(place: int) -> bytes:
    return _TEMPLATES[place % PAGE] % (FIRST_ID + place)


@dataclass
class Stats:
    """What was asked for, and how.

    Attributes:
        requests: For pages of the list.
        look_ups: For single customers.
        tokens: For a token.
        connections: How many sent something.
        most_in_flight: The most requests at a time, those that wait for the delay included.
        deleted: The ids that were deleted meanwhile, in this order.
    """

    requests: int = 0
    look_ups: int = 0
    tokens: int = 0
    connections: int = 0
    most_in_flight: int = 0
    deleted: list[int] = field(default_factory=list)


class FakeYCM:
    """One list on one port.

    Attributes:
        stats: What was asked for so far.
    """

    def __init__(self, customers: int, delay: float) -> None:
        """Prepare; nothing listens yet.

        Args:
            customers: How many there are.
            delay: Seconds from a request to its answer.
        """
        self._customers = customers
        self._deletions = 0
        self._places: Sequence[int] = range(customers)
        self.delay = delay
        self.stats = Stats()
        self._in_flight = 0

    async def listen(self) -> int:
        """Start listening on a free port of the loopback interface, and return it."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=128)
        port: int = server.sockets[0].getsockname()[1]
        self._server = server  # or it would be collected
        return port

    def begin(self) -> None:
        """Count a request that arrived."""
        self._in_flight += 1
        self.stats.most_in_flight = max(self.stats.most_in_flight, self._in_flight)

    def end(self) -> None:
        """Count a request that was answered."""
        self._in_flight -= 1

    def answer(self, method: str, target: str, headers: bytes, body: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer to a request of the API."""
        url = urlsplit(target)
        if b"\r\nuser-agent: " not in headers.lower():
            return 403, _error(1000042)
        if (method, url.path) == ("POST", f"{_API}/oauth/token"):
            self.stats.tokens += 1
            form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
            right = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
            return (200, _TOKEN_ANSWER) if form == right else (401, _error(1000033))
        if method != "GET" or not f"{url.path}/".startswith(f"{_CUSTOMERS}/"):
            return 404, _error(1000003)
        if b"\r\nAuthorization: Bearer %b\r\n" % TOKEN.encode() not in headers:
            return 401, _error(1000035)
        if url.path == _CUSTOMERS:
            return self._page(parse_qs(url.query))
        return self._customer(int(url.path.removeprefix(f"{_CUSTOMERS}/")))

    def _page(self, query: dict[str, list[str]]) -> tuple[int, bytes]:
        self.stats.requests += 1
        self._delete_what_is_due()
        sort = query.get("sort", ["customerId"])[-1]
        if sort not in ("customerId", "-customerId"):
            return 400, _error(1000001)
        number, size = (int(query.get(name, ["1"])[-1]) for name in ("pageNumber", "pageSize"))
        return 200, page(self._places, number, min(size, PAGE), newest_first=sort[0] == "-")

    def _customer(self, number: int) -> tuple[int, bytes]:
        self.stats.look_ups += 1
        if number in customer_ids(self._customers) and number not in self.stats.deleted:
            return 200, _SUCCESS % _row(number - FIRST_ID)
        return 404, _error(1000005)

    def _delete_what_is_due(self) -> None:
        """Delete evenly: a single one in the middle of the reading, two after a third and two thirds, and so on."""
        pages = -(-self._customers // PAGE)
        due = min(self._deletions, (self.stats.requests - 1) * (self._deletions + 1) // pages)
        while len(deleted := self.stats.deleted) < due:
            places = list(self._places)
            # Steps of a ring's golden section are spread evenly, however many they are.
            place = places.pop(int((len(deleted) + 1) * _GOLDEN % 1 * len(places)))
            deleted.append(FIRST_ID + place)
            self._places = places

    def tell_stats(self, target: str) -> bytes:
        """Return the stats as JSON, and begin anew; who asks is not counted."""
        told, self.stats = self.stats, Stats()
        self._places = range(self._customers)
        self._deletions = int(parse_qs(urlsplit(target).query).get("deletions", ["0"])[0])
        return json.dumps(asdict(told)).encode()


_TOKEN_ANSWER = encode(
    {
        "access_token": TOKEN,
        "access_token_expire_time": 1800,
        "expires_in": 1800,
        "refresh_token": "unused",
        "token_type": "Bearer",
    }
)
_REASONS = {200: b"OK", 400: b"Bad Request", 401: b"Unauthorized", 403: b"Forbidden", 404: b"Not Found"}
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def _error(code: int) -> bytes:
    return encode({"status": "Failed", "errCode": code, "requestId": "none"})


class _Connection(asyncio.Protocol):
    """One connection, kept alive; a client that sends before it is answered would wait in the buffer."""

    def __init__(self, ycm: FakeYCM) -> None:
        self._ycm = ycm
        self._buffer = b""
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n") + 2) > 1:
            head = self._buffer[:end]
            length = int(found[1]) if (found := _LENGTH.search(head)) else 0
            if len(self._buffer) < end + 2 + length:
                return
            body, self._buffer = self._buffer[end + 2 : end + 2 + length], self._buffer[end + 2 + length :]
            self._request(head, body)

    def _request(self, head: bytes, body: bytes) -> None:
        method, target, _version = head[: head.index(b"\r\n")].decode("latin-1").split(" ")
        if urlsplit(target).path == "/stats":
            self._send(200, self._ycm.tell_stats(target))
            return
        if not self._counted:
            self._counted = True
            self._ycm.stats.connections += 1
        self._ycm.begin()
        status, answer = self._ycm.answer(method, target, head, body)
        if self._ycm.delay:
            asyncio.get_running_loop().call_later(self._ycm.delay, self._end, status, answer)
        else:
            self._end(status, answer)

    def _end(self, status: int, body: bytes) -> None:
        self._ycm.end()
        self._send(status, body)

    def _send(self, status: int, body: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 %d %b\r\nContent-Type: application/json;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%b"
            % (status, _REASONS[status], len(body), body)
        )


async def _serve(lists: list[str]) -> None:
    pairs = (text.split(":") for text in lists)
    ycms = [FakeYCM(int(customers), float(milliseconds) / 1000) for customers, milliseconds in pairs]
    print(json.dumps([await ycm.listen() for ycm in ycms]), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1:]))
