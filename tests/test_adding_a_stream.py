"""What CONTRIBUTING says about adding a stream, done to the letter in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from harness import CLEAN_ENVIRONMENT
from test_packaging import PROJECT, sources

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA, ENTRY, TABLE, ROW = (
    "schemas/tariffs.json",
    "tap_ycm/streams.py",
    "tap_ycm/sandbox/tables.py",
    "tap_ycm/sandbox/rows.py",
)
CLOSING = {ENTRY: ')\n"""Every stream of the tap."""', TABLE: '    )\n}\n"""Every stored table'}
"""What the addition stands before; it is the end of the file where nothing is said."""

RUN = """\
import json, os, subprocess, sys
from tap_ycm.sandbox import Sandbox

with Sandbox(customers=3) as ycm:
    credentials = {"BASE_URL": ycm.url, "CLIENT_ID": ycm.client_id, "CLIENT_SECRET": ycm.client_secret}
    given = {**os.environ, **{f"TAP_YCM_{name}": value for name, value in credentials.items()}}
    subprocess.run([sys.executable, "-m", "tap_ycm", "--config=ENV"], env=given, check=True)
    print(json.dumps({"type": "TRUTH", "rows": list(ycm.tables.rows("tariffs"))}))
"""


@dataclass(frozen=True)
class Copy:
    """A copy of the project, which programs use in place of this one."""

    folder: Path

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        folders = (self.folder, *(self.folder / name for name in ("scripts", "tests/support", "tools")))
        path = os.pathsep.join(map(str, folders))
        process = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**CLEAN_ENVIRONMENT, "PYTHONPATH": path},
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process

    def text(self, path: str) -> str:
        return (self.folder / path).read_text(encoding="utf-8")


def additions() -> dict[str, str]:
    """Return what CONTRIBUTING tells to add to which file, as it stands there."""
    text = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Adding a stream\n")[2].partition("\n## ")[0]
    steps = re.findall(r"^\d\. (.*?)\n\n   ```\w+\n(.*?)   ```$", section, re.MULTILINE | re.DOTALL)
    return {re.findall(r"`([\w/]+\.\w+)`", words)[-1]: textwrap.dedent(f"   |\n{block}")[2:] for words, block in steps}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    folder = tmp_path_factory.mktemp("project")
    for path in sources():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes((PROJECT / path).read_bytes())
    for name, addition in additions().items():
        file = folder / name
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        place = before.index(CLOSING[name]) if name in CLOSING else len(before)
        file.write_text(before[:place] + addition + before[place:], encoding="utf-8")
    return Copy(folder)


def test_a_stream_takes_a_schema_an_entry_and_a_table_and_few_lines() -> None:
    assert list(additions()) == [SCHEMA, ENTRY, TABLE, ROW]
    assert sum(len(addition.splitlines()) for addition in additions().values()) < 40


def test_the_tap_reads_it_and_the_sandbox_serves_it(copy: Copy) -> None:
    process = copy.python("-c", RUN)
    messages: list[dict[str, Any]] = [json.loads(line) for line in process.stdout.splitlines()]
    records = [one["record"] for one in messages if one["type"] == "RECORD" and one["stream"] == "tariffs"]
    (truth,) = [one["rows"] for one in messages if one["type"] == "TRUTH"]
    assert len(truth) == 60
    assert sorted(records, key=lambda record: record["tariffId"]) == truth
    assert "tariffs: complete; 60 read (YCM's total: 60), 60 new, 0 deleted; counted; " in process.stderr


def test_it_is_described_and_keeps_the_rules(copy: Copy) -> None:
    copy.python("scripts/generate.py")
    assert "| [`tariffs`](docs/tables.md#tariffs) | unsorted pages | tariffId | complete reading |  |" in copy.text(
        "README.md"
    )
    assert "\n## tariffs\n" in copy.text("docs/tables.md")
    assert "\n        - tariffs.name\n" in copy.text("examples/privacy/meltano.yml")
    assert "`tariffs`" in copy.text("hub/tap-ycm.yml")
    assert "'tariffId', 'bigint'" in copy.text("examples/dbt/models/staging/stg_ycm__tariffs.sql")
    rules = (
        "--noconftest",
        "-c",
        os.devnull,
        "--rootdir",
        str(copy.folder),
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    )
    process = copy.python("-m", "pytest", "-q", *rules, "-k", "not meltano", "tests/test_stream_table.py")
    assert " passed" in process.stdout
