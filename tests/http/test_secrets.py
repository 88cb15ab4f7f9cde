"""No secret, no token and no customer's data in any log, whatever goes wrong, at DEBUG and in both formats."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from harness import CLEAN_ENVIRONMENT, Run, customers_only, settings_for
from test_faults import ENDING, FAULTS, HARMLESS, SHORT, possible

from tap_ycm.sandbox import Sandbox, World, answers
from tap_ycm.sandbox.errors import YcmError, describe
from tap_ycm.sandbox.faults import KINDS
from tap_ycm.sandbox.tokens import Tokens
from tap_ycm.sandbox.world import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

CANARY = "c4n4ry"
KINDS_HERE = [SHORT.get(kind, kind) for kind in KINDS] + ["error=1000002", "error=1000040", "http=404", "http=401"]

# The tap, but for the dice: waits take no time.
IMPATIENT = "import backoff; backoff.full_jitter = lambda _: 0.0; from tap_ycm.__main__ import main; main()"

# Console and JSON at once, each as the SDK writes it, everything that any library says included.
BOTH_FORMATS = """
version: 1
disable_existing_loggers: false
formatters:
  console: {(): singer_sdk.logging.ConsoleFormatter}
  structured: {(): singer_sdk.logging.StructuredFormatter}
handlers:
  console: {class: logging.StreamHandler, formatter: console, stream: ext://sys.stderr}
  structured: {class: logging.StreamHandler, formatter: structured, stream: ext://sys.stderr}
root: {level: DEBUG, handlers: [console, structured]}
loggers:
  urllib3: {level: DEBUG}
"""


@dataclass
class Job:
    """One run of the tap and the sandbox it reads."""

    ycm: Sandbox
    config: dict[str, object]
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] | None = None
    module: tuple[str, ...] = ("-m", "tap_ycm")


class Canaries:
    """Runs the tap, and looks for what must not be seen."""

    def __init__(self, folder: Path, tokens: list[str]) -> None:
        self.folder = folder
        self.tokens = tokens
        self.outputs = 0
        (folder / "both.yaml").write_text(BOTH_FORMATS, encoding="utf-8")

    def run(self, job: Job) -> Run:
        self.outputs += 1
        config, report = (self.folder / f"{what}-{self.outputs}-{id(job)}.json" for what in ("config", "report"))
        config.write_text(json.dumps({"report_path": str(report), **job.config}), encoding="utf-8")
        process = subprocess.run(
            [
                sys.executable,
                "-W",
                "error",
                *job.module,
                *customers_only(self.folder),
                *job.arguments,
                f"--config={config}",
            ],
            capture_output=True,
            check=False,
            encoding="utf-8",
            env={**CLEAN_ENVIRONMENT, "TAP_YCM_LOGLEVEL": "DEBUG", **(job.environment or {})},
            timeout=120,
        )
        # What is in the report is also in the table of syncs.
        rows = report.read_text(encoding="utf-8") if report.exists() else ""
        return Run(process.returncode, process.stdout, process.stderr + rows)

    def run_for_airbyte(self, config: Mapping[str, object], program: str) -> Run:
        """Run the source for Airbyte; as its log counts whatever it writes but for records."""
        streams: list[dict[str, Any]] = [{"name": name, "json_schema": {}} for name in ("customers", "syncs")]
        paths = {name: self.folder / f"airbyte-{name}.json" for name in ("config", "catalog")}
        paths["config"].write_text(json.dumps(config), encoding="utf-8")
        paths["catalog"].write_text(
            json.dumps({"streams": [{"stream": stream} for stream in streams]}), encoding="utf-8"
        )
        files = [f"--{name}={path}" for name, path in paths.items()]
        process = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, "read", *files],
            capture_output=True,
            check=False,
            encoding="utf-8",
            env={**CLEAN_ENVIRONMENT, "TAP_YCM_LOGLEVEL": "DEBUG"},
            timeout=120,
        )
        assert process.stderr == ""
        lines = [line for line in process.stdout.splitlines() if not line.startswith('{"type":"RECORD"')]
        return Run(process.returncode, process.stdout, "\n".join(lines))

    def run_in_both_formats(self, jobs: list[Job]) -> list[Run]:
        environment = {"SINGER_SDK_LOG_CONFIG": str(self.folder / "both.yaml")}
        both = [replace(job, environment={**(job.environment or {}), **environment}) for job in jobs]
        with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            return list(pool.map(self.run, both))

    def assert_none(self, runs: list[Run]) -> None:
        for run in runs:
            lines = run.log.splitlines()
            if any('"logger_name"' in line for line in lines):  # or half of what is shown here is not
                assert any(" | " in line for line in lines)
            for word in (CANARY, *self.tokens):
                found = [line for line in lines if word in line]
                assert not found, found[0][:2000]
            assert "Traceback" not in run.log
            assert '"exception"' not in run.log


@pytest.fixture
def canaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Canaries:
    """Plant canaries in whatever the sandbox says: errors, web pages, rubbish, redirects; and catch its tokens."""
    tokens: list[str] = []
    issue: Callable[..., dict[str, Any]] = Tokens.issue

    def issued(*args: Any) -> dict[str, Any]:
        answer = issue(*args)
        for name in ("access_token", "refresh_token"):
            tokens.append(answer[name])
            tokens.extend(answer[name].split(".")[1:])  # the claims and the signature alone, too
        tokens.append(answer["jti"])
        return answer

    monkeypatch.setattr(Tokens, "issue", issued)
    monkeypatch.setattr(answers, "_HTML", b"<html><h1>%b-html</h1></html>" % CANARY.encode())
    monkeypatch.setitem(answers._BODY_FAULTS, "not_json", b'{"data": {"list": ["%b-not-json",' % CANARY.encode())
    monkeypatch.setattr(
        answers, "describe", lambda code: YcmError(f"{CANARY}-message-{code}", describe(code).http_status)
    )
    return Canaries(tmp_path, tokens)


def planted(customers: int = 60) -> World:
    """Make a world whose every text is a canary."""
    world = World.seeded(customers=customers, seed=7)
    for key in world.ids():
        row: dict[str, object] = {name: f"{CANARY}-{name}-{key}" for name in FIELDS[1:]}
        row |= {"customerId": key, "vatNumber": f"{CANARY}-unknown", "tags": [f"{CANARY}-tag", {"a": f"{CANARY}-deep"}]}
        world.put_row(key, row)
    return world


def secretive(ycm: Sandbox, **settings: object) -> dict[str, object]:
    ycm.client_secret = f"{CANARY}-secret"
    return settings_for(ycm, page_size=2, retry_budget=1, emit_activate_version_messages=True, **settings)


def written(fault: str) -> str:
    return f"redirect=http://localhost:9/?{CANARY}" if fault == "redirect" else fault


def test_no_fault_brings_a_secret_or_data_into_the_log(canaries: Canaries) -> None:
    """Faults that are survived share a run, each with a good request before and after; each other one has its own."""
    endpoints = ("customers", "token")
    faults = {endpoint: [fault for fault in KINDS_HERE if possible(endpoint, fault)] for endpoint in endpoints}
    assert set(KINDS_HERE) <= set(FAULTS)
    sandboxes = []
    for endpoint, kinds in faults.items():
        survived = [fault for fault in kinds if fault not in ENDING[endpoint]]
        sandbox = Sandbox(planted(90))
        for number, fault in enumerate(survived):
            if endpoint == "customers":
                sandbox.faults.add(f"customers:{2 * number + 2}:{written(fault)}")
            else:  # a token that has worked, and is refused, makes the tap ask for another, which goes wrong
                sandbox.faults.add(f"customers:{3 * number + 2}:expired_token")
        place = 2  # the first token is good
        for fault in survived if endpoint == "token" else ():
            sandbox.faults.add(f"token:{place}:{written(fault)}")
            place += 1 if fault in HARMLESS[endpoint] else 2
        sandboxes.append((endpoint, survived, sandbox))
        sandboxes += [
            (endpoint, [fault], Sandbox(planted(5), faults=[f"{endpoint}:1:{written(fault)}"]))
            for fault in kinds
            if fault in ENDING[endpoint]
        ]
    for _, _, sandbox in sandboxes:
        sandbox.start()
    try:
        runs = canaries.run_in_both_formats(
            [Job(sandbox, secretive(sandbox), module=("-c", IMPATIENT)) for _, _, sandbox in sandboxes]
        )
    finally:
        for _, _, sandbox in sandboxes:
            sandbox.stop()
    canaries.assert_none(runs)
    for (endpoint, kinds, sandbox), run in zip(sandboxes, runs, strict=True):
        fired = sandbox.faults.fired
        assert all(fired[fault.partition("=")[0]] for fault in kinds), (endpoint, kinds, fired, run.log[-3000:])
        # The customers were there to be seen, and standard output is where they belong.
        if not ENDING[endpoint].issuperset(kinds):
            assert all(f"{CANARY}-{name}-" in run.stdout for name in FIELDS[1:])
    count = sum(map(len, faults.values()))
    planted_ones = (
        len(FIELDS) - 1 + len(("unknown", "tag", "deep", "secret", "html", "not-json", "message", "redirect"))
    )
    print(  # noqa: T201 - README quotes it
        f"{count} faults in {len(runs)} runs at DEBUG, console and JSON: none of {planted_ones} canaries in data, "
        f"secret and errors, nor of {len(canaries.tokens)} parts of tokens, in {2 * len(runs)} logs"
    )


def test_the_log_of_a_person_at_debug_holds_no_secret(canaries: Canaries) -> None:
    """The SDK's own log, without a log config; a given token, both ways to see whether it works."""
    with Sandbox(planted(9)) as ycm:
        config = secretive(ycm)
        given: dict[str, object] = {"base_url": ycm.url, "access_token": f"{CANARY}-token"}
        jobs = [
            Job(ycm, config),
            Job(ycm, {**config, "stream_maps": {"customers": {"email": f"md5(email + '{CANARY}')"}}}),
            Job(ycm, {**config, "unknown_fields": "fail"}),
            Job(ycm, {**config, "client_secret": f"{CANARY}-wrong"}),
            Job(ycm, given),
            Job(ycm, config, ("--test",)),
            Job(ycm, given, ("--test",)),
            Job(ycm, config, ("--discover",)),
            Job(ycm, {**config, "base_url": "http://localhost:9"}),
        ]
        with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            runs = list(pool.map(canaries.run, jobs))
    canaries.assert_none(runs)
    assert [run.status for run in runs] == [0, 0, 1, 1, 1, 0, 1, 0, 1]
    assert all(CANARY in run.stdout for run in runs[:2])
    assert all(run.error for run in runs if run.status)


BAD_SETTINGS: list[dict[str, object]] = [
    {"base_url": f"http://{CANARY}.example.com", "page_size": f"{CANARY}", "retry_budget": [CANARY]},
    {"base_url": f"https://{CANARY}:{CANARY}@ycm.example.com"},
    {"access_token": f"{CANARY}-token"},
    {"unknown_fields": CANARY, "emit_activate_version_messages": CANARY, "user_agent": f"{CANARY}\n",
     "pagesize": CANARY},
    {"stream_maps": [CANARY]},
    {"stream_maps": CANARY, "flattening_enabled": CANARY, "faker_config": {"seed": {CANARY: CANARY}}},
    {"client_secret": None, "client_secret_file": f"/{CANARY}"},
    {"client_secret_file": f"/{CANARY}", "access_token_file": f"/{CANARY}", "access_token": CANARY},
    {"client_secret": {"value": CANARY}, "ca_bundle": f"/{CANARY}", "confirm_deletes": [CANARY]},
]  # fmt: skip

FAILING_MAPS: list[dict[str, object]] = [
    {"customers": {"email": f"md5(email + nosuch + '{CANARY}')"}},
    {"customers": {"email": f"md5(email + '{CANARY}'"}},
    {"customers": {"email": f"int(email + '{CANARY}')"}},
    {"customers": {"email": f"email['{CANARY}']"}},
    {"customers": {"email": f"datetime.datetime.fromisoformat(email + '{CANARY}')"}},
    {"customers": {"email": [CANARY]}},
    {"customers": {"__filter__": f"email + nosuch != '{CANARY}'"}},
    {"customers": {"__alias__": f"('{CANARY}'"}},
    {"customers": {"__else__": CANARY}},
    {"__else__": CANARY},
    {"__other__": CANARY},
    {"customers": CANARY},
]


@pytest.mark.parametrize("kind", ["bad settings", "failing stream maps"])
def test_no_mistake_in_the_settings_shows_them(kind: str, canaries: Canaries) -> None:
    with Sandbox(planted(3)) as ycm:
        config = secretive(ycm)
        mistakes = BAD_SETTINGS if kind == "bad settings" else [{"stream_maps": maps} for maps in FAILING_MAPS]
        runs = canaries.run_in_both_formats([Job(ycm, config | mistake) for mistake in mistakes])
    canaries.assert_none(runs)
    for mistake, run in zip(mistakes, runs, strict=True):
        assert run.status == 1, mistake
        assert run.error, mistake


def test_a_stream_map_that_works_is_not_shown(canaries: Canaries) -> None:
    """Its expressions may hold a key, as those of md5 for pseudonyms do."""
    maps = {"customers": {"email": f"md5('{CANARY}' + email)", "__filter__": f"md5('{CANARY}' + email) != ''"}}
    with Sandbox(planted(3)) as ycm:
        runs = canaries.run_in_both_formats([Job(ycm, secretive(ycm, stream_maps=maps))])
    assert runs[0].status == 0
    assert len(runs[0].records) == 3
    canaries.assert_none(runs)


# A tap with a defect, whose error quotes the row that it stumbled over.
DEFECTIVE = """
from tap_ycm.records.reader import RowReader
from tap_ycm.tap import TapYCM

def stumble(reader, rows):
    raise ValueError(f"cannot read {rows}") from KeyError(str(rows))

RowReader.records = stumble
TapYCM.cli()
"""


def test_an_unexpected_exception_is_told_without_its_text(canaries: Canaries) -> None:
    """An error of Python inside the tap quotes what it stumbled over; the log says where, and no more."""
    with Sandbox(planted(3)) as ycm:
        runs = canaries.run_in_both_formats([Job(ycm, secretive(ycm), module=("-c", DEFECTIVE))])
    canaries.assert_none(runs)
    assert runs[0].status == 1
    assert "unexpected ValueError, please report it: " in runs[0].error
    assert "stream.py" in runs[0].error


def test_no_secret_and_no_customer_is_in_what_airbyte_gets_but_for_records(canaries: Canaries) -> None:
    """At DEBUG, where all that any library says is a message too."""
    impatient = IMPATIENT.replace("tap_ycm.__main__", "tap_ycm.airbyte.__main__")
    defective = DEFECTIVE.replace("tap_ycm.tap import TapYCM", "tap_ycm.airbyte.__main__ import main")
    defective = defective.replace("TapYCM.cli()", "main()")
    survived = ["reset", "http=500", "error=1000001", "not_json", "html", "expired_token"]
    survived = [f"customers:{2 * place + 2}:{fault}" for place, fault in enumerate(survived)]
    jobs: list[tuple[list[str], dict[str, object], str, int]] = [
        (survived, {}, impatient, 0),
        (["customers:2:error=1000004"], {}, impatient, 1),
        ([], {"client_secret": f"{CANARY}-wrong"}, impatient, 1),
        ([], {"unknown_fields": "fail"}, impatient, 1),
        ([], {"base_url": "http://localhost:9"}, impatient, 1),
        ([], {"stream_maps": CANARY, "spool_folder": [CANARY]}, impatient, 1),
        ([], {"page_size": CANARY}, impatient, 1),
        ([], {"spool_folder": f"/{CANARY}"}, impatient, 1),
        ([], {}, defective, 1),
    ]
    for faults, wrong, program, status in jobs:
        with Sandbox(planted(60), faults=faults) as ycm:
            config = secretive(ycm) | wrong
            del config["emit_activate_version_messages"]
            run = canaries.run_for_airbyte(config, program)
        assert run.status == status, run.log[-3000:]
        canaries.assert_none([run])
        assert '"type":"ERROR"' in run.log or not status
        if not status:
            assert '"level":"DEBUG"' in run.log
            assert all(f"{CANARY}-{name}-" in run.stdout for name in FIELDS[1:])
        if program == defective:
            assert "unexpected ValueError, please report it: " in run.log
            assert '"failure_type":"system_error"' in run.log
