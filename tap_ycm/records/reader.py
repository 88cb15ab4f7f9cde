"""Rows of one stream made records.

What is missing becomes null, for a field that was cleared must be cleared in the target too, and stream maps must find
every column. What the schema does not know never vanishes silently, unless it looks like a secret. A value that its
column cannot hold becomes null, is named once and counted; it stops no sync and breaks no target.
"""

from __future__ import annotations

from collections import Counter
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeAlias

from tap_ycm.errors import TapError
from tap_ycm.records.columns import UNFIT, column_for
from tap_ycm.records.secret_names import looks_secret, without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from tap_ycm.records.columns import Convert

    Plan: TypeAlias = list[tuple[str, Convert]]
    Record: TypeAlias = dict[str, Any]
    Row: TypeAlias = dict[str, Any]

__all__ = ["EXTRA", "RowReader"]

EXTRA = "_extra"
"""Name of the column that holds unknown fields under ``unknown_fields: keep``."""

_DOCUMENTED_SECRETS = frozenset({"password"})
"""Fields that YCM's documents name, and that the schemas leave out because nobody should load them: no news."""

_MANY_SHAPES = 4096


class RowReader:
    """Turns rows into records, and remembers what was odd about them.

    Attributes:
        unknown: How many records had each field that the schema does not know; names that are no plain words are one.
        misfits: How many values of each column did not fit it, and became null.
    """

    def __init__(  # noqa: PLR0913 - one caller, and each is one independent fact
        self,
        stream: str,
        schema: Mapping[str, Any],
        *,
        keys: Collection[str],
        columns: Collection[str],
        unknown_fields: str,
        warn: Callable[[str], None],
    ) -> None:
        """Prepare for one reading of a list.

        Args:
            stream: Name of the stream, for messages.
            schema: JSON schema of the stream; a property ``_extra`` in it is not YCM's.
            keys: The key columns, always in the record; the caller has seen to it that each row has them.
            columns: Those that are wanted besides, ``_extra`` perhaps among them.
            unknown_fields: ``warn`` (drop, and say so once), ``keep`` (all in ``_extra``), or ``fail``.
            warn: Gets one sentence for each new unknown name, and for each column with a value that does not fit.
        """
        self._stream = stream
        known = {name: rules for name, rules in schema["properties"].items() if name != EXTRA}
        wanted = {*columns, *keys}
        self._nothing: Record = dict.fromkeys(known)
        self._unwanted = [name for name in known if name not in wanted]
        self._columns = {name: column_for(rules, name, self._misfit) for name, rules in known.items() if name in wanted}
        # Types of values that need no conversion. The range of a key was looked at by the caller, in each row.
        self._plain: dict[str, set[type | None]] = {
            name: {NoneType, column.plain} for name, column in self._columns.items()
        }
        for key in keys:
            if schema["properties"][key]["type"] == "integer":
                self._plain[key].add(int)
        self._plans: dict[tuple[type, ...], Plan] = {}
        self._unknown_fields = unknown_fields
        self._keeps = unknown_fields == "keep" and EXTRA in wanted
        self._warn = warn
        self._judged: set[str] = set()
        self.unknown: Counter[str] = Counter()
        self.misfits: Counter[str] = Counter()

    def records(self, rows: Iterable[Row]) -> Iterator[Record]:
        """Return the records for the rows of one page, one at a time; the rows are not changed.

        Their text must be loadable (:func:`tap_ycm.records.loadable.loadable`), their fractions Decimal.

        Raises:
            TapError: A row has an unknown field, and the user wants to fail then.
        """
        nothing, width, unwanted, plans = self._nothing, len(self._nothing), self._unwanted, self._plans
        for row in rows:
            record = nothing | row
            extra = self._set_aside(record) if len(record) > width else None
            for name in unwanted:
                del record[name]
            # Rows of a list are alike: what is to be done for one is to be done for all with values of the same types.
            shape = tuple(map(type, record.values()))
            plan = plans.get(shape)
            if plan is None:
                plan = self._plan(shape)
            if plan:
                self._convert(record, plan)
            if self._keeps:
                record[EXTRA] = extra
            yield record

    def _convert(self, record: Record, plan: Plan) -> None:
        """Make the values of a record fit their columns, as far as they can."""
        for name, convert in plan:
            try:
                record[name] = convert(record[name])
            except UNFIT:
                record[name] = None
                self._misfit(name)

    def _plan(self, shape: tuple[type, ...]) -> Plan:
        """Return which columns of a record need conversion, given the types of its values."""
        plan = [
            (name, column.convert)
            for kind, (name, column) in zip(shape, self._columns.items(), strict=True)
            if kind not in self._plain[name]
        ]
        if len(self._plans) < _MANY_SHAPES:
            self._plans[shape] = plan
        return plan

    def _set_aside(self, record: Record) -> Record | None:
        """Take the unknown fields out of a record, and return those that are to be kept."""
        unknown = {name: record.pop(name) for name in list(record)[len(self._nothing) :]}
        for name in sorted(unknown.keys() - _DOCUMENTED_SECRETS):
            self.unknown[_printable(name)] += 1
            if name not in self._judged:
                self._judged.add(name)
                self._judge(name)
        extra: Record = {}
        for name, value in unknown.items():
            if self._keeps and not looks_secret(name):
                try:
                    extra[name] = without_secrets(value)
                except UNFIT:
                    extra[name] = None
                    self._misfit(EXTRA)
        return extra or None

    def _judge(self, name: str) -> None:
        """Do about a field that was never met before what the user asked for."""
        what = f"{self._stream}: YCM sent a field {_quoted(name)} that the schema does not know"
        if looks_secret(name):
            self._warn(f"{what}; it looks like a secret, and is dropped")
        elif self._unknown_fields == "fail":
            sentence = f"{what}, and unknown_fields is 'fail': set it to 'keep' or 'warn', or upgrade the tap"
            raise TapError(sentence)
        elif self._keeps:
            self._warn(f"{what}; it is kept in the column {EXTRA}")
        elif self._unknown_fields == "keep":
            self._warn(f"{what}; it is dropped, for the column {EXTRA} is not selected")
        else:
            self._warn(f"{what}; it is dropped. Set unknown_fields to 'keep' to load it in the column {EXTRA}")

    def _misfit(self, place: str) -> None:
        """Count a value that did not fit, and name its column the first time."""
        self.misfits[place] += 1
        if self.misfits[place] == 1:
            self._warn(f"{self._stream}: YCM sent a value that does not fit the column {place}; it is loaded as null")


_NOT_PLAIN = "(its name is not a plain word)"


def _printable(name: str) -> str:
    """Return a field name fit for a log and a table: YCM's names are plain words, anything else could be data."""
    return name if name.isidentifier() and len(name) <= 64 else _NOT_PLAIN


def _quoted(name: str) -> str:
    printable = _printable(name)
    return printable if printable == _NOT_PLAIN else f"'{printable}'"
