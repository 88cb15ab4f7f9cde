"""Which name a person meant who wrote another one."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["did_you_mean", "nearest"]


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that is most like a name, if any is; capitals and underscores do not matter.

    Args:
        name: What was written.
        known: What could have been meant.
        cutoff: How like it must be, from 0 to 1, as ``difflib`` measures it.
    """
    plain = {_plain(other): other for other in known}
    near = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=cutoff)
    return plain[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a sentence about an unknown name."""
    known = list(known)
    near = nearest(name, known)
    return f"did you mean {near}?" if near else f"there are {', '.join(known)}"


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()
