"""One read: the tap as ever, its records held back, its verdicts passed on as Airbyte's stream statuses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tap_ycm.airbyte import protocol
from tap_ycm.airbyte.catalogs import TABLES, is_history
from tap_ycm.airbyte.spool import Spool
from tap_ycm.cli import explained
from tap_ycm.errors import Action, ApiError, FailuresError, TapError
from tap_ycm.kinds import Kind
from tap_ycm.singer.names import did_you_mean
from tap_ycm.stopping import StoppedError
from tap_ycm.streams import SYNCS
from tap_ycm.tap import TapYCM

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_ycm.airbyte.catalogs import Wanted
    from tap_ycm.airbyte.output import Output
    from tap_ycm.airbyte.states import Memories
    from tap_ycm.sync.verdict import Verdict

__all__ = ["Source", "SourceTap"]


class SourceTap(TapYCM):
    """The tap, with somebody who hears its verdicts."""

    def __init__(self, *, hear: Callable[[Verdict, BaseException | None], None] | None = None, **options: Any) -> None:
        """Create it.

        Args:
            hear: Is told each verdict, and what ended the sync before its time.
            options: As for the tap.
        """
        self._hear = hear
        super().__init__(**options)

    @override
    def _setup_signal_handlers(self) -> None:
        """Leave signals alone until there is something to end in order: the SDK's handler logs, in midst of a line.

        Private in the SDK; pinned by tests/singer/test_sdk_pins.py.
        """

    @override
    def concluded(self, verdict: Verdict, error: BaseException | None) -> None:
        if self._hear:
            self._hear(verdict, error)

    @override
    def check_connection(self) -> None:
        """Ask for one row of a list after the other, until there is an answer: the sync says what the others give."""
        self.stop.listen()
        failures: list[ApiError] = []
        for stream in self._ycm_streams():
            if stream.parent:
                continue
            try:
                self.logger.info(stream.try_out())
            except ApiError as error:
                if error.everywhere:
                    raise
                failures.append(error)
            else:
                return
        raise failures[0]


class Source:
    """Reads the streams that Airbyte wants."""

    def __init__(self, output: Output, wanted: Wanted, memories: Memories) -> None:
        """Prepare; nothing is asked yet.

        Args:
            output: Where the messages go.
            wanted: The streams.
            memories: What is remembered of them.
        """
        self._output = output
        self._wanted = wanted
        self._memories = memories
        self._tap: TapYCM | None = None
        self._begun: set[str] = set()
        self._ended: set[str] = set()
        self._failed: set[str] = set()
        self._told: set[str] = set()
        self._errors: list[protocol.Message] = []

    def read(self, settings: Mapping[str, Any], spool_folder: str | None) -> int:
        """Read them, and return the exit status.

        Args:
            settings: Those of the tap.
            spool_folder: Where records wait; None for the temporary folder of the system.

        Raises:
            TapError: The settings are wrong; or nobody reads the output any more.
        """
        spool = Spool(spool_folder, self._output, self._begin)
        self._tap = tap = SourceTap(
            hear=lambda verdict, error: self._conclude(spool, verdict, error),
            config=dict(settings),
            catalog=self._wanted.catalog,
            state=self._memories.for_tap(),
            message_writer=spool,
        )
        for name in self._wanted.foreign:
            self._give_up(name, f"the catalog selects {name}, which is no stream: {did_you_mean(name, TABLES)}")
        if SYNCS.name not in self._wanted.streams:
            tap.logger.warning(
                "the stream %s is not selected, so nothing is remembered of the lists from one sync to the next: one "
                "that has lost suspiciously many records cannot be told from others",
                SYNCS.name,
            )
        status = 0
        try:
            tap.run()
        except (Exception, StoppedError) as error:  # noqa: BLE001 - the last stop, as on the tap's own command line
            sentences, status = explained(error)
            for sentence in sentences:
                self._tell(sentence, _failure_type(error))
        if spool.stream == SYNCS.name:
            self._complete(spool, SYNCS.name, self._memories.of_lists())
        spool.discard()
        for name in self._wanted.streams:
            if name not in self._ended:
                self._give_up(name)
        for message in self._errors:  # last of all: PyAirbyte, for one, may stop listening at the first
            self._output.write(message)
        return status or (1 if self._errors else 0)

    def _begin(self, stream: str) -> None:
        self._begun.add(stream)
        self._output.write(protocol.stream_status(stream, "STARTED"))

    def _conclude(self, spool: Spool, verdict: Verdict, error: BaseException | None) -> None:
        """Hand out the records of a stream that is complete; forget those of any other."""
        name, failure = verdict.stream, self._failure(verdict)
        failure_type = _failure_type(error)
        if error is None:
            # Too few records may be more the next time; a brake, and look-ups without an answer, are for a person.
            failure_type = protocol.TRANSIENT_ERROR if verdict.status == "incomplete" else protocol.CONFIG_ERROR
        mark = None
        if self._tap and (verdict.status == "complete" or not failure):  # the brake, too, remembers what it held
            mark = self._memories.adopt(name, self._tap.state["bookmarks"][name])
        if name not in self._wanted.streams:  # read for what belongs to it
            if failure:
                self._tell(failure, failure_type)
        elif failure:
            spool.discard()
            self._give_up(name, failure, failure_type)
        elif mark:
            self._complete(spool, name, mark)

    def _failure(self, verdict: Verdict) -> str | None:
        """Return why the records of a stream must not be handed out, or None."""
        name, failure, kind = verdict.stream, verdict.failure, TABLES[verdict.stream]
        if verdict.status in {"not permitted", "not read"}:
            failure = f"{name}: {verdict.reason}"
        elif not failure and isinstance(kind, Kind) and kind.parent in self._failed and not is_history(kind):
            failure = f"{name}: the old table stays, for so does that of {kind.parent}, to which it belongs"
        if failure:
            self._failed.add(name)
        return failure

    def _complete(self, spool: Spool, stream: str, state: Mapping[str, Any]) -> None:
        self._output.write(protocol.stream_status(stream, "RUNNING"))
        records = spool.hand_out()
        self._output.write(protocol.state(stream, state, records))
        self._end(stream, "COMPLETE")

    def _give_up(self, stream: str, sentence: str | None = None, failure_type: str = protocol.CONFIG_ERROR) -> None:
        if stream not in self._begun:
            self._begin(stream)
        self._end(stream, "INCOMPLETE")
        if sentence:
            self._tell(sentence, failure_type, stream)

    def _end(self, stream: str, status: str) -> None:
        self._ended.add(stream)
        self._output.write(protocol.stream_status(stream, status))

    def _tell(self, sentence: str, failure_type: str, stream: str | None = None) -> None:
        """Remember an error for the end, once."""
        if stream or sentence not in self._told:
            self._told.add(sentence)
            self._errors.append(protocol.error(sentence, failure_type, stream))


def _failure_type(error: BaseException | None) -> str:
    """Tell what kind of a failure an error is."""
    match error:
        case FailuresError() | StoppedError():
            return protocol.TRANSIENT_ERROR
        case ApiError(action=Action.RETRY | Action.WAIT):
            return protocol.TRANSIENT_ERROR
        case TapError():
            return protocol.CONFIG_ERROR
    return protocol.SYSTEM_ERROR
