"""From bytes to JSON values that any target can hold."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tap_ycm.records.loadable import loadable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decode"]


def decode(body: bytes) -> Any:
    """Return the JSON value in a body: numbers with a fraction as Decimal, all text loadable.

    msgspec is quick and strict. What it refuses, and what it takes that some target cannot hold, goes through the
    standard library: a byte order mark, bytes that are no UTF-8 (U+FFFD rather than stopping every sync), surrogates.

    Raises:
        ValueError, ArithmeticError, RecursionError: It is not JSON.
    """
    if rb"\u0000" not in body:  # the one character in sound JSON that PostgreSQL cannot hold
        try:
            return _quick()(body)
        except (ValueError, RecursionError):
            pass
    text = body.decode("utf-8-sig", errors="replace")
    return loadable(json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant))


@lru_cache(maxsize=1)
def _quick() -> Callable[[bytes], Any]:
    from msgspec.json import Decoder  # noqa: PLC0415 - takes long to import, and not all commands read

    return Decoder(float_hook=Decimal).decode


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python's parser takes and JSON does not know."""
    raise ValueError(name)
