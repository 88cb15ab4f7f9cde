"""Pages of customers: the documented shape, and every way to serve them wrong."""

from __future__ import annotations

import http.client
import json
import threading
import time
from email.utils import parsedate_to_datetime
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import pytest
from raw_client import CUSTOMERS, RawClient

from tap_ycm.sandbox import Assumptions, Limit, Sandbox, World

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_page_is_as_in_the_vendors_example(start: Callable[..., RawClient]) -> None:
    """query-all-the-customers: pageSize=3&pageNumber=1&sort=customerId."""
    world = World.seeded(364)
    answer = start(world).get(pageSize=3, pageNumber=1, sort="customerId")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    body = answer.json()
    assert list(body) == ["data", "requestId", "status", "time"]
    assert len(bytes.fromhex(body["requestId"])) == 16
    assert body["status"] == "Success"
    assert abs(body["time"] - time.time()) < 5
    rows = [world.row(one) for one in world.ids()[:3]]
    assert body["data"] == {
        "pageSize": 3,
        "pageNumber": 1,
        "total": 364,
        "list": rows,
    }
    assert list(body["data"]) == ["pageSize", "pageNumber", "total", "list"]


def test_pages_in_both_directions(start: Callable[..., RawClient]) -> None:
    """All pages together are the list; the last is short; beyond it is nothing."""
    client = start(customers=103)
    ids = client.sandbox.world.ids()
    for sort, expected in (("customerId", ids), ("-customerId", ids[::-1])):
        pages = [client.ids(pageSize=50, pageNumber=n, sort=sort) for n in range(1, 5)]
        assert [len(page) for page in pages] == [50, 50, 3, 0]
        assert list(chain.from_iterable(pages)) == expected
        assert [one.ids for one in client.sandbox.requests[-4:]] == [tuple(page) for page in pages]


def test_defaults_and_limits(start: Callable[..., RawClient]) -> None:
    """Page 1 of 10 by default; at most 50; nothing below 1, nothing but numbers."""
    client = start()
    ids = client.sandbox.world.ids()
    assert client.ids() == ids[:10]
    data = client.page(pageSize=51)
    assert (data["pageSize"], len(data["list"])) == (50, 50)
    for bad in ("0", "-1", "x", "", "1.5", "1_0", " 1", "٣", "9" * 99):
        for name in ("pageSize", "pageNumber"):
            answer = client.get(**{name: bad})  # type: ignore[arg-type] # query only
            assert (answer.status_code, answer.json()["errCode"]) == (400, 1000004)
    assert client.get(sort="-nothing").json()["errCode"] == 1000004
    assert client.ids(pageNumber=10**17) == []


def test_any_field_sorts(start: Callable[..., RawClient]) -> None:
    """As the page says: any response parameter."""
    rows = start(customers=50).page(pageSize=50, sort="-email")["list"]
    emails = [row["email"] for row in rows]
    assert emails == sorted(emails, reverse=True)


def test_one_customer(start: Callable[..., RawClient]) -> None:
    """The same fields, or DATA_NOT_FOUND."""
    client = start()
    first = client.sandbox.world.ids()[0]
    body = client.get(f"{CUSTOMERS}/{first}").json()
    assert body["data"] == client.sandbox.world.row(first)
    client.sandbox.world.delete(first)
    for gone in (first, "x", 2**70, "9" * 5000):
        answer = client.get(f"{CUSTOMERS}/{gone}")
        assert (answer.status_code, answer.json()["errCode"]) == (404, 1000005)
    client.sandbox.assumptions = Assumptions(unset="null")
    second = client.sandbox.world.ids()[0]
    assert len(client.get(f"{CUSTOMERS}/{second}").json()["data"]) == 15


def test_anything_else_is_a_ycm_error(start: Callable[..., RawClient]) -> None:
    """Also writing, which a tap must never do."""
    client = start()
    paths = ("/", "/dm/open_api/v2/customers", f"{CUSTOMERS}/1/2", f"{CUSTOMERS}/")
    for path in paths:
        assert client.get(path).json()["errCode"] == 1000005
    for method in ("POST", "PUT", "DELETE"):
        answer = client.session.request(method, client.sandbox.url + CUSTOMERS)
        assert (answer.status_code, answer.json()["errCode"]) == (404, 1000005)


def numbered(start: Callable[..., RawClient], **assumed: Any) -> RawClient:
    """Start a world with the ids 1 to 95 under some assumptions."""
    world = World.seeded(95, first_id=1, gap=1)
    return start(world, assumptions=Assumptions(**assumed))


@pytest.mark.parametrize(
    ("assumed", "query", "shown"),
    [
        ({"max_page_size": 20}, {"pageSize": 50}, (20, 1, 95, 1, 20)),
        ({"default_page_size": 7}, {}, (7, 1, 95, 1, 7)),
        ({"over_max": "echo_asked"}, {"pageSize": 80}, (80, 1, 95, 1, 50)),
        ({"below_one": "one"}, {"pageSize": 0, "pageNumber": -3}, (1, 1, 95, 1, 1)),
        ({}, {"pageNumber": 11}, (10, 11, 95, None, None)),
        ({"past_end": "last"}, {"pageNumber": 99}, (10, 99, 95, 91, 95)),
        (
            {"past_end": "last", "echo_page": "served"},
            {"pageNumber": 99},
            (10, 10, 95, 91, 95),
        ),
        ({"honour_page": False}, {"pageNumber": 3}, (10, 3, 95, 1, 10)),
        (
            {"honour_page": False, "echo_page": "served"},
            {"pageNumber": 3},
            (10, 1, 95, 1, 10),
        ),
        ({"echo": "string"}, {"pageNumber": 2}, ("10", "2", 95, 11, 20)),
        ({"echo": "missing"}, {"pageNumber": 2}, (None, None, 95, 11, 20)),
        ({"honour_sort": False}, {"sort": "-customerId"}, (10, 1, 95, 1, 10)),
        ({"default_order": "descending"}, {}, (10, 1, 95, 95, 86)),
        (
            {"default_order": "descending"},
            {"sort": "customerId"},
            (10, 1, 95, 1, 10),
        ),
        ({"unknown_sort": "ignore"}, {"sort": "x"}, (10, 1, 95, 1, 10)),
        ({"total_as": "string"}, {}, (10, 1, "95", 1, 10)),
        ({"total_as": "null"}, {}, (10, 1, None, 1, 10)),
        ({"total_as": "missing"}, {}, (10, 1, None, 1, 10)),
        ({"total_as": "garbage"}, {}, (10, 1, "many", 1, 10)),
        ({"total_offset": -23}, {}, (10, 1, 72, 1, 10)),
        ({"total_offset": -99}, {}, (10, 1, 0, 1, 10)),
        ({"total_cap": 60}, {}, (10, 1, 60, 1, 10)),
        ({"total_fixed": 10**9}, {}, (10, 1, 10**9, 1, 10)),
        ({"total_fixed": 0}, {}, (10, 1, 0, 1, 10)),
        ({"total_fixed": 50, "total_offset": -1, "total_cap": 40}, {}, (10, 1, 40, 1, 10)),
        ({"past_end": "around"}, {"pageNumber": 10}, (10, 10, 95, 91, 95)),
        ({"past_end": "around"}, {"pageNumber": 12}, (10, 12, 95, 11, 20)),
        ({"past_end": "invented"}, {"pageNumber": 10}, (10, 10, 95, 91, 100)),
        ({"past_end": "invented"}, {"pageNumber": 12}, (10, 12, 95, 111, 120)),
        ({"past_end": "invented"}, {"pageNumber": 11, "sort": "-customerId"}, (10, 11, 95, -5, -14)),
        ({"page_offset": 1}, {}, (10, 1, 95, 11, 20)),
        ({"page_gap": 1}, {"pageNumber": 3}, (10, 3, 95, 23, 32)),
        ({"page_gap": -1}, {"pageNumber": 3}, (10, 3, 95, 19, 28)),
        ({"window": 23}, {"pageNumber": 2}, (10, 2, 95, 11, 20)),
        ({"window": 23}, {"pageNumber": 3}, (10, 3, 95, 21, 23)),
        ({"window": 23}, {"pageNumber": 4}, (10, 4, 95, None, None)),
        ({"window": 23}, {"pageNumber": 3, "sort": "-customerId"}, (10, 3, 95, 75, 73)),
        ({"window": 0}, {}, (10, 1, 95, None, None)),
        ({"short_by": 3}, {"pageNumber": 2}, (10, 2, 95, 11, 17)),
        ({"short_by": 3, "short_pages": (7, 3)}, {"pageNumber": 2}, (10, 2, 95, 11, 20)),
        ({"short_by": 3, "short_pages": (7, 3)}, {"pageNumber": 3}, (10, 3, 95, 21, 27)),
        ({"short_by": 3}, {"pageNumber": 10}, (10, 10, 95, 91, 92)),
        ({"short_by": 99}, {"pageNumber": 2}, (10, 2, 95, None, None)),
        ({"hidden": 5}, {"pageNumber": 2}, (10, 2, 95, 13, 24)),
        ({"hidden": 5, "hidden_counted": False}, {"pageNumber": 8}, (10, 8, 76, 88, 94)),
        ({"sort_as": "text"}, {"sort": "customerId"}, (10, 1, 95, 1, 18)),
        ({"sort_as": "text"}, {"sort": "-customerId"}, (10, 1, 95, 95, 87)),
    ],
)
def test_each_assumption_about_pages(
    start: Callable[..., RawClient],
    assumed: dict[str, Any],
    query: dict[str, Any],
    shown: tuple[Any, ...],
) -> None:
    """What is told (size, number, total) and what is served (first, last id)."""
    data = numbered(start, **assumed).page(**query)
    ids = [row["customerId"] for row in data["list"]] or [None]
    told = (data.get("pageSize"), data.get("pageNumber"), data.get("total"))
    assert (*told, ids[0], ids[-1]) == shown


def test_more_assumptions_about_pages(start: Callable[..., RawClient]) -> None:
    """Those that one answer does not show."""
    client = numbered(start, over_max="refuse")
    assert client.get(pageSize=51).json()["errCode"] == 1000004
    assert client.get(pageSize=50).ok

    client.sandbox.assumptions = Assumptions(default_order="shuffled")
    pages = [client.ids(pageNumber=n, pageSize=50) for n in (1, 2)]
    assert sorted(chain.from_iterable(pages)) == list(range(1, 96))
    assert pages[0] not in (sorted(pages[0]), sorted(pages[0], reverse=True))
    assert client.ids(pageSize=50) == pages[0]

    client.sandbox.assumptions = Assumptions(total_wobble=2)
    totals = [client.page()["total"] for _ in range(6)]
    assert all(a != b for a, b in pairwise(totals))
    assert set(totals) == {93, 94, 95, 96, 97}

    client.sandbox.assumptions = Assumptions(default_order="reshuffled")
    pages = [client.ids(pageSize=50, pageNumber=n) for n in (1, 2, 1)]
    assert pages[0] != pages[2]
    assert len({*pages[0], *pages[1]}) < 95

    for divisor in (5, 7):
        client.sandbox.assumptions = Assumptions(hidden=divisor)
        assert client.ids(pageSize=50) == [one for one in range(1, 96) if one % divisor][:50]

    client.sandbox.assumptions = Assumptions(total_as="float")
    assert isinstance(client.page()["total"], float)
    client.sandbox.assumptions = Assumptions(total_as="missing")
    assert "total" not in client.page()

    client.sandbox.assumptions = Assumptions(unset="empty")
    assert all(len(row) == 15 for row in client.page()["list"])


def test_every_nth_page_may_be_stale(start: Callable[..., RawClient]) -> None:
    """It shows the list as it was some events ago, and the log says so."""
    client = numbered(start, stale_every=3, stale_lag=2)
    world = client.sandbox.world
    world.delete(1)
    world.delete(2)
    world.create()
    assert [client.ids()[0] for _ in range(3)] == [3, 3, 2]
    assert client.page()["total"] == 94
    assert [one.seq for one in client.sandbox.requests[1:]] == [3, 3, 1, 3]


def test_a_total_may_be_older_than_its_rows(start: Callable[..., RawClient]) -> None:
    """It lags behind, or is counted now and then only."""
    client = numbered(start, total_lag=2)
    world = client.sandbox.world
    for one in (1, 2, 3):
        world.delete(one)
    data = client.page()
    assert (data["total"], data["list"][0]["customerId"]) == (94, 4)
    client.sandbox.reset_log()
    client.sandbox.assumptions = Assumptions(total_every=3)
    totals = []
    for one in (4, 5, 6, 7):
        world.delete(one)
        totals.append(client.page()["total"])
    assert totals == [94, 94, 89, 89]


def test_broken_worlds_go_together(start: Callable[..., RawClient]) -> None:
    """A window over a list that hides some, in an older state, and a total that tells neither."""
    client = numbered(start, window=20, hidden=5, stale_every=1, stale_lag=1, total_lag=1)
    client.sandbox.world.delete(1)
    data = client.page(pageNumber=2)
    assert [row["customerId"] for row in data["list"]] == [13, 14, 16, 17, 18, 19, 21, 22, 23, 24]
    assert data["total"] == 95
    assert client.ids(pageNumber=3) == []


def test_invented_customers_are_rows_like_others(start: Callable[..., RawClient]) -> None:
    """Of a list that is empty, too."""
    client = start(World(), assumptions=Assumptions(past_end="invented"))
    data = client.page()
    assert [row["customerId"] for row in data["list"]] == list(range(1, 11))
    assert all(row["email"] for row in data["list"])
    assert data["total"] == 0


def test_who_is_hidden_is_found_when_asked_for(start: Callable[..., RawClient]) -> None:
    """Look-ups know nothing of what is wrong with the list."""
    client = numbered(start, hidden=5, window=0, default_order="reshuffled", honour_sort=False)
    assert client.get(f"{CUSTOMERS}/5").json()["data"] == client.sandbox.world.row(5)


@pytest.mark.parametrize(
    ("assumed", "asked", "status", "code", "shown"),
    [
        ({"look_up": "not_permitted"}, 5, 403, 1000043, None),
        ({"look_up": "not_permitted"}, 99, 403, 1000043, None),
        ({"look_up": "not_found"}, 5, 404, 1000005, None),
        ({"look_up": "another"}, 5, 200, None, 1),
        ({"look_up": "another"}, 1, 200, None, 2),
        ({"look_up": "another"}, 99, 200, None, 1),
        ({"look_up_lag": 1}, 95, 200, None, 95),
        ({"look_up_lag": 1}, 5, 200, None, 5),
        ({"look_up_lag": 1}, 99, 404, 1000005, None),
        ({"not_found_as": "http_404"}, 5, 200, None, 5),
        ({"not_found_as": "http_404"}, 99, 404, None, None),
        ({"not_found_as": "http_404", "look_up": "not_found"}, 5, 404, None, None),
        ({"not_found_as": "null"}, 99, 200, None, None),
    ],
)
def test_each_assumption_about_one_customer(  # noqa: PLR0913, PLR0917 - parameters
    start: Callable[..., RawClient],
    assumed: dict[str, Any],
    asked: int,
    status: int,
    code: int | None,
    shown: int | None,
) -> None:
    """Status, code and whose row; the last event was a deletion."""
    client = numbered(start, **assumed)
    client.sandbox.world.delete(95)
    answer = client.get(f"{CUSTOMERS}/{asked}")
    body = answer.json()
    assert (answer.status_code, body.get("errCode")) == (status, code)
    assert (body.get("data") or {}).get("customerId") == shown
    assert ("data" in body) == (status == 200)
    assert body.get("data") != {}
    assert body["status"] == ("Success" if status == 200 else "Failed")
    record = client.sandbox.requests[-1]
    assert (record.endpoint, record.http_status, record.ycm_code) == ("customer", status, code)
    assert record.ids == (() if shown is None else (shown,))


@pytest.mark.parametrize("assumed", [{"look_up": "html_404"}, {"not_found_as": "html_404"}])
def test_a_look_up_may_end_at_a_gateway(start: Callable[..., RawClient], assumed: dict[str, Any]) -> None:
    """A web page says 404, and YCM nothing."""
    answer = numbered(start, **assumed).get(f"{CUSTOMERS}/99")
    assert (answer.status_code, answer.text[:9]) == (404, "<!DOCTYPE")
    assert answer.headers["Content-Type"].startswith("text/html")


def test_an_empty_list_has_no_other_customer(start: Callable[..., RawClient]) -> None:
    """So nobody is found."""
    client = start(World(), assumptions=Assumptions(look_up="another"))
    assert client.get(f"{CUSTOMERS}/1").json()["errCode"] == 1000005


def test_look_ups_are_limited_like_pages(start: Callable[..., RawClient]) -> None:
    """One bucket for both."""
    client = numbered(start, limit=Limit(2, 1, 60))
    assert client.get().ok
    assert client.get(f"{CUSTOMERS}/5").ok
    assert client.get(f"{CUSTOMERS}/5").json()["errCode"] == 1000040
    assert client.get().json()["errCode"] == 1000040


def test_each_assumption_about_errors(start: Callable[..., RawClient]) -> None:
    """Names, types and the HTTP status."""
    client = start(
        assumptions=Assumptions(
            error_code_field="errno",
            error_message_field="errmsg",
            error_code_as="string",
            error_status_field="Status",
            error_http="always_200",
            request_id="uuid",
        )
    )
    answer = client.get(pageNumber=0)
    body = answer.json()
    assert answer.status_code == 200
    assert (body["errno"], body["Status"]) == ("1000004", "Failed")
    assert "below 1" in body["errmsg"]
    assert body["requestId"].count("-") == 4
    assert body.keys() == {"errno", "errmsg", "Status", "requestId", "time"}
    client.sandbox.assumptions = Assumptions(error_code_as="missing", request_id="missing")
    assert client.get(pageNumber=0).json().keys() == {"status", "time"}
    assert "requestId" not in client.get().json()
    assert client.sandbox.requests[-1].request_id is None


def test_a_user_agent_is_needed(start: Callable[..., RawClient]) -> None:
    """Unless assumed otherwise; token requests included."""
    client = start()
    client.get()
    bare = {"Authorization": f"Bearer {client.access}"}
    for assumed, status in (("refuse", 403), ("allow", 200)):
        client.sandbox.assumptions = Assumptions(
            missing_user_agent=assumed  # type: ignore[arg-type] # a Literal
        )
        link = http.client.HTTPConnection("127.0.0.1", client.sandbox.port)
        link.request("GET", CUSTOMERS, headers=bare)
        assert link.getresponse().status == status
        link.close()
        assert client.sandbox.requests[-1].user_agent is None


def test_answers_may_be_compressed(start: Callable[..., RawClient]) -> None:
    """If assumed and the client takes it."""
    client = start(assumptions=Assumptions(gzip=True))
    answer = client.get(pageSize=50)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.json()["data"]["list"]) == 50
    plain = client.get(headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    client.sandbox.assumptions = Assumptions()
    assert "Content-Encoding" not in client.get().headers


@pytest.mark.parametrize("status", [429, 200])
def test_the_limit_refuses(start: Callable[..., RawClient], status: Any) -> None:
    """With the code, and nothing more unless assumed."""
    limit = Limit(2, 1, 60, http_status=status)
    client = start(assumptions=Assumptions(limit=limit))
    answers = [client.get() for _ in range(3)]
    assert [one.json().get("errCode") for one in answers] == [None, None, 1000040]
    assert answers[2].status_code == status
    assert "Retry-After" not in answers[2].headers
    client.sandbox.assumptions = Assumptions()
    assert client.get().ok


def test_the_limit_may_say_when(start: Callable[..., RawClient]) -> None:
    """In seconds or as a date, never too early."""
    client = start(assumptions=Assumptions(limit=Limit(1, 1, 60, retry_after="date")))
    client.get()
    told = parsedate_to_datetime(client.get().headers["Retry-After"]).timestamp()
    assert 59 < told - time.time() <= 61
    seconds = Limit(1, 1, 60, retry_after="seconds")
    client.sandbox.assumptions = Assumptions(limit=seconds)
    client.get()
    assert client.get().headers["Retry-After"] == "60"


@pytest.mark.parametrize("refill", ["stepwise", "continuous"])
def test_the_limit_lets_through_again(start: Callable[..., RawClient], refill: Any) -> None:
    """After its interval."""
    limit = Limit(1, 1, 0.2, refill=refill)
    client = start(assumptions=Assumptions(limit=limit))
    assert client.get().ok
    assert not client.get().ok
    time.sleep(0.21)
    assert client.get().ok


def test_before_answer_makes_precise_interleavings(
    start: Callable[..., RawClient],
) -> None:
    """What it does is in the page that it precedes; refused requests count."""
    client = numbered(start)
    world = client.sandbox.world
    seen = []

    def delete_first(n: int) -> None:
        seen.append(n)
        world.delete(world.ids()[0])

    client.sandbox.before_answer = delete_first
    assert client.ids()[0] == 2
    assert not client.get(pageNumber=0).ok
    assert client.ids()[0] == 3
    assert seen == [1, 3]
    client.sandbox.reset_log()
    assert client.ids()[0] == 4
    assert seen[-1] == 1


def test_before_answer_may_hold_one_request_back(
    start: Callable[..., RawClient],
) -> None:
    """The others are answered meanwhile, and the log knows how many there were."""
    client = numbered(start)
    client.get()
    client.sandbox.reset_log()
    release, held = threading.Event(), threading.Event()

    def hold(n: int) -> None:
        if n == 1:
            held.set()
            release.wait(5)

    client.sandbox.before_answer = hold
    thread = threading.Thread(target=client.get)
    thread.start()
    assert held.wait(5)
    assert client.get(pageNumber=2).ok
    client.sandbox.world.delete(1)
    release.set()
    thread.join()
    second, first = client.sandbox.requests
    assert (second.n, second.ids[0]) == (2, 11)
    assert (first.n, first.ids[0], first.seq) == (1, 2, 1)
    assert (first.in_flight, second.in_flight) == (1, 2)
    assert client.sandbox.max_in_flight == 2


def test_what_before_answer_raises_is_not_lost() -> None:
    """The request gets an error, the test gets the exception."""

    def fail(_n: int) -> None:
        msg = "on purpose"
        raise LookupError(msg)

    sandbox = Sandbox(before_answer=fail).start()
    assert RawClient(sandbox).get().status_code == 500
    with pytest.raises(LookupError, match="on purpose"):
        sandbox.stop()


def test_churn_per_request(start: Callable[..., RawClient]) -> None:
    """So many events before each page, the same for the same seed."""
    clients = [start(customers=95, churn_per_request=4, seed=5) for _ in range(2)]
    pages = [[client.ids() for _ in range(5)] for client in clients]
    assert pages[0] == pages[1]
    assert [one.seq for one in clients[0].sandbox.requests[1:]] == [4, 8, 12, 16, 20]


def test_churn_in_the_background(start: Callable[..., RawClient]) -> None:
    """About so many events each second."""
    world = start(churn=500).sandbox.world
    deadline = time.monotonic() + 5
    while world.seq < 20 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert world.seq >= 20


def test_latency_delays_each_answer(start: Callable[..., RawClient]) -> None:
    """The state of the list is read after it."""
    client = start(latency=0.1)
    began = time.monotonic()
    client.get()
    assert time.monotonic() - began >= 0.2


def test_the_log_tells_what_was_asked_and_shown(
    start: Callable[..., RawClient],
) -> None:
    """One record for each request to the API, in order."""
    client = start(customers=3)
    client.get(pageSize=2)
    client.get("/nowhere")
    token, page, nowhere = client.sandbox.requests
    assert (token.endpoint, token.method, token.authorised) == ("token", "POST", False)
    assert (page.n, page.endpoint, page.path) == (2, "customers", CUSTOMERS)
    assert page.query == {"pageSize": "2"}
    assert page.host == f"127.0.0.1:{client.sandbox.port}"
    assert page.authorised
    assert "python-requests" in (page.user_agent or "")
    assert (page.http_status, page.ycm_code, page.seq) == (200, None, 0)
    assert page.ids == tuple(client.sandbox.world.ids()[:2])
    assert (nowhere.endpoint, nowhere.ycm_code) == ("unknown", 1000005)
    assert token.at <= page.at <= nowhere.at


def test_the_control_plane(start: Callable[..., RawClient]) -> None:
    """Truth, churn, faults, tokens and numbers; none of it is in the log."""
    client = start(customers=30)
    world, session = client.sandbox.world, client.session
    control = f"{client.sandbox.url}/sandbox"

    order = {"create": 3, "delete": 2, "edit": 1}
    touched = session.post(f"{control}/churn", json=order).json()
    assert {kind: len(ids) for kind, ids in touched.items()} == order
    assert [event.kind for event in world.history] == (["create"] * 3 + ["delete"] * 2 + ["edit"])
    truth = session.get(f"{control}/truth")
    lines = truth.content.decode().splitlines(keepends=False)
    assert [json.loads(line) for line in truth.content.split(b"\n")[:-1]] == list(world.rows())
    assert len(lines) >= 31

    assert client.get().ok
    assert session.post(f"{control}/assumptions", json=["window=7", "total_fixed=5"]).json() == {"changed": 2}
    assert session.post(f"{control}/assumptions", json=["total_fixed=6"]).ok
    assert (client.page()["total"], len(client.ids())) == (6, 7)
    assert session.post(f"{control}/assumptions", json=[]).ok
    assert (client.page()["total"], len(client.ids())) == (31, 10)

    expired = session.post(f"{control}/tokens/expire").json()
    assert expired == {"expired": 1}
    assert client.get().json()["errCode"] == 1000035

    assert session.post(f"{control}/faults", json=["customers:*:html"]).ok
    assert "html" in client.get().text
    assert session.post(f"{control}/faults", json=[]).ok
    assert "html" not in client.get().text

    stats = session.get(f"{control}/stats").json()
    tables = stats.pop("tables")
    assert tables.keys() == client.sandbox.tables.keys()
    assert tables["customers"] == {"rows": 31, "events": 6}
    assert tables["users"] == {"rows": 30, "events": 0}
    assert stats == {
        "customers": 31,
        "events": 6,
        "requests": {"token": 1, "customers": 8},
        "rows_served": 44,
        "errors": 2,
        "faults_fired": {"html": 1},
        "tokens_issued": 1,
        "max_in_flight": 1,
    }


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("churn", '{"create": -1}', 400),
        ("churn", '{"grow": 1}', 400),
        ("churn", "[]", 400),
        ("churn", "{", 400),
        ("faults", '["nonsense"]', 400),
        ("faults", "[1]", 400),
        ("assumptions", '["window=x"]', 400),
        ("assumptions", '{"window": 1}', 400),
        ("nothing", "", 404),
    ],
)
def test_the_control_plane_explains_mistakes(
    start: Callable[..., RawClient], path: str, body: str, status: int
) -> None:
    """In a sentence; and does nothing."""
    client = start()
    url = f"{client.sandbox.url}/sandbox/{path}"
    answer = client.session.post(url, data=body)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")
    assert client.sandbox.world.seq == 0
