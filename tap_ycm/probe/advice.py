"""Which settings help a user where the tap cannot work as it should. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_ycm.records.secret_names import looks_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_ycm.probe.findings import Finding
    from tap_ycm.probe.seen import Seen

__all__ = ["Advice", "advise"]


@dataclass(frozen=True, slots=True)
class Advice:
    """What to set.

    Attributes:
        setting: Name of a setting; empty if none helps.
        value: Its value; None if it depends.
        why: Why, in a sentence.
    """

    setting: str
    value: Any
    why: str


def advise(seen: Seen, findings: Iterable[Finding]) -> list[Advice]:
    """Return what a user can do until the tap knows better."""
    known = {one.name: one for one in findings}
    return [
        *_page_size(known),
        *_look_ups(seen, known),
        *_incomplete(known),
        *_missing(known),
        *_rest(seen, known),
    ]


def _page_size(known: Mapping[str, Finding]) -> list[Advice]:
    most = known["max_page_size"].imitated
    if most is None or most >= 50:
        return []
    if known["over_max"].imitated == "refuse":
        return [Advice("page_size", most, f"Pages of more than {most} rows are refused.")]
    return [
        Advice(
            "page_size", most, f"No page holds more than {most} rows. The tap adapts by itself; with this it need not."
        )
    ]


def _look_ups(seen: Seen, known: Mapping[str, Finding]) -> list[Advice]:
    doubtful = [one.stream for one in seen.unknown.values() if not one.understood and one.outcome != "unanswered"]
    if not doubtful and known["look_up"].imitated in {None, "answered"}:
        return []
    lists = f" ({', '.join(doubtful)})" if doubtful else ""
    why = f"Look-ups do not say clearly that an object does not exist{lists}: no delete can be confirmed by them."
    return [Advice("confirm_by_lookup", False, why)]  # noqa: FBT003 - the value of a setting


def _incomplete(known: Mapping[str, Finding]) -> list[Advice]:
    """Return what makes each sync incomplete though no row is missing."""
    reasons = {
        "The total is none that the tap can use.": known["total_as"].imitated
        in {"float", "null", "garbage", "missing"},
        "Answers do not repeat the number and the size of a page.": known["echo"].imitated == "missing",
        "Lists are not sorted as asked.": known["honour_sort"].imitated is False,
        "Pages past the end hold rows that no list has.": known["past_end"].imitated == "invented",
        "Totals are wrong.": any(known[name].known and known[name].value for name in ("total_offset", "total_wobble"))
        or any(known[name].known and known[name].value is not None for name in ("total_fixed", "total_cap")),
        "Totals and rows differ: if rows are hidden, they are missing from what the tap reads.": any(
            not known[name].known and known[name].like is not None
            for name in ("total_offset", "total_fixed", "total_cap", "hidden")
        ),
    }
    return [Advice("on_incomplete", "warn", why) for why, is_so in reasons.items() if is_so]


def _missing(known: Mapping[str, Finding]) -> list[Advice]:
    """Return what no setting mends."""
    names = ("page_offset", "page_gap", "short_by", "window")
    is_so = known["honour_page"].imitated is False or any(known[name].imitated not in {None, 0} for name in names)
    why = "Pages do not show all rows, and no setting mends that: please send this report, and ask Yeastar."
    return [Advice("", None, why)] if is_so else []


def _rest(seen: Seen, known: Mapping[str, Finding]) -> list[Advice]:
    advice = []
    if seen.limits:
        why = "YCM limits the rate: set it to three quarters of Rate / Interval, as YCM's administrator knows them."
        advice.append(Advice("max_requests_per_minute", None, why))
    if denied := known["denied"].imitated:
        why = "The account may not read these lists: leave them out (select), or use the API client of another account."
        advice.append(Advice("select", [f"!{name}.*" for name in denied], why))
    if known["one_token"].imitated:
        why = "A new token ends the others: give each program an API client of its own, or run one at a time."
        advice.append(Advice("", None, why))
    if unknown := [one.stream for one in seen.lists.values() if not all(map(looks_secret, one.fields.unknown))]:
        why = f"Fields that the schema does not know are dropped unless they are kept ({', '.join(unknown)})."
        advice.append(Advice("unknown_fields", "keep", why))
    unread = [one.stream for one in seen.lists.values() if one.outcome in {"failed", "unreadable"}]
    if unread:
        why = (
            f"The tap cannot read these lists here ({', '.join(unread)}): leave them out, and please send this report."
        )
        advice.append(Advice("select", [f"!{name}.*" for name in unread], why))
    return advice
