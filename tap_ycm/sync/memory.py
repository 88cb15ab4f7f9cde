"""What a stream's state remembers from run to run.

Pure. Meltano merges some states into the last one key by key (those of an interrupted full refresh, say), so a key that
is left out does not go away: every state that is written carries every key, and what must be replaced as a whole is a
list or a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tap_ycm.reading.lane import ABOVE_ALL, BELOW_ALL, LaneMark
from tap_ycm.reading.parents import ParentsMark
from tap_ycm.reading.scan import Bookmark
from tap_ycm.sync.keys import packed, unpacked

__all__ = ["DamagedStateError", "Interrupted", "Memory"]


class DamagedStateError(Exception):
    """The state was not written by this tap, or was damaged since."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A scan that was not finished, or not yet.

    Attributes:
        bookmark: Where to continue.
        began: When it began, in seconds since the epoch.
        identity: What it read, and how: a scan of something else must not be continued.
    """

    bookmark: Bookmark | ParentsMark
    began: int
    identity: str


@dataclass(frozen=True, slots=True)
class Memory:
    """The state of one stream; keys are packed as :func:`tap_ycm.sync.keys.packed` does.

    Attributes:
        account: Which account of which YCM it is about, as a short hash; None if that was never said.
        last_version: The highest version that records ever carried, 0 before the first: versions only grow.
        baseline: Whether a complete scan was ever made: before, the target may hold what the state does not know.
        highest: The highest key when the last complete scan began: no key up to it can be new. None without one.
        rows: Number of rows of the last complete scan; None before the first.
        known: Keys that the target may hold as living; None if there are too many to remember.
        new: More of them, handed out since ``known`` was written.
        gone: Keys that the target may hold as living, and of which YCM said that they do not exist.
        braked: Keys that were absent when the brake held.
        scan: The scan that was not finished.
        is_older: Whether a version of the tap wrote it that remembered no keys.
    """

    account: str | None = None
    last_version: int = 0
    baseline: bool = False
    highest: int | None = None
    rows: int | None = None
    known: str | None = ""
    new: tuple[str, ...] = ()
    gone: str = ""
    braked: str = ""
    scan: Interrupted | None = None
    is_older: bool = False

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Memory:
        """Read a stream's state.

        Args:
            state: As :meth:`state` wrote it; what is missing was never known.

        Raises:
            DamagedStateError: It was not.
        """
        last_version = _whole(state, "last_version") or 0
        if "baseline" not in state:
            return cls(last_version=last_version, is_older="complete_rows" in state)
        account, baseline, known = state.get("account"), state["baseline"], state.get("known")
        new, scan = state.get("new"), state.get("scan") or []
        if not isinstance(scan, list):
            raise DamagedStateError
        if not isinstance(account, str | None) or not isinstance(baseline, bool) or not isinstance(new, list):
            raise DamagedStateError
        if not all(isinstance(text, str) for text in (known or "", *new, state.get("gone"), state.get("braked"))):
            raise DamagedStateError
        return cls(
            account=account,
            last_version=last_version,
            baseline=baseline,
            highest=_whole(state, "highest"),
            rows=_whole(state, "rows"),
            known=known,
            new=tuple(new),
            gone=state["gone"],
            braked=state["braked"],
            scan=_interrupted(scan[0]) if scan else None,
        )

    def state(self) -> dict[str, Any]:
        """Return the stream's state, every key of it."""
        return {
            "account": self.account,
            "last_version": self.last_version,
            "baseline": self.baseline,
            "highest": self.highest,
            "rows": self.rows,
            "known": self.known,
            "new": list(self.new),
            "gone": self.gone,
            "braked": self.braked,
            "scan": [] if self.scan is None else [_written(self.scan)],  # Meltano cannot merge an object over null
        }


def _written(scan: Interrupted) -> dict[str, Any]:
    mark = scan.bookmark
    if isinstance(mark, ParentsMark):
        return {
            "done": packed(sorted(mark.done)),
            "rows": mark.rows,
            "began": scan.began,
            "identity": scan.identity,
        }
    return {
        "lanes": [[lane.page, _or_null(lane.below), _or_null(lane.until)] for lane in mark.lanes],
        "size": mark.size,
        "newest": _or_null(mark.newest),
        "rows": mark.rows,
        "began": scan.began,
        "identity": scan.identity,
    }


def _interrupted(scan: object) -> Interrupted:
    if not isinstance(scan, Mapping):
        raise DamagedStateError
    lanes, identity = scan.get("lanes"), scan.get("identity")
    if not isinstance(identity, str):
        raise DamagedStateError
    if "done" in scan:
        done = unpacked(scan["done"])
        parents = ParentsMark(done, len(done), _number(scan, "rows"))
        return Interrupted(parents, _number(scan, "began"), identity)
    if not isinstance(lanes, list):
        raise DamagedStateError
    marks = tuple(_lane(lane) for lane in lanes)
    size, rows = _number(scan, "size"), _number(scan, "rows")
    if size < 1 or rows < 0:
        raise DamagedStateError
    newest = _whole(scan, "newest")
    bookmark = Bookmark(marks, size, BELOW_ALL if newest is None else newest, rows)
    return Interrupted(bookmark, _number(scan, "began"), identity)


def _lane(lane: object) -> LaneMark:
    if not isinstance(lane, list) or len(lane) != len(LaneMark.__slots__):
        raise DamagedStateError
    page, below, until = lane
    if not _is_whole(page) or page < 1 or not all(key is None or _is_whole(key) for key in (below, until)):
        raise DamagedStateError
    return LaneMark(page, ABOVE_ALL if below is None else below, BELOW_ALL if until is None else until)


def _or_null(key: int) -> int | None:
    """Leave a limit out that is no 64-bit integer: some readers of JSON would make a fraction of it."""
    return None if key in {BELOW_ALL, ABOVE_ALL} else key


def _number(source: Mapping[str, Any], name: str) -> int:
    number = _whole(source, name)
    if number is None:
        raise DamagedStateError
    return number


def _whole(source: Mapping[str, Any], name: str) -> int | None:
    value = source.get(name)
    if value is not None and not _is_whole(value):
        raise DamagedStateError
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
