"""Started sandboxes, each with a raw client."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from raw_client import RawClient

from tap_ycm.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def start() -> Iterator[Callable[..., RawClient]]:
    """Start sandboxes that stop with the test; returns a client of each."""
    with ExitStack() as stack:

        def started(*args: Any, **options: Any) -> RawClient:
            sandbox = stack.enter_context(Sandbox(*args, **options))
            client = RawClient(sandbox)
            stack.callback(client.session.close)
            return client

        yield started
