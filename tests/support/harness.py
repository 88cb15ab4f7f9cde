"""What tests read off one run of the tap."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clean_environment import CLEAN_ENVIRONMENT

if TYPE_CHECKING:
    from tap_ycm.sandbox import Sandbox

__all__ = [
    "CLEAN_ENVIRONMENT",
    "SCHEMAS",
    "SNAPSHOTS",
    "Message",
    "Run",
    "catalog_of",
    "customers_only",
    "discovered",
    "settings_for",
]

Message = dict[str, Any]

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
SNAPSHOTS = Path(__file__).resolve().parents[1] / "snapshots"


@dataclass(frozen=True)
class Run:
    """One finished run of the tap."""

    status: int
    stdout: str
    log: str

    @property
    def messages(self) -> list[Message]:
        return [json.loads(line) for line in self.stdout.split("\n") if line]

    def of_type(self, kind: str) -> list[Message]:
        return [message for message in self.messages if message["type"] == kind]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [message["record"] for message in self.of_type("RECORD")]

    @property
    def ids(self) -> list[int]:
        return [record["customerId"] for record in self.records]

    @property
    def types(self) -> list[str]:
        """The types of the messages in order, repeats left out."""
        types = [message["type"] for message in self.messages]
        return [kind for place, kind in enumerate(types) if place == 0 or types[place - 1] != kind]

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.of_type("STATE")[-1]["value"]
        return state

    @property
    def bookmark(self) -> dict[str, Any]:
        bookmark: dict[str, Any] = self.state["bookmarks"]["customers"]
        return bookmark

    @property
    def verdict(self) -> str:
        lines = [
            line for line in self.log.splitlines() if "customers: complete" in line or "customers: not complete" in line
        ]
        assert len(lines) == 1, self.log
        return lines[0].partition("customers: ")[2]

    @property
    def error(self) -> str:
        """The one sentence of a failure."""
        lines = [line for line in self.log.splitlines() if "| ERROR" in line]
        assert len(lines) == 1, self.log
        assert "Traceback" not in self.log
        return lines[0].rpartition(" | ")[2]


def catalog_of(*streams: str) -> dict[str, Any]:
    """Return a catalog that selects some streams, and all their columns."""
    return {
        "streams": [
            {
                "tap_stream_id": name,
                "stream": name,
                "schema": json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8")),
                "metadata": [{"breadcrumb": [], "metadata": {"inclusion": "available", "selected": True}}],
            }
            for name in streams
        ]
    }


def discovered(stream: str) -> dict[str, Any]:
    """Return the entry of a stream in the catalog of discovery; tests/singer/test_catalog.py keeps it current."""
    entry: dict[str, Any] = json.loads((SNAPSHOTS / f"{stream}.json").read_text(encoding="utf-8"))
    return entry


def customers_only(folder: Path) -> list[str]:
    """Return the arguments that have the tap read customers, and nothing else."""
    path = folder / "customers_only.json"
    if not path.exists():
        path.write_text(json.dumps(catalog_of("customers")), encoding="utf-8")
    return ["--catalog", str(path)]


def settings_for(ycm: Sandbox, **settings: object) -> dict[str, object]:
    """Return a configuration for a sandbox; one request at a time, for tests that count requests."""
    return {
        "concurrency": 1,
        "base_url": ycm.url,
        "client_id": ycm.client_id,
        "client_secret": ycm.client_secret,
        **settings,
    }
