"""A stream of the SDK around one list of YCM: the sync and its state, and what is said about them."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import RemoveRecordTransform

from tap_ycm.errors import NOT_PERMITTED, ApiError, TapError
from tap_ycm.kinds import Children, Kind, Terms
from tap_ycm.reading.parents import Parents
from tap_ycm.records.reader import RowReader
from tap_ycm.settings import clean
from tap_ycm.singer.table import TableStream
from tap_ycm.stopping import StoppedError
from tap_ycm.sync.progress import Progress
from tap_ycm.sync.verdict import Verdict

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.mapper import StreamMap

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


class YCMStream(TableStream):
    """One list of YCM, read completely.

    Attributes:
        kind: The list.
        parent: The stream whose keys its path needs, or None.
        outcome: What its sync does; None before it is prepared.
    """

    def __init__(self, tap: Tap, kind: Kind, shared: Callable[[], Shared], parent: YCMStream | None) -> None:
        """Declare the stream; nothing is asked yet.

        Args:
            tap: What the SDK wants; only the SDK's own code uses it.
            kind: The list.
            shared: Returns what the streams of a run share.
            parent: The stream whose keys its path needs, or None.
        """
        super().__init__(tap, kind, keeps_unknown=clean(tap.config).get("unknown_fields") == "keep")
        self.kind = kind
        self.parent = parent
        self._shared = shared
        self._reading: Generator[list[Row]] | None = None
        self._reader: RowReader | None = None
        self._began = datetime.now(UTC)
        self.outcome: Sync | None = None

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
        self._began = datetime.now(UTC)
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

    def conclude(self, error: BaseException | None = None) -> Verdict:
        """Log and return what this sync did; arguments as for :meth:`verdict`."""
        verdict = self.verdict(error)
        self.log_verdict(verdict)
        if warning := self._shared().client.traffic.warning:
            self._plain_logger.warning(warning)
        return verdict

    def log_verdict(self, verdict: Verdict) -> None:
        """Log a verdict on this stream: a sentence for people, and its facts for programs."""
        level = logging.INFO if verdict.status == "complete" else logging.WARNING
        self._plain_logger.log(level, verdict.sentence(), extra={"verdict": verdict.facts()})

    def verdict(self, error: BaseException | None = None) -> Verdict:
        """Return what this sync did.

        Args:
            error: Why it ended before its time; None if it did not.
        """
        outcome, traffic, reader = self.outcome, self._shared().client.traffic, self._reader
        flaw = outcome.flaw if outcome else None
        if error is None:
            status, reason, failure = "incomplete" if flaw else "complete", flaw, self.failure
        elif self.is_left_out(error):
            status, reason, failure = "not permitted", f"not permitted, so it is left out ({error})", None
        else:
            reason = "the sync failed" if isinstance(error, Exception) else str(error)
            status, failure = "failed", str(error) if isinstance(error, TapError | StoppedError) else reason
        verdict = Verdict(
            stream=self.name,
            began=self._began,
            ended=datetime.now(UTC),
            status=status,
            reason=reason,
            failure=failure,
            requests=traffic.requests,
            retries=traffic.retries,
            seconds_waited=round(traffic.waited, 1),
            seconds_paced=round(traffic.paced, 1),
            unknown_fields=reader.unknown if reader else {},
            misfits=reader.misfits if reader else {},
        )
        if outcome is None or outcome.scan is None:
            return verdict
        scan, decision = outcome.scan, outcome.decision
        if decision:
            verdict = replace(verdict, deletes=decision.word, deletes_reason=decision.reason)
        return replace(
            verdict,
            rows=outcome.read,
            new=outcome.new,
            deleted=outcome.deleted,
            deleted_confirmed=outcome.confirmed,
            recovered=outcome.recovered,
            missing=outcome.missing,
            first_total=scan.first_total,
            last_total=scan.last_total,
            resumed=scan.resumed,
            evidence=scan.evidence,
            pages=scan.pages,
        )


def _short_hash(what: object, digits: int) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:digits]
