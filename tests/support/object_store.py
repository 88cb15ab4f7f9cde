"""An S3 of the tests' own, on a loopback port."""

from __future__ import annotations

import re
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests
from meltano_project import installed

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def moto_server(*buckets: str) -> Iterator[str]:
    """Start moto's server with these buckets, empty; yields its address."""
    command = [installed("moto[server,s3]", "moto_server"), "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            said = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stderr)
            address = next(found[0] for found in said if found)
            for bucket in buckets:
                requests.put(f"{address}/{bucket}", timeout=30).raise_for_status()
            yield address
        finally:
            process.terminate()
