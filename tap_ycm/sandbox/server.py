"""The sandbox itself: YCM's API over HTTP on the loopback interface.

    with Sandbox(customers=1000) as ycm:
        ...  # ycm.url, ycm.client_id, ycm.client_secret

It runs in a thread of its own, so a test can use it in process; everything about
it may be changed while it runs. `endpoints.py` lists what it serves. What no YCM has
is under `/sandbox/`: the control plane for people who rehearse (`control.py`).
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from aiohttp import web

from tap_ycm.sandbox import asked
from tap_ycm.sandbox.account import Account
from tap_ycm.sandbox.answers import (
    Answer,
    Call,
    RefusedError,
    answer_instead,
    dress_refusal,
    error_answer,
    new_request_id,
    send,
    spoilt,
)
from tap_ycm.sandbox.assumptions import Assumptions
from tap_ycm.sandbox.control import control
from tap_ycm.sandbox.endpoints import endpoints
from tap_ycm.sandbox.errors import (
    ACCESS_DENIED,
    AUTHENTICATION_FAILED,
    DATA_NOT_FOUND,
    INVALID_PARAMETER,
    RATE_LIMIT_EXCEEDED,
    SERVER_ERROR,
    describe,
)
from tap_ycm.sandbox.faults import Fault, Faults
from tap_ycm.sandbox.limit import Bucket
from tap_ycm.sandbox.serving import Service
from tap_ycm.sandbox.tokens import Tokens
from tap_ycm.sandbox.world import Churn, World, encode

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Self

    from tap_ycm.sandbox.endpoints import Endpoint
    from tap_ycm.sandbox.links import Links

    _Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CLIENT_ID: Final = "sandbox-client-id"
CLIENT_SECRET: Final = "sandbox-client-secret"  # noqa: S105 - opens nothing real

API: Final = "/dm/open_api"
TOKEN: Final = f"{API}/oauth/token"

_CALLBACKS = 64  # how many may block at once
_TICK_SECONDS = 0.02  # how often background churn happens
_SHUTDOWN_SECONDS = 0.05  # how long an answer under way may go on after stop()


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request to the API and how it was answered.

    Attributes:
        n: Number of the request since the start or `reset_log()`, from 1.
        endpoint: Its name in `endpoints.py`, for instance `customers` (the list) or
            `customer` (one); or `token`, `revoke` or `unknown`.
        method: HTTP method.
        path: Path without query.
        host: What the client took this server for, `host:port`.
        query: Query parameters; of a repeated one the last.
        user_agent: None if there was none.
        authorised: Whether it carried a live access token.
        fault: The kind of fault it got, None if it got none.
        http_status: Status of the answer; 0 if the connection was reset before.
        ycm_code: Error code of the answer, None if it has none.
        request_id: `requestId` of the answer, None if it has none.
        seq: Version of the table that the answer shows, None if it shows none.
        ids: Ids of what the answer shows, in its order.
        parent: Id of the object that was asked for, or whose links were; None if there is none.
        at: When it arrived, `time.monotonic()` seconds.
        in_flight: How many requests were being answered then, this one included.
    """

    n: int
    endpoint: str
    method: str
    path: str
    host: str
    query: dict[str, str]
    user_agent: str | None
    authorised: bool
    fault: str | None
    http_status: int
    ycm_code: int | None
    request_id: str | None
    seq: int | None
    ids: tuple[int, ...]
    parent: int | None
    at: float
    in_flight: int


class Sandbox:
    """A YCM on `127.0.0.1`, run by a thread of its own.

    Use it as a context manager, or call `start()` and `stop()`.

    Attributes:
        client_id: The only client. May be changed.
        client_secret: Its secret. A changed one kills the refresh tokens, as when
            the secret is regenerated (authorization-rules).
        world: The customers. May be replaced.
        tables: Every stored table by name, `world` among them.
        assumptions: How this YCM behaves. May be replaced.
        assumptions_at_start: How it behaved at first.
        faults: What goes wrong.
        latency: Seconds before each answer.
        churn: Random events per second in the background.
        churn_per_request: Random events right before a list, page or links are read.
        churn_tables: The tables that these two change: names, or "all".
        before_answer: Called right before the state of the list is read for a page,
            with the number of the customers request (since the start or
            `reset_log()`, from 1; refused ones count). It runs in a worker thread
            and may block: other requests go on meanwhile. What it raises is raised
            again by `stop()`.
        before_call: The same for every endpoint that reads, with its name and the number of the
            request to it.
        max_in_flight: Most requests that were being answered at once.
        connections: How many connections carried requests since the start.
    """

    def __init__(  # noqa: PLR0913 - all by keyword, all with a default
        self,
        world: World | None = None,
        *,
        customers: int = 364,
        sizes: Mapping[str, int] | None = None,
        seed: int = 7,
        assumptions: Assumptions | None = None,
        faults: Iterable[Fault | str] = (),
        latency: float = 0.0,
        churn: float = 0.0,
        churn_per_request: int = 0,
        churn_tables: str | Iterable[str] = ("customers",),
        before_answer: Callable[[int], None] | None = None,
        before_call: Callable[[str, int], None] | None = None,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare a sandbox; nothing listens yet.

        Args:
            world: The customers; by default `World.seeded(customers, seed)`.
            customers: How many, if no world is given.
            sizes: How many rows of each table; see `Account`.
            seed: Decides everything random.
            assumptions: See the class.
            faults: Faults to begin with, as objects or as written.
            latency: See the class.
            churn: See the class.
            churn_per_request: See the class.
            churn_tables: See the class.
            before_answer: See the class.
            before_call: See the class.
            client_id: See the class.
            client_secret: See the class.
            host: Where to listen.
            port: Where to listen; 0 for any free port.
            ssl_context: Serve HTTPS with it.
        """
        self.client_id = client_id
        self.client_secret = client_secret
        self.assumptions = self.assumptions_at_start = assumptions or Assumptions()
        self.faults = Faults(faults, seed=seed)
        self.latency = latency
        self.churn = churn
        self.churn_per_request = churn_per_request
        self.churn_tables = churn_tables if isinstance(churn_tables, str) else tuple(churn_tables)
        self.before_answer = before_answer
        self.before_call = before_call
        self.max_in_flight = 0
        self.connections = 0
        self._seed = seed
        self._host = host
        self._port = port
        self._ssl = ssl_context
        self._tokens = Tokens()
        self._bucket: Bucket | None = None
        self._log_lock = threading.Lock()
        self._log: list[RequestRecord] = []
        self._arrived = 0
        self._arrived_at: Counter[str] = Counter()
        self._in_flight = 0
        self._transports: WeakSet[asyncio.Transport] = WeakSet()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        if world is None:
            world = World.seeded((sizes or {}).get("customers", customers), seed)
        self._account = Account(world, sizes=sizes, seed=seed)
        self._service = Service(self._account)
        self._churns: dict[str, Churn] = {}
        self._rng = random.Random(seed)  # noqa: S311 - data, not a secret
        for name in self._churned():
            if name not in self._account:
                msg = f"Churn changes {', '.join(self._account)} or all, not {name!r}."
                raise ValueError(msg)

    @property
    def world(self) -> World:
        """The customers."""
        return self._account["customers"]

    @world.setter
    def world(self, world: World) -> None:
        self._account.replace_customers(world)
        self._churns.pop("customers", None)

    @property
    def tables(self) -> Account:
        """Every stored table by name."""
        return self._account

    @property
    def links(self) -> Links:
        """Who belongs to whom."""
        return self._account.links

    @property
    def port(self) -> int:
        """The port; known when the sandbox has started."""
        return self._port

    @property
    def url(self) -> str:
        """The base URL for a client; known when the sandbox has started."""
        scheme = "https" if self._ssl else "http"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}"

    @property
    def requests(self) -> list[RequestRecord]:
        """A copy of the log of requests to the API, oldest first."""
        with self._log_lock:
            return list(self._log)

    @property
    def tokens_issued(self) -> int:
        """How many access tokens were issued."""
        return self._tokens.issued

    def reset_log(self) -> None:
        """Forget the requests so far and count from 1 again."""
        with self._log_lock:
            self._log.clear()
            self._arrived = 0
            self._arrived_at.clear()
            self.max_in_flight = self._in_flight

    def expire_tokens(self) -> int:
        """Make all access tokens expire now; return how many were alive."""
        return self._tokens.expire()

    def shake(self, *, create: int = 0, delete: int = 0, edit: int = 0, table: str = "customers") -> list[int]:
        """Make so many random events of each kind in a table; return the ids they touched."""
        return self._churn_of(table).make(create=create, delete=delete, edit=edit)

    def start(self) -> Self:
        """Listen, and return when requests are answered.

        Raises:
            OSError: If the port cannot be had.
        """
        if self._thread is not None:
            msg = "This sandbox has been started."
            raise RuntimeError(msg)
        ready = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._run, args=(ready,), name="tap-ycm-sandbox", daemon=True)
        self._thread.start()
        ready.wait()  # set even when listening fails
        if self._failure is not None:
            self.stop()
        return self

    def stop(self) -> None:
        """Stop listening and cut off what is under way.

        Raises:
            BaseException: What `before_answer`, or the sandbox itself, raised.
        """
        if self._thread is not None:
            if self._loop is not None and self._stop is not None:
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._thread = self._loop = self._stop = None
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    # The thread

    def _run(self, ready: threading.Event) -> None:
        try:
            asyncio.run(self._serve(ready))
        except Exception as error:  # noqa: BLE001 - start() or stop() raises it
            self._failure = error
        finally:
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        stop = asyncio.Event()
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        churning = asyncio.create_task(self._churn_on())
        # Callbacks may wait for one another, so there are plenty of threads.
        self._pool = ThreadPoolExecutor(_CALLBACKS, "tap-ycm-sandbox-callback")
        try:
            site = web.TCPSite(runner, self._host, self._port, ssl_context=self._ssl, backlog=1024)
            await site.start()
            self._port = runner.addresses[0][1]
            self._loop, self._stop = asyncio.get_running_loop(), stop
            ready.set()
            await stop.wait()
        finally:
            churning.cancel()
            await runner.cleanup()
            for transport in self._transports:
                transport.abort()  # those that a client does not read from
            await asyncio.sleep(0)  # lets the transports close their sockets
            self._transports.clear()
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _churn_on(self) -> None:
        due, last = 0.0, time.monotonic()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = time.monotonic()
            due += (now - last) * self.churn
            last = now
            self._churn_step(int(due))
            due -= int(due)

    def _churned(self) -> tuple[str, ...]:
        """Name the tables that churn changes."""
        names = self.churn_tables
        if names == "all":
            return tuple(self._account)
        return tuple(names.split(",")) if isinstance(names, str) else names

    def _churn_of(self, table: str) -> Churn:
        if table not in self._churns:
            self._churns[table] = Churn(self._account[table], self._seed, partial(self.links.redraw, table))
        return self._churns[table]

    def _churn_step(self, events: int) -> None:
        names = self._churned()
        for _ in range(events):
            self._churn_of(names[0] if len(names) == 1 else self._rng.choice(names)).step()

    # One request

    def _application(self) -> web.Application:
        """Return the application with every route; of two that fit, aiohttp takes the one without a placeholder."""
        application = web.Application(middlewares=[self._count_connection])
        application.add_routes(control(self))
        add = application.router.add_route
        for endpoint in endpoints().values():
            add("GET", f"{API}{endpoint.path}", self._route(endpoint.name, endpoint))
        add("POST", TOKEN, self._route("token"))
        add("DELETE", f"{TOKEN}/refresh_token", self._route("revoke"))
        add("*", "/{rest:.*}", self._route("unknown"))
        return application

    @web.middleware
    async def _count_connection(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if request.transport is not None and request.transport not in self._transports:
            self._transports.add(request.transport)
            self.connections += 1
        return await handler(request)

    def _route(self, name: str, endpoint: Endpoint | None = None) -> _Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(request, name, endpoint)

        return handle

    async def _handle(self, request: web.Request, name: str, endpoint: Endpoint | None) -> web.StreamResponse:
        arrived_at = time.monotonic()
        with self._log_lock:
            self._arrived += 1
            n = self._arrived
            self._arrived_at[name] += 1
            n_here = self._arrived_at[name]
            self._in_flight += 1
            in_flight = self._in_flight
            self.max_in_flight = max(self.max_in_flight, in_flight)
        try:
            assumptions = self.assumptions
            key = request.match_info.get("key", "")
            if endpoint is not None:
                assumptions = assumptions.of(endpoint.streams)
                key = request.query.get(endpoint.query, "") if endpoint.query else key
            call = Call(request, name, assumptions, self.faults.next(name), n_here, new_request_id(assumptions), key)
            if self.latency:
                await asyncio.sleep(self.latency)
            answer = await self._answer(call, endpoint)
            record = RequestRecord(
                n=n,
                endpoint=name,
                method=request.method,
                path=request.path,
                host=request.host,
                query=dict(request.query),
                user_agent=request.headers.get("User-Agent"),
                authorised=self._tokens.check(asked.bearer(request)) is None,
                fault=call.fault.kind if call.fault else None,
                http_status=0 if call.has("reset") else answer.status,
                ycm_code=answer.code,
                request_id=answer.request_id,
                seq=answer.seq,
                ids=answer.ids,
                parent=call.parent,
                at=arrived_at,
                in_flight=in_flight,
            )
            with self._log_lock:
                self._log.append(record)
            return await send(call, answer)
        finally:
            with self._log_lock:
                self._in_flight -= 1

    async def _answer(self, call: Call, endpoint: Endpoint | None) -> Answer:
        try:
            answer = answer_instead(call)
            if answer is None:
                answer = await self._true_answer(call, endpoint)
        except RefusedError as refused:
            answer = error_answer(call, refused.code, refused.message)
            if refused.wait and call.assumptions.limit is not None:
                dress_refusal(call.assumptions.limit, answer, refused.wait)
        except Exception as error:  # noqa: BLE001 - stop() raises it again
            self._failure = self._failure or error
            answer = error_answer(call, SERVER_ERROR, f"The sandbox failed: {error!r}")
        return spoilt(call, answer)

    async def _true_answer(self, call: Call, endpoint: Endpoint | None) -> Answer:
        """Answer as a healthy YCM does."""
        if call.assumptions.missing_user_agent == "refuse" and not call.request.headers.get("User-Agent"):
            raise RefusedError(ACCESS_DENIED, "User-Agent is missing")
        if call.endpoint in ("token", "revoke"):
            limit = call.assumptions.limit
            if limit is not None and limit.counts_token_requests:
                self._take(call)
            form = asked.form(call.request, await call.request.read())
            return self._token(call, form)
        if endpoint is None:
            raise RefusedError(DATA_NOT_FOUND, "No such endpoint in this sandbox")
        code = self._tokens.use(asked.bearer(call.request), call.assumptions)
        if code is not None:
            raise RefusedError(code, describe(code).name)
        self._take(call)
        for stream in endpoint.streams:
            if stream in call.assumptions.denied:
                code = call.assumptions.denied_code
                raise RefusedError(code, describe(code).name)
        read = self._service.prepare(call, endpoint)
        await self._before(call, endpoint)
        return read()

    async def _before(self, call: Call, endpoint: Endpoint) -> None:
        """Let happen what is to happen right before the state is read."""
        loop = asyncio.get_running_loop()
        if self.before_answer is not None and endpoint.name == "customers":
            await loop.run_in_executor(self._pool, self.before_answer, call.n)
        if self.before_call is not None:
            await loop.run_in_executor(self._pool, self.before_call, endpoint.name, call.n)
        if self.churn_per_request and endpoint.kind != "single":
            self._churn_step(self.churn_per_request)
        every = call.assumptions.vanishing_parents
        asks_for_children = endpoint.kind in ("links", "subscription") or endpoint.name == "group"
        if every and asks_for_children and call.n % every == 0:
            with suppress(KeyError):  # nobody can vanish twice
                self._account[endpoint.parent or ""].delete(-1 if call.parent is None else call.parent)

    def _take(self, call: Call) -> None:
        limit = call.assumptions.limit
        if limit is None:
            self._bucket = None
            return
        if self._bucket is None or self._bucket.limit != limit:
            self._bucket = Bucket(limit, time.monotonic())
        wait = self._bucket.take(time.monotonic())
        if wait:
            raise RefusedError(RATE_LIMIT_EXCEEDED, "RATE_LIMIT_EXCEEDED", wait)

    # Tokens

    def _token(self, call: Call, form: dict[str, str]) -> Answer:
        if call.endpoint == "revoke":
            self._check_client(form)
            when = self._tokens.revoke()
            return Answer(encode({"client_id": self.client_id, "effect_time": when}))
        grant = form.get("grant_type")
        if grant == "refresh_token":
            if call.assumptions.refresh_needs_client:
                self._check_client(form)
            code = self._tokens.use_refresh(
                asked.required(form, "refresh_token"),
                self.client_secret,
                rotates=call.assumptions.refresh_rotates,
            )
            if code is not None:
                raise RefusedError(code, describe(code).name)
        elif grant == "client_credentials":
            self._check_client(form)
        else:
            raise RefusedError(INVALID_PARAMETER, "grant_type is missing or unknown")
        body = self._tokens.issue(self.client_id, self.client_secret, grant, call.assumptions)
        if call.has("no_access_token"):
            del body["access_token"]
        return Answer(encode(body))

    def _check_client(self, form: dict[str, str]) -> None:
        given = (asked.required(form, "client_id"), asked.required(form, "client_secret"))
        if given != (self.client_id, self.client_secret):
            raise RefusedError(AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED")
