"""One token for a run, a new one when it is time or refused, and never a second login with what was refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from harness import settings_for
from hypothesis import given
from hypothesis import strategies as st
from target import Outcome, Target, run

from tap_ycm.errors import TapError
from tap_ycm.http.tokens import Token, TokenSource
from tap_ycm.sandbox import Assumptions, Sandbox, World

REFUSALS = ["expired_token", "invalid_token", "session_expired", "unauthorized", "http=401"]


pytestmark = pytest.mark.usefixtures("in_process")


class Desk:
    """Issues tokens, and a clock that the test moves."""

    def __init__(self, life: float) -> None:
        self.life = life
        self.now = 1000.0
        self.issued = 0
        self.source = TokenSource(self.issue, clock=lambda: self.now)

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

        def replace(_: int) -> Token:
            together.wait()
            desk.source.discard(next(iter(first)))
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
    old = desk.source.get()
    desk.source.discard(old)
    new = desk.source.get()
    desk.source.discard(old)
    assert desk.source.get() is new


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
    return outcome.flaw is None and outcome.activated and outcome.ids == sorted(ycm.world.ids(), reverse=True)


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
def test_a_refused_token_is_replaced_once_and_the_same_page_asked_again(refusal: str, place: int) -> None:
    with started(faults=[f"customers:{place}:{refusal}"]) as ycm:
        assert sound(sync(ycm), ycm)
        assert asked(ycm) == {"token": 2, "customers": 5}
        pages = [request for request in ycm.requests if request.endpoint == "customers"]
        assert pages[place - 1].query == pages[place].query
        assert ycm.tokens_issued == 2


def test_a_token_that_ends_between_pages_is_replaced() -> None:
    ycm = started()
    ycm.before_answer = lambda number: None if number % 2 else (ycm.expire_tokens(), None)[1]
    with ycm:
        assert sound(sync(ycm), ycm)
        # Every second answer was the last of its token; the refused questions are asked again.
        assert asked(ycm)["token"] == ycm.tokens_issued > 1
        assert asked(ycm)["customers"] == 4 + ycm.tokens_issued - 1


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_new_token_that_is_refused_too_ends_the_run(refusal: str) -> None:
    with started(faults=[f"customers:2:{refusal}", f"customers:3:{refusal}"]) as ycm:
        outcome = sync(ycm)
        assert isinstance(outcome.failure, TapError)
        assert str(outcome.failure).startswith("GET /dm/open_api/v1/customers answered ")
        assert "give client_id and client_secret, or a fresh access_token" in str(outcome.failure)
        assert not outcome.activated
        assert asked(ycm) == {"token": 2, "customers": 3}


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
        assert not outcome.activated
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
