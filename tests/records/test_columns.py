"""Each type of column: what means the same is taken, anything else is null and reported."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tap_ycm.records.columns import UNFIT, column_for

TEXT = {"type": ["string", "null"]}
INTEGER = {"type": ["integer", "null"]}
BOOLEAN = {"type": ["boolean", "null"]}
TIMESTAMP = {"type": ["string", "null"], "format": "date-time"}
MISFIT = "misfit"


def converted(rules: dict[str, Any], value: object) -> tuple[object, list[str]]:
    """Return what becomes of a value, and the places of misfits."""
    places: list[str] = []
    column = column_for(rules, "c", places.append)
    if value is None or type(value) is column.plain:
        return value, places
    try:
        return column.convert(value), places
    except UNFIT:
        return MISFIT, places


CASES: list[tuple[dict[str, Any], object, object]] = [
    (TEXT, "Leo", "Leo"),
    (TEXT, "", ""),
    (TEXT, 7, "7"),
    (TEXT, 10**4000, "1" + "0" * 4000),
    (TEXT, Decimal("1.10"), "1.10"),
    (TEXT, True, "true"),
    (TEXT, {"b": [None, "é"], "a": 1}, '{"b": [null, "é"], "a": 1}'),
    (TEXT, {"a": Decimal("1.50")}, '{"a": "1.50"}'),
    (INTEGER, 0, 0),
    (INTEGER, 2**63 - 1, 2**63 - 1),
    (INTEGER, -(2**63), -(2**63)),
    (INTEGER, 2**63, MISFIT),
    (INTEGER, -(2**63) - 1, MISFIT),
    (INTEGER, "4768", 4768),
    (INTEGER, "-7", -7),
    (INTEGER, "007", 7),
    (INTEGER, str(2**63), MISFIT),
    (INTEGER, "9" * 5000, MISFIT),
    (INTEGER, "", None),
    (INTEGER, " 7", MISFIT),
    (INTEGER, "٣", MISFIT),
    (INTEGER, "7_0", MISFIT),
    (INTEGER, "7.0", MISFIT),
    (INTEGER, Decimal("7.0"), 7),
    (INTEGER, Decimal("7E+2"), 700),
    (INTEGER, Decimal("7.5"), MISFIT),
    (INTEGER, Decimal("1E+999999999"), MISFIT),
    (INTEGER, Decimal("1E-999999999"), MISFIT),
    (INTEGER, Decimal("Infinity"), MISFIT),
    (INTEGER, Decimal("NaN"), MISFIT),
    (INTEGER, 7.0, 7),
    (INTEGER, 7.5, MISFIT),
    (INTEGER, float("inf"), MISFIT),
    (INTEGER, True, MISFIT),
    (INTEGER, [7], MISFIT),
    (BOOLEAN, False, False),
    (BOOLEAN, "TRUE", True),
    (BOOLEAN, "false", False),
    (BOOLEAN, 1, True),
    (BOOLEAN, 0, False),
    (BOOLEAN, "", None),
    (BOOLEAN, 2, MISFIT),
    (BOOLEAN, "yes", MISFIT),
    (BOOLEAN, Decimal(1), MISFIT),
    (BOOLEAN, {}, MISFIT),
    (TIMESTAMP, 1664249765, "2022-09-27T03:36:05+00:00"),
    (TIMESTAMP, "1664249765", "2022-09-27T03:36:05+00:00"),
    (TIMESTAMP, Decimal("1664249765.0"), "2022-09-27T03:36:05+00:00"),
    (TIMESTAMP, 1664249765000, "2022-09-27T03:36:05+00:00"),
    (TIMESTAMP, 1664249765012, "2022-09-27T03:36:05.012000+00:00"),
    (TIMESTAMP, 1, "1970-01-01T00:00:01+00:00"),
    (TIMESTAMP, 253402300799, "9999-12-31T23:59:59+00:00"),
    (TIMESTAMP, 253402300799999, "9999-12-31T23:59:59.999000+00:00"),
    (TIMESTAMP, 10**12, "2001-09-09T01:46:40+00:00"),
    (TIMESTAMP, 253402300800, MISFIT),
    (TIMESTAMP, 10**12 - 1, MISFIT),
    (TIMESTAMP, 253402300800000, MISFIT),
    (TIMESTAMP, 0, MISFIT),
    (TIMESTAMP, -1, MISFIT),
    (TIMESTAMP, True, MISFIT),
    (TIMESTAMP, "", None),
    (TIMESTAMP, "tomorrow", MISFIT),
    (TIMESTAMP, "2022-09-27T03:36:05Z", "2022-09-27T03:36:05+00:00"),
    (TIMESTAMP, "2022-09-27t05:36:05.5+02:00", "2022-09-27T03:36:05.500000+00:00"),
    (TIMESTAMP, "2022-09-27 03:36:05z", "2022-09-27T03:36:05+00:00"),
    (TIMESTAMP, "2022-09-27T03:36:05", MISFIT),  # of which time zone?
    (TIMESTAMP, "2022-13-27T03:36:05Z", MISFIT),
    (TIMESTAMP, "0001-01-01T00:00:00+01:00", MISFIT),  # the year before the first
    (TIMESTAMP, "2022-09-27", MISFIT),
    ({"type": "string"}, 7, "7"),
    ({"type": "integer"}, "7", 7),
]


@pytest.mark.parametrize(("rules", "value", "expected"), CASES)
def test_a_value_becomes_what_its_column_holds(rules: dict[str, Any], value: object, expected: object) -> None:
    result, places = converted(rules, value)
    assert (type(result), result) == (type(expected), expected)
    assert places == []


def test_an_integer_of_more_digits_than_python_writes_does_not_fit_as_text() -> None:
    assert converted(TEXT, 10**5000) == (MISFIT, [])
    assert converted({"type": "object"}, {"a": 10**5000}) == (MISFIT, [])


CREATOR = {
    "type": ["object", "null"],
    "properties": {"name": TEXT, "age": INTEGER, "since": TIMESTAMP, "boss": {**BOOLEAN}},
    "additionalProperties": True,
}


def test_an_object_is_converted_field_by_field() -> None:
    value = {"more": {"x": Decimal("1.5")}, "since": 1664249765, "age": "7", "boss": None}
    expected = {"name": None, "age": 7, "since": "2022-09-27T03:36:05+00:00", "boss": None, "more": {"x": 1.5}}
    result, places = converted(CREATOR, value)
    assert result == expected
    assert isinstance(result, dict)
    assert list(result) == list(expected)
    assert places == []


def test_what_does_not_fit_in_an_object_is_named_by_its_place() -> None:
    outer = {"type": ["object", "null"], "properties": {"creator": CREATOR}}
    result, places = converted(outer, {"creator": {"name": "Leo", "age": "old", "boss": "maybe"}})
    assert result == {"creator": {"name": "Leo", "age": None, "since": None, "boss": None}}
    assert places == ["c.creator.age", "c.creator.boss"]
    assert converted(outer, {"creator": "Leo"}) == ({"creator": None}, ["c.creator"])


@pytest.mark.parametrize("value", ["Leo", 7, True, [], [{}], Decimal(1)])
def test_what_is_no_object_does_not_fit(value: object) -> None:
    assert converted(CREATOR, value) == (MISFIT, [])


NUMBERS: list[tuple[object, object]] = [
    (Decimal("1.0"), 1),
    (Decimal("1E+5"), 100000),
    (Decimal("0.1"), 0.1),
    (Decimal("1E+30"), 1e30),
    (Decimal("1E+999"), "1E+999"),
    (Decimal("-1E+999"), "-1E+999"),
    (2**63 - 1, 2**63 - 1),
    (2**63, str(2**63)),
    (0.5, 0.5),
    (True, True),
]


@pytest.mark.parametrize(("number", "expected"), NUMBERS)
def test_unknown_numbers_in_an_object_are_such_as_every_target_reads(number: object, expected: object) -> None:
    result, _ = converted({"type": "object"}, {"a": [{"b": number}]})
    assert repr(result) == repr({"a": [{"b": expected}]})


def test_an_array_is_converted_item_by_item() -> None:
    numbers = {"type": ["array", "null"], "items": INTEGER}
    assert converted(numbers, [2, "3", None, Decimal("4.0")]) == ([2, 3, None, 4], [])
    assert converted(numbers, []) == ([], [])
    assert converted(numbers, [1, "x", "", [2], "y"]) == ([1, None, None, None, None], ["c", "c", "c"])
    trunks = {"type": ["array", "null"], "items": {**CREATOR, "properties": {"id": INTEGER}}}
    assert converted(trunks, [{"id": "7"}, None, {"id": "x"}]) == ([{"id": 7}, None, {"id": None}], ["c.id"])


@pytest.mark.parametrize("value", [7, "7", "[7]", {"a": 7}, True])
def test_what_is_no_array_does_not_fit(value: object) -> None:
    assert converted({"type": ["array", "null"], "items": INTEGER}, value) == (MISFIT, [])


@pytest.mark.parametrize("rules", [CREATOR, {"type": ["array", "null"], "items": INTEGER}])
def test_empty_text_is_nothing_where_no_text_belongs(rules: dict[str, Any]) -> None:
    assert converted(rules, "") == (None, [])


@pytest.mark.parametrize("rules", [TEXT, {"type": "object"}, {"type": "array", "items": {"type": "object"}}])
def test_what_is_nested_beyond_all_measure_does_not_fit(rules: dict[str, Any]) -> None:
    value: list[Any] = []
    for _ in range(50_000):
        value = [value]
    assert converted(rules, {"deep": value})[0] == MISFIT
    assert converted(rules, [{"deep": value}])[0] == MISFIT


def test_a_schema_of_a_type_that_no_converter_has_is_refused() -> None:
    with pytest.raises(KeyError):
        column_for({"type": "number"}, "c", print)
