"""Between the tap and YCM: certificates, proxies, hangs, broken connections, redirects, limits."""

from __future__ import annotations

import gzip
import logging
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import pytest
import trustme
from harness import CLEAN_ENVIRONMENT, Run, customers_only, settings_for
from proxy import Anything, Proxy
from urllib3.exceptions import HTTPWarning

from tap_ycm.errors import ApiError, TapError
from tap_ycm.http import deadline
from tap_ycm.http.client import Client
from tap_ycm.http.questions import Listing, page_of
from tap_ycm.reading.pages import PageRequest
from tap_ycm.sandbox import Assumptions, Limit
from tap_ycm.settings import Settings
from tap_ycm.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from tap_ycm.sandbox import Sandbox

# What decides about the way to the network beside the tap's settings; lower-case names count too.
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC")
PAGE = (
    b'{"status": "Success", "requestId": "abc", "data": '
    b'{"pageSize": 50, "pageNumber": 1, "total": 1, "list": [{"customerId": 5}]}}'
)
CUSTOMERS = Listing("/v1/customers", "customerId")
WAITING = re.compile(r"; asking again in (\d+\.\d) s \(attempt (\d+) failed\)$")


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine has set for its own way to the network."""
    for name in VARIABLES:
        monkeypatch.delitem(CLEAN_ENVIRONMENT, name, raising=False)
        monkeypatch.delitem(CLEAN_ENVIRONMENT, name.lower(), raising=False)
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "private-ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def other_bundle(tmp_path: Path) -> str:
    path = tmp_path / "other-ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def between() -> Iterator[Callable[..., Any]]:
    """Start proxies and stand-ins that end with the test."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(server.serving())


def client_of(
    url: str, endpoint: str = "customers", *, logger: logging.Logger | None = None, **settings: object
) -> Client:
    """Return a client that asks for what the endpoint is first."""
    credentials = {"client_id": "a", "client_secret": "b"} if endpoint == "token" else {"access_token": "t"}
    checked = Settings.of({"base_url": url, **credentials, **settings})
    return Client(checked, logger or logging.getLogger("tap-ycm"), Stop())


def tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
    return context


def free_port() -> int:
    """Return a port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def waits(run: Run) -> list[tuple[float, int]]:
    """Return the announced waits: seconds, and which attempt had failed."""
    found = [WAITING.search(line) for line in run.log.splitlines()]
    return [(float(match[1]), int(match[2])) for match in found if match]


def assert_refused_at_once(run: Run) -> None:
    assert run.status == 1
    assert not run.records
    assert "asking again" not in run.log
    assert run.verdict.startswith("not complete: the sync failed; 0 read")
    assert "; 0 pages, 1 requests, 0 retries, 0 s waited; " in run.verdict


# Certificates


@pytest.mark.parametrize("means", ["setting", "environment", "setting before environment"])
def test_a_private_ca_can_be_trusted(  # noqa: PLR0913, PLR0917 - fixtures
    means: str,
    authority: trustme.CA,
    bundle: str,
    other_bundle: str,
    sandbox: Callable[..., Sandbox],
    tap: Callable[..., Run],
) -> None:
    ycm = sandbox(120, ssl_context=tls(authority))
    settings = {} if means == "environment" else {"ca_bundle": bundle}
    variable = {"setting": "", "environment": bundle}.get(means, other_bundle)
    run = tap(config=settings_for(ycm, **settings), env={"REQUESTS_CA_BUNDLE": variable})
    assert run.status == 0
    assert len(set(run.ids)) == 120


def test_an_unknown_ca_is_refused_at_once_in_one_sentence(
    authority: trustme.CA, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(3, ssl_context=tls(authority))
    run = tap(config=settings_for(ycm))
    assert_refused_at_once(run)
    assert f"the certificate of {ycm.url} is refused" in run.error
    assert "ca_bundle" in run.error
    assert not ycm.requests


def test_a_certificate_for_another_host_is_refused_at_once_in_one_sentence(
    authority: trustme.CA, bundle: str, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(3, ssl_context=tls(authority, "other.example"))
    run = tap(config=settings_for(ycm, ca_bundle=bundle))
    assert_refused_at_once(run)
    assert f"the certificate of {ycm.url} is refused" in run.error
    assert "127.0.0.1" in run.error.partition("is refused")[2]
    assert not ycm.requests


def test_plain_http_behind_https_is_refused_at_once_in_one_sentence(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    url = sandbox(3).url.replace("http:", "https:")
    run = tap(config={"base_url": url, "access_token": "t"})
    assert_refused_at_once(run)
    assert f"{url} does not speak TLS as it should" in run.error


@pytest.mark.parametrize("means", ["setting", "environment"])
def test_a_ca_bundle_without_certificates_is_named(
    means: str, authority: trustme.CA, tmp_path: Path, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(3, ssl_context=tls(authority))
    bad = tmp_path / "bad.pem"
    if means == "setting":
        bad.write_text("no certificate\n", encoding="ascii")
        run = tap(config=settings_for(ycm, ca_bundle=str(bad)))
    else:  # the file does not exist
        run = tap(config=settings_for(ycm, retry_budget=3), env={"REQUESTS_CA_BUNDLE": str(bad)})
    assert run.status == 1
    assert "asking again" not in run.log
    assert ("ca_bundle" if means == "setting" else "REQUESTS_CA_BUNDLE") in run.error


@pytest.mark.parametrize("variable", ["", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_without_a_certificate_is_refused_and_its_place_named(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bundle.pem"
    path.write_text("c4n4ry", encoding="ascii")
    if variable:
        monkeypatch.setenv(variable, str(path))
    place = "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE" if variable else "ca_bundle"
    with pytest.raises(TapError, match=rf"^{place} must name a file of certificates \(PEM\)$"):
        client_of("https://127.0.0.1:1", ca_bundle=None if variable else str(path))
    if variable:
        client_of("http://127.0.0.1:1")  # which needs none


# Proxies


def test_https_goes_through_a_proxy_that_knows_the_way(
    authority: trustme.CA,
    bundle: str,
    sandbox: Callable[..., Sandbox],
    between: Callable[..., Proxy],
    tap: Callable[..., Run],
) -> None:
    ycm = sandbox(120, ssl_context=tls(authority, "ycm.invalid"))
    proxy = between(Proxy(routes={"ycm.invalid": ycm.port}))  # nobody else can resolve this name
    run = tap(
        config=settings_for(ycm, base_url="https://ycm.invalid", ca_bundle=bundle),
        env={"HTTPS_PROXY": f"http://reader:c4n4ry@127.0.0.1:{proxy.port}"},
    )
    assert run.status == 0
    assert len(set(run.ids)) == 120
    assert set(proxy.asked) == {"CONNECT ycm.invalid:443"}
    assert set(proxy.authorisations) == {"Basic cmVhZGVyOmM0bjRyeQ=="}
    assert "c4n4ry" not in run.log + run.stdout


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_plain_http_goes_through_a_proxy(
    variable: str, sandbox: Callable[..., Sandbox], between: Callable[..., Proxy], tap: Callable[..., Run]
) -> None:
    ycm, proxy = sandbox(120), between(Proxy())
    run = tap(config=settings_for(ycm), env={variable: f"http://127.0.0.1:{proxy.port}"})
    assert run.status == 0
    assert len(set(run.ids)) == 120
    assert len(proxy.asked) == len(ycm.requests)
    assert proxy.asked[0] == f"POST {ycm.url}/dm/open_api/oauth/token"
    assert proxy.asked[1].startswith(f"GET {ycm.url}/dm/open_api/v1/customers?")


@pytest.mark.parametrize("names", [("HTTPS_PROXY", "NO_PROXY"), ("https_proxy", "no_proxy")])
def test_no_proxy_goes_past_the_proxy(  # noqa: PLR0913, PLR0917 - fixtures
    names: tuple[str, str],
    authority: trustme.CA,
    bundle: str,
    sandbox: Callable[..., Sandbox],
    between: Callable[..., Proxy],
    tap: Callable[..., Run],
) -> None:
    ycm, proxy = sandbox(3, ssl_context=tls(authority)), between(Proxy())
    env = {names[0]: f"http://127.0.0.1:{proxy.port}"}
    run = tap(config=settings_for(ycm, ca_bundle=bundle), env=env)
    assert run.status == 0
    assert proxy.asked == [f"CONNECT 127.0.0.1:{ycm.port}"]
    run = tap(config=settings_for(ycm, ca_bundle=bundle), env={**env, names[1]: "intranet.example,127.0.0.1"})
    assert run.status == 0
    assert len(run.ids) == 3
    assert len(proxy.asked) == 1


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("refusal", ["nothing listens", "407"])
def test_a_useless_proxy_is_named_and_its_password_is_not(
    scheme: str, refusal: str, between: Callable[..., Proxy], tap: Callable[..., Run]
) -> None:
    port = between(Proxy(refuses=True)).port if refusal == "407" else free_port()
    run = tap(
        config={"base_url": f"{scheme}://127.0.0.1:{free_port()}", "access_token": "t", "retry_budget": 0},
        env={f"{scheme}_proxy".upper(): f"http://reader:c4n4ry@127.0.0.1:{port}"},
    )
    assert_refused_at_once(run)
    assert "proxy" in run.error
    assert f"{scheme}_proxy".upper() in run.error
    assert not re.search("c4n4ry|reader|cmVhZGVy", run.log + run.stdout)


BAD_PROXIES = {
    "no end of an address": "http://reader:c4n4ry@[::1",
    "no number of a port": "http://reader:c4n4ry@127.0.0.1:port",
    "too large a port": "http://reader:c4n4ry@127.0.0.1:99999",
    "another scheme": "ftp://reader:c4n4ry@127.0.0.1:21",
    "a scheme that needs a package": "socks5://reader:c4n4ry@127.0.0.1:1080",
    "one slash": "http:/c4n4ry:3128",
    "no host": "http://",
    "nothing but signs": ":c4n4ry:/?#",
}


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("what", BAD_PROXIES)
def test_what_is_no_address_of_a_proxy_is_refused_and_the_variable_named(
    what: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, BAD_PROXIES[what])
    with pytest.raises(TapError) as caught:
        client_of("https://127.0.0.1:1")
    assert str(caught.value) == f"the proxy of {variable} must be an address like http://proxy.example.com:3128"


def test_the_refusal_of_a_proxy_is_the_one_sentence_of_a_run(tap: Callable[..., Run]) -> None:
    config = {"base_url": "https://127.0.0.1:1", "access_token": "t"}
    run = tap(config=config, env={"HTTPS_PROXY": "ftp://reader:c4n4ry@127.0.0.1:21"})
    assert run.status == 1
    assert run.error == "the proxy of HTTPS_PROXY must be an address like http://proxy.example.com:3128"
    assert "c4n4ry" not in run.log


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("variable", ["{}_proxy", "all_proxy"])
@pytest.mark.parametrize("proxy", ["http://ycm-proxy.invalid:3128", "ycm-proxy.invalid:3128", "nothing listens"])
def test_a_proxy_that_is_not_there_is_named_by_its_variable(
    proxy: str, variable: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = variable.format(scheme)
    monkeypatch.setenv(variable, proxy if "invalid" in proxy else f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ApiError) as caught:
        client_of(f"{scheme}://127.0.0.1:{free_port()}", retry_budget=0).ask(page_of(CUSTOMERS, PageRequest(1, 10)))
    assert f"the proxy of {variable} cannot be used: check the variable and the proxy" in str(caught.value)
    assert "invalid" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_proxy_that_refuses_the_login_is_asked_once(
    scheme: str, between: Callable[..., Proxy], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = between(Proxy(refuses=True))
    monkeypatch.setenv(f"{scheme}_proxy", f"http://reader:c4n4ry@127.0.0.1:{proxy.port}")
    with pytest.raises(ApiError) as caught:
        client_of(f"{scheme}://127.0.0.1:{free_port()}").ask(page_of(CUSTOMERS, PageRequest(1, 10)))
    assert f"the proxy of {scheme}_proxy wants another user and password: check the variable" in str(caught.value)
    assert len(proxy.asked) == 1


def test_a_proxy_that_is_not_used_may_be_wrong(
    sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://127.0.0.1:21")
    client_of(sandbox(3).url)  # plain http
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client_of("https://127.0.0.1:1")


def test_netrc_does_not_replace_the_token(
    tmp_path: Path, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login reader password c4n4ry\n", encoding="ascii")
    netrc.chmod(0o600)
    ycm = sandbox(60)
    run = tap(config=settings_for(ycm), env={"HOME": str(tmp_path)})
    assert run.status == 0
    assert len(set(run.ids)) == 60
    assert all(request.authorised for request in ycm.requests if request.endpoint == "customers")


# Nobody there


@pytest.mark.parametrize("where", ["nothing listens", "no such name"])
def test_an_unreachable_ycm_ends_in_one_sentence(where: str, tap: Callable[..., Run]) -> None:
    url = f"http://127.0.0.1:{free_port()}" if where == "nothing listens" else "https://ycm.invalid"
    run = tap(config={"base_url": url, "client_id": "a", "client_secret": "b", "retry_budget": 0})
    assert_refused_at_once(run)
    said = {
        "nothing listens": f"nothing listens at {url}",
        "no such name": f"the host name of {url} cannot be resolved",
    }
    assert said[where] in run.error


def test_an_unreachable_ycm_is_asked_again_and_each_wait_is_announced(tap: Callable[..., Run]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    run = tap(config={"base_url": url, "client_id": "a", "client_secret": "b", "retry_budget": 6})
    assert run.status == 1
    announced = waits(run)
    assert announced
    assert [attempt for _, attempt in announced] == list(range(1, len(announced) + 1))
    assert run.log.count(f"nothing listens at {url}: check base_url and the network; asking again in ") == len(
        announced
    )
    assert f"nothing listens at {url}" in run.error
    assert f"{len(announced) + 1} requests, {len(announced)} retries, " in run.verdict


# Hangs and broken connections


@pytest.mark.parametrize("fault", ["stall=20", "drip=0.05"])
def test_a_hang_that_passes_costs_a_try_and_nothing_else(
    fault: str, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(130, faults=[f"customers:2:{fault}", f"token:1:{fault}"])
    run = tap(config=settings_for(ycm, request_timeout=1), timeout=30)
    assert run.status == 0
    assert sorted(run.ids) == ycm.world.ids()
    assert run.log.count("no whole answer within 1 s (setting request_timeout); asking again in ") == 2
    assert sum(ycm.faults.fired.values()) == 2


@pytest.mark.parametrize("fault", ["stall=20", "drip=0.05"])
def test_a_hang_that_stays_ends_in_a_sentence_that_names_the_setting(
    fault: str, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(130, faults=[f"customers:*:{fault}"])
    run = tap(config=settings_for(ycm, request_timeout=1, retry_budget=0), timeout=30)
    assert run.status == 1
    assert not run.records
    assert run.error == "GET /dm/open_api/v1/customers: no whole answer within 1 s (setting request_timeout)"


def _raw(connection: BaseHTTPRequestHandler, *pieces: bytes, every: float = 0.05) -> None:
    """Send the pieces, the last one again and again, until the tap has enough."""
    try:
        for piece in pieces:
            connection.connection.sendall(piece)
        while True:
            time.sleep(every)
            connection.connection.sendall(pieces[-1])
    except OSError:  # the tap has gone
        connection.close_connection = True


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
GZIP_NAMED = bytes.fromhex("1f8b0808 00000000 0000")  # the name of a file follows, up to a zero
DRIPS = {
    "the status line": (b"HTTP/1.1 200 ", b"O"),
    "a header": (HEAD + b"X-Long: ", b"x"),
    "header after header": (HEAD, b"X: y\r\n"),
    "the length of a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "the extension of a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;", b"x"),
    "chunk after chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "the trailer": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X: y\r\n"),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "the body": (HEAD + b"Content-Length: 10000\r\n\r\n", b" "),
    "a body without an end": (HEAD + b"\r\n", b" "),
    "a compressed body": (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 10000\r\n\r\n" + GZIP_NAMED, b"x"),
}


@pytest.mark.parametrize("endpoint", ["customers", "token"])
@pytest.mark.parametrize("drip", DRIPS)
def test_whatever_drips_ends_with_the_time_for_a_whole_request(
    drip: str, endpoint: str, between: Callable[..., Anything]
) -> None:
    """A read from the socket never waits for long here: only the whole of it does."""
    server = between(Anything(lambda connection, _: _raw(connection, *DRIPS[drip])))
    client = client_of(server.url, endpoint, request_timeout=1, retry_budget=0)
    start = time.monotonic()
    with pytest.raises(ApiError) as caught:
        client.ask(page_of(CUSTOMERS, PageRequest(1, 10)))
    assert str(caught.value).endswith(": no whole answer within 1 s (setting request_timeout)")
    assert 0.9 < time.monotonic() - start < 20  # against a hang; a busy machine may take its time
    assert len(server.arrived) == 1


def test_each_read_gets_what_is_left_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or an answer that drips, and then stops, would take twice the time."""
    now, given = [100.0], []
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: now[0]))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(10)
        bounded = deadline._Bounded(ours, ours.makefile("rb", buffering=0))
        for passed in (0.0, 4.0, 5.5):
            now[0] += passed
            theirs.sendall(b"x")
            bounded.readinto(bytearray(8))
            given.append(ours.gettimeout())
        assert given == [10, 6, 0.5]
        now[0] += 0.5
        with pytest.raises(TimeoutError):
            bounded.readinto(bytearray(8))
        bounded.close()


def test_an_answer_that_floods_the_tap_with_100_continue_ends_too(between: Callable[..., Anything]) -> None:
    flood = b"HTTP/1.1 100 Continue\r\n\r\n" * 1000
    server = between(Anything(lambda connection, _: _raw(connection, flood, every=0)))
    client = client_of(server.url, request_timeout=1, retry_budget=0)
    with pytest.raises(ApiError, match="no whole answer within 1 s"):
        client.ask(page_of(CUSTOMERS, PageRequest(1, 10)))


@pytest.mark.parametrize("drip", ["a header", "the length of a chunk", "100 Continue", "the body"])
@pytest.mark.parametrize("through_a_proxy", [False, True], ids=["direct", "proxy"])
def test_time_is_bounded_over_tls_and_through_a_proxy(  # noqa: PLR0913, PLR0917 - fixtures
    drip: str,
    through_a_proxy: bool,  # noqa: FBT001 - a parameter of the test
    authority: trustme.CA,
    bundle: str,
    between: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = between(Anything(lambda connection, _: _raw(connection, *DRIPS[drip]), tls(authority)))
    if through_a_proxy:
        proxy = between(Proxy())
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    client = client_of(server.url, request_timeout=1, retry_budget=0, ca_bundle=bundle)
    with pytest.raises(ApiError, match="no whole answer within 1 s"):
        client.ask(page_of(CUSTOMERS, PageRequest(1, 10)))
    assert len(server.arrived) == 1
    assert not through_a_proxy or len(proxy.asked) == 1


@pytest.mark.parametrize("what", ["the answer to CONNECT", "the handshake"])
def test_connecting_does_not_drip_for_ever_either(
    what: str, between: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    drip = (
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n") if what == "the answer to CONNECT" else (b"\x16\x03\x03\x40\x00", b"\x00")
    )
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        if what == "the answer to CONNECT":
            monkeypatch.setenv("HTTPS_PROXY", url.replace("https", "http"))

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(drip[0])
                while True:
                    time.sleep(0.05)
                    connection.sendall(drip[1])

        serving = pool.submit(serve)
        client = client_of(url, request_timeout=1, retry_budget=0)
        with pytest.raises(ApiError, match=r"no whole answer|cannot be used|no connection"):
            client.ask(page_of(CUSTOMERS, PageRequest(1, 10)))
        serving.result(30)


def test_one_request_after_the_other_has_its_own_time(between: Callable[..., Anything]) -> None:
    """On one connection: the limit of a request is not that of the next one."""

    def answer(connection: BaseHTTPRequestHandler, number: int) -> None:
        connection.close_connection = False
        time.sleep(0.6)
        connection.connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(PAGE) + PAGE)

    server = between(Anything(answer))
    client = client_of(server.url, request_timeout=1, retry_budget=0)
    with closing(client._session):
        for _ in range(3):
            assert client.ask(page_of(CUSTOMERS, PageRequest(1, 10))).ids == [5]


BROKEN = [
    "reset",
    "reset_after=0",
    "reset_after=1",
    "reset_after=100",
    "reset_after=1000",
    "truncated",
    "corrupt_gzip",
    "truncated_gzip",
]


@pytest.mark.parametrize("first", [1, 2])
def test_nobody_is_lost_to_broken_answers(first: int, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    order = BROKEN if first == 1 else BROKEN[::-1]
    faults = [f"customers:{first + 2 * place}:{kind}" for place, kind in enumerate(order)]
    ycm = sandbox(700, faults=[*faults, f"token:1:{order[-1]}"], assumptions=Assumptions(gzip=first == 2))
    run = tap(config=settings_for(ycm))
    assert sum(ycm.faults.fired.values()) == len(waits(run)) == len(BROKEN) + 1
    assert run.status == 0
    assert sorted(run.ids) == ycm.world.ids()
    assert run.verdict.startswith("complete; 700 read (YCM's total: 700)")


@pytest.mark.parametrize("endpoint", ["token", "customers"])
def test_no_redirect_is_followed_and_no_credential_goes_elsewhere(
    endpoint: str, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    elsewhere = sandbox(3, host="127.0.0.2")
    path = {"token": "/dm/open_api/oauth/token", "customers": "/dm/open_api/v1/customers"}[endpoint]
    ycm = sandbox(3, faults=[f"{endpoint}:*:redirect={elsewhere.url}{path}"])
    run = tap(config=settings_for(ycm))
    assert run.status == 1
    assert not run.records
    assert "asking again" not in run.log
    assert "answered HTTP status 302: set base_url to the address it redirects to" in run.error
    assert not elsewhere.requests
    assert [request.endpoint for request in ycm.requests] == ["token", "customers"][: 1 + (endpoint == "customers")]
    assert {request.host for request in ycm.requests} == {f"127.0.0.1:{ycm.port}"}


# Too much


def _long(connection: BaseHTTPRequestHandler, number: int) -> None:
    connection.send_response(200)
    connection.send_header("Content-Length", str(2**31))
    connection.end_headers()
    while True:  # until the tap has enough, and the connection breaks
        connection.wfile.write(b" " * 2**20)


def _endless(connection: BaseHTTPRequestHandler, number: int) -> None:
    connection.send_response(200)
    connection.send_header("Transfer-Encoding", "chunked")
    connection.end_headers()
    while True:
        connection.wfile.write(b"%x\r\n%b\r\n" % (2**20, b" " * 2**20))


def _bomb(connection: BaseHTTPRequestHandler, number: int) -> None:
    body = gzip.compress(bytes(2**28), 9)
    connection.send_response(200)
    connection.send_header("Content-Encoding", "gzip")
    connection.send_header("Content-Length", str(len(body)))
    connection.end_headers()
    connection.wfile.write(body)


@pytest.mark.parametrize("answer", [_long, _endless, _bomb])
def test_an_answer_without_end_is_refused_before_memory_ends(
    answer: Callable[..., None], between: Callable[..., Anything], tmp_path: Path
) -> None:
    server = between(Anything(answer))
    config = tmp_path / "config.json"
    config.write_text(f'{{"base_url": "{server.url}", "access_token": "t"}}', encoding="utf-8")
    command = [sys.executable, "-W", "error", "-m", "tap_ycm", "--config", str(config), *customers_only(tmp_path)]
    out, log = tmp_path / "stdout", tmp_path / "stderr"
    with out.open("wb") as stdout, log.open("wb") as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, env=CLEAN_ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)  # subprocess does not tell the memory of one process
        process.returncode = os.waitstatus_to_exitcode(status)
    run = Run(process.returncode, out.read_text("utf-8"), log.read_text("utf-8"))
    assert_refused_at_once(run)
    assert "the answer is larger than 64 MiB" in run.error
    assert len(server.arrived) == 1
    assert usage.ru_maxrss < 2**19  # KiB: half a GiB, of which the interpreter and its libraries have 100 MiB


# Limits


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_waited_for(form: str, between: Callable[..., Anything], tap: Callable[..., Run]) -> None:
    def answer(connection: BaseHTTPRequestHandler, number: int) -> None:
        connection.send_response(503 if number == 1 else 200)
        if number == 1:
            # A date has whole seconds: 3 of them are more than 2.
            date = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
            connection.send_header("Retry-After", date if form == "date" else "2")
        connection.send_header("Content-Length", str(len(PAGE)))
        connection.end_headers()
        connection.wfile.write(PAGE)

    server = between(Anything(answer))
    run = tap(config={"base_url": server.url, "access_token": "t"})
    assert run.status == 0
    assert run.ids == [5]
    # Left to itself, the tap waits a second at most for the first time.
    assert server.arrived[1] - server.arrived[0] >= 1.9
    assert waits(run)[0][0] >= 1.9


@pytest.mark.parametrize("status", [403, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_refusal_that_says_when_to_come_back_is_a_limit(
    form: str, status: int, between: Callable[..., Anything]
) -> None:
    """It has all of the budget; the third that faults have is over by then."""

    def answer(connection: BaseHTTPRequestHandler, number: int) -> None:
        connection.send_response(status if number == 1 else 200)
        if number == 1:
            date = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
            connection.send_header("Retry-After", date if form == "date" else "2")
        connection.send_header("Content-Length", str(len(PAGE)))
        connection.end_headers()
        connection.wfile.write(PAGE)

    server = between(Anything(answer))
    assert client_of(server.url, retry_budget=5).ask(page_of(CUSTOMERS, PageRequest(1, 10))).ids == [5]
    assert server.arrived[1] - server.arrived[0] >= 1.9


@pytest.mark.parametrize("status", [403, 503])
def test_a_known_code_says_more_than_when_to_come_back(status: int, between: Callable[..., Anything]) -> None:
    body = b'{"status": "Failed", "errCode": 1000043}'

    def answer(connection: BaseHTTPRequestHandler, number: int) -> None:
        connection.send_response(status)
        connection.send_header("Retry-After", "1")
        connection.send_header("Content-Length", str(len(body)))
        connection.end_headers()
        connection.wfile.write(body)

    server = between(Anything(answer))
    with pytest.raises(ApiError, match="PERMISSION_DENIED"):
        client_of(server.url).ask(page_of(CUSTOMERS, PageRequest(1, 10)))
    assert len(server.arrived) == 1


def test_a_limit_at_the_token_endpoint_is_no_refused_login(between: Callable[..., Anything]) -> None:
    """A 403 with Retry-After, as firewalls answer it."""
    token = b'{"access_token": "t", "expires_in": 1799}'

    def answer(connection: BaseHTTPRequestHandler, number: int) -> None:
        body = {1: b"", 2: token}.get(number, PAGE)
        connection.send_response(403 if number == 1 else 200)
        connection.send_header("Retry-After", "1")
        connection.send_header("Content-Length", str(len(body)))
        connection.end_headers()
        connection.wfile.write(body)

    server = between(Anything(answer))
    assert client_of(server.url, "token").ask(page_of(CUSTOMERS, PageRequest(1, 10))).ids == [5]
    assert len(server.arrived) == 3


def test_a_limit_that_one_request_meets_holds_the_others(between: Callable[..., Anything]) -> None:
    def answer(connection: BaseHTTPRequestHandler, number: int) -> None:
        connection.send_response(429 if number == 1 else 200)
        connection.send_header("Retry-After", "2")
        connection.send_header("Content-Length", str(len(PAGE)))
        connection.end_headers()
        connection.wfile.write(PAGE)

    announced = threading.Event()
    logger = logging.Logger("test")  # noqa: LOG001 - of this test alone
    logger.addFilter(lambda record: announced.set() or True)  # type: ignore[func-returns-value]  # always None
    server = between(Anything(answer))
    client = client_of(server.url, concurrency=2, logger=logger)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.ask, page_of(CUSTOMERS, PageRequest(1, 10)))
        assert announced.wait(30)
        client.ask(page_of(CUSTOMERS, PageRequest(2, 10)))
        first.result(30)
    # Without the hold, the second request would have come at once.
    assert min(server.arrived[1:]) - server.arrived[0] >= 1.9


# What the libraries say, and characters


LOUD = """
version: 1
disable_existing_loggers: false
formatters: {plain: {format: "%(name)s %(message)s"}}
handlers: {console: {class: logging.StreamHandler, formatter: plain, stream: ext://sys.stderr}}
root: {level: DEBUG, handlers: [console]}
loggers:
  urllib3: {level: DEBUG}
  urllib3.connectionpool: {level: DEBUG}
  urllib3.connection: {level: DEBUG}
  urllib3.util.retry: {level: DEBUG}
  requests: {level: DEBUG}
  http.cookiejar: {level: DEBUG}
"""


def test_what_urllib3_logs_of_headers_and_addresses_is_not_heard(
    between: Callable[..., Anything], tap: Callable[..., Run], tmp_path: Path
) -> None:
    """It warns of headers that it cannot take apart, and shows them, cookies and the address of the page included."""

    def answer(connection: BaseHTTPRequestHandler, number: int) -> None:
        connection.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nSet-Cookie: a=c4n4ry; expires=c4n4ry\r\n"
            b"c4n4ry without a colon\r\nSet-Cookie: b=c4n4ry\r\n\r\n%b" % (len(PAGE), PAGE)
        )

    config = tmp_path / "loud.yaml"
    config.write_text(LOUD, encoding="utf-8")
    run = tap(
        config={"base_url": between(Anything(answer)).url, "access_token": "t"},
        env={"SINGER_SDK_LOG_CONFIG": str(config), "TAP_YCM_LOGLEVEL": "DEBUG"},
    )
    assert run.status == 0, run.log
    assert run.ids == [5]
    assert "tap-ycm" in run.log
    assert not re.search("c4n4ry|urllib3|pageNumber|Traceback", run.log)


@pytest.mark.parametrize(
    "warning", ["http.cookiejar bug!\nTraceback: c4n4ry", HTTPWarning("c4n4ry")], ids=["text", "urllib3"]
)
def test_what_the_libraries_warn_of_is_not_heard(warning: str | Warning) -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        client_of("https://127.0.0.1:1")
        warnings.warn(warning, stacklevel=1)
    assert not heard


CHARSETS = {
    "none": (None, "utf-8", 0),
    "UTF-8": ("application/json; charset=UTF-8", "utf-8", 0),
    "quoted": ('application/json;charset="iso-8859-1"', "iso-8859-1", 0),
    "Latin": ("application/json; charset=ISO-8859-1", "iso-8859-1", 0),
    "Chinese": ("application/json;charset=GBK", "gbk", 0),
    "UTF-16": ("text/plain; charset=utf-16", "utf-16", 0),
    "not told": ("application/json", "iso-8859-1", 2),
    "unknown": ("application/json; charset=c4n4ry", "iso-8859-1", 2),
}


@pytest.mark.parametrize("what", CHARSETS)
def test_a_body_is_in_the_charset_of_its_content_type(what: str, between: Callable[..., Anything]) -> None:
    content_type, charset, broken = CHARSETS[what]
    name = {"gbk": "李雷"}.get(charset, "Jörg Müller")
    text = '{"status":"Success","data":{"list":[{"customerId":5,"remark":"NAME"}],"total":1}}'
    body = text.replace("NAME", name).encode(charset)

    def answer(connection: BaseHTTPRequestHandler, number: int) -> None:
        connection.send_response(200)
        if content_type:
            connection.send_header("Content-Type", content_type)
        connection.send_header("Content-Length", str(len(body)))
        connection.end_headers()
        connection.wfile.write(body)

    client = client_of(between(Anything(answer)).url)
    for asked in (1, 2):
        (row,) = client.ask(page_of(CUSTOMERS, PageRequest(1, 10))).rows
        assert row["remark"] == ("J\ufffdrg M\ufffdller" if broken else name)
        assert client.traffic.broken_characters == broken * asked
    assert client.traffic.warning == (
        "4 characters in the answers of YCM were broken, and are U+FFFD in the records: "
        "correct them in YCM, or ask Yeastar"
        if broken
        else None
    )


def test_broken_characters_are_counted_in_one_warning_and_stop_nothing(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(130, faults=["customers:*:bad_utf8"])
    run = tap(config=settings_for(ycm))
    assert run.status == 0
    assert sorted(run.ids) == ycm.world.ids()
    pages = sum(request.endpoint == "customers" for request in ycm.requests)
    (warning,) = [line for line in run.log.splitlines() if "| WARNING" in line]
    assert f"| {2 * pages} characters in the answers of YCM were broken" in warning  # two bytes in each page


def test_a_cookie_goes_back(between: Callable[..., Anything], tap: Callable[..., Run]) -> None:
    """A balancer's cookie keeps the tap at the server that answered first: another one may be behind it."""
    cookies: list[str | None] = []

    def answer(connection: BaseHTTPRequestHandler, number: int) -> None:
        cookies.append(connection.headers.get("Cookie"))
        connection.send_response(200 if number > 2 else 503)
        connection.send_header("Set-Cookie", f"node={number}; Path=/")
        connection.send_header("Content-Length", str(len(PAGE)))
        connection.end_headers()
        connection.wfile.write(PAGE)

    run = tap(config={"base_url": between(Anything(answer)).url, "access_token": "t"})
    assert run.ids == [5]
    assert cookies == [None, "node=1", "node=2"]


@pytest.mark.parametrize("nonsense", ["soon", "-1", "Mon, 01 Jan 2024 00:00:00 +99999999999999", "9" * 400])
def test_a_retry_after_that_makes_no_sense_does_no_harm(
    nonsense: str, between: Callable[..., Anything], tap: Callable[..., Run]
) -> None:
    def answer(connection: BaseHTTPRequestHandler, number: int) -> None:
        connection.send_response(503)
        connection.send_header("Retry-After", nonsense)
        connection.send_header("Content-Length", "0")
        connection.end_headers()

    run = tap(config={"base_url": between(Anything(answer)).url, "access_token": "t", "retry_budget": 0})
    assert run.status == 1
    assert "answered HTTP status 503" in run.error


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_limit_that_outlasts_the_budget_is_not_waited_for(
    form: Literal["seconds", "date"], sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(130, assumptions=Assumptions(limit=Limit(2, 2, 60, retry_after=form)))
    run = tap(config=settings_for(ycm, retry_budget=30))
    assert run.status == 1
    assert "RATE_LIMIT_EXCEEDED" in run.error
    assert not waits(run)
    assert [request.http_status for request in ycm.requests] == [200, 200, 200, 429]


def test_a_limit_is_waited_out(sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    ycm = sandbox(230, assumptions=Assumptions(limit=Limit(3, 3, 2, retry_after="seconds")))
    run = tap(config=settings_for(ycm))
    assert run.status == 0
    assert sorted(run.ids) == ycm.world.ids()
    statuses = [request.http_status for request in ycm.requests if request.endpoint == "customers"]
    assert statuses == [200, 200, 200, 429, 200, 200]
    assert "RATE_LIMIT_EXCEEDED" in run.log
    assert [attempt for _, attempt in waits(run)] == [1]


def test_retry_after_is_capped(sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    ycm = sandbox(130, assumptions=Assumptions(limit=Limit(2, 2, 7200, retry_after="seconds")))
    command = [sys.executable, "-W", "error", "-m", "tap_ycm", "--config=ENV", *customers_only(tmp_path)]
    settings = settings_for(ycm, retry_budget=86400)
    env = {f"TAP_YCM_{name.upper()}": str(value) for name, value in settings.items()}
    log = tmp_path / "stderr"
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, env={**CLEAN_ENVIRONMENT, **env})
        try:
            deadline = time.monotonic() + 30
            while "asking again" not in log.read_text("utf-8") and time.monotonic() < deadline:
                time.sleep(0.02)
        finally:
            process.terminate()
            process.wait(30)
    assert "RATE_LIMIT_EXCEEDED" in log.read_text("utf-8")
    assert waits(Run(process.returncode, "", log.read_text("utf-8"))) == [(300.0, 1)]


def test_requests_are_paced(sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    ycm = sandbox(500)
    run = tap(config=settings_for(ycm, max_requests_per_minute=600))
    assert run.status == 0
    arrived = [request.at for request in ycm.requests]
    assert len(arrived) == 12
    # 11 gaps of 0.1 s; the first request may have been a little late.
    assert arrived[-1] - arrived[0] >= 0.9
