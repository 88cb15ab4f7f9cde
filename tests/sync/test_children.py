"""What belongs to the objects of another list: parents come and go while it is read, and no living link is deleted."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tap_ycm.errors import ApiError
from tap_ycm.reading.pages import Page, PageRequest
from tap_ycm.reading.parents import Parents, ParentsMark, PerParent
from tap_ycm.reading.scan import Bookmark, Scan
from tap_ycm.settings import Settings
from tap_ycm.sync.sync import Sync, Traits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Link = tuple[int, int]


class Choices:
    """Every sequence of choices, one after the other."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.options: list[int] = []
        self.at = 0

    def choose(self, many: int) -> int:
        if self.at == len(self.taken):
            self.taken.append(0)
            self.options.append(many)
        self.at += 1
        return self.taken[self.at - 1]

    def all(self) -> Iterator[None]:
        while True:
            self.at = 0
            yield
            while self.taken and self.taken[-1] + 1 == self.options[-1]:
                self.taken.pop()
                self.options.pop()
            if not self.taken:
                return
            self.taken[-1] += 1


@dataclass
class Ycm:
    """PBXs and the customers of each; something may happen before each answer."""

    links: dict[int, set[int]]
    happen: Callable[[Ycm], None] = lambda _: None
    hidden: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    requests: int = 0

    def page(self, request: PageRequest) -> Page:
        self.count()
        keys = [key for key in sorted(self.links) if key not in self.hidden]
        if request.newest_first:
            keys.reverse()
        ids = keys[(request.number - 1) * request.size : request.number * request.size]
        return Page(ids, [{"id": key} for key in ids], request.number, request.size, len(self.links), "0123")

    def look_up(self, key: int) -> dict[str, Any] | None:
        self.count()
        return {"id": key} if key in self.links else None

    def children(self, parent: int) -> list[dict[str, Any]] | None:
        self.count()
        if parent in self.refused:
            sentence = "YCM does not answer"
            raise ApiError(sentence)
        if parent not in self.links or parent in self.lost:
            return None
        return [{"parent": parent, "child": child} for child in sorted(self.links[parent])]

    def count(self) -> None:
        self.requests += 1
        self.happen(self)

    def all_links(self) -> set[Link]:
        return {(parent, child) for parent, children in self.links.items() for child in children}


class Flights:
    """Requests in flight, answered in the order of the questions, or the other way round."""

    def __init__(self, ask: Callable[[Any], Any], *, last_first: bool = False) -> None:
        self.ask = ask
        self.waiting: list[tuple[Any, Any]] = []
        self.last_first = last_first

    def begin(self, tag: Any, question: Any, /) -> None:
        self.waiting.append((tag, question))

    def next(self) -> tuple[Any, Any]:
        tag, question = self.waiting.pop(-1 if self.last_first else 0)
        return tag, self.ask(question)


class Outlet:
    """Where a sync leaves what is no row."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.activated: int | None = None

    def save(self, state: dict[str, Any]) -> None:
        self.state = state

    def activate(self, version: int) -> None:
        self.activated = version

    def say(self, sentence: str) -> None:
        pass


@dataclass
class Pipeline:
    """PBXs and their customers, synced again and again into a target that deletes what is of an older version."""

    ycm: Ycm
    last_first: bool = False
    now: float = 1e9
    states: dict[str, dict[str, Any]] = field(default_factory=lambda: {"pbxs": {}, "links": {}})
    target: dict[Link, int] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def sync(self, dies_after: int | None = None) -> tuple[Sync, Sync | None]:
        self.now += 600
        parents = self._sync("pbxs", Traits(), self._pbxs, self._look_ups)
        for _ in parents.rows():
            pass
        children = self._sync("links", Traits(keys=False), self._links(parents.parents), None)
        outlet: Outlet = children._outlet  # type: ignore[assignment]  # it is the one made below
        handed = 0
        try:
            for rows in children.rows():
                for row in rows:
                    self.target[row["parent"], row["child"]] = children.version or 0
                handed += 1
                if handed == dies_after:
                    break
        except ApiError:
            self.states["links"] = children.state()
            return parents, None
        if handed == dies_after:
            self.states["links"] = children.state()
            return parents, None
        if outlet.activated is not None:
            self.target = {link: stamp for link, stamp in self.target.items() if stamp >= outlet.activated}
        for name, sync in (("pbxs", parents), ("links", children)):
            self.states[name] = sync.state()
        return parents, children

    def _sync(self, name: str, traits: Traits, read: Any, look_ups: Any) -> Sync:
        config = {"base_url": "https://ycm.example.com", "client_id": "id", "client_secret": "secret"}
        return Sync(
            stream=name,
            settings=Settings.of(
                {**config, "emit_activate_version_messages": True, "max_delete_count": 100, **self.settings}
            ),
            state=self.states[name],
            account="account",
            identity="identity",
            partial=None,
            test=False,
            traits=traits,
            read=read,
            look_ups=look_ups,
            outlet=Outlet(),
            clock=lambda: self.now,
        )

    def _pbxs(self, unread: Any, resume: object, _: int) -> Scan:
        return Scan(
            self.ycm.page,
            lambda: nullcontext(Flights(self.ycm.page)),
            size=2,
            lanes=1,
            unread=unread,
            resume=resume if isinstance(resume, Bookmark) else None,
        )

    def _look_ups(self) -> Any:
        return nullcontext(Flights(self.ycm.look_up))

    def _links(self, parents: Parents) -> Any:
        def read(_unread: object, resume: object, _began: int) -> PerParent:
            return PerParent(
                parents,
                lambda: nullcontext(Flights(self.ycm.children, last_first=self.last_first)),
                in_flight=2,
                exists=lambda key: self.ycm.look_up(key) is not None,
                resume=resume if isinstance(resume, ParentsMark) else None,
            )

        return read


def events(choices: Choices, most: int) -> Callable[[Ycm], None]:
    """Return what happens before each answer: nothing, or one of what can happen to PBXs and links."""
    left = [most]

    def happen(ycm: Ycm) -> None:
        if not left[0]:
            return
        what = choices.choose(6)
        left[0] -= what > 0
        oldest, newest = min(ycm.links, default=None), max(ycm.links, default=0)
        if what == 1:
            ycm.links[newest + 1] = {1, 2}
        elif what == 2 and oldest is not None:
            del ycm.links[oldest]
        elif what == 3 and oldest is not None:
            ycm.links[oldest].add(9)
        elif what == 4 and newest in ycm.links:
            ycm.links[newest].discard(1)
        elif what == 5 and newest in ycm.links:
            del ycm.links[newest]

    return happen


@pytest.mark.parametrize(
    ("most", "last_first"), [(1, False), (1, True), pytest.param(2, False, marks=pytest.mark.slow)]
)
def test_every_schedule_of_a_small_world(most: int, last_first: bool) -> None:  # noqa: FBT001 - a parameter
    schedules = deletes = 0
    choices = Choices()
    for _ in choices.all():
        ycm = Ycm({1: {1, 2}, 2: {1}, 3: {3}})
        pipeline = Pipeline(ycm, last_first)
        pipeline.sync()
        ycm.happen = events(choices, most)
        before = dict(pipeline.target)
        throughout = ycm.all_links()

        def happened(ycm: Ycm, happen: Callable[[Ycm], None] = ycm.happen) -> None:
            nonlocal throughout
            happen(ycm)
            throughout &= ycm.all_links()

        ycm.happen = happened
        for _ in range(2):
            parents, children = pipeline.sync()
            assert throughout <= pipeline.target.keys()
            assert children is not None
            deletes += children.decision is not None and children.decision.activate
        ycm.happen = lambda _: None
        pipeline.sync()
        parents, children = pipeline.sync()
        assert children is not None
        assert children.failure is None
        assert parents.failure is None
        assert pipeline.target.keys() == ycm.all_links()  # healthy again: nothing is stuck
        assert before
        schedules += 1
    assert schedules > (50 if most == 1 else 1000)
    assert deletes > schedules


def loaded() -> tuple[Ycm, Pipeline, set[Link]]:
    ycm = Ycm({1: {1, 2}, 2: {1}, 3: {3}, 4: {4}, 5: {5}})
    pipeline = Pipeline(ycm)
    pipeline.sync()
    return ycm, pipeline, set(pipeline.target)


def test_a_parent_that_the_list_hides_keeps_its_links() -> None:
    ycm, pipeline, links = loaded()
    ycm.hidden = {3}
    for _ in range(2):
        parents, children = pipeline.sync()
        assert parents.recovered == 1
        assert children is not None
        assert pipeline.target.keys() == links


def test_a_parent_that_is_hidden_and_cannot_be_looked_up_keeps_its_links() -> None:
    ycm, pipeline, links = loaded()
    ycm.hidden = {3}
    pipeline.settings = {"confirm_by_lookup": False, "on_incomplete": "warn"}
    _, children = pipeline.sync()
    assert children is not None
    assert children.decision is not None
    assert not children.decision.activate
    assert pipeline.target.keys() == links


def test_a_call_that_fails_deletes_nothing_and_the_next_sync_goes_on_with_the_others() -> None:
    ycm, pipeline, links = loaded()
    ycm.refused = {4}
    del ycm.links[5]
    _, children = pipeline.sync()
    assert children is None
    assert pipeline.target.keys() == links
    ycm.refused = set()
    asked = ycm.requests
    _, children = pipeline.sync()
    assert children is not None
    assert children.scan is not None
    assert children.scan.resumed
    assert children.scan.pages == 1  # the one that failed
    assert ycm.requests - asked <= 8
    assert pipeline.target.keys() == links  # a continued reading deletes nothing
    pipeline.sync()
    assert pipeline.target.keys() == ycm.all_links()


def test_children_that_are_not_found_though_their_parent_is_are_not_deleted() -> None:
    ycm, pipeline, links = loaded()
    for lost in ({2}, {1, 2, 3, 4, 5}):
        ycm.lost = lost
        _, children = pipeline.sync()
        assert children is not None
        assert children.failure
        assert pipeline.target.keys() == links
    ycm.lost = set()
    _, children = pipeline.sync()
    assert children is not None
    assert children.failure is None


def test_a_brake_on_the_number_of_links() -> None:
    ycm, pipeline, links = loaded()
    pipeline.settings = {"max_delete_count": 1}
    ycm.links[1] = set()
    _, children = pipeline.sync()
    assert children is not None
    assert children.failure
    word = children.failure.partition("TAP_YCM_CONFIRM_DELETES=")[2].partition(" ")[0]
    assert word.startswith("6-4-")
    assert pipeline.target.keys() == links
    pipeline.settings["confirm_deletes"] = f"5-12345678,{word}"
    pipeline.sync()
    assert pipeline.target.keys() == ycm.all_links()


def test_an_interruption_does_not_release_the_brake() -> None:
    ycm, pipeline, links = loaded()
    pipeline.settings = {"max_delete_count": 1}
    for parent in (1, 2, 3, 4):
        ycm.links[parent] = set()
    ycm.refused = {5}
    assert pipeline.sync()[1] is None
    ycm.refused = set()
    for _ in range(2):
        _, children = pipeline.sync()
        assert children is not None
        assert pipeline.target.keys() == links
    assert children
    assert children.failure


def test_an_interruption_does_not_forget_what_was_not_found() -> None:
    ycm, pipeline, links = loaded()
    ycm.lost, ycm.refused = {2}, {5}
    assert pipeline.sync()[1] is None
    ycm.refused = set()
    _, children = pipeline.sync()
    assert children is not None
    assert children.failure
    assert "does not find what belongs to it" in children.failure
    assert pipeline.target.keys() == links
