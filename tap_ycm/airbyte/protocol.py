"""The messages of the Airbyte protocol that a source writes. Pure."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "CONFIG_ERROR",
    "SYSTEM_ERROR",
    "TRANSIENT_ERROR",
    "around_record",
    "catalog",
    "connection_status",
    "error",
    "log",
    "specification",
    "state",
    "stream_status",
]

CONFIG_ERROR, TRANSIENT_ERROR, SYSTEM_ERROR = "config_error", "transient_error", "system_error"
"""What a failure is: one for a person to act on, one that may pass, a defect."""

Message = dict[str, Any]


def now() -> int:
    """Return the time in milliseconds since the epoch."""
    return round(time.time() * 1000)


def log(level: str, text: str) -> Message:
    """Return a line of the log."""
    return {"type": "LOG", "log": {"level": level, "message": text}}


def specification(connection: Mapping[str, Any], documentation: str) -> Message:
    """Return what can be set: a JSON schema, and where it is described."""
    spec = {
        "documentationUrl": documentation,
        "connectionSpecification": connection,
        "supportsIncremental": True,
        "protocol_version": "0.2.0",
    }
    return {"type": "SPEC", "spec": spec}


def connection_status(failure: str | None) -> Message:
    """Return whether the source can be read, and if not, why."""
    status = {"status": "SUCCEEDED"} if failure is None else {"status": "FAILED", "message": failure}
    return {"type": "CONNECTION_STATUS", "connectionStatus": status}


def catalog(streams: Sequence[Mapping[str, Any]]) -> Message:
    """Return the streams that there are."""
    return {"type": "CATALOG", "catalog": {"streams": streams}}


def around_record(stream: str) -> tuple[bytes, bytes]:
    """Return the text of a record's message before its data, and after it."""
    head = f'{{"type":"RECORD","record":{{"stream":{json.dumps(stream)},"emitted_at":{now()},"data":'
    return head.encode(), b"}}"


def state(stream: str, content: Mapping[str, Any], records: int) -> Message:
    """Return a stream's state, after so many records since the last one."""
    return {
        "type": "STATE",
        "state": {
            "type": "STREAM",
            "stream": {"stream_descriptor": {"name": stream}, "stream_state": content},
            "sourceStats": {"recordCount": records},
        },
    }


def stream_status(stream: str, status: str) -> Message:
    """Return how far a stream is: ``STARTED``, ``RUNNING``, ``COMPLETE`` or ``INCOMPLETE``."""
    content = {"stream_descriptor": {"name": stream}, "status": status}
    return {"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": now(), "stream_status": content}}


def error(sentence: str, failure_type: str, stream: str | None = None) -> Message:
    """Return why a stream, or the whole run, failed."""
    content: Message = {"message": sentence, "failure_type": failure_type}
    if stream is not None:
        content["stream_descriptor"] = {"name": stream}
    return {"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": now(), "error": content}}
