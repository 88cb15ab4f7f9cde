"""A stream of the SDK whose records are made ready before: the catalog and the messages are here, and nothing else."""

from __future__ import annotations

import copy
import logging
import sys
from abc import ABC
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.schema.source import SchemaDirectory
from singer_sdk.singerlib import RecordMessage, Schema
from singer_sdk.streams import Stream

from tap_ycm.records.reader import EXTRA
from tap_ycm.schema_files import schema_directory
from tap_ycm.singer.catalog import mend
from tap_ycm.singer.writer import PlainMessage

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.mapper import StreamMap
    from singer_sdk.singerlib import Catalog

    from tap_ycm.kinds import Table

__all__ = ["TableStream"]


class TableStream(Stream, ABC):
    """A stream that fills one table.

    Attributes:
        table: Its name and its keys.
        columns: The columns of its schema file.
    """

    # Records have the schema's types already.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    # The tap itself says when a STATE is due: by time, and before records that are new.
    STATE_MSG_FREQUENCY = sys.maxsize

    def __init__(self, tap: Tap, table: Table, *, keeps_unknown: bool) -> None:
        """Declare the stream.

        Args:
            tap: What the SDK wants; only the SDK's own code uses it.
            table: Its name and its keys.
            keeps_unknown: Whether there is a column for fields that the schema does not know.
        """
        schema = copy.deepcopy(SchemaDirectory(schema_directory()).get_schema(table.name))
        self.table = table
        self.columns = tuple(schema["properties"])
        self._rules = copy.deepcopy(schema)
        if keeps_unknown:
            schema["properties"][EXTRA] = {
                "type": ["object", "null"],
                "additionalProperties": True,
                "description": "Fields that YCM sent and this schema does not know.",
                "x-personal-data": True,
            }
        super().__init__(tap, schema=schema, name=table.name)
        self.primary_keys = table.keys
        self._messages: list[tuple[StreamMap, RecordMessage]] = []
        self._unmapped: tuple[RecordMessage, ...] = ()  # the usual case: one message, whose record stays as it is

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **options: Any) -> None:
        """Log, but not the SDK's "unhandled error": the tap's own sentence follows, and says more."""
        if not message.startswith("An unhandled error"):
            super().log(message, *args, level=level, **options)

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """Keep the SDK from sending ACTIVATE_VERSION before the first record; lists send it after the last."""
        return False

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take a catalog, but for what cannot be: it may be older than the settings, or edited by hand."""
        if entry := catalog.get_stream(self.name):
            for warning in mend(entry, self.name, self.table.keys, self.schema["properties"]):
                self.logger.warning(warning)
            if EXTRA in self.schema["properties"] and entry.schema.properties is not None:
                entry.schema.properties.setdefault(EXTRA, Schema.from_dict(self.schema["properties"][EXTRA]))
        super().apply_catalog(catalog)

    @override
    def _process_record(
        self, record: Record, child_context: Context | None = None, partition_context: Context | None = None
    ) -> None:
        """Do nothing: no stream has partitions, or children of the SDK's kind, whose contexts would be made here.

        Private in the SDK; pinned by tests/singer/test_sdk_pins.py.
        """

    @override
    def _generate_record_messages(self, record: Record) -> Any:  # only iterated over; a generator takes long
        """Return a record's messages as the SDK does, but for what was done to it already: selection and types.

        Private in the SDK; pinned by tests/singer/test_sdk_pins.py, and held against the original by
        tests/singer/test_messages_as_the_sdk.py.
        """
        if self._selects_within_columns:
            return super()._generate_record_messages(record)
        if self._unmapped:
            self._unmapped[0].record = record
            return self._unmapped
        return self._mapped_messages(record)

    def _mapped_messages(self, record: Record) -> Iterator[RecordMessage]:
        for stream_map, message in self._messages:
            mapped = stream_map.transform(record)
            if mapped is not None:
                message.record = mapped
                yield message

    def _wanted_columns(self) -> list[str]:
        """Return the columns that the catalog selects; an older one, cached by Meltano say, may lack some."""
        known = self.effective_schema["properties"]
        if lacking := [name for name in self.columns if name not in known]:
            self.logger.warning("%s: the catalog lacks %s; make a new one to load it", self.name, ", ".join(lacking))
        return [name for name in self.schema["properties"] if name in known and self.mask["properties", name]]

    @cached_property
    def _selects_within_columns(self) -> bool:
        """Whether a catalog, edited by hand, leaves out parts of ``_extra``."""
        return any(len(place) > 2 and not selected for place, selected in self.mask.items())

    def _begin_messages(self) -> None:
        """Prepare one message for each stream map: each is written before it takes the next record of the page."""
        now = datetime.now(UTC)

        def message_for(stream_map: StreamMap) -> RecordMessage:
            # YCM decides what is in the column of unknown fields, and a stream map's author what is in any.
            plain = isinstance(stream_map, SameRecordTransform) and EXTRA not in self.schema["properties"]
            kind = PlainMessage if plain else RecordMessage
            return kind(stream_map.stream_alias, {}, self._stream_version, now)

        self._messages = [(stream_map, message_for(stream_map)) for stream_map in self.stream_maps]
        stream_map, message = self._messages[0]
        alone = len(self._messages) == 1 and isinstance(stream_map, SameRecordTransform)
        self._unmapped = (message,) if alone and not stream_map.flattening_enabled else ()

    @property
    def _plain_logger(self) -> logging.Logger:
        """The logger under the one of the SDK, which from 0.55 on puts its own extra fields in place of any other."""
        return logging.getLogger(f"{self.tap_name}.{self.name}")
