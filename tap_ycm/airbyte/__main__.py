"""``source-ycm``: spec, check, discover and read of the Airbyte protocol."""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_ycm.errors import TapError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_ycm.airbyte.output import Output

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, and end the process."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the tap listens
    gc.disable()  # as in tap_ycm.__main__
    from tap_ycm.airbyte import protocol  # noqa: PLC0415 - the import is what is to be quick
    from tap_ycm.airbyte.output import LogHandler, Output  # noqa: PLC0415 - as above
    from tap_ycm.cli import buffer_output, explained  # noqa: PLC0415 - as above
    from tap_ycm.stopping import StoppedError  # noqa: PLC0415 - as above

    gc.freeze()
    gc.enable()
    buffer_output()
    output = Output()
    logging.basicConfig(handlers=[LogHandler(output)], level=os.environ.get("TAP_YCM_LOGLEVEL", "INFO").upper())
    logging.captureWarnings(capture=True)
    try:
        status = _COMMANDS[asked.command](output, asked)
    except (Exception, StoppedError) as error:  # noqa: BLE001 - the last stop
        sentences, status = explained(error)
        failure_type = protocol.CONFIG_ERROR if isinstance(error, TapError) else protocol.SYSTEM_ERROR
        try:
            for sentence in sentences:
                output.write(protocol.error(sentence, failure_type))
        except TapError:  # the output is closed
            pass
    sys.exit(status)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="source-ycm", description="Airbyte source for Yeastar Central Management")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, files in {
        "spec": (),
        "check": ("config",),
        "discover": ("config",),
        "read": ("config", "catalog", "state"),
    }.items():
        command = commands.add_parser(name)
        for file in files:
            command.add_argument(f"--{file}", type=Path, required=file != "state")
    return parser


def _spec(output: Output, _: argparse.Namespace) -> int:
    from tap_ycm.airbyte import protocol, spec  # noqa: PLC0415 - each command imports what it needs

    output.write(protocol.specification(spec.connection_specification(), spec.DOCUMENTATION))
    return 0


def _check(output: Output, asked: argparse.Namespace) -> int:
    from tap_ycm.airbyte import protocol, spec  # noqa: PLC0415 - as above
    from tap_ycm.airbyte.source import SourceTap  # noqa: PLC0415 - as above
    from tap_ycm.airbyte.spool import Spool  # noqa: PLC0415 - as above
    from tap_ycm.cli import explained  # noqa: PLC0415 - as above

    failure: str | None = None
    try:
        settings, folder = spec.tap_settings(_object(asked.config, "config"))
        Spool(folder, output, lambda _: None)
        # Somebody is waiting: no patience with faults.
        SourceTap(config={**settings, "retry_budget": 0}).check_connection()
    except Exception as error:  # noqa: BLE001 - the last stop
        failure = "; ".join(explained(error)[0])
    output.write(protocol.connection_status(failure))
    return 0


def _discover(output: Output, asked: argparse.Namespace) -> int:
    from tap_ycm.airbyte import catalogs, protocol, spec  # noqa: PLC0415 - as above
    from tap_ycm.airbyte.source import SourceTap  # noqa: PLC0415 - as above

    settings, _ = spec.tap_settings(_object(asked.config, "config"))
    streams = SourceTap(config=settings).streams
    tables = catalogs.TABLES.values()
    output.write(protocol.catalog([catalogs.airbyte_stream(table, streams[table.name].schema) for table in tables]))
    return 0


def _read(output: Output, asked: argparse.Namespace) -> int:
    from tap_ycm.airbyte import catalogs, spec, states  # noqa: PLC0415 - as above
    from tap_ycm.airbyte.source import Source  # noqa: PLC0415 - as above

    settings, folder = spec.tap_settings(_object(asked.config, "config"))
    keeps = settings.get("unknown_fields") == "keep"
    wanted = catalogs.wanted(_object(asked.catalog, "catalog"), keeps_unknown=keeps)
    memories = states.Memories(_json(asked.state, "state") if asked.state else None)
    return Source(output, wanted, memories).read(settings, folder)


_COMMANDS = {"spec": _spec, "check": _check, "discover": _discover, "read": _read}


def _json(path: Path, option: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        sentence = f"--{option} must name a readable file that holds JSON"
        raise TapError(sentence) from None


def _object(path: Path, option: str) -> dict[str, Any]:
    content = _json(path, option)
    if not isinstance(content, dict):
        sentence = f"the file of --{option} must hold a JSON object"
        raise TapError(sentence)
    return content


if __name__ == "__main__":
    main()
