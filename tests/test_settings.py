"""Settings: every good form, every bad value, one sentence each, and no value quoted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from harness import settings_for

from tap_ycm.errors import TapError
from tap_ycm.settings import SETTINGS, Settings
from tap_ycm.streams import STREAMS, SYNCS
from tap_ycm.tap import TapYCM

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness import Run

    from tap_ycm.sandbox import Sandbox

PAIR = {"client_id": "an-id", "client_secret": "c4n4ry-secret"}


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://ycm.example.com", "https://ycm.example.com"),
        ("https://ycm.example.com/", "https://ycm.example.com"),
        (" https://YCM.example.com:8443/ ", "https://ycm.example.com:8443"),
        ("ycm.example.com", "https://ycm.example.com"),
        ("https://ycm.example.com/dm/open_api", "https://ycm.example.com"),
        ("https://ycm.example.com/dm/open_api/v1/customers", "https://ycm.example.com"),
        ("https://proxy.example.com/ycm/dm/open_api/oauth/token/", "https://proxy.example.com/ycm"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:80/", "http://[::1]:80"),
        ("", "https://ycm.yeastar.com"),
        (None, "https://ycm.yeastar.com"),
    ],
)
def test_base_url_is_normalised(given: str | None, address: str) -> None:
    assert Settings.of({**PAIR, "base_url": given}).base_url == address


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"base_url": "http://ycm.example.com"}, "base_url must start with https"),
        ({"base_url": "http://127.0.0.1.example.com"}, "base_url must start with https"),
        ({"base_url": "http://localhost.example.com"}, "base_url must start with https"),
        ({"base_url": "ftp://ycm.example.com"}, "base_url must be an address"),
        ({"base_url": "https://"}, "base_url must be an address"),
        ({"base_url": "https://ycm.example.com:99999"}, "base_url must be an address"),
        ({"base_url": "https://ycm example.com"}, "base_url must be an address"),
        ({"base_url": "https://c4n4ry:c4n4ry@ycm.example.com"}, "base_url must be a plain address"),
        ({"base_url": "https://ycm.example.com/?token=c4n4ry"}, "base_url must be a plain address"),
        ({"base_url": "https://user:c4n4ry@ex\u2100mple.com"}, "base_url must be an address"),
        ({"base_url": "https://[c4n4ry]"}, "base_url must be an address"),
        ({"base_url": 7}, "base_url must be a string"),
        ({"client_id": None}, "client_id is missing"),
        ({"client_secret": ""}, "client_secret is missing"),
        ({"client_secret": 424242}, "client_secret must be a string"),
        ({"client_id": "  ", "client_secret": ""}, "credentials are missing"),
        ({"access_token": "c4n4ry"}, "not both"),
        ({"access_token": ["c4n4ry"]}, "access_token must be a string"),
        ({"client_id": None, "client_secret": None, "access_token": "c4n4ry\nX: 1"}, "access_token must be printable"),
        ({"client_secret": None, "client_secret_file": 7}, "client_secret_file must be a string"),
        ({"client_secret_file": "/nowhere/c4n4ry"}, "give either client_secret or client_secret_file, not both"),
        (
            {"client_secret": None, "client_secret_file": "/nowhere/c4n4ry"},
            "the file of client_secret_file cannot be read (No such file or directory)",
        ),
        (
            {"client_id": None, "client_secret": None, "access_token_file": "/c4n4ry"},
            "the file of access_token_file cannot be read (No such file or directory)",
        ),
        ({"client_secret": None, "client_secret_file": "/nowhere/c4n4ry\0"}, "client_secret_file must hold a text"),
        ({"access_token": "c4n4ry", "access_token_file": "/c4n4ry"}, "give either access_token or access_token_file"),
        ({"user_agent": "Müller"}, "user_agent must be printable"),
        ({"user_agent": 1}, "user_agent must be a string"),
        ({"page_size": 0}, "page_size must be between 1 and 50"),
        ({"page_size": 51}, "page_size must be between 1 and 50"),
        ({"page_size": "51"}, "page_size must be between 1 and 50"),
        ({"page_size": "many"}, "page_size must be a whole number"),
        ({"page_size": 2.5}, "page_size must be a whole number"),
        ({"page_size": True}, "page_size must be a whole number"),
        ({"request_timeout": 0}, "request_timeout must be between 1 and 3600"),
        ({"request_timeout": -5}, "request_timeout must be between 1 and 3600"),
        ({"retry_budget": -1}, "retry_budget must be between 0 and 86400"),
        ({"concurrency": 0}, "concurrency must be between 1 and 16"),
        ({"concurrency": 17}, "concurrency must be between 1 and 16"),
        ({"max_requests_per_minute": 0}, "max_requests_per_minute must be between 1 and 100000"),
        ({"ca_bundle": "/nowhere/c4n4ry.pem"}, "ca_bundle must name a file"),
        ({"ca_bundle": 5}, "ca_bundle must be a string"),
        ({"emit_activate_version_messages": "perhaps"}, "emit_activate_version_messages must be true or false"),
        ({"emit_activate_version_messages": 1}, "emit_activate_version_messages must be true or false"),
        ({"max_delete_percent": 101}, "max_delete_percent must be between 0 and 100"),
        ({"max_delete_count": -1}, "max_delete_count must be 0 or more"),
        ({"confirm_deletes": 364}, "confirm_deletes must be a string"),
        ({"confirm_account": 364}, "confirm_account must be a string"),
        ({"confirm_by_lookup": "perhaps"}, "confirm_by_lookup must be true or false"),
        ({"on_incomplete": "ignore"}, "on_incomplete must be one of fail, warn"),
        ({"max_lookups": -1}, "max_lookups must be 0 or more"),
        ({"resume_max_age": -1}, "resume_max_age must be 0 or more"),
        ({"report_path": 5}, "report_path must be a string"),
        ({"unknown_fields": "drop"}, "unknown_fields must be one of warn, keep, fail"),
        ({"pagesize": 50}, "unknown setting pagesize: did you mean page_size?"),
        ({"clientid": "x"}, "unknown setting clientid: did you mean client_id?"),
        ({"zzz": 1}, "unknown setting zzz: known settings are base_url, client_id"),
    ],
)
def test_a_bad_value_gets_a_sentence_that_does_not_quote_it(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(TapError) as caught:
        Settings.of({**PAIR, **wrong})
    assert sentence in str(caught.value)
    assert "c4n4ry" not in str(caught.value)
    assert "424242" not in str(caught.value)


def test_every_setting_has_a_bad_value_here() -> None:
    marks = test_a_bad_value_gets_a_sentence_that_does_not_quote_it.pytestmark
    tried = {name for wrong, _ in marks[0].args[1] for name in wrong}
    assert set(SETTINGS["properties"]) <= tried


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n"])
def test_a_secret_may_come_from_a_file(end: bytes, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    secret = b" c4n4ry s3cret\t"
    path.write_bytes(secret + end)
    settings = Settings.of({"client_id": "an-id", "client_secret_file": str(path)})
    assert settings.client_secret == secret.decode()
    path.write_bytes(secret.strip() + end)
    assert Settings.of({"access_token_file": str(path)}).access_token == secret.decode().strip()


@pytest.mark.parametrize(
    ("content", "given", "sentence"),
    [
        (b"", {"client_id": "an-id", "client_secret_file": "?"}, "client_secret_file must hold a text"),
        (b" \n\n", {"client_id": "an-id", "client_secret_file": "?"}, "client_secret_file must hold a text"),
        (b"c4n4ry\xff", {"access_token_file": "?"}, "the file of access_token_file must hold a text"),
        ("c4n4ry ü".encode(), {"access_token_file": "?"}, "the file of access_token_file must be printable ASCII"),
        (b"c4n4ry\nX: 1", {"access_token_file": "?"}, "the file of access_token_file must be printable ASCII"),
        (b"c4n4ry", {**PAIR, "access_token_file": "?"}, "not both"),
        (b"c4n4ry", {"client_secret_file": "?"}, "setting client_id is missing"),
        (None, {"access_token_file": "?"}, "the file of access_token_file cannot be read (Is a directory)"),
    ],
)
def test_a_bad_file_of_a_secret_gets_a_sentence_that_does_not_quote_it(
    content: bytes | None, given: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "c4n4ry"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(TapError) as caught:
        Settings.of({name: str(path) if value == "?" else value for name, value in given.items()})
    assert sentence in str(caught.value)
    assert "c4n4ry" not in str(caught.value)


def test_a_run_takes_its_secret_from_a_file(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run], tmp_path: Path
) -> None:
    ycm = sandbox(3)
    path = tmp_path / "secret"
    path.write_text(f"{ycm.client_secret}\n", encoding="utf-8")
    config = settings_for(ycm) | {"client_secret": None, "client_secret_file": str(path)}
    assert len(tap(config=config).ids) == 3
    environment = {f"TAP_YCM_{name.upper()}": str(value) for name, value in config.items() if value}
    assert len(tap("--config=ENV", env=environment).ids) == 3


def test_a_token_from_a_file_decides_like_one_that_is_given(tmp_path: Path) -> None:
    """Whether an interrupted scan is continued: the account is not known from a token."""
    path = tmp_path / "token"
    path.write_text("one\n", encoding="utf-8")
    fingerprints = [
        TapYCM(config=config).fingerprint for config in ({"access_token": "one"}, {"access_token_file": str(path)})
    ]
    path.write_text("another\n", encoding="utf-8")
    other = TapYCM(config={"access_token_file": str(path)}).fingerprint
    assert fingerprints[0] == fingerprints[1] != other


def test_a_value_means_the_same_from_a_file_the_environment_and_as_text(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    ycm = sandbox(45)
    typed = settings_for(ycm, page_size=20, emit_activate_version_messages=True)
    texts = settings_for(ycm, page_size="20", emit_activate_version_messages="true")
    environment = {f"TAP_YCM_{name.upper()}": str(value) for name, value in texts.items()}
    for run in (tap(config=typed), tap(config=texts), tap("--config=ENV", env=environment)):
        assert run.status == 0
        assert all(message["version"] for message in run.of_type("RECORD"))
    pages = [request.query["pageSize"] for request in ycm.requests if request.endpoint == "customers"]
    assert pages == ["20"] * 9


def test_an_unknown_variable_is_refused(tap: Callable[..., Run]) -> None:
    run = tap("--config=ENV", env={"TAP_YCM_PAGESIZE": "20", "TAP_YCM_LOGLEVEL": "INFO"})
    assert run.status == 1
    assert run.error == "unknown setting TAP_YCM_PAGESIZE: did you mean page_size?"


BAD_RUNS: dict[str, tuple[dict[str, object], str]] = {
    "no credentials": ({"client_id": None, "client_secret": ""}, "credentials are missing"),
    "both kinds": ({"access_token": "t"}, "not both"),
    "wrong secret": ({"client_secret": "wrong"}, "check client_id and client_secret"),
    "refused token": (
        {"client_id": None, "client_secret": None, "access_token": "stale"},
        "get a fresh access_token",
    ),
    "plain http": ({"base_url": "http://ycm.example.com"}, "base_url must start with https"),
    "page_size 0": ({"page_size": 0}, "page_size must be between 1 and 50"),
    "page_size 51": ({"page_size": 51}, "page_size must be between 1 and 50"),
    "unknown setting": ({"page_sise": 5}, "did you mean page_size?"),
    "the SDK's own": ({"stream_maps": {"customers": {"__filter__": 424242}}}, "stream_maps"),
}


@pytest.mark.parametrize("case", BAD_RUNS)
@pytest.mark.parametrize("arguments", [(), ("--test",)], ids=["sync", "--test"])
def test_bad_settings_end_a_run_with_one_sentence(
    case: str, arguments: tuple[str, ...], sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    wrong, sentence = BAD_RUNS[case]
    run = tap(*arguments, config=settings_for(sandbox(3), **wrong))
    assert run.status == 1
    assert sentence in run.error
    assert "424242" not in run.log
    assert not run.of_type("RECORD")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"bookmarks": 3}',
                                     '{"bookmarks": {"customers": {"baseline": 3}}}',
                                     '{"bookmarks": {"customers": {"last_version": "x"}}}',
                                     '{"bookmarks": {"customers": []}}'])  # fmt: skip
def test_a_damaged_state_is_one_sentence(
    content: str, sandbox: Callable[..., Sandbox], tap: Callable[..., Run], tmp_path: Path
) -> None:
    path = tmp_path / "damaged.json"
    path.write_text(content)
    run = tap("--state", str(path), config=settings_for(sandbox(3)))
    assert run.status == 1
    assert "damaged" in run.error
    assert not run.of_type("RECORD")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"streams": 3}', '{"streams": [3]}', '{"streams": [{}]}'])
def test_a_damaged_catalog_is_one_sentence(
    content: str, sandbox: Callable[..., Sandbox], tap: Callable[..., Run], tmp_path: Path
) -> None:
    path = tmp_path / "damaged.json"
    path.write_text(content)
    run = tap("--catalog", str(path), config=settings_for(sandbox(3)))
    assert run.status == 1
    assert "damaged" in run.error
    assert not run.of_type("RECORD")


@pytest.mark.parametrize("content", [None, "", "{", "[]", '"text"'])
def test_a_damaged_configuration_file_is_one_sentence(
    content: str | None, tap: Callable[..., Run], tmp_path: Path
) -> None:
    path = tmp_path / "damaged.json"
    if content is not None:
        path.write_text(content)
    run = tap("--config", str(path))
    assert run.status == 1
    assert "--config must name readable files" in run.error


def test_the_connection_test_passes_on_an_empty_account_and_prints_no_record(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    for customers in (0, 3):
        ycm = sandbox(customers)
        run = tap("--test", config=settings_for(ycm))
        assert run.status == 0
        assert run.stdout == ""
        assert run.log.splitlines()[-1].endswith(f"Connection works: customers: reachable, {customers} to be read")
        assert run.log.count("Connection works") == 1  # only what the catalog selects is tried, wherever it stands
        assert [request.endpoint for request in ycm.requests] == ["token", "customers"]


def test_schema_test_and_about_work(tap: Callable[..., Run]) -> None:
    for catalog, count in ((None, 1), ("all", len([*STREAMS, SYNCS]))):
        run = tap("--test=schema", config=dict(PAIR), catalog=catalog)
        assert [message["type"] for message in run.messages] == ["SCHEMA"] * count
    for form in ("--format=json", "--format=markdown", None):
        about = tap("--about", *([form] if form else []))
        assert about.status == 0
        assert "unknown_fields" in about.stdout
    assert json.loads(tap("--about", "--format=json").stdout)["name"] == "tap-ycm"
    assert tap("--version").status == 0


def test_the_settings_of_the_sdk_come_from_the_environment_too(
    sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    environment = {f"TAP_YCM_{name.upper()}": str(value) for name, value in settings_for(sandbox(3)).items()}
    environment |= {"TAP_YCM_FLATTENING_ENABLED": "yes", "TAP_YCM_FLATTENING_MAX_DEPTH": "1", "TAP_YCM_STREAM_MAPS": ""}
    assert len(tap("--config=ENV", env=environment).ids) == 3
    environment["TAP_YCM_STREAM_MAPS"] = '{"customers": {"remark": null}}'
    assert "remark" not in tap("--config=ENV", env=environment).records[0]
    for name, value, sentence in (
        ("STREAM_MAPS", "{c4n4ry", "must hold a JSON object"),
        ("FLATTENING_MAX_DEPTH", "c4n4ry", "must be a whole number"),
        ("FLATTENING_ENABLED", "c4n4ry", "must be true or false"),
    ):
        run = tap("--config=ENV", env={**environment, f"TAP_YCM_{name}": value})
        assert run.status == 1
        assert f"TAP_YCM_{name} {sentence}" in run.error
        assert "c4n4ry" not in run.log


@pytest.mark.parametrize(
    "maps",
    [
        {"customers": {"firstName": "firstName + ' ' + c4n4ry"}},
        {"customers": {"firstName": "remark + 'c4n4ry'"}},
        {"customers": {"firstName": "record['c4n4ry']"}},
        {"customers": {"firstName": "int(company)"}},
        {"customers": {"firstName": "1/0"}},
        {"customers": {"firstName": ""}},
        {"customers": {"__else__": "c4n4ry"}},
        {"customers": {"__key_properties__": ["nosuch"]}},
    ],
    ids=str,
)
def test_a_stream_map_that_cannot_be_applied_is_one_sentence(
    maps: dict[str, Any], sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    run = tap(config=settings_for(sandbox(30), stream_maps=maps))
    assert run.status == 1
    assert "stream_maps" in run.error
    assert "c4n4ry" not in run.log
