"""What a healthy YCM answers at each endpoint, or a broken one as assumed."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tap_ycm.sandbox import asked
from tap_ycm.sandbox.answers import (
    RefusedError,
    list_answer,
    not_found_answer,
    object_answer,
    page_answer,
    row_answer,
    web_page,
)
from tap_ycm.sandbox.errors import INVALID_PARAMETER, PERMISSION_DENIED
from tap_ycm.sandbox.lists import Pages, look_up, whole
from tap_ycm.sandbox.tables import TABLES
from tap_ycm.sandbox.world import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_ycm.sandbox.account import Account
    from tap_ycm.sandbox.answers import Answer, Call
    from tap_ycm.sandbox.endpoints import Endpoint
    from tap_ycm.sandbox.rows import Row
    from tap_ycm.sandbox.tables import Table

__all__ = ["Service"]


class Service:
    """Reads requests, and answers them from the state of an account."""

    def __init__(self, account: Account) -> None:
        """Serve an account."""
        self._account = account
        self._pages: defaultdict[str, Pages] = defaultdict(Pages)

    def prepare(self, call: Call, endpoint: Endpoint) -> Callable[[], Answer]:
        """Read a request; the state is read when what this returns is called.

        Raises:
            RefusedError: If YCM would not answer it.
        """
        kinds: dict[str, Callable[[Call, Endpoint], Callable[[], Answer]]] = {
            "pages": self._page,
            "list": self._list,
            "single": self._single,
            "links": self._links,
            "subscription": self._subscription,
            "snapshot": self._snapshot,
        }
        return kinds[endpoint.kind](call, endpoint)

    def _page(self, call: Call, endpoint: Endpoint) -> Callable[[], Answer]:
        assumed, table = call.assumptions, TABLES[endpoint.name]
        number = asked.whole(call, "pageNumber", 1)
        asked_size = asked.whole(call, "pageSize", assumed.default_page_size)
        size = min(asked_size, assumed.max_page_size)
        if size < asked_size and assumed.over_max == "refuse":
            raise RefusedError(INVALID_PARAMETER, "pageSize is above the maximum")
        sort = asked.sort(call, table)

        def read() -> Answer:
            world = self._account[table.name]
            served, cut = self._pages[table.name].cut(world, assumed, call.n, number, size, sort)
            cut = replace(cut, rows=tuple(self._shown(call, table, row) for row in cut.rows))
            shown_number = number if assumed.echo_page == "asked" else served
            shown_size = asked_size if assumed.over_max == "echo_asked" else size
            return page_answer(call, table, cut, shown_number, shown_size)

        return read

    def _list(self, call: Call, endpoint: Endpoint) -> Callable[[], Answer]:
        table = TABLES[endpoint.table or endpoint.name]
        if endpoint.name == "firmware_versions":
            asked.required(call.request.query, "type")
        regions = asked.regions(call, needed=endpoint.name == "domains")
        sort = asked.order(call, table)

        def read() -> Answer:
            cut = whole(self._account[table.name], call.assumptions, call.n, sort)
            told = list(zip(cut.ids, cut.rows, strict=True))
            if endpoint.name == "available_trunks":
                told = [(key, _named(row)) for key, row in told]
            elif regions is not None and endpoint.name in ("domains", "firmware_versions"):
                told = [(key, row) for key, row in told if regions & _regions(row)]
            within = table.within if endpoint.name == table.name else None
            if endpoint.name == "shared_trunks" and call.assumptions.trunk_list_as == "object":
                within = "list"
            cut = replace(cut, ids=tuple(key for key, _ in told), rows=tuple(row for _, row in told))
            return list_answer(call, table, cut, within)

        return read

    def _single(self, call: Call, endpoint: Endpoint) -> Callable[[], Answer]:
        assumed, table = call.assumptions, TABLES[endpoint.table or ""]

        def read() -> Answer:
            if assumed.look_up == "not_permitted":
                raise RefusedError(PERMISSION_DENIED, "PERMISSION_DENIED")
            if assumed.look_up == "html_404":
                return web_page(404)
            with self._account[table.name].lock:
                found = look_up(self._account[table.name], assumed, call.key)
                if found is None or assumed.look_up == "not_found":
                    return not_found_answer(call)
                seq, key, row = found
                if table.name == "groups" and key in self._account["groups"]:
                    row = self._account.group(key)
            if table.name == "users":
                row.pop("twoFactorAuthenticationEnable", None)  # only the list has it
            return row_answer(call, table, seq, key, self._shown(call, table, encode(row)))

        return read

    def _links(self, call: Call, endpoint: Endpoint) -> Callable[[], Answer]:
        if endpoint.query is not None:
            asked.required(call.request.query, endpoint.query)

        def of(parent: int) -> Answer:
            ids = self._account.links.of(endpoint.name, parent)
            data = ids + ids[::2] if call.assumptions.duplicates else ids
            return object_answer(call, {endpoint.field: data}, tuple(data))

        return self._child(call, of)

    def _subscription(self, call: Call, _endpoint: Endpoint) -> Callable[[], Answer]:
        def of(parent: int) -> Answer:
            return object_answer(call, self._account.user_subscription(parent), (parent,))

        return self._child(call, of)

    @staticmethod
    def _child(call: Call, of: Callable[[int], Answer]) -> Callable[[], Answer]:
        def read() -> Answer:
            try:
                parent = call.parent
                return not_found_answer(call) if parent is None else of(parent)
            except KeyError:
                return not_found_answer(call)

        return read

    def _snapshot(self, call: Call, endpoint: Endpoint) -> Callable[[], Answer]:
        def read() -> Answer:
            (row,) = self._account.rows(endpoint.name)
            return object_answer(call, row, ())

        return read

    @staticmethod
    def _shown(call: Call, table: Table, row: bytes) -> bytes:
        """Return a row as the assumptions have its ids."""
        if table.name != "dids" or call.assumptions.did_pbx_as == "string":
            return row
        value = json.loads(row)
        if str(value.get("cloudPbxId")).isdecimal():
            value["cloudPbxId"] = int(value["cloudPbxId"])
        return encode(value)


def _named(row: bytes) -> bytes:
    """Tell of a trunk what the list of available ones tells."""
    trunk: Row = json.loads(row)
    return encode({name: trunk[name] for name in ("id", "name", "type") if name in trunk})


def _regions(row: bytes) -> set[Any]:
    value: Row = json.loads(row)
    found = value.get("regionIds", [value.get("regionId")])
    return set(found) if isinstance(found, list) else set()
