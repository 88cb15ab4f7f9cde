"""Where in an answer's ``data`` the rows are: small functions for the table of streams. None: it is not so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tap_ycm.http.answers import Extract

__all__ = ["array_in", "ids_in", "members_in", "the_object"]


def the_object(data: Any) -> list[Any] | None:
    """Return the one object that ``data`` is."""
    return [data] if isinstance(data, dict) else None


def array_in(*fields: str) -> Extract:
    """Return what finds an array of objects: ``data`` itself, or one of its fields, for the vendor's pages say both."""

    def rows(data: Any) -> list[Any] | None:
        found = data
        if isinstance(data, dict):
            found = next((data[name] for name in (*fields, "list") if name in data), None)
        return found if isinstance(found, list) else None

    return rows


def ids_in(field: str, column: str) -> Extract:
    """Return what finds an array of ids, and makes a row with one column of each."""

    def rows(data: Any) -> list[Any] | None:
        if not isinstance(data, dict) or (field not in data and len(data) > 1):
            return None
        found = data.get(field)
        if found is None:  # YCM leaves out what is not set
            return []
        return [{column: one} for one in found] if isinstance(found, list) else None

    return rows


def members_in(**fields: str) -> Extract:
    """Return what finds the members of a group: arrays of objects, and the type of the members of each.

    An array that the answer leaves out has no members, as YCM leaves out what is not set.
    """

    def rows(data: Any) -> list[Any] | None:
        if not isinstance(data, dict) or not {"id", *fields} & data.keys():
            return None
        found: list[Any] = []
        for field, kind in fields.items():
            members = [] if data.get(field) is None else data[field]
            if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
                return None
            for member in members:
                rest = {name: value for name, value in member.items() if name != "id"}
                found.append({"memberType": kind, "memberId": member.get("id"), **rest})
        return found

    return rows
