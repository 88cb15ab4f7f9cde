"""From a report to a sandbox: what it takes, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import requests
from harness import CLEAN_ENVIRONMENT
from probing import report_on

from tap_ycm.sandbox import Assumptions, Limit, Sandbox
from tap_ycm.sandbox.__main__ import main
from tap_ycm.sandbox.like import like

if TYPE_CHECKING:
    from pathlib import Path

SEEN = Assumptions(past_end="last", denied=("users",), error_code_field="errno", total_as="string", token_life=900)


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    with Sandbox(customers=140, assumptions=SEEN) as ycm:
        return report_on(ycm)


def test_it_takes_what_the_report_knows_and_leaves_the_rest(made: dict[str, Any]) -> None:
    assumptions, sizes = like(made)
    assert assumptions == SEEN
    assert sizes["customers"] == 140
    assert "users" not in sizes  # nobody may read them


def test_it_takes_a_report_that_is_partial_or_from_another_version(made: dict[str, Any]) -> None:
    fewer = [one for one in made["assumptions"] if one["name"] != "past_end"]
    more = [*fewer, {"name": "something_new", "state": "differs", "value": 1}]
    assert like({**made, "complete": False, "assumptions": more, "sizes": {}})[0] == replace(SEEN, past_end="empty")


def finding(name: str, value: object) -> dict[str, Any]:
    return {"report": 1, "sizes": {}, "assumptions": [{"name": name, "state": "differs", "value": value}]}


def test_it_takes_a_limit_that_was_met() -> None:
    numbers = {"burst": 5, "rate": 5, "interval_seconds": 60, "http_status": 200, "retry_after": None}
    report = {"report": 1, "sizes": {}, "assumptions": [{"name": "limit", "state": "open", "like": numbers}]}
    assert like(report)[0].limit == Limit(5, 5, 60, http_status=200)


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (None, "no report of tap-ycm-probe"),
        ([], "no report of tap-ycm-probe"),
        ({"report": 2, "assumptions": [], "sizes": {}}, "or of another version"),
        ({"report": 1, "assumptions": {}, "sizes": {}}, "no report of tap-ycm-probe"),
        (finding("past_end", "lost"), "past_end is one of empty, last"),
        (finding("max_page_size", -1), "at least 1"),
        (finding("max_page_size", {"a": 1}), "max_page_size is a whole number"),
        (finding("denied", ["nobody"]), "A stream is one of"),
        (finding("error_code_field", "rm -rf"), "error_code_field is no plain word"),
        (finding("limit", {"burst": 1}), "The limit in this report cannot be read"),
        (finding("limit", {"burst": 1, "rate": 5, "interval_seconds": 1}), "A limit needs"),
        ({"report": 1, "assumptions": [], "sizes": {"users": 10**9}}, "sizes in this report"),
        ({"report": 1, "assumptions": [], "sizes": {"users": "many"}}, "sizes in this report"),
    ],
)
def test_a_report_that_cannot_be_is_refused_in_a_sentence(report: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        like(report)
    assert str(caught.value).endswith(".")


def test_the_command_behaves_as_the_report_says_and_other_options_win(made: dict[str, Any], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps(made), encoding="utf-8")
    options = ("--like", str(report), "--assume", "past_end=empty", "--size", "groups=3")
    with subprocess.Popen(
        [sys.executable, "-m", "tap_ycm.sandbox", *options], env=CLEAN_ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            welcome = [process.stdout.readline() for _ in range(4)]
            url = welcome[1].partition("=")[2].strip()
            stats = requests.get(f"{url}/sandbox/stats", timeout=5).json()
            form = {"grant_type": "client_credentials", "client_id": "sandbox-client-id",
                    "client_secret": "sandbox-client-secret"}  # fmt: skip
            token = requests.post(f"{url}/dm/open_api/oauth/token", data=form, timeout=5).json()
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            page = requests.get(f"{url}/dm/open_api/v1/customers?pageNumber=99", headers=headers, timeout=5).json()
        finally:
            process.terminate()
    assert "140 customers" in welcome[0]
    assert stats["tables"]["groups"]["rows"] == 3
    assert token["expires_in"] == 899
    assert page["data"]["list"] == []
    assert page["data"]["total"] == "140"


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_file_that_is_no_report_is_told(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    report.write_text(content, encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        main(("--like", str(report)))
    told = capsys.readouterr()
    assert (caught.value.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert "report" in told.err
