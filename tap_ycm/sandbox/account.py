"""Everything one YCM holds: its tables, what links them, and what is computed from them.

The tables agree with one another whatever changes: who is deleted is in no list of
links and in no other row, and whose name changes is called so everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tap_ycm.sandbox.links import Links
from tap_ycm.sandbox.rows import device, user_subscription
from tap_ycm.sandbox.tables import TABLES, spread
from tap_ycm.sandbox.world import World

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from tap_ycm.sandbox.rows import Row
    from tap_ycm.sandbox.tables import Reference, Table
    from tap_ycm.sandbox.world import Event

__all__ = ["Account"]

_EXPIRY = 1_893_456_000  # Unix seconds; the end of every subscription


class Account(Mapping[str, World]):
    """The stored tables by name. One is made when somebody looks at it first.

    Attributes:
        seed: Decides everything random.
        links: Who belongs to whom.
    """

    def __init__(self, customers: World, *, sizes: Mapping[str, int] | None = None, seed: int = 7) -> None:
        """Prepare the tables.

        Args:
            customers: The customers, who have a lock of their own.
            sizes: How many rows at first of each table; of domains: in each region.
            seed: See the class.

        Raises:
            ValueError: If a size is of no table or below 0.
        """
        self.seed = seed
        self._sizes = dict(sizes or {})
        for name, size in self._sizes.items():
            if name not in TABLES or size < 0:
                msg = f"A size is a number of at least 0 for one of {', '.join(TABLES)}, not {name}={size}."
                raise ValueError(msg)
        self._lock = customers.lock  # one for all, so that a change of several tables is one
        self._worlds = {"customers": customers}
        self._initial = _Initial(self)
        self._present = _Present(self)
        self.links = Links(self, seed, self._initial, self._present)

    def __getitem__(self, name: str) -> World:
        """Return a table."""
        world = self._worlds.get(name)
        if world is None:
            with self._lock:
                world = self._worlds.get(name) or self._made(TABLES[name])
        return world

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a table, without making it."""
        return isinstance(name, str) and name in TABLES

    def __iter__(self) -> Iterator[str]:
        """Name the tables, those that others refer to first."""
        return iter(TABLES)

    def __len__(self) -> int:
        """Return how many tables there are."""
        return len(TABLES)

    def replace_customers(self, customers: World) -> None:
        """Take another list of customers; the links are drawn among them."""
        with self._lock:
            self._worlds["customers"] = customers
            self.links.forget("customers")

    # What is computed from the tables

    def group(self, key: int) -> Row:
        """Return a group with its members.

        Raises:
            KeyError: If there is no such group.
        """
        groups = self["groups"]
        with groups.lock:
            row = groups.row(key)
            made = 1_775_719_421 + key % 1000
            changes = (event.at for event in reversed(groups.history) if event.key == key)
            pbxs = (self["cloud_pbxs"].row(one) for one in self.links.of("group_pbxs", key))
            return {
                "id": row.get("id"),
                "groupName": row.get("groupName"),
                "createTime": made,
                "updateTime": int(next(changes, made + 1310)),
                "selectedDeviceList": [device(self.seed, one) for one in self.links.of("group_devices", key)],
                "selectedPbxList": [
                    {"id": pbx.get("cloudPbxId"), "name": pbx.get("name"), "sn": pbx.get("sn")} for pbx in pbxs
                ],
            }

    def user_subscription(self, key: int) -> Row:
        """Return what a user has subscribed to.

        Raises:
            KeyError: If there is no such user.
        """
        self["users"].row(key)
        return user_subscription(self.seed, key)

    def subscription(self) -> Row:
        """Return the hosting package; the cloud PBXs use what they have (query-the-subscription-…)."""
        capacities = ("extensionCapacity", "concurrentCallCapacity", "recordingCapacity", "transcriptionCapacity")
        pbxs = list(self["cloud_pbxs"].rows())
        used = {name: sum(_number(pbx.get(name)) for pbx in pbxs) for name in capacities}
        used["ultimatePlanCapacity"] = sum(pbx.get("plan") == "Ultimate Plan" for pbx in pbxs)
        total = {name: 100_000 if name != "ultimatePlanCapacity" else 5000 for name in used}
        assigned = ("Extension", "ConcurrentCall", "Recording", "Transcription", "UltimatePlan")
        return {
            "capacity": {
                "total": total,
                "used": used | {f"assignedToReseller{what}Capacity": 100 for what in assigned},
                "available": {name: total[name] - used[name] - 100 for name in used},
            },
            "expirationTime": _EXPIRY,
            "recordingExpireDate": _EXPIRY,
            "highAvailability": "Enabled",
            "whiteLabel": "Subscribed",
        }

    def plan_statistics(self) -> Row:
        """Return how many PBXs and extensions have each plan."""
        numbers = {plan: [0, 0] for plan in ("enterprisePlan", "ultimatePlan")}
        for pbx in self["cloud_pbxs"].rows():
            counts = numbers["ultimatePlan" if pbx.get("plan") == "Ultimate Plan" else "enterprisePlan"]
            counts[0] += 1
            counts[1] += _number(pbx.get("extensionCapacity"))
        return {
            "pbxNumber": {plan: counts[0] for plan, counts in numbers.items()},
            "extensionNumber": {plan: counts[1] for plan, counts in numbers.items()},
        }

    def remote_connections(self) -> Row:
        """Return the connections for remote management; every device in a group has one."""
        groups = self["groups"].ids()
        used = len({one for group in groups for one in self.links.of("group_devices", group)})
        return {
            "connections": {
                "used": used,
                "capacity": 500,
                "assignedToResellerUsed": 3,
                "assignedToResellerCapacity": 50,
            },
            "remoteManagementAccount": {"status": "Subscribed", "expirationTime": _EXPIRY},
            "remoteManagementPremiumAccount": {"status": "Trial", "expirationTime": _EXPIRY},
        }

    def rows(self, name: str) -> Iterable[Row]:
        """Return every row of a stream as it is now.

        Raises:
            KeyError: If there is no such stream.
        """
        computed: dict[str, Callable[[], Iterable[Row]]] = {
            "available_trunks": self._available_trunks,
            "cloud_pbx_customers": lambda: self._children("cloud_pbx_customers", "customerId"),
            "cloud_pbx_trunks": lambda: self._children("cloud_pbx_trunks", "trunkId"),
            "group_members": self._members,
            "user_subscriptions": self._user_subscriptions,
            "subscription": lambda: (self.subscription(),),
            "plan_statistics": lambda: (self.plan_statistics(),),
            "remote_connections": lambda: (self.remote_connections(),),
        }
        return self[name].rows() if name in self else computed[name]()

    def _available_trunks(self) -> Iterator[Row]:
        for row in self["shared_trunks"].rows():
            yield {name: row[name] for name in ("id", "name", "type") if name in row}

    def _user_subscriptions(self) -> Iterator[Row]:
        for key in self["users"].ids():
            yield {"userId": key, **self.user_subscription(key)}

    def _children(self, link: str, child: str) -> Iterator[Row]:
        for parent in self["cloud_pbxs"].ids():
            for one in self.links.of(link, parent):
                yield {"cloudPbxId": parent, child: one}

    def _members(self) -> Iterator[Row]:
        for key in self["groups"].ids():
            group = self.group(key)
            for kind, field in (("device", "selectedDeviceList"), ("cloud_pbx", "selectedPbxList")):
                for one in group[field]:
                    member = {"memberId": one["id"], "name": one["name"], "sn": one["sn"]}
                    yield {"groupId": key, "memberType": kind, **member}

    # The tables

    def _made(self, table: Table) -> World:
        size = self._sizes.get(table.name, table.size)
        if table.ids is not None:
            ids: Iterable[int] = table.ids(self._initial, size)
        else:
            ids = spread(size, self.seed, table.first_id, table.gap)
        world = World(ids, seed=self.seed, table=table, initial=self._initial, present=self._present, lock=self._lock)
        self._worlds[table.name] = world
        world.on_event = lambda event: self._agree(table.name, event)
        return world

    def _agree(self, name: str, event: Event) -> None:
        """Let the other tables follow a change."""
        if event.kind == "create":
            self.links.redraw(name, event.key)
            return
        changed = self[name].row(event.key) if event.kind == "edit" else None
        for table in TABLES.values():
            for reference in table.references:
                if reference.table == name and (changed is None or reference.copies is not None):
                    self._follow(self[table.name], reference, event.key, changed)
        if name == "cloud_pbxs" and event.kind == "delete":
            for group in self["groups"].ids():
                self.links.recount(group)

    @staticmethod
    def _follow(world: World, reference: Reference, key: int, changed: Row | None) -> None:
        """Let the rows follow that refer to an object that changed, or is gone if None."""
        for one in world.ids():
            row = world.row(one)
            if not reference.holds(row, key):
                continue
            if changed is None and reference.owned:
                world.delete(one)
                continue
            fields = reference.without(row, key) if changed is None else reference.refreshed(row, key, changed)
            if fields:
                world.edit(one, **fields)


class _Initial:
    """The tables as they were at first."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def ids(self, table: str) -> array[int]:
        return self._account[table].first_ids()

    def row(self, table: str, key: int) -> Row:
        return self._account[table].first_row(key)


class _Present:
    """The tables as they are now."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def ids(self, table: str) -> list[int]:
        return self._account[table].ids()

    def row(self, table: str, key: int) -> Row:
        return self._account[table].row(key)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
