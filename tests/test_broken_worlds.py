"""What a strange YCM makes of the tap: no living customer is deleted, and exit status 0 can be relied on.

Each world is a YCM that is not as its documentation says. In each, a pipeline that deletes has been running for two
days when the world breaks; it runs twice in the broken world and twice after, the real tap as a process, one request at
a time and with lanes, and customers come and go between the runs and within them. One function judges all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING, Any

import pytest
from forked_tap import ForkedTap
from harness import catalog_of, settings_for
from loaded_target import LoadedTarget

from tap_ycm.sandbox import Assumptions, Limit, Sandbox, World
from tap_ycm.sandbox.errors import RATE_LIMIT_EXCEEDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Run

CUSTOMERS = catalog_of("customers")
FIRST = 900  # so that sorting ids as text differs
PAGE_SIZES = {1: 10, 4: 3}  # by concurrency; lists of some forty pages are read in lanes
A_SEARCH = 60  # pages: where totals or pages lie, the end of the list is searched for by halving
CONTROLS = 10  # look-ups of customers just read: "not found" means nothing where these are not found either


# What customers do


def come_and_go(world: World, request: int) -> None:
    """Two are deleted and one is created while the list is read."""
    if request in {3, 8}:
        world.delete(world.ids()[len(world) // 3])
    elif request == 5:
        world.create()


def stay(world: World, request: int) -> None:
    """Nothing happens while the list is read."""


def leave(world: World, request: int) -> None:
    """Many are deleted, one after the other, while the list is read."""
    if 2 <= request <= 6:
        world.delete(world.ids()[-20])


def the_newest_leave(world: World, request: int) -> None:
    """Those who came last are deleted, one after the other, while the list is read."""
    if 2 <= request <= 6:
        world.delete(world.ids()[-1])


def many_come(world: World, request: int) -> None:
    """New ones come faster than a page is read."""
    if request <= 6:
        for _ in range(4):
            world.create()


def come_back(world: World, request: int) -> None:
    """One is deleted and comes back with the same id, which no documented YCM gives twice."""
    if request == 3:
        world.delete(world.ids()[-40])
    elif request == 9:
        world.create(next(event.customer_id for event in reversed(world.history) if event.kind == "delete"))


def come_in_between(world: World, request: int) -> None:
    """One gets an id below others, which no documented YCM gives."""
    if request == 3:
        ids = set(world.ids())
        world.create(next(one for one in range(max(ids) - 50, 0, -1) if one not in ids))


def between_runs(world: World) -> None:
    """What happens from one day to the next."""
    ids = world.ids()
    for one in {*ids[len(ids) // 9 :: 40], ids[-1]}:
        world.delete(one)
    world.create()
    world.create()


# The worlds


@dataclass(frozen=True)
class Broken:
    """A broken world.

    Attributes:
        name: What is wrong.
        assumed: The sandbox's switches.
        then: The switches of the second day, if they are others.
        status: The exit status in it: 1, 0, or None for either, since the tap may get by.
        says: What a WARNING or ERROR in it must say, a regular expression.
        faults: The sandbox's faults.
        config: Settings of the tap in it.
        meanwhile: What happens to customers while the list is read.
        since: ``the third run``, ``the first run``, or the number of a request within the third.
        told: Whether YCM tells of customers that it does not list; if not, or if that is accepted, new ones are missed.
        readings: How often the whole list may be asked for.
        customers: How many there are at first.
        in_flight: How many requests.
    """

    name: str
    assumed: dict[str, Any] = field(default_factory=dict)
    then: dict[str, Any] | None = None
    status: int | None = 1
    says: str = "customers: not complete"
    faults: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    meanwhile: Callable[[World, int], None] = come_and_go
    since: str | int = "the third run"
    told: bool = True
    readings: int = 3
    customers: int = 124
    in_flight: tuple[int, ...] = (1, 4)


UNCOUNTED = {"hidden_counted": False}
NO_RIGHT = {"look_up": "not_permitted"}
NO_SORT = {"honour_sort": False}
ALWAYS_200 = {"error_http": "always_200", "error_status_field": "Status", "error_code_field": "errno"}
WARN = {"on_incomplete": "warn"}
LIST_ALONE = {"confirm_by_lookup": False}
NO_DELETES = {"emit_activate_version_messages": False}
DIES = "customers:8:error=1000043"  # the eighth page ends the run; the next one goes on from there
LANES = partial(Broken, in_flight=(4,))
ONE_OLD = 952  # one of the customers of the start; divides no other id

WORLDS = (
    # Nothing is wrong: these show that the judge can be satisfied.
    Broken("as documented", status=0, says=""),
    Broken("as documented, and many leave meanwhile", status=0, says="", meanwhile=leave),
    Broken("as documented, and nothing happens meanwhile", status=0, says="", meanwhile=stay),
    Broken("as documented, and the newest leave meanwhile", status=0, says="", meanwhile=the_newest_leave),
    Broken("as documented, and many come meanwhile", status=0, says="", meanwhile=many_come),
    Broken("as documented, and look-ups are not wanted", status=0, says="", config=LIST_ALONE),
    # The list is cut off.
    Broken("rows past the 100th are not served", {"window": 100}),
    Broken("rows past the 30th are not served", {"window": 30}),
    Broken("no row is served", {"window": 0}),
    Broken("rows past the 100th are neither served nor counted", {"window": 100, "total_cap": 100}, told=False),
    Broken("rows past the 30th are neither served nor counted", {"window": 30, "total_cap": 30}, told=False),
    Broken("an empty list, nothing counted", {"hidden": 1, **UNCOUNTED}, told=False, says="brake"),
    Broken("an empty list that is said to have 300", {"hidden": 1, "total_fixed": 300}),
    # The list hides customers.
    Broken("every 12th hidden", {"hidden": 12}),
    Broken("every 12th hidden and not counted", {"hidden": 12, **UNCOUNTED}, told=False),
    Broken("half hidden and not counted", {"hidden": 2, **UNCOUNTED}, told=False, says="brake"),
    Broken("one old customer hidden", {"hidden": ONE_OLD}),
    Broken("one old customer hidden and not counted", {"hidden": ONE_OLD, **UNCOUNTED}, told=False),
    Broken("every 12th hidden, many leave meanwhile", {"hidden": 12}, meanwhile=leave),
    Broken("pages 7 and 3 always 2 rows short", {"short_pages": (7, 3), "short_by": 2}),
    Broken("every page a row short", {"short_by": 1}),
    Broken("page 1 a row short, in either order", {"short_pages": (1,), "short_by": 1}),
    Broken("page 6 empty", {"short_pages": (6,), "short_by": 50}),
    Broken("a row lost between two pages", {"page_gap": 1}),
    Broken("a row repeated on the next page", {"page_gap": -1}, status=None, says=""),
    Broken("pages counted from 0", {"page_offset": 1}),
    # The order is another one.
    Broken("shuffled", {**NO_SORT, "default_order": "shuffled"}),
    Broken("shuffled anew at every request", {**NO_SORT, "default_order": "reshuffled"}, readings=7),
    Broken("shuffled anew at every request, nothing happens meanwhile",
           {**NO_SORT, "default_order": "reshuffled"}, readings=7, meanwhile=stay),
    Broken("always ascending", NO_SORT),
    Broken("always descending", {**NO_SORT, "default_order": "descending"}),
    Broken("ids sorted as text", {"sort_as": "text"}),
    Broken("new customers get ids below others", meanwhile=come_in_between),
    Broken("an id is given twice", meanwhile=come_back, status=None, says=""),
    Broken("rows carry the id of another", faults=("customers:*/4:big_int_id=952",), status=None, says="", readings=7),
    # The pages are other ones.
    Broken("always page 1", {"honour_page": False}),
    Broken("always page 1, and it says so", {"honour_page": False, "echo_page": "served"}),
    Broken("always page 1, without its number", {"honour_page": False, "echo": "missing"}),
    Broken("past the end the last page again", {"past_end": "last"}, status=None, says=""),
    Broken("past the end the list begins anew", {"past_end": "around"}, status=None, says=""),
    Broken("past the end there is no end", {"past_end": "invented"}, status=None, says=""),
    Broken("no end, and every 12th hidden", {"past_end": "invented", "hidden": 12}),
    Broken("begins anew, and a total of a milliard", {"past_end": "around", "total_fixed": 10**9}, readings=30),
    Broken("pages of 2", {"max_page_size": 2}, status=0, says=""),
    Broken("pages of 2 that are said to be larger", {"max_page_size": 2, "over_max": "echo_asked"}, readings=20),
    # The total lies.
    Broken("total 1 too high", {"total_offset": 1}),
    Broken("total 1 too high, nothing happens meanwhile", {"total_offset": 1}, meanwhile=stay),
    Broken("total 1 too low", {"total_offset": -1}, status=None, says="", meanwhile=leave),
    Broken("total 23 too low", {"total_offset": -23}, status=None, says=""),
    Broken("total capped at 60", {"total_cap": 60}, status=None, says=""),
    Broken("total always 0", {"total_fixed": 0}, status=None, says=""),
    Broken("total a milliard", {"total_fixed": 10**9}),
    Broken("total wobbles", {"total_wobble": 3}, status=None, says=""),
    Broken("total missing", {"total_as": "missing"}, status=None, says=""),
    Broken("total null", {"total_as": "null"}, status=None, says=""),
    Broken("total a word", {"total_as": "garbage"}, status=None, says=""),
    Broken("total in quotes", {"total_as": "string", "echo": "string"}, status=0, says=""),
    Broken("total counted now and then", {"total_every": 7}, status=None, says="", meanwhile=leave),
    Broken("total counted yesterday", {"total_every": 10**6}, status=None, says=""),
    Broken("total behind the list", {"total_lag": 3}, status=None, says="", meanwhile=leave),
    # States of the list.
    Broken("two replicas in turn, one a deletion behind", {"stale_every": 2, "stale_lag": 1},
           status=None, says="", meanwhile=leave),
    Broken("two replicas in turn, one 5 events behind", {"stale_every": 2, "stale_lag": 5},
           status=None, says="", meanwhile=leave),
    Broken("every third answer 12 events behind", {"stale_every": 3, "stale_lag": 12}, status=None, says=""),
    Broken("the list a day behind", {"stale_every": 1, "stale_lag": 5}, status=None, says="", told=False),
    # It breaks while the list is read.
    Broken("rows past the 30th go meanwhile", {"window": 30}, status=None, says="", since=6),
    Broken("every 12th goes meanwhile, uncounted", {"hidden": 12, **UNCOUNTED}, status=None, says="", since=6,
           told=False),
    Broken("the order goes meanwhile", {**NO_SORT, "default_order": "shuffled"}, status=None, says="", since=6,
           readings=7),
    # It is broken in another way the next day.
    Broken("every 3rd hidden, then half, nothing counted", {"hidden": 3, **UNCOUNTED}, {"hidden": 2, **UNCOUNTED},
           told=False, says="brake"),
    Broken("rows past the 100th not served, then every 12th hidden", {"window": 100}, {"hidden": 12}),
    Broken("every 12th hidden, then only look-ups not permitted", {"hidden": 12}, NO_RIGHT, says=""),
    Broken("every 12th hidden for a day", {"hidden": 12, **UNCOUNTED}, {}, status=None, says="", told=False),
    # The run dies on the way, and the next one goes on.
    Broken("dies at the 8th page", faults=(DIES,), status=None, says=""),
    Broken("dies at the 8th page, many leave meanwhile", faults=(DIES,), meanwhile=leave, status=None, says=""),
    Broken("dies at the 8th page, every 12th hidden", {"hidden": 12}, faults=(DIES,)),
    Broken("dies at the 8th page, every 12th hidden and not counted", {"hidden": 12, **UNCOUNTED}, faults=(DIES,),
           status=None, says="", told=False),
    Broken("dies at the 8th page, rows past the 100th not served", {"window": 100}, faults=(DIES,)),
    Broken("dies at the 8th page, shuffled", {**NO_SORT, "default_order": "shuffled"}, faults=(DIES,)),
    Broken("dies at the 8th page, two replicas", {"stale_every": 2, "stale_lag": 5}, faults=(DIES,)),
    Broken("dies at the 8th page, sound at first, then half hidden", {}, {"hidden": 2, **UNCOUNTED}, faults=(DIES,),
           told=False),
    Broken("dies at the first look-up", faults=("customer:1:error=1000042",), says="customers:"),
    # It is broken from the first run on.
    Broken("every 12th hidden at first", {"hidden": 12}, since="the first run"),
    Broken("one old customer hidden at first", {"hidden": ONE_OLD}, since="the first run"),
    Broken("one old customer hidden at first, nothing happens meanwhile", {"hidden": ONE_OLD}, since="the first run",
           meanwhile=stay),
    Broken("every 12th hidden and not counted at first", {"hidden": 12, **UNCOUNTED}, status=None, says="",
           since="the first run", told=False),
    Broken("rows past the 100th not served at first", {"window": 100}, since="the first run"),
    Broken("shuffled anew at every request at first", {**NO_SORT, "default_order": "reshuffled"}, since="the first run",
           readings=7),
    Broken("every page a row short at first", {"short_by": 1}, since="the first run"),
    Broken("look-ups not permitted at first", NO_RIGHT, status=None, says="", since="the first run"),
    # Look-ups: the list is as it should be.
    LANES("look-ups not permitted", NO_RIGHT, says="confirm_by_lookup"),
    LANES("look-ups end at a web page", {"look_up": "html_404"}, says="confirm_by_lookup"),
    LANES("look-ups answer another customer", {"look_up": "another"}, says="confirm_by_lookup"),
    LANES("who is gone is null", {"not_found_as": "null"}, says="confirm_by_lookup"),
    LANES("who is gone is a web page", {"not_found_as": "html_404"}, says="confirm_by_lookup"),
    LANES("who is gone is HTTP 404 without code", {"not_found_as": "http_404"}, status=0, says=""),
    LANES("who is gone is HTTP 200, with the code as text", {**ALWAYS_200, "error_code_as": "string"}, status=0,
             says=""),
    LANES("who is gone is HTTP 404, and no error has a code", {"error_code_as": "missing"}, status=0, says=""),
    LANES("who is gone is HTTP 200, and no error has a code", {**ALWAYS_200, "error_code_as": "missing"},
             config={"retry_budget": 0}, says="confirm_by_lookup"),
    LANES("look-ups run into the limit", {"limit": Limit(50, 50, 1, retry_after="seconds")}, status=0, says=""),
    LANES("nobody is ever found", {"look_up": "not_found"}, status=None, says=""),
    LANES("look-ups fail", faults=("customer:*:http=503",), config={"retry_budget": 0}, says="confirm_by_lookup"),
    LANES("look-ups carry another id", faults=("customer:*:big_int_id=7",), says="confirm_by_lookup"),
    LANES("look-ups are no JSON", faults=("customer:*:html",), config={"retry_budget": 0}, says="confirm_by_lookup"),
    LANES("look-ups a day behind", {"look_up_lag": 12}, status=None, says=""),
    LANES("the token expires at the first look-up", faults=("customer:1:expired_token",), status=0, says=""),
    LANES("more are gone than may be looked up", config={"max_lookups": 2}, says="brake"),
    # Two at once.
    LANES("every 12th hidden, look-ups not permitted", {"hidden": 12, **NO_RIGHT}),
    LANES("every 12th hidden and not counted, look-ups not permitted", {"hidden": 12, **UNCOUNTED, **NO_RIGHT},
          told=False, says="confirm_by_lookup"),
    LANES("every 12th hidden and not counted, look-ups end at a web page",
          {"hidden": 12, **UNCOUNTED, "look_up": "html_404"}, told=False, says="confirm_by_lookup"),
    LANES("every 12th hidden and not counted, look-ups answer another",
          {"hidden": 12, **UNCOUNTED, "look_up": "another"}, told=False, says="confirm_by_lookup"),
    LANES("every 12th hidden, nobody is ever found", {"hidden": 12, "look_up": "not_found"}),
    LANES("every 12th hidden and not counted, nobody is ever found",
          {"hidden": 12, **UNCOUNTED, "look_up": "not_found"}, told=False, says="confirm_by_lookup"),
    LANES("rows past the 100th not served, two replicas", {"window": 100, "stale_every": 2, "stale_lag": 4}),
    LANES("every 12th hidden, total 12 too low", {"hidden": 12, "total_offset": -12}, told=False),
    LANES("every 12th hidden, look-ups not wanted", {"hidden": 12}, config=LIST_ALONE),
    LANES("pages 7 and 3 short, look-ups not wanted", {"short_pages": (7, 3), "short_by": 2}, config=LIST_ALONE),
    LANES("every 12th hidden, deletes switched off", {"hidden": 12}, config=NO_DELETES),
    LANES("every 12th hidden and not counted, deletes switched off", {"hidden": 12, **UNCOUNTED}, config=NO_DELETES,
          told=False),
    # There are few customers: one page holds them, or three.
    Broken("few, as documented", status=0, says="", customers=9),
    Broken("few, an empty list", {"hidden": 1, **UNCOUNTED}, told=False, customers=9),
    Broken("few, an empty list that is said to have 9", {"hidden": 1, "total_fixed": 9}, customers=9),
    Broken("few, half hidden", {"hidden": 2}, customers=9),
    Broken("few, half hidden and not counted", {"hidden": 2, **UNCOUNTED}, told=False, customers=9),
    Broken("few, shuffled anew at every request", {**NO_SORT, "default_order": "reshuffled"}, status=None, says="",
           customers=9, readings=7),
    Broken("few, a page a row short", {"short_by": 1}, customers=9),
    Broken("few, total missing", {"total_as": "missing"}, status=None, says="", customers=9),
    Broken("few, begins anew", {"past_end": "around"}, status=None, says="", customers=9),
    # Who lives with it.
    LANES("every 12th hidden, and that is accepted", {"hidden": 12}, config=WARN, status=0, told=False),
    LANES("rows past the 30th are not served, and that is accepted", {"window": 30}, config=WARN, says="brake"),
    LANES("every 12th hidden, and that is accepted, look-ups not wanted", {"hidden": 12}, config=WARN | LIST_ALONE,
          status=None, told=False),
    LANES("every 12th hidden, and that is accepted, look-ups not permitted", {"hidden": 12, **NO_RIGHT}, config=WARN,
          says="confirm_by_lookup", told=False),
    LANES("total 1 too high, and that is accepted", {"total_offset": 1}, config=WARN, status=0),
    LANES("shuffled anew at every request, and that is accepted", {**NO_SORT, "default_order": "reshuffled"},
          config=WARN, status=None, readings=7, told=False),
)  # fmt: skip


# The judge


@dataclass
class Pipeline:
    """One YCM, the tap, and the target that it loads."""

    ycm: Sandbox
    tap: ForkedTap
    concurrency: int
    target: LoadedTarget = field(default_factory=LoadedTarget)

    def run(self, **settings: object) -> Run:
        """Sync once, and judge what holds in every world: no living customer is deleted, no run ends in a surprise."""
        self.ycm.reset_log()
        config = settings_for(
            self.ycm,
            concurrency=self.concurrency,
            page_size=PAGE_SIZES[self.concurrency],
            **{"emit_activate_version_messages": True, **settings},
        )
        run = self.tap.run(config=config, state=self.target.state, catalog=CUSTOMERS)
        self.target.load(run.messages)
        living = set(self.ycm.world.ids())
        assert not self.target.removed & living, f"{len(self.target.removed & living)} living deleted\n{run.log}"
        assert run.status in {0, 1}, f"exit status {run.status}\n{run.log}"
        assert "Traceback" not in run.log, run.log
        assert "please report" not in run.log, f"a surprise\n{run.log}"
        return run

    def run_in(self, world: Broken, day: int) -> None:
        """Sync once in a broken world, and judge."""
        customers, before = self.ycm.world, set(self.target.rows)
        began = customers.seq
        broken = Assumptions(**(world.assumed if day == 0 or world.then is None else world.then))

        def happen(request: int) -> None:
            if request == world.since:
                self.ycm.assumptions = broken
            world.meanwhile(customers, request)

        self.ycm.before_answer = happen
        self.ycm.assumptions = Assumptions() if isinstance(world.since, int) else broken
        self.ycm.faults.clear()
        self.ycm.faults.add(*world.faults)
        run = self.run(**world.config)
        lived = customers.lived_through(began, customers.seq)
        if run.status == 0:
            # Of those who are neither listed nor counted, only the known ones can be missed.
            missing = (lived if world.told else lived & before) - self.target.rows.keys()
            assert not missing, f"exit status 0, and {len(missing)} living are missing\n{run.log}"
        assert world.status in {None, run.status}, f"exit status {run.status}, not {world.status}\n{run.log}"
        loud = [line for line in run.log.splitlines() if "| WARNING" in line or "| ERROR" in line]
        assert re.search(world.says, "\n".join(loud)), f"no word of {world.says!r}\n{run.log}"
        asked = [request.endpoint for request in self.ycm.requests if request.ycm_code != RATE_LIMIT_EXCEEDED]
        due = ceil(len(before | lived) / min(PAGE_SIZES[self.concurrency], broken.max_page_size))
        assert asked.count("customers") <= world.readings * due + A_SEARCH
        shown = set(chain.from_iterable(one.ids for one in self.ycm.requests if one.endpoint == "customers"))
        assert asked.count("customer") <= len(before - shown) + CONTROLS + len(world.faults)
        print(f"{asked.count('customers')} pages for {due}, {asked.count('customer')} look-ups, status {run.status}")  # noqa: T201 - pytest -rP

    def heal(self) -> None:
        """Sync in the documented YCM again: within two runs all is as it should be, the deletes included.

        What goes on with an interrupted scan is still half a run in the broken world, and does not count.
        """
        self.ycm.assumptions, self.ycm.before_answer = Assumptions(), None
        self.ycm.faults.clear()
        runs: list[Run] = []
        while len(runs) < 2 + ("continuing the scan" in "".join(run.log for run in runs)):
            between_runs(self.ycm.world)
            runs.append(self.run())
            if runs[-1].status == 0 and set(self.target.rows) == set(self.ycm.world.ids()):
                break
        log = "\n".join(run.log for run in runs)
        assert runs[-1].status == 0, f"stuck\n{log}"
        assert "customers: complete" in runs[-1].log, f"no verdict\n{log}"
        assert set(self.target.rows) == set(self.ycm.world.ids()), f"the target is wrong\n{log}"


@pytest.fixture(scope="module")
def ycm() -> Iterator[Sandbox]:
    """Start one YCM for all worlds, so that what a state says of the account stays true."""
    with Sandbox(World()) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def loaded(ycm: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Pipeline]]:
    """Return pipelines that have run twice in the documented YCM, by concurrency."""
    with ForkedTap(tmp_path_factory.mktemp("tap")) as tap:

        @cache
        def target(concurrency: int, customers: int) -> LoadedTarget:
            pipeline = Pipeline(ycm, tap, concurrency)
            for _ in range(2):
                run = pipeline.run()
                assert run.status == 0, run.log
                assert len(pipeline.target.rows) == customers
            return pipeline.target

        def pipeline(concurrency: int, customers: int = Broken.customers) -> Pipeline:
            ycm.world = World.seeded(customers, first_id=FIRST)
            ycm.assumptions, ycm.before_answer, ycm.client_id = Assumptions(), None, "client"
            ycm.faults.clear()
            return Pipeline(ycm, tap, concurrency, target(concurrency, customers).copy())

        yield pipeline


@pytest.mark.parametrize(
    ("world", "concurrency"),
    [pytest.param(world, number, id=f"{world.name}-{number}") for world in WORLDS for number in world.in_flight],
)
def test_no_living_customer_is_deleted_and_exit_status_0_can_be_relied_on(
    loaded: Callable[..., Pipeline], world: Broken, concurrency: int
) -> None:
    pipeline = loaded(concurrency, world.customers)
    if world.since == "the first run":
        pipeline.target = LoadedTarget()
    for day in range(2):
        between_runs(pipeline.ycm.world)
        pipeline.run_in(world, day)
    pipeline.heal()


def test_so_many_worlds() -> None:
    broken = [world for world in WORLDS if "as documented" not in world.name]
    assert len({world.name for world in WORLDS}) == len(WORLDS)
    assert len(broken) >= 25
    print(f"{len(broken)} broken worlds, {sum(len(world.in_flight) for world in broken)} histories")  # noqa: T201 - pytest -rP


def test_one_hidden_customer_does_not_hold_back_the_deletes_of_others(loaded: Callable[..., Pipeline]) -> None:
    pipeline = loaded(1)
    pipeline.ycm.assumptions = Assumptions(hidden=ONE_OLD)
    for _ in range(2):
        between_runs(pipeline.ycm.world)
        assert pipeline.run().status == 1
        assert set(pipeline.target.rows) == set(pipeline.ycm.world.ids())


# What a person may do


@pytest.mark.parametrize(
    "others",
    [
        World.seeded(110, seed=3, first_id=5000),
        World.seeded(100, seed=3, first_id=5000),
        World.seeded(680, seed=3, first_id=5000),
        World(World.seeded(Broken.customers, first_id=FIRST).ids(), seed=3),
        World([]),
    ],
    ids=["fewer", "fewer still", "many more", "the same ids", "nobody"],
)
def test_another_account_is_refused_before_the_first_record(loaded: Callable[..., Pipeline], others: World) -> None:
    pipeline = loaded(4)
    ours = pipeline.ycm.world
    pipeline.ycm.world, pipeline.ycm.client_id = others, "another"
    before = pipeline.target.copy()
    for _ in range(2):
        run = pipeline.run()
        assert run.status == 1
        assert not run.records
        assert "confirm_account" in run.error
        assert pipeline.target.rows == before.rows
    pipeline.ycm.world, pipeline.ycm.client_id = ours, "client"
    pipeline.heal()


def test_an_account_with_a_new_client_is_confirmed_once(loaded: Callable[..., Pipeline]) -> None:
    pipeline = loaded(1)
    pipeline.ycm.client_id = "renewed"
    refused = pipeline.run()
    assert refused.status == 1
    assert not refused.records
    typed = re.search(r"CONFIRM_ACCOUNT=([\w-]+)", refused.error)
    assert typed, refused.error
    assert pipeline.run(confirm_account=typed[1]).status == 0
    pipeline.heal()


def test_a_list_of_wholly_other_ids_is_held_until_a_person_confirms_it(loaded: Callable[..., Pipeline]) -> None:
    """Another database behind the same client, or all customers numbered anew."""
    pipeline = loaded(4)
    ours = pipeline.ycm.world
    pipeline.ycm.world = World.seeded(100, first_id=5000)
    braked = pipeline.run()
    assert braked.status == 1
    assert pipeline.target.rows.keys() == {*ours.ids(), *pipeline.ycm.world.ids()}
    typed = re.search(r"CONFIRM_DELETES=([\w-]+)", braked.error)
    assert typed, braked.error
    assert pipeline.run(confirm_deletes=typed[1]).status == 0
    assert set(pipeline.target.rows) == set(pipeline.ycm.world.ids())
    pipeline.heal()


def test_a_list_that_was_another_one_for_a_day_leaves_no_trace(loaded: Callable[..., Pipeline]) -> None:
    """And no customer is missed, or deleted, when the right one is back."""
    pipeline = loaded(1)
    ours = pipeline.ycm.world
    pipeline.ycm.world = World.seeded(15, first_id=500)
    assert pipeline.run().status == 1
    pipeline.ycm.world = ours
    pipeline.heal()


def test_nothing_is_deleted_where_the_state_is_lost_after_the_brake_held(loaded: Callable[..., Pipeline]) -> None:
    """The list hides half of them, and its total says so, too: nothing but the brake knows better."""
    pipeline = loaded(1)
    pipeline.ycm.assumptions = Assumptions(hidden=2, hidden_counted=False)
    assert pipeline.run().status == 1
    pipeline.target.state = {}  # --full-refresh, or a state that went
    assert pipeline.run().status == 0
    assert len(pipeline.target.rows) == Broken.customers
    pipeline.heal()


def test_a_confirmation_that_is_left_set_releases_no_other_drop(loaded: Callable[..., Pipeline]) -> None:
    pipeline = loaded(4)
    customers = pipeline.ycm.world
    for one in customers.ids()[10:100]:
        customers.delete(one)
    braked = pipeline.run()
    assert braked.status == 1
    assert len(pipeline.target.rows) == Broken.customers
    typed = re.search(r"CONFIRM_DELETES=([\w-]+)", braked.error)
    assert typed, braked.error
    left_set = {"confirm_deletes": typed[1]}
    assert pipeline.run(**left_set).status == 0
    assert set(pipeline.target.rows) == set(customers.ids())
    for _ in range(90):
        customers.create()
    assert pipeline.run(**left_set).status == 0
    assert len(pipeline.target.rows) == Broken.customers
    pipeline.ycm.assumptions = Assumptions(hidden=2, hidden_counted=False)
    for _ in range(2):
        assert pipeline.run(**left_set).status == 1
        assert len(pipeline.target.rows) == Broken.customers
    pipeline.heal()
