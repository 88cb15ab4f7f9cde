"""What a stream's state remembers from run to run.

Pure. Meltano merges the state of a failed run into the last one key by key, so a key that is left out does not go
away: every state that is written carries every key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tap_ycm.reading.scan import Bookmark

__all__ = ["DamagedStateError", "Interrupted", "Memory"]


class DamagedStateError(Exception):
    """The state was not written by this tap, or was damaged since."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A scan that was not finished, or not yet.

    Attributes:
        bookmark: Where to go on.
        version: The version that its records carry, None if they carry none.
        began: When it began, in seconds since the epoch.
        identity: What it read, and how: a scan of something else must not be continued.
    """

    bookmark: Bookmark
    version: int | None
    began: int
    identity: str


@dataclass(frozen=True, slots=True)
class Memory:
    """The bookmark of one stream.

    Attributes:
        complete_rows: Number of rows of the last complete scan; None before the first.
        last_version: The highest version that records ever carried, 0 before the first: versions only grow.
        scan: The scan that was not finished.
    """

    complete_rows: int | None = None
    last_version: int = 0
    scan: Interrupted | None = None

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Memory:
        """Read a stream's state.

        Args:
            state: As :meth:`state` wrote it; what is missing was never known.

        Raises:
            DamagedStateError: It was not.
        """
        scan = state.get("scan")
        return cls(
            complete_rows=_whole(state, "complete_rows"),
            last_version=_whole(state, "last_version") or 0,
            scan=None if scan is None else _interrupted(scan),
        )

    def state(self) -> dict[str, Any]:
        """Return the stream's state, every key of it."""
        scan = self.scan and {**_members(self.scan), "bookmark": _members(self.scan.bookmark)}
        return {**_members(self), "scan": scan}


def _members(whole: Memory | Interrupted | Bookmark) -> dict[str, Any]:
    """Return what is in it by name; dataclasses.asdict would copy each number, and this is done for every page."""
    return {name: getattr(whole, name) for name in whole.__slots__}


def _interrupted(scan: object) -> Interrupted:
    if not isinstance(scan, Mapping) or not isinstance(scan.get("bookmark"), Mapping):
        raise DamagedStateError
    bookmark = Bookmark(**{field.name: _number(scan["bookmark"], field.name) for field in fields(Bookmark)})
    identity = scan.get("identity")
    if not isinstance(identity, str) or not (bookmark.page >= 0 and bookmark.size >= 1 and bookmark.rows >= 0):
        raise DamagedStateError
    return Interrupted(bookmark, _whole(scan, "version"), _number(scan, "began"), identity)


def _number(source: Mapping[str, Any], name: str) -> int:
    number = _whole(source, name)
    if number is None:
        raise DamagedStateError
    return number


def _whole(source: Mapping[str, Any], name: str) -> int | None:
    value = source.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise DamagedStateError
    return value
