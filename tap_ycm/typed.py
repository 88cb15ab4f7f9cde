"""The quick way to read a page: one typed parse, by msgspec, straight into rows with the schema's columns.

Pure. It takes only what is exactly as documented, and says None to anything else: an error, a field of another type or
unknown to the schema, text that some target cannot load, bytes that are not UTF-8. :mod:`tap_ycm.http.answers` and
:mod:`tap_ycm.rows` then have their say, so that both ways lead to the same records; tests/test_thin_path.py holds one
against the other. Imported only when a page is read: msgspec takes its time, and not all commands read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct, defstruct, field
from msgspec.json import Decoder
from msgspec.structs import asdict

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Data", "Envelope", "TypedPages", "TypedRow"]

_Row = TypeVar("_Row")
_NoCode: TypeAlias = Literal[0] | None


class TypedRow(Struct):
    """A row that is as documented: a field for each column, in the schema's order, None where YCM sent none."""

    def record(self) -> dict[str, Any]:
        """Return the row as a record of its own."""
        return asdict(self)


class Data(Struct, Generic[_Row]):
    """The paged payload; its numbers are looked at later, as on the slow way."""

    rows: list[_Row] = field(name="list")
    number: Any = field(name="pageNumber", default=None)
    size: Any = field(name="pageSize", default=None)
    total: Any = None


class Envelope(Struct, Generic[_Row]):
    """An answer that holds a page (vendor pages ``response-results``, ``query-all-the-customers``)."""

    status: str
    data: Data[_Row]
    request_id: Any = field(name="requestId", default=None)
    # The names that an error's code may have: one that is not 0 makes it a failure, whatever the status says.
    err_code: _NoCode = field(name="errCode", default=None)
    errcode: _NoCode = None
    error_code: _NoCode = field(name="errorCode", default=None)
    errno: _NoCode = None
    code: _NoCode = None


class TypedPages:
    """Reads the pages of one list; safe to use from several threads."""

    def __init__(self, columns: Iterable[str], key: str) -> None:
        """Prepare.

        Args:
            columns: The columns of the schema; all but the key hold strings or nothing.
            key: The column that must be there. Its type is left open here.
        """
        others = [(name, str | None, None) for name in columns if name != key]
        row = defstruct("Row", [(key, Any), *others], bases=(TypedRow,), forbid_unknown_fields=True, gc=False)
        envelope: Any = Envelope  # of rows whose type no type checker can know: it is made from the schema
        self._decoder = Decoder(envelope[row])

    def read(self, body: bytes) -> Envelope[Any] | None:
        """Return the page of typed rows in an answer's body; None if anything about it is not as documented."""
        if rb"\u0000" in body:  # the one character in sound JSON that PostgreSQL cannot hold
            return None
        try:
            answer: Envelope[Any] = self._decoder.decode(body)
        except (ValueError, RecursionError):
            return None
        return answer
