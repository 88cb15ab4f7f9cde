"""The command as people run it: options, settings, outputs, exit status, signals, Meltano."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from harness import CLEAN_ENVIRONMENT
from meltano_project import MeltanoProject, credentials

from tap_ycm.probe.__main__ import main
from tap_ycm.probe.plan import PLAN
from tap_ycm.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COMMAND = (sys.executable, "-W", "error", "-m", "tap_ycm.probe")
QUICK = ("--per-minute", "6000")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={**CLEAN_ENVIRONMENT, **environment},
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=60,
    )


def test_a_dry_run_says_what_would_be_asked_and_needs_nothing() -> None:
    done = run("--dry-run", "--wrong-token")
    assert (done.returncode, done.stderr) == (0, "")
    text = " ".join(done.stdout.split())
    assert all(step.says in text for step in PLAN)
    assert "at most 60 requests" in text
    assert "at most 60 a minute" in text


def test_both_reports_are_written_and_the_plan_is_said_before(tmp_path: Path) -> None:
    """By files and the environment; the later one wins, as with the tap."""
    first, second, report = tmp_path / "first.json", tmp_path / "second.json", tmp_path / "report.json"
    with Sandbox() as ycm:
        first.write_text(json.dumps({"base_url": "https://ycm.example.com", "client_id": ycm.client_id}))
        second.write_text(json.dumps({"base_url": ycm.url, "client_secret": "wrong"}))
        files = ("--config", str(first), "--config", str(second), "--config=ENV")
        done = run(*files, *QUICK, "--json", str(report), TAP_YCM_CLIENT_SECRET=ycm.client_secret)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("The probe sends at most 59 requests")
    made = json.loads(report.read_text(encoding="utf-8"))
    assert made["report"] == 1
    assert made["complete"]
    assert done.stdout.startswith("Probe of a YCM by tap-ycm ")
    assert "complete, 48 requests" in done.stdout.splitlines()[0]
    for title in ("No setting is needed.", "Lists", "Other than the sandbox assumes: 0", "Still open", "Besides"):
        assert title in done.stdout
    for one in made["assumptions"]:
        assert f"\n  {one['name']:24}" in done.stdout
    assert "issue with the form 'Probe report'" in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_the_report_for_programs_can_go_to_standard_output_alone() -> None:
    with Sandbox() as ycm:
        done = run(*QUICK, "--json", "-", **credentials(ycm))
    assert done.returncode == 0
    assert json.loads(done.stdout)["requests"] == 48


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "sentence"),
    [
        ((), {}, 1, "credentials are missing: set client_id and client_secret (YCM: System > API), or access_token"),
        ((), {"TAP_YCM_PAGESIZE": "5"}, 1, "unknown setting TAP_YCM_PAGESIZE: did you mean page_size?"),
        (
            ("--config", "nowhere.json"),
            {},
            1,
            "--config must name readable files, each holding one JSON object, or ENV",
        ),
        (
            ("--json", "/no/such/folder/report.json"),
            {"TAP_YCM_ACCESS_TOKEN": "x"},
            1,
            "--json must name a file in a folder",
        ),
        (("--per-minute", "0"), {}, 2, "'--per-minute'"),
        (("--unknown",), {}, 2, "No such option"),
    ],
)
def test_a_mistake_is_one_sentence(  # noqa: PLR0913, PLR0917 - two fixtures, and what is tried
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    status: int,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("logging.disable", lambda _: None)  # for good, in a process of its own
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    told = capsys.readouterr()
    assert (caught.value.code, told.out, told.err.count("\n")) == (status, "", 1)
    assert told.err.startswith("tap-ycm-probe: ")
    assert sentence in told.err


def test_an_unexpected_error_is_told_without_its_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stumble(*_: object) -> None:
        raise ValueError("c4n4ry")  # noqa: EM101 - what must not be seen

    monkeypatch.setattr("tap_ycm.probe.__main__._settings", stumble)
    monkeypatch.setattr("logging.disable", lambda _: None)
    with pytest.raises(SystemExit):
        main(())
    told = capsys.readouterr().err
    assert "unexpected ValueError, please report it: " in told
    assert "c4n4ry" not in told


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_a_partial_report(how: signal.Signals, tmp_path: Path) -> None:
    """While an answer is awaited; the report holds what was seen before."""
    report = tmp_path / "report.json"
    with Sandbox(latency=0.05) as ycm:
        process = subprocess.Popen(
            [*COMMAND, *QUICK, "--json", str(report)],
            env={**CLEAN_ENVIRONMENT, **credentials(ycm)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        deadline = time.monotonic() + 30
        while len(ycm.requests) < 8:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(how)
        people, log = process.communicate(timeout=30)
    assert process.returncode == 128 + how, log
    assert "PARTIAL" in people.splitlines()[0]
    made = json.loads(report.read_text(encoding="utf-8"))
    assert not made["complete"]
    assert made["why_not"] == [f"stopped by {how.name}"]
    assert 7 <= len(made["exchanges"]) <= made["requests"] <= 12
    assert "Traceback" not in log


def test_meltano_runs_it_with_the_settings_of_the_extractor(tmp_path: Path) -> None:
    """Meltano gives a command no file: its settings, those of meltano.yml too, come by the environment."""
    with Sandbox() as ycm:
        project = MeltanoProject(tmp_path / "project")
        project.extractor["config"] = {"base_url": ycm.url, "client_id": ycm.client_id}
        done = project.meltano(
            "invoke", "tap-ycm:probe", *QUICK, "--json", "-", TAP_YCM_CLIENT_SECRET=ycm.client_secret
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["complete"]
