"""A target that keeps what real ones keep, and the real tap in this process writing to it."""

from __future__ import annotations

import copy
import json
import threading
from dataclasses import dataclass, field
from typing import Any

from harness import catalog_of
from singer_sdk.singerlib import Catalog
from singer_sdk.singerlib.encoding.base import GenericSingerWriter

from tap_ycm.http.flights import THREADS
from tap_ycm.tap import TapYCM


class KilledError(BaseException):
    """The tap dies here: nothing after this line was written."""


@dataclass
class Target:
    """A table with versions, as the SDK's targets keep one, and the last state.

    Attributes:
        rows: The version that each customer's row carries; None for a row without.
        state: The state that the next run gets.
    """

    rows: dict[int, int | None] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)

    def receive(self, message: dict[str, Any]) -> None:
        if message["type"] == "RECORD":
            self.rows[message["record"]["customerId"]] = message.get("version")
        if message["type"] == "STATE":
            self.state = message["value"]
        if message["type"] == "ACTIVATE_VERSION":
            version = message["version"]
            self.rows = {key: stamp for key, stamp in self.rows.items() if stamp is not None and stamp >= version}


class Writer(GenericSingerWriter[str, Any]):
    """Writes to a target, line by line, until the tap is killed."""

    def __init__(self, target: Target, kill_after: int | None = None) -> None:
        super().__init__()
        self.target = target
        self.left = kill_after
        self.lines: list[dict[str, Any]] = []

    def serialize_message(self, message: Any) -> str:
        return json.dumps(message.to_dict(), default=str)

    def write_message(self, message: Any) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KilledError
        line = json.loads(self.serialize_message(message))
        self.lines.append(line)
        self.target.receive(line)


@dataclass
class Outcome:
    """What one run did."""

    lines: list[dict[str, Any]]
    flaw: str | None
    resumed: bool
    failure: BaseException | None
    braked: bool

    @property
    def ids(self) -> list[int]:
        return [line["record"]["customerId"] for line in self.lines if line["type"] == "RECORD"]

    @property
    def activated(self) -> bool:
        return any(line["type"] == "ACTIVATE_VERSION" for line in self.lines)


def run(target: Target, config: dict[str, object], kill_after: int | None = None) -> Outcome:
    """Run the real tap in this process; what ends it is returned, not raised."""
    writer = Writer(target, kill_after)
    tap = TapYCM(
        config=config,
        state=copy.deepcopy(target.state),
        catalog=Catalog.from_dict(catalog_of("customers")),
        message_writer=writer,
    )
    failure: BaseException | None = None
    try:
        tap.run()
    except (Exception, KilledError) as error:  # noqa: BLE001 - the outcome is what the test looks at
        failure = error
    for thread in threading.enumerate():
        if thread.name == THREADS:  # or it could ask in the midst of the next run
            thread.join(30)
            assert not thread.is_alive()
    stream = tap.streams["customers"]
    outcome = stream.outcome  # type: ignore[attr-defined]  # the SDK types it as its own Stream
    return Outcome(
        lines=writer.lines,
        flaw=outcome.flaw if outcome else "not begun",
        resumed=bool(outcome and outcome.scan and outcome.scan.resumed),
        failure=failure,
        braked="withheld by the brake" in str(failure),
    )
