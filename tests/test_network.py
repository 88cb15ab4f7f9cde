"""Between the tap and YCM: certificates, proxies, hangs, broken connections, redirects, limits."""

from __future__ import annotations

import gzip
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Literal

import pytest
import trustme
from harness import CLEAN_ENVIRONMENT, Run, settings_for
from proxy import Anything, Proxy

from tap_ycm.sandbox import Assumptions, Limit

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
WAITING = re.compile(r"; asking again in (\d+\.\d) s \(attempt (\d+) failed\)$")


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine has set for its own way to the network."""
    for name in VARIABLES:
        monkeypatch.delitem(CLEAN_ENVIRONMENT, name, raising=False)
        monkeypatch.delitem(CLEAN_ENVIRONMENT, name.lower(), raising=False)


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
    assert run.verdict.startswith("not complete: the run failed; 0 read")
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
    assert run.ids == sorted(ycm.world.ids(), reverse=True)
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
    assert run.ids == sorted(ycm.world.ids(), reverse=True)
    assert run.verdict.startswith("complete; 700 read (YCM's total: 700); 0 duplicates")


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
    command = [sys.executable, "-W", "error", "-m", "tap_ycm", "--config", str(config)]
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
    assert run.ids == sorted(ycm.world.ids(), reverse=True)
    statuses = [request.http_status for request in ycm.requests if request.endpoint == "customers"]
    assert statuses == [200, 200, 200, 429, 200, 200]
    assert "RATE_LIMIT_EXCEEDED" in run.log
    assert [attempt for _, attempt in waits(run)] == [1]


def test_retry_after_is_capped(sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    ycm = sandbox(130, assumptions=Assumptions(limit=Limit(2, 2, 7200, retry_after="seconds")))
    command = [sys.executable, "-W", "error", "-m", "tap_ycm", "--config=ENV"]
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
