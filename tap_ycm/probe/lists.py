"""What an answer shows of a list, or of one object; in memory only its ids. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_ycm.errors import NOT_PERMITTED
from tap_ycm.kinds import SNAPSHOT_AT, Children, WholeList
from tap_ycm.probe.observation import code_in, failed, json_type, observe, succeeded
from tap_ycm.probe.rows import Fields, fields_of
from tap_ycm.probe.seen import ListSeen

if TYPE_CHECKING:
    from tap_ycm.kinds import Kind
    from tap_ycm.probe.line import Answer

__all__ = ["list_seen", "outcome_of_look_up"]


def list_seen(kind: Kind, answer: Answer, size: int | None, parent: int | None) -> ListSeen:
    """Return what an answer shows of a stream.

    Args:
        kind: The stream.
        answer: The answer.
        size: Rows that were asked for; None if it comes whole.
        parent: The object that the rows belong to, or None.
    """
    data = answer.fields.get("data")
    raw = _rows_in(kind, data) if succeeded(answer) else None
    outcome = "read" if raw is not None else _outcome(answer)
    if raw is None:
        return ListSeen(kind.name, outcome, seen=observe(answer), size=size)
    rows: list[Any] = raw
    if isinstance(kind, Children):
        rows = [{**row, kind.column: parent} if isinstance(row, dict) else row for row in raw]
    if len(kind.keys) == 1 and kind.keys[0] != SNAPSHOT_AT and kind.parent is None:
        keys = [row.get(kind.keys[0]) if isinstance(row, dict) else None for row in rows]
    else:
        keys = []
    ids = tuple(key for key in keys if type(key) is int)
    if len(ids) < len(keys):
        outcome, ids = "unreadable", ()
    return ListSeen(
        kind.name,
        outcome,
        seen=observe(answer),
        shape=_shape(kind, data),
        size=size,
        ids=ids,
        count=len(rows),
        fields=fields_of(kind, rows) if rows else Fields(),
        repeated=isinstance(kind, Children) and len(set(map(repr, rows))) < len(rows),
    )


def _rows_in(kind: Kind, data: Any) -> list[Any] | None:
    """Return the rows where the tap expects them; None if they are not there."""
    if isinstance(kind, WholeList | Children):
        return kind.rows(data)
    rows = data.get("list") if isinstance(data, dict) else None
    return rows if isinstance(rows, list) else None


def _shape(kind: Kind, data: Any) -> str:
    if not isinstance(data, dict):
        return json_type(data)
    within = next((name for name in ("list", "itspInfos") if isinstance(data.get(name), list)), None)
    return f"object with {within}" if within and not isinstance(kind, Children) else "object"


def _outcome(answer: Answer) -> str:
    """Name what came in place of a list."""
    if answer.status is None or answer.status >= 500:
        return "unanswered"
    code = code_in(answer)
    if code in NOT_PERMITTED or (code is None and answer.status == 403 and failed(answer)):
        return "refused"
    if code == 1000005 or (code is None and answer.status == 404):
        return "not found"
    return "failed" if failed(answer) else "unreadable"


def outcome_of_look_up(answer: Answer, key: str, asked: int) -> str:
    """Name what came in place of an object, or of "not found"."""
    if answer.status is None or answer.status >= 500:
        return "unanswered"
    data = answer.fields.get("data")
    if succeeded(answer):
        if isinstance(data, dict) and type(data.get(key)) is int and data[key] != asked:
            return "another object"
        return "null" if data is None else "another shape"
    if not answer.fields:
        return "web page"
    return "refused" if _outcome(answer) == "refused" else "failed"
