"""Fields that must not leave the tap: what looks like a secret by its name is none of a warehouse's business."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

__all__ = ["looks_secret", "without_secrets"]

_WORDS = (
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "activationcode",
    "activationurl",
    "accesskey",
    "apikey",
    "authorization",
    "privatekey",
    "credential",
)

_PARTS = re.compile("[A-Z]?[a-z]+|[A-Z]+")


@lru_cache(maxsize=1024)  # the fields of YCM are few, and come again in each row
def looks_secret(name: str) -> bool:
    """Return whether a field has the name of a secret, however it is spelled: ``sip_password``, ``API-Key``."""
    letters = "".join(filter(str.isalpha, name.lower()))
    *others, last = [word.lower() for word in _PARTS.findall(name)] or [""]
    return (last == "pass" and bool(others)) or "pin" in {*others, last} or any(word in letters for word in _WORDS)


def without_secrets(value: Any) -> Any:
    """Return a JSON value without the fields, at any depth, that look like secrets.

    Raises:
        RecursionError: The value is nested beyond all measure.
    """
    if isinstance(value, dict):
        return {name: without_secrets(inner) for name, inner in value.items() if not looks_secret(name)}
    if isinstance(value, list):
        return [without_secrets(inner) for inner in value]
    return value
