"""What was measured, as Markdown. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Goal", "Table", "goals_table", "highlights_table", "marked", "with_marked"]

_MARKED = re.compile(r"(?<=^<!-- benchmark -->\n).*?(?=\n<!-- /benchmark -->$)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Table:
    """A table; its first column is text, the others are numbers."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        """Return it as Markdown, without title and note."""
        lines = [self.header, ["---", *["---:"] * (len(self.header) - 1)], *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def section(self) -> str:
        """Return it as Markdown, with title and note."""
        return "\n\n".join(text for text in (f"### {self.title}", self.markdown(), self.note) if text)


@dataclass(frozen=True)
class Goal:
    """What is to be reached, what was reached, and whether that is enough."""

    what: str
    wanted: str
    reached: str
    met: bool

    @classmethod
    def at_most(cls, wanted: float, reached: float, what: str) -> Self:
        """Make a goal of a ratio, judged as it is shown: with two decimals."""
        return cls(what, f"≤ {wanted:.2f}", f"{reached:.2f}", met=round(reached, 2) <= wanted)


def goals_table(goals: Iterable[Goal]) -> str:
    """Return the goals as Markdown."""
    rows = [(goal.what, goal.wanted, goal.reached, "met" if goal.met else "**not met**") for goal in goals]
    return Table("", ("goal", "wanted", "measured", ""), rows).markdown()


def highlights_table(names: Iterable[str], highlights: Mapping[str, Mapping[str, str]]) -> str:
    """Return one line for each client with its cell of each column, empty where there is none."""
    rows = [(name, *(cells.get(name, "") for cells in highlights.values())) for name in names]
    return Table("", ("client", *highlights), rows).markdown()


def marked(text: str) -> str:
    """Return what stands between the marks.

    Raises:
        ValueError: There are no marks, or more than two.
    """
    found = _MARKED.findall(text)
    if len(found) != 1:
        problem = "README.md must have the lines <!-- benchmark --> and <!-- /benchmark -->, once each"
        raise ValueError(problem)
    return str(found[0])


def with_marked(text: str, new: str) -> str:
    """Return the text with something else between the marks."""
    return _MARKED.sub(lambda _: new, text)
