"""Measures one command: ``python -I -S stopwatch.py FILE COMMAND ...``.

Appends a line of JSON to the file: wall and CPU seconds (of the command and all children it waited for), the peak
memory of its largest process in MB. Input and output go through untouched, and so does the exit status.

A process of its own because the system counts a new process's peak memory from that of who started it: this one is
smaller than whatever it measures, which the benchmark itself is not. So nothing is imported that is not needed.
"""

import json
import os
import sys
import time


def measure(command: list[str]) -> dict[str, float]:
    """Run a command and return what it took."""
    began = time.monotonic()
    process = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(process, 0)
    return {
        "wall": time.monotonic() - began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "megabytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6,
        "status": os.waitstatus_to_exitcode(status),
    }


if __name__ == "__main__":
    measured = measure(sys.argv[2:])
    with open(sys.argv[1], "a", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is a megabyte
        file.write(json.dumps(measured) + "\n")
    sys.exit(int(measured["status"]) & 0xFF)
