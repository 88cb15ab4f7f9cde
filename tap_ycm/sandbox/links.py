"""Who belongs to whom: the customers and trunks of a cloud PBX, the members of a group.

Links that nobody touched are not stored: they are drawn from the seed and the
parent's id, among the rows that existed at first. Whoever is deleted is linked no
more, not even when another row gets the same id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tap_ycm.sandbox.rows import draw_devices, draw_pbxs
from tap_ycm.sandbox.texts import Draw

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_ycm.sandbox.rows import Sources
    from tap_ycm.sandbox.world import World

__all__ = ["LINKS", "Link", "Links"]


class Link(NamedTuple):
    """A kind of link: from which table to which; devices are no table."""

    parent: str
    child: str | None


LINKS = {
    "cloud_pbx_customers": Link("cloud_pbxs", "customers"),
    "cloud_pbx_trunks": Link("cloud_pbxs", "shared_trunks"),
    "group_pbxs": Link("groups", "cloud_pbxs"),
    "group_devices": Link("groups", None),
}
"""Every kind of link by its name."""


class Links:
    """The links between the tables of an account."""

    def __init__(self, tables: Mapping[str, World], seed: int, initial: Sources, present: Sources) -> None:
        """Link tables; `initial` and `present` tell their ids at first and now."""
        self._tables = tables
        self._seed = seed
        self._initial = initial
        self._present = present
        # link and parent -> each member with the version of its table since when it is one
        self._stored: dict[tuple[str, int], list[tuple[int, int]]] = {}

    def of(self, link: str, parent: int) -> list[int]:
        """Return whom a parent has, of those who live.

        Raises:
            KeyError: If there is no such parent.
        """
        kind = LINKS[link]
        owner = self._tables[kind.parent]
        with owner.lock:
            if parent not in owner:
                raise KeyError(parent)
            members = self._stored.get((link, parent))
            if members is None:
                members = [(one, 0) for one in self._drawn(link, parent, self._initial)]
            if kind.child is None:
                return [one for one, _ in members]
            child = self._tables[kind.child]
            return [one for one, since in members if child.lives_since(one, since)]

    def put(self, link: str, parent: int, members: Iterable[int]) -> None:
        """Say whom a parent has; who does not exist is not served."""
        kind = LINKS[link]
        with self._tables[kind.parent].lock:
            since = 0 if kind.child is None else self._tables[kind.child].seq
            self._stored[link, parent] = [(one, since) for one in members]
            if kind.parent == "groups":
                self.recount(parent)

    def redraw(self, table: str, parent: int, again: str = "") -> None:
        """Link a parent with some of those who exist now; `again` makes the choice another one."""
        for link, kind in LINKS.items():
            if kind.parent == table:
                self.put(link, parent, self._drawn(link, parent, self._present, again))

    def forget(self, table: str) -> None:
        """Draw anew who of a table is linked, as when the table is another."""
        for key in [key for key in self._stored if LINKS[key[0]].child == table]:
            del self._stored[key]

    def recount(self, group: int) -> None:
        """Make a group's number of devices that of its members."""
        groups = self._tables["groups"]
        if group in groups:
            number = len(self.of("group_pbxs", group)) + len(self.of("group_devices", group))
            if groups.row(group).get("deviceNumber") != number:
                groups.edit(group, deviceNumber=number)

    def _drawn(self, link: str, parent: int, sources: Sources, again: str = "") -> Sequence[int]:
        if LINKS[link].parent == "groups":
            draw = Draw(f"{self._seed}:groups:{parent}{again}")  # as the group's row is drawn, which tells how many
            devices = draw_devices(draw, parent)
            return devices if link == "group_devices" else draw_pbxs(draw, sources.ids("cloud_pbxs"))
        draw = Draw(f"{self._seed}:{link}:{parent}{again}")
        return draw.some(sources.ids(LINKS[link].child or ""), 3)
