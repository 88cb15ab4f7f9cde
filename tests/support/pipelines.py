"""A pipeline without SDK, HTTP or database: a YCM that may be broken, one sync, and a target like target-postgres."""

from __future__ import annotations

import json
import random
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tap_ycm.errors import ApiError
from tap_ycm.reading.pages import Page, PageRequest
from tap_ycm.reading.scan import Bookmark, Scan
from tap_ycm.settings import Settings
from tap_ycm.sync.keys import unpacked
from tap_ycm.sync.sync import Sync, Traits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Line: TypeAlias = "tuple[str, Any]"
"""What a tap writes: ("record", (key, version)), ("state", state) or ("activate", version)."""


def as_counted(total: int) -> int | None:
    return total


def truly(_key: int, lives: object) -> bool:
    return bool(lives)


@dataclass
class Ycm:
    """A YCM whose list may lie; what it says of a single object is true, unless ``answer`` is replaced.

    Attributes:
        keys: The living, ascending.
        hidden: Living, but not in the list.
        counts_hidden: Whether the total counts those.
        window: The list shows no row at a higher place than this.
        total: Bends the total.
        shuffled: Whether each answer has its own order.
        lagging: What the list looked like before; every other answer comes from there.
        answer: Says what a look-up gets, given the truth.
        happen: Is called before each answer.
        refuses_after: How many requests are answered before YCM fails for good.
    """

    keys: list[int]
    hidden: set[int] = field(default_factory=set)
    counts_hidden: bool = True
    window: int | None = None
    total: Callable[[int], int | None] = as_counted
    shuffled: bool = False
    lagging: list[int] | None = None
    answer: Callable[[int, bool], bool] = truly
    happen: Callable[[], None] = lambda: None
    refuses_after: int | None = None
    random: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - repeatable on purpose
    requests: list[PageRequest] = field(default_factory=list)
    looked_up: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.highest: int = max(self.keys, default=0)

    def create(self, many: int = 1, step: int = 1) -> None:
        self.highest = max([self.highest, *self.keys])
        for _ in range(many):
            self.highest += step
            self.keys.append(self.highest)

    def delete(self, keys: Iterable[int]) -> None:
        self.highest = max([self.highest, *self.keys])
        for key in list(keys):
            self.keys.remove(key)

    def count(self) -> None:
        if self.refuses_after is not None and len(self.requests) + len(self.looked_up) > self.refuses_after:
            sentence = "YCM does not answer"
            raise ApiError(sentence)
        self.happen()

    def page(self, request: PageRequest) -> Page:
        self.requests.append(request)
        self.count()
        source = self.lagging if self.lagging is not None and len(self.requests) % 2 else self.keys
        shown = [key for key in source if key not in self.hidden]
        total = self.total(len(source) if self.counts_hidden else len(shown))
        if self.shuffled:
            self.random.shuffle(shown)
        if request.newest_first:
            shown.reverse()
        shown = shown[: self.window]
        ids = shown[(request.number - 1) * request.size : request.number * request.size]
        return Page(ids, [{"customerId": key} for key in ids], request.number, request.size, total, "0123")

    def look_up(self, key: int) -> dict[str, Any] | None:
        self.looked_up.append(key)
        self.count()
        return {"customerId": key} if self.answer(key, key in self.keys) else None


class Flights:
    """Requests in flight, answered in any order."""

    def __init__(self, ask: Callable[[Any], Any], chance: random.Random) -> None:
        self._ask = ask
        self._random = chance
        self._waiting: list[tuple[Any, Any]] = []

    def begin(self, tag: Any, question: Any, /) -> None:
        self._waiting.append((tag, question))

    def next(self) -> tuple[Any, Any]:
        tag, question = self._waiting.pop(self._random.randrange(len(self._waiting)))
        return tag, self._ask(question)


class Target:
    """A table with a version for each row, as target-postgres keeps it; the last STATE it passed on."""

    def __init__(self) -> None:
        self.rows: dict[int, int | None] = {}
        self.state: dict[str, Any] = {}

    def take(self, lines: Iterable[Line]) -> set[int]:
        """Write what a tap wrote, in its order; return the keys of the rows deleted."""
        deleted: set[int] = set()
        for kind, content in lines:
            if kind == "record":
                key, version = content
                self.rows[key] = version
            elif kind == "state":
                self.state = json.loads(content)
            else:
                older = {key for key, version in self.rows.items() if version is None or version < content}
                deleted |= older
                for key in older:
                    del self.rows[key]
        return deleted


class DeadError(Exception):
    """The tap was killed."""


class Pipe:
    """Takes what the tap writes, until it is killed."""

    def __init__(self, dies_after: int | None) -> None:
        self.lines: list[Line] = []
        self.said: list[str] = []
        self._dies_after = dies_after

    def write(self, kind: str, content: Any) -> None:
        if len(self.lines) == self._dies_after:
            raise DeadError
        self.lines.append((kind, content))

    def save(self, state: dict[str, Any]) -> None:
        self.write("state", json.dumps(state))

    def activate(self, version: int) -> None:
        self.write("activate", version)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


@dataclass
class Outcome:
    """What one run did.

    Attributes:
        sync: The sync.
        lines: What it wrote.
        said: What it told a person.
        finished: Whether it came to its end.
        failure: Why its exit status is not 0, or None.
        known: The keys that the state knew when it began.
        deleted: What the target deleted.
        handed_out: The keys of all records written.
        throughout: The objects that lived from its begin to its end.
        requests: How many it took.
    """

    sync: Sync
    lines: list[Line]
    said: list[str]
    finished: bool
    failure: str | None
    known: set[int]
    deleted: set[int]
    handed_out: set[int]
    throughout: set[int]
    requests: int

    @property
    def missing(self) -> set[int]:
        """What lived all the time, and was not handed out."""
        return self.throughout - self.handed_out

    @property
    def activated(self) -> bool:
        return any(kind == "activate" for kind, _ in self.lines)


def known_to(state: dict[str, Any]) -> set[int]:
    """Return the keys that a state knows."""
    texts = [state.get("known") or "", *state.get("new", []), state.get("gone", "")]
    return {key for text in texts for key in unpacked(text)}


@dataclass
class Pipeline:
    """Runs syncs of one YCM into one target.

    Attributes:
        ycm: What is read.
        target: What is written.
        size: Rows per page.
        lanes: How many.
        settings: Beyond the necessary.
        now: Seconds since the epoch when the next run begins.
        hasty: Whether a STATE is due after every handout.
        account: Which account is read.
    """

    ycm: Ycm
    target: Target = field(default_factory=Target)
    size: int = 5
    lanes: int = 1
    settings: dict[str, Any] = field(default_factory=dict)
    now: float = 1_795_000_000.0
    hasty: bool = False
    account: str = "ab12cd34"

    def run(
        self,
        *,
        dies_after: int | None = None,
        gives_up: bool = False,
        target_dies: Callable[[list[Line]], list[Line]] = lambda lines: lines,
        identity: str = "customers, all columns",
        **settings: Any,
    ) -> Outcome:
        """Run once.

        Args:
            dies_after: After so many lines the tap ends.
            gives_up: Whether it still writes its state then, as on a signal.
            target_dies: Says which of the lines the target has taken.
            identity: What is read.
            settings: Of this run.
        """
        ycm, pipe = self.ycm, Pipe(dies_after)
        before, asked_before = set(ycm.keys), len(ycm.requests) + len(ycm.looked_up)
        self.now += 600.0
        sync = Sync(
            stream="customers",
            settings=Settings.of(
                {
                    "base_url": "https://ycm.example.com",
                    "client_id": "id",
                    "client_secret": "secret",
                    "emit_activate_version_messages": True,
                    **self.settings,
                    **settings,
                }
            ),
            state=self.target.state,
            account=self.account,
            identity=identity,
            partial=None,
            test=False,
            traits=Traits(),
            read=self._scan,
            look_ups=lambda: nullcontext(Flights(ycm.look_up, ycm.random)),
            outlet=pipe,
            clock=self._clock,
        )
        known = known_to(self.target.state)
        finished, failure = False, None
        try:
            for rows in sync.rows():
                for row in rows:
                    assert isinstance(row, dict)
                    pipe.write("record", (row["customerId"], sync.version))
            finished, failure = True, sync.failure
        except DeadError:
            failure = "killed"
            if gives_up:
                pipe.lines.append(("state", json.dumps(sync.state())))
        except ApiError as error:
            failure = str(error)
            pipe.lines.append(("state", json.dumps(sync.state())))
        deleted = self.target.take(target_dies(pipe.lines))
        handed_out = {content[0] for kind, content in pipe.lines if kind == "record"}
        return Outcome(
            sync=sync,
            lines=pipe.lines,
            said=pipe.said,
            finished=finished,
            failure=failure,
            known=known,
            deleted=deleted,
            handed_out=handed_out,
            throughout=before & set(ycm.keys),
            requests=len(ycm.requests) + len(ycm.looked_up) - asked_before,
        )

    def _scan(self, unread: Callable[[list[int]], list[int]], resume: object, _began: int) -> Scan:
        return Scan(
            self.ycm.page,
            lambda: nullcontext(Flights(self.ycm.page, self.ycm.random)),
            size=self.size,
            lanes=self.lanes,
            unread=unread,
            resume=resume if isinstance(resume, Bookmark) else None,
        )

    def _clock(self) -> float:
        if self.hasty:
            self.now += 20.0
        return self.now
