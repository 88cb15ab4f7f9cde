"""What a request asks for: the endpoint, the token, the form, the query."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from tap_ycm.sandbox.answers import RefusedError
from tap_ycm.sandbox.errors import INVALID_PARAMETER
from tap_ycm.sandbox.world import FIELDS

if TYPE_CHECKING:
    from aiohttp import web

    from tap_ycm.sandbox.answers import Call

__all__ = ["bearer", "endpoint", "form", "required", "sort", "whole"]

API: Final = "/dm/open_api"
TOKEN: Final = f"{API}/oauth/token"
REFRESH_TOKEN: Final = f"{TOKEN}/refresh_token"
CUSTOMERS: Final = f"{API}/v1/customers"

_BEARER = "Bearer "
_INTEGER = re.compile(r"-?[0-9]{1,18}")


def endpoint(request: web.BaseRequest) -> str:
    """Name the endpoint; see `RequestRecord`."""
    call = (request.method, request.path)
    if call == ("POST", TOKEN):
        return "token"
    if call == ("DELETE", REFRESH_TOKEN):
        return "revoke"
    if call == ("GET", CUSTOMERS):
        return "customers"
    rest = request.path.removeprefix(f"{CUSTOMERS}/")
    if request.method == "GET" and rest != request.path and rest and "/" not in rest:
        return "customer"
    return "unknown"


def bearer(request: web.BaseRequest) -> str:
    """Return the access token, empty if there is none."""
    header = request.headers.get("Authorization", "")
    return header.removeprefix(_BEARER) if header.startswith(_BEARER) else ""


def form(request: web.BaseRequest, body: bytes) -> dict[str, str]:
    """Read a form body; JSON or a query are refused (request-access-token)."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise RefusedError(INVALID_PARAMETER, "The body is not form-encoded")
    try:
        pairs = parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=20)
    except ValueError:
        raise RefusedError(INVALID_PARAMETER, "The form cannot be read") from None
    return dict(pairs)


def required(form: dict[str, str], name: str) -> str:
    """Return a field of a form, or refuse the request that lacks it."""
    if not form.get(name):
        raise RefusedError(INVALID_PARAMETER, f"{name} is missing")
    return form[name]


def whole(call: Call, name: str, default: int) -> int:
    """Return a number of the query, at least 1."""
    text = call.request.query.get(name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text):
        raise RefusedError(INVALID_PARAMETER, f"{name} is no number")
    value = int(text)
    if value < 1:
        if call.assumptions.below_one == "refuse":
            raise RefusedError(INVALID_PARAMETER, f"{name} is below 1")
        return 1
    return value


def sort(call: Call) -> str:
    """Return the order to serve, as `World.cut` takes it."""
    assumed = call.assumptions
    order = {
        "ascending": "customerId",
        "descending": "-customerId",
        "shuffled": "shuffled",
        "reshuffled": f"shuffled {call.data_n}",
    }[assumed.default_order]
    asked = call.request.query.get("sort")
    if asked and assumed.honour_sort:
        if asked.removeprefix("-") in FIELDS:
            order = asked
        elif assumed.unknown_sort == "refuse":
            raise RefusedError(INVALID_PARAMETER, "sort is no field of the answer")
    return order.replace("customerId", "text") if assumed.sort_as == "text" else order
