"""Never more than 60 requests, never too fast, never a wrong login; what cannot be asked leaves a partial report."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from probing import findings, look, report_on

from tap_ycm.http.waiting import Pace
from tap_ycm.http.wire import Wire
from tap_ycm.probe import asker
from tap_ycm.probe.asker import Asker
from tap_ycm.probe.inquiry import Inquiry
from tap_ycm.probe.line import Ask, EndError, Line
from tap_ycm.probe.plan import MOST_REQUESTS, PLAN, plan, told
from tap_ycm.sandbox import Assumptions, Limit, Sandbox
from tap_ycm.sandbox.faults import KINDS
from tap_ycm.settings import Settings
from tap_ycm.stopping import Stop

if TYPE_CHECKING:
    from tap_ycm.http.wire import Received

SHORT = {"stall": "stall=0.001", "drip": "drip=0"}
NOT_SEEN = {
    "stall",
    "drip",
    "bom",
    "lone_surrogate",
    "bad_utf8",
    "redirect",
    "error",
    "data_null",
    "list_null",
    "no_list",
}
"""Faults that leave an answer, or that are one."""


def settings(ycm: Sandbox) -> Settings:
    given = {"base_url": ycm.url, "client_id": ycm.client_id, "client_secret": ycm.client_secret}
    return Settings.of(given)


def test_the_plan_is_within_the_budget_and_says_what_it_asks() -> None:
    assert sum(step.at_most for step in PLAN) == MOST_REQUESTS == 60
    assert len({step.name for step in PLAN}) == len(PLAN)
    text = " ".join(told(PLAN, 60).split())
    assert all(step.says in text for step in PLAN)
    assert "at most 60 requests" in text
    assert "wrong_token" not in {step.name for step in plan(wrong_token=False)}


def test_the_line_refuses_the_61st_request() -> None:
    with Sandbox() as ycm:
        line = Line(settings(ycm), Stop(), Pace(None))
        for _ in range(MOST_REQUESTS):
            line.send(Ask("", "", "/v1/customers"))
        with pytest.raises(EndError, match="all 60 requests"):
            line.send(Ask("", "", "/v1/customers"))
        line.close()
        assert len(ycm.requests) == MOST_REQUESTS


def test_requests_keep_the_pace_and_come_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock of the test's own: all that waits is the pace."""
    clock = [0.0]
    sent: list[float] = []
    send = Wire.send

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    def noted(wire: Wire, where: str, request: Any) -> Received:
        sent.append(clock[0])
        return send(wire, where, request)

    monkeypatch.setattr(Wire, "send", noted)
    with Sandbox() as ycm:
        line = Line(settings(ycm), Stop(), Pace(60, lambda: clock[0], sleep))
        seen = Inquiry(Asker(settings(ycm), line, lambda _: None), plan(wrong_token=True)).run()
        line.close()
        assert ycm.max_in_flight == 1
    assert seen.ended is None
    assert len(sent) == len(seen.observations) > 40
    assert min(b - a for a, b in pairwise(sent)) >= 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_faults_leave_a_report_that_is_marked(kind: str) -> None:
    """Every third request goes wrong: five are repeated, the others are missing."""
    where = "customers" if kind in {"no_list", "list_null", "big_int_id", "lone_surrogate", "data_null"} else "any"
    where = "token" if kind == "no_access_token" else where
    fault = SHORT.get(kind, kind)
    with Sandbox(faults=[f"{where}:*/{1 if where == 'token' else 3}:{fault}"]) as ycm:
        made = report_on(ycm)
        assert made["requests"] == len(ycm.requests) <= MOST_REQUESTS
        assert ycm.faults.fired[kind]
    assert made["complete"] == (not made["why_not"])
    if kind not in {*NOT_SEEN, "big_int_id", "expired_token", "invalid_token", "session_expired", "unauthorized"}:
        assert not made["complete"]
    for name, one in findings(made).items():
        # An answer that YCM did not give says nothing of YCM. Those that look like YCM's are taken for its own.
        if kind not in NOT_SEEN | {"failed_200"}:
            assert one["state"] != "differs" or name in {"token_uses", "gzip"}, one


@pytest.mark.parametrize(
    ("world", "why"),
    [
        ({"token_uses": 5}, "the token has ended before its time, for the 5th time"),
        ({"token_refusals": 9}, "YCM refuses the token that it has just issued"),
        ({"token_life": 0.0}, "YCM refuses the token that it has just issued"),
        ({"limit": Limit(12, 1, 9000, retry_after="seconds")}, "YCM limits the rate"),
        ({"limit": Limit(12, 1, 9000)}, "YCM limits the rate"),
    ],
)
def test_what_ends_a_probe_leaves_what_was_seen(world: dict[str, Any], why: str) -> None:
    with Sandbox(assumptions=Assumptions(**world)) as ycm:
        made = report_on(ycm, patience=0.001)
        assert len(ycm.requests) == made["requests"] <= MOST_REQUESTS
    assert not made["complete"]
    assert why in made["why_not"][0]
    assert made["exchanges"]


def test_a_limit_is_obeyed_as_it_asks() -> None:
    with Sandbox(assumptions=Assumptions(limit=Limit(20, 20, 1, retry_after="seconds"))) as ycm:
        made = report_on(ycm)
        log = ycm.requests
    assert made["complete"]
    met = [place for place, one in enumerate(log) if one.http_status == 429]
    assert met
    assert all(log[place + 1].at - log[place].at >= 1.0 for place in met)
    assert {one["setting"] for one in made["advice"]} == {"max_requests_per_minute"}
    assert findings(made)["limit"]["like"]["http_status"] == 429


def test_waiting_for_limits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asker, "MOST_WAITED", 1.5)
    with Sandbox(assumptions=Assumptions(limit=Limit(20, 20, 1, retry_after="seconds"))) as ycm:
        made = report_on(ycm)
    assert not made["complete"]
    assert "limits the rate" in made["why_not"][0]


def test_a_refused_login_is_not_repeated() -> None:
    with Sandbox() as ycm:
        made = report_on(ycm, client_secret="wrong")  # noqa: S106 - that is the point
        assert [(one.endpoint, one.http_status) for one in ycm.requests] == [("token", 401)]
    what = "the token endpoint answers error 1000002 AUTHENTICATION_FAILED"
    assert made["why_not"] == [f"{what}: check client_id and client_secret (YCM: System > API)"]
    assert findings(made)["grant_errors"]["value"] == "ycm"


@pytest.mark.parametrize(("way", "code"), [("ycm", 1000002), ("oauth", None)])
def test_the_form_of_a_refused_login_is_told(way: str, code: int | None) -> None:
    with Sandbox(assumptions=Assumptions(grant_errors=way)) as ycm:  # type: ignore[arg-type] # one of the two
        made = report_on(ycm, client_secret="wrong")  # noqa: S106 - that is the point
    assert findings(made)["grant_errors"]["value"] == way
    assert made["exchanges"][0].get("code") == code


@pytest.mark.parametrize("allowed", [False, True])
def test_a_wrong_token_is_sent_only_if_that_is_allowed_and_once(allowed: bool) -> None:  # noqa: FBT001 - a parameter
    with Sandbox() as ycm:
        made = report_on(ycm, wrong_token=allowed)
        refused = [one for one in ycm.requests if not one.authorised and one.endpoint != "token"]
    assert len(refused) == allowed
    fact = next(one for one in made["facts"] if one["name"] == "wrong_token")
    assert fact["value"] == ({"status": 401, "code": 1000036} if allowed else None)


def test_a_token_that_is_given_is_used_and_no_other_is_asked_for() -> None:
    with Sandbox() as ycm:
        token = ycm._tokens.issue(ycm.client_id, ycm.client_secret, "client_credentials", ycm.assumptions)[
            "access_token"
        ]
        made = report_on(ycm, access_token=token)
        assert "token" not in {one.endpoint for one in ycm.requests}
        ycm.reset_log()
        refused = report_on(ycm, access_token="not-a-token")  # noqa: S106 - that is the point
        assert len(ycm.requests) == 1
    assert made["complete"]
    assert findings(made)["one_token"]["why"] == "no token is asked for where one is given"
    assert refused["why_not"] == ["the access token is refused"]


def test_who_does_not_answer_is_not_asked_for_long() -> None:
    with Sandbox() as ycm:
        gone = settings(ycm)
    line = Line(gone, Stop(), Pace(None))
    seen = Inquiry(Asker(gone, line, lambda _: None, 0.01), plan(wrong_token=False)).run()
    line.close()
    assert len(seen.observations) <= 3
    assert seen.ended == "nothing listens at YCM: check base_url and the network"


def test_who_answers_no_more_is_not_asked_for_long() -> None:
    with Sandbox(faults=[f"{one}:*:reset" for one in ("customers", "cloud_pbxs", "users")]) as ycm:
        made = report_on(ycm)
        assert [one.endpoint for one in ycm.requests] == ["token", "customers", "customers", "cloud_pbxs"]
    assert made["why_not"][0].startswith("3 requests in a row had no answer: the connection broke")


def test_an_answer_that_is_missing_makes_the_report_partial_and_leaves_open_what_it_would_show() -> None:
    """A list, and the one page that shows whether lists are sorted as asked."""
    with Sandbox(faults=["regions:*:http=503", "customers:2:http=503", "customers:3:http=503"]) as ycm:
        made = report_on(ycm)
        assert len(ycm.requests) == made["requests"]
    numbers = [one["n"] for one in made["exchanges"] if one["status"] == 503]
    assert made["why_not"] == [f"requests without a proper answer: {numbers[1]}, {numbers[3]}"]
    assert {one["name"]: one["outcome"] for one in made["streams"]}["regions"] == "unanswered"
    assert findings(made)["honour_sort"]["state"] == "open"
    assert findings(made)["denied"]["why"] == "unclear why these failed: regions"
    assert not [one for one in made["assumptions"] if one["state"] == "differs"]


def test_an_account_that_may_read_nothing_is_told_as_that() -> None:
    with Sandbox() as ycm:
        every = tuple(one["name"] for one in report_on(ycm)["streams"])
    with Sandbox(assumptions=Assumptions(denied=every, denied_code=1000042)) as ycm:
        made = report_on(ycm)
    assert {one["outcome"] for one in made["streams"]} == {"refused", "not asked"}
    assert {one["setting"] for one in made["advice"]} == {"select"}
    assert findings(made)["denied_code"]["value"] == 1000042


@pytest.mark.parametrize("customers", [0, 1, 2, 3, 6, 49, 50, 51, 100, 950, 1001, 5000])
def test_nothing_is_claimed_of_lists_of_any_length_that_is_not_so(customers: int) -> None:
    with Sandbox(customers=customers) as ycm:
        made = report_on(ycm)
        assert len(ycm.requests) <= MOST_REQUESTS
    assert made["complete"]
    assert not [one for one in made["assumptions"] if one["state"] == "differs"]


def test_an_empty_account_is_no_trouble() -> None:
    with Sandbox() as ycm:
        sizes = dict.fromkeys(ycm.tables, 0)
    with Sandbox(sizes=sizes) as ycm:
        made = report_on(ycm)
    assert made["complete"]
    assert not [one for one in made["assumptions"] if one["state"] == "differs"]
    assert findings(made)["honour_sort"]["why"] == "no sorted list shows two rows or more"


def test_the_probe_changes_nothing() -> None:
    with Sandbox() as ycm:
        look(ycm, wrong_token=True)
        assert {one.method for one in ycm.requests} == {"GET", "POST"}
        assert {one.endpoint for one in ycm.requests if one.method == "POST"} == {"token"}
        assert all(world.seq == 0 for world in ycm.tables.values())
