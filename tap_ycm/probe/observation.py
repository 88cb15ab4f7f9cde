"""What one exchange showed, stripped of values: this, and nothing else of an answer, may reach a report.

Names are shown if they are plain words, numbers if they count or are codes. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_ycm.probe.line import Answer

__all__ = ["NOT_PLAIN", "Observation", "code_in", "failed", "json_type", "names", "observe", "plain", "succeeded"]

NOT_PLAIN = "(not plain words)"
MOST_NAMES = 60

HEADERS = (
    *("cache-control", "content-encoding", "content-length", "content-type", "date", "etag", "location"),
    *("ratelimit", "ratelimit-limit", "ratelimit-policy", "ratelimit-remaining", "ratelimit-reset", "retry-after"),
    *("server", "set-cookie", "strict-transport-security", "transfer-encoding", "vary", "via", "www-authenticate"),
    *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-rate-limit-limit"),
    *("x-rate-limit-remaining", "x-rate-limit-reset", "x-request-id"),
)
"""The headers whose names may be told. No value is, but those of the few below."""

_NUMBERS = re.compile(r"x?-?rate-?limit.*")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z_]{0,39}[0-9]?")
_CODES = range(1_000_000, 10_000_000)
_CONTENT = ("application/json", "text/html", "text/plain", "text/json", "application/xml", "text/xml")
_CHARSETS = ("utf-8", "iso-8859-1", "us-ascii", "gbk", "gb18030")
_NO_MESSAGES = ("requestId", "status", "Status", "time")
_MESSAGES = ("errMsg", "errmsg", "errorMsg", "message", "msg", "detailMsg", "error_description")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One exchange.

    Attributes:
        n: Number of the request.
        step: The step of the plan.
        asked: Method, path and query, without an id.
        status: HTTP status; None if there was no answer.
        trouble: Why there was none.
        http: Version of HTTP.
        content: Media type and charset, if they are usual ones.
        gzip: Whether the answer was compressed.
        headers: The names of headers, of those that may be told.
        numbers: The values of headers that tell of a limit, if they are numbers.
        retry_after: Whether and how the header asks to wait.
        body: What the body is: a JSON type, ``html``, ``text`` or ``empty``.
        fields: Names and JSON types of the fields of the body.
        data: JSON type of the field ``data``.
        status_field: The name of the field that says whether it is a success.
        says: What it says: ``success``, ``failed``, or ``another word``.
        code: Error code of YCM.
        code_field: The name of its field.
        code_as: JSON type of its field.
        message_field: The name of the field that holds the message.
        request_id: Form of the ``requestId``: ``hex``, ``uuid``, ``another`` or ``missing``.
        rows: Number of rows.
        total: Total, if it is a number, also as text.
        total_as: How it is written: a JSON type, ``text that is no number``, or ``missing``.
        page: Page number as repeated by the answer, and ``page_as`` how it is written.
        size: Page size likewise.
    """

    n: int
    step: str
    asked: str
    status: int | None
    trouble: str | None = None
    http: str | None = None
    content: str | None = None
    gzip: bool = False
    headers: tuple[str, ...] = ()
    numbers: dict[str, int] = field(default_factory=dict)
    retry_after: str | None = None
    body: str = "empty"
    fields: dict[str, str] = field(default_factory=dict)
    data: str | None = None
    status_field: str | None = None
    says: str | None = None
    code: int | None = None
    code_field: str | None = None
    code_as: str | None = None
    message_field: str | None = None
    request_id: str | None = None
    rows: int | None = None
    total: int | None = None
    total_as: str | None = None
    page: int | None = None
    page_as: str | None = None
    size: int | None = None
    size_as: str | None = None


def observe(answer: Answer) -> Observation:
    """Return what an exchange showed."""
    known: dict[str, Any] = {"n": answer.n, "step": answer.ask.step, "asked": answer.ask.shown, "status": answer.status}
    if answer.status is None:
        return Observation(**known, trouble=answer.trouble)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Observation(
        **known,
        http={10: "1.0", 11: "1.1"}.get(answer.version, "another"),
        content=_content(headers.get("content-type", "")),
        gzip="gzip" in headers.get("content-encoding", "").lower(),
        headers=tuple(name for name in HEADERS if name in headers),
        numbers={
            name: int(headers[name])
            for name in HEADERS
            if _NUMBERS.fullmatch(name) and re.fullmatch(r"\d{1,10}", headers.get(name, ""), re.ASCII)
        },
        retry_after=_retry_after(headers.get("retry-after"), answer.retry_after),
        body=_body(answer),
        **_envelope(answer.fields),
        **(_page(answer.fields.get("data")) if answer.ask.form is None else {}),
    )


def json_type(value: object) -> str:
    """Return the JSON type of a value; numbers are integers or fractions."""
    kinds: dict[type, str] = {
        dict: "object",
        list: "array",
        str: "string",
        bool: "boolean",
        int: "integer",
        Decimal: "number",
        float: "number",
    }
    return kinds.get(type(value), "null")


def plain(name: str) -> bool:
    """Tell whether a name is a plain word, as YCM's are: anything else could be data."""
    return _PLAIN.fullmatch(name) is not None


def names(of: Iterable[str]) -> list[str]:
    """Return names in order, those that are no plain words as one."""
    found = dict.fromkeys(name if plain(name) else NOT_PLAIN for name in of)
    return sorted(found)[:MOST_NAMES]


def failed(answer: Answer) -> bool:
    """Tell whether an answer is an error in YCM's own words."""
    return _says(answer.fields) == "failed" or ((answer.status or 0) >= 300 and bool(answer.fields))


def succeeded(answer: Answer) -> bool:
    """Tell whether an answer is a success in YCM's own words."""
    return answer.status is not None and answer.status < 300 and _says(answer.fields) == "success"


def code_in(answer: Answer) -> int | None:
    """Return the error code of an answer, wherever it is."""
    return _code(answer.fields)[1]


def _envelope(fields: dict[str, Any]) -> dict[str, Any]:
    if not fields:
        return {}
    code_field, code = _code(fields)
    status_field = next((name for name in ("status", "Status") if name in fields), None)
    typed = {name: json_type(fields[name]) for name in sorted(fields)[:MOST_NAMES] if plain(name)}
    if len(typed) < len(fields):
        typed[NOT_PLAIN] = str(len(fields) - len(typed))
    request_id = fields.get("requestId")
    form = "missing" if request_id is None else "another"
    if isinstance(request_id, str):
        form = "hex" if re.fullmatch(r"[0-9a-f]{32}", request_id) else form
        form = "uuid" if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id) else form
    return {
        "fields": typed,
        "data": json_type(fields["data"]) if "data" in fields else None,
        "status_field": status_field,
        "says": _says(fields),
        "code": code,
        "code_field": code_field,
        "code_as": json_type(fields[code_field]) if code_field else None,
        "message_field": _message(fields) if _says(fields) != "success" else None,
        "request_id": form,
    }


def _says(fields: dict[str, Any]) -> str | None:
    if not {"status", "Status"} & fields.keys():
        return None
    word = fields.get("status", fields.get("Status"))
    return word.lower() if isinstance(word, str) and word.lower() in {"success", "failed"} else "another word"


def _code(fields: dict[str, Any]) -> tuple[str | None, int | None]:
    """Return the field that holds an error code, and the code: a number of seven digits."""
    for name, value in fields.items():
        code = _number(value)
        if plain(name) and code is not None and code in _CODES:
            return name, code
    return None, None


def _message(fields: dict[str, Any]) -> str | None:
    """Return the field of the message: one of the usual names, or the only other text."""
    code_field, _ = _code(fields)
    texts = [
        name
        for name, value in fields.items()
        if isinstance(value, str) and plain(name) and name not in (*_NO_MESSAGES, code_field)
    ]
    usual = [name for name in _MESSAGES if name in texts]
    return next(iter(usual), texts[0] if len(texts) == 1 else None)


def _page(data: Any) -> dict[str, Any]:
    """Return what the payload tells of rows and pages."""
    if isinstance(data, list):
        return {"rows": len(data)}
    if not isinstance(data, dict):
        return {}
    found: dict[str, Any] = {}
    arrays = [value for name, value in data.items() if name in {"list", "itspInfos"} and isinstance(value, list)]
    if arrays:
        found["rows"] = len(arrays[0])
    if "list" not in data:
        return found
    for name, field_name in (("total", "total"), ("page", "pageNumber"), ("size", "pageSize")):
        found[name] = _number(data.get(field_name))
        found[f"{name}_as"] = json_type(data[field_name]) if field_name in data else "missing"
        if found[f"{name}_as"] == "string" and found[name] is None:
            found[f"{name}_as"] = "text that is no number"
    return found


def _number(value: object) -> int | None:
    """Return a whole number that can count something, also from text or from a fraction of zero."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value, re.ASCII):
        return int(value)
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < 18 and value == int(value):
        return int(value)
    return value if type(value) is int and abs(value) < 10**18 else None


def _content(header: str) -> str | None:
    if not header:
        return None
    media, _, rest = header.lower().partition(";")
    charset = rest.partition("charset=")[2].strip(' "')
    kind = media.strip() if media.strip() in _CONTENT else "another type"
    return kind + (f"; charset={charset if charset in _CHARSETS else 'another'}" if charset else "")


def _retry_after(header: str | None, seconds: float | None) -> str | None:
    if header is None:
        return None
    if seconds is None:
        return "unreadable"
    return "seconds" if header.strip().isdecimal() else "date"


def _body(answer: Answer) -> str:
    text = answer.body.lstrip()[:200].lower()
    if not text:
        return "empty"
    if answer.value is not None or text == b"null":
        return json_type(answer.value)
    return "html" if b"<html" in text or text.startswith(b"<!doctype") else "text"
