"""What a request asks for: the token, the form, the query."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from tap_ycm.sandbox.answers import RefusedError
from tap_ycm.sandbox.errors import INVALID_PARAMETER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from tap_ycm.sandbox.answers import Call
    from tap_ycm.sandbox.tables import Table

__all__ = ["bearer", "form", "order", "regions", "required", "sort", "whole"]

_BEARER = "Bearer "
_INTEGER = re.compile(r"-?[0-9]{1,18}")


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


def required(form: Mapping[str, str], name: str) -> str:
    """Return a field of a form or a query, or refuse the request that lacks it."""
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


def regions(call: Call, *, needed: bool) -> set[int] | None:
    """Return the regions of the query, None for all."""
    text = call.request.query.get("regionIds", "")
    if not text and not needed:
        return None
    parts = text.split(",")
    if not all(_INTEGER.fullmatch(part.strip()) for part in parts):
        raise RefusedError(INVALID_PARAMETER, "regionIds is missing or no list of numbers")
    return {int(part) for part in parts}


def order(call: Call, table: Table) -> str:
    """Return the order of a list that was asked for none, as `World.cut` takes it."""
    assumed = call.assumptions
    own = {"dids": assumed.order_dids, "trunk_permissions": assumed.order_trunk_permissions}
    chosen = {**own, "groups": assumed.order_groups}.get(table.name, assumed.default_order)
    return {
        "ascending": table.key,
        "descending": f"-{table.key}",
        "shuffled": "shuffled",
        "reshuffled": f"shuffled {call.n}",
    }[chosen]


def sort(call: Call, table: Table) -> str:
    """Return the order to serve, as `World.cut` takes it."""
    assumed, chosen = call.assumptions, order(call, table)
    wanted = call.request.query.get("sort")
    if wanted and assumed.honour_sort and table.sorts is not None:
        if wanted.removeprefix("-") in table.sorts:
            chosen = wanted
        elif assumed.unknown_sort == "refuse":
            raise RefusedError(INVALID_PARAMETER, "sort is no field to sort by")
    if assumed.sort_as == "text" and chosen.removeprefix("-") == table.key:
        chosen = chosen.replace(table.key, "text")
    return chosen
