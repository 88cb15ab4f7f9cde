"""The messages of the tap, held against those of the SDK's own way from a record to a line.

The SDK's way is selection, type conformance, stream maps, flattening and simplejson, once for each record. The tap
prepares most of it once for each page.
"""

from __future__ import annotations

import io
import json
import os
import re
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from harness import discovered, settings_for
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import Catalog
from singer_sdk.singerlib.encoding import SimpleSingerWriter
from singer_sdk.singerlib.messages import RecordMessage, StateMessage
from singer_sdk.streams import Stream
from values import VALUES

from tap_ycm.http.client import Traffic
from tap_ycm.http.flights import Flights
from tap_ycm.kinds import SNAPSHOT_AT, Kind, WholeList
from tap_ycm.records.reader import EXTRA
from tap_ycm.singer.stream import YCMStream
from tap_ycm.singer.writer import PageWriter
from tap_ycm.streams import STREAMS
from tap_ycm.tap import TapYCM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Run

    from tap_ycm.http.questions import Question
    from tap_ycm.sandbox import Sandbox

MORE = int(os.environ.get("EXAMPLES", "60"))  # as in test_many_runs.py: a soak is EXAMPLES=5000
MANY = settings(max_examples=20 * MORE, deadline=None, suppress_health_check=list(HealthCheck))
SOME = settings(max_examples=4 * MORE, deadline=None, suppress_health_check=list(HealthCheck))
KINDS = {kind.name: kind for kind in STREAMS if kind.parent is None}
CREDENTIALS = {"base_url": "https://ycm.example.com", "access_token": "token", "concurrency": 1}


class SdkStream(YCMStream):
    """A list whose records take the SDK's own way."""

    # Not RECURSIVE: that would drop the fields in objects that the schema does not know, which the tap keeps.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.ROOT_ONLY
    _process_record = Stream._process_record
    _generate_record_messages = Stream._generate_record_messages

    def _wanted_columns(self) -> list[str]:
        return [name for name in (*self.columns, EXTRA) if name in self.effective_schema["properties"]]


class SdkTap(TapYCM):
    """The tap on the SDK's own way."""

    message_writer_class = SimpleSingerWriter  # type: ignore[assignment]  # the SDK's own


class Wire:
    """Stands in for the network: each answer is the same."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.traffic = Traffic()

    def begin_counting(self) -> None:
        """Count nothing."""

    def ask(self, question: Question[Any]) -> Any:
        return question.parse(self.body, 200, "GET /list")

    @contextmanager
    def flights(self, question_of: Callable[[Any], Question[Any]]) -> Iterator[Flights[Any, Any]]:
        yield Flights(lambda one: self.ask(question_of(one)), 1)


def body_of(kind: Kind, rows: list[dict[str, Any]]) -> bytes:
    """Return what YCM answers when these are the rows of a list."""
    data: object = {"list": rows, "pageNumber": 1, "pageSize": 50, "total": len(rows)}
    if isinstance(kind, WholeList):
        data = rows if not kind.is_appended else rows[0] if rows else {}
        data = {"itspInfos": rows} if kind.name == "itsps" else data
    return json.dumps({"status": "Success", "requestId": "r-1", "data": data}).encode()


def lines_of(way: type[TapYCM], kind: Kind, body: bytes, config: dict[str, Any], catalog: dict[str, Any]) -> list[Any]:
    """Return all messages of a sync; or what it raised, after the messages before that."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    ending: list[Any] = []
    with (
        redirect_stdout(output),
        patch("time.time", return_value=1_764_000_000.0),
        patch("tap_ycm.http.client.Client", lambda *_: Wire(body)),
        patch("tap_ycm.tap.STREAMS", (kind,)),
        patch("tap_ycm.tap.YCMStream", SdkStream if way is SdkTap else YCMStream),
    ):
        try:
            tap = way(config=config, catalog=Catalog.from_dict({"streams": [json.loads(json.dumps(catalog))]}))
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


TEXTS = st.text(max_size=8) | st.sampled_from(["", "a\x00b", "\ud83d", "\u2028\x85\x1c", "Zoë 東京 😀", '"\\/\n', "7"])
INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.integers(1, 99)


def sound(rules: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Draw what a column holds by its schema, as YCM may send it."""
    kinds = [rules["type"]] if isinstance(rules["type"], str) else rules["type"]
    kind = next(kind for kind in kinds if kind != "null")
    if kind == "object":
        fields = {name: sound(inner) for name, inner in rules.get("properties", {}).items()}
        return st.fixed_dictionaries({}, optional={**fields, "more": VALUES}) | st.none()
    if kind == "array":
        return st.lists(sound(rules["items"]), max_size=2) | st.none()
    return st.integers(1, 2**31) if rules.get("format") == "date-time" else SIMPLE[kind] | st.none()


SIMPLE = {"string": TEXTS, "integer": INTEGERS, "boolean": st.booleans()}


@st.composite
def rows_of(draw: st.DrawFn, kind: Kind) -> list[dict[str, Any]]:
    """Draw the rows of a list, some with values that do not fit, or with fields that no schema knows."""
    columns: dict[str, Any] = {**discovered(kind.name)["schema"]["properties"]}
    keys = {key: INTEGERS for key in kind.keys if columns.pop(key) and key != SNAPSHOT_AT}
    values = {name: sound(rules) for name, rules in columns.items()}
    odd = st.dictionaries(st.sampled_from([*columns, "discount", "account"]), VALUES, max_size=2)
    row = st.builds(lambda row, more: {**row, **more}, st.fixed_dictionaries(keys, optional=values), st.just({}) | odd)
    if not keys:
        return [draw(row)]
    rows = draw(st.lists(row, max_size=5, unique_by=itemgetter(kind.keys[0])))
    return sorted(rows, key=itemgetter(kind.keys[0]), reverse=True)


RULES: dict[str, Any] = {
    "day": "datetime.datetime.fromisoformat('2020-02-29T01:02:03+02:00')",
    "date": "datetime.date.fromisoformat('2020-02-29')",
    "span": "datetime.timedelta(1, 2)",
    "whole": "record",
    "tags": "['x', 1, None]",
    "__alias__": "things",
    "__else__": None,
}
RULES_OF_CUSTOMERS: dict[str, Any] = {
    **RULES,
    "lastName": "firstName",
    "email": None,
    "hash": "md5(email) if email else None",
    "big": "customerId * 10**20",
    "half": "customerId / 2",
    "odd": "customerId % 2 == 1",
    "both": "(firstName or '') + ' ' + (lastName or '')",
    "__filter__": "customerId % 2 == 0",
}


def maps_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    rules = RULES_OF_CUSTOMERS if name == "customers" else RULES
    some = st.lists(st.sampled_from(sorted(rules)), max_size=4, unique=True).map(
        lambda names: {name: rules[name] for name in names}
    )
    return st.one_of(
        st.just({}),
        some.map(lambda one: {name: one}),
        some.map(lambda one: {f"{name[:-2]}*": one}),
        st.tuples(some, some).map(lambda pair: {name: pair[0], "others": {**pair[1], "__source__": name}}),
        st.just({name: None}),
    )


def configs_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda options, flattening: {**CREDENTIALS, **options, **flattening},
        st.fixed_dictionaries(
            {"stream_maps": maps_of(name), "unknown_fields": st.sampled_from(["warn", "keep", "fail"])},
            optional={"emit_activate_version_messages": st.booleans()},
        ),
        st.sampled_from([{}, *({"flattening_enabled": True, "flattening_max_depth": depth} for depth in range(3))]),
    )


@st.composite
def catalogs_of(draw: st.DrawFn, kind: Kind) -> dict[str, Any]:
    """Draw a catalog's entry: columns, and what is within them, that are selected, deselected or lacking."""
    entry = discovered(kind.name)
    columns: dict[str, Any] = entry["schema"]["properties"]
    places = [(name,) for name in (*columns, EXTRA)] + [(EXTRA, "discount")]
    places += [(name, inner) for name, rules in columns.items() for inner in (*rules.get("properties", ()), "more")]
    choices = st.dictionaries(st.sampled_from(places), st.sampled_from([True, False, "lacking"]), max_size=6)
    for names, choice in draw(choices).items():
        if choice == "lacking":
            if names[0] not in kind.keys:
                columns.pop(names[0], None)
        else:
            place = [part for name in names for part in ("properties", name)]
            entry["metadata"] = [each for each in entry["metadata"] if each["breadcrumb"] != place]
            entry["metadata"].append({"breadcrumb": place, "metadata": {"selected": choice, "inclusion": "available"}})
    return entry


def syncs_of(kind: Kind) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(st.just(kind), rows_of(kind), configs_of(kind.name), catalogs_of(kind))


def without_discount() -> dict[str, Any]:
    entry = discovered("customers")
    place = ["properties", EXTRA, "properties", "discount"]
    entry["metadata"].append({"breadcrumb": place, "metadata": {"selected": False}})
    return entry


CUSTOMERS = KINDS["customers"]
KEEP = {**CREDENTIALS, "unknown_fields": "keep"}


@SOME
@example((CUSTOMERS, [{"customerId": 7, "discount": 1.5}], KEEP, discovered("customers")))
@example((CUSTOMERS, [{"customerId": 7, "discount": 5, "account": 6}], KEEP, without_discount()))
@given(st.sampled_from(["customers", *KINDS]).flatmap(lambda name: syncs_of(KINDS[name])))
def test_the_messages_are_those_of_the_sdk(sync: tuple[Kind, list[dict[str, Any]], dict[str, Any], Any]) -> None:
    kind, rows, config, catalog = sync
    ours, theirs = (lines_of(way, kind, body_of(kind, rows), config, catalog) for way in (TapYCM, SdkTap))
    assert ours == theirs


def test_every_list_brings_its_records_here() -> None:
    """Or the test above could compare failures."""
    for name, kind in KINDS.items():
        key = {key: 7 for key in kind.keys if key != SNAPSHOT_AT}
        *lines, ending = lines_of(TapYCM, kind, body_of(kind, [key]), CREDENTIALS, discovered(name))
        assert not ending
        assert [line["stream"] for _, line in lines if line["type"] == "RECORD"] == [name]


@MANY
@given(st.dictionaries(st.text(max_size=3), VALUES | TEXTS | st.dates() | st.just(float("nan")), max_size=4))
def test_a_line_is_that_of_the_sdk(record: dict[str, Any]) -> None:
    """What stream maps make may be anything that Python has; and not all of it has a form that msgspec shares."""
    message = RecordMessage("customers", record, version=7)
    ours, theirs = PageWriter().serialize_message(message), SimpleSingerWriter().serialize_message(message)
    assert json.loads(ours, parse_float=Decimal) == json.loads(theirs, parse_float=Decimal)


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
    config = {**CREDENTIALS, "stream_maps": {"customers": {"share": "1 / (customerId - 7)"}}}
    body = body_of(CUSTOMERS, [{"customerId": key} for key in (7, 6, 5, 4)])
    *lines, ending = lines_of(TapYCM, CUSTOMERS, body, config, discovered("customers"))
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
