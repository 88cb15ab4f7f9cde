"""What reaches a target: SCHEMA, RECORD and STATE messages of a quiet list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from harness import discovered, settings_for

from tap_ycm.sandbox import World
from tap_ycm.sync.keys import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Run

    from tap_ycm.sandbox import Sandbox


@pytest.mark.parametrize(
    ("customers", "requests"),
    [(0, 1), (1, 1), (49, 1), (50, 2), (51, 2), (99, 2), (100, 3), (101, 3), (364, 8)],
)
def test_a_quiet_list_arrives_whole_in_the_fewest_requests(
    customers: int, requests: int, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(customers)
    run = tap(config=settings_for(ycm))
    assert run.status == 0
    assert sorted(run.ids) == ycm.world.ids()
    assert sum(request.endpoint == "customers" for request in ycm.requests) == requests
    assert sum(request.endpoint == "token" for request in ycm.requests) == 1
    assert run.verdict.startswith(f"complete; {customers} read (YCM's total: {customers}), {customers} new")
    # The keys of new records are in a STATE before the records are written.
    assert run.types[:3] == (["SCHEMA", "STATE", "RECORD"] if customers else ["SCHEMA", "STATE"])
    assert run.types[-1] == "STATE"


def test_every_field_arrives_as_ycm_has_it(sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    ycm = sandbox(300)
    run = tap(config=settings_for(ycm))
    # What YCM leaves out is null, so that a field that was cleared there is cleared in the target too.
    nothing = dict.fromkeys(run.of_type("SCHEMA")[0]["schema"]["properties"])
    truth = {row["customerId"]: nothing | row for row in ycm.world.rows()}
    assert {record["customerId"]: record for record in run.records} == truth
    assert any(not (row["company"] or "").isascii() for row in truth.values())  # or this shows nothing of Unicode
    validator = jsonschema.Draft202012Validator(run.of_type("SCHEMA")[0]["schema"])
    assert not [error for record in run.records for error in validator.iter_errors(record)]


def test_every_request_identifies_itself(sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    ycm = sandbox(120)
    tap(config=settings_for(ycm, user_agent="Contoso nightly/2"))
    assert {request.user_agent for request in ycm.requests} == {"Contoso nightly/2"}
    assert all(request.authorised for request in ycm.requests if request.endpoint == "customers")
    ycm.reset_log()
    tap(config=settings_for(ycm))
    assert all((request.user_agent or "").startswith("tap-ycm/") for request in ycm.requests)


@pytest.mark.parametrize("key", [2**31, 2**53 + 1, 2**63 - 1, 0, -(2**63)])
def test_keys_are_exact_in_64_bits(key: int, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    world = World()
    world.create(key, firstName="Leo")
    run = tap(config=settings_for(sandbox(world)))
    assert f'"customerId":{key},' in run.stdout.replace(": ", ":")
    assert run.ids == [key]


@pytest.mark.parametrize("key", [2**63, -(2**63) - 1, 1.5, 7.0, "50086120", None, True, [1]])
def test_a_key_that_is_no_64_bit_integer_is_an_error(
    key: object, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(3)
    ycm.world.put_row(ycm.world.ids()[1], {"customerId": key, "firstName": "Leo"})
    run = tap(config=settings_for(ycm))
    assert run.status == 1
    assert not run.records
    assert "whose customerId is not a 64-bit integer" in run.error
    assert "GET /dm/open_api/v1/customers" in run.error


def test_what_the_vendor_documents_differently_is_kept(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    world = World()
    world.put_row(
        world.create(),
        {
            "customerId": 50086120,
            "firstName": "a\x00b",
            "lastName": None,
            "company": 361000,
            "email": -0.5,
            "city": True,
            "state": {"name": "Fujian"},
            "country": ["CN"],
            "remark": "",
        },
    )
    run = tap(config=settings_for(sandbox(world)))
    assert run.status == 0
    assert run.records == [{
        "customerId": 50086120,
        "firstName": "a\ufffdb",
        "lastName": None,
        "company": "361000",
        "email": "-0.5",
        "city": "true",
        "state": '{"name": "Fujian"}',
        "country": '["CN"]',
        "remark": "",
        **dict.fromkeys(("businessNumber", "mobileNumber", "homeNumber", "faxNumber", "zipCode", "street")),
    }]  # fmt: skip


@pytest.mark.parametrize("policy", ["warn", "keep", "fail", None])
def test_an_unknown_field_never_vanishes_silently(
    policy: str | None, sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(120)
    for key in ycm.world.ids()[::2]:
        ycm.world.edit(key, loyaltyTier={"level": 3}, vip="yes")
    run = tap(config=settings_for(ycm, **({"unknown_fields": policy} if policy else {})))
    if policy == "fail":
        assert run.status == 1
        assert "'loyaltyTier'" in run.error
        return
    assert run.status == 0
    assert run.log.count("'loyaltyTier'") == run.log.count("'vip'") == 1
    extras = [record.get("_extra") for record in run.records]
    columns = run.of_type("SCHEMA")[0]["schema"]["properties"]
    if policy == "keep":
        assert extras.count({"loyaltyTier": {"level": 3}, "vip": "yes"}) == 60
        assert columns["_extra"]["type"] == ["object", "null"]
    else:
        assert extras == [None] * 120
        assert "_extra" not in columns
    assert not any("loyaltyTier" in record for record in run.records)


def test_unknown_fields_are_kept_under_an_older_catalog_too(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    catalog = {"streams": [discovered("customers")]}
    ycm = sandbox(3)
    ycm.world.edit(ycm.world.ids()[0], loyaltyTier=3)
    run = tap(config=settings_for(ycm, unknown_fields="keep"), catalog=catalog)
    extras = {record["customerId"]: record.get("_extra") for record in run.records}
    assert extras == dict(zip(ycm.world.ids(), [{"loyaltyTier": 3}, None, None], strict=True))
    assert "_extra" in run.of_type("SCHEMA")[0]["schema"]["properties"]


def test_a_catalog_that_lacks_a_column_is_named_and_the_column_left_out(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    catalog = {"streams": [discovered("customers")]}
    stream = catalog["streams"][0]
    del stream["schema"]["properties"]["country"]
    stream["metadata"] = [entry for entry in stream["metadata"] if entry["breadcrumb"] != ["properties", "country"]]
    run = tap(config=settings_for(sandbox(60)), catalog=catalog)
    assert run.status == 0
    assert run.log.count("the catalog lacks country; make a new one") == 1
    assert "country" not in run.of_type("SCHEMA")[0]["schema"]["properties"]
    assert len(run.records) == 60
    assert not any("country" in record for record in run.records)


def test_selection_and_stream_maps_work(sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    catalog = {"streams": [discovered("customers")]}
    for entry in catalog["streams"][0]["metadata"]:
        if entry["breadcrumb"] in (["properties", "email"], ["properties", "customerId"]):
            entry["metadata"]["selected"] = False  # the key stays all the same
    ycm = sandbox(60)
    maps = {"customers": {"__alias__": "clients", "account": "'north'", "lastName": None}}
    run = tap(config=settings_for(ycm, stream_maps=maps), catalog=catalog)
    assert {message["stream"] for message in run.messages if "stream" in message} == {"clients"}
    columns = run.of_type("SCHEMA")[0]["schema"]["properties"]
    assert "email" not in columns
    assert "lastName" not in columns
    assert {record["account"] for record in run.records} == {"north"}
    assert not any("email" in record or "lastName" in record for record in run.records)
    assert len(set(run.ids)) == 60


def test_a_catalog_cannot_take_the_key_or_the_replication_method_away(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    catalog = {"streams": [discovered("customers")]}
    stream = catalog["streams"][0]
    stream.pop("key_properties")
    stream |= {"replication_method": "INCREMENTAL", "replication_key": "customerId"}
    for entry in stream["metadata"]:
        entry["metadata"].pop("table-key-properties", None)
        if entry["breadcrumb"] == ["properties", "customerId"]:
            entry["metadata"] = {"selected": False}
    run = tap(config=settings_for(sandbox(3)), catalog=catalog)
    assert run.status == 0
    assert run.of_type("SCHEMA")[0]["key_properties"] == ["customerId"]
    assert len(run.ids) == 3
    assert "customers is FULL_TABLE" in run.log


def test_state_is_written_on_the_way_and_never_claims_what_was_not_written(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    run = tap(config=settings_for(sandbox(5030)))
    assert run.types.count("STATE") > 4
    written: set[int] = set()
    announced: set[int] = set()
    for message in run.messages:
        if message["type"] == "RECORD":
            written.add(message["record"]["customerId"])
            assert written <= announced  # a record whose key no STATE holds could be lost track of
        if message["type"] == "STATE":
            mark = message["value"]["bookmarks"]["customers"]
            announced = {key for text in (mark["known"], *mark["new"]) for key in unpacked(text)}
            for scan in mark["scan"]:
                assert scan["rows"] <= len(written)
                (lane,) = scan["lanes"]
                assert lane[1] >= min(written)
    bookmark = run.bookmark
    assert unpacked(bookmark.pop("known")).tolist() == sorted(written)
    assert len(bookmark.pop("account")) == 8
    assert bookmark == {
        "last_version": 0,
        "baseline": True,
        "highest": max(written),
        "rows": 5030,
        "new": [],
        "gone": "",
        "braked": "",
        "scan": [],
    }


def test_batch_is_not_offered(tap: Callable[..., Run]) -> None:
    about = json.loads(tap("--about", "--format=json").stdout)
    assert "batch" not in about["capabilities"]
    assert "batch_config" not in about["settings"]["properties"]


def test_numbers_and_nesting_beyond_measure_stop_nobody_for_good(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    nested: list[Any] = []
    for _ in range(400):
        nested = [nested]
    ycm = sandbox(3)
    ycm.world.edit(ycm.world.ids()[0], remark=10**4000, zipCode=1e300, city=nested)
    run = tap(config=settings_for(ycm))
    assert run.status == 0
    assert len(run.ids) == 3
    assert len(run.records[0]["remark"]) == 4001
