"""What can go wrong with YCM, as data: each error code, what the tap does about it, what the user can do.

Pure: nothing here knows the SDK, ``requests`` or a socket.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

__all__ = [
    "ERRORS",
    "GET_ANOTHER_TOKEN",
    "NOT_PERMITTED",
    "PERMISSION_DENIED",
    "Action",
    "ApiError",
    "FailuresError",
    "KnownError",
    "TapError",
    "advice_for",
]


class TapError(Exception):
    """Something that a user can cause or act on: one sentence, exit status 1, no traceback.

    The text never holds a secret, a token, a response body or a customer's data.
    """


class FailuresError(TapError):
    """Several things that are independent of each other."""

    def __init__(self, failures: Sequence[TapError]) -> None:
        """Keep the sentence of each."""
        super().__init__("; ".join(map(str, failures)))
        self.sentences = [str(failure) for failure in failures]


class Action(Enum):
    """What the tap does about a failed answer."""

    RETRY = auto()  # a fault that may pass: ask again, with growing waits, for minutes
    WAIT = auto()  # a limit: ask again, with longer waits, for longer
    NEW_TOKEN = auto()  # the token is not (or no longer) good: get a new one; if that does not help, it is a fault
    FAIL = auto()  # asking again cannot help


class ApiError(TapError):
    """YCM, or the way to it, answered something that is not the data that was asked for."""

    def __init__(  # noqa: PLR0913 - facts, by name
        self,
        what: str,
        action: Action = Action.FAIL,
        *,
        advice: str = "",
        code: int | None = None,
        everywhere: bool = False,
        retry_after: float | None = None,
        together: bool = False,
    ) -> None:
        """Keep what the caller needs to decide.

        Args:
            what: What happened, and where.
            action: What the tap does about it.
            advice: What to do, unless ``what`` says it.
            code: The documented code that YCM named it by, or None.
            everywhere: Whether every request meets it, whatever is asked for.
            retry_after: Seconds to wait, if the server, or what all threads share, says so.
            together: Whether all threads wait so long and no longer, rather than each as long as it thinks fit.
        """
        super().__init__(f"{what}: {advice}" if advice else what)
        self.what = what
        self.action = action
        self.code = code
        self.everywhere = everywhere
        self.retry_after = retry_after
        self.together = together


@dataclass(frozen=True, slots=True)
class KnownError:
    """A documented YCM error code (vendor page ``error-code``)."""

    name: str
    action: Action
    advice: str


_LATER = "it is a fault of YCM; run the tap again later, and tell Yeastar if it stays"
_CREDENTIALS = "check client_id and client_secret (YCM: System > API)"
_TOKEN = "YCM refuses the token that it has issued; run the tap again later, and see whether another program has the same client_id"  # noqa: E501, S105 - advice, not a secret
GET_ANOTHER_TOKEN = "get a fresh access_token, or set client_id and client_secret in its place"  # noqa: S105 - as above
"""The advice to who gave an access token that is refused."""

ERRORS: dict[int, KnownError] = {
    1000001: KnownError("SERVER_ERROR", Action.RETRY, _LATER),
    1000002: KnownError("AUTHENTICATION_FAILED", Action.FAIL, _CREDENTIALS),
    1000004: KnownError(
        "INVALID_PARAMETER",
        Action.FAIL,
        "if page_size was never accepted here, set it lower; otherwise please report it with the requestId",
    ),
    1000005: KnownError("DATA_NOT_FOUND", Action.FAIL, "check that base_url is your YCM"),
    1000011: KnownError("SESSION_EXPIRED", Action.NEW_TOKEN, _TOKEN),
    1000012: KnownError("DATABASE_ERROR", Action.RETRY, _LATER),
    1000015: KnownError("USER_NOT_FOUND", Action.FAIL, _CREDENTIALS),
    1000030: KnownError("LOCK_HAS_RELEASED_BY_OTHER_THREAD", Action.RETRY, _LATER),
    1000033: KnownError("INVALID_CLIENT", Action.FAIL, _CREDENTIALS),
    1000035: KnownError("TOKEN_EXPIRED", Action.NEW_TOKEN, _TOKEN),
    1000036: KnownError("INVALID_TOKEN", Action.NEW_TOKEN, _TOKEN),
    1000040: KnownError(
        "RATE_LIMIT_EXCEEDED",
        Action.WAIT,
        "run the tap less often or at a quieter time, or ask the superior account for a higher API rate",
    ),
    1000042: KnownError(
        "ACCESS_DENIED",
        Action.FAIL,
        "allow this machine's IP address (YCM: System > API, IP restriction)",
    ),
    1000043: KnownError(
        "PERMISSION_DENIED",
        Action.FAIL,
        "use the API client of an account that may see this, or deselect the stream",
    ),
}
"""The codes that a reading client can meet. Names: V (vendor page); actions and advice: judged."""

PERMISSION_DENIED = 1000043
NOT_PERMITTED = frozenset({1000042, PERMISSION_DENIED})
"""The codes that say that the account may not see what was asked for."""


def advice_for(code: int | None, http_status: int, retry_after: float | None = None) -> tuple[str, Action, str]:
    """Name a failure, decide on it, and say what to do.

    The HTTP status decides only when there is no known code: the vendor documents codes, not statuses.

    Args:
        code: The YCM error code, when the answer carried one.
        http_status: The HTTP status of the answer.
        retry_after: Seconds the server asked to wait, if it said so: who does, sets a limit.

    Returns:
        What to call the failure, what to do about it, and the advice to a user.
    """
    if code is not None and (known := ERRORS.get(code)):
        return f"error {code} {known.name}", known.action, known.advice
    what = f"HTTP status {http_status}" + ("" if code is None else f", error {code}")
    if http_status in {403, 503} and retry_after is not None:
        return what, Action.WAIT, ERRORS[1000040].advice
    for statuses, action, advice in _STATUSES:
        if http_status in statuses:
            return what, action, advice
    return what, Action.FAIL, "look the code up on the vendor's page 'Error Code', or ask Yeastar with the requestId"


_STATUSES: tuple[tuple[Container[int], Action, str], ...] = (
    (range(300, 400), Action.FAIL, "set base_url to the address it redirects to; credentials are not sent there"),
    ((401,), Action.NEW_TOKEN, _TOKEN),
    ((403,), Action.FAIL, "check the API switch, the IP restriction and the rights (YCM: System > API)"),
    (
        (404,),
        Action.FAIL,
        "check that base_url is your YCM, and its API enabled (System > API); a list that it lacks can be deselected",
    ),
    ((408, 425), Action.RETRY, _LATER),
    ((429,), Action.WAIT, ERRORS[1000040].advice),
    (range(500, 600), Action.RETRY, _LATER),
)
"""What decides when there is no known code."""
