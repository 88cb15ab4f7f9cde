"""Records wait here, on disk, until it is known that their stream is complete.

A destination that overwrites a table cannot take records back: were they handed out as they are read, a reading that
fails midway would leave a part of the list in the place of the whole.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from singer_sdk.singerlib.messages import RecordMessage, SchemaMessage

from tap_ycm.airbyte.protocol import around_record
from tap_ycm.errors import TapError
from tap_ycm.singer.writer import PageWriter

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk.singerlib.messages import Message

    from tap_ycm.airbyte.output import Output

__all__ = ["Spool"]


class Spool(PageWriter):
    """Takes what the tap writes in place of standard output, one stream at a time.

    Attributes:
        stream: The stream whose records it holds; None before the first, and when they are gone.
        records: How many they are.
    """

    def __init__(self, folder: str | None, output: Output, begin: Callable[[str], None]) -> None:
        """Begin with nothing; the file has no name, so it is gone when the process ends, however it ends.

        Args:
            folder: Where to keep the records, or None for the temporary folder of the system.
            output: Where to hand them out.
            begin: Is told the stream whose records come next.

        Raises:
            TapError: Nothing can be kept there.
        """
        super().__init__()
        self._folder = folder
        self._output = output
        self._begin = begin
        self._file: IO[bytes] | None = None
        self._new_file().close()  # whether that works should be known before anything is asked
        self.stream: str | None = None
        self.records = 0

    @override
    def write_message(self, message: Message) -> None:
        """Keep a record; of other messages only a new stream is of interest: states are handed out by the stream."""
        if isinstance(message, RecordMessage):
            self._lines.append(self.record_text(message))
            self.records += 1
        elif isinstance(message, SchemaMessage):
            self.discard()
            self.stream = message.stream
            self._begin(message.stream)

    @override
    def flush(self) -> None:
        """Put what was gathered on disk.

        Raises:
            TapError: There is no place for it, or nobody reads any more what is to be handed out.
        """
        if not self._lines or self.stream is None:
            return
        lines, self._lines = self._lines, []
        self._output.check()
        head, tail = around_record(self.stream)
        self._file = self._file or self._new_file()
        try:
            for line in lines:
                self._file.writelines((head, line, tail, b"\n"))
            self._file.flush()
        except OSError as error:
            self.discard()
            raise self._failed(error) from None

    def hand_out(self) -> int:
        """Write all records to the output, and return how many they are.

        Raises:
            TapError: That cannot be.
        """
        self.flush()
        records = self.records
        if self._file is not None and records:
            self._file.seek(0)
            self._output.copy(self._file)
        self.discard()
        return records

    def discard(self) -> None:
        """Forget the stream and its records."""
        self.stream, self.records, self._lines = None, 0, []
        if self._file is not None:
            with suppress(OSError):  # what it could not write before, it tries again
                self._file.close()
            self._file = None

    def _new_file(self) -> IO[bytes]:
        try:
            return tempfile.TemporaryFile(dir=self._folder, prefix="source-ycm-")
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> TapError:
        where = (
            "the folder of spool_folder" if self._folder else "the temporary folder of the system (see spool_folder)"
        )
        return TapError(f"records cannot be kept in {where}: {os.strerror(error.errno or 0)}")
