"""Stream maps that would protect nothing are refused; those that the SDK can apply as they are meant are not."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from harness import discovered, settings_for
from singer_sdk.mapper import CustomStreamMap
from singer_sdk.singerlib import SelectionMask

from tap_ycm.records.reader import EXTRA
from tap_ycm.singer.stream_maps import Columns, names_in_expressions, problems
from tap_ycm.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Run

    from tap_ycm.sandbox import Sandbox

PROJECT = Path(__file__).parents[2]
SCHEMA = json.loads((PROJECT / "schemas" / "customers.json").read_text(encoding="utf-8"))["properties"]
NAMES = names_in_expressions()
ALL = Columns((*SCHEMA, EXTRA), tuple(SCHEMA))
SECRET = "c4n4ry"  # noqa: S105 - must not be seen


def found(maps: dict[str, Any], columns: Columns = ALL, names: frozenset[str] = NAMES) -> str:
    return "; ".join(
        problems(maps, {"customers": columns, "groups": Columns(("groupId", "name"), ("groupId",))}, names)
    )


@pytest.mark.parametrize(
    ("maps", "sentence"),
    [
        # Streams
        ({"custmers": {"email": None}}, "custmers is no stream: did you mean customers?"),
        ({"Customers": None}, "Customers is no stream: did you mean customers?"),
        ({"contacts_of_pbx": {}}, "contacts_of_pbx is no stream: there are customers, groups"),
        ({"custo?": {"email": None}}, "custo? is no stream"),
        ({"north": {"__source__": "custmers"}}, "the __source__ of north is no stream: did you mean customers?"),
        ({"__els__": None}, "__els__ is no option: the one for other streams is __else__"),
        ({"customers": {}, "custom*": {}}, "customers and custom* both map customers, only one can"),
        # Columns that are removed
        ({"customers": {"emial": None}}, "customers.emial removes a column that does not exist: did you mean email?"),
        ({"customers": {"Email": "__NULL__"}}, "did you mean email?"),
        ({"customers": {"first_name": None}}, "did you mean firstName?"),
        ({"customers": {"iban": None}}, "does not exist: there are customerId, firstName"),
        ({"*": {"emial": None}}, "*.emial removes a column that does not exist: did you mean email?"),
        ({"copy": {"__source__": "customers", "emial": None}}, "copy.emial removes a column that does not exist"),
        # Columns that are added
        ({"customers": {"emial": "md5(email)"}}, "customers.emial adds a column, and email stays as it is: did you"),
        (
            {"customers": {"emial": "'hidden'"}},
            'did you mean email? If not, add a rule for email too ("email"',
        ),
        ({"customers": {"emial": "fake.email()"}}, "did you mean email?"),
        ({"customers": {"first_name": "md5(firstName)"}}, "did you mean firstName?"),
        ({"customers": {"Remarks": "'-'"}}, "did you mean remark?"),
        # Names in expressions
        ({"customers": {"email": "md5(emial)"}}, "column nor function (character 5): did you mean email?"),
        ({"customers": {"email": "md5x(email)"}}, "column nor function (character 1): did you mean md5?"),
        ({"customers": {"email": "'é' + (\n'é' + emial)"}}, "(character 15): did you mean email?"),
        ({"customers": {"email": "(contry and 1) and emial"}}, "did you mean country?; customers.email uses a name"),
        ({"customers": {"email": "md5(record['self'])"}}, "customers.email uses a name"),
        ({"customers": {"email": "null"}}, "did you mean __NULL__?"),
        ({"customers": {"email": "zzzz"}}, "(character 1): there are customerId, firstName"),
        ({"customers": {"hash": "md5(record['emial'])"}}, "(character 5): did you mean email?"),
        ({"customers": {"hash": "md5(_['emial'])"}}, "did you mean email?"),
        ({"customers": {"hash": "md5(record.emial)"}}, "did you mean email?"),
        ({"customers": {"hash": "md5(record.get('emial') or '')"}}, "did you mean email?"),
        ({"customers": {"hash": "'emial' in record and 'x'"}}, "did you mean email?"),
        ({"customers": {"hash": "'x' if 'emial' not in _ else 'y'"}}, "did you mean email?"),
        ({"customers": {"hash": "f'{emial}'"}}, "did you mean email?"),
        ({"customers": {"hash": "''.join([c for c in emial])"}}, "did you mean email?"),
        ({"customers": {"hash": "email", "twice": "hash"}}, "customers.twice uses a name"),
        ({"customers": {"digest": "md5(self)"}}, "customers.digest uses self, but is no column: there are"),
        ({"customers": {"__filter__": "contry == 'DE'"}}, "customers.__filter__ uses a name"),
        ({"customers": {"__filter__": "self == 'DE'"}}, "customers.__filter__ uses a name"),
        # What the SDK would read otherwise than it is meant
        ({"customers": {"__filter__": "country = 'DE'"}}, "customers.__filter__ is not one valid expression"),
        ({"customers": {"email": "email\nmd5(email)"}}, "customers.email is not one valid expression"),
        ({"customers": {"email": "email; md5(email)"}}, "customers.email is not one valid expression"),
        ({"customers": {"email": ""}}, "customers.email is not one valid expression"),
        ({"customers": {"email": "md5(email"}}, "customers.email is not one valid expression"),
        (
            {"customers": {"__filtre__": "country == 'DE'"}},
            "customers.__filtre__ is no option: did you mean __filter",
        ),
        ({"customers": {"__Else__": None}}, "customers.__Else__ is no option: did you mean __else__?"),
        ({"north": {"__source__": "customers", "__alias__": "x"}}, "north.__alias__ has no effect beside __source__"),
        (
            {"customers": {"__key_properties__": ["custmerId"]}},
            "does not exist: did you mean customerId?",
        ),
    ],
    ids=str,
)
def test_what_protects_nothing_is_refused(maps: dict[str, Any], sentence: str) -> None:
    assert sentence in found(maps)


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"email": None, "remark": "__NULL__"},
        {"email": "md5(self)", "hash": "sha256(record['email'])", "raw": "_['email'] or record.get('email')"},
        {"email": "self and md5(config['salt'] + self.strip().lower())"},
        {"digits": "''.join([c for c in businessNumber if c.isdigit()])"},
        {"day": "datetime.date.fromisoformat('2020-02-29')", "whole": "record", "text": "json.dumps(record)"},
        {"stream": "__stream_name__ + __original_stream_name__", "yes": "bool(email)", "dice": "randint(6)"},
        {"cities": "[_['name'] for _ in [{'name': city}]]"},
        {"names": "str(record.keys())", "place": "{'city': city, 'state': [state, None]}"},
        {"__alias__": "clients", "__filter__": "country == 'DE' and 'email' in record"},
        {"__key_properties__": ["account", "customerId"], "account": "'north'"},
        {"__else__": None, "customerId": "customerId", "emails": "md5(email)"},  # nothing else reaches the target
        {"first_name": "firstName", "firstName": None},  # renamed
        {"emial": "md5(email)", "email": "email"},  # meant so, and said so
        {"_extra": None},  # may be there or not: unknown_fields
    ],
    ids=str,
)
def test_what_can_be_applied_is_not_refused(rules: dict[str, Any]) -> None:
    assert found({"customers": rules}) == ""
    assert found({"custom*": rules}) == ""
    assert (
        found({"copy": {"__source__": "customers", **{key: rules[key] for key in rules if key != "__alias__"}}}) == ""
    )


@pytest.mark.parametrize(
    "maps",
    [
        {},
        {"customers": None},
        {"customers": "__NULL__"},
        {"*": None},
        {"__else__": None, "customers": {"email": None}},
        {"customers": {"email": None}, "copy": {"__source__": "customers"}, "more": {"__source__": "custom*"}},
        {"*": {"email": None}},  # groups have none
    ],
    ids=str,
)
def test_streams_may_be_named_in_every_way_of_the_sdk(maps: dict[str, Any]) -> None:
    assert found(maps) == ""


NEW = [
    "account", "zone", "north", "hash", "full_name", "fullName", "digest", "label", "lastDigits",
    "email_domain", "email_hash", "countryCode", "country_code", "company_name", "remark_hash", "officeNumber",
    "workNumber", "surname", "town", "status", "region", "title", "vat_id", "loaded_at", "source", "nickname",
    "postal_code", "birthday", "is_active", "street_name", "phone", "number", "name", "address",
]  # fmt: skip
MISSPELT = {
    "emial": "email", "emal": "email", "emil": "email", "e_mail": "email", "E-Mail": "email", "emails": "email",
    "ctiy": "city", "citi": "city", "Stae": "state", "stret": "street", "steet": "street", "reamrk": "remark",
    "fristName": "firstName", "fristNmae": "firstName", "firstname": "firstName", "lastNmae": "lastName",
    "zip_code": "zipCode", "zipcod": "zipCode", "faxNumer": "faxNumber", "homeNumbr": "homeNumber",
    "bussinessNumber": "businessNumber", "mobil_number": "mobileNumber", "compnay": "company", "contry": "country",
}  # fmt: skip


def test_new_columns_are_told_from_misspelt_ones() -> None:
    assert [name for name in NEW if found({"customers": {name: "'x'"}})] == []
    for name, meant in MISSPELT.items():
        assert f"did you mean {meant}?" in found({"customers": {name: "'x'"}}), name


def test_a_column_that_is_not_selected_cannot_be_used_but_removed() -> None:
    some = Columns(ALL.known, tuple(name for name in SCHEMA if name != "email"))
    for text in ("md5(email)", "md5(record['email'])", "record.email"):
        assert (
            found({"customers": {"hash": text}}, some) == "customers.hash uses email, which the catalog does not select"
        )
    assert found({"customers": {"email": "md5(self)"}}, some) == (
        "customers.email uses email, which the catalog does not select"
    )
    for rules in ({"email": None}, {"emial": "'x'"}, {"hash": "record.get('email')"}, {"email": "'x'"}):
        assert found({"customers": rules}, some) == ""


def test_the_columns_of_a_stream_are_those_of_its_catalog() -> None:
    schema: dict[str, Any] = {"properties": {"customerId": {}, "email": {}, "city": {}}}
    mask = SelectionMask({(): True, ("properties", "email"): False})
    stream: Any = SimpleNamespace(effective_schema=schema, mask=mask, selected=True)
    assert Columns.of(stream, ALL.known) == Columns(ALL.known, ("customerId", "city"))
    stream.selected = False  # its map must not fail for that
    assert Columns.of(stream, ALL.known) == Columns(ALL.known, ALL.known)


def test_without_faker_the_sentence_says_what_to_install() -> None:
    assert "needs the Python package faker" in found({"customers": {"email": "fake.email()"}}, names=NAMES - {"fake"})
    assert found({"customers": {"email": "fake.email()"}}, names=NAMES | {"fake"}) == ""


@pytest.mark.parametrize(
    "rules",
    [
        {"email": f"md5(email + {SECRET})"},
        {"email": f"md5(email + {SECRET}('{SECRET}')"},
        {"email": f"record['{SECRET}'] or record.{SECRET} or record.get('{SECRET}') or '{SECRET}' in record"},
        {"__filter__": f"{SECRET} == '{SECRET}'", "emial": f"'{SECRET}'"},
    ],
    ids=str,
)
def test_no_sentence_quotes_an_expression(rules: dict[str, Any]) -> None:
    """A key that was meant to stand in quotes looks like a name."""
    sentences = found({"customers": rules})
    assert sentences
    assert SECRET not in sentences


def test_the_names_of_expressions_are_the_sdks() -> None:
    assert {"md5", "sha256", "datetime", "json", "bool", "int", "float", "str", "record", "config"} <= NAMES
    mapped = CustomStreamMap("clients", {"salt": "s"}, {}, {"properties": {}}, None, {}, None, stream_name="customers")
    assert set(mapped.functions) <= NAMES
    for name in NAMES - set(mapped.functions):  # what the SDK adds to each record
        mapped = CustomStreamMap("a", {}, {}, {"properties": {"email": {}}}, None, {"x": name}, None, stream_name="b")
        assert "x" in (mapped.transform({"email": "e"}) or {})


def test_the_maps_of_the_examples_are_accepted() -> None:
    maps = [
        extractor["config"]["stream_maps"]
        for path in PROJECT.glob("examples/**/meltano.yml")
        for extractor in yaml.safe_load(path.read_text(encoding="utf-8"))["plugins"]["extractors"]
        if "stream_maps" in extractor.get("config", {})
    ]
    columns = {kind.name: tuple(discovered(kind.name)["schema"]["properties"]) for kind in STREAMS}
    streams = {name: Columns((*known, EXTRA), known) for name, known in columns.items()}
    assert len(maps) >= 4
    assert [problems(each, streams, NAMES) for each in maps] == [[]] * len(maps)


@pytest.mark.parametrize("as_text", [False, True])
def test_a_misspelt_protection_ends_the_run_before_anything_is_read(
    as_text: bool,  # noqa: FBT001 - a parameter of the test
    sandbox: Callable[..., Sandbox],
    tap: Callable[..., Run],
) -> None:
    ycm = sandbox(30)
    maps = {"customers": {"emial": None, "hash": f"md5(emial + '{SECRET}')"}, "custmers": None}
    run = tap(config=settings_for(ycm, stream_maps=json.dumps(maps) if as_text else maps))
    assert run.status == 1
    assert run.stdout == ""
    assert ycm.requests == []
    assert run.error == (
        "stream_maps: customers.emial removes a column that does not exist: did you mean email?; "
        "customers.hash uses a name that is neither column nor function (character 5): did you mean email?; "
        "custmers is no stream: did you mean customers?"
    )
    assert SECRET not in run.log


def test_stream_maps_may_be_json_text(sandbox: Callable[..., Sandbox], tap: Callable[..., Run]) -> None:
    run = tap(
        config=settings_for(sandbox(3), stream_maps='{"customers": {"email": null, "hash": "md5(str(lastName))"}}')
    )
    assert run.status == 0
    assert all("email" not in record and len(record["hash"]) == 32 for record in run.records)
    run = tap(config=settings_for(sandbox(3), stream_maps=f"{{{SECRET}"))
    assert run.status == 1
    assert run.error == "these settings are not as the SDK describes them: ['stream_maps']"
    assert SECRET not in run.log


def test_maps_are_checked_against_what_the_catalog_selects(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    stream = discovered("customers")
    for entry in stream["metadata"]:
        if entry["breadcrumb"] == ["properties", "email"]:
            entry["metadata"]["selected"] = False
    config = settings_for(sandbox(3), stream_maps={"customers": {"hash": "md5(email)"}})
    assert tap(config=config).status == 0
    run = tap(config=config, catalog={"streams": [stream]})
    assert run.error == "stream_maps: customers.hash uses email, which the catalog does not select"
    assert run.stdout == ""
