"""The quick way of a record, held against the slow one: same pages, same records, same messages, same refusals.

The slow way is the standard library's parser, RowReader value by value, and the SDK's own path from the record to the
line: selection, type conformance, stream maps, simplejson.
"""

from __future__ import annotations

import io
import json
import os
import re
from contextlib import nullcontext, redirect_stdout
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from harness import settings_for
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from singer_sdk.singerlib import Catalog
from singer_sdk.singerlib.encoding import SimpleSingerWriter
from singer_sdk.singerlib.messages import RecordMessage, StateMessage
from singer_sdk.streams import Stream
from test_answers_fuzz import PAGES, STATUSES, VALUES, bent, damaged

from tap_ycm.errors import TapError
from tap_ycm.http.answers import Listing, parse_page
from tap_ycm.http.flights import Flights
from tap_ycm.rows import EXTRA, RowReader
from tap_ycm.singer.writer import PageWriter
from tap_ycm.streams import CustomersStream
from tap_ycm.tap import TapYCM
from tap_ycm.typed import TypedRow

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from harness import Run

    from tap_ycm.reading.pages import Page, PageRequest
    from tap_ycm.sandbox import Sandbox

MORE = int(os.environ.get("EXAMPLES", "60"))  # as in test_many_runs.py: a soak is EXAMPLES=5000
MANY = settings(max_examples=20 * MORE, deadline=None, suppress_health_check=list(HealthCheck))
SOME = settings(max_examples=4 * MORE, deadline=None, suppress_health_check=list(HealthCheck))
WHERE = "GET /dm/open_api/v1/customers"
SHORT = Listing("/list", "customerId", ("customerId", "firstName", "remark"))


def outcome(body: bytes, status: int, *, quick: bool, columns: list[str], unknown_fields: str) -> object:
    """Return everything that can be seen of an answer: page, records, warnings; or the refusal."""
    warnings: list[str] = []
    try:
        page = parse_page(body, status, WHERE, SHORT.key, SHORT.typed if quick else None)
        reader = RowReader(
            "list", SHORT.key, known=SHORT.columns, columns=columns, unknown_fields=unknown_fields, warn=warnings.append
        )
        records = [reader.record(row) for row in page.rows]
    except TapError as error:
        return type(error), str(error), vars(error), warnings
    head = (page.ids, page.number, page.size, page.total, page.request_id)
    # repr tells 1 from 1.0 and True; list(record) is the order of the columns.
    return repr(head), [(list(record), repr(record)) for record in records], warnings


def both_ways(body: bytes, status: int, columns: list[str], unknown_fields: str) -> None:
    quick, slow = (
        outcome(body, status, quick=quick, columns=columns, unknown_fields=unknown_fields) for quick in (True, False)
    )
    assert quick == slow, body


COLUMNS = st.lists(st.sampled_from([*SHORT.columns, EXTRA]), unique=True)
UNKNOWN = st.sampled_from(["warn", "keep", "fail"])


@MANY
@given(bent(PAGES), STATUSES, COLUMNS, UNKNOWN, st.booleans())
def test_a_bent_page_is_read_alike(
    answer: dict[str, Any],
    status: int,
    columns: list[str],
    unknown: str,
    ascii_only: bool,  # noqa: FBT001 - drawn
) -> None:
    body = json.dumps(answer, ensure_ascii=ascii_only).encode(errors="surrogatepass")
    both_ways(body, status, columns, unknown)


@MANY
@given(damaged(PAGES), STATUSES, COLUMNS, UNKNOWN)
def test_a_damaged_page_is_read_alike(body: bytes, status: int, columns: list[str], unknown: str) -> None:
    both_ways(body, status, columns, unknown)


ROW = '{"customerId": %s, "firstName": %s}'
ODD_PAGES = {
    "a byte order mark": b"\xef\xbb\xbf" + b"%s",
    "UTF-16": "both".encode("utf-16"),
    "keys twice": b'{"status": "Failed", "status": "Success", "data": {"list": [], "list": [%s], "total": 1}}',
    "status in small letters": b'{"status": "success", "data": {"list": [%s], "total": 1}}',
    "Status in a large letter": b'{"Status": "Success", "data": {"list": [%s], "total": 1}}',
    "numbers as text": b'{"status": "Success", "data": {"list": [%s], "pageNumber": "1", "total": "01"}}',
    "numbers as fractions": b'{"status": "Success", "data": {"list": [%s], "pageNumber": 1.0, "total": 1e2}}',
    "no numbers": b'{"status": "Success", "data": {"list": [%s]}}',
    "a total beyond 64 bit": b'{"status": "Success", "data": {"list": [%s], "total": 99999999999999999999999}}',
    "a number that is none": b'{"status": "Success", "data": {"list": [%s], "total": 1e999}}',
    "NaN": b'{"status": "Success", "data": {"list": [%s], "total": NaN}}',
    "deep": b'{"status": "Success", "x": ' + b"[" * 3000 + b"]" * 3000 + b', "data": {"list": [%s], "total": 1}}',
    "not UTF-8 outside": b'{"status": "Success", "x": "\xff", "data": {"list": [%s], "total": 1}}',
    "more in the envelope": b'{"status": "Success", "time": 1, "data": {"list": [%s], "total": 1, "more": [1]}}',
    "data twice": b'{"status": "Success", "data": 1, "data": {"list": [%s], "total": 1}}',
    "an odd requestId": b'{"status": "Success", "requestId": ["x"], "data": {"list": [%s], "total": 1}}',
}
ODD_KEYS = ["7", "-0", "7.0", "7e0", '"7"', "null", "true", "9223372036854775807", "-9223372036854775808"]
ODD_KEYS += ["9223372036854775808", "-9223372036854775809", "123456789012345678901234567890", "9" * 5000, "[]", "{}"]
ODD_TEXTS = [rb'"a\u0000b"', rb'"\\u0000"', rb'"\ud83d"', rb'"\ud83d\ude00"', rb'"\ude00\ud83d"', b'"\xed\xa0\x80"']
ODD_TEXTS += [b'"\xff"', b'"\xc0\x80"', b'"\xf0\x9f\x98\x80"', b'"\xe2\x80\xa8\xc2\x85"', b'"\x00"', b'"\t"', b'"\x7f"']
ODD_TEXTS += [b"7", b"1.10", b"true", b"[null]", b'{"b": 1, "a": "\\u0000"}', b"null", b'""', b'"a\\/b\\n"', b'"\\x"']


@pytest.mark.parametrize("page", ODD_PAGES.values(), ids=ODD_PAGES)
def test_an_odd_page_is_read_alike(page: bytes) -> None:
    for key in ODD_KEYS:
        odd, sound = ROW % (key, '"x"'), ROW % (6, '"y"')
        for rows in (odd, f"{odd}, {sound}", f"{sound}, {odd}"):
            both_ways(page.replace(b"%s", rows.encode()), 200, [*SHORT.columns, EXTRA], "keep")
    for text in ODD_TEXTS:
        row = (ROW % ("7", "%s")).encode().replace(b"%s", text)
        both_ways(page.replace(b"%s", row), 200, [*SHORT.columns, EXTRA], "keep")


def test_a_page_as_documented_takes_the_quick_way() -> None:
    """Or all of the above could pass with a quick way that refuses everything."""
    body = b'{"status": "Success", "data": {"list": [{"customerId": 7, "firstName": "L\xc3\xa9o"}], "total": 1}}'
    page = parse_page(body, 200, WHERE, SHORT.key, SHORT.typed)
    assert [type(row).__mro__[1] for row in page.rows] == [TypedRow]


# The tap as it is, and the tap as it would be on the SDK's own path.


class SlowStream(CustomersStream):
    """The customers on the SDK's own path."""

    TYPE_CONFORMANCE_LEVEL = Stream.TYPE_CONFORMANCE_LEVEL
    generate_child_contexts = Stream.generate_child_contexts
    _generate_record_messages = Stream._generate_record_messages

    def _wanted_columns(self) -> list[str]:
        return [name for name in (*self.listing.columns, EXTRA) if name in self.effective_schema["properties"]]


class SlowTap(TapYCM):
    """The tap on the SDK's own path."""

    message_writer_class = SimpleSingerWriter  # type: ignore[assignment]  # the SDK's own

    def discover_streams(self) -> list[SlowStream]:
        return [SlowStream(self)]


class Wire:
    """Stands in for the network: parses one body, as the client does."""

    def __init__(self, body: bytes, *, quick: bool) -> None:
        self.body = body
        self.quick = quick
        self.traffic = type("Traffic", (), {"requests": 1, "retries": 0, "waited": 0.0})

    def page(self, listing: Listing, request: PageRequest) -> Page:
        return parse_page(self.body, 200, WHERE, listing.key, listing.typed if self.quick else None)

    def pages(self, listing: Listing) -> AbstractContextManager[Flights[PageRequest, Page]]:
        return nullcontext(Flights(partial(self.page, listing), 1))

    def look_ups(self, listing: Listing) -> AbstractContextManager[Flights[int, None]]:
        return nullcontext(Flights(lambda _: None, 1))


def lines_of(tap_class: type[TapYCM], body: bytes, config: dict[str, Any], catalog: dict[str, Any]) -> list[Any]:
    """Return all messages of a sync; or what it raised, after the messages before that."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    ending: list[Any] = []
    with redirect_stdout(output), patch("time.time", return_value=1_764_000_000.0):
        try:
            tap = tap_class(config=config, catalog=Catalog.from_dict(json.loads(json.dumps(catalog))))
            tap.__dict__["client"] = Wire(body, quick=tap_class is TapYCM)
            with patch.object(tap.stop, "listen"):
                tap.run()
        except Exception as error:  # noqa: BLE001 - both must raise the same
            ending = [type(error), str(error)]
        output.flush()
    lines = [json.loads(line, parse_float=Decimal) for line in output.buffer.getvalue().decode().split("\n") if line]
    for line in lines:
        if line["type"] == "RECORD":
            moment = line.pop("time_extracted")
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00", moment)
    return [*((list(line), line) for line in lines), ending]


FIELDS = CustomersStream(TapYCM(config={}, validate_config=False)).listing.columns
TEXTS = st.text(max_size=8) | st.sampled_from(["", "a\x00b", "\ud83d", "\u2028\x85\x1c", "Zoë 東京 😀", '"\\/\n', "7"])


def newest_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=itemgetter("customerId"), reverse=True)


CUSTOMERS = st.lists(
    st.fixed_dictionaries(
        {"customerId": st.integers(-(2**63), 2**63 - 1) | st.integers(1, 99)},
        optional={name: st.none() | TEXTS for name in FIELDS[1:]},
    ),
    max_size=5,
    unique_by=itemgetter("customerId"),
).map(newest_first)
ODD_CUSTOMERS = st.builds(
    lambda rows, odd: [{**row, **more} for row, more in zip(rows, odd, strict=False)],
    CUSTOMERS,
    st.lists(
        st.dictionaries(st.sampled_from(["remark", "city", "discount", "account"]), VALUES, max_size=2),
        min_size=5,
        max_size=5,
    ),
)
RULES: dict[str, Any] = {
    "lastName": "firstName",
    "email": None,
    "hash": "md5(email) if email else None",
    "big": "customerId * 10**20",
    "half": "customerId / 2",
    "odd": "customerId % 2 == 1",
    "day": "datetime.datetime.fromisoformat('2020-02-29T01:02:03+02:00')",
    "date": "datetime.date.fromisoformat('2020-02-29')",
    "span": "datetime.timedelta(1, 2)",
    "whole": "record",
    "tags": "[city, 1, None]",
    "both": "(firstName or '') + ' ' + (lastName or '')",
    "__filter__": "customerId % 2 == 0",
    "__alias__": "people",
    "__else__": None,
}
RULE_SETS = st.lists(st.sampled_from(sorted(RULES)), max_size=4, unique=True).map(
    lambda names: {name: RULES[name] for name in names}
)
MAPS = st.one_of(
    st.just({}),
    RULE_SETS.map(lambda rules: {"customers": rules}),
    RULE_SETS.map(lambda rules: {"custom*": rules}),
    st.tuples(RULE_SETS, RULE_SETS).map(
        lambda pair: {"customers": pair[0], "others": {**pair[1], "__source__": "customers"}}
    ),
    st.just({"customers": None}),
)
CONFIGS = st.builds(
    lambda options, flattening: {**options, **flattening},
    st.fixed_dictionaries(
        {"stream_maps": MAPS, "unknown_fields": st.sampled_from(["warn", "keep", "fail"])},
        optional={"emit_activate_version_messages": st.booleans()},
    ),
    st.sampled_from([{}, *({"flattening_enabled": True, "flattening_max_depth": depth} for depth in range(3))]),
)
# Place in the catalog, and whether it is selected; or a column that the catalog lacks.
CHOICES = st.dictionaries(
    st.sampled_from([*FIELDS, EXTRA, f"{EXTRA}/discount"]), st.sampled_from([True, False, "lacking"]), max_size=6
)


def catalog_with(config: dict[str, Any], choices: dict[str, bool | str]) -> dict[str, Any]:
    catalog: dict[str, Any] = TapYCM(config={**config, "stream_maps": {}}).catalog_dict
    stream = catalog["streams"][0]
    for name, choice in choices.items():
        place = [part for step in name.split("/") for part in ("properties", step)]
        if choice == "lacking":
            if name != "customerId":
                stream["schema"]["properties"].pop(name, None)
            continue
        stream["metadata"] = [entry for entry in stream["metadata"] if entry["breadcrumb"] != place]
        stream["metadata"].append({"breadcrumb": place, "metadata": {"selected": choice, "inclusion": "available"}})
    return catalog


@SOME
@example([{"customerId": 7, "discount": 1.5}], {"unknown_fields": "keep"}, {})
@example([{"customerId": 7, "discount": 5, "account": 6}], {"unknown_fields": "keep"}, {f"{EXTRA}/discount": False})
@given(CUSTOMERS | ODD_CUSTOMERS, CONFIGS, CHOICES)
def test_the_messages_are_those_of_the_sdk(
    rows: list[dict[str, Any]], options: dict[str, Any], choices: dict[str, bool | str]
) -> None:
    config = {"base_url": "https://ycm.example.com", "access_token": "token", "concurrency": 1, **options}
    data = {"list": rows, "pageNumber": 1, "pageSize": 50, "total": len(rows)}
    body = json.dumps({"status": "Success", "requestId": "r-1", "data": data}).encode()
    catalog = catalog_with(config, choices)
    quick, slow = (lines_of(tap_class, body, config, catalog) for tap_class in (TapYCM, SlowTap))
    assert quick == slow


@MANY
@given(st.dictionaries(st.text(max_size=3), VALUES | TEXTS | st.dates() | st.just(float("nan")), max_size=4))
def test_a_line_is_that_of_the_sdk(record: dict[str, Any]) -> None:
    """What stream maps make may be anything that Python has; and not all of it has a form that msgspec shares."""
    message = RecordMessage("customers", record, version=7)
    quick, slow = PageWriter().serialize_message(message), SimpleSingerWriter().serialize_message(message)
    assert json.loads(quick, parse_float=Decimal) == json.loads(slow, parse_float=Decimal)


def test_a_record_has_the_time_at_which_its_page_arrived(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    before = datetime.now(UTC)
    run = tap(config=settings_for(sandbox(120)))
    moments = [datetime.fromisoformat(record["time_extracted"]) for record in run.of_type("RECORD")]
    assert moments == sorted(moments)
    assert before < moments[0] <= moments[-1] < datetime.now(UTC)
    assert [len(list(page)) for _, page in groupby(moments)] == [50, 20, 50]


def test_what_was_read_before_a_failure_is_written() -> None:
    """Also when the state has not changed since it was written last, so that no other message follows."""
    maps = {"customers": {"share": "1 / (customerId - 7)"}}
    config = {"base_url": "https://ycm.example.com", "access_token": "token", "concurrency": 1, "stream_maps": maps}
    data = {"list": [{"customerId": key} for key in (7, 6, 5, 4)], "pageNumber": 1, "pageSize": 50, "total": 4}
    body = json.dumps({"status": "Success", "data": data}).encode()
    *lines, ending = lines_of(TapYCM, body, config, catalog_with(config, {}))
    assert [line["record"]["customerId"] for _, line in lines if line["type"] == "RECORD"] == [4, 5, 6]
    assert ending


def test_records_leave_with_their_page_and_before_any_other_message() -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    writer = PageWriter()

    def seen() -> list[str]:
        buffer = output.buffer
        assert isinstance(buffer, io.BytesIO)
        return [json.loads(line)["type"] for line in buffer.getvalue().decode("utf-8").split("\n") if line]

    with redirect_stdout(output):
        writer.write_message(RecordMessage("customers", {"customerId": 1, "city": "Zürich 東京"}))
        assert seen() == []
        writer.write_message(StateMessage({}))
        assert seen() == ["RECORD", "STATE"]
        writer.write_message(RecordMessage("customers", {"customerId": 2}))
        writer.flush()
        assert seen() == ["RECORD", "STATE", "RECORD"]
