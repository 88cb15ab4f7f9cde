"""Findings on all lists: what is left out, types, orders, which lists the account may read. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_ycm.probe.findings.finding import Finding, found, unclear
from tap_ycm.probe.findings.geometry import ENOUGH, order_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_ycm.probe.seen import ListSeen

__all__ = ["NAMES", "on_lists"]

ORDERS = {"order_dids": "dids", "order_trunk_permissions": "trunk_permissions", "order_groups": "groups"}
NAMES = (*ORDERS, "sort_as", "unset", "trunk_list_as", "did_pbx_as", "duplicates", "denied", "denied_code")
_STORED = ("subscription", "plan_statistics", "remote_connections", "available_trunks")
"""Lists whose rows have a field only sometimes for other reasons, or that have one row."""


def on_lists(lists: Mapping[str, ListSeen], *, no_look_ups: bool) -> list[Finding]:
    """Return what the lists show, each for itself and together.

    Args:
        lists: The streams by name.
        no_look_ups: Whether look-ups are refused: the members of a group come by one.
    """
    return [
        *(_order(name, lists.get(stream)) for name, stream in ORDERS.items()),
        _sort_as(lists),
        _unset(lists),
        _trunk_list_as(lists.get("shared_trunks")),
        _did_pbx_as(lists.get("dids")),
        _duplicates(lists),
        *_denied({name: one for name, one in lists.items() if not (no_look_ups and name == "group_members")}),
    ]


def _order(name: str, listed: ListSeen | None) -> Finding:
    if listed is None or listed.outcome != "read":
        return unclear(name, "the list was not read")
    if len(listed.ids) < ENOUGH:
        return unclear(name, f"the list has fewer than {ENOUGH} rows", listed.seen)
    order = order_of(listed.ids)
    if order is None:
        if listed.again is None:
            return unclear(name, "no request was left for a second look", listed.seen, like="shuffled")
        order = "shuffled" if listed.again == listed.ids else "reshuffled"
    return found(name, order.removesuffix(" as text"), listed.seen)


def _sort_as(lists: Mapping[str, ListSeen]) -> Finding:
    """Look at lists whose ids have different numbers of digits."""
    as_number, as_text = [], []
    for one in lists.values():
        order = order_of(one.ids) if len(one.ids) >= ENOUGH else None
        if order and order.endswith("as text"):
            as_text.append(one.seen)
        elif order and sorted(one.ids) != sorted(one.ids, key=str):
            as_number.append(one.seen)
    if bool(as_number) != bool(as_text):
        return found("sort_as", "text" if as_text else "number", *as_number, *as_text)
    return unclear("sort_as", "lists differ" if as_text else "ids have equally many digits in each sorted list")


def _unset(lists: Mapping[str, ListSeen]) -> Finding:
    listed = [one for one in lists.values() if one.seen and one.ids and one.stream not in _STORED]
    ways = {
        "omit": any(one.fields.left_out for one in listed),
        "null": any(one.fields.null for one in listed),
        "empty": any(one.fields.blank for one in listed),
    }
    seen = [way for way, is_seen in ways.items() if is_seen]
    if len(seen) == 1:
        return found("unset", seen[0], *(one.seen for one in listed[:3]))
    return unclear("unset", f"seen: {', '.join(seen)}" if seen else "no field was without a value")


def _trunk_list_as(listed: ListSeen | None) -> Finding:
    shapes = {"array": "array", "object with list": "object"}
    if listed and listed.shape in shapes:
        return found("trunk_list_as", shapes[listed.shape], listed.seen)
    return unclear("trunk_list_as", "the list of trunks was not read, or has another shape")


def _did_pbx_as(listed: ListSeen | None) -> Finding:
    if listed is None or not listed.ids:
        return unclear("did_pbx_as", "no number was listed")
    if "cloudPbxId" in listed.fields.in_vain:
        return unclear("did_pbx_as", "no number has a PBX", listed.seen)
    others = listed.fields.types.get("cloudPbxId", [])
    if others and others != ["string"]:
        return unclear("did_pbx_as", "it is of several types", listed.seen)
    return found("did_pbx_as", "string" if others else "number", listed.seen)


def _duplicates(lists: Mapping[str, ListSeen]) -> Finding:
    linked = [lists[name] for name in ("cloud_pbx_customers", "cloud_pbx_trunks") if name in lists]
    if any(one.count for one in linked):
        return found("duplicates", any(one.repeated for one in linked), *(one.seen for one in linked))
    return unclear("duplicates", "no link was seen")


def _denied(lists: Mapping[str, ListSeen]) -> list[Finding]:
    refused = [one for one in lists.values() if one.outcome == "refused" and one.seen]
    doubtful = [one.stream for one in lists.values() if one.outcome in {"failed", "unanswered"}]
    names = [one.stream for one in refused]
    if not lists or doubtful:
        why = f"unclear why these failed: {', '.join(doubtful)}" if doubtful else "no list was asked for"
        denied = unclear("denied", why, like=[*names, *doubtful] or None)
    else:
        denied = found("denied", names, *(one.seen for one in refused))
    codes = {one.seen.code for one in refused if one.seen}
    if len(codes) == 1 and codes != {None}:
        return [denied, found("denied_code", codes.pop(), *(one.seen for one in refused))]
    return [denied, unclear("denied_code", "codes differ, or there is none" if refused else "no list was refused")]
