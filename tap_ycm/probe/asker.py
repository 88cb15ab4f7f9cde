"""Asks YCM: sees to tokens, obeys limits, asks again after a fault, and notes all that came back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from tap_ycm.errors import ERRORS, Action, ApiError, advice_for
from tap_ycm.http.answers import parse_token
from tap_ycm.probe.line import Answer, Ask, EndError
from tap_ycm.probe.observation import Observation, code_in, observe, succeeded
from tap_ycm.probe.plan import MOST_REQUESTS
from tap_ycm.probe.seen import LimitMet, TokenSeen

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_ycm.http.questions import Question
    from tap_ycm.probe.line import Line
    from tap_ycm.settings import Settings

__all__ = ["MOST_WAITED", "Asker"]

MOST_WAITED = 180.0
"""Seconds that limits may make the probe wait in all."""

_LIMIT_WAITS = (15.0, 30.0, 60.0)
_NEW_TOKEN_WAITS = (1.0, 2.0, 4.0)
_FAULT_WAIT = 2.0
_MOST_LIMITS = 10
_MOST_REPEATS = 5
_MOST_SILENT = 3
_MOST_TOKENS = 5

_A = TypeVar("_A")


class Asker:
    """Asks, one request after the other.

    Attributes:
        observations: What every exchange showed.
        tokens: Every access token.
        limits: Every limit that was met.
        step: The step of the plan that is under way.
        reserved: How many requests the steps to come need at most.
        unanswered: The numbers of requests that stayed without a proper answer.
    """

    def __init__(self, settings: Settings, line: Line, log: Callable[[str], None], patience: float = 1.0) -> None:
        """Prepare; nothing is sent yet.

        Args:
            settings: Where to ask, and as whom.
            line: Sends.
            log: Gets one line for each wait.
            patience: Multiplies the probe's own waits, not those that YCM asks for.
        """
        self._settings = settings
        self._line = line
        self._log = log
        self._patience = patience
        self._waited = 0.0
        self._repeats = 0
        self._silent = 0
        self._accepted = 0
        self._token: TokenSeen | None = None
        self.observations: list[Observation] = []
        self.tokens: list[TokenSeen] = []
        self.limits: list[LimitMet] = []
        self.unanswered: list[int] = []
        self.step = ""
        self.reserved = 0
        self.last: Answer | None = None

    @property
    def sent(self) -> int:
        """How many requests were sent."""
        return self._line.sent

    @property
    def spare(self) -> int:
        """How many requests no later step needs."""
        return MOST_REQUESTS - self.sent - self.reserved

    @property
    def may_log_in(self) -> bool:
        """Whether there are credentials to ask for a token with."""
        return self._settings.access_token is None

    def ask(self, question: Question[_A]) -> _A:
        """Ask what the tap asks; the answer is also in :attr:`last`.

        Raises:
            ApiError: It is no answer for the tap.
        """
        answer = self.get(f"GET {question.name}", question.path)
        return self.judge(question, answer)

    @staticmethod
    def judge(question: Question[_A], answer: Answer) -> _A:
        """Return what the tap makes of an answer.

        Raises:
            ApiError: It is no answer for the tap.
        """
        if answer.status is None:
            raise ApiError(answer.trouble or "")
        return question.parse(answer.body, answer.status, answer.ask.shown, retry_after=answer.retry_after)

    def get(
        self,
        shown: str,
        path: str,
        *,
        provokes: bool = False,
        user_agent: bool = True,
        token: TokenSeen | None = None,
    ) -> Answer:
        """Ask for something.

        Args:
            shown: Method, path and query for the report, without an id.
            path: The path and query.
            provokes: Whether an error is expected, and no reason to ask again.
            user_agent: Whether to say which program asks.
            token: A token that may be refused; otherwise a refusal brings another token.

        Raises:
            EndError: The probe cannot go on.
        """
        repeated = False
        while True:
            current = token or self.current()
            answer = self._send(Ask(self.step, shown, path, current.value, user_agent=user_agent))
            action = _action(answer)
            if action is Action.WAIT:
                self._wait(answer)
                continue
            if action is Action.NEW_TOKEN:
                if token is not None:
                    return answer
                self._refused(current)
                continue
            if answer.status is not None:
                self._accepted += 1
                if not current.used:
                    current.works_after = time.monotonic() - current.issued
                current.used += 1
            fault = action is Action.RETRY and (not provokes or answer.status is None or answer.status >= 500)
            if fault and not repeated and self._may_repeat():
                repeated = True
                continue
            if fault:
                self.unanswered.append(answer.n)
            self.last = answer
            return answer

    @staticmethod
    def was_accepted(answer: Answer) -> bool | None:
        """Tell whether an answer shows that the token was accepted; None if there is no answer."""
        return None if answer.status is None else _action(answer) is not Action.NEW_TOKEN

    def use_without_right(self, shown: str, path: str) -> Answer:
        """Ask once with a token that cannot be valid."""
        return self._send(Ask(self.step, shown, path, "not-a-token"))

    def log_in(self) -> TokenSeen:
        """Ask for a token, which is the current one from now on.

        Raises:
            EndError: There is none to be had.
        """
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id or "",
            "client_secret": self._settings.client_secret or "",
        }
        repeated = False
        while True:
            answer = self._send(Ask(self.step, "POST /oauth/token", "/oauth/token", form=form))
            try:
                value, life = parse_token(answer.body, answer.status or 0, "", retry_after=answer.retry_after)
            except ApiError as failure:
                action = Action.RETRY if answer.status is None else failure.action
                if action is Action.WAIT:
                    self._wait(answer)
                elif action is Action.RETRY and not repeated and self._may_repeat():
                    repeated = True
                else:
                    raise EndError(_why_no_token(answer)) from None
                continue
            told = answer.fields.get("expires_in")
            token = TokenSeen(value, time.monotonic(), float(told) if type(told) is int and told < 10**7 else None)
            token.renew_at = token.issued + max(min(0.75 * life, life - 60), 0.25 * life)
            self.tokens.append(token)
            self._token = token
            return token

    def rest(self, token: TokenSeen, seconds: float) -> None:
        """Let a token grow older before it is used first."""
        token.rested = seconds
        self._line.pause(seconds)

    def current(self) -> TokenSeen:
        """Return the token in use; a new one first, when there is none or its life is nearly over."""
        if not self.may_log_in and self._token is None:
            self._token = TokenSeen(self._settings.access_token or "", time.monotonic())
            self.tokens.append(self._token)
        if self._token is None:
            return self.log_in()
        is_due = self._token.used > 0 and time.monotonic() >= self._token.renew_at
        return self.log_in() if is_due and len(self.tokens) < _MOST_TOKENS else self._token

    def _refused(self, token: TokenSeen) -> None:
        """Wait for a new token to be accepted, or get another one for one that has ended."""
        if token.used == 0 and token.refused < len(_NEW_TOKEN_WAITS) and self.may_log_in:
            wait = _NEW_TOKEN_WAITS[token.refused] * self._patience
            token.refused += 1
            token.waited += wait
            self._log(f"YCM refuses the new token; asking again in {wait:.1f} s")
            self._line.pause(wait)
            return
        if token.used == 0 or not self.may_log_in:
            sentence = (
                "YCM refuses the token that it has just issued" if self.may_log_in else "the access token is refused"
            )
            raise EndError(sentence)
        token.ended = True
        if len(self.tokens) >= _MOST_TOKENS:
            sentence = f"the token has ended before its time, for the {_MOST_TOKENS}th time"
            raise EndError(sentence)
        self._log("the token has ended; asking for another")
        self.log_in()

    def _wait(self, answer: Answer) -> None:
        """Wait as a limit asks, within reason."""
        asked = answer.retry_after
        own = _LIMIT_WAITS[min(len(self.limits), len(_LIMIT_WAITS) - 1)] * self._patience
        wait = own if asked is None else asked
        self.limits.append(LimitMet(answer.n, self._accepted, wait))
        if self._waited + wait > MOST_WAITED or len(self.limits) > _MOST_LIMITS:
            sentence = (
                f"YCM limits the rate, and waiting for it would take more than {MOST_WAITED:.0f} s, or is in vain"
            )
            raise EndError(sentence)
        self._waited += wait
        self._log(f"YCM limits the rate; asking again in {wait:.1f} s")
        self._line.pause(wait)

    def _may_repeat(self) -> bool:
        if self._repeats >= _MOST_REPEATS or self.spare <= 0:
            return False
        self._repeats += 1
        self._line.pause(_FAULT_WAIT * self._patience)
        return True

    def _send(self, ask: Ask) -> Answer:
        answer = self._line.send(ask)
        self.observations.append(observe(answer))
        self._log(f"{answer.n:2}/{MOST_REQUESTS}  {ask.shown}  {answer.status or answer.trouble}")
        if answer.hopeless:
            raise EndError(answer.trouble or "")
        self._silent = self._silent + 1 if answer.status is None else 0
        if self._silent >= _MOST_SILENT:
            sentence = f"{_MOST_SILENT} requests in a row had no answer: {answer.trouble}"
            raise EndError(sentence)
        return answer


def _action(answer: Answer) -> Action | None:
    """Return what the tap would do about an answer; None for a success, or what asking again cannot help."""
    if answer.status is None:
        return Action.RETRY
    if succeeded(answer) or (answer.status < 300 and answer.fields and not {"status", "Status"} & answer.fields.keys()):
        return None
    code = code_in(answer)
    known = ERRORS.get(code or 0)
    if known is None and answer.status < 300:
        return Action.RETRY if code is None else None
    action = known.action if known else advice_for(None, answer.status, answer.retry_after)[1]
    return None if action is Action.FAIL else action


def _why_no_token(answer: Answer) -> str:
    """Say why there is no token, without what identifies the request."""
    if answer.status is None:
        return answer.trouble or ""
    code = code_in(answer)
    if answer.status < 300 and code is None:
        return "the token endpoint answers something else than a token: check that base_url is your YCM"
    what, action, advice = advice_for(code, answer.status, answer.retry_after)
    if action in {Action.FAIL, Action.NEW_TOKEN} and code not in ERRORS:
        advice = ERRORS[1000033].advice
    return f"the token endpoint answers {what}: {advice}"
