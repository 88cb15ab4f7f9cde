"""One run: the streams one after the other, parents before what belongs to them.

What fails in one stream stops only that stream, and those that belong to it. What every request would meet (refused
credentials, no way to YCM), a signal, and a target that reads no more stop the run. The state is written in any case.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from tap_ycm.cli import cannot_write
from tap_ycm.errors import NOT_PERMITTED, ApiError, FailuresError, TapError
from tap_ycm.sync.verdict import unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tap_ycm.report import Report
    from tap_ycm.singer.stream import YCMStream

__all__ = ["needed", "read_all", "try_all"]


def needed(streams: Iterable[YCMStream]) -> list[YCMStream]:
    """Return the streams that are selected, and those that a selected one belongs to, in the same order."""
    streams = list(streams)
    parents = {stream.parent.name for stream in streams if stream.selected and stream.parent}
    return [stream for stream in streams if stream.selected or stream.name in parents]


def read_all(streams: Sequence[YCMStream], report: Report, flush: Callable[[], None], save: Callable[[], None]) -> None:
    """Read the streams.

    Args:
        streams: Parents first; all of them prepared.
        report: Gets a verdict on each stream that had its turn.
        flush: Hands all records so far to the target.
        save: Writes the state of all streams.

    Raises:
        TapError: Some failed; the others were read.
        StoppedError: A signal came.
    """
    failures: list[TapError] = []
    left_out: list[TapError] = []
    without_rows: dict[str, str] = {}  # and their status
    for stream in streams:
        if stream.parent and stream.parent.name in without_rows:
            # Of a list that the account never could see, there are no children to be missed.
            status = without_rows[stream.name] = without_rows[stream.parent.name]
            verdict = unread(stream.name, status, f"{stream.parent.name}, to which it belongs, could not be read")
            stream.log_verdict(verdict)
            report.add(verdict)
            continue
        try:
            _read(stream, report, flush, save)
        except TapError as error:
            without_rows[stream.name] = "not permitted" if stream.is_left_out(error) else "not read"
            if isinstance(error, ApiError) and error.everywhere:
                failures.append(error)
                break
            (left_out if stream.is_left_out(error) else failures).append(error)
            continue
        if stream.failure:
            failures.append(TapError(stream.failure))
    if left_out and len(without_rows) == len(streams):  # no stream at all may be read: that is no success
        failures += left_out
    if failures:
        raise failures[0] if len(failures) == 1 else FailuresError(failures)


def _read(stream: YCMStream, report: Report, flush: Callable[[], None], save: Callable[[], None]) -> None:
    try:
        stream.sync()
    except BaseException as error:  # noqa: BLE001 - a signal too: the state is written whatever comes
        failure: BaseException = error
        traceback.clear_frames(error.__traceback__)  # what a signal interrupted lets go of its connection
        stream.give_up()
        if isinstance(error, OSError):  # the client raises none: it comes from writing
            failure = ApiError(cannot_write(error), everywhere=True)
        try:
            flush()
            save()
        except OSError as unwritable:
            cannot_write(unwritable)
        report.add(stream.conclude(failure), failure)
        raise failure from None
    report.add(stream.conclude())


def try_all(streams: Sequence[YCMStream]) -> None:
    """Ask for a little of each stream, and say what came of it: one line each.

    Raises:
        TapError: Some cannot be read.
    """
    failures: list[TapError] = []
    refused: list[TapError] = []
    for stream in streams:
        try:
            stream.say(stream.try_out())
        except ApiError as error:
            if error.everywhere:
                raise
            if error.code in NOT_PERMITTED:
                refused.append(error)
                tried = f" for the one of the {stream.parent.name} that was tried" if stream.parent else ""
                stream.logger.warning("%s: not permitted%s (%s)", stream.name, tried, error)
            else:
                failures.append(error)
    if refused and len(refused) == len(streams):
        failures += refused
    if failures:
        raise failures[0] if len(failures) == 1 else FailuresError(failures)
