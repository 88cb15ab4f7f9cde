"""The command, as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tap_ycm.sandbox.assumptions import ASSUMPTIONS

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
COMMAND = (sys.executable, "-m", "tap_ycm.sandbox")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child there")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(how: signal.Signals) -> None:
    """What it prints is for a shell, and the shell's values work."""
    arguments = ("--customers", "12", "--client-secret", "it's a $ecret")
    script = 'printf "%s\\n" "$TAP_YCM_BASE_URL" "$TAP_YCM_CLIENT_ID" "$TAP_YCM_CLIENT_SECRET"'
    with subprocess.Popen(
        [*COMMAND, *arguments],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            welcome = "".join(process.stdout.readline() for _ in range(4))
            assert "12 customers" in welcome
            shell = subprocess.run(
                ["/bin/sh", "-c", welcome + script],
                capture_output=True,
                text=True,
                timeout=5,
                check=True,
            )
            url, client_id, secret = shell.stdout.splitlines()
            answer = requests.post(
                f"{url}/dm/open_api/oauth/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": client_id,
                    "client_secret": secret,
                },
                timeout=5,
            )
            assert answer.json()["token_type"] == "bearer"  # noqa: S105 - no secret
        finally:
            process.send_signal(how)
        rest, errors = process.communicate(timeout=5)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_it_prints_every_assumption() -> None:
    """With default, mark and meaning."""
    done = run("--assumptions")
    assert done.returncode == 0
    for one in ASSUMPTIONS:
        line = next(x for x in done.stdout.splitlines() if x.split()[:1] == [one.name])
        assert f"  {one.told.mark}  " in line
        assert line.endswith(one.told.says)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--customers", "-1"), "at least 0"),
        (("--port", "70000"), "up to 65535"),
        (("--fault", "customers:1:explode"), "A fault is one of"),
        (("--limit", "1,2,3"), "1 <= rate <= burst"),
        (("--assume", "over_max=x"), "over_max is one of"),
        (("--unknown",), "No such option"),
        (("--size", "nobody=3"), "TABLE=N"),
        (("--churn-tables", "customers,nobody"), "expected all, or some of"),
        (("--assume", "denied=nobody"), "A stream is one of"),
    ],
)
def test_a_bad_argument_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And exit status 2."""
    from tap_ycm.sandbox.__main__ import main  # noqa: PLC0415 - in process: fast

    with pytest.raises(SystemExit) as caught:
        main(arguments)
    told = capsys.readouterr()
    assert (caught.value.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert sentence in told.err
    assert told.err.endswith(".\n")


def test_a_port_that_is_taken_is_told() -> None:
    """In one line, with exit status 1."""
    from tap_ycm.sandbox import Sandbox  # noqa: PLC0415 - used only here

    with Sandbox() as other:
        done = run("--port", str(other.port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Port {other.port} cannot be had")
    assert done.stderr.count("\n") == 1


def test_without_aiohttp_it_says_what_to_install() -> None:
    """And everything but the server can be imported."""
    script = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "import tap_ycm.sandbox.world, tap_ycm.sandbox.faults, tap_ycm.sandbox.limit\n"
        "from tap_ycm.sandbox import World, Fault, Faults, Limit, Assumptions\n"
        "from tap_ycm.sandbox.__main__ import main\n"
        "sys.exit(main([]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "The sandbox needs aiohttp: pip install 'tap-ycm[sandbox]'.\n"


def test_options_reach_the_sandbox() -> None:
    """Each one is seen in what is served."""
    options = (
        *("--customers", "5", "--seed", "3", "--latency-ms", "1", "--token-life", "60"),
        *("--limit", "2,1,60", "--assume", "default_page_size=2"),
        *("--fault", "customers:2:html", "--client-id", "me", "--churn", "1"),
    )
    with subprocess.Popen([*COMMAND, *options], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            lines = [process.stdout.readline().strip() for _ in range(4)]
            values = dict(line.split("=", 1) for line in lines[1:])
            url = values["export TAP_YCM_BASE_URL"]
            form = {
                "grant_type": "client_credentials",
                "client_id": values["export TAP_YCM_CLIENT_ID"],
                "client_secret": values["export TAP_YCM_CLIENT_SECRET"],
            }
            token = requests.post(f"{url}/dm/open_api/oauth/token", data=form, timeout=5).json()
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            answers = [requests.get(f"{url}/dm/open_api/v1/customers", headers=headers, timeout=5) for _ in range(4)]
        finally:
            process.terminate()
    assert form["client_id"] == "me"
    assert token["expires_in"] == 59
    assert answers[0].json()["data"]["pageSize"] == 2
    assert answers[1].text.startswith("<!DOCTYPE html>")
    assert answers[2].ok
    assert answers[3].json()["errCode"] == 1000040
