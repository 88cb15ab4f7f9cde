"""Every fault of the sandbox at every request of a run: all data and activated, or one sentence and nothing deleted."""

from __future__ import annotations

import copy
import itertools
import logging
import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from harness import settings_for
from target import Target, run

from tap_ycm.errors import ERRORS, Action, ApiError, TapError
from tap_ycm.http.answers import parse_page, parse_token
from tap_ycm.http.client import Client
from tap_ycm.http.questions import Listing, page_of
from tap_ycm.reading.pages import PageRequest
from tap_ycm.sandbox import Assumptions, Sandbox, World, answers
from tap_ycm.sandbox.errors import YcmError
from tap_ycm.sandbox.faults import KINDS, Fault
from tap_ycm.settings import Settings
from tap_ycm.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHERE = {
    "customers": "GET /dm/open_api/v1/customers",
    "customer": "customers: absent records could not be looked up, so none was deleted: "
    "GET /dm/open_api/v1/customers/{customerId}",
    "token": "POST /dm/open_api/oauth/token",
}
SHORT = {"stall": "stall=0.001", "drip": "drip=0"}  # as little as shows the same
MORE = (*(f"http={status}" for status in (301, 400, 401, 403, 404, 408, 418, 425, 429, 500, 502, 504)),
        *(f"error={code}" for code in (*ERRORS, 1999999)),
        f"big_int_id={-(2**63) - 1}", "reset_after=0", "reset_after=400")  # fmt: skip
FAULTS = (*(SHORT.get(kind, kind) for kind in KINDS), *MORE)

HOPELESS = {"redirect", "http=301", "http=400", "http=403", "http=404", "http=418", "error=1000002", "error=1000004",
            "error=1000005", "error=1000015", "error=1000033", "error=1000042", "error=1000043",
            "error=1999999"}  # fmt: skip
REFUSING = {"expired_token", "invalid_token", "session_expired", "unauthorized", "http=401", "error=1000011",
            "error=1000035", "error=1000036"}  # fmt: skip
ENDING = {
    "customers": HOPELESS | {"big_int_id", f"big_int_id={-(2**63) - 1}"},
    "customer": HOPELESS - {"error=1000005"} | {"truncated_gzip", "bad_utf8"},
    "token": HOPELESS | REFUSING | {"bad_utf8"},
}
"""What ends a run when it happens once; whatever is not here must be survived."""
HARMLESS = {"customers": {"stall=0.001", "drip=0", "bom", "bad_utf8", "lone_surrogate"},
            "customer": {"stall=0.001", "drip=0", "bom", "data_null", "lone_surrogate", "reset_after=400",
                         "error=1000005", "big_int_id", f"big_int_id={-(2**63) - 1}"},
            "token": {"stall=0.001", "drip=0", "bom"}}  # fmt: skip
"""What does not even cost a second request. The first look-up is for a customer who is gone: its answer has no data."""

WITH_MEANING = {"data_null", "error=1000005", "big_int_id", f"big_int_id={-(2**63) - 1}"}
"""What changes nothing for a customer who is gone, and is an answer that means something else for one who is not."""

ADVICE = re.compile(
    r"\b(check|set|give|allow|report|use the API client|ask|run the tap|look the code up|is base_url|request_timeout)\b"
)


pytestmark = pytest.mark.usefixtures("in_process")


def possible(endpoint: str, fault: str) -> bool:
    """Whether the sandbox can do that at such a request."""
    if (endpoint, fault) == ("customer", "corrupt_gzip"):
        return False  # what is left of a short "not found" can be unpacked at times, and is no answer of YCM's then
    try:
        Fault(fault.partition("=")[0], endpoint)
    except ValueError:
        return False
    return True


def synced(ycm: Sandbox) -> Target:
    """Return a target after a sync, since when a customer was deleted in YCM."""
    target = Target()
    key = ycm.world.ids()[20]
    assert run(target, settings_for(ycm, page_size=10, emit_activate_version_messages=True)).failure is None
    ycm.world.delete(key)
    assert key in target.rows
    return target


def attempt(ycm: Sandbox, before: Target, *faults: str, **settings: object) -> tuple[str, str]:
    """Run the tap among faults; return how it ended, and what is wrong with that, if anything is."""
    ycm.faults.clear()
    ycm.faults.add(*faults)
    ycm.reset_log()
    ids = set(ycm.world.ids())
    target = copy.deepcopy(before)
    outcome = run(target, settings_for(ycm, page_size=10, emit_activate_version_messages=True, **settings))
    ycm.faults.clear()
    kept = target.rows.keys()
    if outcome.failure is None:
        good = outcome.flaw is None and outcome.activated and kept == ids == set(outcome.ids)
        return "complete", "" if good else f"flaw {outcome.flaw}, activated {outcome.activated}, {len(kept)} rows"
    if not isinstance(outcome.failure, TapError):
        return "failed", f"{outcome.failure!r}"
    sentence = str(outcome.failure)
    if outcome.activated or not before.rows.keys() <= kept or not set(outcome.ids) <= ids:
        return sentence, f"deleted or invented: {sentence}"
    # A look-up may need a token, too.
    places = (*WHERE.values(), WHERE["customer"].replace(WHERE["customer"].rpartition(": ")[2], WHERE["token"]))
    where, _, rest = sentence.partition(next((w for w in places if sentence.startswith(w)), "?"))
    if where or not ADVICE.search(rest):
        return sentence, f"names no endpoint, or not what to do: {sentence}"
    return sentence, ""


def test_the_tables_know_only_faults_that_there_are() -> None:
    named = set().union(*ENDING.values(), *HARMLESS.values())
    assert named <= set(FAULTS)
    assert all(possible(endpoint, fault) for endpoint in ENDING for fault in ENDING[endpoint] | HARMLESS[endpoint])


def test_every_fault_at_every_request_ends_well() -> None:
    """Alone, each fault is survived, unless the table says that it ends the run; then the sentence names its place."""
    problems, tried, ended = [], 0, 0
    with Sandbox(World.seeded(customers=38, seed=7)) as ycm:
        before = synced(ycm)
        assert attempt(ycm, before) == ("complete", "")
        places = [
            (request.endpoint, sum(earlier.endpoint == request.endpoint for earlier in ycm.requests[: request.n]))
            for request in ycm.requests
        ]
        requests = len(places)
        places = [place for place in places if place != ("customer", 1)]  # the look-up of one that is there
        assert places == [("token", 1), *(("customers", place) for place in (1, 2, 3, 4)), ("customer", 2)]
        for (endpoint, place), fault in itertools.product(places, FAULTS):
            if not possible(endpoint, fault):
                continue
            end, problem = attempt(ycm, before, f"{endpoint}:{place}:{fault}")
            expected = end.startswith(WHERE[endpoint]) if fault in ENDING[endpoint] else end == "complete"
            again = len(ycm.requests) > requests
            if expected and end == "complete" and again == (fault in HARMLESS[endpoint]):
                problem = f"{len(ycm.requests)} requests"
            if problem or not expected:
                problems.append(f"{endpoint}:{place}:{fault} -> {end} {problem}")
            tried += 1
            ended += end != "complete"
    print(  # noqa: T201 - README quotes it
        f"{tried} runs, one for each possible place of {len(FAULTS)} faults ({len(KINDS)} kinds) in the {len(places)} "
        f"requests of a run: {tried - ended} complete, {ended} ended with a sentence, nothing lost or deleted"
    )
    assert not problems, "\n".join(problems)


def test_pairs_of_faults_end_well() -> None:
    rng = random.Random(7)  # noqa: S311 - a choice of cases, not a secret
    places = [("token", 1), ("token", 2), *(("customers", place) for place in range(1, 7)), ("customer", 2)]
    cases = [(*place, fault) for place in places for fault in FAULTS if possible(place[0], fault)]
    problems, ended = [], 0
    with Sandbox(World.seeded(customers=38, seed=7)) as ycm:
        before = synced(ycm)
        for _ in range(150):
            pair = rng.sample(cases, 2)
            end, problem = attempt(ycm, before, *(f"{endpoint}:{place}:{fault}" for endpoint, place, fault in pair))
            may_end = any(fault in ENDING[endpoint] for endpoint, _, fault in pair)
            if not may_end and end != "complete":
                problem = problem or "should have been survived"
            if problem:
                problems.append(f"{pair} -> {end} {problem}")
            ended += end != "complete"
    print(f"150 pairs of faults: {150 - ended} runs complete, {ended} ended with a sentence")  # noqa: T201
    assert not problems, "\n".join(problems)


def test_every_fault_that_stays_ends_in_a_sentence() -> None:
    """Without a budget for repetitions, whatever is not harmless ends the run at once."""
    problems, tried = [], 0
    with Sandbox(World.seeded(customers=38, seed=7)) as ycm:
        before = synced(ycm)
        for endpoint, fault in itertools.product(ENDING, FAULTS):
            if not possible(endpoint, fault) or (endpoint == "customer" and fault in WITH_MEANING):
                continue
            end, problem = attempt(ycm, before, f"{endpoint}:*:{fault}", retry_budget=0)
            if problem or (end == "complete") != (fault in HARMLESS[endpoint]):
                problems.append(f"{endpoint}:*:{fault} -> {end} {problem}")
            tried += 1
    print(f"{tried} runs with a fault that stays")  # noqa: T201
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("fault", ["stall=3", "drip=0.05"])
@pytest.mark.parametrize("endpoint", ["customers", "token"])
def test_an_answer_that_is_too_slow_is_asked_for_again(endpoint: str, fault: str) -> None:
    with Sandbox(World.seeded(customers=38, seed=7)) as ycm:
        assert attempt(ycm, synced(ycm), f"{endpoint}:1:{fault}", request_timeout=1) == ("complete", "")
        # One that drips may be over in time after all; one that stalls is not.
        assert len(ycm.requests) == 8 or fault.startswith("drip")


@pytest.mark.parametrize("kind", ["truncated", "truncated_gzip", "corrupt_gzip", "drip=0", "reset_after=20"])
def test_compressed_answers_are_read_whole_or_asked_for_again(kind: str) -> None:
    with Sandbox(World.seeded(customers=38, seed=7), assumptions=Assumptions(gzip=True)) as ycm:
        before = synced(ycm)
        for place in (1, 2, 3, 4):
            assert attempt(ycm, before, f"customers:{place}:{kind}") == ("complete", "")


# Error codes


CUSTOMERS = Listing("/v1/customers", "customerId")


def client_of(ycm: Sandbox, **settings: object) -> Client:
    return Client(Settings.of(settings_for(ycm, **settings)), logging.getLogger("tap-ycm"), Stop())


def ask(ycm: Sandbox, *faults: str, **settings: object) -> ApiError | None:
    """Ask for one page with a new client among faults; return what it raised."""
    ycm.faults.clear()
    ycm.faults.add(*faults)
    ycm.reset_log()
    client = client_of(ycm, **settings)
    try:
        page = client.ask(page_of(CUSTOMERS, PageRequest(1, 10)))
    except ApiError as failure:
        return failure
    finally:
        client._session.close()
    assert page.ids == ycm.world.ids()[:10]
    return None


def asked(ycm: Sandbox) -> dict[str, int]:
    return {name: sum(request.endpoint == name for request in ycm.requests) for name in ("token", "customers")}


SHAPES = [
    {"error_http": http, "error_code_as": kind, "error_code_field": field, "error_status_field": status}
    for http in ("mapped", "always_200")
    for kind in ("number", "string")
    for field in ("errCode", "errcode", "errorCode", "errno", "code")
    for status in ("status", "Status")
]


@pytest.fixture(scope="module")
def ycm() -> Iterator[Sandbox]:
    with Sandbox(World.seeded(customers=37, seed=7)) as sandbox:
        yield sandbox


@pytest.mark.parametrize("code", ERRORS)
def test_a_documented_code_of_the_list_is_acted_on_in_every_shape(code: int, ycm: Sandbox) -> None:
    known = ERRORS[code]
    for shape in SHAPES:
        ycm.assumptions = Assumptions(**shape)  # type: ignore[arg-type]  # literals, checked when it is made
        failure = ask(ycm, f"customers:1:error={code}")
        if known.action is Action.FAIL:
            assert failure
            assert asked(ycm) == {"token": 1, "customers": 1}, shape
        else:
            assert failure is None, shape
            assert asked(ycm) == {"token": 1, "customers": 2}, shape  # a new token has a second chance
        failure = ask(ycm, f"customers:*:error={code}", retry_budget=0)  # which does not even wait for 0 seconds
        assert str(failure) == (
            f"GET /dm/open_api/v1/customers answered error {code} {known.name} "
            f"(requestId {ycm.requests[-1].request_id}): {known.advice}"
        ), shape
        assert asked(ycm)["customers"] == 1 + (known.action is Action.NEW_TOKEN), shape


@pytest.mark.parametrize("code", ERRORS)
def test_a_documented_code_of_the_token_endpoint_is_acted_on_in_every_shape(code: int, ycm: Sandbox) -> None:
    """A refusal is final there: a second one could lock the client out."""
    known = ERRORS[code]
    refused = known.action in {Action.FAIL, Action.NEW_TOKEN}
    advice = ERRORS[1000033].advice if known.action is Action.NEW_TOKEN else known.advice
    for shape in SHAPES:
        ycm.assumptions = Assumptions(**shape)  # type: ignore[arg-type]  # literals, checked when it is made
        failure = ask(ycm, f"token:1:error={code}")
        assert (failure is not None) == refused, shape
        assert asked(ycm) == ({"token": 1, "customers": 0} if refused else {"token": 2, "customers": 1}), shape
        sentence = str(ask(ycm, f"token:*:error={code}", retry_budget=0))
        assert asked(ycm) == {"token": 1, "customers": 0}, shape
        assert sentence.startswith("POST /dm/open_api/oauth/token answered "), sentence
        for part in (f"error {code} {known.name}", f"(requestId {ycm.requests[-1].request_id})", f": {advice}"):
            assert part in sentence, (part, sentence, shape)


BY_STATUS = {
    400: (Action.FAIL, "look the code up"),
    401: (Action.NEW_TOKEN, "YCM refuses the token that it has issued"),
    403: (Action.FAIL, "check the API switch"),
    404: (Action.FAIL, "check that base_url is your YCM"),
    408: (Action.RETRY, "run the tap again later"),
    409: (Action.FAIL, "look the code up"),
    425: (Action.RETRY, "run the tap again later"),
    429: (Action.WAIT, "run the tap less often"),
    500: (Action.RETRY, "run the tap again later"),
    503: (Action.RETRY, "run the tap again later"),
    599: (Action.RETRY, "run the tap again later"),
}


@pytest.mark.parametrize("status", BY_STATUS)
def test_an_unknown_code_is_acted_on_by_its_http_status(
    status: int, ycm: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    action, advice = BY_STATUS[status]
    monkeypatch.setattr(answers, "describe", lambda _: YcmError("UNLISTED", status))
    ycm.assumptions = Assumptions()
    failure = ask(ycm, "customers:1:error=1777777")
    assert (failure is not None) == (action is Action.FAIL)
    assert asked(ycm)["customers"] == 1 + (action is not Action.FAIL)
    failure = ask(ycm, "customers:*:error=1777777", retry_budget=0)
    assert f"answered HTTP status {status}, error 1777777 (requestId {ycm.requests[-1].request_id})" in str(failure)
    assert advice in str(failure)
    failure = ask(ycm, "token:1:error=1777777")
    refused = action in {Action.FAIL, Action.NEW_TOKEN}
    assert (failure is not None) == refused
    assert asked(ycm)["token"] == 1 + (not refused)


@pytest.mark.parametrize("error_http", ["mapped", "always_200"])
def test_an_unknown_code_without_a_telling_status_is_still_named(error_http: str, ycm: Sandbox) -> None:
    ycm.assumptions = Assumptions(error_http=error_http)  # type: ignore[arg-type]  # a literal
    failure = ask(ycm, "customers:1:error=1777777")
    assert "error 1777777" in str(failure)
    assert str(ycm.requests[-1].request_id) in str(failure)
    assert asked(ycm)["customers"] == 1


# The token endpoint as OAuth has it


@pytest.mark.parametrize("error_http", ["mapped", "always_200"])
def test_credentials_refused_the_oauth_way_are_tried_once(error_http: str, ycm: Sandbox) -> None:
    ycm.assumptions = Assumptions(grant_errors="oauth", error_http=error_http)  # type: ignore[arg-type]  # a literal
    failure = ask(ycm, client_secret="wrong")  # noqa: S106 - no secret
    assert failure
    assert failure.action is Action.FAIL
    assert asked(ycm) == {"token": 1, "customers": 0}
    assert str(failure).startswith("POST /dm/open_api/oauth/token answered ")
    assert ERRORS[1000033].advice in str(failure)
    assert "wrong" not in str(failure)


@pytest.mark.parametrize("code", [1000001, 1000012, 1000030, 1000040])
def test_trouble_told_the_oauth_way_is_no_refusal(code: int, ycm: Sandbox) -> None:
    """The HTTP status says that it may pass, whatever word the body has for it."""
    ycm.assumptions = Assumptions(grant_errors="oauth")
    assert ask(ycm, f"token:1:error={code}") is None
    assert asked(ycm) == {"token": 2, "customers": 1}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_an_error_page_in_json_as_spring_writes_it_is_trouble_of_the_server(status: int) -> None:
    body = b'{"timestamp":"2026-01-01T00:00:00Z","status":%d,"error":"Trouble","path":"/oauth/token"}' % status
    expected = Action.WAIT if status == 429 else Action.RETRY
    readers: tuple[Callable[[], Any], ...] = (
        lambda: parse_token(body, status, "POST /token"),
        lambda: parse_page(body, status, "GET /list", "customerId"),
    )
    for read in readers:
        with pytest.raises(ApiError) as caught:
            read()
        assert caught.value.action is expected
        assert f"HTTP status {status}" in str(caught.value)


def test_an_ip_restriction_at_the_token_endpoint_is_called_so(ycm: Sandbox) -> None:
    """The first thing a restricted client meets: its credentials are not what is wrong."""
    ycm.assumptions = Assumptions()
    failure = ask(ycm, "token:1:error=1000042")
    assert "IP restriction" in str(failure)
    assert "credentials" not in str(failure)
