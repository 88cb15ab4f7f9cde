"""The SDK's own suite for taps, run against the sandbox."""

from __future__ import annotations

from harness import settings_for
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from tap_ycm.sandbox import Sandbox, World
from tap_ycm.tap import TapYCM

# The suite reads the settings when this module is imported, so the sandbox must be up by then.
_YCM = Sandbox(World.seeded(customers=400, seed=7)).start()


def teardown_module() -> None:
    _YCM.stop()


TestTapYCM = get_tap_test_class(
    TapYCM,
    config=settings_for(_YCM),
    suite_config=SuiteConfig(max_records_limit=400, ignore_no_records_for_streams=["syncs"]),  # written by TapYCM.run
)
