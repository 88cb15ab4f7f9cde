"""One sync by itself: it reads what it is told, looks up in a set of the living, and leaves what it says here."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_ycm.errors import ApiError
from tap_ycm.reading.lane import BELOW_ALL
from tap_ycm.reading.reading import BaseReading, Handout
from tap_ycm.reading.scan import Bookmark
from tap_ycm.settings import Settings
from tap_ycm.sync.keys import packed, unpacked
from tap_ycm.sync.memory import Memory
from tap_ycm.sync.sync import Sync, Traits

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

NOW = 1_795_000_000
ACCOUNT = "ab12cd34"
FRESH = Memory()
COMPLETE = Memory(account=ACCOUNT, last_version=1, baseline=True, highest=3, rows=3, known=packed([1, 2, 3]))
"""What a complete sync of three rows has left."""


class Told(BaseReading):
    """A reading of these keys that has these attributes at its end, or fails before it began."""

    evidence = "proved"

    def __init__(self, handouts: Sequence[list[int]], facts: dict[str, Any], *, fails: bool) -> None:
        super().__init__()
        self._handouts = handouts
        self._facts = {"newest": max((max(keys) for keys in handouts if keys), default=BELOW_ALL), **facts}
        self._fails = fails

    @property
    def bookmark(self) -> Bookmark:
        return Bookmark((), 2, 9, self.rows)

    def read(self) -> Generator[Handout]:
        if self._fails:
            sentence = "YCM does not answer"
            raise ApiError(sentence)
        for keys in self._handouts:
            self.rows += len(keys)
            yield Handout(keys, [{"id": key} for key in keys])
        for name, value in self._facts.items():
            setattr(self, name, value)


@dataclass
class Run:
    """One sync, and all that can be seen of it.

    Attributes:
        handouts: The keys of the rows that it reads.
        before: What it finds in the state.
        living: What look-ups find; None if YCM has no such call.
        facts: What the reading says of itself at its end.
        settings: Beyond deletes, which are wanted.
        fails: Whether the reading fails before it began.
        stops_after: How many handouts are taken.
        hasty: Whether a state is due at every opportunity.
        lines: What came out, in that order.
        said: What a person was told.
        states: The states, in that order.
        looked_up: Which keys were looked up, in that order.
        opened: Where the reading was to continue, and when the sync is said to have begun.
    """

    handouts: Sequence[list[int]]
    before: Memory = COMPLETE
    living: set[int] | None = field(default_factory=set)
    facts: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    traits: Traits = field(default_factory=Traits)
    partial: str | None = None
    test: bool = False
    fails: bool = False
    stops_after: int | None = None
    hasty: bool = False
    refuses: bool = False
    lines: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)
    looked_up: list[int] = field(default_factory=list)
    opened: list[tuple[object, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._now = float(NOW)
        self._waiting: list[int] = []
        self.sync = Sync(
            stream="pbxs",
            settings=Settings.of({"access_token": "x", "emit_activate_version_messages": True, **self.settings}),
            state={"complete_rows": 3} if self.before.is_older else self.before.state(),
            account=ACCOUNT,
            identity="all columns",
            partial=self.partial,
            test=self.test,
            traits=self.traits,
            read=self._read,
            look_ups=None if self.living is None else lambda: nullcontext(self),
            outlet=self,
            clock=self._clock,
        )

    def go(self) -> Run:
        """Take the rows."""
        rows = self.sync.rows()
        taken = 0
        while taken != self.stops_after:
            some = next(rows, None)
            if some is None:
                break
            self.lines.append(" ".join(["rows", *(str(row["id"]) for row in some if isinstance(row, dict))]))
            taken += 1
        return self

    @property
    def word(self) -> str:
        """What was decided on deletes."""
        assert self.sync.decision
        return f"{self.sync.decision.word}{self.sync.decision.reason or ''}"

    def keys(self, name: str) -> Any:
        """Return keys that the state has at last."""
        return keys_in(self.sync.state(), name)

    # What a sync needs.

    def save(self, state: dict[str, Any]) -> None:
        self.states.append(state)
        self.lines.append("state")

    def activate(self, version: int) -> None:
        self.lines.append(f"activate {version}")

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def begin(self, tag: Any, question: Any, /) -> None:
        assert tag == question
        self._waiting.append(question)

    def next(self) -> tuple[Any, Any]:
        key = self._waiting.pop(0)
        self.looked_up.append(key)
        if self.refuses:
            sentence = "YCM is closed"
            raise ApiError(sentence)
        return key, {"id": key} if key in (self.living or ()) else None

    def _read(self, _unread: Callable[[list[int]], list[int]], resume: object, began: int) -> Told:
        self.opened.append((resume, began))
        return Told(self.handouts, {"resumed": resume is not None, **self.facts}, fails=self.fails)

    def _clock(self) -> float:
        now = self._now
        self._now += 20.0 if self.hasty else 0.0
        return now


def keys_in(state: dict[str, Any], name: str) -> Any:
    """Return keys that a state has: a list of lists for ``new``, None where none are remembered."""
    text = state[name]
    if isinstance(text, list):
        return [unpacked(one).tolist() for one in text]
    return None if text is None else unpacked(text).tolist()
