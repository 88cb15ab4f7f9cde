"""A stream of the SDK around one list of YCM: the catalog, the messages and the state are here, and nothing else."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform
from singer_sdk.schema.source import SchemaDirectory
from singer_sdk.singerlib import RecordMessage, Schema
from singer_sdk.streams import Stream

from tap_ycm.errors import NOT_PERMITTED, ApiError
from tap_ycm.kinds import Children, Kind, Terms
from tap_ycm.reading.parents import Parents
from tap_ycm.records.reader import EXTRA, RowReader
from tap_ycm.settings import clean
from tap_ycm.singer.catalog import mend
from tap_ycm.singer.writer import PlainMessage
from tap_ycm.sync.progress import Progress
from tap_ycm.sync.verdict import Verdict

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from importlib.resources.abc import Traversable

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.mapper import StreamMap
    from singer_sdk.singerlib import Catalog

    from tap_ycm.http.client import Client
    from tap_ycm.reading.pages import Row
    from tap_ycm.reading.parents import ParentsMark
    from tap_ycm.reading.reading import Reading
    from tap_ycm.reading.scan import Bookmark
    from tap_ycm.settings import Settings
    from tap_ycm.stopping import Stop
    from tap_ycm.sync.sync import Sync

__all__ = ["Shared", "YCMStream"]


@dataclass(frozen=True, slots=True)
class Shared:
    """What all streams of one run share.

    Attributes:
        settings: What the user wants.
        client: The one client, and with it the one token.
        stop: Whether a signal came.
        fingerprint: What decides on what is read and how it is written, as a hash.
        flush: Hands all records so far to the target.
        save: Writes the state of all streams.
    """

    settings: Settings
    client: Client
    stop: Stop
    fingerprint: str
    flush: Callable[[], None]
    save: Callable[[], None]


def _schema_directory() -> Traversable:
    """The wheel carries the schemas inside the package; a checkout has them beside it."""
    packaged = files("tap_ycm") / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "schemas"


class YCMStream(Stream):
    """One list of YCM, read completely.

    Attributes:
        kind: The list.
        outcome: What its sync does; None before it is prepared.
    """

    # RowReader gives every record the schema's types already.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    # The sync itself says when a STATE is due: by time, and before records that are new.
    STATE_MSG_FREQUENCY = sys.maxsize

    def __init__(self, tap: Tap, kind: Kind, shared: Callable[[], Shared], parent: YCMStream | None) -> None:
        """Declare the stream; nothing is asked yet.

        Args:
            tap: What the SDK wants; only the SDK's own code uses it.
            kind: The list.
            shared: Returns what the streams of a run share.
            parent: The stream whose keys its path needs, or None.
        """
        schema = copy.deepcopy(SchemaDirectory(_schema_directory()).get_schema(kind.name))
        self.kind = kind
        self.columns = tuple(schema["properties"])
        self._rules = copy.deepcopy(schema)
        if clean(tap.config).get("unknown_fields") == "keep":
            schema["properties"][EXTRA] = {
                "type": ["object", "null"],
                "additionalProperties": True,
                "description": "Fields that YCM sent and this schema does not know.",
                "x-personal-data": True,
            }
        super().__init__(tap, schema=schema, name=kind.name)
        self.primary_keys = kind.keys
        self._shared = shared
        self.parent = parent
        self._messages: list[tuple[StreamMap, RecordMessage]] = []
        self._unmapped: tuple[RecordMessage, ...] = ()  # the usual case: one message, whose record stays as it is
        self._reading: Generator[list[Row]] | None = None
        self._reader: RowReader | None = None
        self.outcome: Sync | None = None

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
            for warning in mend(entry, self.name, self.kind.keys, self.schema["properties"]):
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
        """Return a record's messages as the SDK does, but for what RowReader did already: selection and types.

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

    def prepare(self) -> None:
        """Read the state, before anything is asked.

        Raises:
            TapError: The state is damaged, or of another account.
        """
        from tap_ycm.sync.sync import Sync, Traits  # noqa: PLC0415 - not all commands read

        shared, kind = self._shared(), self.kind
        self.outcome = Sync(
            stream=self.name,
            settings=shared.settings,
            state=self.stream_state,
            account=self._account,
            identity=self._identity,
            partial=self._partial(),
            test=self._is_test,
            traits=Traits(keys=kind.remembers_keys, history=kind.is_appended, whole=kind.look_up_is_whole),
            read=self._read,
            look_ups=kind.look_ups(shared.client),
            outlet=self,
            clock=time.time,
        )
        self._stream_version = self.outcome.version  # private in the SDK; pinned by tests/singer/test_sdk_pins.py

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        shared = self._shared()
        shared.client.begin_counting()
        if self.outcome is None or self._reading is not None:  # the SDK's own way, without TapYCM.run
            self.prepare()
        outcome = self.outcome
        if outcome is None:
            return
        self._reader = reader = RowReader(
            self.name,
            self._rules,
            keys=self.kind.keys,
            columns=self._wanted_columns(),
            unknown_fields=shared.settings.unknown_fields,
            warn=self.logger.warning,
        )
        progress = Progress(self.name, self._plain_logger)
        self._reading = outcome.rows()
        try:
            for rows in self._reading:
                if self.selected:
                    self._begin_messages()
                yield from reader.records(rows)
                shared.flush()
                if outcome.scan:
                    progress.at(*outcome.scan.progress)
        finally:
            progress.end()

    def _read(
        self, unread: Callable[[list[int]], list[int]], resume: Bookmark | ParentsMark | None, began: int
    ) -> Reading:
        """Begin a reading of the list."""
        settings, client = self._shared().settings, self._shared().client
        parent = self.parent
        asks = bool(parent and parent.kind.look_up and settings.confirm_by_lookup)
        terms = Terms(
            size=settings.page_size,
            in_flight=settings.concurrency,
            began=began,
            unread=unread,
            parents=self._parents(),
            exists=(lambda key: parent.kind.exists(client, key)) if parent and asks else None,
            resume=resume,
        )
        reading = self.kind.reading(client, terms)
        if isinstance(self.kind, Children) and terms.parents:
            done, of = reading.progress
            self.say(f"{self.name}: {self._forecast((of or 0) - done, terms.parents.stream)}")
        return reading

    def _parents(self) -> Parents | None:
        if self.parent is None:
            return None
        if self._is_test or self.parent.outcome is None:
            _, key = self.parent.kind.try_out(self._shared().client, None)
            return Parents(self.parent.name, () if key is None else (key,))
        return self.parent.outcome.parents

    def try_out(self) -> str:
        """Ask for as little as possible, and return what came of it in a sentence.

        Raises:
            ApiError: The list cannot be read.
        """
        client = self._shared().client
        key = self.parent.kind.try_out(client, None)[1] if self.parent else None
        if self.parent and key is None:
            return f"{self.name}: cannot be tried, for there are no {self.parent.name}"
        count, _ = self.kind.try_out(client, key)
        told = "reachable" if count is None else f"reachable, {count} to be read"
        return f"Connection works: {self.name}: {told}"

    def _forecast(self, requests: int, parents: str) -> str:
        pace = self._shared().settings.max_requests_per_minute
        time_needed = f", about {requests / pace:.0f} min at max_requests_per_minute" if pace else ""
        return f"one request for each of {requests} {parents}{time_needed}"

    @property
    def _is_test(self) -> bool:
        return self.ABORT_AT_RECORD_COUNT is not None

    @property
    def failure(self) -> str | None:
        """Why the run must not end as a success, in one sentence; None if it may."""
        return self.outcome.failure if self.outcome else None

    def is_left_out(self, error: BaseException) -> bool:
        """Tell whether the account may not see the list, and never could."""
        refused = isinstance(error, ApiError) and error.code in NOT_PERMITTED
        return refused and self.outcome is not None and not self.outcome.was_read and not self.outcome.begun

    def say_unread(self, why: str) -> None:
        """Warn that the stream is not read in this run."""
        facts = {"stream": self.name, "complete": False, "flaw": why}
        self._plain_logger.warning("%s: %s", self.name, why, extra={"verdict": facts})

    def give_up(self) -> None:
        """Begin no further request, and put into the state what was written: the sync failed."""
        if self._reading:
            self._reading.close()
        if self.outcome and self.outcome.begun:
            self.stream_state.update(self.outcome.state())

    # What the sync leaves besides rows (tap_ycm.sync.sync.Outlet)

    def save(self, state: dict[str, Any]) -> None:
        """Write a STATE message: every record before it is written, and no later one."""
        self.stream_state.update(state)
        self._shared().save()

    def activate(self, version: int) -> None:
        """Let the target delete every row of an older version."""
        if not self.selected:  # read for its children
            return
        self._shared().stop.check()
        self._write_activate_version_message(version)  # private in the SDK; pinned by tests/singer/test_sdk_pins.py

    def say(self, sentence: str) -> None:
        """Log something harmless."""
        self.logger.info(sentence)

    def _wanted_columns(self) -> list[str]:
        """Return the columns that the catalog selects; an older one, cached by Meltano say, may lack some."""
        known = self.effective_schema["properties"]
        if lacking := [name for name in self.columns if name not in known]:
            self.logger.warning("%s: the catalog lacks %s; make a new one to load it", self.name, ", ".join(lacking))
        return [name for name in (*self.columns, EXTRA) if name in known and self.mask["properties", name]]

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
        if self._is_test:
            return "this is a test run"
        maps: Mapping[str, Any] = self.config.get("stream_maps") or {}
        # Names may hold wildcards, and a source may be this stream: better no delete than a wrong one.
        if any(isinstance(rules, dict) and rules.get("__filter__") for rules in maps.values()):
            return "a stream map filters the records"
        if any(
            isinstance(stream_map, RemoveRecordTransform) or not stream_map.transformed_schema.get("properties")
            for stream_map in self._maps
        ):
            return "a stream map removes the records"
        return None

    @property
    def _maps(self) -> Sequence[StreamMap]:
        """The stream maps; none where the stream is only read for what belongs to it: the SDK may know none then."""
        return self.stream_maps if self.selected else ()

    @property
    def _account(self) -> str:
        """Which account of which YCM is read, as a short hash; an access token changes, and is left out."""
        settings = self._shared().settings
        return _short_hash([settings.base_url, settings.client_id], 8)

    @property
    def _identity(self) -> str:
        """What is read, and how it is written, as a short hash: a scan of anything else cannot be continued."""
        schemas = [[stream_map.stream_alias, stream_map.transformed_schema] for stream_map in self._maps]
        return _short_hash([self.kind.path, self._shared().fingerprint, schemas], 16)

    def say_verdict(self, failure: str | None = None) -> None:
        """Log what this sync did, if it did anything.

        Args:
            failure: Why it ended before its time; None if it did not.
        """
        outcome = self.outcome
        if outcome is None or outcome.scan is None:
            return
        scan, traffic = outcome.scan, self._shared().client.traffic
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
            evidence=scan.evidence,
            misfits=self._reader.misfits if self._reader else 0,
            deletes=outcome.decision.words if outcome.decision else "withheld: the scan is not complete",
        )
        level = logging.INFO if flaw is None else logging.WARNING
        self._plain_logger.log(level, verdict.sentence(), extra={"verdict": verdict.facts()})
        if traffic.warning:
            self._plain_logger.warning(traffic.warning)

    @property
    def _plain_logger(self) -> logging.Logger:
        """The logger under the one of the SDK, which from 0.55 on puts its own extra fields in place of any other."""
        return logging.getLogger(f"{self.tap_name}.{self.name}")


def _short_hash(what: object, digits: int) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:digits]
