"""Whatever arrives, an answer is taken whole or refused: never half of it, never another exception, never its text."""

from __future__ import annotations

import contextlib
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from values import CANARY, VALUES

from tap_ycm.errors import ERRORS, Action, ApiError, TapError
from tap_ycm.http.answers import as_utf8, parse_object, parse_page, parse_rows, parse_token
from tap_ycm.http.decode import decode
from tap_ycm.records.loadable import loadable
from tap_ycm.records.reader import RowReader
from tap_ycm.shapes import array_in, members_in

if TYPE_CHECKING:
    from tap_ycm.reading.pages import Row

CODE_FIELDS = ("errCode", "errcode", "errorCode", "errno", "code")
WHERE = "GET /list"
INT64 = range(-(2**63), 2**63)
STATUSES = st.sampled_from([200, 200, 200, 201, 204, 299, 300, 302, 400, 401, 403, 404, 408, 429, 500, 503])
FUZZ = settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))

ROWS = st.lists(
    st.fixed_dictionaries(
        {"customerId": st.integers(-(2**63), 2**63 - 1) | st.integers(1, 99), "firstName": st.just(f"{CANARY} Leo")},
        optional={"remark": VALUES, "customerid": VALUES},
    ),
    max_size=4,
)
PAGES = st.builds(
    lambda rows, total: {
        "data": {"pageSize": 10, "pageNumber": 1, "total": total, "list": rows},
        "requestId": "4cf5c99a28324f7c7591d43777a3bf03",
        "time": 1700000000,
        "status": "Success",
    },
    ROWS,
    st.integers(0, 50),
)
FAILURES = st.fixed_dictionaries(
    {"status": st.sampled_from(["Failed", "failed", 500]), "requestId": st.just("4cf5c99a28324f7c7591d43777a3bf03")},
    optional={
        "errCode": st.sampled_from([1000001, "1000035", 1000040, 1999999, CANARY, None, 1.5]),
        "code": st.integers() | st.just(CANARY),
        "errMsg": st.just(f"{CANARY} happened"),
        "Status": st.sampled_from(["Failed", "Success"]),
    },
)
TOKENS = [f"{CANARY}.token", f"0{CANARY}0", f"{CANARY} b", f"{CANARY}\tb", f"{CANARY}\x7f", f"{CANARY}é", ""]
GRANTS = st.fixed_dictionaries(
    {
        "access_token": st.sampled_from(TOKENS),
        "expires_in": st.integers(0, 10**6),
        "token_type": st.just("bearer"),
    },
    optional={"error": st.just(CANARY), "error_description": st.just(CANARY), "errCode": st.just(1000002)},
)
NAMES = st.sampled_from(["data", "list", "status", "Status", "STATUS", "total", "customerId", "errCode", CANARY])


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """List the ways to every member of a JSON value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way for name, inner in members for way in ((*path, name), *places(inner, (*path, name)))]


@st.composite
def bent(draw: st.DrawFn, whole: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """Draw an answer with up to three members removed, replaced or renamed."""
    answer: dict[str, Any] = json.loads(json.dumps(draw(whole)))
    for _ in range(draw(st.integers(0, 3))):
        ways = places(answer)
        if not ways:
            break
        *path, name = draw(st.sampled_from(ways))
        holder: Any = answer
        for step in path:
            holder = holder[step]
        how = draw(st.sampled_from(["remove", "replace", "rename"]))
        if how == "replace":
            holder[name] = draw(VALUES)
        else:
            value = holder.pop(name)
            if how == "rename" and isinstance(holder, dict):
                holder[draw(NAMES)] = value
    if draw(st.booleans()) and "status" in answer:
        answer["status"] = draw(st.sampled_from(["Success", "success", "SUCCESS", "sUCCess", "Succes", " Success", "",
                                                 "Failed", 1, True, None, ["Success"], {"a": "Success"}]))  # fmt: skip
    if draw(st.integers(0, 3)) == 0:
        answer[draw(st.sampled_from(CODE_FIELDS))] = draw(st.sampled_from([0, "0", 1000001, "1000040", 7, 10**30, -1]))
    return answer


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[dict[str, Any]]) -> bytes:
    """Draw an answer with some bytes flipped, deleted, inserted or cut off."""
    body = bytearray(json.dumps(draw(whole), ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass"))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(body) - 1, 0)))
        how = draw(st.sampled_from(["flip", "delete", "insert", "truncate"]))
        if how == "flip" and body:
            body[place] ^= 1 << draw(st.integers(0, 7))
        elif how == "delete":
            del body[place : place + draw(st.integers(1, 9))]
        elif how == "insert":
            body[place:place] = draw(st.binary(min_size=1, max_size=4) | st.sampled_from([b"null", b"{}", b"[]", b'"']))
        elif how == "truncate":
            del body[place:]
    return bytes(body)


def by_python(body: bytes) -> Any:
    """Parse a body with no code of the tap but what makes text loadable."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    value = json.loads(body.decode("utf-8-sig", errors="replace"), parse_float=Decimal, parse_constant=refuse)
    return loadable(value) if rb"\u" in body else value


def judge(body: bytes, status: int) -> bool:
    """Hold `parse_page` against another reading of the same bytes; return whether it took the page."""
    try:
        page = parse_page(body, status, WHERE, "customerId")
    except ApiError as failure:
        judge_sentence(str(failure), body)
        return False
    truth = by_python(body)
    rows = truth["data"]["list"]
    assert status < 300
    assert truth.get("status", truth.get("Status")).lower() == "success"
    assert not any(re.fullmatch("0*[1-9][0-9]*", str(truth.get(name))) for name in CODE_FIELDS)
    assert isinstance(rows, list)
    assert page.rows == rows
    assert page.ids == [row["customerId"] for row in rows]
    assert all(type(key) is int and key in INT64 for key in page.ids)
    for told, name in ((page.number, "pageNumber"), (page.size, "pageSize"), (page.total, "total")):
        assert told is None or (type(told) is int and str(truth["data"][name]).strip('"') in (str(told), f"0{told}"))
    record_of_each(page.rows)
    return True


def judge_sentence(sentence: str, body: bytes) -> None:
    """An error's text is one line that holds nothing of the body; but for a requestId that looks like one."""
    assert "\n" not in sentence
    assert sentence.startswith(WHERE)
    shown = re.search(r"\(requestId ([\w-]+)\)|, requestId ([\w-]+)\)", sentence)
    identifier = (shown[1] or shown[2]) if shown else "none"
    assert CANARY not in sentence.replace(identifier, ""), body
    assert re.fullmatch(r"[A-Za-z0-9-]{1,64}", identifier)


TEXT = {"type": ["string", "null"]}
SCHEMA = {"properties": {"customerId": {"type": "integer"}, "firstName": TEXT, "remark": TEXT}}


def record_of_each(rows: list[Row]) -> None:
    """What is taken can be made a record, and a line of it; or a sentence says that it cannot."""
    reader = RowReader(
        "customers",
        SCHEMA,
        keys=("customerId",),
        columns=SCHEMA["properties"],
        unknown_fields="keep",
        warn=lambda _: None,
    )
    with contextlib.suppress(TapError):
        for record in reader.records(rows):
            json.dumps(record, default=str).encode()


@FUZZ
@given(bent(PAGES), STATUSES)
def test_a_bent_page_is_taken_whole_or_refused(answer: dict[str, Any], status: int) -> None:
    judge(json.dumps(answer).encode(), status)


@FUZZ
@given(bent(FAILURES), STATUSES)
def test_a_bent_failure_is_never_a_page(answer: dict[str, Any], status: int) -> None:
    taken = judge(json.dumps(answer).encode(), status)
    assert not taken


@FUZZ
@given(damaged(PAGES), STATUSES)
def test_a_damaged_page_is_taken_as_its_bytes_say_or_refused(body: bytes, status: int) -> None:
    judge(body, status)


@FUZZ
@given(st.binary(max_size=60), STATUSES)
def test_rubbish_is_refused(body: bytes, status: int) -> None:
    assert not judge(body, status)


@settings(max_examples=200, deadline=None)
@given(PAGES)
def test_a_sound_page_is_taken(answer: dict[str, Any]) -> None:
    """Or the tests above could pass with a reader that refuses everything."""
    assert judge(json.dumps(answer).encode(), 200)


@pytest.mark.parametrize("field", CODE_FIELDS)
def test_a_success_with_a_code_is_a_failure(field: str) -> None:
    """0 stands for no code."""
    data = {"pageSize": 10, "pageNumber": 1, "total": 1, "list": [{"customerId": 7, "firstName": "Leo"}]}
    answer: dict[str, Any] = {"status": "Success", "requestId": "abc", "data": data}
    for harmless in (0, None, "0", ""):
        body = json.dumps({**answer, field: harmless}).encode()
        assert parse_page(body, 200, WHERE, "customerId").ids == [7]
    codes: list[Any] = [*ERRORS, *map(str, ERRORS), 1999999, -1, 10**30]
    for code in codes:
        body = json.dumps({**answer, field: code}).encode()
        with pytest.raises(ApiError) as caught:
            parse_page(body, 200, WHERE, "customerId")
        known = ERRORS.get(int(code))
        if known:
            assert (caught.value.action, caught.value.code) == (known.action, int(code))
            assert f"answered error {code} {known.name} (requestId abc): {known.advice}" in str(caught.value)
        body = json.dumps({"status": "Success", "data": {"customerId": 7}, field: code}).encode()
        with pytest.raises(ApiError):
            parse_object(body, 200, WHERE, "customerId", 7)
        with pytest.raises(ApiError):
            parse_object(json.dumps({"customerId": 7, field: code}).encode(), 200, WHERE, "customerId", 7)
        with pytest.raises(ApiError):
            parse_rows(json.dumps({**answer, field: code}).encode(), 200, WHERE, array_in(), ("customerId",))


OBJECTS = st.builds(
    lambda row: {"data": row, "requestId": "abc", "status": "Success"},
    st.fixed_dictionaries({"customerId": st.sampled_from([7, 7, 7, 8])}, optional={"firstName": st.just(CANARY)}),
)


BARE_OBJECTS = st.fixed_dictionaries({"customerId": st.sampled_from([7, 7, 8]), "firstName": st.just(CANARY)})
"""As one page of the vendor shows them: without an envelope."""


@settings(FUZZ, max_examples=500)
@given(bent(OBJECTS) | bent(BARE_OBJECTS) | bent(FAILURES) | bent(PAGES), STATUSES)
def test_an_object_is_the_one_asked_for_or_missing_or_an_error(answer: dict[str, Any], status: int) -> None:
    body = json.dumps(answer).encode()
    try:
        row = parse_object(body, status, WHERE, "customerId", 7)
    except ApiError as failure:
        judge_sentence(str(failure), body)
        return
    said = str(answer.get("status", answer.get("Status"))).lower()
    if row is None:
        judge_missing(answer, status)
    elif row == by_python(body):
        assert (answer["customerId"], status < 300) == (7, True)
        assert not {"status", "Status", "data"} & answer.keys()
        assert not any(re.fullmatch("0*[1-9][0-9]*", str(answer.get(name))) for name in CODE_FIELDS)
    else:
        assert (said, answer["data"]["customerId"], status < 300) == ("success", 7, True)
        assert row == by_python(body)["data"]


def judge_missing(answer: dict[str, Any], status: int) -> None:
    """A delete may rest on it that an answer says "not found"."""
    assert str(answer.get("status", answer.get("Status"))).lower() == "failed"
    codes = [str(answer.get(name)) for name in CODE_FIELDS]
    assert status == 404 or "1000005" in codes
    assert not {str(code) for code in ERRORS if code != 1000005} & set(codes)


def test_an_object_without_an_envelope_is_taken_if_it_is_the_one_asked_for() -> None:
    bare = {"customerId": 7, "firstName": "Leo"}
    assert parse_object(json.dumps(bare).encode(), 200, WHERE, "customerId", 7) == bare
    refused: list[dict[str, Any]] = [{**bare, "customerId": key} for key in (8, "7", 7.0, True, None)]
    for odd in (*refused, {**bare, "status": "x"}, {**bare, "data": None}, {**bare, "code": 1}):
        with pytest.raises(ApiError):
            parse_object(json.dumps(odd).encode(), 200, WHERE, "customerId", 7)
    with pytest.raises(ApiError):
        parse_object(json.dumps(bare).encode(), 404, WHERE, "customerId", 7)


WHOLE_LISTS = st.builds(
    lambda answer, form: {**answer, "data": form(answer["data"]["list"])},
    PAGES,
    st.sampled_from(
        [lambda rows: rows, lambda rows: {"list": rows}, lambda rows: {"things": rows, "total": len(rows)}],
    ),
)


def judge_whole_list(body: bytes, status: int, *, may_be_gone: bool = False) -> bool:
    """Hold `parse_rows` against another reading of the same bytes; return whether it took the list."""
    try:
        rows = parse_rows(body, status, WHERE, array_in("things"), ("customerId",), may_be_gone=may_be_gone)
    except ApiError as failure:
        judge_sentence(str(failure), body)
        return False
    truth = by_python(body)
    if rows is None:
        assert may_be_gone
        judge_missing(truth, status)
        return False
    assert status < 300
    assert truth.get("status", truth.get("Status")).lower() == "success"
    assert not any(re.fullmatch("0*[1-9][0-9]*", str(truth.get(name))) for name in CODE_FIELDS)
    data = truth["data"]
    found = data if isinstance(data, list) else data["things"] if "things" in data else data["list"]
    assert isinstance(found, list)
    assert all(type(row["customerId"]) is int and row["customerId"] in INT64 for row in found)
    first: dict[int, Any] = {}
    for row in found:
        first.setdefault(row["customerId"], row)
    assert rows == list(first.values())
    told = data.get("total") if isinstance(data, dict) else None
    assert type(told) is not int or told <= len(found)
    record_of_each(rows)
    return True


@FUZZ
@given(bent(WHOLE_LISTS) | bent(FAILURES), STATUSES, st.booleans())
def test_a_bent_whole_list_is_taken_whole_or_refused(
    answer: dict[str, Any],
    status: int,
    may_be_gone: bool,  # noqa: FBT001 - drawn
) -> None:
    judge_whole_list(json.dumps(answer).encode(), status, may_be_gone=may_be_gone)


@FUZZ
@given(damaged(WHOLE_LISTS) | st.binary(max_size=60), STATUSES)
def test_a_damaged_whole_list_is_taken_as_its_bytes_say_or_refused(body: bytes, status: int) -> None:
    judge_whole_list(body, status)


@settings(max_examples=200, deadline=None)
@given(WHOLE_LISTS)
def test_a_sound_whole_list_is_taken(answer: dict[str, Any]) -> None:
    assert judge_whole_list(json.dumps(answer).encode(), 200)


@pytest.mark.parametrize("key", ["7", "", "abc", 7.0, True, None, [7], 2**63])
def test_no_list_takes_a_key_that_is_no_integer(key: object) -> None:
    body = json.dumps({"status": "Success", "data": [{"id": 1}, {"id": key}]}).encode()
    with pytest.raises(ApiError, match=r"a row \(2 of its page, .*whose id is not a 64-bit integer"):
        parse_rows(body, 200, WHERE, array_in(), ("id",))
    body = json.dumps({"status": "Success", "data": {"members": [{"id": 1}, {"id": key}]}}).encode()
    with pytest.raises(ApiError, match="whose memberId is not a 64-bit integer"):
        parse_rows(body, 200, WHERE, members_in(members="device"), ("memberType", "memberId"), texts=("memberType",))


# JSON: the quick parser, held against that of Python


def parsed_alike(body: bytes) -> None:
    outcomes: list[str] = []
    for parse in (decode, by_python):
        try:
            outcomes.append(repr(parse(body)))  # repr tells 1 from 1.0 and True, and shows the order
        except (ValueError, ArithmeticError, RecursionError):
            outcomes.append("refused")
    assert outcomes[0] == outcomes[1], body


@FUZZ
@given(bent(PAGES) | bent(WHOLE_LISTS), st.booleans())
def test_a_bent_answer_is_parsed_as_by_python(answer: dict[str, Any], ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    parsed_alike(json.dumps(answer, ensure_ascii=ascii_only).encode(errors="surrogatepass"))


@FUZZ
@given(damaged(PAGES) | damaged(WHOLE_LISTS) | st.binary(max_size=60))
def test_a_damaged_answer_is_parsed_as_by_python(body: bytes) -> None:
    parsed_alike(body)


ODD_VALUES = [b"-0", b"7.0", b"7e0", b"1.10", b"1e999", b"1e99999999999999999999", b"NaN", b"-Infinity", b"01", b"+1"]
ODD_VALUES += [str(number).encode() for power in (53, 63, 64, 100) for number in (2**power - 1, 2**power, -(2**power))]
ODD_VALUES += [b"9" * 4000, b"9" * 5000, b"0." + b"3" * 9999, b"[" * 3000 + b"]" * 3000, b"", b"[]", b"{}", b"[,]"]
ODD_VALUES += [rb'"a\u0000b"', rb'"\\u0000"', rb'"\ud83d"', rb'"\ud83d\ude00"', rb'"\ude00\ud83d"', b'"\xed\xa0\x80"']
ODD_VALUES += [
    b'"\xff"',
    b'"\xc0\x80"',
    b'"\xf0\x9f\x98\x80"',
    b'"\xe2\x80\xa8\xc2\x85"',
    b'"\x00"',
    b'"\t"',
    b'"\x7f"',
]
ODD_VALUES += [
    b'{"b": 1, "a": "\\u0000", "b": 2}',
    rb'{"\u0000": 1}',
    rb'{"\ud83d": 1}',
    rb'"a\/b\n"',
    rb'"\x"',
    b"'a'",
]
AROUND = [
    b"%s",
    b'{"a": %s}',
    b'[1, %s, "b"]',
    b"\xef\xbb\xbf[%s]",
    b'["\xff", %s]',
    b"[%s] []",
    b"[%s,]",
    b" \r\n\t%s ",
]


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: repr(value[:20]))
def test_an_odd_value_is_parsed_as_by_python(value: bytes) -> None:
    for around in AROUND:
        parsed_alike(around.replace(b"%s", value))
    parsed_alike(f"[{value.decode('latin-1')}]".encode("utf-16"))


@pytest.mark.parametrize("status", [403, 503])
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"status":"Failed","errCode":1999999}'])
def test_a_refusal_that_says_when_to_come_back_is_a_limit(status: int, body: bytes) -> None:
    readers: list[tuple[Any, tuple[Any, ...]]] = [
        (parse_page, ("customerId",)),
        (parse_object, ("customerId", 7)),
        (parse_token, ()),
    ]
    for parse, arguments in readers:
        with pytest.raises(ApiError) as caught:
            parse(body, status, WHERE, *arguments, retry_after=7.0)
        assert (caught.value.action, caught.value.retry_after) == (Action.WAIT, 7.0)
        assert "run the tap less often" in str(caught.value)
        with pytest.raises(ApiError) as caught:
            parse(body, status, WHERE, *arguments)
        assert caught.value.action is not Action.WAIT


# Characters


REAL_CHARSETS = ["utf-8", "iso-8859-1", "windows-1252", "utf-16", "utf-32", "gbk", "gb18030", "big5", "shift_jis",
                 "euc-kr", "koi8-r", "us-ascii", "iso-2022-jp"]  # fmt: skip


@FUZZ
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.sampled_from(REAL_CHARSETS), st.booleans())
def test_text_in_any_charset_arrives_as_it_is(text: str, charset: str, quoted: bool) -> None:  # noqa: FBT001 - drawn
    try:
        body = text.encode(charset)
    except UnicodeEncodeError:
        return
    if body.decode(charset, errors="replace") != text:  # some charsets have two codes for one character
        return
    header = f'application/json; charset="{charset.upper()}"' if quoted else f"application/json;charset={charset}"
    assert as_utf8(body, header) == (text.encode(), 0)


@FUZZ
@given(
    st.binary(max_size=80),
    st.text(max_size=40)
    | st.sampled_from(["hex", "zip", "rot13", "idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape",
                       "utf-7", "mbcs", "a\0b", *REAL_CHARSETS]).map("application/json; charset={}".format),
)  # fmt: skip
@example(b"\\", "application/json; charset=unicode_escape")
@example(b'"\\x4a"', "application/json; charset=unicode_escape")
def test_any_bytes_in_any_charset_become_utf_8(body: bytes, content_type: str) -> None:
    text, broken = as_utf8(body, content_type)
    text.decode()
    assert 0 <= broken <= len(body)
    if not any(charset in content_type for charset in (*REAL_CHARSETS, "utf-7")):
        assert text == body.decode(errors="replace").encode()


def test_broken_characters_are_counted_and_those_that_were_replaced_before_are_not() -> None:
    assert as_utf8("a\ufffdb".encode(), "application/json") == ("a\ufffdb".encode(), 0)
    assert as_utf8(b"\xff" + "a\ufffdb".encode() + b"\xfe", "") == ("\ufffda\ufffdb\ufffd".encode(), 2)
    assert as_utf8(b"a\x81\xff", "text/plain; charset=gbk") == ("a\ufffd\ufffd".encode(), 2)


def judge_grant(body: bytes, status: int) -> None:
    try:
        token, life = parse_token(body, status, WHERE)
    except ApiError as failure:
        judge_sentence(str(failure), body)
        return
    truth = json.loads(body.decode("utf-8-sig", errors="replace"))
    assert status < 300
    assert token == truth["access_token"]
    assert token.isascii()
    assert token.isprintable()
    assert " " not in token
    assert 0 < life < float("inf")


@FUZZ
@given(bent(GRANTS), STATUSES)
def test_a_bent_token_answer_is_a_token_or_refused(answer: dict[str, Any], status: int) -> None:
    judge_grant(json.dumps(answer).encode(), status)


@FUZZ
@given(damaged(GRANTS) | st.binary(max_size=60), STATUSES)
def test_a_damaged_token_answer_is_a_token_or_refused(body: bytes, status: int) -> None:
    judge_grant(body, status)


def page_with(row: bytes, *, before: bytes = b"", after: bytes = b"") -> bytes:
    return (
        before
        + b'{"data":{"pageSize":10,"pageNumber":1,"total":1,"list":[{"customerId":7%b}]},"status":"Success"}' % row
        + after
    )


def nested(depth: int) -> bytes:
    return b',"remark":' + b"[" * depth + b"]" * depth


REFUSED = {
    "a number that no float and no Decimal holds": page_with(b',"remark":1e99999999999999999999'),
    "an integer of 10**5 digits": page_with(b',"remark":' + b"9" * 10**5),
    "NaN": page_with(b',"remark":NaN'),
    "Infinity": page_with(b',"remark":-Infinity'),
    "a second value": page_with(b"", after=b"{}"),
    "nothing but a mark": b"\xef\xbb\xbf",
    "UTF-16": page_with(b"").decode().encode("utf-16"),
    "a huge id": page_with(b',"customerId":' + b"9" * 4000),
    "a float id": page_with(b',"customerId":7.0'),
    "a true id": page_with(b',"customerId":true'),
    "deep beyond all reason": page_with(nested(10**5)),
    "a list as deep": b"[" * 10**6,
    "the rows twice, the second not a list": page_with(b"").replace(b"]}", b'],"list":{}}'),
    "a status twice, the second a failure": page_with(b"").replace(b'"Success"', b'"Success","status":"Failed"'),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_reader_can_trust_is_refused(name: str) -> None:
    assert not judge(REFUSED[name], 200)


@pytest.mark.parametrize("depth", [1, 10, 100, 300, 500, 800, 950, 990, 1100, 3000])
def test_what_is_nested_deeply_is_loaded_or_refused(depth: int) -> None:
    judge(page_with(nested(depth)), 200)


TAKEN = {
    "a byte order mark": page_with(b"", before=b"\xef\xbb\xbf"),
    "white space": page_with(b"", before=b" \r\n\t", after=b"\n\n"),
    "bytes that are not UTF-8": page_with(b',"firstName":"\xff\xfe"'),
    "half a surrogate pair": page_with(rb',"firstName":"\ud83d"'),
    "a name twice, the last one counts": page_with(b',"firstName":"a","firstName":"b"'),
    "a large number": page_with(b',"remark":1e9999'),
    "many digits": page_with(b',"remark":' + b"9" * 4000),
    "a long fraction": page_with(b',"remark":0.' + b"3" * 10**4),
    "a NUL": page_with(rb',"remark":"a\u0000b"'),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_odd_but_clear_is_taken(name: str) -> None:
    assert judge(TAKEN[name], 200)


@FUZZ
@given(st.text(max_size=80) | st.from_regex(r"[\w-]{1,80}", fullmatch=True))
@example(CANARY)
@example("4cf5c99a-2832-4f7c-7591-d43777a3bf03")
@example("Müller")
@example("+4930123456")
def test_a_request_id_is_shown_only_if_it_looks_like_one(identifier: str) -> None:
    body = json.dumps({"status": "Failed", "errCode": 1000001, "requestId": identifier}).encode()
    with pytest.raises(ApiError) as caught:
        parse_page(body, 500, WHERE, "customerId")
    shown = f"(requestId {identifier})" in str(caught.value)
    plain = re.fullmatch(r"[A-Za-z0-9-]{1,64}", identifier) is not None and set(identifier) != {"-"}
    assert shown == (plain or identifier == "none")


@FUZZ
@given(st.integers() | st.text(max_size=30), st.sampled_from(["errCode", "code", "errno"]))
def test_a_code_is_shown_only_as_a_number(code: int | str, field: str) -> None:
    body = json.dumps({"status": "Failed", field: f"{CANARY}{code}" if isinstance(code, str) else code}).encode()
    with pytest.raises(ApiError) as caught:
        parse_page(body, 200, WHERE, "customerId")
    judge_sentence(str(caught.value), body)


def test_the_length_of_a_code_does_not_become_the_length_of_a_sentence() -> None:
    body = b'{"status":"Failed","errCode":%b}' % (b"9" * 4000)
    with pytest.raises(ApiError) as caught:
        parse_page(body, 200, WHERE, "customerId")
    assert len(str(caught.value)) < 500


def test_an_empty_page_is_an_empty_list_and_nothing_else() -> None:
    """Each way to say "nothing" but one is refused: an empty page may delete everybody."""
    empty = {"data": {"pageSize": 10, "pageNumber": 1, "total": 0, "list": []}, "status": "Success"}
    taken = []
    nothings: list[Any] = [[], None, {}, "", "[]", 0, False, [[]], [None], "missing"]
    for nothing in nothings:
        answer = json.loads(json.dumps(empty))
        answer["data"]["list"] = nothing
        if nothing == "missing":
            del answer["data"]["list"]
        with contextlib.suppress(ApiError):
            taken.append((nothing, parse_page(json.dumps(answer).encode(), 200, WHERE, "customerId").rows))
    assert taken == [([], [])]
