"""The control plane: what no YCM has, under `/sandbox/`, for people who rehearse.

| call | what it does |
|---|---|
| GET truth | every customer, one JSON object a line; with `?table=` the rows of that stream, as YCM would tell them |
| GET stats | what happened so far, and how many rows and events each table has |
| POST churn | random events, for instance `{"create": 3, "delete": 2, "edit": 1, "table": "users"}` |
| POST faults | orders faults, for instance `["customers:3:reset"]`; `[]` clears them |
| POST assumptions | changes assumptions, for instance `["hidden=10"]`; `[]` changes all back |
| POST tokens/expire | makes the access tokens expire now |

Rows of the links have the ids of both sides, those of group_members memberType, name
and sn, too; a snapshot is one row, and user_subscriptions have the userId added.
"""

from __future__ import annotations

import ipaddress
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tap_ycm.sandbox.assumptions import assume
from tap_ycm.sandbox.endpoints import streams
from tap_ycm.sandbox.world import encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tap_ycm.sandbox.server import Sandbox

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

__all__ = ["control"]


def control(sandbox: Sandbox) -> list[web.RouteDef]:
    """Return the routes under `/sandbox/`, which answer the machine they run on only."""

    def ordered(act: Callable[[Sandbox, object], dict[str, Any]]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return web.json_response(act(sandbox, await _body(request)))

        return handle

    async def truth(request: web.Request) -> web.StreamResponse:
        return await _truth(sandbox, request)

    async def stats(_request: web.Request) -> web.StreamResponse:
        return web.json_response(_stats(sandbox))

    async def expire(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"expired": sandbox.expire_tokens()})

    async def nothing(_request: web.Request) -> web.StreamResponse:
        return _mistake(
            404, "Use GET truth, GET stats, POST churn, POST faults, POST assumptions or POST tokens/expire."
        )

    return [
        web.route("GET", "/sandbox/truth", _guarded(truth)),
        web.route("GET", "/sandbox/stats", _guarded(stats)),
        web.route("POST", "/sandbox/churn", _guarded(ordered(_churn))),
        web.route("POST", "/sandbox/faults", _guarded(ordered(_faults))),
        web.route("POST", "/sandbox/assumptions", _guarded(ordered(_assumptions))),
        web.route("POST", "/sandbox/tokens/expire", _guarded(expire)),
        web.route("*", "/sandbox/{rest:.*}", _guarded(nothing)),
    ]


def _guarded(handler: Handler) -> Handler:
    """Refuse other machines, and tell mistakes in a sentence."""

    async def handle(request: web.Request) -> web.StreamResponse:
        peer = request.remote or ""
        if not (peer and ipaddress.ip_address(peer.partition("%")[0]).is_loopback):
            return _mistake(403, "The control plane answers this machine only.")
        try:
            return await handler(request)
        except ValueError as error:
            return _mistake(400, str(error))

    return handle


async def _truth(sandbox: Sandbox, request: web.Request) -> web.StreamResponse:
    """Stream every row of a stream, one JSON object a line."""
    name = _stream(request.query.get("table", "customers"))
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    lines: list[bytes] = []
    for row in sandbox.tables.rows(name):
        lines.append(encode(row))
        if len(lines) == 1000:
            await response.write(b"\n".join(lines) + b"\n")
            lines.clear()
    if lines:
        await response.write(b"\n".join(lines) + b"\n")
    await response.write_eof()
    return response


def _stream(name: object) -> str:
    if not isinstance(name, str) or name not in streams():
        msg = f"A table is one of {', '.join(streams())}, not {name!r}."
        raise ValueError(msg)
    return name


def _stats(sandbox: Sandbox) -> dict[str, Any]:
    log = sandbox.requests
    with sandbox.world.lock:
        customers, seq = len(sandbox.world), sandbox.world.seq
    return {
        "customers": customers,
        "events": seq,
        "tables": {name: {"rows": len(world), "events": world.seq} for name, world in sandbox.tables.items()},
        "requests": dict(Counter(one.endpoint for one in log)),
        "rows_served": sum(len(one.ids) for one in log),
        "errors": sum(one.ycm_code is not None for one in log),
        "faults_fired": dict(sandbox.faults.fired),
        "tokens_issued": sandbox.tokens_issued,
        "max_in_flight": sandbox.max_in_flight,
    }


def _churn(sandbox: Sandbox, order: object) -> dict[str, list[int]]:
    kinds = ("create", "delete", "edit")
    if (
        not isinstance(order, dict)
        or not order.keys() <= {*kinds, "table"}
        or not all(type(n) is int and n >= 0 for kind, n in order.items() if kind != "table")
    ):
        msg = 'Churn is written like {"create": 3, "delete": 2, "edit": 1}.'
        raise ValueError(msg)
    table = order.get("table", "customers")
    if table not in sandbox.tables:
        msg = f"A table is one of {', '.join(sandbox.tables)}, not {table!r}."
        raise ValueError(msg)
    return {kind: sandbox.shake(table=table, **{kind: order[kind]}) for kind in kinds if kind in order}


def _faults(sandbox: Sandbox, order: object) -> dict[str, int]:
    if not isinstance(order, list) or not all(isinstance(x, str) for x in order):
        msg = 'Faults are written like ["customers:3:reset"]; [] clears them.'
        raise ValueError(msg)
    if order:
        sandbox.faults.add(*order)
    else:
        sandbox.faults.clear()
    return {"added": len(order)}


def _assumptions(sandbox: Sandbox, order: object) -> dict[str, int]:
    if not isinstance(order, list) or not all(isinstance(x, str) for x in order):
        msg = 'Assumptions are written like ["hidden=10"]; [] changes all back to those of the start.'
        raise ValueError(msg)
    assumptions = sandbox.assumptions if order else sandbox.assumptions_at_start
    for text in order:
        assumptions = assume(assumptions, text)
    sandbox.assumptions = assumptions
    return {"changed": len(order)}


async def _body(request: web.Request) -> object:
    try:
        return json.loads(await request.read())
    except ValueError:
        msg = "The body is not JSON."
        raise ValueError(msg) from None


def _mistake(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
