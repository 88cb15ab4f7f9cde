"""What one run did: a verdict for each stream, as rows of the table ``syncs`` and as a file."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tap_ycm.errors import TapError
from tap_ycm.settings import package_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_ycm.settings import Settings
    from tap_ycm.sync.verdict import Verdict

__all__ = ["Report"]


class Report:
    """The verdicts of one run."""

    def __init__(self, settings: Settings, hear: Callable[[Verdict, BaseException | None], None]) -> None:
        """Begin with none; a file of an earlier run is emptied, for it says nothing of this one.

        Args:
            settings: Where the file is, and which YCM is read.
            hear: Is told each verdict at once, and what ended the sync before its time, if anything did.

        Raises:
            TapError: The file cannot be written.
        """
        self._path = Path(settings.report_path) if settings.report_path else None
        self._sync_id = str(uuid.uuid4())
        self._hear = hear
        self._run = {"tapVersion": package_version(), "ycm": urlsplit(settings.base_url).hostname}
        self._verdicts: dict[str, Verdict] = {}
        self.write(0)

    def add(self, verdict: Verdict, error: BaseException | None = None) -> None:
        """Take the verdict on a stream, and what ended its sync before its time."""
        self._verdicts[verdict.stream] = verdict
        self._hear(verdict, error)

    def __contains__(self, stream: str) -> bool:
        """Tell whether there is a verdict on a stream."""
        return stream in self._verdicts

    def rows(self, exit_status: int) -> list[dict[str, Any]]:
        """Return the rows of the table ``syncs``, given the exit status to come."""
        return [
            {"syncId": self._sync_id, "stream": stream, **self._run, **verdict.facts(), "exitStatus": exit_status}
            for stream, verdict in self._verdicts.items()
        ]

    def write(self, exit_status: int) -> None:
        """Write the rows to the file that the user wants, if any.

        Raises:
            TapError: It cannot be written.
        """
        if self._path is None:
            return
        try:
            self._path.write_text(json.dumps(self.rows(exit_status), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            sentence = f"the file of report_path cannot be written ({error.strerror})"
            raise TapError(sentence) from None
