"""The lists of YCM as streams. A new one is a schema file and a dozen lines at the end of this module."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import sys
import time
from datetime import UTC, datetime
from functools import cached_property, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform
from singer_sdk.schema.source import SchemaDirectory
from singer_sdk.singerlib import RecordMessage, Schema
from singer_sdk.streams import Stream

from tap_ycm.http.answers import Listing
from tap_ycm.rows import EXTRA, RowReader
from tap_ycm.settings import clean
from tap_ycm.singer.catalog import mend
from tap_ycm.sync.progress import Progress
from tap_ycm.sync.verdict import Verdict
from tap_ycm.writer import PlainMessage

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping
    from importlib.resources.abc import Traversable

    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.mapper import StreamMap
    from singer_sdk.singerlib import Catalog

    from tap_ycm.reading.pages import Row
    from tap_ycm.sync.sync import Sync
    from tap_ycm.tap import TapYCM

__all__ = ["STREAMS", "CustomersStream", "YCMStream"]


def _schema_directory() -> Traversable:
    """The wheel carries the schemas inside the package; a checkout has them beside it."""
    packaged = files("tap_ycm") / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[1] / "schemas"


class YCMStream(Stream):
    """A paged list of YCM, read completely; what its subclasses declare is all that differs.

    Attributes:
        path: The list's path after ``/dm/open_api``.
        key: The one field that identifies and sorts the rows.
        look_up: The path of a single object, ``{key}`` in place of its key.
    """

    path: ClassVar[str]
    key: ClassVar[str]
    look_up: ClassVar[str]

    # RowReader gives every record the schema's types already.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    # The sync itself says when a STATE is due: by time, and before records that are new.
    STATE_MSG_FREQUENCY = sys.maxsize

    def __init__(self, tap: TapYCM) -> None:
        """Declare the stream; nothing is asked yet."""
        schema = copy.deepcopy(SchemaDirectory(_schema_directory()).get_schema(self.name))
        self.listing = Listing(self.path, self.key, tuple(schema["properties"]), self.look_up)
        if clean(tap.config).get("unknown_fields") == "keep":
            schema["properties"][EXTRA] = {
                "type": ["object", "null"],
                "additionalProperties": True,
                "description": "Fields that YCM sent and this schema does not know.",
                "x-personal-data": True,
            }
        super().__init__(tap, schema=schema)
        self.primary_keys = (self.key,)
        self._ycm = tap
        self._messages: list[tuple[StreamMap, RecordMessage]] = []
        self._unmapped: tuple[RecordMessage, ...] = ()  # the usual case: one message, whose record stays as it is
        self.outcome: Sync | None = None
        self._reading: Generator[list[Row]] | None = None

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **options: Any) -> None:
        """Log, but not the SDK's "unhandled error": the tap's own sentence follows, and says more."""
        if not message.startswith("An unhandled error"):
            super().log(message, *args, level=level, **options)

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """Keep the SDK from sending ACTIVATE_VERSION before the first record; this class sends it after the last."""
        return False

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take a catalog, but for what cannot be: it may be older than the settings, or edited by hand."""
        if entry := catalog.get_stream(self.name):
            for warning in mend(entry, self.name, self.key, self.schema["properties"]):
                self.logger.warning(warning)
            if EXTRA in self.schema["properties"] and entry.schema.properties is not None:
                entry.schema.properties.setdefault(EXTRA, Schema.from_dict(self.schema["properties"][EXTRA]))
        super().apply_catalog(catalog)

    @override
    def generate_child_contexts(self, record: Record, context: Context | None) -> Iterable[Context | None]:
        """Spare each record the copy that would be the context of children."""
        return super().generate_child_contexts(record, context) if self.child_streams else ()

    @override
    def _generate_record_messages(self, record: Record) -> Any:  # only iterated over; a generator takes long
        """Return a record's messages as the SDK does, but for what RowReader did already: selection and types.

        Private in the SDK; pinned by tests/test_sdk_pins.py, and held against the original by tests/test_thin_path.py.
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

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        from tap_ycm.reading.scan import Scan  # noqa: PLC0415 - not all commands read
        from tap_ycm.sync.sync import Sync  # noqa: PLC0415 - as above

        settings, client = self._ycm.settings, self._ycm.client
        self.outcome = outcome = Sync(
            stream=self.name,
            settings=settings,
            state=self.stream_state,
            account=self._account,
            identity=self._identity,
            partial=self._partial(),
            test=self.ABORT_AT_RECORD_COUNT is not None,
            scan=lambda unread, resume: Scan(
                partial(client.page, self.listing),
                partial(client.pages, self.listing),
                size=settings.page_size,
                lanes=settings.concurrency,
                unread=unread,
                resume=resume,
            ),
            look_ups=partial(client.look_ups, self.listing) if self.listing.look_up else None,
            outlet=self,
            clock=time.time,
        )
        self._stream_version = outcome.version  # private in the SDK; pinned by tests/test_sdk_pins.py
        reader = RowReader(
            self.name,
            self.key,
            known=self.listing.columns,
            columns=self._wanted_columns(),
            unknown_fields=settings.unknown_fields,
            warn=self.logger.warning,
        )
        progress = Progress(self.name, self._plain_logger)
        self._reading = outcome.rows()
        try:
            for rows in self._reading:
                self._begin_messages()
                yield from reader.records(rows)
                self._ycm.flush()
                if outcome.scan:
                    progress.at(outcome.scan.rows, outcome.scan.last_total)
        finally:
            progress.end()

    @property
    def failure(self) -> str | None:
        """Why the run must not end as a success, in one sentence; None if it may."""
        return self.outcome.failure if self.outcome else None

    def give_up(self) -> None:
        """Begin no further request, and put into the state what was written: the run failed."""
        if self._reading:
            self._reading.close()
        if self.outcome and self.outcome.begun:
            self.stream_state.update(self.outcome.state())

    # What the sync leaves besides rows (tap_ycm.sync.sync.Outlet)

    def save(self, state: dict[str, Any]) -> None:
        """Write a STATE message: every record before it is written, and no later one."""
        self.stream_state.update(state)
        self._ycm.state_writer.write_state(self._ycm.state)

    def activate(self, version: int) -> None:
        """Let the target delete every row of an older version."""
        self._ycm.stop.check()
        self._write_activate_version_message(version)  # private in the SDK; pinned by tests/test_sdk_pins.py

    def say(self, sentence: str) -> None:
        """Log something harmless."""
        self.logger.info(sentence)

    def _wanted_columns(self) -> list[str]:
        """Return the columns that the catalog selects; an older one, cached by Meltano say, may lack some."""
        known = self.effective_schema["properties"]
        if lacking := [name for name in self.listing.columns if name not in known]:
            self.logger.warning("%s: the catalog lacks %s; make a new one to load it", self.name, ", ".join(lacking))
        return [name for name in (*self.listing.columns, EXTRA) if name in known and self.mask["properties", name]]

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

    def _partial(self) -> str | None:
        """Return why the target does not get every record of a scan."""
        if self.ABORT_AT_RECORD_COUNT is not None:
            return "this is a test run"
        maps: Mapping[str, Any] = self.config.get("stream_maps") or {}
        # Names may hold wildcards, and a source may be this stream: better no delete than a wrong one.
        if any(isinstance(rules, dict) and rules.get("__filter__") for rules in maps.values()):
            return "a stream map filters the records"
        if any(
            isinstance(stream_map, RemoveRecordTransform) or not stream_map.transformed_schema.get("properties")
            for stream_map in self.stream_maps
        ):
            return "a stream map removes the records"
        return None

    @property
    def _account(self) -> str:
        """Which account of which YCM is read, as a short hash; an access token changes, and is left out."""
        settings = self._ycm.settings
        return _short_hash([settings.base_url, settings.client_id], 8)

    @property
    def _identity(self) -> str:
        """What is read, and how it is written, as a short hash: a scan of anything else cannot be continued."""
        schemas = [[stream_map.stream_alias, stream_map.transformed_schema] for stream_map in self.stream_maps]
        return _short_hash([self.listing.path, self._ycm.fingerprint, schemas], 16)

    @override
    def log_sync_costs(self) -> None:
        """Say the verdict: the SDK calls this once for each stream, after everything is written."""
        self.say_verdict()

    def say_verdict(self, failure: str | None = None) -> None:
        """Log what this sync did, if it did anything.

        Args:
            failure: Why it ended before its time; None if it did not.
        """
        outcome = self.outcome
        if outcome is None or outcome.scan is None:
            return
        scan, traffic = outcome.scan, self._ycm.client.traffic
        flaw = failure or outcome.flaw
        verdict = Verdict(
            stream=self.name,
            rows=outcome.read,
            new=outcome.new,
            deleted=outcome.deleted,
            confirmed=outcome.witnessed,
            recovered=outcome.recovered,
            missing=outcome.missing,
            pages=scan.pages,
            requests=traffic.requests,
            retries=traffic.retries,
            waited=round(traffic.waited, 1),
            first_total=scan.first_total,
            last_total=scan.last_total,
            resumed=scan.resumed,
            flaw=flaw,
            deletes=outcome.decision.words if outcome.decision else "withheld: the scan is not complete",
        )
        level = logging.INFO if flaw is None else logging.WARNING
        self._plain_logger.log(level, verdict.sentence(), extra={"verdict": verdict.facts()})
        if traffic.warning:
            self._plain_logger.warning(traffic.warning)

    @property
    def _plain_logger(self) -> logging.Logger:
        """The logger under the one of the SDK, which from 0.55 on puts its own extra fields in place of any other."""
        return logging.getLogger(f"{self._ycm.name}.{self.name}")


def _short_hash(what: object, digits: int) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:digits]


class CustomersStream(YCMStream):
    """Customers of the account (vendor page ``query-all-the-customers``)."""

    name = "customers"
    path = "/v1/customers"
    key = "customerId"
    look_up = "/v1/customers/{key}"


STREAMS: tuple[type[YCMStream], ...] = (CustomersStream,)
"""Every stream of the tap."""
