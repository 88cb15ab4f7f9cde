"""The lists of YCM as streams. A new one is a schema file and a dozen lines at the end of this module."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform
from singer_sdk.schema.source import SchemaDirectory
from singer_sdk.singerlib import Metadata, RecordMessage, Schema
from singer_sdk.streams import Stream

from tap_ycm.errors import TapError
from tap_ycm.http.answers import Listing
from tap_ycm.reading.scan import EndlessListError, Scan
from tap_ycm.rows import EXTRA, RowReader
from tap_ycm.settings import clean
from tap_ycm.sync.deletes import Decision, brake_holds, decide
from tap_ycm.sync.memory import DamagedStateError, Interrupted, Memory
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
    """

    path: ClassVar[str]
    key: ClassVar[str]

    # RowReader gives every record the schema's types already.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    # A STATE message every 20 full pages: what is read again after a crash is at most so much.
    STATE_MSG_FREQUENCY = 1000

    def __init__(self, tap: TapYCM) -> None:
        """Declare the stream; nothing is asked yet."""
        schema = copy.deepcopy(SchemaDirectory(_schema_directory()).get_schema(self.name))
        self.listing = Listing(self.path, self.key, tuple(schema["properties"]))
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
        self.scan: Scan | None = None
        self._reading: Generator[list[Row]] | None = None
        self.decision: Decision | None = None

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
            if entry.replication_key or (entry.replication_method or "FULL_TABLE") != "FULL_TABLE":
                # YCM has no "changed since", so there is nothing to replicate by.
                self.logger.warning("The catalog asks for another replication method, but %s is FULL_TABLE", self.name)
            entry.replication_key, entry.replication_method = None, "FULL_TABLE"
            entry.metadata.root.forced_replication_method = entry.metadata.root.replication_key = None
            entry.key_properties = [self.key]
            entry.stream = self.name
            if key := entry.metadata.get(("properties", self.key)):
                key.inclusion = Metadata.InclusionType.AUTOMATIC
            if EXTRA in self.schema["properties"] and entry.schema.properties is not None:
                entry.schema.properties.setdefault(EXTRA, Schema.from_dict(self.schema["properties"][EXTRA]))
        super().apply_catalog(catalog)

    @override
    def generate_child_contexts(self, record: Record, context: Context | None) -> Iterable[Context | None]:
        """Spare each record the copy that would be the context of children."""
        return super().generate_child_contexts(record, context) if self.child_streams else ()

    @override
    def _generate_record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        """Yield a record's messages as the SDK does, but for what RowReader did already: selection and types.

        Private in the SDK; pinned by tests/test_sdk_pins.py, and held against the original by tests/test_thin_path.py.
        """
        if self._selects_within_columns:
            yield from super()._generate_record_messages(record)
            return
        for stream_map, message in self._messages:
            mapped = stream_map.transform(record)
            if mapped is not None:
                message.record = mapped
                yield message

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        settings, client = self._ycm.settings, self._ycm.client
        now = time.time_ns() // 1_000_000
        memory, began = self._memory(), now // 1000
        resume = memory.scan if self._may_continue(memory.scan, began) else None
        # Milliseconds, as Singer tools count versions; always higher than the last, whatever the clock does.
        version: int | None = max(now, memory.last_version + 1) if self._versioned else None
        if resume:
            began, version = resume.began, resume.version
            self.logger.info("%s: continuing the scan that was interrupted at page %d", self.name, resume.bookmark.page)
        self._stamp_records(version)
        memory = replace(memory, last_version=version or memory.last_version, scan=None)
        fetch = partial(client.page, self.listing)
        ahead = partial(client.pages, self.listing) if self._parallel else None
        self.scan = scan = Scan(fetch, settings.page_size, resume.bookmark if resume else None, ahead)
        reader = RowReader(
            self.name,
            self.key,
            known=self.listing.columns,
            columns=self._wanted_columns(),
            unknown_fields=settings.unknown_fields,
            warn=self.logger.warning,
        )
        identity = self._identity
        progress = Progress(self.name, self.logger, already=scan.rows)
        try:
            self._reading = scan.read()
            for rows in self._reading:
                self._begin_messages()
                yield from reader.records(rows)
                self._ycm.flush()
                # Here every record handed out so far is written: only now may the state claim them.
                mark = scan.bookmark
                self._remember(replace(memory, scan=Interrupted(mark, version, began, identity) if mark else None))
                progress.at(scan.rows, scan.last_total)
        except EndlessListError as error:
            sentence = f"{self.name}: {error}: YCM seems to answer any page; tell Yeastar, and run the tap again later"
            raise TapError(sentence) from None
        finally:
            progress.end()
        self._conclude(memory, version)

    def give_up(self) -> None:
        """Begin no further request: nobody wants the records any more."""
        if self._reading:
            self._reading.close()

    def _conclude(self, memory: Memory, version: int | None) -> None:
        """Decide on deletes once the last record of a scan is written, and remember the outcome."""
        settings, scan = self._ycm.settings, self.scan
        self._ycm.stop.check()
        if scan is None:
            return
        self.decision = decide(
            wanted=version is not None,
            flaw=scan.flaw,
            partial=self._partial(),
            rows=scan.rows,
            rows_before=memory.complete_rows,
            max_percent=settings.max_delete_percent,
            max_count=settings.max_delete_count,
            confirmed=settings.confirm_deletes,
        )
        if self.decision.activate and version is not None:
            self._write_activate_version_message(version)  # private in the SDK; pinned by tests/test_sdk_pins.py
        # The number changes only where the brake, had it been asked, would not have held: or a run without deletes
        # would release it unseen.
        held = brake_holds(
            scan.rows,
            memory.complete_rows,
            settings.max_delete_percent,
            settings.max_delete_count,
            settings.confirm_deletes,
        )
        complete = scan.flaw is None and not held and self.ABORT_AT_RECORD_COUNT is None
        self._remember(replace(memory, complete_rows=scan.rows) if complete else memory)

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

    def _stamp_records(self, version: int | None) -> None:
        self._stream_version = version  # private in the SDK; pinned by tests/test_sdk_pins.py

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
    def _versioned(self) -> bool:
        return self._ycm.settings.emit_activate_version_messages

    @property
    def _parallel(self) -> bool:
        return self._ycm.settings.concurrency > 1

    @property
    def _identity(self) -> str:
        """What is read, and how it is written, as a short hash: a scan of anything else cannot be continued."""
        schemas = [[stream_map.stream_alias, stream_map.transformed_schema] for stream_map in self.stream_maps]
        what = [self.path, self._ycm.fingerprint, schemas, self._parallel]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]

    def _may_continue(self, scan: Interrupted | None, now: int) -> bool:
        return (
            scan is not None
            and 0 <= now - scan.began < self._ycm.settings.resume_max_age
            and (scan.version is not None) == self._versioned
            and scan.identity == self._identity
            and self.ABORT_AT_RECORD_COUNT is None
        )

    def _memory(self) -> Memory:
        try:
            return Memory.of(self.stream_state)
        except DamagedStateError:
            sentence = (
                f"the state of stream {self.name} is damaged: clear it (meltano state clear, or leave --state out) "
                "to read everything anew"
            )
            raise TapError(sentence) from None

    def _remember(self, memory: Memory) -> None:
        self.stream_state.update(memory.state())

    @override
    def log_sync_costs(self) -> None:
        """Say the verdict: the SDK calls this once for each stream, after everything is written."""
        self.say_verdict()

    def say_verdict(self, failure: str | None = None) -> None:
        """Log what this sync did, if it did anything.

        Args:
            failure: Why it ended before its time; None if it did not.
        """
        if (scan := self.scan) is None:
            return
        flaw = failure or scan.flaw
        undecided = Decision(activate=False, words="withheld: the scan is not complete" if self._versioned else "off")
        traffic = self._ycm.client.traffic
        verdict = Verdict(
            stream=self.name,
            rows=scan.rows,
            duplicates=scan.duplicates,
            pages=scan.pages,
            requests=traffic.requests,
            retries=traffic.retries,
            waited=round(traffic.waited, 1),
            first_total=scan.first_total,
            last_total=scan.last_total,
            resumed=scan.resumed,
            flaw=flaw,
            remark=scan.remark,
            deletes=(self.decision or undecided).words,
        )
        self.logger.info(verdict.sentence(), extra={"verdict": verdict.facts()})


class CustomersStream(YCMStream):
    """Customers of the account (vendor page ``query-all-the-customers``)."""

    name = "customers"
    path = "/v1/customers"
    key = "customerId"


STREAMS: tuple[type[YCMStream], ...] = (CustomersStream,)
"""Every stream of the tap."""
