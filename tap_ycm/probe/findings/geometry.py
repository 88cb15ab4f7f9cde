"""How the pages of one list lie: in which order, where they begin and end, which rows are in none. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_ycm.probe.seen import Deep

__all__ = ["ENOUGH", "Geometry", "geometry", "order_of"]

ENOUGH = 5
"""Rows that show an order; fewer may be in it by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """What pages tell of each other; None where they do not tell.

    Attributes:
        sorts: Whether the list is sorted as asked.
        as_text: Whether keys are sorted as text; None if that is no difference here.
        is_stable: Whether the same request shows the same rows in the same order.
        default_order: The order without sort; ``shuffled`` and ``reshuffled`` need a second look.
        obeys_numbers: Whether a page of another number is another page.
        offset: How many pages further down the first page begins; -1 if it is unclear how many.
        gap: Rows between two pages that are on neither; below 0: on both.
        served: The largest number of rows that a page holds, if that is less than were asked for.
        short_by: Rows that a page lacks at its end.
        short_pages: The numbers of those pages; empty if it is all.
        window: Number of rows after which nothing is served.
        rows: How many rows there are, if all of them were read.
        is_odd: Whether something is not as documented, or a row that came or went meanwhile.
    """

    sorts: bool | None = None
    as_text: bool | None = None
    is_stable: bool = False
    default_order: str | None = None
    obeys_numbers: bool | None = None
    offset: int | None = None
    gap: int | None = None
    served: int | None = None
    short_by: int | None = None
    short_pages: tuple[int, ...] = ()
    window: int | None = None
    rows: int | None = None
    is_odd: bool = False

    @property
    def order_is_unclear(self) -> bool:
        """Whether a second look at the order without sort helps."""
        return self.default_order is None

    @property
    def start_is_unclear(self) -> bool:
        """Whether a first page of another size helps."""
        return self.is_stable and self.offset is None

    @property
    def starts_further_down(self) -> bool:
        """Whether it is unclear how far down the pages begin."""
        return self.offset == -1

    @property
    def is_plain(self) -> bool:
        """Whether pages follow each other without gap, each with the rows that it should have."""
        return bool(self.obeys_numbers) and self.offset == 0 and self.gap == 0 and self.short_by == 0


def order_of(ids: Sequence[int]) -> str | None:
    """Return the order of keys: ``ascending``, ``descending``, the same ``as text``, or None for another one."""
    found = list(ids)
    orders = {
        "ascending": sorted(found),
        "descending": sorted(found, reverse=True),
        "ascending as text": sorted(found, key=str),
        "descending as text": sorted(found, key=str, reverse=True),
    }
    return next((name for name, order in orders.items() if order == found), None)


def geometry(deep: Deep) -> Geometry:
    """Compare the pages of a list."""
    first, down = deep.first.ids, deep.down.ids if deep.down else ()
    sorts, as_text = _sorting(first, down)
    is_stable = sorts is True or (sorts is False and first == down)
    obeys = _obeys_numbers(deep) if is_stable else None
    offset = _offset(deep) if is_stable else None
    gap = _gap(deep, offset) if obeys else None
    served, short_by, short_pages = _lengths(deep) if is_stable and obeys else (None, None, ())
    found = Geometry(
        sorts=sorts,
        as_text=as_text,
        is_stable=is_stable,
        default_order=_default_order(deep, is_sorted=sorts is not False),
        obeys_numbers=obeys,
        offset=offset,
        gap=gap,
        served=served,
        short_by=short_by,
        short_pages=short_pages,
    )
    window, rows = _extent(deep, found)
    is_cut = sorts and window is None and rows is None and deep.end == "short"  # the newest row is on no page
    is_odd = bool(offset or gap or short_by or window is not None or (rows is not None and _wrong_total(deep, rows)))
    return replace(
        found, short_by=None if is_cut and not short_by else short_by, window=window, rows=rows, is_odd=is_odd
    )


def _sorting(first: Sequence[int], down: Sequence[int]) -> tuple[bool | None, bool | None]:
    if len(first) < 2 or len(down) < 2:
        return None, None
    up_as_text, down_as_text = sorted(first, key=str), sorted(down, key=str, reverse=True)
    differs = up_as_text != sorted(first) or down_as_text != sorted(down, reverse=True)
    if list(first) == sorted(first) and list(down) == sorted(down, reverse=True):
        return True, False if differs else None
    if list(first) == up_as_text and list(down) == down_as_text:
        return True, True
    return False, None


def _default_order(deep: Deep, *, is_sorted: bool) -> str | None:
    page = deep.unordered
    if page is None or len(page.ids) < ENOUGH:
        return None
    order = order_of(page.ids)
    if order:
        return order.removesuffix(" as text")
    again = deep.unordered_again.ids if deep.unordered_again else None if is_sorted else deep.first.ids
    if again is None or not again:
        return None
    return "shuffled" if again == page.ids else "reshuffled"


def _obeys_numbers(deep: Deep) -> bool | None:
    """Compare the second page of a smaller size with the first one."""
    first, size = deep.first.ids, deep.small_size
    small = deep.small.ids if deep.small else ()
    if not small and len(deep.pages) > 1:
        return deep.pages[1].ids != first
    if not small or len(first) <= size:
        return None
    if small == first[: len(small)]:
        # With pages that begin further down, the second smaller page may begin where the first one does.
        start = deep.small_first or deep.bare
        return None if start is None or not start.ids else start.ids[0] != small[0]
    return True


def _offset(deep: Deep) -> int | None:
    """Compare the beginnings of first pages of two sizes: where pages are counted from 0, they differ."""
    first = deep.first.ids
    starts = [page for page in (deep.small_first, deep.bare) if page and page.ids and len(page.ids) != len(first)]
    if not first or not starts:
        return None
    if starts[0].ids[0] == first[0]:
        return 0
    halves = deep.small_size * 2 == deep.size == len(first)
    if halves and deep.small and deep.small.ids and deep.small.ids[0] in first:
        return 1
    third = deep.small_third.ids if deep.small_third else ()
    return 2 if halves and third and third[0] in first else -1


def _gap(deep: Deep, offset: int | None) -> int | None:
    """Find where the second page of a smaller size begins."""
    first, small = deep.first.ids, deep.small.ids if deep.small else ()
    if offset == 2 and deep.small_third:
        small = deep.small_third.ids
    if offset is None or offset < 0 or not small or small[0] not in first:
        return None
    place = first.index(small[0])
    if first[place : place + len(small)] != small[: len(first) - place]:
        return None
    return place - (0 if offset else deep.small_size)


def _lengths(deep: Deep) -> tuple[int | None, int | None, tuple[int, ...]]:
    """Return the size of full pages if it is another one than asked for, and which pages lack rows, and how many."""
    size = deep.size
    full = [page for page in deep.pages if page.is_page and page.ids]
    inner = [len(page.ids) for page in full[:-1]] if deep.end not in {"long", "repeat"} else [len(full[0].ids)]
    if not inner:  # one page, which may be all there is
        rows = len(deep.first.ids)
        if deep.first.seen.size == rows <= size:
            return rows, 0, ()
        is_full = deep.small is not None and len(deep.small.ids) == deep.small_size
        return None, 0 if deep.first.seen.total == rows or is_full else None, ()
    most = max(inner)
    lacking = {most - rows for rows in inner if rows < most}
    if len(lacking) == 1 and most == size:
        return size, lacking.pop(), tuple(place for place, rows in enumerate(inner, 1) if rows < most)
    small = len(deep.small.ids) if deep.small else None
    if not lacking and (most == size or small == deep.small_size):
        return most, 0, ()
    if not lacking and small == max(deep.small_size - (size - most), 0):
        return None, size - most, ()
    return None, None, ()


def _extent(deep: Deep, found: Geometry) -> tuple[int | None, int | None]:
    """Return after how many rows nothing is served, or how many rows there are."""
    ids = {one for page in deep.pages for one in page.ids}
    if deep.end not in {"short", "empty", "beyond"} or not found.is_plain:
        return None, None
    total = deep.first.seen.total
    if not found.sorts or deep.down is None or not deep.down.ids:
        # The newest row is not known: only a total that agrees shows that all were read.
        return None, len(ids) if found.is_stable and total == len(ids) else None
    newest = deep.down.ids[0]
    if newest in ids:
        return None, sum(one <= newest for one in ids) if found.as_text is not True else len(ids)
    return (len(ids) if deep.end == "empty" and (total or 0) > len(ids) else None), None


def _wrong_total(deep: Deep, rows: int) -> bool:
    totals = {page.seen.total for page in deep.every} - {None}
    return bool(totals - {rows})
