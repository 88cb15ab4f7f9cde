"""Customers come out as from the reader that was there before: same records, same sentences, same refusals."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tap_ycm import rows
from tap_ycm.errors import TapError
from tap_ycm.records.loadable import loadable
from tap_ycm.records.reader import RowReader

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "customers.json").read_text(encoding="utf-8"))
COLUMNS = list(SCHEMA["properties"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None) | st.sampled_from("\x00\ud83d"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"customerId": st.integers(-(2**63), 2**63 - 1)},
        optional={
            **{name: st.text(max_size=5) | VALUES for name in COLUMNS[1:]},
            **dict.fromkeys(["discount", "zone", "_extra", "no word"], VALUES),
        },
    ),
    max_size=4,
)


def outcome(reader: RowReader | rows.RowReader, page: list[dict[str, Any]], warnings: list[str]) -> object:
    records: list[object] = []
    read: Iterable[dict[str, Any]] = reader.records(page)
    try:
        records.extend([list(record.items()) for record in read])
    except TapError as refusal:
        return str(refusal), warnings
    return repr(records), warnings, reader.unknown


@settings(max_examples=500, deadline=None)
@given(ROWS, st.sets(st.sampled_from([*COLUMNS, "_extra"])), st.sampled_from(["warn", "keep", "fail"]))
def test_customers_are_read_as_before(page: list[dict[str, Any]], columns: set[str], unknown_fields: str) -> None:
    warned: list[str] = []
    warned_before: list[str] = []
    before = rows.RowReader(
        "customers",
        "customerId",
        known=COLUMNS,
        columns=columns,
        unknown_fields=unknown_fields,
        warn=warned_before.append,
    )
    reader = RowReader(
        "customers", SCHEMA, keys=["customerId"], columns=columns, unknown_fields=unknown_fields, warn=warned.append
    )
    assert outcome(reader, loadable(page), warned) == outcome(before, page, warned_before)


def test_a_record_of_text_only_is_as_before() -> None:
    page = [{"customerId": 7, "firstName": "Leo", "zipCode": 361000, "city": Decimal("1.10"), "state": True}]
    reader = RowReader("customers", SCHEMA, keys=["customerId"], columns=COLUMNS, unknown_fields="warn", warn=print)
    before = rows.RowReader(
        "customers", "customerId", known=COLUMNS, columns=COLUMNS, unknown_fields="warn", warn=print
    )
    assert list(reader.records(page)) == list(before.records(page))
