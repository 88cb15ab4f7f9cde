"""Faults: when they fire, what a raw client sees of each, how they are written."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tap_ycm.sandbox import Assumptions, Fault, Faults
from tap_ycm.sandbox.faults import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from raw_client import RawClient

    Start = Callable[..., RawClient]


def faulty(start: Start, kind: str, **details: Any) -> RawClient:
    """Start a sandbox with one fault at every customers request."""
    client = start(customers=20, faults=[Fault(kind, **details)])
    client.access = client.grant().json().get("access_token", "")
    return client


@pytest.mark.parametrize(
    ("kind", "argument", "status", "code"),
    [
        ("error", None, 500, 1000001),
        ("error", 1000040, 429, 1000040),
        ("error", 1000043, 403, 1000043),
        ("error", 3000009, 400, 3000009),
        ("expired_token", None, 401, 1000035),
        ("invalid_token", None, 401, 1000036),
        ("session_expired", None, 401, 1000011),
        ("unauthorized", None, 401, None),
        ("failed_200", None, 200, None),
    ],
)
def test_ycm_errors(start: Start, kind: str, argument: int | None, status: int, code: int | None) -> None:
    """In the assumed style, and written down in the log."""
    client = faulty(start, kind, argument=argument)
    answer = client.get()
    assert (answer.status_code, answer.json().get("errCode")) == (status, code)
    assert answer.json()["status"] == "Failed"
    record = client.sandbox.requests[-1]
    assert (record.fault, record.http_status) == (kind, status)
    assert (record.ycm_code, record.ids, record.seq) == (code, (), None)
    assert record.request_id == answer.json()["requestId"]
    client.sandbox.assumptions = Assumptions(error_http="always_200", error_code_field="errno")
    assert client.get().status_code == (401 if kind == "unauthorized" else 200)
    assert client.get().json().get("errno") == code


@pytest.mark.parametrize(
    ("kind", "argument", "status", "start_of_body"),
    [
        ("http", None, 503, b"<!DOCTYPE html>"),
        ("http", 429, 429, b"<!DOCTYPE html>"),
        ("html", None, 200, b"<!DOCTYPE html>"),
        ("not_json", None, 200, b'{"data": {"list": [,'),
        ("empty_body", None, 200, b""),
        ("json_null", None, 200, b"null"),
        ("bom", None, 200, b'\xef\xbb\xbf{"data":{'),
        ("redirect", "http://elsewhere.invalid/x", 302, b""),
    ],
)
def test_strange_bodies(start: Start, kind: str, argument: Any, status: int, start_of_body: bytes) -> None:
    """Status, type and first bytes."""
    answer = faulty(start, kind, argument=argument).get()
    assert answer.status_code == status
    assert answer.content.startswith(start_of_body)
    assert bool(answer.content) == bool(start_of_body)
    is_page = kind in ("http", "html")
    assert answer.headers["Content-Type"].startswith("text/html") == is_page
    assert answer.headers.get("Location") == argument or status != 302


def test_a_redirect_leads_to_another_host(start: Start) -> None:
    """A client that follows it is seen there, with or without its token."""
    client = faulty(start, "redirect", times=1)
    location = client.get(pageSize=3).headers["Location"]
    port = client.sandbox.port
    path = "/dm/open_api/v1/customers?pageSize=3"
    assert location == f"http://localhost:{port}{path}"
    headers = {"Authorization": f"Bearer {client.access}"}
    here = location.replace("localhost", "127.0.0.1")
    requests.get(here, headers=headers | {"Host": f"localhost:{port}"}, timeout=5)
    record = client.sandbox.requests[-1]
    assert (record.host, record.authorised) == (f"localhost:{port}", True)


def test_faults_of_the_structure(start: Start) -> None:
    """Parts of a page are missing or null."""
    assert "list" not in faulty(start, "no_list").get().json()["data"]
    assert faulty(start, "data_null").get().json()["data"] is None
    data = faulty(start, "list_null").get().json()["data"]
    assert (data["list"], data["total"]) == (None, 20)
    client = faulty(start, "data_null", endpoint="customer")
    first = client.sandbox.world.ids()[0]
    body = client.get(f"/dm/open_api/v1/customers/{first}").json()
    assert (body["data"], body["status"]) == (None, "Success")


def test_faults_of_one_customer(start: Start) -> None:
    """As those of a page's first row."""
    client = start(customers=3)
    path = f"/dm/open_api/v1/customers/{client.sandbox.world.ids()[0]}"
    for kind, word in (
        ("big_int_id=7", b'"customerId":7,'),
        ("lone_surrogate", b'"\\ud83d"'),
        ("bad_utf8", b"\xff\xfe"),
    ):
        client.sandbox.faults.add(f"customer:*x1:{kind}")
        assert word in client.get(path).content
        assert word not in client.get(path).content


def test_faults_of_a_row(start: Start) -> None:
    """The first row of the page only."""
    rows = faulty(start, "big_int_id").page()["list"]
    assert rows[0]["customerId"] == 2**63
    assert rows[1]["customerId"] < 2**32
    assert faulty(start, "big_int_id", argument=7).ids()[0] == 7
    raw = faulty(start, "lone_surrogate").get().content
    assert b'"\\ud83d"' in raw
    assert json.loads(raw)["data"]["list"][0]["firstName"] == "\ud83d"
    for page in (1, 9):  # with rows and without
        raw = faulty(start, "bad_utf8").get(pageNumber=page).content
        with pytest.raises(UnicodeDecodeError):
            raw.decode()


def test_the_connection_is_reset(start: Start) -> None:
    """Before the answer, or within its body; the next request is answered."""
    client = faulty(start, "reset", times=1)
    with pytest.raises(requests.ConnectionError) as caught:
        client.get()
    assert "ConnectionResetError" in repr(caught.value)
    assert client.sandbox.requests[-1].http_status == 0
    assert client.get().ok

    client = faulty(start, "reset_after", argument=100, times=1)
    with pytest.raises(requests.RequestException, match="reset"):
        client.get()
    assert client.sandbox.requests[-1].http_status == 200
    assert client.get().ok


def test_the_body_ends_early(start: Start) -> None:
    """The header promises more than comes."""
    client = faulty(start, "truncated", times=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        client.get()
    assert client.get().ok


@pytest.mark.parametrize("kind", ["corrupt_gzip", "truncated_gzip"])
def test_the_compression_is_broken(start: Start, kind: str) -> None:
    """Whether or not answers are compressed otherwise."""
    client = faulty(start, kind)
    try:
        answer = client.get(pageSize=20)
    except requests.exceptions.ContentDecodingError:
        return
    assert answer.headers["Content-Encoding"] == "gzip"
    with pytest.raises(ValueError, match=r"."):
        answer.json()


def test_slow_answers(start: Start) -> None:
    """Silence before the answer, or bytes one by one; both arrive whole."""
    client = faulty(start, "stall", argument=0.2)
    began = time.monotonic()
    assert client.get().ok
    assert time.monotonic() - began >= 0.2
    with pytest.raises(requests.ReadTimeout):
        client.get(timeout=0.05)
    assert len(client.sandbox.requests) == 3  # logged before the silence

    client = faulty(start, "drip", argument=0.0001)
    began = time.monotonic()
    body = client.get(pageSize=1)
    assert body.json()["status"] == "Success"
    assert time.monotonic() - began >= 0.0001 * len(body.content)


def test_stopping_does_not_wait_for_slow_answers(start: Start) -> None:
    """A stalled request is cut off."""
    client = faulty(start, "stall", argument=60)
    with pytest.raises(requests.ReadTimeout):
        client.get(timeout=0.05)
    began = time.monotonic()
    client.sandbox.stop()
    assert time.monotonic() - began < 2


def test_faults_of_the_token_endpoint(start: Start) -> None:
    """The same kinds, and one of its own."""
    client = start(faults=["token:1:no_access_token", "token:2:error=1000002"])
    assert "access_token" not in client.grant().json()
    assert client.grant().json()["errCode"] == 1000002
    assert "access_token" in client.grant().json()
    client.sandbox.assumptions = Assumptions(grant_errors="oauth")
    client.sandbox.faults.add("token:1:error=1000002")
    assert client.grant().json()["error"] == "invalid_client"


def fingerprint(client: RawClient, *, token: bool) -> object:
    """Return all that a client can tell apart, but for ids and times."""
    began = time.monotonic()
    try:
        answer = client.grant() if token else client.get(pageSize=1)
        body = json.loads(answer.content.decode())  # requests would forgive a byte order mark
    except (requests.RequestException, ValueError) as error:
        return type(error)
    slow = time.monotonic() - began > 0.1
    data = body.get("data") if isinstance(body, dict) else body
    keys = sorted(body) if isinstance(body, dict) else None
    first = (data or {}).get("list") if isinstance(data, dict) else data
    return (answer.status_code, keys, str(first), slow)


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_goes_unnoticed(start: Start, kind: str) -> None:
    """Each makes a difference to a client, once; then all is well."""
    token = kind == "no_access_token"
    client = start()
    client.get()
    healthy = fingerprint(client, token=token)
    endpoint = "token" if token else "customers"
    argument = {"stall": 0.15, "drip": 0.001}.get(kind)
    client.sandbox.faults.add(Fault(kind, endpoint, at=1, argument=argument))
    assert fingerprint(client, token=token) != healthy
    assert client.sandbox.faults.fired == {kind: 1}
    assert fingerprint(client, token=token) == healthy


def fires(text: str, requests_made: int = 10, endpoint: str = "customers") -> str:
    """Tell at which requests a fault fires, as a string of + and -."""
    faults = Faults([text])
    hits = [faults.next(endpoint) for _ in range(requests_made)]
    assert sum(faults.fired.values()) == sum(hit is not None for hit in hits)
    return "".join("-" if hit is None else "+" for hit in hits)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("customers:3:reset", "--+-------"),
        ("customers:*:reset", "++++++++++"),
        ("any:*:reset", "++++++++++"),
        ("token:*:reset", "----------"),
        ("customers:*/4:reset", "---+---+--"),
        ("customers:*x2:reset", "++--------"),
        ("customers:*/3x2:reset", "--+--+----"),
        ("customers:0%:reset", "----------"),
        ("customers:100%x1:reset", "+---------"),
    ],
)
def test_when_faults_fire(text: str, expected: str) -> None:
    """As written."""
    assert fires(text) == expected


def test_a_chance_is_the_same_for_the_same_seed() -> None:
    """And about as large as asked."""
    once, again = (fires("customers:20%:reset", 1000) for _ in range(2))
    assert once == again
    assert 150 < once.count("+") < 250


def test_the_first_of_several_faults_wins() -> None:
    """The others count on; added ones count from when they are added."""
    faults = Faults(["customers:2:html", "customers:*/2:bom"])
    kinds = [fault and fault.kind for fault in map(faults.next, ["customers"] * 4)]
    assert kinds == [None, "html", None, "bom"]
    assert faults.fired == {"html": 1, "bom": 1}
    faults.clear()
    faults.add("customers:1:reset")
    assert faults.next("token") is None
    assert faults.next("customers") == Fault("reset", at=1)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("customers:3:reset", Fault("reset", at=3)),
        ("token:1:error=1000002", Fault("error", "token", at=1, argument=1000002)),
        ("customers:*:http=503", Fault("http", argument=503)),
        ("any:2.5%x3:stall=0.5", Fault("stall", "any", probability=0.025, times=3, argument=0.5)),
        ("customers:*:redirect=http://a/b", Fault("redirect", argument="http://a/b")),
    ],
)
def test_how_faults_are_written(text: str, fault: Fault) -> None:
    """What a person writes is what code makes."""
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("reset", "is written"),
        ("customers:x:reset", "is written"),
        ("customers:1:explode", "A fault is one of"),
        ("nobody:1:reset", "at one of customers"),
        ("customers:0:reset", "start at 1"),
        ("customers:*/0:reset", "start at 1"),
        ("customers:101%:reset", "between 0 and 1"),
        ("token:1:no_list", "possible at customers or cloud_pbxs or"),
        ("any:1:no_access_token", "possible at token only"),
        ("customers:1:reset=3", "takes no argument"),
        ("customers:1:http=x", "is a number"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(text: str, sentence: str) -> None:
    """In a sentence, and none is added."""
    faults = Faults()
    with pytest.raises(ValueError, match=sentence):
        faults.add("customers:*:bom", text)
    assert faults.next("customers") is None
