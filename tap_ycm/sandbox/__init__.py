"""A faithful fake of the YCM API on the loopback interface.

For tests, in process, and for people who rehearse a pipeline without an account
(`tap-ycm-sandbox`). Everything but `Sandbox` works without aiohttp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_ycm.sandbox.assumptions import Assumptions, Limit
from tap_ycm.sandbox.faults import Fault, Faults
from tap_ycm.sandbox.world import World

if TYPE_CHECKING:
    from tap_ycm.sandbox.server import Sandbox

__all__ = ["Assumptions", "Fault", "Faults", "Limit", "Sandbox", "World"]


def __getattr__(name: str) -> object:
    """Import the server when it is asked for, because it needs aiohttp."""
    if name == "Sandbox":
        from tap_ycm.sandbox.server import Sandbox  # noqa: PLC0415 - on demand

        return Sandbox
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
