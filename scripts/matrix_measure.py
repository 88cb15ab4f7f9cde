"""Runs the tap into a target, and holds what is there then against the customers of the sandbox."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml
from matrix_compare import KEY, MARK, differences, fate, newest
from matrix_customers import customers, delete, difficult_customers, edit_some
from matrix_targets import in_environment_of
from meltano_project import REPOSITORY, MeltanoProject

from tap_ycm.sandbox import Sandbox
from tap_ycm.sandbox.world import FIELDS

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from matrix_targets import Place, Row, Target

__all__ = ["Measured", "measure"]

_NAMES = {name.lower(): name for name in (*FIELDS, MARK)}  # databases may change upper and lower case
_EMPTY_TEXT = {"null arrives as `''`", "`''` arrives as null"}
_FEW_REQUESTS = 15  # of 27, for a token and all pages

_FATES = {
    # What became of customers who were gone in a run that told the target so, and in a run that did not.
    ("marked", "stay"): f"marked in `{MARK}`",
    ("removed", "stay"): "deleted",
    ("removed", "removed"): "not in the file: each run overwrites it",
    ("stay", "stay"): "stay",
}


@dataclass(frozen=True)
class Measured:
    """What was measured of one target.

    Attributes:
        name: The target.
        version: What is installed.
        differences: How its rows differ from the customers of YCM, in words.
        fates: What becomes of customers who are gone; a second one is that with ``hard_delete``.
        caveats: What else to mind, in words.
    """

    name: str
    version: str
    differences: tuple[str, ...]
    fates: tuple[str, ...]
    caveats: tuple[str, ...]

    @property
    def exact(self) -> str:
        """Whether the rows are exact."""
        if not self.differences:
            return "yes"
        return "but for empty text" if _EMPTY_TEXT.issuperset(self.differences) else "no"

    @property
    def deletes(self) -> str:
        """What becomes of customers who are gone, with and without ``hard_delete``."""
        plain, *hard = self.fates
        if not hard:
            return plain
        return f"{plain}, also with `hard_delete`" if hard == [plain] else f"{plain}; with `hard_delete` {hard[0]}"

    @property
    def line(self) -> str:
        """The line of the table."""
        mind = "; ".join((*self.differences, *self.caveats))
        return f"| `{self.name}` | {self.version} | {self.exact} | {self.deletes} | {mind} |"


def measure(target: Target, folder: Path) -> Measured:
    """Measure a target by real runs of Meltano in an empty folder."""
    with _pipeline(target, folder / "plain") as plain:
        told = plain.load_and_change()
        untold = plain.fail_and_go_on()
    fates, differences, caveats = [_words(told, untold)], plain.differences, plain.caveats
    if target.has_hard_delete:
        with _pipeline(target, folder / "hard_delete", hard_delete=True) as hard:
            fates.append(_words(hard.load_and_change(), untold))
        differences |= hard.differences
        caveats |= hard.caveats
    return Measured(target.name, _version(target.name), tuple(differences), tuple(fates), tuple(caveats))


@contextmanager
def _pipeline(target: Target, folder: Path, **more: object) -> Generator[_Pipeline, None, None]:
    project = MeltanoProject(folder / "project", target.name)
    loader = next(plugin for plugin in project.content["plugins"]["loaders"] if plugin["name"] == target.name)
    (store := folder / "store").mkdir(mode=0o700)
    with target.place(store) as place, Sandbox(difficult_customers()) as ycm:
        loader["config"] = {**place.settings, **more}
        yield _Pipeline(target.name, project, place, ycm)


@dataclass
class _Pipeline:
    """From a sandbox into a target, and what was noticed; the dictionaries are sets that keep their order."""

    name: str
    project: MeltanoProject
    place: Place
    ycm: Sandbox
    differences: dict[str, None] = field(default_factory=dict)
    caveats: dict[str, None] = field(default_factory=dict)

    def load_and_change(self) -> str:
        """Load, change the list, load again; return what became of those who were gone by then."""
        world = self.ycm.world
        self.differences |= dict.fromkeys(differences(customers(world), self.rows_after_run(tell=True)))
        ids = world.ids()
        edit_some(world)
        gone = delete(world, ids[0], ids[20], ids[-20], ids[-3], ids[-1])
        rows = self.rows_after_run(tell=True)
        self.differences |= dict.fromkeys(differences(customers(world), rows, gone))
        if max(Counter(row[KEY] for row in rows).values()) > 1:
            self.caveats["each run appends every customer: the newest row of each counts"] = None
        return fate(gone, rows)

    def fail_and_go_on(self) -> str:
        """Run into a fault, run again; return what became of those who were gone, of which the target was not told."""
        ids = self.ycm.world.ids()
        gone = delete(self.ycm.world, ids[1], ids[-60])
        lasting = set(self.ycm.world.ids()) & newest(self.place_rows()).keys()
        if lasting - newest(self.rows_after_failure()).keys():
            self.caveats["a failed run leaves only the customers it had read"] = None
        self.ycm.reset_log()
        rows = self.rows_after_run(tell=False)
        if len(self.ycm.requests) > _FEW_REQUESTS:
            message = f"{self.name}: the run after the one that failed was expected to go on from there"
            raise AssertionError(message)
        if lasting - newest(rows).keys():
            self.rows_after_failure()
            anew = newest(self.rows_after_run(tell=False, TAP_YCM_RESUME_MAX_AGE="0"))
            helps = lasting <= anew.keys()
            caveat = "the next one resumes and leaves only the rest"
            self.caveats[caveat + ", unless the tap's `resume_max_age` is 0" * helps] = None
        return fate(gone, rows)

    def rows_after_failure(self) -> list[Row]:
        """Run into a fault near the end of the scan, and return the rows."""
        self.ycm.faults.add("customers:24:http=503")
        return self.rows_after_run(tell=False, works=False)

    def rows_after_run(self, *, tell: bool, works: bool = True, **environment: str) -> list[Row]:
        """Run Meltano and return the rows; ``tell`` decides whether the target is told of those who are gone."""
        environment = {
            "TAP_YCM_EMIT_ACTIVATE_VERSION_MESSAGES": str(tell).lower(),
            "TAP_YCM_RETRY_BUDGET": "0",
            **environment,
            **self.place.environment,
        }
        run = self.project.meltano("run", "tap-ycm", self.name, ycm=self.ycm, **environment)
        if (run.returncode == 0) != works:
            message = f"{self.name} was expected to {'work' if works else 'fail'}:\n{run.stdout}{run.stderr}"
            raise AssertionError(message)
        return self.place_rows()

    def place_rows(self) -> list[Row]:
        """Return the rows, their columns named as in YCM."""
        rows = self.place.read("customers")
        if rows and KEY not in rows[0]:
            name = next(name for name in rows[0] if name.lower() == KEY.lower())
            self.caveats[f"columns have names like `{name}`"] = None
        return [{_NAMES.get(name.lower(), name): value for name, value in row.items()} for row in rows]


def _words(told: str, untold: str) -> str:
    return _FATES.get((told, untold), f"{told}, but {untold} when the target is not told")


def _version(name: str) -> str:
    """Return what is installed of the requirements of a loader."""
    plugins = yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8"))["plugins"]
    requirements = next(plugin["pip_url"] for plugin in plugins["loaders"] if plugin["name"] == name).split()
    packages = [re.split(r"[^\w.-]", requirement)[0] for requirement in requirements]
    code = "import json, sys, importlib.metadata as m; print(json.dumps([m.version(name) for name in sys.argv[1:]]))"
    versions = in_environment_of(name, code, *packages)
    return ", ".join(f"{package} {version}" for package, version in zip(packages, versions, strict=True))
