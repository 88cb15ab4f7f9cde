"""The catalog, as the command line gives it without any configuration."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from harness import CLEAN_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Run

SNAPSHOT = Path(__file__).parent / "snapshots" / "catalog.json"
SCHEMA = Path(__file__).parents[1] / "schemas" / "customers.json"

# Customer_Info, as the vendor's page "Query All Customers" lists it.
DOCUMENTED = [
    "customerId",
    "firstName",
    "lastName",
    "company",
    "email",
    "businessNumber",
    "mobileNumber",
    "homeNumber",
    "faxNumber",
    "zipCode",
    "street",
    "city",
    "state",
    "country",
    "remark",
]


def test_the_catalog_is_the_one_reviewed(tap: Callable[..., Run]) -> None:
    """To accept a change: ``tap-ycm --discover > tests/snapshots/catalog.json``."""
    assert json.loads(tap("--discover").stdout) == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_the_schema_is_customer_info() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert list(schema["properties"]) == DOCUMENTED
    for name, rules in schema["properties"].items():
        assert rules["type"] == ("integer" if name == "customerId" else ["string", "null"])
        assert rules["description"].endswith(".")
        assert isinstance(rules["x-personal-data"], bool)
        assert rules["description"].endswith("Personal data.") == rules["x-personal-data"]


@pytest.mark.parametrize("command", ["--version", "--discover", "--about", "--help"])
def test_a_command_that_reads_nothing_imports_nothing_to_read_with(command: str) -> None:
    loaded = f"""
import sys
from tap_ycm.__main__ import main
sys.argv = ["tap-ycm", "{command}"]
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
    command_line = [sys.executable, "-c", loaded]
    process = subprocess.run(command_line, env=CLEAN_ENVIRONMENT, capture_output=True, check=True, text=True)
    modules = set(process.stderr.split())
    assert {"tap_ycm.tap", "singer_sdk"} <= modules
    assert not {"msgspec", "tap_ycm.http.client", "tap_ycm.typed", "tap_ycm.sandbox"} & modules
