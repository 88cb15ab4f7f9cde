"""One answer of YCM: its envelope, its page, or the error it is.

Pure: bytes and a status go in; a page or an :class:`~tap_ycm.errors.ApiError` comes out. An answer is taken whole or
refused, and what is refused never looks like an empty list. Vendor pages: ``response-results`` (envelope; the names
of the error fields are not documented, hence the lists of candidates), ``query-all-the-customers`` (paged payload).
"""

from __future__ import annotations

import codecs
from email.message import Message
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from tap_ycm.errors import ERRORS, Action, ApiError, advice_for
from tap_ycm.http.decode import decode
from tap_ycm.reading.pages import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_ycm.reading.pages import Row

__all__ = ["Extract", "as_utf8", "parse_object", "parse_page", "parse_rows", "parse_token"]

_CODE_FIELDS = ("errCode", "errcode", "errorCode", "errno", "code")
_OAUTH_REFUSALS = ("invalid_client", "invalid_grant", "unauthorized_client", "access_denied")
_NOT_FOUND = 1000005
_NO_CHARSETS = ("idna", "punycode", "raw-unicode-escape", "unicode-escape")
_INT64 = range(-(2**63), 2**63)
_OBJECTS, _INTEGERS = frozenset({dict}), frozenset({int})


Extract: TypeAlias = "Callable[[Any], list[Any] | None]"
"""Finds the rows in ``data``; None if it is not of the shape expected."""


def parse_page(body: bytes, http_status: int, where: str, key: str, *, retry_after: float | None = None) -> Page:
    """Read one answer of a paged list.

    Args:
        body: The body as received, decompressed.
        http_status: HTTP status of the answer.
        where: The endpoint, for error sentences.
        key: Name of the field that identifies a row.
        retry_after: Seconds the server asked to wait, if it said so.

    Returns:
        The page, whole.

    Raises:
        ApiError: The answer is an error, or not a page of this list.
    """
    answer = _decode(body, http_status, where, retry_after)
    _assert_success(answer, http_status, where, retry_after)
    request_id = _request_id(answer)
    data = answer.get("data")
    rows = data.get("list") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(rows, list) or not _OBJECTS.issuperset(map(type, rows)):
        sentence = f"{where} answered without data.list (requestId {request_id}): check that base_url is your YCM"
        raise ApiError(sentence, Action.RETRY)
    return Page(
        ids=_identifiers(rows, key, where, request_id),
        rows=rows,
        number=_count(data.get("pageNumber")),
        size=_count(data.get("pageSize")),
        total=_count(data.get("total")),
        request_id=request_id,
    )


def parse_object(  # noqa: PLR0913 - what an answer consists of
    body: bytes, http_status: int, where: str, key: str, identifier: int, *, retry_after: float | None = None
) -> Row | None:
    """Read the answer to the question for a single object (vendor page ``query-a-specific-customer``).

    Args:
        body: The body as received, decompressed.
        http_status: HTTP status of the answer.
        where: The endpoint, for error sentences.
        key: Name of the field that identifies a row.
        identifier: The key that was asked for.
        retry_after: Seconds the server asked to wait, if it said so.

    Returns:
        The row; None if YCM says that there is none, by code 1000005 or by HTTP status 404 in its own words.

    Raises:
        ApiError: The answer is another error, or another object.
    """
    answer = _decode(body, http_status, where, retry_after)
    if _is_not_found(answer, http_status):
        return None
    is_bare = http_status < 300 and not {"status", "Status", "data"} & answer.keys() and not _codes(answer)
    if is_bare and _identical(answer.get(key), identifier):  # one page of the vendor shows an object without envelope
        return answer
    _assert_success(answer, http_status, where, retry_after)
    row = answer.get("data")
    if isinstance(row, dict) and _identical(row.get(key), identifier):
        return row
    what = f"another object than asked for (requestId {_request_id(answer)})"
    sentence = f"{where} answered {what}: it is a fault of YCM; tell Yeastar with the requestId"
    raise ApiError(sentence)


def _is_not_found(answer: dict[str, Any], http_status: int) -> bool:
    known = {code for code in _codes(answer) if code in ERRORS}
    return _says(answer, "failed") and (known == {_NOT_FOUND} or (http_status == 404 and not known))


def _identical(value: object, identifier: int) -> bool:
    return type(value) is int and value == identifier


def parse_rows(  # noqa: PLR0913 - what an answer consists of
    body: bytes,
    http_status: int,
    where: str,
    extract: Extract,
    keys: tuple[str, ...],
    *,
    texts: tuple[str, ...] = (),
    may_be_gone: bool = False,
    retry_after: float | None = None,
) -> list[Row] | None:
    """Read a whole list that comes in one answer.

    Args:
        body: The body as received, decompressed.
        http_status: HTTP status of the answer.
        where: The endpoint, for error sentences.
        extract: Finds the rows in ``data``.
        keys: Names of the fields that identify a row.
        texts: Those of them that are text which ``extract`` puts there; the others are 64-bit integers.
        may_be_gone: Whether "not found" is an answer.
        retry_after: Seconds the server asked to wait, if it said so.

    Returns:
        The rows, of equal ones the first; None if YCM says that what they belong to does not exist.

    Raises:
        ApiError: The answer is another error, or not such a list.
    """
    answer = _decode(body, http_status, where, retry_after)
    if may_be_gone and _is_not_found(answer, http_status):
        return None
    _assert_success(answer, http_status, where, retry_after)
    request_id = _request_id(answer)
    data = answer.get("data")
    rows = extract(data)
    if rows is None or not all(isinstance(row, dict) for row in rows):
        sentence = f"{where} answered data of another shape than documented (requestId {request_id}): ask Yeastar"
        raise ApiError(sentence, Action.RETRY)
    told = _count(data.get("total")) if isinstance(data, dict) else None
    if told is not None and told > len(rows):
        sentence = f"{where} answered {len(rows)} of {told} rows (requestId {request_id})"
        raise ApiError(sentence, advice="YCM seems to cut this list into pages, which the tap cannot read; upgrade it")
    different: dict[tuple[Any, ...], Row] = {}
    for place, row in enumerate(rows, start=1):
        key = tuple(
            row[name] if name in texts else _identifier(row.get(name), name, place, where, request_id) for name in keys
        )
        different.setdefault(key, row)
    return list(different.values())


def parse_token(body: bytes, http_status: int, where: str, *, retry_after: float | None = None) -> tuple[str, float]:
    """Read the answer to a token request, which has no envelope (vendor page ``request-access-token``).

    Args:
        body: The body as received.
        http_status: HTTP status of the answer.
        where: The endpoint, for error sentences.
        retry_after: Seconds the server asked to wait, if it said so.

    Returns:
        The access token, and its remaining life in seconds (the documented 30 minutes if the answer does not tell).

    Raises:
        ApiError: The answer is an error or carries no usable token.
    """
    try:
        answer = _decode(body, http_status, where, retry_after)
    except ApiError as problem:
        if problem.action is not Action.NEW_TOKEN:
            raise
        answer = {}  # HTTP status 401 with something else than JSON: a refusal like any other
    token = answer.get("access_token")
    if http_status >= 300 or not isinstance(token, str):
        failure = _failure(answer, http_status, where, "without an access_token", retry_after)
        may_pass = http_status >= 300 and failure.action in {Action.RETRY, Action.WAIT}
        refused = (http_status in {400, 401, 403} or answer.get("error") in _OAUTH_REFUSALS) and not may_pass
        if failure.action is Action.NEW_TOKEN or (refused and failure.code is None):
            # The credentials were refused, whatever the answer calls it: asking again cannot help, and may lock out.
            what = (
                advice_for(_code(answer), http_status)[0]
                if failure.code is not None
                else "that the credentials are refused"
            )
            failure = ApiError(_what(where, what, answer), advice=ERRORS[1000033].advice)
        raise failure
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        sentence = f"{where} answered with an access_token that cannot be sent in a header: is base_url your YCM?"
        raise ApiError(sentence)
    life = answer.get("expires_in")
    return token, float(min(life, 86400)) if isinstance(life, int) and life > 0 else 1800.0


def as_utf8(body: bytes, content_type: str) -> tuple[bytes, int]:
    """Return a body in UTF-8, which JSON is in (RFC 8259) unless ``Content-Type`` says otherwise.

    Args:
        body: The body as received, decompressed.
        content_type: The header.

    Returns:
        The body, and how many characters in it are broken, and U+FFFD now.
    """
    charset = _charset(content_type)
    try:
        text, broken = body.decode(charset), 0
    except UnicodeError:
        text = body.decode(charset, errors="replace")
        sound = body.count(b"\xef\xbf\xbd") if charset == "utf-8" else 0
        broken = text.count("\ufffd") - sound
    return text.encode(errors="replace") if broken or charset != "utf-8" else body, broken


@lru_cache(maxsize=16)  # the answers of one YCM are alike, and reading the header takes long
def _charset(content_type: str) -> str:
    if "charset" not in content_type.lower():
        return "utf-8"
    header = Message()
    header["Content-Type"] = content_type
    try:
        name = codecs.lookup(header.get_content_charset() or "").name
        "{}".encode(name)
    except (LookupError, ValueError):  # one that Python does not know, or that is none of text
        return "utf-8"
    return name if name not in _NO_CHARSETS else "utf-8"


def _decode(body: bytes, http_status: int, where: str, retry_after: float | None) -> dict[str, Any]:
    """Return the JSON object in the body; what is not UTF-8 in it becomes U+FFFD rather than stopping every sync."""
    try:
        answer = decode(body)
    except (ValueError, ArithmeticError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        return answer
    if http_status < 300:
        sentence = f"{where} answered something that is not a JSON object: check that base_url is your YCM"
        raise ApiError(sentence, Action.RETRY)
    what, action, advice = advice_for(None, http_status, retry_after)
    what = f"{where} answered {what}"
    raise ApiError(what, action, advice=advice, retry_after=retry_after)


def _says(answer: dict[str, Any], word: str) -> bool:
    status = answer.get("status", answer.get("Status"))
    return isinstance(status, str) and status.lower() == word


def _assert_success(answer: dict[str, Any], http_status: int, where: str, retry_after: float | None) -> None:
    """Raise what a failed answer is; a success with a code other than 0 contradicts itself, and is one."""
    if http_status >= 300 or not _says(answer, "success") or _codes(answer):
        raise _failure(answer, http_status, where, "a body that does not say status Success", retry_after)


def _failure(
    answer: dict[str, Any], http_status: int, where: str, otherwise: str, retry_after: float | None
) -> ApiError:
    """Return what a failed answer is; ``otherwise`` names a success status without success inside."""
    code = _code(answer)
    what, action, advice = advice_for(code, http_status, retry_after)
    if code is None and http_status < 300:
        what, action, advice = otherwise, Action.RETRY, "check that base_url is your YCM; YCM may also be in trouble"
    known = code if code in ERRORS else None
    return ApiError(_what(where, what, answer), action, advice=advice, code=known, retry_after=retry_after)


def _codes(answer: dict[str, Any]) -> list[int]:
    """Return what it carries as error codes; 0 stands for none."""
    return [code for name in _CODE_FIELDS if (code := _whole(answer.get(name)))]


def _code(answer: dict[str, Any]) -> int | None:
    return next((code for code in _codes(answer) if code in _INT64), None)


def _what(where: str, what: str, answer: dict[str, Any]) -> str:
    return f"{where} answered {what} (requestId {_request_id(answer)})"


def _request_id(answer: dict[str, Any]) -> str:
    """Return the requestId if it looks like one: anything else could be data, and this goes to logs."""
    value = answer.get("requestId")
    if isinstance(value, str) and value.isascii() and value.replace("-", "").isalnum() and len(value) <= 64:
        return value
    return "none"


def _identifiers(rows: list[Row], key: str, where: str, request_id: str) -> list[int]:
    """Return the key of each row: all looked at together, and one after the other only to find the wrong one."""
    keys: list[Any] = [row.get(key) for row in rows]
    if _INTEGERS.issuperset(map(type, keys)) and (not keys or (min(keys) in _INT64 and max(keys) in _INT64)):
        return keys
    return [_identifier(value, key, place, where, request_id) for place, value in enumerate(keys, start=1)]


def _identifier(value: object, key: str, place: int, where: str, request_id: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in _INT64:
        return value
    sentence = (
        f"{where} answered a row ({place} of its page, requestId {request_id}) whose {key} is not a 64-bit integer: "
        "a row without a sound key cannot be loaded; ask Yeastar with the requestId"
    )
    raise ApiError(sentence)


def _whole(value: object) -> int | None:
    """Return a whole number, also from a numeric string; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        return int(value)
    return None


def _count(value: object) -> int | None:
    """Return a whole number of 64 bits likewise: what counts pages or rows is not larger."""
    number = _whole(value)
    return number if number is not None and number in _INT64 else None
