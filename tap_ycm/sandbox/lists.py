"""What of a table YCM shows: a page, a total, all of it, one row. Truthfully, or as a broken world does."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tap_ycm.sandbox.world import encode, filled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_ycm.sandbox.assumptions import Assumptions
    from tap_ycm.sandbox.rows import Row
    from tap_ycm.sandbox.world import Cut, World

__all__ = ["Pages", "look_up", "whole"]


class Pages:
    """Cuts pages out of the list, and remembers the total that was counted last."""

    def __init__(self) -> None:
        """Start with nothing counted."""
        self._counted: int | None = None

    def cut(  # noqa: PLR0913, PLR0917 - a request has so many parts
        self, world: World, assumed: Assumptions, n: int, number: int, size: int, sort: str
    ) -> tuple[int, Cut]:
        """Cut one page out of one state of the list.

        Args:
            world: The table.
            assumed: How they are shown.
            n: Number of this request for a page of this table, from 1.
            number: Which page is asked for, from 1.
            size: Rows of a page.
            sort: The order, as `World.cut` takes it.

        Returns:
            Which page was served, and its rows, with the total to be told.
        """
        with world.lock:
            seq = _shown(world, assumed, n)
            pages = max(math.ceil(world.count(seq) / size), 1)
            if not assumed.honour_page:
                number = 1
            elif assumed.past_end == "last":
                number = min(number, pages)
            elif assumed.past_end == "around":
                number = (number - 1) % pages + 1
            start = max((number - 1 + assumed.page_offset) * (size + assumed.page_gap), 0)
            stop = start + size
            if assumed.window is not None:
                stop = max(min(stop, assumed.window), start)
            cut = world.cut(start, stop, sort=sort, seq=seq, hidden=assumed.hidden, unset=assumed.unset)
            total = self._total(world, assumed, n, cut)
            if assumed.past_end == "invented":
                cut = _invented(world, cut, max(start, cut.total) - cut.total, stop - start, down=sort.startswith("-"))
            if number in (assumed.short_pages or (number,)):
                kept = max(len(cut.ids) - assumed.short_by, 0)
                cut = replace(cut, ids=cut.ids[:kept], rows=cut.rows[:kept])
        return number, replace(cut, total=total)

    def _total(self, world: World, assumed: Assumptions, n: int, cut: Cut) -> int:
        """Return the total to be told with the page of the n-th request."""
        total = cut.total
        if assumed.total_lag or (assumed.hidden and assumed.hidden_counted):
            total = world.count(max(cut.seq - assumed.total_lag, 0))
        if self._counted is None or not assumed.total_every or n % assumed.total_every == 0:
            self._counted = total
        total = (self._counted if assumed.total_fixed is None else assumed.total_fixed) + assumed.total_offset
        if assumed.total_wobble:
            total += n % (2 * assumed.total_wobble + 1) - assumed.total_wobble
        return max(total if assumed.total_cap is None else min(total, assumed.total_cap), 0)


def whole(world: World, assumed: Assumptions, n: int, sort: str) -> Cut:
    """Cut the whole list out of one state of it, for a table that is not served in pages."""
    with world.lock:
        seq = _shown(world, assumed, n)
        return world.cut(0, world.count(seq), sort=sort, seq=seq, hidden=assumed.hidden, unset=assumed.unset)


def _shown(world: World, assumed: Assumptions, n: int) -> int:
    """Return the version of the list that the n-th request is shown."""
    stale = assumed.stale_every and n % assumed.stale_every == 0
    return max(world.seq - assumed.stale_lag, 0) if stale else world.seq


def _invented(world: World, cut: Cut, already: int, size: int, *, down: bool) -> Cut:
    """Fill a page up with rows that go on where the list ends."""
    ids: Sequence[int] = world.ids() or [0]
    end, step = (ids[0], -1) if down else (ids[-1], 1)
    new = tuple(end + step * (already + place) for place in range(1, size - len(cut.ids) + 1))
    return replace(cut, ids=cut.ids + new, rows=cut.rows + tuple(encode(world.first_row(one)) for one in new))


def look_up(world: World, assumed: Assumptions, name: str) -> tuple[int, int, Row] | None:
    """Find one row.

    Args:
        world: The table.
        assumed: How they are shown.
        name: The id as it was asked for.

    Returns:
        The version of the list that is shown, the row's id and the row; None if there is none.
    """
    if not name.isdecimal():
        return None
    with world.lock:
        seq = max(world.seq - assumed.look_up_lag, 0)
        try:
            key = int(name)
            if assumed.look_up == "another":
                key = next(one for one in world.ids_at(seq) if one != key)
            row = world.row(key, seq)
        except (KeyError, OverflowError, StopIteration, ValueError):  # too long a number, too
            return None
    return seq, key, row if assumed.unset == "omit" else filled(row, world.table, assumed.unset)
