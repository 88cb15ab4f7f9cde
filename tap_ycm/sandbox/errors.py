"""YCM's documented error codes (vendor page error-code) and their HTTP status.

The codes and names are verified. Which HTTP status goes with each is not
documented: the one given here is the sandbox's assumption, used when
`Assumptions.error_http` is `mapped`.
"""

from __future__ import annotations

from typing import NamedTuple


class YcmError(NamedTuple):
    """One code: its documented name and the HTTP status assumed for it."""

    name: str
    http_status: int


SERVER_ERROR = 1000001
AUTHENTICATION_FAILED = 1000002
INVALID_PARAMETER = 1000004
DATA_NOT_FOUND = 1000005
SESSION_EXPIRED = 1000011
TOKEN_EXPIRED = 1000035
INVALID_TOKEN = 1000036
RATE_LIMIT_EXCEEDED = 1000040
ACCESS_DENIED = 1000042
PERMISSION_DENIED = 1000043

ERRORS = {
    SERVER_ERROR: YcmError("SERVER_ERROR", 500),
    AUTHENTICATION_FAILED: YcmError("AUTHENTICATION_FAILED", 401),
    INVALID_PARAMETER: YcmError("INVALID_PARAMETER", 400),
    DATA_NOT_FOUND: YcmError("DATA_NOT_FOUND", 404),
    SESSION_EXPIRED: YcmError("SESSION_EXPIRED", 401),
    1000012: YcmError("DATABASE_ERROR", 500),
    1000015: YcmError("USER_NOT_FOUND", 404),
    1000030: YcmError("LOCK_HAS_RELEASED_BY_OTHER_THREAD", 500),
    1000033: YcmError("INVALID_CLIENT", 401),
    TOKEN_EXPIRED: YcmError("TOKEN_EXPIRED", 401),
    INVALID_TOKEN: YcmError("INVALID_TOKEN", 401),
    RATE_LIMIT_EXCEEDED: YcmError("RATE_LIMIT_EXCEEDED", 429),
    ACCESS_DENIED: YcmError("ACCESS_DENIED", 403),
    PERMISSION_DENIED: YcmError("PERMISSION_DENIED", 403),
}


def describe(code: int) -> YcmError:
    """Return what is known of a code; an unlisted one counts as a bad request."""
    return ERRORS.get(code, YcmError("UNLISTED_ERROR", 400))
