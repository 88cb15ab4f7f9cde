"""Whether a target may be told that absent objects are deleted.

Pure. ``ACTIVATE_VERSION`` makes a target delete every row that this sync did not bring. That an object is absent from
a list is only a suspicion. The witness is YCM's answer to the question for that very object; and where suspiciously
many are absent, a person.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_ycm.settings import Settings

__all__ = ["Brake", "Decision", "Evidence", "brake", "brake_on_counts", "confirmation", "decide"]


@dataclass(frozen=True, slots=True)
class Brake:
    """What the brake says about the absent.

    Attributes:
        holds: Whether a person must confirm.
        confirmed: Those that a person has confirmed.
        remembered: The set that a confirmation names, for the state.
        words: How many of how many are absent.
        word: What a person types to confirm.
    """

    holds: bool
    confirmed: frozenset[int]
    remembered: frozenset[int]
    words: str = ""
    word: str = ""


def confirmation(stream: str, keys: Iterable[int]) -> str:
    """Name a set of keys of a stream: how many, and a short hash, so that it is worthless for any other set."""
    ordered = sorted(keys)
    return f"{len(ordered)}-{_digest(stream, *ordered)}"


def _digest(*parts: object) -> str:
    return hashlib.sha256(",".join(map(str, parts)).encode()).hexdigest()[:8]


def _confirmed(settings: Settings) -> set[str]:
    """Return what a person has typed: one word for each stream that was braked, with commas between."""
    return {word.strip() for word in (settings.confirm_deletes or "").split(",")} - {""}


def brake(  # noqa: PLR0913 - each is one independent fact, and all but the first are named by the caller
    settings: Settings,
    *,
    stream: str,
    wanted: bool,
    unwitnessed_end: bool,
    absent: frozenset[int],
    gone: frozenset[int],
    known: int,
    braked: frozenset[int],
) -> Brake:
    """Decide whether so many are absent that a person must confirm it.

    Args:
        settings: ``max_delete_count``, ``max_delete_percent``, ``max_lookups``, ``confirm_deletes``.
        stream: Name of the stream.
        wanted: Whether the target may be told of deletes: there is nothing to hold back otherwise.
        unwitnessed_end: Whether the list is empty, and YCM cannot be asked for what it held.
        absent: Known keys that the list lacks, not yet looked up.
        gone: Keys that were looked up by earlier syncs, and whose deletes the target was not told of.
        known: How many keys the target may hold as living.
        braked: The set of an earlier sync that was braked; none of it was read since.
    """
    is_confirmed = bool(braked) and confirmation(stream, braked) in _confirmed(settings)
    confirmed = braked & (absent | gone) if is_confirmed else frozenset[int]()

    def holds(beyond: frozenset[int]) -> bool:
        too_many = len(beyond) > settings.max_delete_count
        too_large = len(beyond) * 100 > known * settings.max_delete_percent
        too_dear = settings.confirm_by_lookup and len(beyond - gone) > settings.max_lookups
        at_an_end = unwitnessed_end and bool(beyond) and settings.max_delete_percent < 100
        return wanted and ((too_many and too_large) or too_dear or at_an_end)

    everything = absent | gone
    if not holds(everything - confirmed):
        return Brake(holds=False, confirmed=confirmed, remembered=braked)
    # The set that was named before stays valid while little has come to it: what is typed today works tomorrow.
    remembered = everything if not braked or holds(everything - braked) else braked
    words, word = f"{len(everything)} of {known}", confirmation(stream, remembered)
    return Brake(holds=True, confirmed=confirmed, remembered=remembered, words=words, word=word)


def brake_on_counts(settings: Settings, *, stream: str, wanted: bool, rows: int, rows_before: int | None) -> Brake:
    """Decide likewise where there are too many keys to remember: by the number of rows alone."""
    lost = (rows_before or 0) - rows
    allowed = lost <= settings.max_delete_count or lost * 100 <= (rows_before or 0) * settings.max_delete_percent
    allowed = allowed and (rows > 0 or not rows_before or settings.max_delete_percent == 100)
    confirmed = any(_allows(word, stream, rows, rows_before) for word in _confirmed(settings))
    holds = wanted and not allowed and not confirmed
    word = f"{rows_before}-{rows}-{_digest(stream)}"
    return Brake(holds, frozenset(), frozenset(), f"{lost} of {rows_before}", word)


def _allows(word: str, stream: str, rows: int, rows_before: int | None) -> bool:
    """Tell whether a word confirms that so many rows have become so few, or fewer than those left now."""
    before, _, rest = word.partition("-")
    least, _, digest = rest.partition("-")
    fits = before == str(rows_before) and digest == _digest(stream)
    return fits and least.isascii() and least.isdecimal() and int(least) <= rows


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a sync knows at its end.

    Attributes:
        baseline: Whether the state knows all that the target may hold.
        resumed: Whether an interrupted scan was continued.
        history: Whether rows are only ever added.
        partial: Why the target did not get every record (a filter, a test run), or None.
        waiting: Why the reading itself cannot vouch for what is absent, or None.
        flaw: Why the reading is not complete, or None.
        mended: Whether rows that the list hid are all that is wrong, and look-ups found them.
        witnessed: Whether each absent key was looked up, or confirmed by a person.
        unwritten: Whether look-ups found records that cannot be handed out, for columns are missing in the answers.
        unanswered: Why look-ups were not answered, or None.
        brake: What the brake says.
    """

    baseline: bool
    resumed: bool
    history: bool
    partial: str | None
    waiting: str | None
    flaw: str | None
    mended: bool
    witnessed: bool
    unwritten: bool
    unanswered: str | None
    brake: Brake

    @property
    def accounts_for_all(self) -> bool:
        """Whether each object that the state knows was read, or is deleted for sure."""
        read = self.flaw is None or self.mended
        return self.baseline and not self.resumed and read and not self.unanswered and not self.brake.holds


@dataclass(frozen=True, slots=True)
class Decision:
    """What a sync does about deletes.

    Attributes:
        word: ``activated`` (``ACTIVATE_VERSION`` is sent), ``withheld``, ``off`` or ``never``.
        reason: Why it is not sent, as the rest of a sentence; or None.
    """

    word: str
    reason: str | None = None

    @property
    def activate(self) -> bool:
        """Whether the target is told."""
        return self.word == "activated"


def decide(settings: Settings, evidence: Evidence) -> Decision:
    """Decide on deletes at the end of a sync, after the last record."""
    if not settings.emit_activate_version_messages:
        return Decision("off")
    if evidence.history:
        return Decision("never", ": its rows are history")
    enough = evidence.flaw is None or (evidence.witnessed and (evidence.mended or settings.on_incomplete == "warn"))
    reasons = (
        (evidence.partial is not None, f": {evidence.partial}"),
        (not evidence.baseline, " until the next sync: the state did not know what the target holds"),
        (evidence.resumed, " until the next sync: an interrupted scan was continued"),
        (evidence.brake.holds, f" by the brake: {evidence.brake.words} known records are absent"),
        (evidence.unanswered is not None, ": look-ups of absent records were not answered"),
        (not enough, ": the scan is not complete"),
        (evidence.unwritten, ": the list hides records of which a look-up does not give every column"),
        (evidence.waiting is not None, f": {evidence.waiting}"),
    )
    return next((Decision("withheld", reason) for holds, reason in reasons if holds), Decision("activated"))
