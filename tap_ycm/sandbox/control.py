"""The control plane: what no YCM has, under `/sandbox/`, for people who rehearse."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tap_ycm.sandbox.assumptions import assume
from tap_ycm.sandbox.world import encode

if TYPE_CHECKING:
    from tap_ycm.sandbox.server import Sandbox

__all__ = ["control"]


async def control(  # noqa: PLR0911 - one return for each call
    sandbox: Sandbox, request: web.BaseRequest
) -> web.StreamResponse:
    """Answer under `/sandbox/`, for the machine it runs on only."""
    peer = request.remote or ""
    if not (peer and ipaddress.ip_address(peer.partition("%")[0]).is_loopback):
        return _mistake(403, "The control plane answers this machine only.")
    call = f"{request.method} {request.path.removeprefix('/sandbox/')}"
    if call == "GET truth":
        return await _truth(sandbox, request)
    if call == "GET stats":
        return web.json_response(_stats(sandbox))
    if call == "POST tokens/expire":
        return web.json_response({"expired": sandbox.expire_tokens()})
    try:
        if call == "POST churn":
            return web.json_response(_churn(sandbox, await _body(request)))
        if call == "POST faults":
            return web.json_response(_faults(sandbox, await _body(request)))
        if call == "POST assumptions":
            return web.json_response(_assumptions(sandbox, await _body(request)))
    except ValueError as error:
        return _mistake(400, str(error))
    return _mistake(404, "Use GET truth, GET stats, POST churn, POST faults, POST assumptions or POST tokens/expire.")


async def _truth(sandbox: Sandbox, request: web.BaseRequest) -> web.StreamResponse:
    """Stream every customer of one moment, one JSON object a line."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    lines: list[bytes] = []
    for row in sandbox.world.rows():
        lines.append(encode(row))
        if len(lines) == 1000:
            await response.write(b"\n".join(lines) + b"\n")
            lines.clear()
    if lines:
        await response.write(b"\n".join(lines) + b"\n")
    await response.write_eof()
    return response


def _stats(sandbox: Sandbox) -> dict[str, Any]:
    log = sandbox.requests
    by_endpoint: dict[str, int] = {}
    for one in log:
        by_endpoint[one.endpoint] = by_endpoint.get(one.endpoint, 0) + 1
    with sandbox.world.lock:
        customers, seq = len(sandbox.world), sandbox.world.seq
    return {
        "customers": customers,
        "events": seq,
        "requests": by_endpoint,
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
        or not order.keys() <= set(kinds)
        or not all(type(n) is int and n >= 0 for n in order.values())
    ):
        msg = 'Churn is written like {"create": 3, "delete": 2, "edit": 1}.'
        raise ValueError(msg)
    return {kind: sandbox.shake(**{kind: order[kind]}) for kind in kinds if kind in order}


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


async def _body(request: web.BaseRequest) -> object:
    try:
        return json.loads(await request.read())
    except ValueError:
        msg = "The body is not JSON."
        raise ValueError(msg) from None


def _mistake(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
