"""Singer messages to standard output: quick for plain records, and as the SDK writes them for anything else.

Records are gathered, and leave together at the end of a page (:meth:`PageWriter.flush`) and before any other message:
so a target never waits for a record that was read before the page now asked for, and no STATE overtakes a record.
Lines are UTF-8, as JSON is.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from singer_sdk.singerlib.json import serialize_json
from singer_sdk.singerlib.messages import Message, RecordMessage

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PageWriter", "PlainMessage"]

_PLAIN = frozenset({str, int, bool, type(None)})
"""Types that msgspec and the SDK's serializer write alike; others, say dates from stream maps, they may not."""


@dataclass(slots=True)
class PlainMessage(RecordMessage):
    """A record as RowReader makes it: msgspec and the SDK's serializer write it alike.

    One message serves all records of a page, so what surrounds them is written once.

    Attributes:
        frame: The text of the message before its record, and after it; None before it is known.
    """

    frame: tuple[bytes, bytes] | None = None


class PageWriter(GenericSingerWriter[bytes, Message]):
    """Writes messages to standard output, records by the page."""

    def __init__(self) -> None:
        """Begin with nothing gathered."""
        self._lines: list[bytes] = []

    @cached_property
    def _encode(self) -> Callable[[Any], bytes]:
        from msgspec.json import Encoder  # noqa: PLC0415 - takes long to import, and not all commands write records

        return Encoder().encode

    @override
    def serialize_message(self, message: Message) -> bytes:
        if isinstance(message, PlainMessage):
            head, tail = message.frame = message.frame or self._frame(message)
            try:
                return b"".join((head, self._encode(message.record), tail))
            except UnicodeEncodeError:  # a lone surrogate
                return serialize_json(message.to_dict()).encode()
        content = message.to_dict()
        if isinstance(message, RecordMessage) and _PLAIN.issuperset(map(type, message.record.values())):
            if message.time_extracted:
                content["time_extracted"] = message.time_extracted.isoformat()  # as the SDK writes it
            try:
                return self._encode(content)
            except UnicodeEncodeError:  # a lone surrogate, made by a stream map
                return serialize_json(content).encode()
        return serialize_json(content).encode()

    def record_text(self, message: RecordMessage) -> bytes:
        """Return the JSON of a record alone, as it stands in its message."""
        if isinstance(message, PlainMessage) or _PLAIN.issuperset(map(type, message.record.values())):
            try:
                return self._encode(message.record)
            except UnicodeEncodeError:  # a lone surrogate
                pass
        return serialize_json(message.record).encode()

    def _frame(self, message: PlainMessage) -> tuple[bytes, bytes]:
        content = {**message.to_dict(), "record": None}
        if message.time_extracted:
            content["time_extracted"] = message.time_extracted.isoformat()
        head, null, tail = self._encode(content).partition(b'"record":null')
        return head + null.removesuffix(b"null"), tail

    @override
    def write_message(self, message: Message) -> None:
        self._lines.append(self.serialize_message(message))
        if not isinstance(message, RecordMessage):
            self.flush()

    def flush(self) -> None:
        """Hand everything to the target.

        Raises:
            OSError: Standard output takes no more.
        """
        if self._lines:
            lines, self._lines = [*self._lines, b""], []
            sys.stdout.buffer.write(b"\n".join(lines))
        sys.stdout.buffer.flush()
