"""Findings on look-ups and on errors: who is not found, and how an error is told. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_ycm.errors import ERRORS
from tap_ycm.probe.findings.finding import Finding, found, unclear
from tap_ycm.sandbox.errors import describe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_ycm.probe.observation import Observation
    from tap_ycm.probe.seen import LookUp, Seen

__all__ = ["NAMES", "on_errors"]

NAMES = (
    *("look_up", "not_found_as", "single_trunk", "missing_user_agent", "error_code_field", "error_message_field"),
    *("error_code_as", "error_status_field", "error_http", "grant_errors"),
)
_EXPECTED = {"unknown": 1000005, "user_agent": 1000042, "pages": 1000004}
"""The codes of the errors that steps provoke."""


def on_errors(seen: Seen) -> list[Finding]:
    """Return what look-ups and errors show."""
    failures = [one for one in seen.observations if _is_failure(one) and not one.asked.startswith("POST")]
    look_up = _look_up(list(seen.known.values()), list(seen.unknown.values()))
    code_as = _error_code_as(failures)
    return [
        look_up,
        _not_found_as(list(seen.unknown.values()), list(seen.known.values()), look_up, code_as),
        _single_trunk(seen.known.get("shared_trunks")),
        _missing_user_agent(seen),
        _same("error_code_field", failures, "code_field"),
        _same("error_message_field", [one for one in failures if one.code_field], "message_field"),
        code_as,
        _same("error_status_field", failures, "status_field"),
        _error_http(failures),
        _grant_errors(seen.observations),
    ]


def _is_failure(one: Observation) -> bool:
    return one.says == "failed" or (one.status is not None and one.status >= 300 and bool(one.fields))


def _look_up(known: list[LookUp], unknown: list[LookUp]) -> Finding:
    outcomes = {one.outcome for one in known}
    evidence = [one.seen for one in (*known, *unknown)]
    if len(outcomes) != 1:
        return unclear("look_up", "lists differ" if outcomes else "no object was looked up", *evidence)
    (outcome,) = outcomes
    values = {"found": "answered", "refused": "not_permitted", "web page": "html_404", "another object": "another"}
    if outcome in values and (outcome != "web page" or {one.seen.status for one in known} == {404}):
        return found("look_up", values[outcome], *evidence)
    is_lost = outcome in {"not found", "null"} and {one.outcome for one in unknown} == outcomes
    if is_lost and len(known) > 1:
        return found("look_up", "not_found", *evidence)
    return unclear("look_up", f"the answer is: {outcome}", *evidence, like="not_found" if is_lost else None)


def _not_found_as(  # noqa: PLR0911 - one for each case
    unknown: list[LookUp], known: list[LookUp], look_up: Finding, code_as: Finding
) -> Finding:
    name, evidence = "not_found_as", [one.seen for one in unknown]
    ways = {(one.outcome, one.seen.code, one.seen.status) for one in unknown}
    if len(ways) != 1:
        return unclear(name, "lists differ" if ways else "no object was looked up", *evidence)
    ((outcome, code, status),) = ways
    if look_up.imitated not in {None, "answered", "not_found"} or not known:
        return unclear(name, "look-ups are not answered, or no object that exists was looked up", *evidence)
    if code == 1000005:
        return found(name, "code", *evidence)
    if outcome == "web page" and status == 404:
        return found(name, "html_404", *evidence)
    if outcome == "null":
        return found(name, "null", *evidence)
    if outcome == "not found" and status == 404 and code is None:
        if code_as.known and code_as.value != "missing":
            return found(name, "http_404", *evidence)
        return unclear(name, "no error has a code", *evidence, like=None if code_as.known else "http_404")
    return unclear(name, f"the answer is: {outcome}", *evidence)


def _single_trunk(look_up: LookUp | None) -> Finding:
    if look_up is None or look_up.outcome not in {"found", "another object"}:
        return unclear("single_trunk", "no trunk was looked up, or none was found")
    return found("single_trunk", "bare" if look_up.bare else "enveloped", look_up.seen)


def _missing_user_agent(seen: Seen) -> Finding:
    name, page = "missing_user_agent", seen.without_user_agent
    if page is None or page.seen.status is None:
        return unclear(name, "the request was not sent, or had no answer", page)
    if page.is_page:
        return found(name, "allow", page)
    if page.seen.code in {1000011, 1000035, 1000036} or page.seen.status == 401:
        return unclear(name, "the token was refused as well", page)
    return found(name, "refuse", page)


def _same(name: str, failures: Iterable[Observation], attribute: str) -> Finding:
    """Return what all errors have in common."""
    telling = [one for one in failures if getattr(one, attribute) is not None]
    values = {getattr(one, attribute) for one in telling}
    if len(values) == 1:
        return found(name, values.pop(), *telling)
    return unclear(name, f"seen: {', '.join(sorted(values))}" if values else "no error has one", *telling)


def _error_code_as(failures: list[Observation]) -> Finding:
    name = "error_code_as"
    types = {one.code_as for one in failures if one.code_as}
    words = {"integer": "number", "string": "string"}
    if len(types) == 1 and (way := types.pop()) in words:
        return found(name, words[way], *failures)
    # An object that does not exist, or a token that is refused, may be told by the HTTP status alone.
    others = [one for one in failures if one.step != "unknown" and one.says == "failed" and one.status != 401]
    if not types and others:
        return found(name, "missing", *others)
    why = "codes differ in type" if types else "no error was seen, but of objects that do not exist"
    return unclear(name, why, *failures)


def _error_http(failures: list[Observation]) -> Finding:
    """Hold the HTTP statuses of errors against what would fit their codes."""
    pairs = [
        (one.code or _EXPECTED.get(one.step), one.status)
        for one in failures
        if one.code in ERRORS or (one.code is None and one.step in _EXPECTED and one.step != "unknown")
    ]
    pairs = [(code, status) for code, status in pairs if code != 1000040]  # a limit has a status of its own
    if not pairs:
        return unclear("error_http", "no error was seen, but of objects that do not exist", *failures)
    if all(status == 200 for _, status in pairs):
        return found("error_http", "always_200", *failures)
    if all(status == describe(code or 0).http_status for code, status in pairs):
        return found("error_http", "mapped", *failures)
    seen = ", ".join(f"{code}: {status}" for code, status in sorted(set(pairs), key=str))
    return unclear("error_http", f"other statuses ({seen})", *failures)


def _grant_errors(observations: list[Observation]) -> Finding:
    refused = [one for one in observations if one.asked.startswith("POST") and one.fields and _no_token(one)]
    if not refused:
        return unclear("grant_errors", "no request for a token failed, and none is made to fail")
    if all("error" in one.fields and one.says is None for one in refused):
        return found("grant_errors", "oauth", *refused)
    if all(one.says == "failed" for one in refused):
        return found("grant_errors", "ycm", *refused)
    return unclear("grant_errors", "it is neither as in YCM's other errors nor as in OAuth", *refused)


def _no_token(one: Observation) -> bool:
    return "access_token" not in one.fields
