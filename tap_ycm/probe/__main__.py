"""The command ``tap-ycm-probe``: options, settings, outputs and exit status."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tap_ycm.errors import TapError
from tap_ycm.probe.plan import plan, told
from tap_ycm.settings import Settings, clean, from_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "probe"]

_NAME = "tap-ycm-probe"
PER_MINUTE = 60


def probe(
    settings: Settings, *, per_minute: int, wrong_token: bool, patience: float = 1.0
) -> tuple[dict[str, Any], int]:
    """Probe one YCM.

    Args:
        settings: Where to ask, and as whom.
        per_minute: Requests a minute at most.
        wrong_token: Whether to try a token that cannot be valid.
        patience: Multiplies the probe's own waits.

    Returns:
        The report, and the exit status.

    Raises:
        TapError: The settings cannot be used here.
    """
    from tap_ycm.http.waiting import Pace  # noqa: PLC0415 - not all options ask YCM
    from tap_ycm.probe.asker import Asker  # noqa: PLC0415 - as above
    from tap_ycm.probe.inquiry import Inquiry  # noqa: PLC0415 - as above
    from tap_ycm.probe.line import Line  # noqa: PLC0415 - as above
    from tap_ycm.probe.report import report  # noqa: PLC0415 - as above
    from tap_ycm.stopping import Stop  # noqa: PLC0415 - as above

    began = datetime.now(UTC).isoformat(timespec="seconds")
    stop = Stop()
    stop.listen()
    line = Line(settings, stop, Pace(per_minute))
    inquiry = Inquiry(Asker(settings, line, _say, patience), plan(wrong_token=wrong_token))
    made = report(inquiry.run(), began)
    line.close()
    return made, inquiry.exit_status or int(not made["complete"])


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


@click.command(
    help="Ask your YCM a few harmless questions, and say how it behaves. docs/probe.md tells more.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--config",
    "configs",
    multiple=True,
    metavar="FILE",
    help="settings as for the tap, repeatable; ENV for the environment, which is also read without this option",
)
@click.option("--json", "json_path", metavar="FILE", help="write the report as JSON, too; - for standard output, alone")
@click.option("--per-minute", type=click.IntRange(1, 6000), default=PER_MINUTE, help="requests a minute at most (60)")
@click.option("--wrong-token", is_flag=True, help="allow one request with a token that cannot be valid")
@click.option("--dry-run", is_flag=True, help="say what would be asked, and ask nothing; needs no credentials")
@click.version_option(package_name="tap-ycm", prog_name=_NAME)
def command(
    *, configs: tuple[str, ...], json_path: str | None, per_minute: int, wrong_token: bool, dry_run: bool
) -> int:
    """Read the options, probe, and write the report."""
    steps = plan(wrong_token=wrong_token)
    if dry_run:
        sys.stdout.write(told(steps, per_minute))
        return 0
    settings = _settings(configs)
    if json_path not in {None, "-"} and not Path(str(json_path)).absolute().parent.is_dir():
        sentence = "--json must name a file in a folder that exists"
        raise TapError(sentence)
    _say(told(steps, per_minute))
    made, status = probe(settings, per_minute=per_minute, wrong_token=wrong_token)
    _write(made, json_path)
    return status


def _settings(configs: Sequence[str]) -> Settings:
    """Return the settings of files and of the environment, which wins, checked as the tap does."""
    from tap_ycm.tap import TapYCM  # noqa: PLC0415 - takes long to import, and not all options need it

    TapYCM.append_builtin_config(TapYCM.config_jsonschema)
    given: dict[str, Any] = {}
    for path in configs:
        if path == "ENV":
            continue
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            content = None
        if not isinstance(content, dict):
            sentence = "--config must name readable files, each holding one JSON object, or ENV"
            raise TapError(sentence)
        given |= content
    if not configs or "ENV" in configs:
        given |= clean(from_environment(os.environ, TapYCM.config_jsonschema))
    return Settings.of(given, TapYCM.config_jsonschema)


def _write(made: dict[str, Any], json_path: str | None) -> None:
    from tap_ycm.probe.people import for_people  # noqa: PLC0415 - not all options need it

    text = json.dumps(made, indent=1) + "\n"
    if json_path == "-":
        sys.stdout.write(text)
    else:
        sys.stdout.write(for_people(made))
        if json_path:
            try:
                Path(json_path).write_text(text, encoding="utf-8")
            except OSError as error:
                sentence = f"the file of --json cannot be written ({error.strerror})"
                raise TapError(sentence) from None
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line; whatever a user can cause ends in one sentence."""
    logging.disable(logging.CRITICAL)  # of the libraries: their lines hold addresses
    sentence, status = "", 1
    try:
        status = command.main(argv, prog_name=_NAME, standalone_mode=False)
    except click.ClickException as error:
        sentence, status = error.format_message(), 2
    except click.Abort:
        sentence, status = "stopped", 130
    except TapError as error:
        sentence = str(error)
    except BrokenPipeError:
        sentence = "standard output cannot be written"
    except Exception as error:  # noqa: BLE001 - the last stop: its text may hold anything
        frames = traceback.extract_tb(error.__traceback__)
        places = "; ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-6:])
        sentence = f"unexpected {type(error).__name__}, please report it: {places}"
    if sentence:
        _say(f"{_NAME}: {sentence}")
    sys.exit(status)


if __name__ == "__main__":
    main()
