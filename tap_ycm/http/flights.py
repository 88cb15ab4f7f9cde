"""Several requests in flight, their answers as they arrive."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from contextlib import AbstractContextManager

__all__ = ["THREADS", "Flights"]

THREADS = "tap-ycm-request"
"""The name of the threads."""

_Q = TypeVar("_Q")
_A = TypeVar("_A")
_Task: TypeAlias = "tuple[Hashable, _Q]"
_Result: TypeAlias = "tuple[Hashable, _A | None, BaseException | None]"


class Flights(Generic[_Q, _A]):
    """Asks for many things, several at a time. It is used from one thread."""

    def __init__(
        self,
        ask: Callable[[_Q], _A],
        in_flight: int,
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Prepare; nothing is asked, and no thread started, yet.

        Args:
            ask: Gets one answer, or raises; called from several threads, or from the caller's if ``in_flight`` is 1.
            in_flight: How many requests may be in flight.
            waiting: Surrounds the waiting for an answer.
        """
        self._ask = ask
        self._in_flight = in_flight
        self._waiting = waiting
        self._tasks: SimpleQueue[_Task[_Q] | None] = SimpleQueue()
        self._results: SimpleQueue[_Result[_A]] = SimpleQueue()
        self._open = 0  # begun, and not handed out
        self._threads = 0
        self._closed = False

    def begin(self, tag: Hashable, question: _Q) -> None:
        """Queue a question; it is asked as soon as one of the places is free.

        Args:
            tag: Names the question; it comes back with the answer.
            question: What to ask.
        """
        self._open += 1
        self._tasks.put((tag, question))
        if self._threads < min(self._open, self._in_flight) and self._in_flight > 1:
            self._threads += 1
            # Not a ThreadPoolExecutor: Python waits for its threads at the end, and one of them may wait for minutes.
            threading.Thread(target=self._work, name=THREADS, daemon=True).start()

    def next(self) -> tuple[Hashable, _A]:
        """Wait for whichever answer arrives first; a single place asks in the order of the questions, and only now.

        Returns:
            The tag of the question, and its answer.

        Raises:
            LookupError: There is no question that was not answered.
            Exception: What ``ask`` raised.
        """
        if not self._open:
            sentence = "there is no question left to be answered"
            raise LookupError(sentence)
        self._open -= 1
        with self._waiting():
            if self._in_flight == 1 and (task := self._tasks.get()):
                return task[0], self._ask(task[1])
            tag, answer, error = self._results.get()
        if error is not None:
            raise error
        return tag, cast("_A", answer)  # there is one if there is no error

    def close(self) -> None:
        """Begin no further request; those in flight end by themselves, and do not keep the process from ending."""
        self._closed = True
        for _ in range(self._threads):
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) and not self._closed:
            tag, question = task
            try:
                self._results.put((tag, self._ask(question), None))
            except BaseException as error:  # noqa: BLE001 - it is raised where the answer is wanted
                self._results.put((tag, None, error))
