"""A finding: what is known of one assumption, or of a fact beyond them, and what shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_ycm.probe.seen import Page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_ycm.probe.observation import Observation

__all__ = ["Finding", "found", "numbers", "unclear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding.

    Attributes:
        name: Name of an assumption of the sandbox, or of a fact.
        known: Whether it could be found out.
        value: What was found; None may be a value.
        why: Why it could not.
        like: What a sandbox assumes to behave alike, where that is not known; None for its default.
        evidence: Numbers of the requests that show it.
    """

    name: str
    known: bool
    value: Any = None
    why: str = ""
    like: Any = None
    evidence: tuple[int, ...] = ()

    @property
    def imitated(self) -> Any:
        """What a sandbox assumes; None for its default."""
        return self.value if self.known else self.like


def found(name: str, value: Any, *evidence: Observation | Page | None) -> Finding:
    """Return what was found out."""
    return Finding(name=name, known=True, value=value, evidence=numbers(evidence))


def unclear(name: str, why: str, *evidence: Observation | Page | None, like: Any = None) -> Finding:
    """Return what could not be found out, and why."""
    return Finding(name=name, known=False, why=why, like=like, evidence=numbers(evidence))


def numbers(of: Iterable[Observation | Page | None]) -> tuple[int, ...]:
    """Return the numbers of requests, each once."""
    seen = (one.seen if isinstance(one, Page) else one for one in of if one is not None)
    return tuple(sorted({one.n for one in seen}))
