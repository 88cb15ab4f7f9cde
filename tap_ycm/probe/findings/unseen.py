"""The switches of the sandbox that nobody sees who reads an account at rest, each with the reason."""

from __future__ import annotations

__all__ = ["UNSEEN"]

_CHANGES = "it shows only while the account changes, and the probe changes nothing"
_REFRESH = "the tap never uses a refresh token, so none is tried"

UNSEEN: dict[str, str] = {
    "hidden": "rows that no list shows cannot be seen",
    "hidden_counted": "rows that no list shows cannot be seen",
    "total_every": _CHANGES,
    "total_lag": _CHANGES,
    "stale_every": _CHANGES,
    "stale_lag": _CHANGES,
    "look_up_lag": _CHANGES,
    "vanishing_parents": "objects that others delete are no trait of a YCM",
    "only": "it says where the sandbox uses other switches, and is no trait of a YCM",
    "refresh_life": _REFRESH,
    "refresh_rotates": _REFRESH,
    "refresh_needs_client": _REFRESH,
}
"""Why each cannot be told."""
