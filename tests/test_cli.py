"""How a run ends, whatever happens in it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import pytest
from harness import settings_for

from tap_ycm.singer.stream import YCMStream
from tap_ycm.tap import TapYCM

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Run

    from tap_ycm.sandbox import Sandbox

CONFIG = {"base_url": "https://ycm.example.com", "access_token": "token"}


@pytest.mark.parametrize("fault", ["http=500", "http=429", "reset"])
def test_the_connection_test_has_no_patience(
    fault: str, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    """A person is waiting; a sync in its place would ask again, and succeed."""
    ycm = sandbox(3, faults=[f"customers:1:{fault}"])
    run = tap("--test", config=settings_for(ycm, retry_budget=600))
    assert run.status == 1
    assert run.error
    assert sum(request.endpoint == "customers" for request in ycm.requests) == 1
    assert tap("--test", config=settings_for(ycm, retry_budget=600)).status == 0


class _Connection:
    """Stands for what a signal interrupts the use of."""


@pytest.mark.usefixtures("in_process")
def test_what_is_interrupted_lets_go_of_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else Python ends with the connection open, and complains of it after the tap's last word."""
    held: list[weakref.ref[_Connection]] = []

    def interrupted(_: YCMStream) -> None:
        connection = _Connection()
        held.append(weakref.ref(connection))
        raise KeyboardInterrupt

    monkeypatch.setattr(YCMStream, "sync", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        TapYCM(config=CONFIG).run()
    assert caught.value.__traceback__  # still there, but without what its frames held
    assert [reference() for reference in held] == [None]


def test_every_failure_is_told_at_the_end(sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    faults = ["customers:1:error=1000004", "groups:1:error=1000012"]
    run = tap(config=settings_for(sandbox(5, faults=faults), retry_budget=0), catalog="all")
    assert run.status == 1
    *_, first, second = run.log.splitlines()
    assert "| ERROR    | tap-ycm                        | GET /dm/open_api/v1/customers answered error 1000004" in first
    assert "| ERROR    | tap-ycm                        | GET /dm/open_api/v1/groups answered error 1000012" in second
    assert run.log.count("| ERROR") == 2
    assert "Traceback" not in run.log
