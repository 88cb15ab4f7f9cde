"""One probe from its first request to its last: each step of the plan, as far as YCM answers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_ycm.errors import ApiError
from tap_ycm.http.questions import object_of, page_of
from tap_ycm.kinds import Children, Sorted, UnsortedPages, WholeList
from tap_ycm.probe.findings.geometry import ENOUGH, order_of
from tap_ycm.probe.line import EndError
from tap_ycm.probe.lists import list_seen, outcome_of_look_up
from tap_ycm.probe.observation import observe, succeeded
from tap_ycm.probe.paging import Paging, page_in
from tap_ycm.probe.seen import Deep, ListSeen, LookUp, Seen
from tap_ycm.reading.pages import PageRequest
from tap_ycm.stopping import StoppedError
from tap_ycm.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_ycm.kinds import Kind
    from tap_ycm.probe.asker import Asker
    from tap_ycm.probe.line import Answer
    from tap_ycm.probe.plan import Step

__all__ = ["Inquiry"]

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in STREAMS}
LONG = 2**53 - 1
INTEGER = 2**31 - 1
_NARROW = ("dids", "groups", "shared_trunks")
"""Lists whose ids YCM documents as 32-bit integers: a larger one might be refused rather than not found."""


class Inquiry:
    """Carries out a plan.

    Attributes:
        seen: What was seen so far.
        exit_status: 128 and the number of the signal that ended it, or 0.
    """

    def __init__(self, asker: Asker, plan: tuple[Step, ...]) -> None:
        """Prepare; nothing is asked yet."""
        self._asker = asker
        self._plan = plan
        self.seen = Seen(observations=asker.observations, tokens=asker.tokens, limits=asker.limits)
        self.seen.unanswered = asker.unanswered
        self.seen.given_token = not asker.may_log_in
        self.exit_status = 0

    def run(self) -> Seen:
        """Take one step after the other, until the last, or until something ends it."""
        steps: dict[str, Callable[[], None]] = {
            "token": self._token,
            "lists": self._lists,
            "unknown": self._unknown,
            "reading": self._reading,
            "pages": self._pages,
            "known": self._known,
            "children": self._children,
            "user_agent": self._user_agent,
            "second_token": self._second_token,
            "wrong_token": self._wrong_token,
        }
        to_come = [step.at_most for step in self._plan]
        try:
            for place, step in enumerate(self._plan):
                self._asker.step, self._asker.reserved = step.name, sum(to_come[place + 1 :])
                if step.name in {"token", "lists", "unknown"}:  # the reading takes what is left
                    self._asker.reserved -= next(one.at_most for one in self._plan if one.name == "reading")
                steps[step.name]()
        except EndError as end:
            self.seen.ended = str(end)
        except StoppedError as stopped:
            self.seen.ended, self.exit_status = str(stopped), stopped.exit_status
        self.seen.sent = self._asker.sent
        return self.seen

    # The steps

    def _token(self) -> None:
        if self._asker.may_log_in:
            self._asker.log_in()

    def _lists(self) -> None:
        size = 50
        for kind in STREAMS:
            if isinstance(kind, Children):
                continue
            if kind.name == "customers":
                answer, page, size, tried = Paging(self._asker, kind.listing).first()
                self._note(kind, size, answer=answer)
                if page.is_page and len(page.ids) > 1:
                    self.seen.deep = Deep(kind.name, size, page, sizes=tried)
                continue
            self._list(kind, size)
        if self.seen.deep is None:
            self._another_deep(size)

    def _another_deep(self, size: int) -> None:
        """Choose the longest of the other lists that are sorted."""
        others = [one for one in self.seen.lists.values() if isinstance(KINDS[one.stream], Sorted) and len(one.ids) > 1]
        if not others:
            self.seen.why_not_deep = "no sorted list shows two rows or more"
            return
        longest = max(others, key=lambda one: ((one.seen and one.seen.total) or 0, len(one.ids)))
        page = Paging(self._asker, KINDS[longest.stream].listing).page(size=size)
        if page.is_page and page.ids:
            self.seen.deep = Deep(longest.stream, size, page)

    def _list(self, kind: Kind, size: int) -> None:
        """Ask for a list once, as the tap does."""
        if isinstance(kind, Sorted | UnsortedPages):
            question = page_of(kind.listing, PageRequest(1, size, newest_first=True))
            self._asker.get(f"GET {question.path}", question.path)
            self._note(kind, size)
            return
        parent = self._parent_of(kind)
        if kind.parent and parent is None:
            self.seen.lists[kind.name] = ListSeen(kind.name, "not asked", f"no row of {kind.parent} is known")
            return
        self._try(kind, parent)
        self._note(kind, None, parent)

    def _try(self, kind: Kind, parent: int | None) -> None:
        with suppress(ApiError):  # the answer is noted all the same
            kind.try_out(self._asker, parent)

    def _parent_of(self, kind: Kind, place: int = 0) -> int | None:
        known = self.seen.lists.get(kind.parent or "")
        return known.ids[place] if known and len(known.ids) > place else None

    def _note(self, kind: Kind, size: int | None, parent: int | None = None, *, answer: Answer | None = None) -> None:
        """Note what an answer, the last one by default, showed of a list."""
        answer = answer or self._asker.last
        if answer is None:
            return
        self._note_clock(answer)
        self.seen.lists[kind.name] = list_seen(kind, answer, size, parent)

    def _note_clock(self, answer: Answer) -> None:
        told = answer.fields.get("time")
        if succeeded(answer) and type(told) is int and 0 < told < 10**11:
            self.seen.skews.append(told + 0.5 - answer.at)

    def _unknown(self) -> None:
        for kind in STREAMS:
            listed = self.seen.lists.get(kind.name)
            if kind.look_up and listed and listed.outcome == "read":
                least = INTEGER if kind.name in _NARROW else LONG
                key = max(least, max(listed.ids, default=0) + 1_000_000)
                self.seen.unknown[kind.name] = self._look_up(kind, key, exists=False)

    def _known(self) -> None:
        wanted = [self.seen.deep.stream if self.seen.deep else "", "shared_trunks"]
        for kind in STREAMS:
            listed = self.seen.lists.get(kind.name)
            if kind.name in wanted and kind.look_up and listed and listed.ids:
                found = self._look_up(kind, listed.ids[0], exists=True)
                if found.outcome in {"not found", "null"} and not self._is_listed(kind, listed):
                    found = replace(found, outcome="gone meanwhile, or not found")
                self.seen.known[kind.name] = found

    def _is_listed(self, kind: Kind, listed: ListSeen) -> bool:
        """Tell whether a list still holds its first object, which a look-up did not find."""
        if self._asker.spare <= 0:
            return False
        if isinstance(kind, WholeList):
            self._try(kind, None)
            again = list_seen(kind, self._asker.last, None, None).ids if self._asker.last else ()
        else:
            sort = "" if kind.name == "customers" else "-"  # as it was listed
            again = Paging(self._asker, kind.listing).page(size=listed.size, sort=sort).ids
        return listed.ids[0] in again

    def _look_up(self, kind: Kind, key: int, *, exists: bool) -> LookUp:
        question = object_of(kind.listing, key)
        answer = self._asker.get(f"GET {question.name}", question.path, provokes=True)
        try:
            row = self._asker.judge(question, answer)
            outcome = "not found" if row is None else "found"
        except ApiError:
            outcome = outcome_of_look_up(answer, kind.listing.key, key)
        bare = bool(answer.fields) and not {"status", "Status", "data"} & answer.fields.keys()
        return LookUp(kind.name, observe(answer), outcome, outcome == ("found" if exists else "not found"), bare)

    def _reading(self) -> None:
        if self.seen.deep:
            Paging(self._asker, KINDS[self.seen.deep.stream].listing).read(self.seen.deep)

    def _pages(self) -> None:
        if self.seen.deep:
            Paging(self._asker, KINDS[self.seen.deep.stream].listing).ask_around(self.seen.deep)
        for name, listed in self.seen.lists.items():
            # A list that YCM does not sort, and whose order is none: does it stay?
            kind = KINDS[name]
            is_unclear = len(listed.ids) >= ENOUGH and order_of(listed.ids) is None
            if isinstance(kind, UnsortedPages) and is_unclear and self._asker.spare > 0:
                again = Paging(self._asker, kind.listing).page(size=listed.size)
                self.seen.lists[name] = replace(listed, again=again.ids if again.is_page else None)

    def _children(self) -> None:
        for kind in STREAMS:
            if not isinstance(kind, Children):
                continue
            self._list(kind, 0)
            if self.seen.lists[kind.name].count == 0 and self._asker.spare > 0:
                parent = self._parent_of(kind, 1)
                if parent is not None:  # the first one has none
                    self._try(kind, parent)
                    self._note(kind, None, parent)

    def _user_agent(self) -> None:
        """Repeat a request that was answered, without the header."""
        for kind in STREAMS:
            listed = self.seen.lists.get(kind.name)
            if isinstance(kind, WholeList) and not kind.parent and listed and listed.outcome == "read":
                path = kind.path
            elif self.seen.deep and kind.name == self.seen.deep.stream:
                path = page_of(kind.listing, PageRequest(1, self.seen.deep.size)).path
            else:
                continue
            current = self._asker.current()  # whose refusal may mean that the header is missing
            shown = f"GET {path} without User-Agent"
            answer = self._asker.get(shown, path, provokes=True, user_agent=False, token=current)
            page = page_in(answer, kind.keys[0])
            self.seen.without_user_agent = replace(page, is_page=succeeded(answer))
            return

    def _second_token(self) -> None:
        first = self._asker.tokens[-1] if self._asker.tokens else None
        listed = next((one for one in self.seen.lists.values() if one.outcome == "read"), None)
        if first is None or listed is None or not self._asker.may_log_in or first.used == 0 or first.is_over:
            return
        second = self._asker.log_in()
        kind = KINDS[listed.stream]
        path = page_of(kind.listing, PageRequest(1, 1)).path if isinstance(kind, Sorted | UnsortedPages) else kind.path
        answer = self._asker.get(f"GET {path} with the first token", path, token=first)
        self.seen.first_token_lives = self._asker.was_accepted(answer)
        if first.refused:
            self._asker.rest(second, first.works_after)
        if first.refused or not self.seen.first_token_lives:
            self._asker.get(f"GET {path} with the second token", path)

    def _wrong_token(self) -> None:
        path = STREAMS[0].path
        self.seen.wrong_token = observe(self._asker.use_without_right(f"GET {path} with a wrong token", path))
