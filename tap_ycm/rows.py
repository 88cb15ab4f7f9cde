"""From a row as YCM sends it to a record that any target can load: same facts, the schema's types.

Pure. The vendor documents every field but the key as a string and omits what is unset; nothing promises that it stays
so (``query-all-the-customers``). Hence: what is missing becomes null, for a field that was cleared must be cleared in
the target too, and stream maps must find every column; numbers become their own digits; and what the schema does not
know never vanishes silently.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from operator import methodcaller
from typing import TYPE_CHECKING, Any

from tap_ycm.errors import TapError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from tap_ycm.reading.pages import Row
    from tap_ycm.typed import TypedRow

    Record = dict[str, Any]

__all__ = ["EXTRA", "RowReader"]

EXTRA = "_extra"
"""Name of the column that holds unknown fields under ``unknown_fields: keep``."""

_UNLOADABLE = re.compile("[\x00\ud800-\udfff]")
"""U+0000 stops PostgreSQL, a lone surrogate has no UTF-8 form: both become U+FFFD, the replacement character."""


class RowReader:
    """Turns rows into records, and remembers the names of unknown fields.

    Attributes:
        unknown: Names of the fields met that the schema does not know.
    """

    def __init__(  # noqa: PLR0913 - one caller, and each is one independent fact
        self,
        stream: str,
        key: str,
        *,
        known: Collection[str],
        columns: Iterable[str],
        unknown_fields: str,
        warn: Callable[[str], None],
    ) -> None:
        """Prepare for one reading of a list.

        Args:
            stream: Name of the stream, for messages.
            key: The key field, an integer already checked.
            known: All columns of the schema; all but the key hold strings.
            columns: Those that are wanted, ``_extra`` perhaps among them.
            unknown_fields: ``warn`` (drop, and say so once), ``keep`` (all in ``_extra``), or ``fail``.
            warn: Gets one sentence for each new unknown name.
        """
        self._stream = stream
        self._key = key
        wanted = set(columns)
        self._columns = [name for name in known if name in wanted and name != key]
        self._known = frozenset(known)
        self._unwanted = self._known - {key, *self._columns}
        self._unknown_fields = unknown_fields
        self._keeps = unknown_fields == "keep" and EXTRA in wanted
        self._warn = warn
        self.unknown: set[str] = set()

    def records(self, rows: Sequence[Row]) -> Iterator[Record]:
        """Return the records for the rows of one page; see :meth:`record`."""
        if rows and not isinstance(rows[0], dict) and not self._unwanted and not self._keeps:
            return map(methodcaller("record"), rows)  # the usual case: nothing else is left to do
        return map(self.record, rows)

    def record(self, row: Row) -> Record:
        """Return the record for a row; the row is not changed.

        Raises:
            TapError: The row has an unknown field, and the user wants to fail then; or it is nested beyond all measure.
        """
        if not isinstance(row, dict):
            return self._typed(row)
        try:
            return self._record(row)
        except RecursionError:
            sentence = f"{self._stream}: a field of YCM is nested too deep to be loaded; ask Yeastar about it"
            raise TapError(sentence) from None

    def _typed(self, row: TypedRow) -> Record:
        """Return the record for a row that is as documented: nothing is left to do but what the user asked for."""
        record = row.record()
        for name in self._unwanted:
            del record[name]
        if self._keeps:
            record[EXTRA] = None
        return record

    def _record(self, row: dict[str, Any]) -> Record:
        record: Record = {self._key: row[self._key]}
        for name in self._columns:
            value = row.get(name)
            record[name] = value if value is None else _text(value)
        unknown = row.keys() - self._known
        extra = self._extra(row, unknown) if unknown else None
        if self._keeps:
            record[EXTRA] = extra
        return record

    def _extra(self, row: dict[str, Any], unknown: set[str]) -> Record | None:
        for name in sorted(unknown - self.unknown):
            self.unknown.add(name)
            what = f"{self._stream}: YCM sent a field {_printable(name)} that the schema does not know"
            if self._unknown_fields == "fail":
                sentence = f"{what}, and unknown_fields is 'fail': set it to 'keep' or 'warn', or upgrade the tap"
                raise TapError(sentence)
            if self._keeps:
                self._warn(f"{what}; it is kept in the column {EXTRA}")
            elif self._unknown_fields == "keep":
                self._warn(f"{what}; it is dropped, for the column {EXTRA} is not selected")
            else:
                self._warn(f"{what}; it is dropped. Set unknown_fields to 'keep' to load it in the column {EXTRA}")
        if self._keeps:
            return {_loadable(name): _loadable_json(row[name]) for name in row if name in unknown}
        return None


def _text(value: object) -> str:
    """Return a documented string as it is, anything else as its JSON text."""
    if isinstance(value, str):
        return _loadable(value)
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(_loadable_json(value), ensure_ascii=False, default=str)


def _loadable(text: str) -> str:
    return _UNLOADABLE.sub("\ufffd", text) if _UNLOADABLE.search(text) else text


def _loadable_json(value: Any) -> Any:
    if isinstance(value, str):
        return _loadable(value)
    if isinstance(value, dict):
        return {_loadable(name): _loadable_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_loadable_json(inner) for inner in value]
    return value


def _printable(name: str) -> str:
    """Return a field name fit for a log: YCM's names are plain words, anything else could be data."""
    return f"'{name}'" if name.isidentifier() and len(name) <= 64 else "(its name is not a plain word)"
