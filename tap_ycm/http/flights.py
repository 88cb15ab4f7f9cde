"""Several requests in flight, their answers in the order of the requests."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from itertools import islice
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

__all__ = ["THREADS", "in_order"]

THREADS = "tap-ycm-request"
"""The name of the threads."""

_Q = TypeVar("_Q")
_A = TypeVar("_A")
_Tasks: TypeAlias = "SimpleQueue[tuple[_Q, Future[_A]] | None]"


def in_order(ask: Callable[[_Q], _A], requests: Iterable[_Q], in_flight: int) -> Generator[_A]:
    """Ask for many things, several at a time, and yield the answers in the order of the requests.

    Nothing is asked before the first answer is wanted. At most twice as many answers as may be in flight are kept, so
    that a slow one does not leave the others idle.

    Args:
        ask: Gets one answer, or raises; called from threads.
        requests: What to ask for; taken from one by one, by the caller's thread.
        in_flight: How many requests may be in flight.

    Raises:
        Exception: What ``ask`` raised, in its turn. No further request is begun then, nor after the generator is
            closed; those in flight end by themselves, and do not keep the process from ending.
    """
    tasks: _Tasks[_Q, _A] = SimpleQueue()
    window: deque[Future[_A]] = deque()
    threads: list[threading.Thread] = []

    def begin(request: _Q) -> None:
        window.append(Future())
        tasks.put((request, window[-1]))
        if len(threads) < in_flight:
            # Not a ThreadPoolExecutor: Python waits for its threads at the end, and one of them may wait for minutes.
            threads.append(threading.Thread(target=_work, args=(tasks, ask), name=THREADS, daemon=True))
            threads[-1].start()

    waiting = iter(requests)
    try:
        for request in islice(waiting, 2 * in_flight):
            begin(request)
        while window:
            answer = window.popleft().result()
            for request in islice(waiting, 1):
                begin(request)
            yield answer
    finally:
        for unwanted in window:
            unwanted.cancel()
        for _ in threads:
            tasks.put(None)


def _work(tasks: _Tasks[_Q, _A], ask: Callable[[_Q], _A]) -> None:
    while task := tasks.get():
        request, answer = task
        if answer.set_running_or_notify_cancel():
            try:
                answer.set_result(ask(request))
            except BaseException as error:  # noqa: BLE001 - it is raised where the answer is wanted
                answer.set_exception(error)
