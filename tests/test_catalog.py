"""The catalog, as the command line gives it without any configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

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
