"""The catalog: as the command line gives it without any configuration, and what is made of one that is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from harness import CLEAN_ENVIRONMENT, SCHEMAS, SNAPSHOTS, discovered, settings_for
from singer_sdk.singerlib import CatalogEntry

from tap_ycm.errors import TapError
from tap_ycm.singer.catalog import mend
from tap_ycm.streams import STREAMS, SYNCS

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Run

    from tap_ycm.sandbox import Sandbox

SCHEMA = SCHEMAS / "customers.json"

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
    """To accept a change: ``ACCEPT=1 scripts/test tests/singer/test_catalog.py``, and look at what it changed."""
    streams = {stream["tap_stream_id"]: stream for stream in json.loads(tap("--discover").stdout)["streams"]}
    if os.environ.get("ACCEPT"):
        for path in SNAPSHOTS.glob("*.json"):
            path.unlink()
        for name, stream in streams.items():
            (SNAPSHOTS / f"{name}.json").write_text(f"{json.dumps(stream, indent=2)}\n", encoding="utf-8")
    reviewed = {path.stem for path in SNAPSHOTS.glob("*.json")}
    assert streams.keys() == reviewed == {table.name for table in (*STREAMS, SYNCS)}
    for name, stream in streams.items():
        assert stream == discovered(name)


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
    assert not {"msgspec", "tap_ycm.http.client", "tap_ycm.sync.sync", "tap_ycm.sandbox"} & modules


COLUMNS = json.loads(SCHEMA.read_text(encoding="utf-8"))["properties"]


def entry() -> dict[str, Any]:
    """Return the entry that discovery gives."""
    return discovered("customers")


def metadata(stream: dict[str, Any], *place: str) -> dict[str, Any]:
    """Return a column's metadata, or the stream's own; new if there is none."""
    for each in stream["metadata"]:
        if each["breadcrumb"] == list(place):
            found: dict[str, Any] = each["metadata"]
            return found
    stream["metadata"].append({"breadcrumb": list(place), "metadata": {}})
    return metadata(stream, *place)


def mended(stream: dict[str, Any], name: str = "customers") -> tuple[list[str], CatalogEntry]:
    catalog_entry = CatalogEntry.from_dict(stream)
    expected = discovered(name)
    columns = expected["schema"]["properties"]
    return list(mend(catalog_entry, name, expected["key_properties"], columns)), catalog_entry


@pytest.mark.parametrize("name", [kind.name for kind in STREAMS])
def test_a_catalog_of_discovery_is_left_as_it_is(name: str) -> None:
    warnings, catalog_entry = mended(discovered(name), name)
    assert warnings == []
    assert catalog_entry.to_dict() == {**CatalogEntry.from_dict(discovered(name)).to_dict(), "stream": name}


def test_a_key_that_is_lacking_is_added() -> None:
    stream = entry()
    del stream["schema"]["properties"]["customerId"]
    stream["metadata"] = [each for each in stream["metadata"] if each["breadcrumb"] != ["properties", "customerId"]]
    warnings, catalog_entry = mended(stream)
    assert warnings == ["the catalog lacks customerId, the key of customers: it is added"]
    assert catalog_entry.schema.to_dict()["properties"] == entry()["schema"]["properties"]
    assert catalog_entry.metadata.resolve_selection()["properties", "customerId"]


@pytest.mark.parametrize(
    ("column", "rules", "remains"),
    [
        ("customerId", {"type": "string"}, "integer"),
        ("customerId", {"type": ["integer", "null"], "minimum": -(2**63), "maximum": 2**63 - 1}, "integer"),
        ("customerId", {"type": "integer"}, "integer"),  # a target would take it for a small one
        ("email", {"type": "integer"}, "string or null"),
        ("email", {"type": "string"}, "string or null"),
        ("email", {"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ("email", {"type": ["string", "null"], "format": "date-time"}, "string or null"),
        ("email", {}, "string or null"),
    ],
    ids=str,
)
def test_a_column_of_another_type_keeps_its_own(column: str, rules: dict[str, Any], remains: str) -> None:
    stream = entry()
    stream["schema"]["properties"][column] = {**rules, "x-sql-datatype": "mine"}
    warnings, catalog_entry = mended(stream)
    assert warnings == [f"the catalog gives {column} of customers another type: it stays {remains}"]
    properties = catalog_entry.schema.to_dict()["properties"]
    assert properties.pop(column) == {**entry()["schema"]["properties"].pop(column), "x-sql-datatype": "mine"}
    assert properties == {name: rules for name, rules in entry()["schema"]["properties"].items() if name != column}


def test_what_does_not_touch_the_type_is_the_catalogs_to_say() -> None:
    stream = entry()
    stream["schema"]["properties"]["email"] = {"type": ["null", "string"], "maxLength": 99, "description": "Mine."}
    warnings, catalog_entry = mended(stream)
    assert warnings == []
    assert catalog_entry.schema.to_dict()["properties"]["email"]["maxLength"] == 99


def test_a_column_that_does_not_exist_is_left_out() -> None:
    stream = entry()
    stream["schema"]["properties"]["pager"] = {"type": "string"}
    metadata(stream, "properties", "pager")["selected"] = True
    metadata(stream, "properties", "emial")["selected"] = True
    metadata(stream, "properties", "stale")["inclusion"] = "available"
    warnings, catalog_entry = mended(stream)
    assert warnings == [
        "the catalog has a column pager, which customers does not have: it is left out",
        "the catalog selects emial, which customers does not have: did you mean email?",
    ]
    assert list(catalog_entry.schema.properties or ()) == list(COLUMNS)


def test_a_key_that_is_deselected_or_another_is_kept() -> None:
    stream = entry()
    metadata(stream)["selected"] = True
    stream["key_properties"] = ["email"]
    metadata(stream, "properties", "customerId").update(selected=False, inclusion="available")
    warnings, catalog_entry = mended(stream)
    assert warnings == [
        "the catalog asks for other keys, but the key of customers is customerId",
        "the catalog deselects customerId, the key of customers: it is read all the same",
    ]
    assert catalog_entry.key_properties == ["customerId"]
    assert catalog_entry.metadata.resolve_selection()["properties", "customerId"]
    del stream["key_properties"]
    metadata(stream)["table-key-properties"] = ["email"]
    assert mended(stream)[0] == warnings
    # As Meltano deselects it, whose selection does not name it:
    metadata(stream, "properties", "customerId").update(selected=False, inclusion="automatic")
    assert mended(stream)[0] == warnings[:1]


def test_each_column_of_a_key_of_several_is_kept() -> None:
    stream = discovered("group_members")
    metadata(stream)["selected"] = True
    stream["key_properties"] = ["memberId"]
    for name in ("groupId", "memberType"):
        del stream["schema"]["properties"][name]
    metadata(stream, "properties", "memberId").update(selected=False, inclusion="available")
    warnings, catalog_entry = mended(stream, "group_members")
    assert warnings == [
        "the catalog lacks groupId, the key of group_members: it is added",
        "the catalog lacks memberType, the key of group_members: it is added",
        "the catalog asks for other keys, but the key of group_members is groupId, memberType, memberId",
        "the catalog deselects memberId, the key of group_members: it is read all the same",
    ]
    assert catalog_entry.key_properties == ["groupId", "memberType", "memberId"]
    assert catalog_entry.schema.to_dict()["properties"] == discovered("group_members")["schema"]["properties"]
    mask = catalog_entry.metadata.resolve_selection()
    assert all(mask["properties", name] for name in catalog_entry.key_properties)


def test_another_replication_method_is_not_taken() -> None:
    warning = "the catalog asks for another replication method, but customers is FULL_TABLE"
    for change in ({"replication_method": "INCREMENTAL"}, {"replication_key": "customerId"}):
        assert mended(entry() | change)[0] == [warning]
    stream = entry() | {"replication_method": "INCREMENTAL", "replication_key": "customerId"}
    metadata(stream).update({"replication-key": "email", "forced-replication-method": "INCREMENTAL"})
    warnings, catalog_entry = mended(stream)
    assert warnings == [warning]
    assert catalog_entry.replication_key is None
    assert catalog_entry.replication_method == "FULL_TABLE"
    assert catalog_entry.metadata.root.replication_key is None
    assert catalog_entry.metadata.root.forced_replication_method is None


def test_a_column_deselected_by_a_misspelt_name_ends_the_run() -> None:
    stream = entry()
    metadata(stream)["selected"] = True
    metadata(stream, "properties", "emial")["selected"] = False
    with pytest.raises(TapError, match=r"deselects emial, which customers does not have: did you mean email\?$"):
        mended(stream)
    metadata(stream, "properties", "email")["selected"] = False  # nothing is unprotected
    metadata(stream, "properties", "telex")["selected"] = False  # like nothing that there is
    assert mended(stream)[0] == []
    stream["schema"]["properties"]["emails"] = {"type": "string"}  # of an older version, and left out then
    metadata(stream, "properties", "emails")["selected"] = False
    metadata(stream, "properties", "emial").clear()
    metadata(stream, "properties", "email")["selected"] = True
    assert mended(stream)[0] == ["the catalog has a column emails, which customers does not have: it is left out"]


def test_a_catalog_without_metadata_selects_everything() -> None:
    stream = entry() | {"metadata": []}
    warnings, catalog_entry = mended(stream)
    assert warnings == []
    mask = catalog_entry.metadata.resolve_selection()
    assert all(mask["properties", name] for name in COLUMNS)


def test_a_selection_of_the_key_alone_is_said() -> None:
    stream = entry()
    metadata(stream)["selected"] = True
    for name in COLUMNS:
        metadata(stream, "properties", name)["selected"] = False
    assert mended(stream)[0] == ["the catalog selects no column of customers but its key"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"metadata": [{"breadcrumb": [], "metadata": {"selected": False}}]}, "select some of available_trunks, "),
        ({"tap_stream_id": "custmers"}, "custmers is no stream, did you mean customers?"),
        (None, "users (with Meltano, look at its select patterns)"),
    ],
    ids=str,
)
def test_a_catalog_that_selects_nothing_ends_the_run(
    change: dict[str, Any] | None, sentence: str, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(3)
    streams = [] if change is None else [entry() | change]
    maps = {"customers": {"email": None}}
    for config in (settings_for(ycm), settings_for(ycm, stream_maps=maps)):
        run = tap(config=config, catalog={"streams": streams})
        assert run.status == 1
        assert run.error.startswith("the catalog selects nothing: ")
        assert sentence in run.error
        assert run.stdout == ""
    assert ycm.requests == []


def test_a_wrong_catalog_is_mended_on_the_way(sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    stream = entry()
    metadata(stream)["selected"] = True
    stream["schema"]["properties"]["email"] = {"type": "integer"}
    del stream["schema"]["properties"]["customerId"]
    foreign = {**entry(), "tap_stream_id": "custmers", "metadata": []}
    run = tap(config=settings_for(sandbox(3)), catalog={"streams": [foreign, stream]})
    assert run.status == 0
    assert len(run.ids) == 3
    schema = run.of_type("SCHEMA")[0]["schema"]["properties"]
    assert schema["email"]["type"] == ["string", "null"]
    assert schema["customerId"]["type"] == "integer"
    for warning in (
        "the catalog lacks customerId, the key of customers: it is added",
        "the catalog gives email of customers another type: it stays string or null",
        "the catalog selects custmers, which is no stream: did you mean customers?",
    ):
        assert run.log.count(warning) == 1
    assert run.log.count("which is no stream") == 1


def test_a_misspelt_deselection_ends_the_run(sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    ycm, stream = sandbox(3), entry()
    metadata(stream)["selected"] = True
    metadata(stream, "properties", "emial")["selected"] = False
    run = tap(config=settings_for(ycm), catalog={"streams": [stream]})
    assert run.status == 1
    assert run.error.startswith("the catalog deselects emial")
    assert run.stdout == ""
    assert ycm.requests == []
