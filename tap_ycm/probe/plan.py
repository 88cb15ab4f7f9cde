"""What the probe asks for, as data: each step says what it asks and how many requests it takes at most."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

__all__ = ["MOST_REQUESTS", "PLAN", "Step", "plan", "told"]

MOST_REQUESTS = 60
"""No probe sends more requests than this, whatever YCM answers."""


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the plan.

    Attributes:
        name: What reports call it.
        at_most: How many requests it takes at most; repetitions come out of what other steps leave.
        says: What it asks for.
    """

    name: str
    at_most: int
    says: str


PLAN = (
    Step("token", 1, "Ask for an access token, as the tap does. With the setting access_token: nothing."),
    Step(
        "lists",
        17,
        "Ask for each list once: the first or the newest 50 rows of those in pages, and each list that comes whole.",
    ),
    Step("unknown", 6, "Look up one object with an id that does not exist, in each list that has look-ups."),
    Step(
        "reading",
        19,
        "Ask for the newest customers, and read all to the end if that takes fewer than 20 requests. What this leaves "
        "is for second looks at what is in doubt, for tokens that end, and for limits.",
    ),
    Step(
        "pages",
        7,
        "Ask for customers (or another sorted list): without sort, without a page size, a smaller page, a page size "
        "of 100, page 0, a page past the end, and sorted by a field that does not exist.",
    ),
    Step("known", 2, "Look up one customer and one shared trunk that exist."),
    Step(
        "children",
        4,
        "Ask once for the customers and the trunks of a cloud PBX, the members of a group, a user's subscription.",
    ),
    Step("user_agent", 1, "Repeat one request without a User-Agent header."),
    Step(
        "second_token",
        2,
        "Ask for a second token, and try whether the first one still works. With access_token: nothing.",
    ),
    Step("wrong_token", 1, "Only with --wrong-token: one request with a token that cannot be valid."),
)
"""Every step in order. The sum is the most there can be."""


def plan(*, wrong_token: bool) -> tuple[Step, ...]:
    """Return the steps of one probe."""
    return tuple(step for step in PLAN if wrong_token or step.name != "wrong_token")


def told(steps: tuple[Step, ...], per_minute: int) -> str:
    """Return the plan for a person."""
    most = sum(step.at_most for step in steps)
    minutes = -(-most // per_minute)
    lines = [
        f"The probe sends at most {most} requests, one at a time, at most {per_minute} a minute (some {minutes} min):",
    ]
    for step in steps:
        lines += textwrap.wrap(f"{step.at_most:3}  {step.says}", 100, subsequent_indent="     ")
    lines += [
        "It only reads: GET, and POST to the token endpoint. It obeys every limit that it meets.",
        "It notes no value of a row, no token, address, e-mail or id: only how YCM answers.",
    ]
    return "\n".join(lines) + "\n"
