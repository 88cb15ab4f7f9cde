"""States: what Airbyte gives back, and what it is given to keep.

Airbyte forgets the states of streams that are refreshed in full when the next sync begins, and the brake needs to know
what the last sync read. The state of an incremental stream is kept. So the state of ``syncs``, which is one, holds
those of all lists, besides what each list is given itself.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tap_ycm.airbyte.catalogs import TABLES, is_history
from tap_ycm.errors import TapError
from tap_ycm.streams import SYNCS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Memories"]

_LISTS = "lists"


class Memories:
    """What is remembered of each stream, from sync to sync."""

    def __init__(self, given: Any) -> None:
        """Read the content of a file of states.

        Raises:
            TapError: They are not of this source.
        """
        own = _by_stream(given)
        lists = own.pop(SYNCS.name, {}).get(_LISTS, {})
        if not isinstance(lists, dict) or not all(isinstance(mark, dict) for mark in lists.values()):
            raise _damaged()
        self._marks: dict[str, dict[str, Any]] = {
            name: mark for name, mark in {**lists, **own}.items() if name in TABLES and mark
        }

    def for_tap(self) -> dict[str, Any]:
        """Return the state for the tap."""
        return {"bookmarks": copy.deepcopy(self._marks)}

    def adopt(self, stream: str, mark: Mapping[str, Any]) -> dict[str, Any]:
        """Remember, and return, what the tap says of a stream that was read to its end."""
        self._marks[stream] = copy.deepcopy(dict(mark))
        return self._marks[stream]

    def of_lists(self) -> dict[str, Any]:
        """Return the state of ``syncs``."""
        return {_LISTS: {name: mark for name, mark in self._marks.items() if not is_history(TABLES[name])}}


def _by_stream(given: Any) -> dict[str, dict[str, Any]]:
    """Return the states in a file by the names of their streams."""
    if not given:
        return {}
    marks: dict[str, dict[str, Any]] = {}
    try:
        for message in given if isinstance(given, list) else [given]:
            stream = message.get("stream")
            if stream is not None:
                marks[stream["stream_descriptor"]["name"]] = dict(stream.get("stream_state") or {})
            elif message.get("global") or message.get("data"):
                raise _damaged()
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _damaged() from None
    return marks


def _damaged() -> TapError:
    return TapError("the states in the file of --state are not of this source: clear them to read everything again")
