"""The wheel: what is in it, and that it works where no source is."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from operator import attrgetter
from pathlib import Path

import pytest
from harness import CLEAN_ENVIRONMENT, discovered

from tap_ycm.streams import STREAMS, SYNCS

PROJECT = Path(__file__).parents[1]


def sources() -> list[Path]:
    """Return the project's files, those not committed yet included, ignored ones left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=PROJECT, capture_output=True, check=True, text=True).stdout.splitlines()
    return [Path(name) for name in names if (PROJECT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel through the sdist, as a release does, from a copy without git."""
    copy, dist = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for path in sources():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes((PROJECT / path).read_bytes())
    subprocess.run(["uv", "build", "--quiet", "--out-dir", dist, copy], check=True)
    return next(dist.glob("*.whl"))


def test_the_wheel_holds_the_package_and_the_schemas_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = next(name for name in archive.namelist() if name.endswith("METADATA"))
        assert b"Name: tap-ycm\nVersion: 0.1.0.dev0\n" in archive.read(metadata)  # the fallback: there was no git
    expected = {path.as_posix() for path in sources() if path.parts[0] == "tap_ycm"}
    expected |= {f"tap_ycm/{path.as_posix()}" for path in sources() if path.parts[0] == "schemas"}
    assert names == expected


def test_the_installed_wheel_discovers_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    environment, empty = tmp_path / "environment", tmp_path / "empty"
    empty.mkdir()
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, environment], check=True)
    install = ["uv", "pip", "install", "--quiet", "--python", str(environment)]
    subprocess.run([*install, "-c", str(PROJECT / "constraints.txt"), str(wheel)], check=True)
    for command in ("--discover", "--version"):
        process = subprocess.run(
            [environment / "bin" / "tap-ycm", command],
            cwd=empty,
            env=CLEAN_ENVIRONMENT,
            capture_output=True,
            check=True,
            text=True,
        )
        if command == "--discover":
            streams = json.loads(process.stdout)["streams"]
            assert streams == [discovered(kind.name) for kind in sorted([*STREAMS, SYNCS], key=attrgetter("name"))]
    source = subprocess.run(
        [environment / "bin" / "source-ycm", "spec"], cwd=empty, capture_output=True, check=True, text=True
    )
    assert json.loads(source.stdout)["type"] == "SPEC"
    assert not list(empty.iterdir())
    sandbox = subprocess.run(
        [environment / "bin" / "tap-ycm-sandbox"], cwd=empty, capture_output=True, check=False, text=True
    )
    assert sandbox.returncode == 1
    assert "tap-ycm[sandbox]" in sandbox.stderr  # the extra is not installed, and the command says so
