"""The tap: what can be set, and what happens from the command line to the last message."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import logging
import os
import sys
import traceback
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities
from singer_sdk.plugin_base import SingerCommand
from singer_sdk.singerlib import Catalog
from singer_sdk.tap_base import CliTestOptionValue

from tap_ycm.errors import TapError
from tap_ycm.reading.pages import PageRequest
from tap_ycm.settings import SETTINGS, Settings, clean, from_environment
from tap_ycm.stopping import Stop, StoppedError
from tap_ycm.streams import STREAMS, YCMStream
from tap_ycm.writer import PageWriter

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

    from tap_ycm.http.client import Client

__all__ = ["TapYCM"]


_NOT_WRITTEN = {
    "ca_bundle",
    "client_secret",
    "concurrency",
    "confirm_deletes",
    "max_delete_count",
    "max_delete_percent",
    "max_requests_per_minute",
    "page_size",
    "request_timeout",
    "resume_max_age",
    "retry_budget",
    "user_agent",
}
"""Settings that an interrupted scan may go on under, though they changed."""


class _Command(SingerCommand):
    """The command line: whatever a user can cause ends in one sentence and an exit status, without a traceback."""

    @override
    def main(self, *args: Any, **options: Any) -> Any:
        sentence, status = "", 1
        try:
            return super().main(*args, **options)
        except StoppedError as stopped:
            sentence, status = str(stopped), stopped.exit_status
        except TapError as error:
            sentence = str(error)
        except Exception as error:  # noqa: BLE001 - the last stop: its text may hold anything, a customer's data or the key of a stream map
            frames = traceback.extract_tb(error.__traceback__)
            places = "; ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-6:])
            sentence = f"unexpected {type(error).__name__}, please report it: {places}"
            if any(Path(frame.filename).parts[-2:] == ("singer_sdk", "mapper.py") for frame in frames):
                what = f"a stream map cannot be applied ({type(error).__name__})"
                sentence = f"{what}: check the settings stream_maps and stream_map_config"
        self.logger.error(sentence)
        sys.exit(status)


class TapYCM(Tap):
    """Singer tap for Yeastar Central Management (YCM): every customer, once, with proof that nobody was missed."""

    name = "tap-ycm"
    message_writer_class = PageWriter
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(SETTINGS)  # the SDK adds its own settings to it
    # No BATCH: the SDK's batch files hold deselected columns too. README ("Limits") says so.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        TapCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    @override
    def __init__(
        self,
        *,
        config: Any = None,
        parse_env_config: bool = False,
        validate_config: bool = True,
        **options: Any,
    ) -> None:
        """Create the tap.

        Args:
            config: Setting names and values.
            parse_env_config: Whether environment variables ``TAP_YCM_<NAME>`` add to them and win over them.
            validate_config: Whether to check them now; discovery needs none.
            options: As in the SDK.

        Raises:
            TapError: The configuration is wrong.
        """
        schema = self._schema_of_settings()
        given = dict(config or {})
        if parse_env_config:
            given |= clean(from_environment(os.environ, schema))
        given = clean(given)
        self._settings: Settings | None = None
        if validate_config:
            # Our check comes first and is stricter than the SDK's, whose messages quote the offending value.
            self._settings = Settings.of(given, schema)
            given |= {name: value for name, value in asdict(self._settings).items() if name in given}
        # Before the SDK takes the stream maps apart: what decides on what is read and how it is written.
        written = {name: value for name, value in given.items() if name not in _NOT_WRITTEN}
        self.fingerprint = hashlib.sha256(json.dumps(written, sort_keys=True, default=str).encode()).hexdigest()
        try:
            super().__init__(config=given, parse_env_config=False, validate_config=validate_config, **options)
        except ConfigValidationError as error:
            # Only the SDK's own settings are left to be wrong: name their places, and not the values it quotes.
            places = sorted({message.rpartition(" in config")[2] for message in error.errors})
            sentence = f"these settings are not as the SDK describes them: {', '.join(places)}"
            raise TapError(sentence) from None
        except AttributeError:
            sentence = "the setting stream_maps is not as the SDK describes it: __else__ can only be null"
            raise TapError(sentence) from None

    @classmethod
    def _schema_of_settings(cls) -> dict[str, Any]:
        cls.append_builtin_config(cls.config_jsonschema)
        return cls.config_jsonschema

    @property
    def settings(self) -> Settings:
        """The checked settings."""
        if self._settings is None:
            self._settings = Settings.of(self.config, self._schema_of_settings())
        return self._settings

    @cached_property
    def stop(self) -> Stop:
        """What SIGTERM and Ctrl-C do."""
        return Stop()

    @cached_property
    def client(self) -> Client:
        """The one client, and with it the one token, of all streams."""
        return self._client(self.settings)

    @override
    def setup_mapper(self) -> None:
        """Let each stream amend its entry of the input catalog first: the stream maps are made from it."""
        logging.getLogger("singer_sdk.mapper").setLevel(logging.WARNING)  # it logs expressions, which may hold a key
        _ = self.streams
        super().setup_mapper()

    @override
    def discover_streams(self) -> Sequence[YCMStream]:
        return [stream(self) for stream in STREAMS]

    def run(self) -> None:
        """Read everything that is selected, and write it to standard output.

        Raises:
            TapError: The run failed, or the brake withheld deletes. The state is written all the same.
        """
        self.stop.listen()
        _buffer_output()
        streams = self._ycm_streams()
        try:
            self.sync_all()
        except BaseException as error:  # noqa: BLE001 - a signal too: the state is written whatever comes
            failure: BaseException = error
            traceback.clear_frames(error.__traceback__)  # what a signal interrupted lets go of its connection
            for stream in streams:
                stream.give_up()
            if isinstance(error, OSError):  # the client raises none: it comes from writing
                failure = TapError(_cannot_write(error))
            try:
                self.flush()
                self.state_writer.write_state(self.state)
            except OSError as unwritable:
                _cannot_write(unwritable)
            for stream in streams:
                stream.say_verdict(str(error) if isinstance(error, StoppedError) else "the run failed")
            raise failure from None
        for stream in streams:
            if stream.decision and stream.decision.braked:
                sentence = f"{stream.name}: deletes {stream.decision.words}"
                raise TapError(sentence)

    def flush(self) -> None:
        """Hand all records so far to the target."""
        if isinstance(self.message_writer, PageWriter):
            self.message_writer.flush()

    def check_connection(self) -> None:
        """Ask every list for one row, and say how many it has.

        Raises:
            TapError: Something is in the way; the sentence says what.
        """
        settings = replace(self.settings, retry_budget=0)  # a person is waiting: no patience with faults
        client = self._client(settings)
        self.stop.listen()
        for stream in self._ycm_streams():
            page = client.page(stream.listing, PageRequest(1, 1, newest_first=True))
            total = len(page.ids) if page.total is None else page.total
            self.logger.info("Connection works: %s tells of %d %s", self.settings.base_url, total, stream.name)

    def _client(self, settings: Settings) -> Client:
        from tap_ycm.http.client import Client  # noqa: PLC0415 - not all commands ask YCM

        return Client(settings, self.logger, self.stop)

    def _ycm_streams(self) -> list[YCMStream]:
        return [stream for stream in self.streams.values() if isinstance(stream, YCMStream)]

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
            if path != "ENV" and _json_object(Path(path)) is None:
                sentence = "--config must name readable files, each holding one JSON object, or ENV"
                raise TapError(sentence)
        return super().cb_config(ctx, param, value)

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Run ``--test``: explain whether YCM can be read, and print no record."""
        if value == CliTestOptionValue.Disabled.value:
            return
        config = ctx.params.get("config")
        tap = cls(config=config.config if config else None, parse_env_config=bool(config and config.parse_env))
        if value == CliTestOptionValue.Schema.value:
            tap.write_schemas()
        else:
            tap.check_connection()
        ctx.exit()

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        """Return the SDK's command with our last stop for errors."""
        command = super().get_singer_command()
        return _Command(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help=command.help,
            context_settings=command.context_settings,
            logger=cls.logger,
        )


def _buffer_output() -> None:
    """Undo PYTHONUNBUFFERED: without a buffer, Python drops the rest of a line whose writing a signal interrupts."""
    if isinstance(sys.stdout, io.TextIOWrapper) and isinstance(sys.stdout.buffer, io.RawIOBase):
        sys.stdout = open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for good


def _cannot_write(error: OSError) -> str:
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
        content = json.loads(source.read_text(encoding="utf-8") if isinstance(source, Path) else source.read())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _state(source: IO[str]) -> dict[str, Any]:
    state = _json_object(source)
    marks = state.get("bookmarks", {}) if state is not None else None
    if state is None or not isinstance(marks, dict) or not all(isinstance(mark, dict) for mark in marks.values()):
        sentence = "the file of --state is damaged: clear the state to read everything anew"
        raise TapError(sentence)
    return state


def _catalog(source: IO[str]) -> Catalog:
    content = _json_object(source) or {}
    try:
        return Catalog.from_dict({"streams": content["streams"]})
    except (KeyError, TypeError, ValueError, AttributeError):
        sentence = "the file of --catalog is damaged: make a new one with --discover"
        raise TapError(sentence) from None
