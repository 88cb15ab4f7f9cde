"""From a JSON value to the value of a column: one converter for each type that a schema can give a column.

YCM's documents and its answers differ in types (an ID is a number on one page and text on the next), and nothing
promises that an answer is as documented. So each converter takes what means the same, and says :class:`Misfit` to
anything else. Null is null in every column; no converter gets to see it.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from tap_ycm.records.secret_names import looks_secret, without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Convert: TypeAlias = Callable[[Any], Any]
    Report: TypeAlias = Callable[[str], None]

__all__ = ["UNFIT", "Column", "Misfit", "column_for"]

_LOW, _HIGH = -(2**63), 2**63 - 1
_DIGITS = re.compile(r"[+-]?[0-9]{1,100}")
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z, the last one that databases know
_FIRST_MILLISECOND = 10**12  # in 2001; read as seconds, it is far beyond the year 9999
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_TRUTH = {"true": True, "false": False}


class Misfit(ValueError):  # noqa: N818 - it stops nothing, and is no error to anybody
    """A value that its column cannot hold."""


UNFIT = (Misfit, RecursionError)
"""What a converter raises; the latter if a value is nested beyond all measure."""


@dataclass(frozen=True, slots=True)
class Column:
    """How a column gets its values.

    Attributes:
        plain: The Python type whose values need no conversion; None if all do.
        convert: Makes any other JSON value fit; not called for null.
    """

    plain: type | None
    convert: Convert


def column_for(rules: Mapping[str, Any], place: str, report: Report) -> Column:
    """Return the column that a schema describes.

    Args:
        rules: Its JSON schema: one of the types in this module, with or without null.
        place: Its name; in nested objects ``outer.inner``.
        report: Gets the place of each value within the column that did not fit, and became null.
    """
    kinds = [rules["type"]] if isinstance(rules["type"], str) else rules["type"]
    kind = next(kind for kind in kinds if kind != "null")
    if kind == "object":
        return Column(None, _object_converter(rules, place, report))
    if kind == "array":
        return Column(None, _array_converter(rules, place, report))
    if kind == "string" and rules.get("format") == "date-time":
        return Column(None, _timestamp)
    return _SIMPLE[kind]


def _text(value: Any) -> str:
    """Return text as it is, a number as its own digits, anything else as JSON text."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    try:
        return json.dumps(without_secrets(value), ensure_ascii=False, default=str)
    except ValueError as problem:  # an integer of more digits than Python writes
        raise Misfit from problem


def _integer(value: Any) -> int | None:
    """Return a 64-bit integer, also from text or from a number with a fraction of zero."""
    if type(value) is not int:
        if value == "":
            return None
        value = _whole(value)
    if _LOW <= value <= _HIGH:
        return value  # type: ignore[no-any-return]  # it is int by now
    raise Misfit


def _whole(value: Any) -> int:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    # Not by int() alone: of 1E+999999999 it makes a gigabyte of digits.
    if (
        isinstance(value, Decimal)
        and value.is_finite()
        and value.adjusted() < 20
        and value == value.to_integral_value()
    ):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise Misfit


def _boolean(value: Any) -> bool | None:
    """Return a truth value, also from ``true`` and ``false`` as text, and from 1 and 0."""
    if isinstance(value, str):
        if value == "":
            return None
        if (truth := _TRUTH.get(value.lower())) is not None:
            return truth
    elif isinstance(value, int) and value in {0, 1}:
        return bool(value)
    raise Misfit


def _timestamp(value: Any) -> str | None:
    """Return a moment as RFC 3339 in UTC, from Unix seconds or milliseconds, or from RFC 3339 in any time zone."""
    if isinstance(value, str) and _RFC_3339.fullmatch(value.upper()):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC).isoformat()
        except (ValueError, OverflowError) as problem:
            raise Misfit from problem
    number = _integer(value)
    if number is None:
        return None
    if 0 < number <= _LAST_SECOND:
        seconds, milliseconds = number, 0
    elif _FIRST_MILLISECOND <= number < (_LAST_SECOND + 1) * 1000:
        seconds, milliseconds = divmod(number, 1000)
    else:
        raise Misfit
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=milliseconds * 1000).isoformat()


def _object_converter(rules: Mapping[str, Any], place: str, report: Report) -> Convert:
    """Return the converter of an object: documented fields as their schema says, the others as they are.

    What is missing becomes null there too, for a schema that is flattened makes columns of the documented fields.
    """
    inner = {name: column_for(rule, f"{place}.{name}", report) for name, rule in rules.get("properties", {}).items()}

    def convert(value: Any) -> dict[str, Any] | None:
        if value == "":
            return None
        if not isinstance(value, dict):
            raise Misfit
        known = {name: _fitting(value.get(name), column, f"{place}.{name}", report) for name, column in inner.items()}
        others = {
            name: _as_it_is(other) for name, other in value.items() if name not in inner and not looks_secret(name)
        }
        return known | others

    return convert


def _array_converter(rules: Mapping[str, Any], place: str, report: Report) -> Convert:
    """Return the converter of an array, each item as its schema says."""
    items = column_for(rules["items"], place, report)

    def convert(value: Any) -> list[Any] | None:
        if value == "":
            return None
        if not isinstance(value, list):
            raise Misfit
        return [_fitting(item, items, place, report) for item in value]

    return convert


def _fitting(value: Any, column: Column, place: str, report: Report) -> Any:
    """Return a value within a column as its schema says, null if it does not fit."""
    if value is None or type(value) is column.plain:
        return value
    try:
        return column.convert(value)
    except Misfit:
        report(place)
        return None


def _as_it_is(value: Any) -> Any:
    """Return a JSON value without its secrets, and with numbers that every JSON writer and reader holds."""
    if isinstance(value, dict):
        return {name: _as_it_is(inner) for name, inner in value.items() if not looks_secret(name)}
    if isinstance(value, list):
        return [_as_it_is(inner) for inner in value]
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return _number(value)
    return value


def _number(value: float | Decimal) -> int | float | str:
    """Return a number as a 64-bit integer, or as a float; as its digits if it is beyond both."""
    if isinstance(value, int):
        return value if _LOW <= value <= _HIGH else _text(value)
    if isinstance(value, Decimal):
        try:
            whole = _integer(value)
        except Misfit:
            whole = None
        if whole is not None:
            return whole
    near = float(value)
    return near if math.isfinite(near) else str(value)


_SIMPLE = {
    "string": Column(str, _text),
    "integer": Column(None, _integer),  # the range of an int is still to be looked at
    "boolean": Column(bool, _boolean),
}
