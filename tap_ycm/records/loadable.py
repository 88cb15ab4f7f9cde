"""Text that every target can load."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["loadable"]

_UNLOADABLE = re.compile("[\x00\ud800-\udfff]")
"""U+0000 stops PostgreSQL, a lone surrogate has no UTF-8 form: both become U+FFFD, the replacement character."""


def loadable(value: Any) -> Any:
    """Return a JSON value with all its text, names included, made loadable.

    Raises:
        RecursionError: The value is nested beyond all measure.
    """
    if isinstance(value, str):
        return _UNLOADABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {loadable(name): loadable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [loadable(inner) for inner in value]
    return value
