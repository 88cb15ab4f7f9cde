"""What is compared, in which versions; each in an environment of its own, made once and kept in ``.benchmarks/``."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["KEPT", "PINS", "PROJECT", "program"]

PROJECT: Final = Path(__file__).resolve().parents[1]
KEPT: Final = PROJECT / ".benchmarks"

PINS: Final = {
    "floor": ("requests==2.34.2", "orjson==3.13.0"),
    "tap-rest-api-msdk": ("tap-rest-api-msdk==1.4.2", "setuptools==80.9.0"),  # the last with pkg_resources: it asks
    "airbyte-cdk": ("airbyte-cdk==7.39.1",),
    "dlt": ("dlt==1.31.0",),
    # tap-ycm as it is in this folder, with what the project's tests pin; the plain SDK tap runs there too.
    "taps": ("--constraint", str(PROJECT / "constraints.txt"), "--editable", str(PROJECT)),
}


@cache
def program(environment: str, name: str) -> str:
    """Return the path of a program in an environment, which is made if it is not there."""
    folder = KEPT / f"{environment}-{_fingerprint(environment)}"
    complete = folder / "complete"
    if not complete.exists():
        print(f"installing {environment} ...", file=sys.stderr, flush=True)
        for old in KEPT.glob(f"{environment}-????????"):  # half made, or of other versions
            shutil.rmtree(old)
        # The same Python for all, or Pythons would be compared.
        subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, folder], check=True)
        install = ["uv", "pip", "install", "--quiet", "--python", str(folder)]
        subprocess.run([*install, *PINS[environment]], check=True)
        complete.touch()
    return str(folder / "bin" / name)


def _fingerprint(environment: str) -> str:
    asked = [sys.version, *PINS[environment]]
    if environment == "taps":
        asked += [(PROJECT / name).read_text(encoding="utf-8") for name in ("constraints.txt", "pyproject.toml")]
    return hashlib.sha256("\n".join(asked).encode()).hexdigest()[:8]
