"""The command line: what each option does with a tap, and how every run ends.

Whatever a user can cause ends in one sentence and an exit status, without a traceback.
"""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from abc import abstractmethod
from pathlib import Path
from typing import IO, Any

import click
from singer_sdk import Tap
from singer_sdk.plugin_base import SingerCommand
from singer_sdk.singerlib import Catalog
from singer_sdk.tap_base import CliTestOptionValue

from tap_ycm.errors import FailuresError, TapError
from tap_ycm.stopping import StoppedError

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

__all__ = ["CommandLine", "buffer_output", "cannot_write", "explained"]


class _Command(SingerCommand):
    """The SDK's command with a last stop for errors."""

    @override
    def main(self, *args: Any, **options: Any) -> Any:
        try:
            return super().main(*args, **options)
        except (Exception, StoppedError) as error:  # noqa: BLE001 - the last stop
            sentences, status = explained(error)
        for sentence in sentences:
            self.logger.error(sentence)
        sys.exit(status)


class CommandLine(Tap):
    """A tap that is started from the command line."""

    @abstractmethod
    def run(self) -> None:
        """Read everything that is selected, and write it to standard output."""

    @abstractmethod
    def check_connection(self) -> None:
        """Say whether the source can be read; write no record."""

    @classmethod
    @override
    def invoke(  # type: ignore[override]  # as in the SDK, whose own Tap.invoke narrows PluginBase.invoke
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> None:
        """Run the tap from the command line; the parameters are its options."""
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        tap = cls(
            config=config.config if config else None,
            parse_env_config=bool(config and config.parse_env),
            state=_state(state) if state else None,
            catalog=_catalog(catalog) if catalog else None,
        )
        tap.run()

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read the files of ``--config``."""
        for path in value:
            # What is no plain file, as of a shell's <(...), can be read once only, and the SDK will.
            may_be_read = path != "ENV" and (Path(path).is_file() or not Path(path).exists())
            if may_be_read and _json_object(Path(path)) is None:
                sentence = "--config must name readable files, each holding one JSON object, or ENV"
                raise TapError(sentence)
        return super().cb_config(ctx, param, value)

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Run ``--test``: explain whether YCM can be read, and print no record."""
        if value == CliTestOptionValue.Disabled.value:
            return
        if value not in {option.value for option in CliTestOptionValue}:
            sentence = f"give --test alone, or --test={CliTestOptionValue.Schema.value}"
            raise click.BadParameter(sentence, ctx, param)
        config, catalog = ctx.params.get("config"), ctx.params.get("catalog")
        tap = cls(
            config=config.config if config else None,
            parse_env_config=bool(config and config.parse_env),
            catalog=_catalog(catalog) if catalog else None,
        )
        if value == CliTestOptionValue.Schema.value:
            for stream in tap.streams.values():
                if stream.selected:  # the SDK's own write_schemas stumbles over others
                    stream._write_schema_message()  # noqa: SLF001 - private in the SDK; pinned by tests/singer/test_sdk_pins.py
        else:
            tap.check_connection()
        ctx.exit()

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """Return the SDK's command with our last stop for errors."""
        command = super().get_singer_command()
        for param in command.params:
            if param.name == "catalog":  # --test acts at once: it finds the catalog if that comes before
                param.is_eager = True
                param.type = click.File(lazy=True)  # so that a mistake in another option leaves no file open
        return _Command(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help=command.help,
            context_settings=command.context_settings,
            logger=cls.logger,
        )


def explained(error: BaseException) -> tuple[list[str], int]:
    """Return the sentences about what ended a run, and its exit status."""
    match error:
        case StoppedError():
            return [str(error)], error.exit_status
        case FailuresError():
            return error.sentences, 1
        case TapError():
            return [str(error)], 1
    # The text of any other may hold anything, a customer's data or the key of a stream map.
    frames = traceback.extract_tb(error.__traceback__)
    places = "; ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-6:])
    sentence = f"unexpected {type(error).__name__}, please report it: {places}"
    if any(Path(frame.filename).parts[-2:] == ("singer_sdk", "mapper.py") for frame in frames):
        what = f"a stream map cannot be applied ({type(error).__name__})"
        sentence = f"{what}: check the settings stream_maps and stream_map_config"
    return [sentence], 1


def buffer_output() -> None:
    """Undo PYTHONUNBUFFERED: without a buffer, Python drops the rest of a line whose writing a signal interrupts."""
    if isinstance(sys.stdout, io.TextIOWrapper) and isinstance(sys.stdout.buffer, io.RawIOBase):
        sys.stdout = open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for good


def cannot_write(error: OSError) -> str:
    """Say why standard output takes no more, and keep Python from trying again when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # not a new sys.stdout: what the old one still holds would be tried again
    os.close(nowhere)
    if isinstance(error, BrokenPipeError):
        return "the target stopped reading: its own log says why"
    return f"standard output cannot be written ({error.strerror})"


def _json_object(source: Path | IO[str]) -> dict[str, Any] | None:
    """Read a JSON object; None if the file holds anything else."""
    try:
        with source.open(encoding="utf-8") if isinstance(source, Path) else source as file:
            content = json.load(file)
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _state(source: IO[str]) -> dict[str, Any]:
    state = _json_object(source)
    marks = state.get("bookmarks", {}) if state is not None else None
    if state is None or not isinstance(marks, dict) or not all(isinstance(mark, dict) for mark in marks.values()):
        sentence = "the file of --state is damaged: clear the state to read everything again"
        raise TapError(sentence)
    return state


def _catalog(source: IO[str]) -> Catalog:
    content = _json_object(source) or {}
    try:
        return Catalog.from_dict({"streams": content["streams"]})
    except (KeyError, TypeError, ValueError, AttributeError):
        sentence = "the file of --catalog is damaged: make a new one with --discover"
        raise TapError(sentence) from None
