"""The tap: its settings, its streams, and what happens from the first request to the last message."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import os
import sys
from dataclasses import asdict, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import CapabilitiesEnum, PluginCapabilities, TapCapabilities
from singer_sdk.plugin_base import PluginBase
from singer_sdk.singerlib import Catalog

from tap_ycm.cli import CommandLine, buffer_output, cannot_write
from tap_ycm.errors import TapError
from tap_ycm.records.reader import EXTRA
from tap_ycm.report import Report
from tap_ycm.settings import HARMLESS, SETTINGS, Settings, clean, from_environment
from tap_ycm.singer.run import needed, read_all, try_all
from tap_ycm.singer.stream import Shared, YCMStream
from tap_ycm.singer.syncs import SyncsStream
from tap_ycm.singer.table import TableStream
from tap_ycm.singer.writer import PageWriter
from tap_ycm.stopping import Stop
from tap_ycm.streams import STREAMS, SYNCS
from tap_ycm.sync.verdict import unread

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_ycm.sync.verdict import Verdict

__all__ = ["TapYCM"]


class TapYCM(CommandLine):
    """Singer tap for Yeastar Central Management (YCM): every list of it, read completely."""

    name = "tap-ycm"
    message_writer_class = PageWriter
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(SETTINGS)  # the SDK adds its own settings to it
    # No BATCH: the SDK's batch files hold deselected columns too. README ("Limits") says so.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ACTIVATE_VERSION,
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
        given = {name: _object_from_text(value, schema["properties"].get(name)) for name, value in clean(given).items()}
        self._settings: Settings | None = None
        if validate_config:
            # Our check comes first and is stricter than the SDK's, whose messages quote the offending value.
            self._settings = Settings.of(given, schema)
            given |= {name: value for name, value in asdict(self._settings).items() if name in given}
        # Before the SDK takes the stream maps apart: what decides on what is read and how it is written.
        written = {name: value for name, value in given.items() if name not in HARMLESS}
        if self._settings and self._settings.access_token:
            written["access_token"] = self._settings.access_token  # also where it comes from a file
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
    def _shared(self) -> Shared:
        from tap_ycm.http.client import Client  # noqa: PLC0415 - not all commands ask YCM

        client = Client(self.settings, self.logger, self.stop)
        return Shared(self.settings, client, self.stop, self.fingerprint, self.flush, self._save)

    @override
    def setup_mapper(self) -> None:
        """Apply the catalog and check the stream maps before the SDK combines them.

        Raises:
            TapError: Nothing is selected, or a stream map names what does not exist.
        """
        logging.getLogger("singer_sdk.mapper").setLevel(logging.WARNING)  # it logs expressions, which may hold a key
        tables = [
            stream for stream in self.streams.values() if isinstance(stream, TableStream)
        ]  # each amends its entry of the catalog
        if (catalog := self.input_catalog) is not None:
            from tap_ycm.singer.catalog import foreign_streams, nothing_selected  # noqa: PLC0415 - not all have one

            if not any(stream.selected for stream in self._ycm_streams()):
                raise TapError(nothing_selected(catalog, self.streams))
            for warning in foreign_streams(catalog, self.streams):
                self.logger.warning(warning)
        if maps := self.config.get("stream_maps"):
            from tap_ycm.singer.stream_maps import Columns, names_in_expressions, problems  # noqa: PLC0415 - not all have any

            columns = {stream.name: Columns.of(stream, (*stream.columns, EXTRA)) for stream in tables}
            if found := problems(maps, columns, names_in_expressions()):
                sentence = f"stream_maps: {'; '.join(found)}"
                raise TapError(sentence)
        PluginBase.setup_mapper(self)  # not the tap's: it maps deselected streams, too, whose columns are gone
        selected = {stream.name for stream in tables if stream.selected}
        entries = {name: entry for name, entry in self.catalog.items() if name in selected}
        self.mapper.register_raw_streams_from_catalog(Catalog(entries))

    @override
    def discover_streams(self) -> Sequence[TableStream]:
        streams: dict[str, YCMStream] = {}
        for kind in STREAMS:
            parent = streams[kind.parent] if kind.parent else None
            streams[kind.name] = YCMStream(self, kind, lambda: self._shared, parent)
        return [*streams.values(), SyncsStream(self)]

    def run(self) -> None:
        """Read everything that is selected, and write it to standard output.

        Raises:
            TapError: A stream failed, or the brake withheld deletes. The state is written all the same.
        """
        report = Report(self.settings, self.concluded)
        self.stop.listen()
        buffer_output()
        streams = needed(self._ycm_streams())
        try:
            self._prepare(streams, report)
            read_all(streams, report, self.flush, self._save)
        except BaseException as error:
            self._report(streams, report, getattr(error, "exit_status", 1))
            raise
        self._report(streams, report, 0)

    def concluded(self, verdict: Verdict, error: BaseException | None) -> None:
        """Hear the verdict on a stream, once all its messages are written; for those who read in this process.

        Args:
            verdict: What its sync did.
            error: What ended it before its time, or None.
        """

    def _prepare(self, streams: Sequence[YCMStream], report: Report) -> None:
        """Read the state of each stream, before anything is asked."""
        was_given = bool(self.state)  # before each stream makes its place in it
        for stream in streams:
            try:
                stream.prepare()
            except TapError as error:
                report.add(stream.verdict(error), error)
                raise
        if was_given:
            self._save()

    def _report(self, streams: Sequence[YCMStream], report: Report, exit_status: int) -> None:
        """Write what became of each stream: to the target, and to the file that the user wants.

        Where a state could not be read, nothing is written to the target: its tables may be those of another account.

        Raises:
            TapError: That cannot be, and the run would have been a success.
        """
        for stream in streams:
            if stream.name not in report:
                report.add(unread(stream.name, "not read", "the run ended before its turn"))
        failure: str | None = None
        syncs = self.streams.get(SYNCS.name)
        try:
            is_ready = all(stream.outcome is not None for stream in streams)
            if is_ready and isinstance(syncs, SyncsStream) and syncs.write(report.rows(exit_status)):
                self._save()
            self.flush()
        except OSError as error:
            failure = cannot_write(error)
        try:
            report.write(exit_status or (1 if failure else 0))
        except TapError as error:
            failure = str(error)
        if failure and exit_status:
            self.logger.error(failure)
        elif failure:
            raise TapError(failure)

    def _save(self) -> None:
        self.state_writer.write_state(self.state)

    def flush(self) -> None:
        """Hand all records so far to the target."""
        if isinstance(self.message_writer, PageWriter):
            self.message_writer.flush()

    def check_connection(self) -> None:
        """Ask every selected list for one row or little more, and say what came of it.

        Raises:
            TapError: Something is in the way; the sentence says what.
        """
        self._settings = replace(self.settings, retry_budget=0)  # a person is waiting: no patience with faults
        self.stop.listen()
        try_all([stream for stream in self._ycm_streams() if stream.selected])

    def _ycm_streams(self) -> list[YCMStream]:
        """Return the streams in the order of the table: the SDK sorts them by name."""
        return [stream for kind in STREAMS if isinstance(stream := self.streams.get(kind.name), YCMStream)]


def _object_from_text(value: object, rules: dict[str, Any] | None) -> object:
    """Return what JSON text says, where a setting wants an object; any other value as it is, for the SDK to judge."""
    if not isinstance(value, str) or "object" not in (rules or {}).get("type", ()):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
