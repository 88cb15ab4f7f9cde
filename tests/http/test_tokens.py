"""One token for a run, a new one when it is time or refused, no storm of them, and no second login after a refusal."""

from __future__ import annotations

import heapq
import logging
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import backoff
import pytest
import requests
from harness import settings_for
from hypothesis import given
from hypothesis import strategies as st
from target import Outcome, Target, run

from tap_ycm.errors import GET_ANOTHER_TOKEN, Action, ApiError, TapError
from tap_ycm.http.client import Client
from tap_ycm.http.questions import Listing, page_of
from tap_ycm.http.tokens import Token, TokenSource
from tap_ycm.http.waiting import waits
from tap_ycm.reading.pages import PageRequest
from tap_ycm.sandbox import Assumptions, Sandbox, World
from tap_ycm.settings import Settings
from tap_ycm.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Run

REFUSAL = ApiError("GET /list refused", Action.NEW_TOKEN)
REFUSALS = ["expired_token", "invalid_token", "session_expired", "unauthorized", "http=401"]


pytestmark = pytest.mark.usefixtures("in_process")


class Desk:
    """Issues tokens, and a clock that the test moves."""

    def __init__(self, life: float) -> None:
        self.life = life
        self.now = 1000.0
        self.issued = 0
        self.source = TokenSource(self.issue, clock=lambda: self.now)

    def working(self) -> Token:
        """Return a token that YCM has accepted."""
        token = self.source.get()
        self.source.accepted(token)
        return token

    def issue(self) -> tuple[str, float]:
        self.issued += 1
        return f"token-{self.issued}", self.life


# The source of tokens, on a clock of its own


@pytest.mark.parametrize(("life", "used"), [(1800, 1350), (1799, 1349.25), (240, 180), (120, 60), (60, 15), (1, 0.25)])
def test_a_token_is_used_for_three_quarters_of_its_life_and_not_in_its_last_minute(life: float, used: float) -> None:
    desk = Desk(life)
    first = desk.source.get()
    desk.now += used - 0.01
    assert desk.source.get() is first
    desk.now += 0.01
    assert desk.source.get() is not first
    assert desk.issued == 2
    if life > 80:  # a shorter one must be used somehow
        assert life - used >= 60


@given(st.floats(1, 10**6), st.lists(st.floats(0, 2000), max_size=40))
def test_no_token_is_handed_out_that_could_expire_under_way(life: float, steps: list[float]) -> None:
    desk = Desk(life)
    born: dict[str, float] = {}
    for step in steps:
        desk.now += step
        token = desk.source.get()
        age = desk.now - born.setdefault(token.value, desk.now)
        assert age < 0.75 * life
        if life > 80:
            assert life - age > 60
    assert desk.issued <= len(steps)


@pytest.mark.parametrize("life", [1e-9, 0.001, 0.1, 1.0])
def test_a_short_life_does_not_ask_without_end(life: float) -> None:
    """One token for one call, however short it lives."""
    desk = Desk(life)
    for calls in range(1, 20):
        desk.source.get()
        desk.now += 1
        assert desk.issued == calls


def test_the_life_counts_from_the_question() -> None:
    """An answer that was minutes under way has a token that is minutes old."""
    desk = Desk(1800)

    def slowly() -> tuple[str, float]:
        desk.now += 300
        return desk.issue()

    source = TokenSource(slowly, clock=lambda: desk.now)
    first = source.get()
    desk.now += 1049
    assert source.get() is first
    desk.now += 1
    assert source.get() is not first


def test_many_threads_ask_for_one_token() -> None:
    desk = Desk(1800)
    together = threading.Barrier(8)

    def get(_: int) -> Token:
        together.wait()
        return desk.source.get()

    with ThreadPoolExecutor(8) as pool:
        first = set(pool.map(get, range(8)))
        assert len(first) == desk.issued == 1
        old = first.pop()
        desk.source.accepted(old)
        desk.now += 60

        def replace(_: int) -> Token:
            together.wait()
            desk.source.refused(old, REFUSAL)
            return desk.source.get()

        # All of them were refused the same token: one of them replaces it.
        assert len(set(pool.map(replace, range(8)))) == 1
    assert desk.issued == 2


def test_a_failed_request_for_a_token_leaves_none_and_no_lock() -> None:
    desk = Desk(1800)

    def broken() -> tuple[str, float]:
        raise ConnectionError

    source = TokenSource(broken)
    with pytest.raises(ConnectionError):
        source.get()
    source._request = desk.issue
    assert source.get().value == "token-1"


def test_a_late_refusal_does_not_discard_the_next_token() -> None:
    desk = Desk(1800)
    old = desk.working()
    desk.source.refused(old, REFUSAL)
    new = desk.source.get()
    desk.source.refused(old, REFUSAL)
    assert desk.source.get() is new


@pytest.fixture
def longest_waits(in_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "full_jitter", lambda most: most)


def refuse(desk: Desk, *, at_once: bool) -> str:
    """Refuse the token; return it, after having seen whether another is to be had at once."""
    token = desk.source.get()
    failure = desk.source.refused(token, REFUSAL)
    assert (str(failure), failure.action) == (str(REFUSAL), Action.RETRY)
    if at_once:
        assert failure.retry_after is None
        return token.value
    for _ in range(3):  # whoever asks
        with pytest.raises(ApiError, match="refused") as caught:
            desk.source.get()
        assert caught.value.action is Action.RETRY
        assert failure.retry_after == caught.value.retry_after
    desk.now += failure.retry_after or 0.0
    return token.value


@pytest.mark.usefixtures("longest_waits")
def test_a_token_that_has_never_worked_gets_a_second_chance_after_a_wait_that_grows() -> None:
    desk = Desk(10**6)
    waited = []
    for number in range(1, 11):
        start = desk.now
        assert refuse(desk, at_once=False) == f"token-{number}"
        waited.append(desk.now - start)
        assert refuse(desk, at_once=True) == f"token-{number}"
    assert waited == [2, 4, 8, 16, 30, 30, 30, 30, 30, 30]


@pytest.mark.usefixtures("longest_waits")
def test_a_token_that_works_makes_the_waits_short_again() -> None:
    desk = Desk(10**6)
    for _ in range(5):
        refuse(desk, at_once=False)
        refuse(desk, at_once=True)
    token = desk.working()
    desk.now += 100
    assert refuse(desk, at_once=True) == token.value
    start = desk.now
    refuse(desk, at_once=False)
    assert desk.now - start == 2


@pytest.mark.usefixtures("longest_waits")
def test_tokens_that_work_but_end_early_are_not_replaced_faster_than_every_other_second() -> None:
    desk = Desk(1800)
    start = desk.now
    for number in range(1, 11):
        desk.working()
        desk.now += 0.25
        assert refuse(desk, at_once=False) == f"token-{number}"
        assert desk.now == start + 2 * number


@pytest.mark.usefixtures("longest_waits")
def test_those_who_are_under_way_with_a_token_count_as_one_refusal() -> None:
    """Or two of them would use up both chances of a token at once."""
    desk = Desk(1800)
    token = desk.source.get()
    for _ in range(16):
        failure = desk.source.refused(token, REFUSAL)
        assert failure.retry_after == 2
    desk.now += 2
    assert desk.source.get().value == token.value
    assert desk.issued == 1


def test_a_given_token_has_no_second_chance() -> None:
    source = TokenSource(None, "given")
    failure = source.refused(source.get(), REFUSAL)
    assert (failure.action, str(failure)) == (Action.FAIL, f"GET /list refused: {GET_ANOTHER_TOKEN}")


class Endpoint:
    """A token endpoint that is in trouble."""

    def __init__(self, action: Action, retry_after: float | None = None) -> None:
        self.now = 1000.0
        self.asked = 0
        self.trouble = action, retry_after
        self.source = TokenSource(self.fail, clock=lambda: self.now)

    def fail(self) -> tuple[str, float]:
        self.asked += 1
        sentence = "POST /token answered trouble"
        raise ApiError(sentence, self.trouble[0], retry_after=self.trouble[1])


@pytest.mark.parametrize("action", [Action.RETRY, Action.WAIT])
@pytest.mark.usefixtures("longest_waits")
def test_trouble_at_the_token_endpoint_is_met_by_one_thread_and_holds_all(action: Action) -> None:
    desk = Endpoint(action)
    for number, wait in enumerate([2, 4, 8, 16], start=1):
        for _ in range(16):
            with pytest.raises(ApiError, match="POST /token answered trouble") as caught:
                desk.source.get()
            assert (caught.value.action, caught.value.retry_after) == (action, wait)
        assert desk.asked == number
        desk.now += wait


@pytest.mark.usefixtures("longest_waits")
def test_what_the_token_endpoint_asks_to_wait_is_waited_by_all() -> None:
    desk = Endpoint(Action.WAIT, 60.0)
    for _ in range(16):
        with pytest.raises(ApiError) as caught:
            desk.source.get()
        assert caught.value.retry_after == 60
    assert desk.asked == 1


def test_a_refused_login_is_not_repeated_however_late_somebody_asks() -> None:
    desk = Endpoint(Action.FAIL)
    for _ in range(16):
        with pytest.raises(ApiError, match="POST /token answered trouble") as caught:
            desk.source.get()
        assert (caught.value.action, caught.value.retry_after) == (Action.FAIL, None)
        desk.now += 10**5
    assert desk.asked == 1


@dataclass
class Storm:
    """Many threads that ask for their pages as the client does, on one clock.

    Attributes:
        requests: How many requests for pages were sent.
        latest: When the last thread gave up, in seconds from the start.
    """

    threads: int
    budget: float
    requests: int = 0
    latest: float = 0.0

    def blow(self, source: TokenSource, desk: Desk | Endpoint, rng: random.Random) -> None:
        start = desk.now
        waiting = [waits(self.budget, lambda: desk.now) for _ in range(self.threads)]
        for generator in waiting:
            next(generator)
        due = [(start + rng.random() / 10, number) for number in range(self.threads)]
        heapq.heapify(due)
        while due:
            desk.now, number = heapq.heappop(due)
            try:
                wait = waiting[number].send(self.ask(source))
            except StopIteration:
                self.latest = max(self.latest, desk.now - start)
                continue
            heapq.heappush(due, (desk.now + wait, number))

    def ask(self, source: TokenSource) -> ApiError:
        for _ in range(2):
            try:
                token = source.get()
            except ApiError as closed:
                return closed
            self.requests += 1
            failure = source.refused(token, REFUSAL)
        return failure


@pytest.mark.parametrize("threads", [1, 4, 16])
def test_no_storm_of_tokens_or_requests_if_every_token_is_refused(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixteen threads ask for few more tokens than one, and all end when the budget for faults does."""
    tokens, requests = [], []
    for seed in range(50):
        rng = random.Random(seed)  # noqa: S311 - chance, not a secret
        monkeypatch.setattr(backoff, "full_jitter", lambda most, rng=rng: rng.uniform(0, most))
        desk, storm = Desk(1800), Storm(threads, 900)
        storm.blow(desk.source, desk, rng)
        assert storm.latest <= 301
        tokens.append(desk.issued)
        requests.append(storm.requests)
    print(f"{threads} threads, every token refused for 300 s: {max(tokens)} tokens, {max(requests)} requests at most")  # noqa: T201
    assert max(tokens) <= 40
    assert max(requests) <= 80


@pytest.mark.parametrize("threads", [1, 4, 16])
def test_no_storm_at_a_token_endpoint_in_trouble(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    for seed in range(50):
        rng = random.Random(seed)  # noqa: S311 - chance, not a secret
        monkeypatch.setattr(backoff, "full_jitter", lambda most, rng=rng: rng.uniform(0, most))
        desk = Endpoint(Action.RETRY)
        Storm(threads, 900).blow(desk.source, desk, rng)
        asked.append(desk.asked)
    print(f"{threads} threads, the token endpoint in trouble for 300 s: asked {max(asked)} times at most")  # noqa: T201
    assert max(asked) <= 50


def test_a_token_does_not_show_itself() -> None:
    token = Token("c4n4ry", 5.0)
    for text in (repr(token), str(token), f"{[token]}", f"{token!r}"):
        assert "c4n4ry" not in text
    assert "c4n4ry" not in repr(vars(TokenSource(None, "c4n4ry")))


# Whole runs


def sync(ycm: Sandbox, **settings: object) -> Outcome:
    ycm.reset_log()
    config = settings_for(ycm, page_size=10, emit_activate_version_messages=True) | settings
    return run(Target(), {name: value for name, value in config.items() if value is not None})


def sound(outcome: Outcome, ycm: Sandbox) -> bool:
    """Whether all is there, once, and nothing is wrong."""
    assert outcome.failure is None, outcome.failure
    return outcome.flaw is None and sorted(outcome.ids) == ycm.world.ids()


def asked(ycm: Sandbox) -> dict[str, int]:
    return {name: sum(request.endpoint == name for request in ycm.requests) for name in ("token", "customers")}


def started(**options: Any) -> Sandbox:
    return Sandbox(World.seeded(customers=37, seed=7), **options)


def test_one_token_serves_a_whole_run() -> None:
    with Sandbox(World.seeded(customers=1000, seed=7)) as ycm:
        assert sound(sync(ycm), ycm)
        assert asked(ycm) == {"token": 1, "customers": 101}


@pytest.mark.parametrize("place", [1, 2, 3, 4])
@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refused_token_is_replaced_and_the_same_page_asked_again(refusal: str, place: int) -> None:
    with started(faults=[f"customers:{place}:{refusal}"]) as ycm:
        assert sound(sync(ycm), ycm)
        # One that has never worked is tried once more before it is replaced.
        assert asked(ycm) == {"token": 1 + (place > 1), "customers": 5}
        pages = [request for request in ycm.requests if request.endpoint == "customers"]
        assert pages[place - 1].query == pages[place].query


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_token_that_ends_needs_no_budget_for_faults(refusal: str) -> None:
    """It is no fault: half an hour is its life."""
    with started(faults=[f"customers:3:{refusal}"]) as ycm:
        assert sound(sync(ycm, retry_budget=0), ycm)
        assert asked(ycm) == {"token": 2, "customers": 5}


def test_a_token_that_ends_between_pages_is_replaced() -> None:
    ycm = started()
    ycm.before_answer = lambda number: None if number % 2 else (ycm.expire_tokens(), None)[1]
    with ycm:
        assert sound(sync(ycm), ycm)
        # Every second answer was the last of its token; the refused questions are asked again.
        assert asked(ycm)["token"] == ycm.tokens_issued > 1
        assert asked(ycm)["customers"] == 4 + ycm.tokens_issued - 1


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.usefixtures("longest_waits")
def test_tokens_that_are_refused_for_good_end_the_run_with_what_to_do(refusal: str) -> None:
    with started(faults=[f"customers:*:{refusal}"]) as ycm:
        outcome = sync(ycm, retry_budget=0)
        assert isinstance(outcome.failure, TapError)
        assert str(outcome.failure).startswith("GET /dm/open_api/v1/customers answered ")
        assert "YCM refuses the token that it has issued; run the tap again later" in str(outcome.failure)
        assert "give" not in str(outcome.failure)  # client_id and client_secret are given
        assert "client_secret" not in str(outcome.failure)
        assert asked(ycm) == {"token": 1, "customers": 1}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_given_token_that_is_refused_ends_the_run_at_once(refusal: str) -> None:
    with started() as ycm:
        # A live one, got the way a person would.
        form = {"grant_type": "client_credentials", "client_id": ycm.client_id, "client_secret": ycm.client_secret}
        answer = requests.post(f"{ycm.url}/dm/open_api/oauth/token", data=form, timeout=10).json()
        given = {"client_id": None, "client_secret": None, "access_token": answer["access_token"]}
        assert sound(sync(ycm, **given), ycm)
        assert asked(ycm) == {"token": 0, "customers": 4}
        ycm.faults.add(f"customers:3:{refusal}")
        outcome = sync(ycm, **given)
        assert isinstance(outcome.failure, TapError)
        assert "fresh access_token" in str(outcome.failure)
        assert answer["access_token"] not in str(outcome.failure)
        assert asked(ycm) == {"token": 0, "customers": 3}


@pytest.mark.parametrize("secret", ["&=+% ü\"'\n", "a=b&client_id=other", "%26%00", "ключ 🔑", "+", "x" * 5000, "\\"])
def test_credentials_of_any_characters_arrive_exactly(secret: str) -> None:
    with started(client_id=f"id {secret}", client_secret=secret) as ycm:
        assert sound(sync(ycm), ycm)


@pytest.mark.parametrize("assumptions", [{}, {"grant_errors": "oauth"}, {"error_http": "always_200"}], ids=str)
def test_refused_credentials_are_tried_once(assumptions: dict[str, Any]) -> None:
    with started(assumptions=Assumptions(**assumptions)) as ycm:
        outcome = sync(ycm, client_secret="c4n4ry")  # noqa: S106 - no secret
        assert isinstance(outcome.failure, TapError)
        assert "check client_id and client_secret" in str(outcome.failure)
        assert "c4n4ry" not in str(outcome.failure)
        assert asked(ycm) == {"token": 1, "customers": 0}


@pytest.mark.parametrize("refusal", ["http=401", "unauthorized", "invalid_token", "http=400"])
def test_a_refusal_of_the_login_names_the_credentials(refusal: str) -> None:
    """In whatever form it comes: who gave client_id and client_secret must not be told to give them."""
    with started(faults=[f"token:1:{refusal}"]) as ycm:
        outcome = sync(ycm)
        assert isinstance(outcome.failure, TapError)
        assert asked(ycm) == {"token": 1, "customers": 0}
        if refusal != "http=400":
            assert "check client_id and client_secret" in str(outcome.failure)


@pytest.mark.parametrize("fault", ["http=503", "error=1000001", "error=1000040", "reset", "html", "no_access_token"])
def test_trouble_at_the_token_endpoint_is_asked_again(fault: str) -> None:
    with started(faults=[f"token:*x2:{fault}"]) as ycm:
        assert sound(sync(ycm), ycm)
        assert asked(ycm) == {"token": 3, "customers": 4}


@pytest.mark.parametrize("life", [2.0, 5.0])
def test_a_life_of_seconds_does_not_loop(life: float) -> None:
    with started(assumptions=Assumptions(token_life=life)) as ycm:
        assert sound(sync(ycm), ycm)
        assert asked(ycm)["token"] <= 2 * asked(ycm)["customers"]


@pytest.mark.parametrize("taken", [[1], [2], [3], [4], [1, 3], [2, 4, 6]])
def test_another_program_with_the_same_client_may_take_the_token_over(taken: list[int]) -> None:
    """If a new token ends the older ones, somebody else's login costs one request, and no customer."""
    ycm = started(assumptions=Assumptions(one_token=True))

    def elsewhere(number: int) -> None:
        if number in taken:
            ycm._tokens.issue(ycm.client_id, ycm.client_secret, "client_credentials", ycm.assumptions)

    ycm.before_answer = elsewhere
    with ycm:
        assert sound(sync(ycm), ycm)
        lost = ycm.tokens_issued - asked(ycm)["token"]  # to the other one
        assert 1 <= lost <= len(taken)
        assert asked(ycm)["token"] <= 1 + lost
        assert asked(ycm)["customers"] == 4 + asked(ycm)["token"] - 1


# Tokens that are refused for a while: the real client, several requests in flight, real waits


CUSTOMERS = Listing("/v1/customers", "customerId")


@pytest.fixture
def real_waits(in_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(7)  # noqa: S311 - chance, not a secret
    monkeypatch.setattr(backoff, "full_jitter", lambda most: rng.uniform(0, most))


def read(ycm: Sandbox, **settings: object) -> list[int]:
    """Ask for all pages, each once; return the ids on them."""
    client = Client(
        Settings.of(settings_for(ycm, **{"retry_budget": 90, **settings})), logging.getLogger("tap-ycm"), Stop()
    )
    pages = len(ycm.world.ids()) // 10 + 1
    try:
        with client.flights(partial(page_of, CUSTOMERS)) as flights:
            for number in range(1, pages + 1):
                flights.begin(number, PageRequest(number, 10))
            return sorted(key for _ in range(pages) for key in flights.next()[1].ids)
    finally:
        client._session.close()


HTTP = {
    "HTTP 401": {},
    "HTTP 200 and a code": {"error_http": "always_200"},
    "HTTP 401, no code": {"error_code_as": "missing"},
}


@pytest.mark.parametrize("concurrency", [1, 4, 16])
@pytest.mark.parametrize("http", HTTP)
@pytest.mark.usefixtures("real_waits")
def test_the_first_use_of_every_token_may_be_refused(http: str, concurrency: int) -> None:
    assumed = Assumptions(token_refusals=1, **HTTP[http])  # type: ignore[arg-type]  # literals, checked when it is made
    with started(assumptions=assumed) as ycm:
        assert read(ycm, concurrency=concurrency) == ycm.world.ids()
        assert asked(ycm)["token"] <= 2
        assert asked(ycm)["customers"] <= 4 + concurrency


@pytest.mark.parametrize("concurrency", [1, 16])
@pytest.mark.usefixtures("real_waits")
def test_a_new_token_may_be_refused_for_a_while(concurrency: int) -> None:
    """Whoever replaced it at each refusal would never have one that is old enough."""
    with Sandbox(World.seeded(customers=364, seed=7), assumptions=Assumptions(token_delay=1.5)) as ycm:
        assert read(ycm, concurrency=concurrency) == ycm.world.ids()
        assert asked(ycm)["token"] <= 10
        assert asked(ycm)["customers"] <= 37 + 20 * concurrency


@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_a_token_may_end_after_three_uses(concurrency: int, real_waits: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(7)  # noqa: S311 - chance, not a secret
    monkeypatch.setattr(backoff, "full_jitter", lambda most: rng.uniform(0, most / 20))
    with Sandbox(World.seeded(customers=364, seed=7), assumptions=Assumptions(token_uses=3)) as ycm:
        assert read(ycm, concurrency=concurrency) == ycm.world.ids()
        print(f"{concurrency} in flight, a token for three uses, 37 pages: {asked(ycm)}")  # noqa: T201
        assert asked(ycm)["token"] <= 37  # at least one page for each
        assert asked(ycm)["customers"] <= 37 + 37 * concurrency


@pytest.mark.usefixtures("real_waits")
def test_a_refused_login_is_not_repeated_by_sixteen_threads() -> None:
    with started(faults=["token:*:error=1000002"]) as ycm:
        with pytest.raises(ApiError, match="check client_id and client_secret"):
            read(ycm, concurrency=16)
        assert asked(ycm) == {"token": 1, "customers": 0}


@pytest.mark.usefixtures("real_waits")
def test_trouble_at_the_token_endpoint_is_not_multiplied_by_sixteen_threads() -> None:
    with Sandbox(World.seeded(customers=364, seed=7), faults=["token:*x2:http=503"]) as ycm:
        assert read(ycm, concurrency=16) == ycm.world.ids()
        assert asked(ycm) == {"token": 3, "customers": 37}


@pytest.mark.parametrize("concurrency", [1, 8])
def test_two_taps_may_take_the_token_from_each_other(concurrency: int, tap: Callable[..., Run]) -> None:
    """With one client id, where a new token ends the older ones."""
    world = World.seeded(customers=1000, seed=7)
    with Sandbox(world, assumptions=Assumptions(one_token=True), latency=0.02) as ycm, ThreadPoolExecutor(2) as pool:
        config = settings_for(ycm, page_size=10, concurrency=concurrency)
        for run_ in pool.map(lambda _: tap(config=config), range(2)):
            assert run_.status == 0, run_.log
            assert sorted(run_.ids) == ycm.world.ids()
        print(f"two taps with one client id, {concurrency} in flight each, 202 pages: {asked(ycm)}")  # noqa: T201
        assert asked(ycm)["token"] <= 60
        assert asked(ycm)["customers"] <= 2 * 202
