"""How a run ends, whatever happens in it."""

from __future__ import annotations

import weakref
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from harness import settings_for

from tap_ycm.errors import TapError
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

    def interrupted(_: TapYCM) -> None:
        connection = _Connection()
        held.append(weakref.ref(connection))
        raise KeyboardInterrupt

    monkeypatch.setattr(TapYCM, "sync_all", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        TapYCM(config=CONFIG).run()
    assert caught.value.__traceback__  # still there, but without what its frames held
    assert [reference() for reference in held] == [None]


@pytest.mark.usefixtures("in_process")
def test_every_failure_is_told_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = [SimpleNamespace(failure=failure) for failure in ("customers: braked", None, "groups: not complete")]
    tap = TapYCM(config=CONFIG)
    monkeypatch.setattr(TapYCM, "sync_all", lambda _: None)
    monkeypatch.setattr(tap, "_ycm_streams", lambda: streams)
    with pytest.raises(TapError, match=r"^customers: braked; groups: not complete$"):
        tap.run()
    streams[:] = [SimpleNamespace(failure=None)]
    tap.run()
