"""What the source hands out is what YCM holds: every stream whole, or not at all."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from airbyte_platform import Platform
from harness import settings_for
from jsonschema import Draft7Validator, FormatChecker
from warehouse import CURRENT, KINDS, truth, without_time

from tap_ycm.sandbox import Assumptions
from tap_ycm.streams import STREAMS, SYNCS

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Run

    from tap_ycm.sandbox import Sandbox

SMALL = {"cloud_pbxs": 12, "users": 6, "dids": 30}
HISTORIES = [name for name in KINDS if name not in CURRENT]
LISTS = ["customers", "itsps", "syncs"]


@pytest.fixture
def platform(source: Callable[..., Run]) -> Callable[..., Platform]:
    """Connect a sandbox with tables."""

    def connected(ycm: Sandbox, *streams: str, **settings: object) -> Platform:
        config = settings_for(ycm, **{"retry_budget": 0, **settings})
        return Platform(source, config, list(streams) or None)

    return connected


def is_true(platform: Platform, ycm: Sandbox, *but: str) -> None:
    """Hold every table against the sandbox; of histories the newest rows."""
    for name in platform.selected or KINDS:
        if name in but or name == SYNCS.name:
            continue
        rows = platform.tables.get(name, {})
        if name in HISTORIES:
            newest = platform.last[name]
            assert newest.items() <= rows.items()
            rows = without_time(name, newest.values())
        assert rows == truth(ycm, name), name


def test_every_table_follows_ycm(platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]) -> None:
    ycm = sandbox(364, sizes=SMALL)
    airbyte = platform(ycm, max_delete_percent=100)  # of some lists all rows go
    for turn in range(3):
        time.sleep(1.01 if turn == 2 else 0)  # snapshots within a second are one
        for table in ycm.tables if turn else ():
            ycm.shake(create=2, delete=2, edit=2, table=table)
        airbyte.sync()
        assert not airbyte.incomplete
        assert not airbyte.errors
        assert not airbyte.duplicates
        is_true(airbyte, ycm)
        for name, rows in airbyte.tables.items():
            validator = Draft7Validator(airbyte.streams[name]["json_schema"], format_checker=FormatChecker())
            for row in rows.values():
                validator.validate(row)
        verdicts = [row for row in airbyte.tables["syncs"].values() if row["exitStatus"] == 0]
        assert len(verdicts) == (turn + 1) * len(STREAMS)
    snapshots = {row["snapshotAt"] for row in airbyte.tables["subscription"].values()}
    assert len(snapshots) > 1  # they are appended


def test_the_order_of_columns_and_streams_is_airbytes(
    platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]
) -> None:
    """A column that was deselected there never leaves the source; keys always do."""
    ycm = sandbox(20)
    airbyte = platform(ycm, "customers", "itsps", "syncs")
    airbyte.discover()
    airbyte.streams["customers"]["json_schema"]["properties"] = {"email": {"type": ["null", "string"]}}
    airbyte.sync()
    emails = {key: {"customerId": key[0], "email": row["email"]} for key, row in truth(ycm, "customers").items()}
    assert airbyte.tables["customers"] == emails
    assert airbyte.tables["itsps"] == truth(ycm, "itsps")


def test_unknown_fields_can_be_kept(platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]) -> None:
    ycm = sandbox(20)
    first = ycm.world.ids()[0]
    ycm.world.edit(first, color="red", more={"half": 0.5, "big": 2**60})
    airbyte = platform(ycm, "customers", "syncs", unknown_fields="keep")
    airbyte.sync()
    assert airbyte.tables["customers"][first,]["_extra"] == {"color": "red", "more": {"half": 0.5, "big": 2**60}}
    del airbyte.streams["customers"]["json_schema"]["properties"]["_extra"]
    airbyte.sync()
    assert "_extra" not in airbyte.tables["customers"][first,]


def remembered_of(platform: Platform, stream: str) -> Any:
    return platform.states["syncs"]["stream"]["stream_state"]["lists"][stream]


@pytest.mark.parametrize("fault", ["customers:5:error=1000004", "customers:5:error=1000001", "customers:1:http=404"])
def test_a_reading_that_fails_midway_hands_nothing_out(
    fault: str, platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(364)
    airbyte = platform(ycm, *LISTS)
    airbyte.sync()
    before, remembered = airbyte.tables["customers"], remembered_of(airbyte, "customers")
    ycm.shake(create=5, delete=5, edit=5)
    ycm.shake(create=1, delete=1, edit=1, table="itsps")
    ycm.reset_log()
    ycm.faults.add(fault)
    airbyte.sync(1)
    assert airbyte.incomplete == {"customers"}
    assert airbyte.tables["customers"] == before != truth(ycm, "customers")
    is_true(airbyte, ycm, "customers")
    [row] = [row for row in airbyte.tables["syncs"].values() if row["exitStatus"] == 1 and row["status"] == "failed"]
    assert airbyte.errors.keys() == {"customers"}
    error = airbyte.errors["customers"]
    assert error["message"] == row["failure"]  # the tap's own sentence
    assert error["failure_type"] == ("transient_error" if "1000001" in fault else "config_error")
    assert remembered_of(airbyte, "customers") == remembered  # what was handed out last, and nothing else
    # What was read before is read again: all of it is handed out, not only the rest.
    airbyte.sync()
    is_true(airbyte, ycm)


@pytest.mark.parametrize("counted", [True, False], ids=["seen by the total", "seen by look-ups"])
def test_a_list_that_hides_rows_is_not_handed_out(
    counted: bool,  # noqa: FBT001 - a parameter of the test
    platform: Callable[..., Platform],
    sandbox: Callable[..., Sandbox],
) -> None:
    ycm = sandbox(120)
    airbyte = platform(ycm, *LISTS)
    airbyte.sync()
    before = airbyte.tables["customers"]
    ycm.assumptions = Assumptions(hidden=10, hidden_counted=counted, only="customers")
    for _ in range(2):  # and that is not forgotten
        airbyte.sync(1)
        assert airbyte.incomplete == {"customers"}
        assert airbyte.tables["customers"] == before
        assert airbyte.errors["customers"]["failure_type"] == "transient_error"
    airbyte.sync(on_incomplete="warn")
    ycm.assumptions = Assumptions()
    airbyte.sync()
    is_true(airbyte, ycm)


def vanish(ycm: Sandbox, part: int = 2) -> None:
    for key in ycm.world.ids()[: len(ycm.world.ids()) // part]:
        ycm.world.delete(key)


def test_the_brake_keeps_the_old_table_until_it_is_released(
    platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(120)
    airbyte = platform(ycm, *LISTS)
    airbyte.sync()
    before = airbyte.tables["customers"]
    vanish(ycm)
    for _ in range(2):
        airbyte.sync(1)
        assert airbyte.incomplete == {"customers"}
        assert airbyte.tables["customers"] == before
        error = airbyte.errors["customers"]
        assert error["failure_type"] == "config_error"
        assert "deletes are withheld by the brake, for 60 of 120 known records are absent" in error["message"]
        ycm.shake(create=1, delete=0, edit=1)  # what is to be typed stays the same
    word = error["message"].partition("TAP_YCM_CONFIRM_DELETES=")[2].split()[0]
    airbyte.sync(1, confirm_deletes="60-00000000")
    airbyte.sync(confirm_deletes=word)
    is_true(airbyte, ycm)
    airbyte.sync()
    is_true(airbyte, ycm)


def test_an_empty_list_does_not_empty_the_table(
    platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(5)
    airbyte = platform(ycm, *LISTS)
    airbyte.sync()
    before = airbyte.tables["customers"]
    vanish(ycm, 1)
    airbyte.sync(1)
    assert airbyte.tables["customers"] == before


def test_without_the_stream_of_syncs_nothing_is_remembered_and_the_log_says_so(
    platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(120)
    airbyte = platform(ycm, "customers")
    airbyte.sync()
    vanish(ycm)
    airbyte.sync()
    is_true(airbyte, ycm)
    assert [line for line in airbyte.logs if "the stream syncs is not selected" in line]


def test_a_state_of_the_list_itself_counts_too(
    platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]
) -> None:
    """PyAirbyte gives it back."""
    ycm = sandbox(120)
    airbyte = platform(ycm, "customers")
    airbyte.sync()
    vanish(ycm)
    run = airbyte.source("read", config=airbyte.config, catalog=airbyte.catalog(), state=[airbyte.states["customers"]])
    assert run.status == 1
    assert "by the brake" in run.stdout


def test_a_scan_that_was_interrupted_is_not_continued(
    platform: Callable[..., Platform], sandbox: Callable[..., Sandbox], tap: Callable[..., Run]
) -> None:
    """It would hand out the rest only; the source gives Airbyte no such state, but the tap has one."""
    ycm = sandbox(364)
    airbyte = platform(ycm, *LISTS)
    ycm.faults.add("customers:5:error=1000004")
    interrupted = tap(config={**airbyte.config, "emit_activate_version_messages": True}).bookmark
    assert interrupted["scan"]
    airbyte.states["syncs"] = {
        "type": "STREAM",
        "stream": {
            "stream_descriptor": {"name": "syncs"},
            "stream_state": {"lists": {"customers": interrupted}},
        },
    }
    airbyte.sync()
    assert "continuing the scan" not in "".join(airbyte.logs)
    is_true(airbyte, ycm)


def test_what_belongs_to_a_list_whose_old_table_stays_stays_too(
    platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(60, sizes={"cloud_pbxs": 40, "users": 6})
    airbyte = platform(ycm)
    airbyte.sync()
    before = {name: dict(table) for name, table in airbyte.tables.items()}
    pbxs = ycm.tables["cloud_pbxs"]
    pbxs.delete(next(key for key in pbxs.ids() if (key,) in {row[:1] for row in before["cloud_pbx_trunks"]}))
    ycm.assumptions = Assumptions(look_up="html_404", only="cloud_pbxs")  # so it may only be hidden
    airbyte.sync(1)
    stay = {"cloud_pbxs", "cloud_pbx_customers", "cloud_pbx_trunks"}
    assert airbyte.incomplete == stay
    for name in stay:
        assert airbyte.tables[name] == before[name]
    sentence = "cloud_pbx_trunks: the old table stays, for so does that of cloud_pbxs, to which it belongs"
    assert airbyte.errors["cloud_pbx_trunks"]["message"] == sentence
    is_true(airbyte, ycm, *stay)
    # The same if the list itself is not selected: its failure is that of the run then.
    airbyte.selected = ["cloud_pbx_trunks", "syncs"]
    airbyte.sync(1)
    assert airbyte.incomplete == {"cloud_pbx_trunks"}
    assert airbyte.errors.keys() == {None, "cloud_pbx_trunks"}
    assert "absent records could not be looked up" in airbyte.errors[None]["message"]
    # A history is not overwritten, so it is handed out all the same.
    ycm.assumptions = Assumptions(look_up="html_404", only="users")
    ycm.tables["users"].delete(ycm.tables["users"].ids()[0])
    airbyte.selected = ["users", "user_subscriptions", "syncs"]
    airbyte.sync(1)
    assert airbyte.incomplete == {"users"}
    assert len(airbyte.last["user_subscriptions"]) == len(ycm.tables["users"].ids())


def test_lists_that_the_account_may_not_see_and_what_belongs_to_them(
    platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(20, sizes=SMALL, assumptions=Assumptions(denied=("users", "subscription")))
    airbyte = platform(ycm)
    airbyte.sync(1)
    assert airbyte.incomplete == {"users", "subscription", "user_subscriptions"}
    assert "1000043" in airbyte.errors["users"]["message"]
    assert "users, to which it belongs, could not be read" in airbyte.errors["user_subscriptions"]["message"]
    is_true(airbyte, ycm, *airbyte.incomplete)


def test_wrong_credentials_are_told_once(platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]) -> None:
    airbyte = platform(sandbox(5), *LISTS, client_secret="c4n4ry")  # noqa: S106 - it is none
    airbyte.sync(1)
    assert airbyte.incomplete == {"customers", "itsps"}
    assert "check client_id and client_secret" in airbyte.errors["customers"]["message"]
    assert airbyte.errors["customers"]["failure_type"] == "config_error"
    assert {row["status"] for row in airbyte.tables["syncs"].values()} == {"failed", "not read"}


def test_a_state_of_another_account_is_refused(
    platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]
) -> None:
    airbyte = platform(sandbox(5), *LISTS)
    airbyte.sync()
    states = dict(airbyte.states)
    airbyte.sync(1, client_id="another")
    assert airbyte.incomplete == set(LISTS)
    assert "the state belongs to another account" in airbyte.errors["customers"]["message"]
    assert airbyte.states == states


def test_a_stream_that_there_is_not_fails_alone(
    platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(5)
    airbyte = platform(ycm, "customers", "costumers", "syncs")
    airbyte.discover()
    airbyte.streams["costumers"] = {**airbyte.streams["customers"], "name": "costumers"}
    airbyte.sync(1)
    assert airbyte.incomplete == {"costumers"}
    assert "which is no stream: did you mean customers?" in airbyte.errors["costumers"]["message"]
    is_true(airbyte, ycm, "costumers")


def test_a_history_is_whole_or_not_handed_out(
    platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(20, sizes=SMALL)
    airbyte = platform(ycm, "users", "user_subscriptions", "syncs")
    ycm.faults.add("user_subscriptions:3:error=1000004")
    airbyte.sync(1)
    assert airbyte.incomplete == {"user_subscriptions"}
    assert not airbyte.tables.get("user_subscriptions")
    airbyte.sync()
    is_true(airbyte, ycm)


def test_no_setting_of_the_environment_reaches_the_source(
    platform: Callable[..., Platform], sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAP_YCM_PAGE_SIZE", "7")
    ycm = sandbox(20)
    platform(ycm, *LISTS).sync()
    assert {request.query["pageSize"] for request in ycm.requests if request.endpoint == "customers"} == {"50"}


def test_states_hold_no_row(platform: Callable[..., Platform], sandbox: Callable[..., Sandbox]) -> None:
    ycm = sandbox(60)
    airbyte = platform(ycm, *LISTS)
    airbyte.sync()
    states: list[Any] = list(airbyte.states.values())
    text = json.dumps(states)
    for row in airbyte.tables["customers"].values():
        assert not row["email"] or row["email"] not in text
