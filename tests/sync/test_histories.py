"""Whole histories: syncs, crashes, lost states and continuations, of a YCM that breaks and heals, judged at the target.

Five things must hold: no known living row is deleted; a sync that is called complete is complete; exit status 0 means
that nothing is missing that was known or told; once YCM is healthy, deletes arrive and nothing is stuck; and requests
are bounded. ``HISTORIES=10000`` sets how many are tried.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from pipelines import Pipeline, Ycm, as_counted, known_to, truly

from tap_ycm.errors import ApiError
from tap_ycm.reading import opening
from tap_ycm.sync.keys import unpacked

if TYPE_CHECKING:
    from pipelines import Line, Outcome

HISTORIES = int(os.environ.get("HISTORIES", "250"))
FIRST = int(os.environ.get("FIRST_HISTORY", "0"))
FAULTS = (
    *("hidden", "hidden, not counted", "window", "window, capped", "short pages", "replicas", "shuffled", "total"),
    *("look-ups refused", "nothing found", "no answer"),
)
HEALED_WITHIN = 6
"""An interrupted scan is continued; a baseline is made; what was hidden turns up; the brake holds, and is released."""
MOST_REQUESTS = 400


@pytest.fixture(autouse=True)
def _small_lists_get_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PAGES_WORTH_A_LANE", 1)


@dataclass
class History:
    """One history, as its seed says.

    Attributes:
        seed: Says everything.
        events: What happened, for whoever has to find out why.
        honest: Whether the list showed everything in order since the scan began that is read or continued now.
        told: Whether its total counted everything, likewise.
        hides: What the list does not show.
        all_known: Whether the state must know all that the target holds: it was never lost, and the target never died.
    """

    seed: int
    events: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)
    honest: bool = True
    told: bool = True
    hides: tuple[object, ...] = ()
    all_known: bool = True
    word: str = ""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - repeatable on purpose
        step = self.random.choice([1, 1, 3])
        self.ycm = Ycm(list(range(1, 1 + step * self.random.randrange(45), step)), random=self.random)
        self.pipeline = Pipeline(self.ycm, size=self.random.randrange(2, 6))
        self.pipeline.settings = {
            "max_delete_count": self.random.choice([0, 3, 10, 10]),
            "max_lookups": self.random.choice([1000, 1000, 8]),
            "on_incomplete": self.random.choice(["fail", "fail", "fail", "warn"]),
        }

    def note(self, event: str) -> None:
        self.events[event] += 1
        self.story.append(event)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def some(self, most: int) -> list[int]:
        return self.random.sample(self.ycm.keys, min(self.random.randrange(most + 1), len(self.ycm.keys)))

    def between(self) -> dict[str, Any]:
        """Let time pass between two syncs; return the settings of the next."""
        ycm = self.ycm
        before = list(ycm.keys)
        ycm.create(self.random.choice([0, 0, 1, 2, 7]), self.random.choice([1, 3]))
        ycm.delete(self.some(self.random.choice([0, 0, 1, 3, 3, 20])))
        self.heal()
        for share in (0.5, 0.2):
            if self.chance(share):
                self.break_it(before)
        if self.chance(0.06):
            self.note("the state is lost")
            self.pipeline.target.state, self.all_known = {}, False
        self.pipeline.lanes = self.random.randrange(1, 6)
        self.pipeline.hasty = self.chance(0.5)
        settings: dict[str, Any] = {"emit_activate_version_messages": not self.chance(0.1)}
        if self.chance(0.1):
            settings["resume_max_age"] = 0
        if self.word and self.chance(0.6):  # typed in time or late; only by a person who looked
            settings["confirm_deletes"] = self.word
        return settings

    def heal(self) -> None:
        ycm = self.ycm
        ycm.hidden, ycm.counts_hidden, ycm.window, ycm.shuffled, ycm.lagging = set(), True, None, False, None
        ycm.total, ycm.answer, ycm.refuses_after = as_counted, truly, None
        share = self.random.choice([0, 0, 0.1, 0.4])
        ycm.happen = lambda: self.happen(share)

    def happen(self, share: float) -> None:
        if self.chance(share):
            self.ycm.create(self.random.randrange(3))
            self.ycm.delete(self.some(2))

    def break_it(self, before: list[int]) -> None:
        ycm = self.ycm
        fault = self.random.choice(FAULTS)
        self.note(fault)
        off = self.random.choice([-7, -1, 1, 7, 900])
        if fault.startswith("hidden"):
            ycm.hidden, ycm.counts_hidden = set(self.some(self.random.choice([1, 4, 15]))), fault == "hidden"
        elif fault.startswith("window"):
            ycm.window = window = self.random.randrange(40)
            if fault.endswith("capped"):
                ycm.total = lambda total: min(total, window)
        elif fault == "short pages":
            ycm.hidden = set(ycm.keys[self.random.randrange(5) :: self.pipeline.size])
        elif fault == "replicas":
            ycm.lagging = before
        elif fault == "shuffled":
            ycm.shuffled = True
        elif fault == "total":
            ycm.total = lambda total: max(total + off, 0)
        elif fault == "look-ups refused":
            ycm.answer = refuse
        elif fault == "nothing found":
            ycm.answer = nothing
        else:
            ycm.refuses_after = len(ycm.requests) + len(ycm.looked_up) + self.random.randrange(20)

    def sync(self, settings: dict[str, Any]) -> Outcome:
        """Run once, perhaps with a crash, and judge."""
        kinds: dict[str, Any] = {}
        if self.chance(0.3):
            kinds = {"dies_after": self.random.randrange(60), "gives_up": self.chance(0.4)}
        if self.chance(0.08):
            kinds["target_dies"] = self.cut
        if self.chance(0.03):
            kinds["identity"] = "other columns"
        knew_all = self.all_known
        rows = set(self.pipeline.target.rows)
        has_baseline = self.pipeline.target.state.get("baseline", False)
        outcome = self.pipeline.run(**kinds, **settings)
        assert has_baseline or not outcome.deleted, self
        self.story.append(f"{sorted(kinds)} {settings} finished {outcome.finished} failure {outcome.failure}")
        self.judge(outcome, rows if knew_all else outcome.known)
        self.remember(outcome)
        return outcome

    def cut(self, lines: list[Line]) -> list[Line]:
        """Let the target die: it committed some lines more than the last STATE that it passed on."""
        self.note("the target dies")
        committed = lines[: self.random.randrange(len(lines) + 1)]
        states = [place for place, (kind, _) in enumerate(committed) if kind == "state"]
        passed_on = self.random.choice([*states, -1])
        if any(kind == "record" for kind, _ in committed[passed_on + 1 :]):
            self.all_known = False
        return [line for place, line in enumerate(committed) if line[0] != "state" or place <= passed_on]

    def judge(self, outcome: Outcome, known: set[int]) -> None:
        ycm, sync, target = self.ycm, outcome.sync, self.pipeline.target
        resumed = sync.scan is not None and sync.scan.resumed
        # What a continued scan read before is in the target, where it was known to the state.
        missing = outcome.throughout - outcome.handed_out - (set(target.rows) if resumed else set())
        honest = not ycm.hidden and ycm.window is None and not ycm.shuffled and ycm.lagging is None
        told = ycm.counts_hidden and ycm.total(100) == 100 and ycm.total(1) == 1 and ycm.lagging is None
        # A row that was hidden before an interruption only is told by no total since; the next sync finds it.
        hides = (frozenset(ycm.hidden), ycm.window, ycm.shuffled)
        self.honest = honest and (self.honest or not resumed)
        self.told = told and (not resumed or (self.told and hides == self.hides))
        self.hides = hides
        assert not outcome.deleted & known & set(ycm.keys), self
        assert not self.all_known or set(target.rows) <= known_to(target.state), self
        assert outcome.requests <= MOST_REQUESTS, self
        self.events["most requests"] = max(self.events["most requests"], outcome.requests)
        if not outcome.finished or (resumed and not self.all_known):
            return
        if ycm.answer is nothing and sync.scan is not None and not sync.scan.rows:
            return  # both the list and the look-ups deny everything: nothing is left to tell but by the brake
        if sync.flaw is None and self.honest:
            assert not missing, self
        if outcome.failure is None and self.pipeline.settings["on_incomplete"] == "fail":
            assert resumed or not missing & outcome.known, self
            assert not self.told or not missing, self
        if honest and told and not resumed and sync.flaw is not None:
            assert "before" in sync.flaw, self  # what turns up now was hidden: the one flaw of an honest list

    def remember(self, outcome: Outcome) -> None:
        self.events["finished" if outcome.finished else "not finished"] += 1
        self.events["continued"] += outcome.sync.scan is not None and outcome.sync.scan.resumed
        self.events["told to delete"] += outcome.activated
        self.events["deleted"] += len(outcome.deleted)
        said = (outcome.failure or "").partition("TAP_YCM_CONFIRM_DELETES=")[2].partition(" ")[0]
        if said:
            self.note("the brake holds")
            # A person looks before typing.
            really = set(unpacked(self.pipeline.target.state.get("braked", ""))).isdisjoint(self.ycm.keys)
            self.word = said if really else ""

    def __repr__(self) -> str:
        return f"FIRST_HISTORY={self.seed} HISTORIES=1: " + "; ".join(self.story)


def nothing(_key: int, _lives: object) -> bool:
    return False


def refuse(_key: int, _lives: object) -> bool:
    sentence = "YCM refuses (1000010)"
    raise ApiError(sentence)


def test_histories() -> None:
    events: Counter[str] = Counter()
    healed: Counter[int] = Counter()
    most = 0
    for seed in range(FIRST, FIRST + HISTORIES):
        history = History(seed)
        for _ in range(history.random.randrange(3, 13)):
            history.sync(history.between())
        history.story.append("healthy from now on")
        history.heal()
        history.ycm.happen = lambda: None
        for syncs in range(1, HEALED_WITHIN + 1):  # noqa: B007 - the last one is counted
            settings: dict[str, Any] = {"confirm_deletes": history.word} if history.word else {}
            outcome = history.pipeline.run(**settings)
            history.story.append(f"{settings} failure {outcome.failure} flaw {outcome.sync.flaw}")
            history.judge(outcome, outcome.known)
            history.remember(outcome)
            if outcome.activated and outcome.failure is None:
                break
        assert outcome.activated, history
        assert set(history.pipeline.target.rows) == set(history.ycm.keys), history
        healed[syncs] += 1
        most = max(most, history.events.pop("most requests"))
        events += history.events
    say = f"{HISTORIES} histories, {most} requests at most in a sync; healed after {dict(sorted(healed.items()))} syncs"
    print(say, dict(events))  # noqa: T201 - README quotes it
