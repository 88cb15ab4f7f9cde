"""The table of syncs and the file of report_path say what happened: in each run, also in one that failed."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from forked_tap import ForkedTap
from harness import CLEAN_ENVIRONMENT, SCHEMAS, Run, catalog_of, settings_for
from jsonschema import Draft202012Validator, FormatChecker
from warehouse import KINDS, Warehouse, truth

from tap_ycm.kinds import Sorted, UnsortedPages
from tap_ycm.sandbox import Assumptions
from tap_ycm.sandbox.world import Churn
from tap_ycm.streams import STREAMS, SYNCS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tap_ycm.sandbox import Sandbox

NAMES = [kind.name for kind in STREAMS]
SMALL = {"cloud_pbxs": 12, "users": 6, "dids": 30}
SCHEMA = json.loads((SCHEMAS / "syncs.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Run]]:
    with ForkedTap(tmp_path_factory.mktemp("tap")) as forked:
        yield forked.run


class Pipeline:
    """The tap, one run after the other, into one warehouse, with a report on each.

    Attributes:
        rows: What the last run wrote of each stream, by its name.
    """

    def __init__(self, tap: Callable[..., Run], ycm: Sandbox, folder: Path, *streams: str, **settings: object) -> None:
        self.tap, self.ycm = tap, ycm
        self.path = folder / "report.json"
        self.config = settings_for(
            ycm,
            **{"emit_activate_version_messages": True, "retry_budget": 0, "report_path": str(self.path), **settings},
        )
        self.catalog = catalog_of(*streams) if streams else None
        self.warehouse = Warehouse()
        self.rows: dict[str, dict[str, Any]] = {}

    def run(self, status: int = 0, **settings: object) -> Run:
        """Run it, which must end so; the table of syncs, and the file, must be of one mind and well-formed."""
        self.ycm.reset_log()
        began = datetime.now(UTC)
        run = self.tap(config=self.config | settings, state=self.warehouse.state, catalog=self.catalog)
        assert run.status == status, run.log
        self.warehouse.take(run)
        rows = json.loads(self.path.read_text(encoding="utf-8"))
        written = [message["record"] for message in run.of_type("RECORD") if message["stream"] == "syncs"]
        assert written == (rows if run.messages else [])
        for row in rows:
            Draft202012Validator(SCHEMA, format_checker=FormatChecker()).validate(row)
            assert list(row) == list(SCHEMA["properties"])
            assert row["exitStatus"] == status
            assert row["ycm"] == "127.0.0.1"
            assert began <= datetime.fromisoformat(row["began"]) <= datetime.fromisoformat(row["ended"])
        assert len({row["syncId"] for row in rows}) == 1
        self.rows = {row["stream"]: row for row in rows}
        assert len(self.rows) == len(rows)
        assert not [message for message in run.of_type("ACTIVATE_VERSION") if message["stream"] == "syncs"]
        return run

    def statuses(self) -> dict[str, int]:
        """Return how many streams have each status."""
        return dict(Counter(row["status"] for row in self.rows.values()))


def test_each_number_is_what_the_messages_and_the_requests_say(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    ycm = sandbox(364, sizes=SMALL)
    pipeline = Pipeline(tap, ycm, tmp_path, retry_budget=30)
    held: dict[str, set[Any]] = {}
    for turn in range(3):
        if turn:
            for name in ("customers", "dids"):
                Churn(ycm.tables[name], turn).make(create=2, delete=3)
            ycm.faults.add("customers:2:error=1000001")
        run = pipeline.run()
        assert list(pipeline.rows) == NAMES
        records = Counter(message["stream"] for message in run.of_type("RECORD"))
        told = {message["stream"] for message in run.of_type("ACTIVATE_VERSION")}
        asked = Counter(request.endpoint for request in ycm.requests)
        for name, row in pipeline.rows.items():
            kind, after = KINDS[name], set(pipeline.warehouse.rows(name))
            assert (row["status"], row["reason"], row["failure"]) == ("complete", None, None)
            assert row["rows"] == records[name]
            assert row["deletes"] == ("never" if kind.is_appended else "activated" if name in told else "withheld")
            assert (row["deletesReason"] is None) == (name in told), row
            assert row["resumed"] is False
            assert row["missing"] == row["recovered"] == row["secondsPaced"] == 0
            assert row["unknownFields"] == row["misfits"] == []
            if kind.remembers_keys and turn:
                assert row["new"] == len(after - held[name])
                assert row["deleted"] == row["deletedConfirmed"] == len(held[name] - after) or not kind.look_up
            if isinstance(kind, Sorted | UnsortedPages):
                assert row["firstTotal"] == row["lastTotal"] == len(truth(ycm, name))
                assert row["pages"] == asked[name] - row["retries"]
            else:
                assert row["firstTotal"] is row["lastTotal"] is None
            held[name] = after
        assert sum(row["requests"] for row in pipeline.rows.values()) == len(ycm.requests)
        assert pipeline.rows["customers"]["retries"] == (1 if turn else 0)
        waited = [float(one) for one in re.findall(r"asking again in ([\d.]+) s", run.log)]
        assert pipeline.rows["customers"]["secondsWaited"] == pytest.approx(sum(waited), abs=0.11)  # both are rounded
        assert run.messages[-1]["type"] == "STATE"
    assert len(pipeline.warehouse.rows("syncs")) == 3 * len(STREAMS)


def test_a_pace_unknown_fields_and_values_that_do_not_fit_are_counted(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    ycm = sandbox(120)
    first, second, *_ = ycm.world.ids()
    ycm.world.edit(first, color="red", shape="round")
    ycm.world.edit(second, color="blue")
    ycm.tables["cloud_pbxs"].edit(ycm.tables["cloud_pbxs"].ids()[0], concurrentCallCapacity="many")
    pipeline = Pipeline(tap, ycm, tmp_path, "customers", "cloud_pbxs", "syncs", max_requests_per_minute=600)
    pipeline.run()
    row = pipeline.rows["customers"]
    assert row["unknownFields"] == [{"name": "color", "count": 2}, {"name": "shape", "count": 1}]
    assert pipeline.rows["cloud_pbxs"]["misfits"] == [{"name": "concurrentCallCapacity", "count": 1}]
    requests = len(ycm.requests)  # one each 0.1 s, the first at once
    paced = sum(row["secondsPaced"] for row in pipeline.rows.values())
    assert paced == pytest.approx((requests - 1) / 10, abs=0.1 * requests / 2)


def test_an_incomplete_reading(tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    ycm = sandbox(120)
    pipeline = Pipeline(tap, ycm, tmp_path, "customers", "itsps", "syncs")
    pipeline.run()
    ycm.assumptions = Assumptions(hidden=10, look_up="html_404", only="customers")
    hidden = 120 - len([key for key in ycm.world.ids() if key % 10])
    run = pipeline.run(1)
    row = pipeline.rows["customers"]
    assert (row["status"], row["missing"], row["deletes"]) == ("incomplete", hidden, "withheld")
    assert row["reason"] in row["failure"]
    assert row["failure"] in run.log
    assert pipeline.rows["itsps"]["status"] == "complete"
    pipeline.run(on_incomplete="warn", confirm_by_lookup=False)
    assert (pipeline.rows["customers"]["status"], pipeline.rows["customers"]["failure"]) == ("incomplete", None)


def test_records_that_the_list_hides(tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    ycm = sandbox(120)
    pipeline = Pipeline(tap, ycm, tmp_path, "customers", "syncs")
    pipeline.run()
    ycm.assumptions = Assumptions(hidden=10)
    hidden = 120 - len([key for key in ycm.world.ids() if key % 10])
    pipeline.run(1)
    row = pipeline.rows["customers"]
    assert (row["status"], row["recovered"], row["rows"], row["missing"]) == ("incomplete", hidden, 120, 0)


def test_a_sync_that_the_brake_held(tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    ycm = sandbox(120)
    pipeline = Pipeline(tap, ycm, tmp_path, "customers", "syncs")
    pipeline.run()
    for key in ycm.world.ids()[:60]:
        ycm.world.delete(key)
    pipeline.run(1)
    row = pipeline.rows["customers"]
    assert (row["status"], row["reason"], row["deletes"]) == ("complete", None, "withheld")
    assert row["deletesReason"] == "by the brake: 60 of 120 known records are absent"
    assert "TAP_YCM_CONFIRM_DELETES=60-" in row["failure"]
    assert (row["deleted"], row["deletedConfirmed"]) == (0, 0)
    word = row["failure"].partition("TAP_YCM_CONFIRM_DELETES=")[2].split()[0]
    pipeline.run(confirm_deletes=word)
    row = pipeline.rows["customers"]
    assert (row["deletes"], row["deleted"], row["deletedConfirmed"]) == ("activated", 60, 60)


def test_wrong_credentials(tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    pipeline = Pipeline(tap, sandbox(5), tmp_path, client_secret="wrong")  # noqa: S106 - it is none
    run = pipeline.run(1)
    assert pipeline.statuses() == {"failed": 1, "not read": len(STREAMS) - 1}
    assert pipeline.rows["customers"]["failure"] == run.error
    assert pipeline.rows["customers"]["requests"] == 1
    assert {row["requests"] for name, row in pipeline.rows.items() if name != "customers"} == {0}


def test_a_list_that_fails_and_what_belongs_to_it(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    ycm = sandbox(60, sizes=SMALL)
    pipeline = Pipeline(tap, ycm, tmp_path)
    ycm.faults.add("users:1:error=1000004")
    run = pipeline.run(1)
    assert pipeline.statuses() == {"failed": 1, "not read": 1, "complete": len(STREAMS) - 2}
    assert pipeline.rows["users"]["failure"] == run.error
    assert pipeline.rows["user_subscriptions"]["reason"] == "users, to which it belongs, could not be read"


def test_lists_that_the_account_may_not_see(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    ycm = sandbox(20, sizes=SMALL, assumptions=Assumptions(denied=("users", "subscription")))
    pipeline = Pipeline(tap, ycm, tmp_path)
    pipeline.run()
    assert pipeline.statuses() == {"not permitted": 3, "complete": len(STREAMS) - 3}  # and what belongs to users
    assert "1000043" in pipeline.rows["users"]["reason"]
    ycm.assumptions = Assumptions(denied=("users", "subscription", "groups"))
    pipeline.run(1)
    assert pipeline.rows["groups"]["status"] == "failed"


def test_a_state_of_another_account(tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    pipeline = Pipeline(tap, sandbox(5), tmp_path, "customers", "itsps", "syncs")
    pipeline.run()
    before = pipeline.warehouse.state
    run = pipeline.run(1, client_id="another")
    assert pipeline.rows["customers"]["failure"] == run.error
    assert pipeline.rows["itsps"]["status"] == "not read"
    assert pipeline.warehouse.state == before
    assert not run.messages


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal(signum: signal.Signals, status: int, sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def hold(number: int) -> None:
        if number > 3:
            reached.set()
            go_on.wait(30)

    ycm = sandbox(364, before_answer=hold)
    process, report = started(ycm, tmp_path, "customers", "itsps", "syncs")
    try:
        assert reached.wait(30)
        process.send_signal(signum)
        output, _ = process.communicate(timeout=30)
    finally:
        go_on.set()
        process.kill()
    run = Run(process.returncode, output, "")
    assert run.status == status
    rows = [message["record"] for message in run.of_type("RECORD") if message["stream"] == "syncs"]
    assert rows == json.loads(report.read_text(encoding="utf-8"))
    assert [(row["stream"], row["status"], row["exitStatus"]) for row in rows] == [
        ("customers", "failed", status),
        ("itsps", "not read", status),
    ]
    assert rows[0]["failure"] == f"stopped by {signum.name}"
    assert rows[0]["rows"] == len(run.of_type("RECORD")) - 2
    assert [message["type"] for message in run.messages[-5:]] == ["STATE", "SCHEMA", "RECORD", "RECORD", "STATE"]


def test_a_target_that_leaves(sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    process, report = started(sandbox(5000), tmp_path, "customers", "itsps", "syncs")
    assert process.stdout
    process.stdout.close()
    assert process.wait(30) == 1
    first, second = json.loads(report.read_text(encoding="utf-8"))
    assert first["failure"] == "the target stopped reading: its own log says why"
    assert (second["status"], second["exitStatus"]) == ("not read", 1)


def test_a_target_that_leaves_at_the_very_end(sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    process, report = started(sandbox(5), tmp_path, "customers", "syncs", program=("-c", LEAVES_AT_THE_END))
    process.communicate(timeout=30)
    assert process.returncode == 1
    [row] = json.loads(report.read_text(encoding="utf-8"))
    assert (row["status"], row["failure"], row["exitStatus"]) == ("complete", None, 1)


LEAVES_AT_THE_END = """
from tap_ycm.__main__ import main
from tap_ycm.singer.syncs import SyncsStream

def write(self, rows):
    raise BrokenPipeError

SyncsStream.write = write
main()
"""


def test_a_run_that_is_killed_leaves_an_empty_report(sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    reached = threading.Event()

    def hold(_: int) -> None:
        reached.set()
        time.sleep(0.2)

    ycm = sandbox(364, before_answer=hold)
    (tmp_path / "report.json").write_text("what an earlier run said", encoding="utf-8")
    process, report = started(ycm, tmp_path, "customers", "syncs")
    assert reached.wait(30)
    process.kill()
    process.communicate()
    assert json.loads(report.read_text(encoding="utf-8")) == []


def started(
    ycm: Sandbox, folder: Path, *streams: str, program: tuple[str, ...] = ("-m", "tap_ycm")
) -> tuple[subprocess.Popen[str], Path]:
    """Start a tap as a process of its own, and return it and the path of its report."""
    report = folder / "report.json"
    (folder / "config.json").write_text(json.dumps(settings_for(ycm, report_path=str(report))), encoding="utf-8")
    (folder / "catalog.json").write_text(json.dumps(catalog_of(*streams)), encoding="utf-8")
    files = ("--config", str(folder / "config.json"), "--catalog", str(folder / "catalog.json"))
    process = subprocess.Popen(
        [sys.executable, "-W", "error", *program, *files],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=CLEAN_ENVIRONMENT,
        encoding="utf-8",
    )
    return process, report


def test_nothing_else_changes_without_the_stream(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    def messages(run: Run) -> list[dict[str, Any]]:
        found = [message for message in run.messages if message.get("stream") != "syncs"]
        for message in found:
            message.pop("time_extracted", None)
            message.pop("version", None)
            if message["type"] == "STATE":
                assert not message["value"]["bookmarks"].pop("syncs", None)  # the SDK makes a place for each stream
                for mark in message["value"]["bookmarks"].values():
                    mark.pop("last_version", None)
        return found

    ycm = sandbox(60)
    outputs = []
    for selected in (("customers", "itsps", "syncs"), ("customers", "itsps")):
        pipeline = Pipeline(tap, ycm, tmp_path, *selected)
        del pipeline.config["report_path"]
        run = tap(config=pipeline.config, catalog=pipeline.catalog)
        assert run.status == 0
        outputs.append(messages(run))
    *most, last = outputs[0]
    assert most == outputs[1]
    assert last == most[-1]  # the state again, after the rows on it


def test_the_report_needs_no_stream(tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    config = settings_for(sandbox(5), report_path=str(path))
    assert tap(config=config, catalog=catalog_of("customers")).status == 0
    assert [row["stream"] for row in json.loads(path.read_text(encoding="utf-8"))] == ["customers"]


def test_a_report_that_cannot_be_written_ends_the_run_before_it_asks(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    ycm = sandbox(5)
    config = settings_for(ycm, report_path=str(tmp_path / "nowhere" / "report.json"))
    run = tap(config=config, catalog=catalog_of("customers"))
    assert (run.status, run.stdout, ycm.requests) == (1, "", [])
    assert run.error == "the file of report_path cannot be written (No such file or directory)"


def test_a_report_that_can_no_longer_be_written_fails_the_run(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()

    ycm = sandbox(120, before_answer=lambda _: shutil.rmtree(folder, ignore_errors=True))
    config = settings_for(ycm, report_path=str(folder / "report.json"), retry_budget=0)
    run = tap(config=config, catalog=catalog_of("customers", "syncs"))
    assert run.status == 1
    sentence = "the file of report_path cannot be written (No such file or directory)"
    assert run.error == sentence
    folder.mkdir()
    ycm.faults.add("customers:2:error=1000004")  # one failure does not hide the other
    run = tap(config=config, catalog=catalog_of("customers", "syncs"))
    first, second = [line.rpartition(" | ")[2] for line in run.log.splitlines() if "| ERROR" in line]
    assert (run.status, first) == (1, sentence)
    assert "1000004" in second


def test_only_the_stream_itself_selected_is_nothing(tap: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    run = tap(config=settings_for(sandbox(5)), catalog=catalog_of("syncs"))
    assert run.status == 1
    assert "the catalog selects nothing" in run.error


def test_columns_can_be_chosen(tap: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    catalog = catalog_of("customers", "syncs")
    catalog["streams"][1]["metadata"] += [
        {"breadcrumb": ["properties", name], "metadata": {"inclusion": "available", "selected": name == "rows"}}
        for name in SCHEMA["properties"]
        if name not in SYNCS.keys
    ]
    run = tap(config=settings_for(sandbox(5)), catalog=catalog)
    [row] = [message["record"] for message in run.of_type("RECORD") if message["stream"] == "syncs"]
    assert (set(row), row["rows"]) == ({*SYNCS.keys, "rows"}, 5)
