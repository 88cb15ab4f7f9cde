"""No value, token, address or name that could be data in any output of the probe: canaries in all that YCM says."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from harness import CLEAN_ENVIRONMENT

from tap_ycm.sandbox import Assumptions, Sandbox, World, answers, server
from tap_ycm.sandbox.errors import YcmError, describe
from tap_ycm.sandbox.faults import KINDS
from tap_ycm.sandbox.tokens import Tokens
from tap_ycm.sandbox.world import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CANARY = "c4n4ry"
HEADERS = (
    "Server",
    "Set-Cookie",
    "ETag",
    "Location",
    "WWW-Authenticate",
    "X-RateLimit-Remaining",
    "X-Request-Id",
    "Via",
)
WORDLESS = {"reset", "stall", "drip", "empty_body", "json_null", "data_null", "list_null", "no_list", "session_expired"}
"""Faults that say nothing, or nothing that another does not say."""


@dataclass
class Planted:
    """What the sandbox said, and the tokens that it gave."""

    said: bytes = b""
    tokens: list[str] = field(default_factory=list)

    def assert_none_in(self, *outputs: str) -> None:
        for output in outputs:
            for word in (CANARY, *self.tokens):
                assert word not in output.lower(), output[max(output.lower().find(word) - 300, 0) :][:600]


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Planted:
    """Plant canaries in all that is sent: bodies, names, headers, errors, web pages; catch the tokens."""
    planted = Planted()
    issue: Callable[..., dict[str, Any]] = Tokens.issue
    send: Callable[..., Any] = answers.send

    def issued(*args: Any) -> dict[str, Any]:
        answer = issue(*args)
        for name in ("access_token", "refresh_token"):
            planted.tokens += [answer[name].lower(), *(part.lower() for part in answer[name].split(".")[1:])]
        return {**answer, "jti": f"{CANARY}-jti", "scope": f"{CANARY}-scope"}

    async def sent(call: answers.Call, answer: answers.Answer) -> Any:
        answer.headers |= {name: f"{CANARY}-{name.lower()}" for name in HEADERS}
        answer.headers[f"X-{CANARY}-name"] = f"{CANARY}-header"
        answer.content_type += f"; x={CANARY}-media"
        with suppress(ValueError):  # what a fault has broken stays as it is
            body = json.loads(answer.body)
            if isinstance(body, dict) and "access_token" not in body:
                answer.body = json.dumps(_with_canaries(body)).encode()
        planted.said += answer.body + repr(answer.headers).encode() + answer.content_type.encode()
        return await send(call, answer)

    monkeypatch.setattr(Tokens, "issue", issued)
    monkeypatch.setattr(server, "send", sent)
    monkeypatch.setattr(answers, "_HTML", b"<html><h1>%b-html</h1></html>" % CANARY.encode())
    monkeypatch.setitem(answers._BODY_FAULTS, "not_json", b'{"data": {"list": ["%b-not-json",' % CANARY.encode())
    monkeypatch.setattr(answers, "describe", lambda code: YcmError(f"{CANARY}-{code}", describe(code).http_status))
    return planted


def _with_canaries(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with canaries in each place that is not rows: names, texts, the envelope, the data."""
    body |= {
        f"{CANARY}_envelope": 1,
        f"{CANARY} name@example.com": f"{CANARY}-unknown",
        "requestId": f"{CANARY}-request",
    }
    if "errMsg" in body:
        body["errMsg"] = f"{CANARY}-message"
    if isinstance(body.get("data"), dict):
        body["data"] |= {f"{CANARY}_data": f"{CANARY}-data", f"+49 {CANARY}": [f"{CANARY}-list"]}
    return body


def world(customers: int = 120) -> World:
    """Make customers whose every text is a canary, and who have fields whose names are."""
    made = World.seeded(customers=customers, seed=7)
    for key in made.ids():
        row: dict[str, object] = {name: f"{CANARY}-{name}-{key}" for name in FIELDS[1:]}
        row |= {"customerId": key, "vatNumber": f"{CANARY}-vat", f"{CANARY}_field": 1, f"{CANARY}@example.com": 2}
        made.put_row(key, row | {"tags": [f"{CANARY}-tag", {f"{CANARY}-deep": f"{CANARY}-inner"}]})
    return made


@dataclass
class Output:
    status: int
    people: str
    programs: str
    log: str


def run(folder: Path, config: dict[str, object], *arguments: str, **environment: str) -> Output:
    """Run the command as people do, twice as it is wanted: for people, and for programs."""
    settings, report = folder / "config.json", folder / "report.json"
    report.unlink(missing_ok=True)
    settings.write_text(json.dumps(config), encoding="utf-8")
    command = [sys.executable, "-W", "error", "-m", "tap_ycm.probe", "--per-minute", "6000"]
    process = subprocess.run(
        [*command, "--config", str(settings), "--json", str(report), *arguments],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env={**CLEAN_ENVIRONMENT, **environment},
        timeout=60,
    )
    assert "Traceback" not in process.stderr
    programs = report.read_text(encoding="utf-8") if report.exists() else ""
    return Output(process.returncode, process.stdout, programs, process.stderr)


def config(ycm: Sandbox, **settings: object) -> dict[str, object]:
    ycm.client_secret = f"{CANARY}-secret"
    given = {"base_url": ycm.url, "client_id": ycm.client_id, "client_secret": ycm.client_secret}
    return {**given, **settings}


def test_no_canary_and_no_token_is_in_what_the_command_says(planted: Planted, tmp_path: Path) -> None:
    with Sandbox(world()) as ycm:
        ycm.client_id = f"{CANARY}-client"
        output = run(tmp_path, config(ycm, user_agent=f"{CANARY}-agent/1"), "--wrong-token")
    assert output.status == 0, output.log
    planted.assert_none_in(output.people, output.programs, output.log)
    made = json.loads(output.programs)
    customers = next(one for one in made["streams"] if one["name"] == "customers")
    assert customers["unknown_fields"] == ["(not plain words)", "tags", "vatNumber"]
    # They were there to be seen.
    places = [
        *FIELDS[1:],
        *map(str.lower, HEADERS),
        "vat",
        "tag",
        "deep",
        "inner",
        "data",
        "list",
        "unknown",
        "request",
    ]
    places += ["message", "header", "media"]
    unseen = [place for place in places if f"{CANARY}-{place}".encode() not in planted.said]
    assert not unseen
    assert len(places) >= 22
    assert len(planted.tokens) >= 10
    count = len(places) + len(
        (f"{CANARY}_field", f"{CANARY}@", f"{CANARY}_envelope", f"{CANARY} name", "client", "secret")
    )
    print(f"none of {count} canaries, nor of {len(planted.tokens)} parts of tokens")  # noqa: T201 - shown with -rP


WORLDS: list[dict[str, Any]] = [
    {"error_http": "always_200"},
    {"error_code_as": "missing"},
    {"look_up": "html_404"},
    {"look_up": "another", "past_end": "invented"},
    {"not_found_as": "null", "echo": "string", "total_as": "garbage"},
    {"denied": ("customers", "users")},
    {"grant_errors": "oauth"},
]


def in_process(ycm: Sandbox, **settings: object) -> str:
    """Probe in this process; returns everything that is said."""
    from tap_ycm.http.waiting import Pace  # noqa: PLC0415 - this function only
    from tap_ycm.probe.asker import Asker  # noqa: PLC0415 - as above
    from tap_ycm.probe.inquiry import Inquiry  # noqa: PLC0415 - as above
    from tap_ycm.probe.line import Line  # noqa: PLC0415 - as above
    from tap_ycm.probe.people import for_people  # noqa: PLC0415 - as above
    from tap_ycm.probe.plan import plan  # noqa: PLC0415 - as above
    from tap_ycm.probe.report import report  # noqa: PLC0415 - as above
    from tap_ycm.settings import Settings  # noqa: PLC0415 - as above
    from tap_ycm.stopping import Stop  # noqa: PLC0415 - as above

    said: list[str] = []
    made_of = Settings.of(config(ycm, **settings))
    line = Line(made_of, Stop(), Pace(None))
    seen = Inquiry(Asker(made_of, line, said.append, 0.01), plan(wrong_token=True)).run()
    line.close()
    made = report(seen, "2026-01-01T00:00:00+00:00")
    return "\n".join([*said, json.dumps(made), for_people(made)])


@pytest.mark.parametrize("assumed", WORLDS, ids=str)
def test_no_canary_is_told_in_other_worlds(assumed: dict[str, Any], planted: Planted) -> None:
    with Sandbox(world(), assumptions=Assumptions(**assumed)) as ycm:
        planted.assert_none_in(in_process(ycm))
    assert CANARY.encode() in planted.said


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in WORDLESS])
def test_no_canary_is_told_of_a_fault(kind: str, planted: Planted) -> None:
    """At every third answer, data and tokens alike."""
    where = "token" if kind == "no_access_token" else "customers"
    fault = f"redirect=http://localhost:9/?{CANARY}" if kind == "redirect" else kind
    with Sandbox(world(60), faults=[f"{where}:*/{1 if where == 'token' else 2}:{fault}"]) as ycm:
        if kind not in {"no_access_token", "big_int_id", "lone_surrogate"}:
            ycm.faults.add(f"any:*/5:{fault}")
        planted.assert_none_in(in_process(ycm))
        assert ycm.faults.fired[kind]


def test_no_mistake_shows_a_setting(planted: Planted, tmp_path: Path) -> None:
    with Sandbox(world(3)) as ycm:
        good = config(ycm)
        runs = [
            run(tmp_path, {**good, "client_secret": f"{CANARY}-wrong"}),
            run(tmp_path, {**good, "page_size": CANARY, "pagesize": CANARY}),
            run(tmp_path, {**good, "base_url": f"https://{CANARY}:{CANARY}@ycm.example.com"}),
        ]
    for output in runs:
        assert output.status == 1, output.log
        planted.assert_none_in(output.people, output.programs, output.log)


def test_no_address_is_told(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no YCM, where there is no host, and where there is no way."""
    proxy = f"http://{CANARY}:{CANARY}@localhost:9"
    with Sandbox(world(3)) as ycm:
        outputs = [in_process(ycm, base_url=f"{ycm.url}/{CANARY}")]
        monkeypatch.setenv("NO_PROXY", "*")
        outputs += [in_process(ycm, base_url=f"https://{CANARY}.invalid")]
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy)
        outputs += [in_process(ycm, base_url=f"https://{CANARY}.example.com")]
    planted.assert_none_in(*outputs)
    for sentence, output in zip(("base_url", "cannot be resolved", "the proxy of"), outputs, strict=True):
        assert sentence in output
        assert ycm.url not in output
