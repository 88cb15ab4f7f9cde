"""Rows made records: which columns, in which order, what is said and counted; and any value in any column."""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from tap_ycm.errors import TapError
from tap_ycm.records.loadable import loadable
from tap_ycm.records.reader import RowReader
from tap_ycm.streams import SYNCS

SCHEMAS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[2] / "schemas").glob("*.json"))
    if path.stem != SYNCS.name  # the tap's own rows
}
SCHEMA: dict[str, Any] = {
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": ["string", "null"]},
        "size": {"type": ["integer", "null"]},
        "made": {"type": ["string", "null"], "format": "date-time"},
    }
}
CANARY = "c4n4ry"


class Reading:
    """A reader of the small schema, and what it says."""

    def __init__(self, *columns: str, unknown_fields: str = "warn") -> None:
        self.warnings: list[str] = []
        self.reader = RowReader(
            "things",
            SCHEMA,
            keys=["id"],
            columns=columns or [*SCHEMA["properties"], "_extra"],
            unknown_fields=unknown_fields,
            warn=self.warnings.append,
        )

    def __call__(self, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        return list(self.reader.records(rows))


def test_a_record_has_the_schemas_columns_in_its_order() -> None:
    row = {"made": 1664249765, "size": 5, "id": 7}
    (record,) = Reading()(row)
    assert list(record.items()) == [
        ("id", 7),
        ("name", None),
        ("size", 5),
        ("made", "2022-09-27T03:36:05+00:00"),
    ]
    assert row == {"made": 1664249765, "size": 5, "id": 7}


def test_a_record_has_the_wanted_columns_only_and_its_key() -> None:
    reading = Reading("made", "name", "_extra", unknown_fields="keep")
    records = reading({"id": "7", "size": "none", "name": 1, "more": 2}, {"id": 8})
    assert [list(record.items()) for record in records] == [
        [("id", 7), ("name", "1"), ("made", None), ("_extra", {"more": 2})],
        [("id", 8), ("name", None), ("made", None), ("_extra", None)],
    ]
    assert not reading.reader.misfits


def test_rows_of_changing_types_are_each_converted() -> None:
    rows: list[dict[str, Any]] = [{"id": 1, "name": "a"}, {"id": 2, "name": 2}, {"id": 3, "name": "c"}, {"id": "4"}]
    assert [(record["id"], record["name"]) for record in Reading()(*rows * 2)] == [
        (1, "a"),
        (2, "2"),
        (3, "c"),
        (4, None),
    ] * 2


def test_a_value_that_does_not_fit_is_null_named_once_and_counted() -> None:
    reading = Reading()
    records = reading({"id": 1, "size": CANARY, "made": 0}, {"id": 2, "size": [CANARY]}, {"id": 3, "size": 3})
    assert [record["size"] for record in records] == [None, None, 3]
    assert [record["made"] for record in records] == [None, None, None]
    assert reading.warnings == [
        "things: YCM sent a value that does not fit the column size; it is loaded as null",
        "things: YCM sent a value that does not fit the column made; it is loaded as null",
    ]
    assert reading.reader.misfits == {"size": 2, "made": 1}


def test_unknown_fields_are_named_once_and_dropped() -> None:
    reading = Reading()
    assert [set(record) for record in reading({"id": 1, "x": 1}, {"id": 2, "x": 1})] == [set(SCHEMA["properties"])] * 2
    assert reading.warnings == [
        (
            "things: YCM sent a field 'x' that the schema does not know; it is dropped. "
            "Set unknown_fields to 'keep' to load it in the column _extra"
        )
    ]
    assert reading.reader.unknown == {"x": 2}


def test_unknown_fields_are_kept_as_they_are() -> None:
    reading = Reading(unknown_fields="keep")
    (record,) = reading({"id": 1, "x": {"a": [Decimal("1.50"), 2**70]}, f"{CANARY} !": None})
    assert record["_extra"] == {"x": {"a": [Decimal("1.50"), 2**70]}, f"{CANARY} !": None}
    assert reading.warnings == [
        (
            "things: YCM sent a field (its name is not a plain word) that the schema does not know; "
            "it is kept in the column _extra"
        ),
        "things: YCM sent a field 'x' that the schema does not know; it is kept in the column _extra",
    ]


def test_unknown_fields_are_dropped_if_their_column_is_not_selected() -> None:
    reading = Reading("name", unknown_fields="keep")
    assert reading({"id": 1, "x": 1}) == [{"id": 1, "name": None}]
    assert reading.warnings == [
        (
            "things: YCM sent a field 'x' that the schema does not know; it is dropped, "
            "for the column _extra is not selected"
        )
    ]


def test_an_unknown_field_may_end_the_run() -> None:
    sentence = (
        "things: YCM sent a field 'x' that the schema does not know, and unknown_fields is 'fail': "
        "set it to 'keep' or 'warn', or upgrade the tap"
    )
    with pytest.raises(TapError, match=re.escape(sentence)):
        Reading(unknown_fields="fail")({"id": 1, "x": 1})


def test_a_field_that_has_the_name_of_the_extra_column_is_one_more() -> None:
    reading = Reading(unknown_fields="keep")
    assert reading({"id": 1, "_extra": 5})[0]["_extra"] == {"_extra": 5}


def test_the_extra_column_in_a_schema_is_none_of_ycms() -> None:
    schema = {"properties": {**SCHEMA["properties"], "_extra": {"type": ["object", "null"]}}}
    for unknown_fields, expected in (("keep", {"_extra": 5}), ("warn", None)):
        reader = RowReader(
            "things", schema, keys=["id"], columns=["_extra"], unknown_fields=unknown_fields, warn=lambda _: None
        )
        (record,) = reader.records([{"id": 1, "_extra": 5}])
        assert list(record) == (["id", "_extra"] if expected else ["id"])
        assert record.get("_extra") == expected


def test_an_unknown_field_nested_beyond_all_measure_is_null_and_counted() -> None:
    value: list[Any] = []
    for _ in range(50_000):
        value = [value]
    reading = Reading(unknown_fields="keep")
    (record,) = reading({"id": 1, "x": value, "y": 1})
    assert record["_extra"] == {"x": None, "y": 1}
    assert reading.reader.misfits == {"_extra": 1}
    assert "does not fit the column _extra" in reading.warnings[-1]


def test_more_shapes_than_are_remembered_are_all_converted() -> None:
    names = [f"c{number}" for number in range(13)]
    schema = {"properties": {"id": {"type": "integer"}, **{name: {"type": ["string", "null"]} for name in names}}}
    reader = RowReader("things", schema, keys=["id"], columns=names, unknown_fields="warn", warn=print)
    rows = [
        {"id": bits, **{name: place if bits >> place & 1 else "text" for place, name in enumerate(names)}}
        for bits in range(2**13)
    ]
    for row, record in zip(rows, reader.records(rows), strict=True):
        assert record == {"id": row["id"], **{name: str(row[name]) for name in names}}


# Any value in any column.

CHECKER = FormatChecker(formats=())


@CHECKER.checks("date-time")
def is_moment(value: object) -> bool:
    utc = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00", re.ASCII)
    return not isinstance(value, str) or bool(utc.fullmatch(value) and datetime.fromisoformat(value))


NAMES = st.sampled_from(
    ["firstName", "trunkId", "total", "extensionCapacity", "status", "expirationTime", "more", "apiKey", "ab\x00"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**64), 2**64)
    | st.integers(1, 10**16)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.integers(0, 10**14).map(str)
    | st.datetimes().map(lambda moment: moment.isoformat() + "+02:00")
    | st.sampled_from(["", "true", "FALSE", "0", "1", Decimal("1E+999"), Decimal("1E-999999"), "\ud83d", "a\x00"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=8
)


@settings(max_examples=400, deadline=None)
@given(st.data(), st.sampled_from(sorted(SCHEMAS)), st.sampled_from(["warn", "keep"]))
def test_whatever_comes_in_a_column_the_record_is_as_its_schema_says(
    data: st.DataObject, stream: str, unknown_fields: str
) -> None:
    schema = SCHEMAS[stream]
    keys: list[str] = schema["required"]
    sound = {"integer": st.integers(-(2**63), 2**63 - 1), "string": st.just(1664249765)}
    row_of = st.fixed_dictionaries(
        {key: sound[schema["properties"][key]["type"]] for key in keys},
        optional={name: VALUES for name in [*schema["properties"], "new"] if name not in keys},
    )
    rows = [loadable(row) for row in data.draw(st.lists(row_of, max_size=3))]
    columns = [*schema["properties"], "_extra"]
    reader = RowReader(stream, schema, keys=keys, columns=columns, unknown_fields=unknown_fields, warn=lambda _: None)
    validator = Draft202012Validator(schema, format_checker=CHECKER)
    records = list(reader.records(rows))
    assert len(records) == len(rows)
    for record in records:
        if unknown_fields == "keep":
            record.pop("_extra")
        assert list(record) == list(schema["properties"])
        validator.validate(record)
        text = json.dumps(record, allow_nan=False)
        text.encode()
        assert "apiKey" not in text


@given(VALUES)
def test_loadable_text_has_no_character_that_stops_a_target(value: object) -> None:
    text = json.dumps(loadable(value), ensure_ascii=False, default=str)
    assert "\\u0000" not in text
    assert text.encode()


def test_what_is_loadable_stays_as_it_is() -> None:
    value = {"a": ["Zoë 東京 😀", 1, None, True, Decimal("1.50")]}
    assert loadable(value) == value
    assert loadable({"a\x00": ["\ud83d\ude00", "\ud83d"]}) == {"a\ufffd": ["\ufffd\ufffd", "\ufffd"]}
    assert loadable("x\x00") == "x\ufffd"
