"""The environment for programs under test or under the stopwatch."""

from __future__ import annotations

import os

__all__ = ["CLEAN_ENVIRONMENT"]

# Whatever the person who starts them has set for a tap of their own must not reach the tap under test.
CLEAN_ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_YCM_", "MELTANO_"))}
