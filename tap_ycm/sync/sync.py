"""One sync of one stream: reads the list, remembers keys, looks up the absent, decides on deletes.

Pure: the reading, the look-ups and what saves a state go in; rows to be written come out. Between two of them a state
may be saved, so whoever takes the rows must have written those handed out before it asks for more.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from tap_ycm.errors import ApiError, TapError
from tap_ycm.reading.lane import BELOW_ALL
from tap_ycm.reading.parents import Parents
from tap_ycm.reading.scan import Bookmark
from tap_ycm.sync.deletes import Brake, Decision, Evidence, brake, brake_on_counts, confirmation, decide
from tap_ycm.sync.keys import MOST_REMEMBERED, DamagedKeysError, KnownKeys, packed, unpacked
from tap_ycm.sync.memory import DamagedStateError, Interrupted, Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager

    from tap_ycm.reading.pages import Row
    from tap_ycm.reading.parents import ParentsMark
    from tap_ycm.reading.reading import Flights, Handout, Reading
    from tap_ycm.settings import Settings

__all__ = ["Outlet", "Sync", "Traits"]

SAVE_EVERY = 15.0
"""Seconds between two states, besides those that must be written."""
_HELD_SHARE, _HELD_MOST = 16, 5000
"""Rows with new keys are held until they are a sixteenth of all new ones, or so many: one state announces them all."""
_CONTROLS = 10
_MOST_LANES = 48


@dataclass(frozen=True, slots=True)
class Traits:
    """What the kind of a stream decides about its syncs.

    Attributes:
        keys: Whether the state remembers the keys of the rows: each is one 64-bit integer.
        history: Whether rows are only ever added, and nothing is deleted.
        whole: Whether what a look-up answers has every column, so that it can be handed out.
    """

    keys: bool = True
    history: bool = False
    whole: bool = True


class Outlet(Protocol):
    """Where a sync leaves what is not a row."""

    def save(self, state: dict[str, Any]) -> None:
        """Write a state: everything handed out before it was written."""

    def activate(self, version: int) -> None:
        """Tell the target to delete every row of an older version."""

    def say(self, sentence: str) -> None:
        """Tell a person something harmless."""


class Sync:
    """One sync of one stream.

    Attributes:
        version: What the records carry, in milliseconds since the epoch; None if deletes are off.
        begun: Whether anything was read: before, an earlier state stays as it is.
        scan: The reading; None before it began.
        was_read: Whether an earlier sync read, or began to read, the list.
        decision: What was decided on deletes; None before.
        failure: One sentence for each reason why the run must not end as a success, or None.
        deleted: How many known records YCM does not have any more; None if that was not looked into.
        confirmed: How many of these YCM, or a person, confirmed one by one; None as before.
        recovered: Records that the list hides, and that were looked up.
    """

    def __init__(  # noqa: PLR0913 - each is one independent fact, and all are named by the caller
        self,
        *,
        stream: str,
        settings: Settings,
        state: dict[str, Any],
        account: str,
        identity: str,
        partial: str | None,
        test: bool,
        traits: Traits,
        read: Callable[[Callable[[list[int]], list[int]], Bookmark | ParentsMark | None, int], Reading],
        look_ups: Callable[[], AbstractContextManager[Flights]] | None,
        outlet: Outlet,
        clock: Callable[[], float],
    ) -> None:
        """Prepare; nothing is asked yet.

        Args:
            stream: Name of the stream.
            settings: What the user wants.
            state: What an earlier sync saved.
            account: Which account of which YCM is read, as a short hash.
            identity: What is read and how it is written: a scan of anything else cannot be continued.
            partial: Why the target does not get every record, or None.
            test: Whether the sync ends before everything is read.
            traits: What the stream's kind decides.
            read: Begins a reading; gets what tells unread keys, where to continue, and when the sync began.
            look_ups: Asks for single objects; None if YCM has no such call.
            outlet: Gets states, and the word that lets the target delete.
            clock: Seconds since the epoch.

        Raises:
            TapError: The state is damaged, or of another account.
        """
        self._stream = stream
        self._settings = settings
        self._identity = identity
        self._partial = partial
        self._test = test
        self._traits = traits
        self._open = read
        self._look_ups = look_ups
        self._outlet = outlet
        self._clock = clock
        try:
            self._before = Memory.of(state)
            known, self._gone, self._braked = _unpacked(self._before)
        except (DamagedStateError, DamagedKeysError):
            sentence = (
                f"the state of stream {stream} is damaged: clear it (meltano state clear, or leave --state out) "
                "to read everything again"
            )
            raise TapError(sentence) from None
        self._check_account(account)
        self.was_read = self._before.account is not None
        self._keys = KnownKeys(known)
        now = round(clock() * 1000)
        wanted = settings.emit_activate_version_messages and not traits.history
        # Always higher than the last one, whatever the clock does.
        self.version = max(now, self._before.last_version + 1) if wanted else None
        if not traits.keys:
            self._before = replace(self._before, known=None)
        pieces = self._before.new or self._before.gone
        # Consolidated: what earlier syncs left in pieces is one text now.
        self._memory = replace(
            self._before,
            account=account,
            last_version=self.version or self._before.last_version,
            known=packed(known) if self._before.known is not None and pieces else self._before.known,
            gone=packed(self._gone),  # without those that were handed out since, and are among the known ones now
            new=(),
            scan=None,
            is_older=False,
        )
        self._began = now // 1000
        self._saved_at = 0.0
        self._mark: Bookmark | ParentsMark | None = None
        self._held: list[list[Row]] = []
        self._held_keys: list[int] = []
        self._turned_up = 0
        self.begun = False
        self.scan: Reading | None = None
        self.decision: Decision | None = None
        self.failure: str | None = None
        self._brake = Brake(holds=False, confirmed=frozenset(), remembered=frozenset())
        self._gone_now: set[int] = set()
        self._unanswered: str | None = None
        self._witnessed = False
        self.deleted: int | None = None
        self.confirmed: int | None = None
        self.recovered = 0
        self._unwritten = 0
        self._accounted = False

    @property
    def flaw(self) -> str | None:
        """Why the sync is not complete, or None."""
        if self.scan is None or self.scan.flaw:
            return self.scan.flaw if self.scan else "nothing was read"
        if self._turned_up:
            return f"{self._turned_up} records turned up that are older than the newest known: the list hid them before"
        if self.recovered:
            return f"the list hides {self.recovered} records that YCM still has"
        return None

    @property
    def read(self) -> int:
        """How many different records were handed out, those before an interruption included."""
        return (self.scan.rows if self.scan else 0) + self.recovered - self._unwritten - sum(map(len, self._held))

    @property
    def parents(self) -> Parents:
        """The objects that may exist, once everything was read, for the streams that belong to them."""
        # Those of the first part of an interrupted scan are known keys; of those deleted since, nothing is found.
        resumed = self.scan is None or self.scan.resumed
        keys = self._keys.all_but(set()) if resumed else self._keys.read()
        incomplete = f"{self._stream}, to which they belong, is not complete"
        unsure = f"it is not known of all {self._stream} that are absent whether they are deleted"
        return Parents(
            self._stream,
            keys,
            flaw=None if self.flaw is None or self._is_mended else incomplete,
            withheld=None if self._accounted else unsure,
        )

    @property
    def missing(self) -> int:
        """How many records are missing by YCM's own count, at least."""
        return max(self.scan.missing - self.recovered, 0) if self.scan else 0

    @property
    def new(self) -> int | None:
        """How many records were read that were not known; None where keys are not remembered."""
        return None if self._before.known is None else self._keys.new

    def state(self) -> dict[str, Any]:
        """Return the state as of the rows that were handed out and written."""
        mark = None
        if self._mark is not None and not (self.scan and self.scan.flaw):
            mark = Interrupted(self._mark, self._began, self._identity)
        memory = replace(self._memory, scan=mark)
        if self._gone_now and memory.known is not None:  # look-ups are under way: their answers are not lost
            memory = replace(memory, gone=packed(sorted({*self._gone, *self._gone_now})))
        return memory.state()

    def rows(self) -> Generator[list[Row]]:
        """Read everything; closing this begins no further request.

        Yields:
            Rows to be written before more are asked for.
        """
        resume = self._resume()
        self.scan = scan = self._open(self._keys.unread, resume, self._began)
        self._mark = resume
        self._saved_at = self._clock()
        for handout in scan.read():
            self.begun |= bool(handout.rows)
            yield from self._deliver(handout)
            if not self._held:
                self._mark = scan.bookmark
            if self._clock() - self._saved_at >= SAVE_EVERY:
                self._save()
        yield from self._release()
        if not self._test:
            yield from self._confirm(scan)
            self._conclude(scan)

    def _resume(self) -> Bookmark | ParentsMark | None:
        """Return where to continue, if that is sound."""
        before = self._before.scan
        if before is None or self._test or before.identity != self._identity:
            return None
        mark = before.bookmark
        if isinstance(mark, Bookmark) and len(mark.lanes) > _MOST_LANES:  # each continuation may add one
            return None
        if not 0 <= self._began - before.began < self._settings.resume_max_age:
            return None
        self._began = before.began
        self._outlet.say(f"{self._stream}: continuing the scan that was interrupted after {mark.rows} records")
        return mark

    def _check_account(self, account: str) -> None:
        before = self._before.account
        if before is None or before == account:
            return
        word = f"{before}-{account}"
        if (self._settings.confirm_account or "").strip() != word:
            sentence = (
                f"{self._stream}: the state belongs to another account or another YCM, so nothing was read; if it is "
                f"the same account under a new address or client ID, run once with TAP_YCM_CONFIRM_ACCOUNT={word} "
                f"(setting confirm_account: {word}); if not, give this account a state and a schema of its own "
                "(--state-id-suffix, load_schema)"
            )
            raise TapError(sentence)

    def _deliver(self, handout: Handout) -> Iterator[list[Row]]:
        """Hand rows out, those with new keys only after a state that knows their keys."""
        self._void(handout.keys)
        new = self._keys.meet(handout.keys)
        highest = self._before.highest
        if self._before.baseline and self._before.known is not None and highest is not None:
            self._turned_up += sum(key <= highest for key in new)
        if not new or self._memory.known is None or self._test:
            yield handout.rows
            return
        self._held.append(handout.rows)
        self._held_keys += new
        if len(self._keys) + self._keys.new > MOST_REMEMBERED:
            yield from self._release()
            self._memory = replace(self._memory, known=None, new=(), gone="", braked="")
            return
        if len(self._held_keys) >= min(self._keys.new // _HELD_SHARE, _HELD_MOST):
            yield from self._release()

    def _void(self, living: list[int]) -> None:
        """Forget the braked set once one of it is read: a person would confirm it, and it could be hidden by then."""
        if not self._braked.isdisjoint(living):
            self._braked = frozenset()
            self._memory = replace(self._memory, braked="")
            self._save()

    def _release(self) -> Iterator[list[Row]]:
        if not self._held:
            return
        self._memory = replace(self._memory, new=(*self._memory.new, packed(sorted(self._held_keys))))
        self._save()
        held, self._held, self._held_keys = self._held, [], []
        yield from held
        self._mark = self.scan.bookmark if self.scan else None

    def _save(self) -> None:
        self._saved_at = self._clock()
        self._outlet.save(self.state())

    def _confirm(self, scan: Reading) -> Iterator[list[Row]]:
        """Ask YCM for each record that is known and absent, and hand out those that it still has."""
        settings = self._settings
        if scan.resumed:
            return
        wanted = settings.emit_activate_version_messages and self._partial is None and not self._traits.history
        if self._before.known is None:
            self._brake = brake_on_counts(
                settings, stream=self._stream, wanted=wanted, rows=scan.rows, rows_before=self._before.rows
            )
            return
        absent, gone = frozenset(self._keys.absent()), frozenset(self._gone)
        asks = self._look_ups is not None and settings.confirm_by_lookup
        self._brake = brake(
            settings,
            stream=self._stream,
            wanted=wanted,
            unwitnessed_end=not asks and not self._keys.count,
            absent=absent,
            gone=gone,
            known=len(self._keys) + len(gone),
            braked=self._braked,
        )
        if self._brake.holds:
            return
        self._gone_now = set(self._brake.confirmed & absent)
        suspects = sorted(absent - self._brake.confirmed)
        if not self._look_ups or not settings.confirm_by_lookup:
            return
        if not wanted and len(suspects) > settings.max_lookups:  # nothing depends on it
            self._outlet.say(f"{self._stream}: {len(suspects)} known records are absent, too many to look up")
            return
        try:
            yield from self._look_up(self._look_ups, suspects)
            self._witnessed = True
        except ApiError as error:
            self._unanswered = str(error)

    def _look_up(
        self, look_ups: Callable[[], AbstractContextManager[Flights]], suspects: list[int]
    ) -> Iterator[list[Row]]:
        """Look the absent up.

        Raises:
            ApiError: YCM does not answer, or not credibly.
        """
        if not suspects:
            return
        not_found: set[int] = set()
        with look_ups() as flights:
            if self._keys.count and not self._is_credible(flights):
                sentence = "YCM does not find by themselves the very records that it lists, so its word means nothing"
                raise ApiError(sentence)
            # Where nothing is listed, no record is left to test the look-ups with.
            certain = bool(self._keys.count) or self._settings.max_delete_percent == 100
            for key in suspects:
                flights.begin(key, key)
            for _ in suspects:
                key, row = flights.next()
                if row is not None:
                    certain = True
                    self._void([key])
                    self.recovered += 1
                    self._keys.meet([key])
                    if self._traits.whole:
                        yield [row]
                    else:
                        self._unwritten += 1
                not_found.update([key] if row is None else ())
                if certain:
                    self._gone_now |= not_found
                if self._clock() - self._saved_at >= SAVE_EVERY:
                    self._save()
        if not certain:  # nothing is left at all: a right may have been lost
            everything = not_found.union(self._gone)
            words = f"{len(everything)} of {len(everything)}"
            word = confirmation(self._stream, everything)
            self._brake = Brake(
                holds=True, confirmed=frozenset(), remembered=frozenset(everything), words=words, word=word
            )

    def _is_credible(self, flights: Flights) -> bool:
        """Tell whether YCM finds a record that it has just listed: if not, "not found" means nothing."""
        read = self._keys.read()
        for key in read[:: max(len(read) // _CONTROLS, 1)][:_CONTROLS]:
            flights.begin(key, key)
            if flights.next()[1] is not None:  # one is enough: others may have been deleted since
                return True
        return False

    def _conclude(self, scan: Reading) -> None:
        """Decide, tell the target, and remember the outcome."""
        settings, flaw = self._settings, self.flaw
        evidence = Evidence(
            baseline=self._before.baseline,
            resumed=scan.resumed,
            history=self._traits.history,
            partial=self._partial,
            waiting=scan.withheld,
            flaw=flaw,
            mended=self._is_mended,
            witnessed=self._witnessed,
            unwritten=self._unwritten > 0,
            unanswered=self._unanswered,
            brake=self._brake,
        )
        asked = self._witnessed or not self._look_ups or not settings.confirm_by_lookup or not self._keys.absent()
        self._accounted = asked and evidence.accounts_for_all
        decision = decide(settings, evidence)
        if decision.activate and self.version is not None:
            self._outlet.activate(self.version)
        self.decision = decision
        if not scan.resumed and self._before.known is not None:
            absent, earlier = len(self._keys.absent()), len(set(self._gone).difference(self._keys.read()))
            self.deleted = absent + earlier if decision.activate else len(self._gone_now)
            self.confirmed = len(self._gone_now) + (earlier if decision.activate else 0)
        self.failure = self._failure(flaw)
        if not evidence.baseline and settings.emit_activate_version_messages and not self._traits.history:
            older = "an earlier version of the tap wrote the state; " if self._before.is_older else ""
            self._outlet.say(
                f"{self._stream}: {older}nothing is deleted before the sync that follows the first complete one, "
                "which notes what the target holds"
            )
        self._mark = None
        self._memory = self._outcome(scan, flaw, activated=decision.activate)
        self._gone_now = set()
        self._save()

    def _outcome(self, scan: Reading, flaw: str | None, *, activated: bool) -> Memory:
        """Return what the next sync must know."""
        before, memory = self._before, self._memory
        if flaw is None or self._settings.on_incomplete == "warn":
            # What the target held before counts as long as it may hold it, or the brake would be released unseen.
            rows = scan.rows if activated else max(before.rows or 0, scan.rows)
            heights = (scan.newest, None if activated else before.highest)
            highest = max((key for key in heights if key is not None and key > BELOW_ALL), default=None)
            memory = replace(memory, baseline=True, highest=highest, rows=rows)
        if self._keys.count > MOST_REMEMBERED or not self._traits.keys:
            return replace(memory, known=None, new=(), gone="", braked="")
        if activated:
            keys, gone, braked = self._keys.read(), set[int](), frozenset[int]()
        elif memory.known is None:
            return memory
        else:
            keys, gone = self._keys.all_but(self._gone_now), {*self._gone, *self._gone_now}
            braked = self._brake.remembered if self._brake.holds else self._braked
        if len(keys) > MOST_REMEMBERED:
            return replace(memory, known=None, new=(), gone="", braked="")
        gone = gone.difference(keys)
        if len(keys) + len(gone) > MOST_REMEMBERED:  # YCM has said of each that it does not exist: the list will do
            gone = set()
        return replace(
            memory,
            known=memory.known if activated and self._keys.unchanged else packed(keys),
            new=(),
            gone=packed(sorted(gone)),
            braked=packed(sorted(braked)),
        )

    @property
    def _is_mended(self) -> bool:
        """Whether rows that the list hid are all that is wrong, and look-ups found them."""
        scan = self.scan
        return bool(scan and scan.only_missing and scan.missing <= self.recovered and not self._turned_up)

    def _failure(self, flaw: str | None) -> str | None:
        """Return why the run must end with a failure exit status, and what to do."""
        reasons: list[str] = []
        if flaw is not None and self._settings.on_incomplete == "fail":
            missing = f", records missing: {self.missing}" if self.missing else ""
            reasons.append(
                f"the sync is not complete{missing}: {flaw}; everything read was written. Run the tap again; if this "
                "stays, and you must live with it, set on_incomplete to warn"
            )
        if self._brake.holds and self._settings.emit_activate_version_messages:
            reasons.append(self._how_to_confirm())
        if self._unanswered is not None and self._settings.emit_activate_version_messages:
            reasons.append(
                f"absent records could not be looked up, so none was deleted: {self._unanswered}; if YCM refuses such "
                "requests for good, set confirm_by_lookup to false"
            )
        return f"{self._stream}: {'; '.join(reasons)}" if reasons else None

    def _how_to_confirm(self) -> str:
        word = self._brake.word
        return (
            f"deletes are withheld by the brake, for {self._brake.words} known records are absent (settings "
            f"max_delete_percent, max_delete_count, max_lookups); if they are really deleted, run once with "
            f"TAP_YCM_CONFIRM_DELETES={word} (setting confirm_deletes: {word})"
        )


def _unpacked(memory: Memory) -> tuple[array[int], array[int], frozenset[int]]:
    """Return the keys known, gone and braked; those handed out last are known, whatever was said of them before."""
    known, gone, braked = unpacked(memory.known or ""), unpacked(memory.gone), frozenset(unpacked(memory.braked))
    if memory.new or gone:
        new = {key for text in memory.new for key in unpacked(text)}
        gone = array("q", [key for key in gone if key not in new])
        known = array("q", sorted(new.union(known).difference(gone)))
    return known, gone, braked
