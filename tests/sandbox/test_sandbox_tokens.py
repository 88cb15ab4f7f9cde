"""Tokens: granting, refreshing, revoking, expiring."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from raw_client import CUSTOMERS, TOKEN

from tap_ycm.sandbox import Assumptions, Limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from raw_client import RawClient


def claims(token: str) -> dict[str, Any]:
    """Decode the payload of a JWT."""
    middle = token.split(".")[1]
    padded = middle + "=" * (-len(middle) % 4)
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(padded))
    return decoded


def test_a_token_answer_is_as_documented(start: Callable[..., RawClient]) -> None:
    """Five fields, no envelope, the vendor's JWT structure."""
    body = start().grant().json()
    assert list(body) == [
        "access_token",
        "refresh_token",
        "token_type",
        "expires_in",
        "jti",
    ]
    assert (body["token_type"], body["expires_in"]) == ("bearer", 1799)
    access, refresh = claims(body["access_token"]), claims(body["refresh_token"])
    info = access["customJwtPayloadInfo"]
    assert info["grantType"] == "client_credentials"
    assert len(str(info["ysId"])) == 20
    assert access["exp"] == info["refreshVersion"] + 1800
    assert (access["scope"], access["authorities"]) == (["all"], ["ROLE_CLIENT"])
    assert (access["jti"], refresh["ati"]) == (body["jti"], body["jti"])
    assert refresh["exp"] == info["refreshVersion"] + 1_296_000


@pytest.mark.parametrize(
    ("form", "code", "status"),
    [
        ({"client_secret": "wrong"}, 1000002, 401),
        ({"client_id": "wrong"}, 1000002, 401),
        ({"client_id": ""}, 1000004, 400),
        ({"grant_type": "password"}, 1000004, 400),
        ({"grant_type": "refresh_token"}, 1000004, 400),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 1000036, 401),
    ],
)
def test_wrong_requests_get_no_token(
    start: Callable[..., RawClient], form: dict[str, str], code: int, status: int
) -> None:
    """But YCM's error."""
    client = start()
    answer = client.grant(**form)
    assert (answer.status_code, answer.json()["errCode"]) == (status, code)
    assert answer.json()["status"] == "Failed"
    assert client.sandbox.tokens_issued == 0


def test_only_a_form_is_read(start: Callable[..., RawClient]) -> None:
    """Neither JSON nor the query."""
    client = start()
    right = {
        "grant_type": "client_credentials",
        "client_id": client.sandbox.client_id,
        "client_secret": client.sandbox.client_secret,
    }
    url = client.sandbox.url + TOKEN
    for answer in (
        requests.post(url, json=right, timeout=5),
        requests.post(url, params=right, timeout=5),
    ):
        assert answer.json()["errCode"] == 1000004


@pytest.mark.parametrize("secret", ["a b+c&d=e%f", "ü\u2028🎉\"'", "%2B", "+"])
def test_any_character_may_be_in_a_secret(start: Callable[..., RawClient], secret: str) -> None:
    """Form encoding carries all of them."""
    assert start(client_secret=secret).grant().ok
    assert not start(client_secret=secret + "x").grant(client_secret=secret).ok


def test_a_refresh_token_works_once(start: Callable[..., RawClient]) -> None:
    """The answer brings the next; the access token of before lives on."""
    client = start()
    first = client.grant().json()
    second = client.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert claims(second["access_token"])["customJwtPayloadInfo"]["grantType"] == ("refresh_token")
    assert client.refresh(first["refresh_token"]).json()["errCode"] == 1000036
    assert client.refresh(second["refresh_token"]).ok
    for one in (first, second):
        client.access = one["access_token"]
        assert client.get().ok


def test_what_ends_a_refresh_token(start: Callable[..., RawClient]) -> None:
    """Age, a new secret, a revocation (authorization-rules)."""
    client = start(assumptions=Assumptions(refresh_life=0))
    old = client.grant().json()["refresh_token"]
    assert client.refresh(old).json()["errCode"] == 1000035

    client = start()
    old = client.grant().json()["refresh_token"]
    client.sandbox.client_secret = "regenerated"  # noqa: S105 - fake
    assert client.refresh(old).json()["errCode"] == 1000036

    client = start()
    old = client.grant().json()["refresh_token"]
    url = f"{client.sandbox.url}{TOKEN}/refresh_token"
    assert not requests.delete(url, data={"client_id": "x"}, timeout=5).ok
    form = {
        "client_id": client.sandbox.client_id,
        "client_secret": client.sandbox.client_secret,
    }
    body = requests.delete(url, data=form, timeout=5).json()
    assert body.keys() == {"client_id", "effect_time"}
    assert abs(body["effect_time"] - time.time()) < 5
    assert client.refresh(old).json()["errCode"] == 1000036
    assert client.grant().ok


def test_switches_of_refreshing(start: Callable[..., RawClient]) -> None:
    """Without rotation a token works twice; with client needed it does not alone."""
    client = start(assumptions=Assumptions(refresh_rotates=False))
    token = client.grant().json()["refresh_token"]
    assert [client.refresh(token).ok for _ in range(2)] == [True, True]
    client.sandbox.assumptions = Assumptions(refresh_needs_client=True)
    assert client.refresh(token).json()["errCode"] == 1000004
    assert client.grant(grant_type="refresh_token", refresh_token=token).ok


def test_an_access_token_expires(start: Callable[..., RawClient]) -> None:
    """By age and on order."""
    client = start(assumptions=Assumptions(token_life=0.1))
    assert client.grant().json()["expires_in"] == 0
    assert client.get().ok
    time.sleep(0.12)
    answer = client.get()
    assert (answer.status_code, answer.json()["errCode"]) == (401, 1000035)

    client = start()
    assert client.get().ok
    assert client.sandbox.expire_tokens() == 1
    assert client.get().json()["errCode"] == 1000035
    assert [one.authorised for one in client.sandbox.requests[1:]] == [True, False]


def test_a_new_token_may_kill_the_older(start: Callable[..., RawClient]) -> None:
    """Only if assumed."""
    client = start()
    for one_token, code in ((False, None), (True, 1000036)):
        client.sandbox.assumptions = Assumptions(one_token=one_token)
        client.access = client.grant().json()["access_token"]
        client.grant()
        assert client.get().json().get("errCode") == code


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic x"])
def test_without_a_right_bearer_nothing_is_shown(start: Callable[..., RawClient], header: str) -> None:
    """Neither the list nor one customer."""
    client = start()
    first = client.sandbox.world.ids()[0]
    for path in (CUSTOMERS, f"{CUSTOMERS}/{first}"):
        answer = client.get(path, headers={"Authorization": header})
        assert (answer.status_code, answer.json()["errCode"]) == (401, 1000036)


def test_oauth_errors(start: Callable[..., RawClient]) -> None:
    """Only at the token endpoint."""
    client = start(assumptions=Assumptions(grant_errors="oauth"))
    answer = client.grant(client_secret="wrong")  # noqa: S106 - fake
    assert answer.status_code == 401
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == "invalid_client"
    assert client.grant(grant_type="x").json()["error"] == "invalid_request"
    assert client.get(pageNumber=0).json()["errCode"] == 1000004


def test_token_requests_may_count_for_the_limit(
    start: Callable[..., RawClient],
) -> None:
    """Only if assumed."""
    client = start(assumptions=Assumptions(limit=Limit(1, 1, 99)))
    assert [client.grant().ok for _ in range(3)] == [True] * 3
    counting = Limit(1, 1, 99, counts_token_requests=True)
    client.sandbox.assumptions = Assumptions(limit=counting)
    assert client.grant().ok
    assert client.grant().json()["errCode"] == 1000040
