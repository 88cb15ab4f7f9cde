"""The tap's own stream: one row for each of the others, after all of them."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from tap_ycm.singer.table import TableStream
from tap_ycm.streams import SYNCS

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

__all__ = ["SyncsStream"]


class SyncsStream(TableStream):
    """What became of each stream; its rows are only ever added, so they have no version."""

    def __init__(self, tap: Tap) -> None:
        """Declare the stream."""
        super().__init__(tap, SYNCS, keeps_unknown=False)
        self._rows: Sequence[dict[str, Any]] = ()

    def write(self, rows: Sequence[dict[str, Any]]) -> bool:
        """Write rows, if the stream is selected; tells whether it is.

        Raises:
            OSError: Standard output takes no more.
        """
        self._rows = rows
        if self.selected and rows:
            self.sync()
        return self.selected

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **options: Any) -> None:
        """Leave the last line of the log to the verdict on a list."""
        super().log(message, *args, level=min(level, logging.DEBUG), **options)

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        columns = self._wanted_columns()
        self._begin_messages()
        for row in self._rows:
            yield {name: row[name] for name in columns}
