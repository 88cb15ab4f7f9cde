"""What goes over the wire: answers, errors, and what faults make of them."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import secrets
import socket
import struct
import sys
import time
import uuid
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from tap_ycm.sandbox.errors import (
    DATA_NOT_FOUND,
    INVALID_PARAMETER,
    INVALID_TOKEN,
    SERVER_ERROR,
    SESSION_EXPIRED,
    TOKEN_EXPIRED,
    describe,
)
from tap_ycm.sandbox.world import encode

if TYPE_CHECKING:
    from tap_ycm.sandbox.assumptions import Assumptions
    from tap_ycm.sandbox.faults import Fault
    from tap_ycm.sandbox.limit import Limit
    from tap_ycm.sandbox.tables import Table
    from tap_ycm.sandbox.world import Cut

_JSON = "application/json;charset=UTF-8"
_HTML = b"<!DOCTYPE html><html><head><title>Service</title></head><body><h1>Something is in the way</h1></body></html>"


_DIGITS = 18  # of the longest id that is read


@dataclass(slots=True)
class Answer:
    """What will be sent, unless a fault spoils it."""

    body: bytes = b""
    status: int = 200
    content_type: str = _JSON
    headers: dict[str, str] = field(default_factory=dict)
    code: int | None = None
    request_id: str | None = None
    seq: int | None = None
    ids: tuple[int, ...] = ()


class RefusedError(Exception):
    """A request that is answered with a YCM error."""

    def __init__(self, code: int, message: str, wait: float = 0) -> None:
        """Say which error, in which words, and how long the limiter asks to wait."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.wait = wait  # seconds until the limiter would let it through


@dataclass(frozen=True, slots=True)
class Call:
    """One request under way, with the assumptions that hold for all of it.

    Attributes:
        request: As it came.
        endpoint: See `RequestRecord`.
        assumptions: How this endpoint behaves.
        fault: What goes wrong.
        n: Number of the request to this endpoint, from 1.
        request_id: The `requestId` of the answer.
        key: The id of the object that is asked for, as it was written; empty if there is none.
    """

    request: web.Request
    endpoint: str
    assumptions: Assumptions
    fault: Fault | None
    n: int
    request_id: str | None
    key: str = ""

    @property
    def parent(self) -> int | None:
        """The id of the object that is asked for, None if there is none or it is no id."""
        return int(self.key) if self.key.isdecimal() and len(self.key) <= _DIGITS else None

    def has(self, kind: str) -> bool:
        """Tell whether this request gets such a fault."""
        return self.fault is not None and self.fault.kind == kind


def new_request_id(assumptions: Assumptions) -> str | None:
    """Return a `requestId` in the form assumed, None for none."""
    if assumptions.request_id == "missing":
        return None
    if assumptions.request_id == "uuid":
        return str(uuid.uuid4())
    return secrets.token_hex(16)


def page_answer(call: Call, table: Table, cut: Cut, number: int, size: int) -> Answer:
    """Write a page of a table, telling the given page number and size."""
    assumed = call.assumptions
    data: dict[str, bytes] = {}
    if assumed.echo != "missing":
        word = str if assumed.echo == "string" else int
        data["pageSize"] = encode(word(size))
        data["pageNumber"] = encode(word(number))
    if assumed.total_as != "missing":
        shapes = {"string": str(cut.total), "float": float(cut.total), "null": None, "garbage": "many"}
        data["total"] = encode(shapes.get(assumed.total_as, cut.total))
    data["list"] = _array(call, table, cut)
    if call.has("list_null"):
        data["list"] = b"null"
    elif call.has("no_list"):
        del data["list"]
    body = b",".join(b'"%b":%b' % (name.encode(), raw) for name, raw in data.items())
    return replace(enveloped(call, b"{" + body + b"}"), seq=cut.seq, ids=cut.ids)


def list_answer(call: Call, table: Table, cut: Cut, within: str | None) -> Answer:
    """Write a whole table, bare or under a name."""
    data = _array(call, table, cut)
    if within is not None:
        data = b'{"%b":%b}' % (within.encode(), data)
    return replace(enveloped(call, data), seq=cut.seq, ids=cut.ids)


def row_answer(call: Call, table: Table, seq: int, key: int, row: bytes) -> Answer:
    """Write one row as a version of its table holds it."""
    row = _row(call, table, row)
    bare = table.name == "shared_trunks" and call.assumptions.single_trunk == "bare"
    answer = Answer(b"null" if call.has("data_null") else row) if bare else enveloped(call, row)
    return replace(answer, seq=seq, ids=(key,))


def object_answer(call: Call, data: object, ids: tuple[int, ...]) -> Answer:
    """Write an object that is no row of a table, and the ids in it."""
    return replace(enveloped(call, encode(data)), ids=ids)


def not_found_answer(call: Call) -> Answer:
    """Say that there is no such object, as assumed."""
    how = call.assumptions.not_found_as
    if how == "null":
        return enveloped(call, b"null")
    if how == "html_404":
        return web_page(404)
    if how == "http_404":
        return replace(error_answer(call, None, ""), status=404)
    return error_answer(call, DATA_NOT_FOUND, "DATA_NOT_FOUND")


def web_page(status: int) -> Answer:
    """Answer as what stands before YCM does."""
    return Answer(_HTML, status, "text/html;charset=UTF-8")


def enveloped(call: Call, data: bytes) -> Answer:
    """Wrap JSON in the envelope of a success (response-results)."""
    rest: dict[str, object] = {"status": "Success", "time": int(time.time())}
    if call.request_id is not None:
        rest = {"requestId": call.request_id, **rest}
    data = b"null" if call.has("data_null") else data
    return Answer(b'{"data":' + data + b"," + encode(rest)[1:], request_id=call.request_id)


def error_answer(call: Call, code: int | None, message: str) -> Answer:
    """Write an error as the assumptions have it; without a code if None."""
    assumed = call.assumptions
    status = 200 if code is None else describe(code).http_status
    if assumed.error_http == "always_200":
        status = 200
    if assumed.grant_errors == "oauth" and call.endpoint in ("token", "revoke"):
        word = {INVALID_PARAMETER: "invalid_request", SERVER_ERROR: "server_error"}
        name = word.get(code or SERVER_ERROR, "invalid_client")
        body: dict[str, object] = {"error": name, "error_description": message}
        return Answer(encode(body), status, code=code)
    body = {assumed.error_status_field: "Failed", "time": int(time.time())}
    if call.request_id is not None:
        body["requestId"] = call.request_id
    if code is not None and assumed.error_code_as != "missing":
        word_of_code = str(code) if assumed.error_code_as == "string" else code
        body[assumed.error_code_field] = word_of_code
        body[assumed.error_message_field] = message
    return Answer(encode(body), status, code=code, request_id=call.request_id)


def dress_refusal(limit: Limit, answer: Answer, wait: float) -> None:
    """Give a refusal of the limiter the status and the header it is to have."""
    answer.status = limit.http_status
    seconds = math.ceil(wait)
    if limit.retry_after == "seconds":
        answer.headers["Retry-After"] = str(seconds)
    elif limit.retry_after == "date":
        # A date has whole seconds, so one more, or it would be too early.
        when = formatdate(time.time() + seconds + 1, usegmt=True)
        answer.headers["Retry-After"] = when


# Faults


_CODE_FAULTS = {
    "expired_token": TOKEN_EXPIRED,
    "invalid_token": INVALID_TOKEN,
    "session_expired": SESSION_EXPIRED,
}
_BODY_FAULTS = {
    "not_json": b'{"data": {"list": [,',
    "empty_body": b"",
    "json_null": b"null",
    "reset": b"",
}
_ROW_FAULTS = ("big_int_id", "bad_utf8", "lone_surrogate")


def answer_instead(call: Call) -> Answer | None:  # noqa: PLR0911 - one for each kind
    """Return the answer that a fault gives instead of the true one, if any."""
    fault = call.fault
    if fault is None:
        return None
    if fault.kind == "error":
        code = int(fault.number)
        return error_answer(call, code, describe(code).name)
    if fault.kind in _CODE_FAULTS:
        code = _CODE_FAULTS[fault.kind]
        return error_answer(call, code, describe(code).name)
    if fault.kind == "unauthorized":
        answer = error_answer(call, None, "Unauthorized")
        answer.status = HTTPStatus.UNAUTHORIZED
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    if fault.kind == "failed_200":
        return error_answer(call, None, "Failed")
    if fault.kind in ("http", "html"):
        status = int(fault.number) if fault.kind == "http" else 200
        return web_page(status)
    if fault.kind in _BODY_FAULTS:
        return Answer(_BODY_FAULTS[fault.kind])
    if fault.kind == "redirect":
        port = call.request.host.rpartition(":")[2]
        here = f"{call.request.scheme}://localhost:{port}{call.request.raw_path}"
        return Answer(status=302, headers={"Location": str(fault.argument or here)})
    return None


def _array(call: Call, table: Table, cut: Cut) -> bytes:
    rows = (*(_row(call, table, row) for row in cut.rows[:1]), *cut.rows[1:])
    return b"[" + b",".join(rows) + b"]"


def _row(call: Call, table: Table, row: bytes) -> bytes:
    """Return the first row of an answer as its fault has it."""
    fault = call.fault
    if fault is None or fault.kind not in _ROW_FAULTS:
        return row
    if fault.kind == "bad_utf8":
        return b'{"%b":"\xff\xfe",' % table.text.encode() + row[1:]
    value = json.loads(row)
    if fault.kind == "big_int_id":
        value[table.key] = int(fault.number)
    else:
        value[table.text] = "\ud83d"
    return encode(value)


def spoilt(call: Call, answer: Answer) -> Answer:
    """Change the bytes of an answer as its fault has it, and compress it."""
    kind = call.fault.kind if call.fault else ""
    if kind == "bom":
        answer.body = b"\xef\xbb\xbf" + answer.body
    elif kind == "bad_utf8" and b"\xff" not in answer.body:
        answer.body = answer.body.replace(b'":"', b'":"\xff\xfe', 1)
    broken = kind in ("corrupt_gzip", "truncated_gzip")
    accepted = "gzip" in call.request.headers.get("Accept-Encoding", "")
    if broken or (call.assumptions.gzip and accepted):
        body = gzip.compress(answer.body, compresslevel=1, mtime=0)
        half = len(body) // 2
        if kind == "truncated_gzip":
            body = body[:half]
        elif kind == "corrupt_gzip":
            body = body[:half] + bytes(255 - byte for byte in body[half:])
        answer.body = body
        answer.headers["Content-Encoding"] = "gzip"
    return answer


async def send(call: Call, answer: Answer) -> web.StreamResponse:
    """Send an answer, or less of it, as its fault has it."""
    kind = call.fault.kind if call.fault else ""
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if kind == "reset":
        _reset(call.request)
        return web.Response()
    if kind == "stall" and call.fault:
        await asyncio.sleep(call.fault.number)
    if kind not in ("reset_after", "truncated", "drip") or call.fault is None:
        return web.Response(body=answer.body, status=answer.status, headers=headers)

    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_length = len(answer.body)
    await response.prepare(call.request)
    if kind == "drip":
        for byte in answer.body:
            await response.write(bytes((byte,)))
            await asyncio.sleep(call.fault.number)
    elif kind == "truncated":
        await response.write(answer.body[: len(answer.body) // 2])
        response.force_close()
    else:
        await response.write(answer.body[: int(call.fault.number)])
        _reset(call.request)
    return response


def _reset(request: web.Request) -> None:
    """Abort the connection so that the client sees a reset, not an end."""
    transport = request.transport
    if transport is None:
        return  # the client was faster
    # To linger for 0 seconds makes the kernel send RST instead of FIN.
    form = "hh" if sys.platform == "win32" else "ii"
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(form, 1, 0))
    transport.abort()
