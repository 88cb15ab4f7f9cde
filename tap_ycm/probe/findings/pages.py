"""Findings on pages: their size, their numbers, where they begin and end. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_ycm.probe.findings.finding import Finding, found, unclear

if TYPE_CHECKING:
    from tap_ycm.probe.findings.geometry import Geometry
    from tap_ycm.probe.seen import Deep, ListSeen, Page

__all__ = ["echo", "on_no_pages", "on_pages"]

NAMES = (
    *("max_page_size", "default_page_size", "over_max", "below_one", "past_end", "honour_page", "echo_page"),
    *("page_offset", "page_gap", "window", "short_by", "short_pages", "honour_sort", "default_order", "unknown_sort"),
)
NO_ANSWER = "the request was not sent, or had no proper answer"
MOVED = "the list changed meanwhile, or no request was left for a second look"
UNSTABLE = "the same request shows other rows each time"
LARGER = 100


def on_pages(deep: Deep, shape: Geometry) -> list[Finding]:
    """Return what the pages of one list show."""
    most = _max_page_size(deep, shape)
    return [
        most,
        _default_page_size(deep, shape, most),
        _over_max(deep, shape),
        _below_one(deep, shape),
        _past_end(deep, shape),
        _honour_page(deep, shape),
        _echo_page(deep, shape),
        *_places(deep, shape),
        _honour_sort(deep, shape),
        _default_order(deep, shape),
        _unknown_sort(deep, shape),
    ]


def on_no_pages(lists: list[ListSeen], why: str) -> list[Finding]:
    """Return what is known of pages where no list shows two rows: perhaps all are cut off after the same number."""
    told = [one.seen for one in lists if one.seen and one.seen.total_as]
    rows = {one.rows for one in told}
    likely: dict[str, int | None] = {}
    if len(rows) == 1 and all((one.total or 0) > (one.rows or 0) for one in told):
        cut = rows.pop()
        likely["max_page_size" if {one.size for one in told} == {cut} else "window"] = cut
    return [unclear(name, why, like=likely.get(name)) for name in NAMES]


def echo(lists: list[ListSeen], pages: list[Page]) -> Finding:
    """Return how answers repeat the number and the size of a page."""
    told = [one.seen for one in lists if one.seen and one.seen.page_as] + [page.seen for page in pages]
    ways = {(one.page_as, one.size_as) for one in told}
    known: dict[tuple[str | None, str | None], str] = {
        ("integer", "integer"): "number",
        ("string", "string"): "string",
        ("missing", "missing"): "missing",
    }
    if len(ways) == 1 and (way := ways.pop()) in known:
        return found("echo", known[way], *told[:3])
    return unclear("echo", "no list in pages was answered" if not told else "lists differ, or it is another type")


def _more_than(rows: int, deep: Deep, shape: Geometry) -> bool:
    """Tell whether the list has more rows than so many."""
    total = deep.first.seen.total
    return (shape.rows if shape.rows is not None else total or 0) > rows or len(deep.pages) > 1


def _max_page_size(deep: Deep, shape: Geometry) -> Finding:  # noqa: PLR0911 - one for each case
    name, over = "max_page_size", deep.over
    if deep.sizes:
        if deep.sizes.get(deep.size + 1) is False:
            return found(name, deep.size, deep.first)
        return unclear(name, f"a page of {deep.size} is accepted, one of 50 is not", deep.first, like=deep.size)
    if shape.served is not None and shape.served < deep.size and not shape.short_by:
        return found(name, shape.served, deep.first, deep.small)
    if over is None or over.seen.status is None:
        return unclear(name, NO_ANSWER, over)
    if over.is_page and over.ids:
        return _largest_seen(over, deep, shape)
    if not over.refused:
        return unclear(name, "the answer to a larger page is no page", over)
    if deep.over_by_one is None or shape.served != deep.size:
        return unclear(name, f"between {deep.size} and {LARGER}", over)
    if deep.over_by_one.refused:
        return found(name, deep.size, over, deep.over_by_one)
    return unclear(
        name, f"between {deep.size + 1} and {LARGER}", over, deep.over_by_one, like=len(deep.over_by_one.ids)
    )


def _largest_seen(over: Page, deep: Deep, shape: Geometry) -> Finding:
    name, rows = "max_page_size", len(over.ids)
    if rows >= LARGER:
        return unclear(name, f"a page of {LARGER} is served; a larger one was not asked for", over, like=LARGER)
    if rows >= deep.size and not shape.short_by and _more_than(rows, deep, shape):
        return found(name, rows, deep.first, over)
    if over.seen.size is not None and over.seen.size < LARGER and rows <= over.seen.size:
        return found(name, over.seen.size, over)
    return unclear(name, "the list has too few rows, or pages lack some", over)


def _default_page_size(deep: Deep, shape: Geometry, most: Finding) -> Finding:
    name, bare = "default_page_size", deep.bare
    if bare is None or not bare.is_page:
        return unclear(name, NO_ANSWER, bare)
    rows, told = bare.seen.rows or 0, bare.seen.size
    if most.imitated is not None and rows >= most.imitated:
        return unclear(name, "it is not below the largest page that is served", bare, like=rows)
    if told is not None and rows <= told < LARGER:
        return found(name, told, bare)
    if rows and not shape.short_by and _more_than(rows, deep, shape):
        return found(name, rows, bare)
    return unclear(name, "the list has too few rows, or pages lack some", bare)


def _over_max(deep: Deep, shape: Geometry) -> Finding:  # noqa: PLR0911 - one for each case
    name, over = "over_max", deep.over
    if over is None or over.seen.status is None:
        return unclear(name, NO_ANSWER, over)
    if over.refused:
        return found(name, "refuse", over)
    rows, told = len(over.ids), over.seen.size
    if not over.is_page or rows >= LARGER:
        return unclear(name, f"a page of {LARGER} is served" if rows else "the answer is no page", over)
    if told is None:
        return unclear(name, "the answer does not repeat the page size", over)
    if told < LARGER:
        return found(name, "clamp", over)
    if rows and _more_than(rows, deep, shape):
        return found(name, "echo_asked", over)
    return unclear(name, "the list has too few rows", over, like="echo_asked")


def _below_one(deep: Deep, shape: Geometry) -> Finding:
    name, below = "below_one", deep.below
    if below is None or below.seen.status is None:
        return unclear(name, NO_ANSWER, below)
    if below.refused:
        return found(name, "refuse", below)
    if below.is_page and below.ids and below.ids == deep.first.ids:
        return found(name, "one", below, deep.first)
    why = UNSTABLE if not shape.is_stable else "page 0 shows other rows than page 1"
    return unclear(name, why, below, deep.first, like="one" if below.is_page else None)


def _past_end(deep: Deep, shape: Geometry) -> Finding:  # noqa: PLR0911 - one for each case
    name, past = "past_end", deep.past
    if past is None or past.seen.status is None:
        return unclear(name, NO_ANSWER, past)
    if past.refused:
        return unclear(name, "such a page is refused", past)
    if not shape.obeys_numbers:
        return unclear(name, "page numbers are not obeyed", past)
    if past.is_page and not past.seen.rows:
        return found(name, "empty", past)
    way = _rows_past_end(past, deep, shape)
    if way is None or shape.gap != 0 or shape.offset != 0 or not _is_as_long(past, deep):
        like = way if shape.gap == 0 else None
        return unclear(name, "it is unclear where the list ended then", past, like=like)
    if way == "last" and past.ids[-1] != _newest(deep, shape):
        return unclear(name, "it shows rows of the last page", past, like=way)
    if way == "around" and past.ids[0] != deep.first.ids[0]:
        return unclear(name, "it shows rows of the list", past, like=way)
    return found(name, way, past, deep.first, deep.down)


def _rows_past_end(past: Page, deep: Deep, shape: Geometry) -> str | None:
    """Return what the rows of a page past the end are."""
    newest = _newest(deep, shape)
    if not past.ids or newest is None:
        return None
    if past.ids[-1] in {newest, *deep.pages[-1].ids[-1:]}:
        return "last"
    listed = {one for page in (*deep.pages, deep.down) if page for one in page.ids}
    if listed.isdisjoint(past.ids) and (deep.end != "long" or (shape.sorts and min(past.ids) > newest)):
        return "invented"
    return "around"


def _is_as_long(past: Page, deep: Deep) -> bool:
    """Tell whether the list was as long as before when a page past its end was asked for."""
    totals = {page.seen.total for page in (past, deep.first, deep.down) if page}
    return len(totals) == 1 and totals != {None}


def _newest(deep: Deep, shape: Geometry) -> int | None:
    """Return the key at the end of the list."""
    if shape.sorts and deep.down and deep.down.ids:
        return deep.down.ids[0]
    return deep.pages[-1].ids[-1] if deep.end in {"short", "empty"} and deep.pages[-1].ids else None


def _honour_page(deep: Deep, shape: Geometry) -> Finding:
    if shape.obeys_numbers is not None:
        return found("honour_page", shape.obeys_numbers, deep.first, deep.small)
    return unclear("honour_page", "the list has too few rows" if shape.is_stable else UNSTABLE, deep.first, deep.small)


def _echo_page(deep: Deep, shape: Geometry) -> Finding:
    """Look where the page that is served is another one than asked for."""
    if shape.obeys_numbers is False and deep.small:
        page, number = deep.small, 2
    elif deep.past and deep.past.ids:
        page, number = deep.past, deep.past_number
    else:
        return unclear("echo_page", "every answer was the page that was asked for")
    if page.seen.page is None:
        return unclear("echo_page", "answers do not repeat the number", page)
    if page.seen.page == number:
        past_end = _past_end(deep, shape)
        if shape.obeys_numbers and past_end.imitated not in {"last", "around"}:
            return unclear("echo_page", "every answer was the page that was asked for", page)
        return found("echo_page", "asked", page)
    return found("echo_page", "served", page)


def _places(deep: Deep, shape: Geometry) -> list[Finding]:
    """Return where pages begin and end, and which rows are on none."""
    is_steady = deep.again is not None and deep.again.ids == deep.first.ids
    values = {
        "page_offset": shape.offset,
        "page_gap": shape.gap,
        "short_by": shape.short_by,
        "short_pages": list(shape.short_pages) if shape.short_by else None,
        "window": shape.window,
    }
    findings = []
    for name, value in values.items():
        is_default = not value and name != "window"
        if name == "window" and value is None:
            read = f"none of {shape.rows} rows is cut off; no longer list was read" if shape.rows is not None else None
            findings.append(unclear(name, read or "the list was not read to its end, or its newest row is not known"))
        elif name == "short_pages" and value is None:
            findings.append(
                unclear(name, "no page is short" if shape.short_by == 0 else "too little is known of pages")
            )
        elif value is None:
            findings.append(unclear(name, "too few rows or answers to compare" if shape.is_stable else UNSTABLE))
        elif value == -1 and name == "page_offset":
            findings.append(unclear(name, "pages begin further down than was tried", deep.first, deep.bare, like=3))
        elif is_default or is_steady:
            findings.append(found(name, value, deep.first, deep.small, deep.bare))
        else:
            findings.append(unclear(name, MOVED, deep.first, deep.small, deep.again))
    return findings


def _honour_sort(deep: Deep, shape: Geometry) -> Finding:
    if shape.sorts is None:
        return unclear("honour_sort", "the list has too few rows", deep.first, deep.down)
    return found("honour_sort", shape.sorts, deep.first, deep.down)


def _default_order(deep: Deep, shape: Geometry) -> Finding:
    if shape.default_order is None:
        return unclear("default_order", "too few rows, or no request was left for a second look", deep.unordered)
    return found("default_order", shape.default_order, deep.unordered, deep.unordered_again)


def _unknown_sort(deep: Deep, shape: Geometry) -> Finding:
    name, page = "unknown_sort", deep.odd_sort
    if page is None or page.seen.status is None:
        return unclear(name, NO_ANSWER, page)
    if page.refused:
        return found(name, "refuse", page)
    if not page.is_page:
        return unclear(name, "the answer is no page", page)
    if shape.sorts is False:
        return unclear(name, "sort is not obeyed at all", page)
    return found(name, "ignore", page)
