"""Faults on order: which request goes wrong, and how.

Written for a person as `ENDPOINT:WHEN:KIND[=ARGUMENT]`:

    customers:3:reset          the third customers request is cut off
    token:1:error=1000002      the first token request is refused
    customers:*:http=503       every customers request is answered 503
    customers:*/10:stall=2     every tenth waits two seconds
    customers:5%:html          about one in twenty gets a web page
    any:*x2:empty_body         the next two requests get an empty body

An endpoint is `token`, `any`, or one of `tap_ycm.sandbox.endpoints`. Requests are
counted from the moment a fault is added.
"""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tap_ycm.sandbox.endpoints import endpoints

if TYPE_CHECKING:
    from collections.abc import Iterable

KINDS: Final = {
    "error": "a YCM error; argument: its code (default 1000001)",
    "http": "an HTTP status with a web page; argument: the status (default 503)",
    "expired_token": "TOKEN_EXPIRED, 1000035",
    "invalid_token": "INVALID_TOKEN, 1000036",
    "session_expired": "SESSION_EXPIRED, 1000011",
    "unauthorized": "HTTP 401 without a code",
    "html": "HTTP 200 with a web page",
    "not_json": "HTTP 200, application/json, but the text is none",
    "empty_body": "HTTP 200 with nothing",
    "json_null": "HTTP 200 with null",
    "failed_200": "HTTP 200 with status Failed and no code",
    "no_list": "a page without list",
    "data_null": "an answer whose data is null",
    "list_null": "a page whose list is null",
    "reset": "the connection is reset before any answer",
    "reset_after": "reset within the body; argument: after how many bytes (default 1)",
    "truncated": "the body ends early and the connection is closed",
    "corrupt_gzip": "a compressed body with wrong bytes",
    "truncated_gzip": "a compressed body that stops halfway",
    "stall": "silence before the answer; argument: seconds (default 1)",
    "drip": "byte by byte; argument: seconds between two (default 0.01)",
    "redirect": "HTTP 302; argument: where to (default: the same, at localhost)",
    "big_int_id": "the first id of an answer is replaced; argument: by what (2^63)",
    "bom": "a UTF-8 byte order mark before the body",
    "bad_utf8": "a byte that UTF-8 does not know inside the body",
    "lone_surrogate": "half a surrogate pair, escaped, in the first row of an answer",
    "no_access_token": "a token answer without access_token",
}
"""Every kind of fault and what it does."""

_NUMBERS: Final = {
    "error": 1000001,
    "http": 503,
    "reset_after": 1,
    "stall": 1.0,
    "drip": 0.01,
    "big_int_id": 2**63,
}
"""Kinds whose argument is a number, with its default."""

_ONLY: Final = {
    "no_list": ("pages",),
    "list_null": ("pages",),
    "big_int_id": ("pages", "list", "single"),
    "lone_surrogate": ("pages", "list", "single"),
    "data_null": ("pages", "list", "single", "links", "subscription", "snapshot"),
    "no_access_token": ("token",),
}
"""Kinds that only some kinds of endpoints can have."""

_WRITTEN = re.compile(
    r"(?P<endpoint>\w+):"
    r"(?:(?P<at>\d+)|\*(?:/(?P<every>\d+))?|(?P<percent>\d+(?:\.\d+)?)%)"
    r"(?:x(?P<times>\d+))?"
    r":(?P<kind>\w+)(?:=(?P<argument>.+))?"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault on order. Without `at`, `every` or `probability` it always fires.

    Attributes:
        kind: One of `KINDS`.
        endpoint: Whose requests go wrong; `customers` is the list, `customer` is a
            single one, `any` stands for all.
        at: The number of the request that goes wrong, from 1.
        every: Every so many requests go wrong.
        times: How often it fires at most.
        probability: The chance of each request to go wrong, 0 to 1.
        argument: See `KINDS`; None for the default.

    Raises:
        ValueError: In one sentence, if that cannot be.
    """

    kind: str
    endpoint: str = "customers"
    at: int | None = None
    every: int | None = None
    times: int | None = None
    probability: float | None = None
    argument: float | str | None = None

    def __post_init__(self) -> None:
        """Refuse what would silently never happen."""
        problem = None
        known = {**{one.name: one.kind for one in endpoints().values()}, "token": "token", "any": "any"}
        possible = [name for name, kind in known.items() if kind in _ONLY.get(self.kind, known.values())]
        if self.kind not in KINDS:
            problem = f"A fault is one of {', '.join(KINDS)}, not {self.kind!r}."
        elif self.endpoint not in known:
            words = ", ".join(known)
            problem = f"A fault is at one of {words}, not at {self.endpoint!r}."
        elif self.endpoint not in possible:
            words = " or ".join(possible)
            problem = f"The fault {self.kind} is possible at {words} only."
        elif any(n is not None and n < 1 for n in (self.at, self.every, self.times)):
            problem = "The numbers that say when a fault fires start at 1."
        elif not 0 <= (self.probability or 0) <= 1:
            problem = "The probability of a fault is between 0 and 1."
        elif self.argument is not None and self.kind not in (*_NUMBERS, "redirect"):
            problem = f"The fault {self.kind} takes no argument."
        elif self.kind in _NUMBERS and isinstance(self.argument, str):
            problem = f"The argument of {self.kind} is a number."
        if problem:
            raise ValueError(problem)

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read `ENDPOINT:WHEN:KIND[=ARGUMENT]`.

        WHEN is a number, `*` for always, `*/N` for every N-th or `P%` for a chance,
        and may end in `xN` for at most N times.

        Raises:
            ValueError: In one sentence, if it is not written so.
        """
        match = _WRITTEN.fullmatch(text.strip())
        if not match:
            msg = (
                "A fault is written ENDPOINT:WHEN:KIND[=ARGUMENT], for instance "
                f"customers:3:reset or token:1:error=1000002, not {text!r}."
            )
            raise ValueError(msg)
        part = match.groupdict()
        percent, argument = part["percent"], part["argument"]
        return cls(
            part["kind"],
            part["endpoint"],
            at=_whole(part["at"]),
            every=_whole(part["every"]),
            times=_whole(part["times"]),
            probability=None if percent is None else float(percent) / 100,
            argument=argument if part["kind"] == "redirect" else _number(argument),
        )

    @property
    def number(self) -> float:
        """The argument as a number, or its default; 0 for kinds without one."""
        if isinstance(self.argument, (int, float)):
            return self.argument
        return _NUMBERS.get(self.kind, 0)


class Faults:
    """The faults on order. Safe to change while requests are being answered.

    Attributes:
        fired: How often each kind fired.
    """

    def __init__(self, faults: Iterable[Fault | str] = (), *, seed: int = 7) -> None:
        """Order some faults; `seed` decides those that have a probability."""
        self.fired: Counter[str] = Counter()
        self._rng = random.Random(seed)  # noqa: S311 - chance, not a secret
        self._lock = threading.Lock()
        self._orders: list[_Order] = []
        self.add(*faults)

    def add(self, *faults: Fault | str) -> None:
        """Order faults, as objects or as written by a person.

        Raises:
            ValueError: In one sentence, if one cannot be; then none is added.
        """
        orders = [_Order(Fault.parse(one) if isinstance(one, str) else one) for one in faults]
        with self._lock:
            self._orders += orders

    def clear(self) -> None:
        """Forget all faults; `fired` stays."""
        with self._lock:
            self._orders.clear()

    def next(self, endpoint: str) -> Fault | None:
        """Count a request and return the fault it gets, the first if several do."""
        with self._lock:
            chosen: _Order | None = None
            for order in self._orders:
                # Every order counts and throws its dice, whoever wins.
                if order.wants(endpoint, self._rng) and chosen is None:
                    chosen = order
            if chosen is None:
                return None
            chosen.fired += 1
            self.fired[chosen.fault.kind] += 1
            return chosen.fault


class _Order:
    """A fault and what it has seen so far."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self.fired = 0

    def wants(self, endpoint: str, rng: random.Random) -> bool:
        fault = self.fault
        if fault.endpoint not in (endpoint, "any"):
            return False
        self.seen += 1
        return (
            (fault.at is None or self.seen == fault.at)
            and (fault.every is None or self.seen % fault.every == 0)
            and (fault.probability is None or rng.random() < fault.probability)
            and (fault.times is None or self.fired < fault.times)
        )


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def _number(text: str | None) -> float | str | None:
    for kind in (int, float):
        try:
            return None if text is None else kind(text)
        except ValueError:
            continue
    return text
