"""What a probe has seen so far: observations, and in memory only the ids that decide on order and look-ups."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_ycm.probe.rows import Fields

if TYPE_CHECKING:
    from tap_ycm.probe.observation import Observation

__all__ = ["Deep", "LimitMet", "ListSeen", "LookUp", "Page", "Seen", "TokenSeen"]


@dataclass(slots=True)
class TokenSeen:
    """An access token, and what became of it.

    Attributes:
        life: Seconds of life that YCM told, or None.
        used: How often it was accepted.
        refused: How often it was refused before it was accepted first.
        waited: Seconds that were waited meanwhile.
        works_after: Seconds from its issue to its first acceptance.
        rested: Seconds that were waited before its first use.
        ended: Whether YCM refused it after it had accepted it, though nobody had asked for another.
    """

    value: str = field(repr=False)
    issued: float
    life: float | None = None
    renew_at: float = float("inf")
    used: int = 0
    refused: int = 0
    waited: float = 0.0
    works_after: float = 0.0
    rested: float = 0.0
    ended: bool = False

    @property
    def is_over(self) -> bool:
        """Whether its life, as YCM told it, is over."""
        return self.life is not None and time.monotonic() >= self.issued + self.life


@dataclass(frozen=True, slots=True)
class LimitMet:
    """A limit of the rate.

    Attributes:
        n: Number of the request that was refused.
        before: How many requests with a token were answered before.
        wait: Seconds that were asked for, or that the probe chose to wait.
    """

    n: int
    before: int
    wait: float


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a paged list.

    Attributes:
        seen: What it showed.
        ids: The keys of its rows, in its order; empty if not all are integers.
        is_page: Whether it holds rows, perhaps none; otherwise it is an error, or no answer.
        refused: Whether it is an error in YCM's own words.
    """

    seen: Observation
    ids: tuple[int, ...] = field(default=(), repr=False)
    is_page: bool = True
    refused: bool = False


@dataclass(frozen=True, slots=True)
class ListSeen:
    """One stream, asked once or a few times.

    Attributes:
        stream: Its name.
        outcome: ``read``, ``refused``, ``not found``, ``failed``, ``unreadable``, ``unanswered`` or ``not asked``.
        why: Why it was not asked.
        seen: What the answer showed.
        shape: Where in ``data`` the rows are: ``array``, ``object with list``, ``object``, ...
        size: Rows that were asked for, None if the list comes whole.
        ids: The keys of the rows, in memory only.
        again: The same, asked a second time.
        count: How many rows the tap finds in it.
        fields: Its rows held against the schema.
        repeated: Whether ids occur twice in it.
    """

    stream: str
    outcome: str
    why: str = ""
    seen: Observation | None = None
    shape: str | None = None
    size: int | None = None
    ids: tuple[int, ...] = field(default=(), repr=False)
    again: tuple[int, ...] | None = field(default=None, repr=False)
    count: int | None = None
    fields: Fields = field(default_factory=Fields)
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class LookUp:
    """A look-up of one object.

    Attributes:
        stream: The stream that it is an object of.
        seen: What the answer showed.
        outcome: ``found``, ``not found``, ``null``, ``another object``, ``refused``, ``web page``, ``failed`` or
            ``unanswered``.
        understood: Whether the tap takes it for what it is.
        bare: Whether the object came without an envelope.
    """

    stream: str
    seen: Observation
    outcome: str
    understood: bool
    bare: bool = False


@dataclass(slots=True)
class Deep:
    """One sorted list, asked in every way that tells something.

    Attributes:
        stream: Its name.
        size: The page size in use, the largest that was accepted, up to 50.
        first: Page 1, ascending.
        down: Page 1, descending.
        pages: The list read in ascending order, as far as it was read, ``first`` included.
        end: Why the reading ended: ``short`` page, ``empty`` page, pages that ``repeat``, rows ``beyond`` the newest,
            ``failed``, or ``long`` (it would have taken too many requests).
        last: The last page by the total, of a list that is too long to be read.
        bare: Page 1, without a page number and a page size.
        small_size: The size of the smaller pages.
        small: Page 2 of the smaller size; ``small_first`` and ``small_third`` are its neighbours.
        past: A page past the end, of the smaller size; ``past_number`` is its number.
        over: A page of 100; ``over_by_one`` one of 51.
        below: Page 0.
        unordered: Page 1 without sort; ``unordered_again`` is the same again.
        odd_sort: Sorted by a field that does not exist.
        again: Page 1 once more, at the end.
        sizes: Page sizes that were tried in search of the largest, and whether each was accepted.
    """

    stream: str
    size: int
    first: Page
    down: Page | None = None
    pages: list[Page] = field(default_factory=list)
    end: str | None = None
    last: Page | None = None
    bare: Page | None = None
    small_size: int = 0
    small: Page | None = None
    small_first: Page | None = None
    small_third: Page | None = None
    past: Page | None = None
    past_number: int = 0
    over: Page | None = None
    over_by_one: Page | None = None
    below: Page | None = None
    unordered: Page | None = None
    unordered_again: Page | None = None
    odd_sort: Page | None = None
    again: Page | None = None
    sizes: dict[int, bool] = field(default_factory=dict)

    @property
    def every(self) -> list[Page]:
        """Every page of the list that was answered."""
        others = [
            *(self.down, self.last, self.bare, self.small, self.small_first, self.small_third, self.past, self.over),
            *(self.over_by_one, self.below, self.unordered, self.unordered_again, self.odd_sort, self.again),
        ]
        found = [*(self.pages or [self.first]), *(page for page in others if page is not None)]
        return sorted((page for page in found if page.is_page), key=lambda page: page.seen.n)


@dataclass(slots=True)
class Seen:
    """All that a probe has seen.

    Attributes:
        lists: Every stream of the table, by name.
        deep: The list that was asked in every way; None if there is none that could be.
        why_not_deep: Why there is none.
        unknown: Look-ups of objects that do not exist.
        known: Look-ups of objects that exist.
        without_user_agent: The answer to a request without that header, and whether the same one was answered with it.
        first_token_lives: Whether the first token was accepted after a second one had been asked for.
        wrong_token: The answer to a token that cannot be valid.
        observations: What every exchange showed.
        tokens: What became of each token.
        limits: The limits that were met.
        skews: Differences between YCM's clock and this machine's, in seconds.
        unanswered: Numbers of the requests without a proper answer.
        given_token: Whether the user gave a token, so that none is asked for.
        sent: How many requests were sent.
        ended: Why the probe ended before its time, or None.
    """

    lists: dict[str, ListSeen] = field(default_factory=dict)
    deep: Deep | None = None
    why_not_deep: str = "the probe ended before"
    unknown: dict[str, LookUp] = field(default_factory=dict)
    known: dict[str, LookUp] = field(default_factory=dict)
    without_user_agent: Page | None = None
    first_token_lives: bool | None = None
    wrong_token: Observation | None = None
    observations: list[Observation] = field(default_factory=list)
    tokens: list[TokenSeen] = field(default_factory=list)
    limits: list[LimitMet] = field(default_factory=list)
    skews: list[float] = field(default_factory=list)
    unanswered: list[int] = field(default_factory=list)
    given_token: bool = False
    sent: int = 0
    ended: str | None = None
