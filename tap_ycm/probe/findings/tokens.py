"""Findings on tokens, on limits, and on how answers travel; and facts beyond the assumptions. Pure."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Any

from tap_ycm.probe.findings.finding import Finding, found, unclear

if TYPE_CHECKING:
    from tap_ycm.probe.observation import Observation
    from tap_ycm.probe.seen import Seen

__all__ = ["FACTS", "NAMES", "facts", "on_tokens"]

NAMES = (*("token_life", "one_token", "token_delay", "token_refusals", "token_uses", "gzip", "request_id", "limit"),)
FACTS = ("http", "content", "clock", "limit_headers", "error_statuses", "look_ups_understood", "wrong_token")


def on_tokens(seen: Seen) -> list[Finding]:
    """Return what tokens, limits and the form of answers show."""
    answered = [one for one in seen.observations if one.status is not None]
    return [
        _token_life(seen),
        _one_token(seen),
        *_new_tokens(seen),
        _token_uses(seen),
        found("gzip", any(one.gzip for one in answered), *[one for one in answered if one.gzip][:3])
        if any(one.body == "object" for one in answered)
        else unclear("gzip", "there was no answer"),
        _request_id(answered),
        _limit(seen),
    ]


def _token_life(seen: Seen) -> Finding:
    lives = {one.life for one in seen.tokens if one.life is not None}
    evidence = [one for one in seen.observations if one.asked.startswith("POST")]
    if len(lives) == 1:  # what is left of it when the answer arrives
        return found("token_life", int(lives.pop()) + 1, *evidence)
    return unclear("token_life", "answers differ" if lives else "no life was told", *evidence)


def _one_token(seen: Seen) -> Finding:
    if seen.given_token:
        return unclear("one_token", "no token is asked for where one is given")
    if seen.first_token_lives is None:
        return unclear("one_token", "no second token was asked for")
    if not seen.first_token_lives and any(one.ended for one in seen.tokens):
        return unclear("one_token", "tokens end early for another reason, too")
    evidence = [one for one in seen.observations if one.step == "second_token"]
    return found("one_token", not seen.first_token_lives, *evidence)


def _new_tokens(seen: Seen) -> list[Finding]:
    """Tell a token that is refused a few times from one that is refused for a while."""
    used = [one for one in seen.tokens if one.used or one.refused]
    if seen.given_token or not used:
        return [unclear(name, "no token was asked for") for name in ("token_delay", "token_refusals")]
    if not any(one.refused for one in used):
        return [found("token_delay", 0.0), found("token_refusals", 0)]
    first, rested = used[0], [one for one in used if one.rested]
    why = "new tokens are refused at first, for a while or a few times"
    if not rested or not first.used:
        likely = {"token_delay": round(first.waited, 3)} if first.used else {"token_refusals": first.refused + 1}
        return [unclear(name, why, like=likely.get(name)) for name in ("token_delay", "token_refusals")]
    if all(one.refused == first.refused for one in rested):
        return [found("token_delay", 0.0), found("token_refusals", first.refused)]
    if any(one.refused for one in rested):
        return [unclear(name, why) for name in ("token_delay", "token_refusals")]
    seconds = f"new tokens are refused for up to {first.waited:.3g} s"
    return [unclear("token_delay", seconds, like=round(first.waited, 3)), found("token_refusals", 0)]


def _token_uses(seen: Seen) -> Finding:
    ended = [one.used for one in seen.tokens if one.ended]
    most = max((one.used for one in seen.tokens), default=0)
    if not ended:
        return unclear("token_uses", f"no token ended; one was accepted {most} times")
    if len(ended) > 1 and len(set(ended)) == 1:
        return found("token_uses", ended[0])
    return unclear("token_uses", f"a token ended after {ended[0]} uses", like=ended[0])


def _request_id(answered: list[Observation]) -> Finding:
    enveloped = [one for one in answered if one.says in {"success", "failed"}]
    forms = {one.request_id for one in enveloped}
    if len(forms) == 1 and (form := forms.pop()) in {"hex", "uuid", "missing"}:
        return found("request_id", form, *enveloped[:3])
    return unclear("request_id", "forms differ, or it is another one" if enveloped else "there was no answer")


def _limit(seen: Seen) -> Finding:
    if not seen.limits:
        return unclear("limit", "no limit was met")
    met = seen.limits[0]
    shown = seen.observations[met.n - 1]
    like: dict[str, Any] = {
        "burst": max(met.before, 1),
        "rate": max(met.before, 1),
        "interval_seconds": max(int(sum(one.wait for one in seen.limits if one.before == met.before)), 1),
        "http_status": 429 if shown.status != 200 else 200,
        "retry_after": shown.retry_after if shown.retry_after in {"seconds", "date"} else None,
    }
    why = f"a limit was met after {met.before} requests; its rate cannot be told from that"
    return unclear("limit", why, shown, like=like)


def facts(seen: Seen) -> list[Finding]:
    """Return what is worth knowing beyond the assumptions."""
    answered = [one for one in seen.observations if one.status is not None]
    if not answered:
        return [unclear(name, "there was no answer") for name in FACTS]
    statuses = sorted({f"{one.code}: {one.status}" for one in answered if one.code is not None})
    look_ups = {one.stream: one.understood for one in seen.unknown.values()}
    return [
        found("http", sorted({one.http or "another" for one in answered})),
        found("content", sorted({one.content or "none" for one in answered})),
        _clock(seen),
        found("limit_headers", sorted({name for one in answered for name in (*one.numbers, *_retry(one))})),
        found("error_statuses", statuses) if statuses else unclear("error_statuses", "no error with a code was seen"),
        found("look_ups_understood", look_ups, *(one.seen for one in seen.unknown.values()))
        if look_ups
        else unclear("look_ups_understood", "no object was looked up"),
        unclear("wrong_token", "it is tried with --wrong-token only")
        if seen.wrong_token is None
        else found("wrong_token", {"status": seen.wrong_token.status, "code": seen.wrong_token.code}, seen.wrong_token),
    ]


def _retry(one: Observation) -> tuple[str, ...]:
    return ("retry-after",) if one.retry_after else ()


def _clock(seen: Seen) -> Finding:
    """Compare clocks: YCM tells whole seconds, and an answer takes its time, so a few seconds are no difference."""
    if not seen.skews:
        return unclear("clock", "no answer told the time")
    seconds = median(seen.skews)
    return found("clock", 0 if abs(seconds) < 5 else math.floor(seconds + 0.5))
