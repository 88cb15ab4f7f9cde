"""The server as a thing: starting, stopping, TLS, many clients."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests
from raw_client import CUSTOMERS, TOKEN, RawClient

from tap_ycm.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_it_leaves_nothing_behind() -> None:
    """No thread, no listener; and it can be started again."""
    before = set(threading.enumerate())
    sandbox = Sandbox(customers=5)
    for _ in range(2):
        with sandbox:
            url = sandbox.url
            assert RawClient(sandbox).get().ok
        assert set(threading.enumerate()) <= before
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=1)
    sandbox.stop()  # once more does no harm


def test_a_taken_port_is_an_error() -> None:
    """Of start(), not of the thread."""
    with Sandbox() as first, pytest.raises(OSError, match="address"):
        Sandbox(port=first.port).start()
    with Sandbox() as running, pytest.raises(RuntimeError, match="has been started"):
        running.start()


def test_many_clients_at_once(start: Callable[..., RawClient]) -> None:
    """Every request is answered once and logged once."""
    client = start(customers=500, churn=200)
    client.get()
    client.sandbox.reset_log()
    sandbox = client.sandbox

    def read(page: int) -> int:
        other = RawClient(sandbox)
        other.access = client.access
        with other.session:
            return other.get(pageNumber=page, pageSize=50).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(read, [1, 2, 3, 4] * 25))
    assert statuses == [200] * 100
    records = sandbox.requests
    assert sorted(one.n for one in records) == list(range(1, 101))
    assert all(
        list(one.ids)
        == sandbox.world.ids_at(one.seq or 0)[
            (int(one.query["pageNumber"]) - 1) * 50 : int(one.query["pageNumber"]) * 50
        ]
        for one in records
    )
    assert 1 <= sandbox.max_in_flight <= 8


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes the certificate")
def test_https(tmp_path: Path) -> None:
    """With a context of the caller's."""
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        " -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        [*command.split(), "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Sandbox(ssl_context=context, faults=["customers:1:reset"]) as sandbox:
        assert sandbox.url.startswith("https://127.0.0.1:")
        client = RawClient(sandbox)
        client.session.verify = certificate
        assert client.grant().ok
        with pytest.raises(requests.ConnectionError):
            client.get()
        assert client.get().ok
        with pytest.raises(requests.exceptions.SSLError):
            requests.post(sandbox.url + TOKEN, timeout=5)
        client.session.close()


def test_the_host_is_loopback_by_default() -> None:
    """Nobody else can see the sandbox."""
    with Sandbox() as sandbox:
        assert sandbox.url == f"http://127.0.0.1:{sandbox.port}"
        assert requests.get(sandbox.url + CUSTOMERS, timeout=5).status_code == 401
