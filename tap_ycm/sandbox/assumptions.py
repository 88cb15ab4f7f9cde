"""What the vendor leaves open, and what a broken world does otherwise.

Every switch says how well its default is known: V (read on a vendor page), I
(inferred from the pages) or U (unknown, a guess). A switch whose default is V is
there to break the documented behaviour on purpose.
"""

from __future__ import annotations

import math
import types
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from tap_ycm.sandbox.endpoints import streams
from tap_ycm.sandbox.limit import Limit

__all__ = ["ASSUMPTIONS", "Assumption", "Assumptions", "Limit", "Told", "assume"]


_NOT_NEGATIVE = (
    "window",
    "hidden",
    "short_by",
    "page_offset",
    "total_cap",
    "total_fixed",
    "total_every",
    "total_lag",
    "total_wobble",
    "stale_every",
    "stale_lag",
    "look_up_lag",
    "token_life",
    "refresh_life",
    "token_delay",
    "token_refusals",
    "token_uses",
    "vanishing_parents",
)


_Order = Literal["ascending", "descending", "shuffled", "reshuffled"]


class Told(NamedTuple):
    """How well a default is known, and what the switch does."""

    mark: Literal["V", "I", "U"]
    says: str


@dataclass(frozen=True)
class Assumptions:
    """How this YCM behaves. The defaults are the documented or most likely YCM.

    The words next to each field say its evidence mark and its meaning;
    `tap-ycm-sandbox --assumptions` prints them as a table.
    """

    # Paging. Source: query-all-the-customers.
    max_page_size: Annotated[int, Told("V", "largest pageSize served")] = 50
    default_page_size: Annotated[int, Told("V", "pageSize if none is asked")] = 10
    over_max: Annotated[
        Literal["clamp", "refuse", "echo_asked"],
        Told(
            "U",
            "a larger pageSize is cut to the maximum, refused, or cut while the answer repeats the one asked",
        ),
    ] = "clamp"
    below_one: Annotated[
        Literal["refuse", "one"],
        Told("U", "pageNumber or pageSize below 1 is refused or taken as 1"),
    ] = "refuse"
    past_end: Annotated[
        Literal["empty", "last", "around", "invented"],
        Told(
            "U",
            "a page past the end is empty, the last page again, as if the list began anew, or full of rows that "
            "are none",
        ),
    ] = "empty"
    honour_page: Annotated[bool, Told("V", "pageNumber is obeyed; otherwise always the first page")] = True
    echo: Annotated[
        Literal["number", "string", "missing"],
        Told("V", "how an answer repeats pageNumber and pageSize"),
    ] = "number"
    echo_page: Annotated[
        Literal["asked", "served"],
        Told("I", "pageNumber in an answer is the one asked, or the one served"),
    ] = "asked"
    page_offset: Annotated[int, Told("V", "the page that is served lies so many further down; 1: counted from 0")] = 0
    page_gap: Annotated[int, Told("V", "rows skipped between two pages; below 0: served on both")] = 0
    window: Annotated[
        int | None, Told("U", "rows past this place are not served, whatever total tells; none: no limit")
    ] = None
    short_by: Annotated[int, Told("V", "rows that a page lacks at its end")] = 0
    short_pages: Annotated[tuple[int, ...], Told("V", "numbers of the pages that short_by is for; none: all")] = ()
    hidden: Annotated[int, Told("V", "rows whose id this number divides are not listed; 0: all are")] = 0
    hidden_counted: Annotated[bool, Told("V", "total counts the rows that are not listed")] = True
    # Order. Source: the same page.
    honour_sort: Annotated[bool, Told("V", "sort is obeyed; otherwise always the default order")] = True
    default_order: Annotated[
        Literal["ascending", "descending", "shuffled", "reshuffled"],
        Told("U", "order by id if none is asked; shuffled follows no field, reshuffled anew at every request"),
    ] = "ascending"
    sort_as: Annotated[Literal["number", "text"], Told("V", "ids are sorted as numbers, or as text: 100 before 99")] = (
        "number"
    )
    unknown_sort: Annotated[
        Literal["refuse", "ignore"],
        Told("U", "sorting by a field that is not in the answer is refused or ignored"),
    ] = "refuse"
    # The total. Source: the same page.
    total_as: Annotated[
        Literal["number", "string", "float", "null", "garbage", "missing"],
        Told("V", "type of total; garbage is a word"),
    ] = "number"
    total_offset: Annotated[int, Told("V", "total is wrong by so many")] = 0
    total_fixed: Annotated[int | None, Told("V", "total is always this number; none: counted")] = None
    total_every: Annotated[int, Told("V", "total is counted at every n-th page only; 0: at each")] = 0
    total_lag: Annotated[int, Told("V", "how many events total lags behind the rows told with it")] = 0
    total_cap: Annotated[int | None, Told("V", "total is never told higher than this")] = None
    total_wobble: Annotated[int, Told("V", "total is wrong by up to so many, changing with every request")] = 0
    # States of the list
    stale_every: Annotated[int, Told("I", "every n-th page shows an older state of the list; 0 for never")] = 0
    stale_lag: Annotated[int, Told("I", "how many events an older state of the list lags behind")] = 1
    # One object. Source: query-a-specific-customer.
    look_up: Annotated[
        Literal["answered", "not_permitted", "not_found", "html_404", "another"],
        Told(
            "V",
            "a request for one object is answered; otherwise, whichever is asked for: refused (1000043), not found, "
            "a web page (HTTP 404), or another object",
        ),
    ] = "answered"
    look_up_lag: Annotated[int, Told("I", "how many events a request for one object lags behind")] = 0
    not_found_as: Annotated[
        Literal["code", "http_404", "html_404", "null"],
        Told(
            "U",
            "an object or a parent that is not found: 1000005, HTTP 404 without code, a web page (HTTP 404), or data "
            "null",
        ),
    ] = "code"
    # Rows. Source: the same page.
    unset: Annotated[
        Literal["omit", "null", "empty"],
        Told("V", "a field without value is left out, null, or an empty string"),
    ] = "omit"
    # Single tables. Sources: the page of each list.
    order_dids: Annotated[_Order, Told("U", "order of dids, which cannot be sorted")] = "ascending"
    order_trunk_permissions: Annotated[_Order, Told("U", "order of trunk permissions, which cannot be sorted")] = (
        "ascending"
    )
    order_groups: Annotated[_Order, Told("I", "order of groups, which cannot be sorted; the newest come first")] = (
        "descending"
    )
    trunk_list_as: Annotated[
        Literal["array", "object"],
        Told("I", "the list of shared trunks is an array, or an object with the array as list"),
    ] = "array"
    single_trunk: Annotated[
        Literal["enveloped", "bare"],
        Told("V", "one shared trunk comes in the envelope; a page of YCM BYOI shows it bare"),
    ] = "enveloped"
    did_pbx_as: Annotated[Literal["string", "number"], Told("V", "type of cloudPbxId in dids")] = "string"
    duplicates: Annotated[bool, Told("U", "ids occur twice in sharedTrunkIds and customerIds")] = False
    vanishing_parents: Annotated[
        int, Told("I", "the parent is deleted right before every n-th call for what it has; 0: never")
    ] = 0
    # Which tables
    only: Annotated[str | None, Told("I", "the switches above count for this stream only; none: for every stream")] = (
        None
    )
    denied: Annotated[tuple[str, ...], Told("I", "streams that this account may not read; none: it may read all")] = ()
    denied_code: Annotated[Literal[1000043, 1000042], Told("U", "error code of a stream that is denied")] = 1000043
    # Errors. Sources: response-results, error-code.
    missing_user_agent: Annotated[
        Literal["refuse", "allow"],
        Told("U", "a request without User-Agent is refused (1000042) or answered"),
    ] = "refuse"
    error_code_field: Annotated[str, Told("U", "name of the error code")] = "errCode"
    error_message_field: Annotated[str, Told("U", "name of the message")] = "errMsg"
    error_code_as: Annotated[Literal["number", "string", "missing"], Told("U", "type of the error code")] = "number"
    error_status_field: Annotated[
        Literal["status", "Status"],
        Told("I", "name of the status in an error; the page says Status for errors"),
    ] = "status"
    error_http: Annotated[
        Literal["mapped", "always_200"],
        Told("U", "HTTP status of an error: 4xx or 5xx that fits the code, or 200"),
    ] = "mapped"
    # Tokens. Sources: request-access-token, authorization-rules.
    grant_errors: Annotated[
        Literal["ycm", "oauth"],
        Told(
            "U",
            "errors of the token endpoint: as elsewhere, or error and error_description as in OAuth",
        ),
    ] = "ycm"
    token_life: Annotated[float, Told("V", "life of an access token, seconds")] = 1800
    refresh_life: Annotated[float, Told("V", "life of a refresh token, seconds")] = 1_296_000
    refresh_rotates: Annotated[bool, Told("I", "a refresh token dies when it is used")] = True
    refresh_needs_client: Annotated[bool, Told("V", "a refresh needs client id and secret, too")] = False
    one_token: Annotated[bool, Told("U", "a new access token kills the older ones")] = False
    token_delay: Annotated[float, Told("I", "a new access token is refused for so many seconds")] = 0.0
    token_refusals: Annotated[int, Told("I", "the first so many uses of every access token are refused")] = 0
    token_uses: Annotated[int | None, Told("I", "an access token ends after so many uses that were not refused")] = None
    # Transport
    gzip: Annotated[bool, Told("U", "answers are compressed if the client accepts it")] = False
    request_id: Annotated[
        Literal["hex", "uuid", "missing"],
        Told("V", "requestId is 32 hex digits, a dashed UUID (both seen), or absent"),
    ] = "hex"
    limit: Annotated[Limit | None, Told("I", "rate limit of this client; off unless set")] = None

    def __post_init__(self) -> None:
        """Refuse values that no switch has, for a typing error tests nothing.

        Raises:
            ValueError: In one sentence, if a value is not one of the choices.
        """
        for known in ASSUMPTIONS:
            value = getattr(self, known.name)
            if known.choices and value not in known.choices:
                msg = f"{known.name} is one of {known.expects}, not {value!r}."
                raise ValueError(msg)
        if min(self.max_page_size, self.default_page_size) < 1:
            msg = "max_page_size and default_page_size are at least 1."
            raise ValueError(msg)
        if any(page < 1 for page in self.short_pages):
            msg = "short_pages are numbers of at least 1."
            raise ValueError(msg)
        for name in _NOT_NEGATIVE:
            if not 0 <= (getattr(self, name) or 0) < math.inf:
                msg = f"{name} is a number of at least 0."
                raise ValueError(msg)
        known_streams = streams()
        for name in (*self.denied, *([] if self.only is None else [self.only])):
            if name not in known_streams:
                msg = f"A stream is one of {', '.join(known_streams)}, not {name!r}."
                raise ValueError(msg)

    def of(self, names: tuple[str, ...]) -> Assumptions:
        """Return the assumptions that hold where some streams are served."""
        return self if self.only is None or self.only in names else _only_global(self)


class Assumption(NamedTuple):
    """One switch: what it may be, what it is by default and why."""

    name: str
    default: object
    kind: type
    optional: bool
    item: type
    choices: tuple[object, ...]
    told: Told

    @property
    def expects(self) -> str:
        """What a person may write, in words."""
        if self.choices:
            return ", ".join(map(written, self.choices))
        words = {
            int: "a whole number",
            float: "a number",
            str: "a word",
            tuple: "words, for instance users,groups, or none"
            if self.item is str
            else "whole numbers, for instance 7,3, or none",
        }
        return words.get(self.kind, "its own object") + " or none" * self.optional

    def parse(self, text: str) -> object:
        """Read a value that a person wrote.

        Raises:
            ValueError: In one sentence, if it is none.
        """
        word = text.strip()
        if self.optional and word == "none":
            return None
        for choice in self.choices:
            if word == written(choice):
                return choice
        try:
            if self.kind is tuple:
                return () if word == "none" else tuple(self.item(part.strip()) for part in word.split(","))
            if not self.choices and word and self.kind in (int, float, str):
                return self.kind(word)
        except ValueError:
            pass
        one_of = "one of " if self.choices else ""
        msg = f"{self.name} is {one_of}{self.expects}, not {word!r}."
        raise ValueError(msg)


def written(value: object) -> str:
    """Write a value as on a command line."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool | None) else str(value)


def _table() -> tuple[Assumption, ...]:
    hints = get_type_hints(Assumptions, include_extras=True)
    table = []
    for field in fields(Assumptions):
        hint, told = get_args(hints[field.name])
        optional = get_origin(hint) in (Union, types.UnionType)
        choices: tuple[object, ...] = ()
        item: type = int
        kind: Any = get_args(hint)[0] if optional else hint
        if get_origin(hint) is Literal:
            kind, choices = str, get_args(hint)
        elif get_origin(hint) is tuple:
            kind, item = tuple, get_args(hint)[0]
        elif hint is bool:
            choices = (True, False)
        table.append(Assumption(field.name, field.default, kind, optional, item, choices, told))
    return tuple(table)


ASSUMPTIONS: tuple[Assumption, ...] = _table()
"""Every switch in order."""

_NAMES = [one.name for one in ASSUMPTIONS]
_PER_STREAM = tuple(ASSUMPTIONS[: _NAMES.index("only")])
"""The switches that `only` restricts: all about lists and objects; not tokens, errors, transport."""


@lru_cache(maxsize=16)
def _only_global(assumptions: Assumptions) -> Assumptions:
    """Return assumptions whose switches about lists and objects are at their defaults."""
    changed: dict[str, Any] = {one.name: one.default for one in _PER_STREAM}
    return replace(assumptions, **changed)


def assume(base: Assumptions, text: str) -> Assumptions:
    """Change one assumption as written on a command line: `NAME=VALUE`.

    Raises:
        ValueError: In one sentence, if the name or the value is none.
    """
    name, equals, value = text.partition("=")
    for known in ASSUMPTIONS:
        if known.name == name.strip() and known.kind is not Limit:
            if not equals:
                break
            changed: dict[str, Any] = {known.name: known.parse(value)}
            return replace(base, **changed)
    names = ", ".join(one.name for one in ASSUMPTIONS if one.kind is not Limit)
    msg = f"An assumption is NAME=VALUE, where NAME is one of {names}; not {text!r}."
    raise ValueError(msg)
