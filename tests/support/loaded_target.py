"""A model of target-postgres: the rows it holds, and the state that the next run gets."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass
class LoadedTarget:
    """What one pipeline has loaded.

    Attributes:
        rows: The version that each customer's row carries; None for a row without.
        state: The last STATE.
        removed: The customers that the last messages made it delete.
    """

    rows: dict[int, int | None] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)

    def load(self, messages: Iterable[dict[str, Any]]) -> None:
        """Take the messages of one run: ACTIVATE_VERSION deletes the rows whose version is lower or missing."""
        self.removed = set()
        for message in messages:
            if message["type"] == "RECORD":
                self.rows[message["record"]["customerId"]] = message.get("version")
            elif message["type"] == "STATE":
                self.state = message["value"]
            elif message["type"] == "ACTIVATE_VERSION":
                old = {key for key, version in self.rows.items() if version is None or version < message["version"]}
                self.removed |= old
                self.rows = {key: version for key, version in self.rows.items() if key not in old}

    def copy(self) -> LoadedTarget:
        return copy.deepcopy(self)
