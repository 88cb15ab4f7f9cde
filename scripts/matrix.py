"""The table of targets, measured; started by ``scripts/matrix``."""

from __future__ import annotations

import argparse
import atexit
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from matrix_measure import measure
from matrix_targets import TARGETS, Target

__all__ = ["README", "table_in", "table_of", "with_table"]

README = Path(__file__).resolve().parents[1] / "README.md"

_HEAD = ("| target | version | rows exact | deleted customers | notes |", "| --- | --- | --- | --- | --- |")
_TABLE = re.compile(r"(?<=^<!-- matrix -->\n).*?(?=\n<!-- /matrix -->$)", re.MULTILINE | re.DOTALL)


def table_of(lines: list[str]) -> str:
    """Return the table with a line for each target."""
    return "\n".join([*_HEAD, *lines])


def table_in(readme: str) -> str:
    """Return the table that is in the text of the README.

    Raises:
        ValueError: There is no place for it, or more than one.
    """
    tables = _TABLE.findall(readme)
    if len(tables) != 1:
        problem = "README.md must have the lines <!-- matrix --> and <!-- /matrix -->, once each"
        raise ValueError(problem)
    return str(tables[0])


def with_table(readme: str, table: str) -> str:
    """Return the text of the README with another table."""
    return _TABLE.sub(lambda _: table, readme)


def main() -> int:
    """Measure, print, and write if asked; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="scripts/matrix",
        description="Measures what each target makes of the customers and of those who are gone, and prints a table.",
    )
    known = {target.name: target for target in TARGETS}
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"only these: {', '.join(known)}")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    if unknown := set(options.targets) - known.keys():
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    if options.write and options.targets:
        parser.error("--write needs all targets")
    if options.write:
        table_in(README.read_text(encoding="utf-8"))  # complains before minutes are spent

    folder = tempfile.mkdtemp(prefix="tap-ycm-matrix-")
    atexit.register(shutil.rmtree, folder)  # at the very end: the embedded PostgreSQL writes a last file when it exits
    with ThreadPoolExecutor(2) as pool:

        def line(target: Target) -> str:
            print(f"{target.name} ...", file=sys.stderr, flush=True)
            return measure(target, Path(folder) / target.name).line

        table = table_of(list(pool.map(line, [known[name] for name in options.targets] or TARGETS)))
    print(table)
    if options.write:
        README.write_text(with_table(README.read_text(encoding="utf-8"), table), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
