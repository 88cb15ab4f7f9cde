"""Worlds in which an assumption of the scan does not hold: noticed or harmless, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from moving_list import MovingList, in_flight, keys_of, read

from tap_ycm.reading.scan import Bookmark, EndlessListError, PageRequest, Scan

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_ycm.http.answers import Page

SIZE = 5


def scan_of(rows: int, change: Callable[[Page, PageRequest, MovingList], Page]) -> tuple[Scan, list[int], MovingList]:
    world = MovingList(rows, change_page=change)
    scan = Scan(world.fetch, SIZE)
    return scan, read(scan), world


def requests(world: MovingList) -> list[tuple[int, bool]]:
    return [(request.number, request.newest_first) for request in world.requests]


def test_a_quiet_list_is_read_from_the_newest_page_and_then_from_the_last_to_the_first() -> None:
    scan, keys, world = scan_of(23, lambda page, *_: page)
    assert requests(world) == [(1, True), (4, False), (3, False), (2, False), (1, False)]
    assert keys == list(range(23, 0, -1))
    assert (scan.flaw, scan.remark, scan.rows, scan.duplicates, scan.pages) == (None, None, 23, 0, 5)
    assert (scan.first_total, scan.last_total) == (23, 23)


@pytest.mark.parametrize(("rows", "asked"), [(0, 1), (4, 1), (5, 2), (6, 2), (9, 2), (10, 3), (11, 3), (25, 6)])
def test_a_quiet_list_takes_the_fewest_requests(rows: int, asked: int) -> None:
    scan, keys, world = scan_of(rows, lambda page, *_: page)
    assert len(world.requests) == scan.pages == asked
    assert keys == list(range(rows, 0, -1))
    assert scan.flaw is None


@pytest.mark.parametrize("offset", [-23, -7, -5, -1, 1, 5, 12, 50])
@pytest.mark.parametrize("rows", [12, 23, 25, 60])
def test_a_wrong_total_is_harmless_or_noticed(rows: int, offset: int) -> None:
    scan, keys, _ = scan_of(rows, lambda page, *_: replace(page, total=max(0, (page.total or 0) + offset)))
    assert sorted(keys) == list(range(1, rows + 1))
    if scan.flaw is None:
        assert scan.remark is not None
        assert "the total is wrong" in scan.remark
    else:
        assert "total is" in scan.flaw


def test_a_capped_total_hides_nobody() -> None:
    scan, keys, world = scan_of(60, lambda page, *_: replace(page, total=min(page.total or 0, 20)))
    assert sorted(keys) == list(range(1, 61))
    assert scan.flaw is None
    assert scan.remark == (
        "YCM's total was 20, at last 20, where 60 rows could be read; "
        "a second reading found the same rows, so the total is wrong"
    )
    assert requests(world)[:4] == [(1, True), (4, False), (5, False), (6, False)]
    assert scan.bookmark is None
    assert scan.duplicates == 5 + 60  # the second reading: the newest page, and all pages


@pytest.mark.parametrize("total", [None, 4])
def test_a_total_that_cannot_be_is_noticed(total: int | None) -> None:
    scan, keys, _ = scan_of(23, lambda page, *_: replace(page, total=total))
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw == f"total is {total} on a page of 5 rows (requestId 0123)"
    assert (scan.first_total, scan.last_total) == (0, total or 0)
    assert scan.duplicates == 0
    assert scan.bookmark is None


def test_a_wobbling_total_loses_nobody() -> None:
    scan, keys, _ = scan_of(23, lambda page, _, world: replace(page, total=23 + len(world.requests) % 3))
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw is None


def test_a_short_newest_page_with_a_larger_total_is_noticed() -> None:
    def capped(page: Page, request: PageRequest, world: MovingList) -> Page:
        inner = world.page(world.keys, replace(request, size=3))
        return replace(inner, size=request.size)

    scan, keys, _ = scan_of(23, capped)
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw == "the newest page is short, but total is 23 (requestId 0123)"


@pytest.mark.parametrize("honoured", [1, 3])
def test_a_smaller_page_size_is_adopted(honoured: int) -> None:
    def smaller(page: Page, request: PageRequest, world: MovingList) -> Page:
        return world.page(world.keys, replace(request, size=min(request.size, honoured)))

    scan, keys, world = scan_of(23, smaller)
    assert keys == list(range(23, 0, -1))
    assert scan.flaw is None
    assert requests(world)[:3] == [(1, True), (1, True), (23 // honoured, False)]
    assert {request.size for request in world.requests[1:]} == {honoured}


@pytest.mark.parametrize("size", [None, 0, -1, 6])
def test_an_echoed_size_that_cannot_be_is_noticed(size: int | None) -> None:
    scan, keys, _ = scan_of(23, lambda page, *_: replace(page, size=size))
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw == f"5 rows a page were asked for, not {size} or 5 (requestId 0123)"


def test_more_rows_than_asked_for_are_noticed() -> None:
    def larger(page: Page, request: PageRequest, world: MovingList) -> Page:
        return replace(world.page(world.keys, replace(request, size=8)), size=request.size)

    scan, keys, _ = scan_of(23, larger)
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw == "5 rows a page were asked for, not 5 or 8 (requestId 0123)"


@pytest.mark.parametrize("number", [None, 1])
def test_an_ignored_page_number_is_noticed_by_its_echo(number: int | None) -> None:
    def first(page: Page, request: PageRequest, world: MovingList) -> Page:
        return replace(world.page(world.keys, replace(request, number=1)), number=number)

    scan, keys, _ = scan_of(23, first)
    assert scan.flaw is not None
    assert "was asked for" in scan.flaw
    assert len(keys) == len(set(keys)) == (10 if number else 5)  # all that such a server shows


def test_an_ignored_page_number_is_noticed_even_if_the_echo_lies() -> None:
    def first(page: Page, request: PageRequest, world: MovingList) -> Page:
        return replace(world.page(world.keys, replace(request, number=1)), number=request.number)

    scan, keys, _ = scan_of(23, first)
    assert scan.flaw == "page 5 repeats keys of page 4 (requestId 0123)"
    assert len(keys) == len(set(keys)) == 10


def test_a_last_page_that_repeats_past_the_end_is_harmless() -> None:
    def clamped(page: Page, request: PageRequest, world: MovingList) -> Page:
        last = (len(world.keys) - 1) // request.size + 1
        return replace(
            world.page(world.keys, replace(request, number=min(request.number, last))), number=request.number
        )

    for rows in (5, 10, 23, 25):
        scan, keys, _ = scan_of(rows, clamped)
        assert keys == list(range(rows, 0, -1))
        assert scan.flaw is None
    # Also when the plain reading meets it: the repeated page ends it.
    scan, keys, _ = scan_of(23, lambda page, request, world: replace(clamped(page, request, world), size=None))
    assert sorted(keys) == list(range(1, 24))


def test_an_ignored_sort_is_noticed() -> None:
    scan, keys, _ = scan_of(23, lambda _, request, world: world.page(world.keys, replace(request, newest_first=False)))
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw == "the rows are not in the order asked for (requestId 0123)"
    scan, keys, _ = scan_of(23, lambda _, request, world: world.page(world.keys, replace(request, newest_first=True)))
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw == "the rows are not in the order asked for (requestId 0123)"


def test_a_row_twice_on_a_page_is_noticed() -> None:
    def double(page: Page, *_: object) -> Page:
        ids = [*page.ids[:-1], page.ids[-2]] if len(page.ids) > 1 else page.ids
        return replace(page, ids=ids, rows=[{"customerId": key} for key in ids])

    scan, keys, _ = scan_of(6, double)
    assert len(keys) == len(set(keys))
    assert scan.flaw == "the rows are not in the order asked for (requestId 0123)"


def test_a_stale_replica_is_noticed() -> None:
    """Page 2 shows the list before a deletion that page 3 has seen: the first row of page 3 is missed at first."""

    def stale(page: Page, request: PageRequest, world: MovingList) -> Page:
        if len(world.requests) == 2:
            world.happen(0)
            return world.page(world.keys, request)
        if 2 < len(world.requests) <= 4:
            return world.page([1, *world.keys], request)
        return page

    scan, keys, world = scan_of(23, stale)
    assert world.alive_throughout <= set(keys)
    assert scan.flaw is not None
    assert scan.flaw.endswith("a second reading found 1 more: the list is not one list at one time")


def test_keys_that_do_not_grow_are_noticed() -> None:
    """A new row with a low key moves the others away from the pages still to be read."""

    def low(page: Page, request: PageRequest, world: MovingList) -> Page:
        if len(world.requests) == 3:
            world.keys.insert(0, 0)
            return world.page(world.keys, request)
        return page

    scan, keys, world = scan_of(23, low)
    assert world.alive_throughout <= set(keys)
    assert scan.flaw is not None
    assert "a second reading found" in scan.flaw


def test_numbers_that_do_not_add_up_after_an_interruption_make_the_reading_begin_anew() -> None:
    world = MovingList(23)
    scan = Scan(
        world.fetch, SIZE, Bookmark(page=2, size=5, below=11, newest=23, first_total=20, last_total=20, rows=13)
    )
    keys = read(scan)
    assert sorted(keys) == list(range(1, 24))
    assert requests(world) == [(2, False), (1, False), (1, True), (1, True), *((page, False) for page in (4, 3, 2, 1))]
    assert (scan.flaw, scan.rows) == (None, 23)
    assert scan.remark == (
        "YCM's total was 20, at last 23, where 23 rows could be read; "
        "the list was read anew, for the reading was an interrupted one"
    )


def test_a_bookmark_names_the_next_page_and_what_was_read() -> None:
    world = MovingList(23)
    scan = Scan(world.fetch, SIZE)
    marks = [scan.bookmark for _ in scan.read()]
    assert marks[0] is None
    assert marks[1] == Bookmark(page=3, size=5, below=16, newest=23, first_total=23, last_total=23, rows=8)
    assert marks[-1] == Bookmark(page=0, size=5, below=1, newest=23, first_total=23, last_total=23, rows=23)


@pytest.mark.parametrize("broken", [False, True])
def test_an_endless_list_ends(broken: bool) -> None:  # noqa: FBT001 - a parameter of the test
    def endless(page: Page, request: PageRequest, world: MovingList) -> Page:
        start = (request.number - 1) * request.size
        ids = list(range(start, start + request.size))
        if request.newest_first:
            ids = [10**12 - key for key in ids]
        echo = None if broken else request.number
        return replace(page, ids=ids, rows=[{"customerId": key} for key in ids], total=22, number=echo)

    world = MovingList(20, change_page=endless)
    with pytest.raises(EndlessListError, match=r"still goes on at page 1081, although YCM's total is 22"):
        read(Scan(world.fetch, SIZE))
    assert len(world.requests) < 1100


def test_duplicates_are_counted_where_deletions_cause_them() -> None:
    world = MovingList(23, [None, 0, 0])
    scan = Scan(world.fetch, SIZE)
    keys = read(scan)
    assert len(keys) == len(set(keys))
    assert scan.duplicates == 2


def test_what_was_odd_before_an_interruption_is_still_odd_after_it() -> None:
    """Everything is read, but ``total`` rose without a new row: a lower key came in, and hid somebody."""
    world = MovingList(23)
    mark = Bookmark(page=0, size=5, below=1, newest=23, first_total=23, last_total=24, rows=23)
    scan = Scan(world.fetch, SIZE, mark)
    assert sorted(read(scan)) == []
    assert requests(world) == [(1, True)]  # by now it fell again
    world = MovingList(24)
    mark = Bookmark(page=0, size=5, below=1, newest=24, first_total=23, last_total=24, rows=23)
    scan = Scan(world.fetch, SIZE, mark)
    assert sorted(read(scan)) == list(range(1, 25))
    assert scan.flaw is None


def test_pages_that_overlap_on_the_way_up_are_noticed() -> None:
    """Each page begins with the last row of the one before, and the last one is that row alone."""

    def overlapping(page: Page, request: PageRequest, world: MovingList) -> Page:
        if request.newest_first:
            return replace(page, total=9)
        start = (request.number - 1) * (request.size - 1)
        ids = world.keys[start : start + request.size]
        ids = ids if request.number < 4 else ids[:1]
        return replace(page, ids=ids, rows=[{"customerId": key} for key in ids], total=9)

    scan, _, _ = scan_of(30, overlapping)
    assert scan.flaw == "page 2 repeats keys of page 1 (requestId 0123)"

    def one_left(page: Page, request: PageRequest, world: MovingList) -> Page:
        if request.newest_first or request.number == 1:
            return replace(page, total=9)
        return replace(page, ids=[5], rows=[{"customerId": 5}], total=9)

    scan, _, _ = scan_of(30, one_left)
    assert scan.flaw == "page 2 repeats keys of page 1 (requestId 0123)"


def test_going_on_asks_in_the_size_of_the_bookmark_and_counts_what_moved() -> None:
    world = MovingList(23)
    for _ in range(2):
        world.happen(0)
    mark = Bookmark(page=3, size=5, below=16, newest=23, first_total=23, last_total=23, rows=8)
    scan = Scan(world.fetch, 50, mark)
    assert scan.bookmark == mark
    assert read(scan) == list(range(15, 2, -1))
    assert [request.size for request in world.requests] == [5, 5, 5]
    assert scan.duplicates == 2
    assert scan.flaw is None


def test_keys_may_be_negative() -> None:
    world = MovingList(0)
    world.keys = list(range(-9, 14))
    keys = read(Scan(world.fetch, SIZE))
    assert keys == list(range(13, -10, -1))


def test_a_row_that_slips_in_below_the_newest_is_noticed_even_at_the_top() -> None:
    """The newest row goes and a lower key comes: only the newest page, read again, shows it."""

    def slip(page: Page, request: PageRequest, world: MovingList) -> Page:
        if len(world.requests) == 3:
            world.keys[-1:] = [998, 999]
        return world.page(world.keys, request)

    world = MovingList(0, change_page=slip)
    world.keys = [*range(1, 25), 1000]
    scan = Scan(world.fetch, SIZE)
    keys = read(scan)
    assert {998, 999} <= set(keys)
    assert scan.flaw is not None
    assert "a second reading found 2 more" in scan.flaw


def test_a_list_that_shrank_to_one_page_is_read_again_in_one_request() -> None:
    def shrink(page: Page, request: PageRequest, world: MovingList) -> Page:
        if len(world.requests) == 2:
            del world.keys[:4]
        return replace(world.page(world.keys, request), total=7)

    scan, keys, world = scan_of(6, shrink)
    assert requests(world) == [(1, True), (1, False), (1, True)]
    assert keys == [6, 5, 4, 3, 2]
    assert scan.flaw is None
    assert scan.remark is not None


def test_a_page_that_comes_short_is_noticed() -> None:
    """One answer leaves two rows out although its own total says that they are there."""

    def short(page: Page, request: PageRequest, world: MovingList) -> Page:
        if len(world.requests) == 4:
            del world.keys[-2:]  # two who were read are deleted, which would explain two who are missing
            cut = world.page(world.keys, request)
            return replace(cut, ids=cut.ids[:3], rows=cut.rows[:3])
        return world.page(world.keys, request)

    scan, keys, world = scan_of(23, short)
    assert world.alive_throughout <= {*keys, 22, 23}
    assert scan.flaw == "page 2 has 3 rows where 5 are due by its total (requestId 0123)"


def test_many_new_rows_explain_no_missing_ones() -> None:
    """An answer is empty by mistake while a whole page of rows is created."""

    def empty(page: Page, request: PageRequest, world: MovingList) -> Page:
        if len(world.requests) == 3:
            world.keys += range(24, 36)
            return replace(page, ids=[], rows=[], total=None if world.rows == 0 else len(world.keys))
        return world.page(world.keys, request)

    scan, keys, _ = scan_of(23, empty)
    assert set(range(1, 24)) <= set(keys)
    assert scan.flaw is not None


def test_more_than_a_page_of_new_rows_is_no_flaw() -> None:
    def create(page: Page, request: PageRequest, world: MovingList) -> Page:
        if len(world.requests) == 3:
            world.keys += range(24, 36)
        return world.page(world.keys, request)

    scan, keys, world = scan_of(23, create)
    assert keys == list(range(23, 0, -1))
    assert (scan.flaw, scan.remark) == (None, None)
    assert requests(world)[-3:] == [(1, True), (2, True), (3, True)]


def test_rows_are_not_counted_twice_when_a_continued_scan_fails_a_check() -> None:
    world = MovingList(23, change_page=lambda page, *_: replace(page, size=None))
    scan = Scan(world.fetch, SIZE, Bookmark(page=3, size=5, below=16, newest=23, first_total=23, last_total=23, rows=8))
    assert set(read(scan)) == set(range(1, 24))
    assert scan.rows == 23


@pytest.mark.parametrize("gone", [9, 12, 13, 17])
def test_a_page_that_is_short_because_many_are_gone_is_no_flaw(gone: int) -> None:
    def shrink(page: Page, request: PageRequest, world: MovingList) -> Page:
        if len(world.requests) == 3:
            for _ in range(gone):
                world.happen(0)
        return world.page(world.keys, request)

    scan, keys, world = scan_of(23, shrink)
    assert world.alive_throughout <= set(keys)
    assert (scan.flaw, scan.remark) == (None, None)


def test_negative_keys_survive_a_reading_that_begins_anew() -> None:
    world = MovingList(0)
    world.keys = list(range(-9, 14))
    mark = Bookmark(page=2, size=5, below=1, newest=13, first_total=20, last_total=20, rows=13)
    scan = Scan(world.fetch, SIZE, mark)
    assert sorted(read(scan)) == world.keys
    assert scan.flaw is None


def test_new_rows_that_come_in_disorder_are_noticed() -> None:
    def disorder(page: Page, request: PageRequest, world: MovingList) -> Page:
        if len(world.requests) == 3:
            world.keys += range(24, 36)
        page = world.page(world.keys, request)
        if request.newest_first and request.number == 2:
            ids = [page.ids[0], page.ids[2], page.ids[1], *page.ids[3:]]
            return replace(page, ids=ids, rows=[{"customerId": key} for key in ids])
        return page

    scan, keys, _ = scan_of(23, disorder)
    assert set(range(1, 24)) <= set(keys)
    assert scan.flaw == "the rows are not in the order asked for (requestId 0123)"


def test_a_list_that_is_emptied_before_its_second_reading_is_read_to_its_end() -> None:
    """Its total, too low by one, tells of no page at all by then."""
    world = MovingList(
        4, (None, "new", "new", "two", "two"), lambda page, *_: replace(page, total=max((page.total or 0) - 1, 0))
    )
    scan = Scan(world.fetch, 2)
    assert world.alive_throughout <= set(read(scan))
    assert scan.flaw is None or "total is" in scan.flaw


# Several requests in flight: the same checks, and a count


def one_page(place: int, what: str, value: int | None = None) -> Callable[[Page, PageRequest, MovingList], Page]:
    """Break one page of those in ascending order."""

    def broken(page: Page, request: PageRequest, world: MovingList) -> Page:
        here = request.number == place and not request.newest_first
        return replace(page, **{what: value}) if here else page  # type: ignore[arg-type]  # a field of Page

    return broken


def cut(page: Page, request: PageRequest, world: MovingList) -> Page:
    """Leave two rows of the second page out."""
    if request.newest_first or request.number != 2:
        return page
    return replace(page, ids=page.ids[:3], rows=page.rows[:3])


BROKEN: dict[str, Callable[[Page, PageRequest, MovingList], Page]] = {
    "no total": lambda page, *_: replace(page, total=None),
    "a total below the rows": lambda page, *_: replace(page, total=4),
    "no page size": lambda page, *_: replace(page, size=None),
    "no page number": lambda page, *_: replace(page, number=None),
    "no order": lambda _, request, world: world.page(world.keys, replace(request, newest_first=False)),
    "larger pages": lambda _, request, world: replace(
        world.page(world.keys, replace(request, size=8)), size=request.size
    ),
    **{
        f"page {number} without {what}": one_page(number, what)
        for number in (1, 3, 4)
        for what in ("total", "size", "number")
    },
    "a page with another's number": one_page(2, "number", 3),
    "a page cut short": cut,
}


@pytest.mark.parametrize("order", [(0,), (1, 0), (3, 0, 2, 1)], ids=str)
@pytest.mark.parametrize("name", BROKEN)
def test_a_violated_check_leads_to_the_plain_reading_however_many_are_in_flight(
    name: str, order: tuple[int, ...]
) -> None:
    alone, keys, _ = scan_of(23, BROKEN[name])
    assert alone.flaw is not None
    world = MovingList(23, change_page=BROKEN[name])
    scan = Scan(world.fetch, SIZE, ahead=in_flight(world.fetch, order))
    assert read(scan) == keys
    assert set(keys) == set(range(1, 24)) - ({9, 10} if BROKEN[name] is cut else set())
    assert (scan.flaw, scan.rows, scan.bookmark) == (alone.flaw, len(keys), None)
    plain = requests(world)[-4:]
    assert plain == [(plain[0][0] + place, False) for place in range(4)]  # forward, one at a time


@pytest.mark.parametrize("order", [(1, 0), (3, 0, 2, 1)], ids=str)
@pytest.mark.parametrize("offset", [-23, -7, -5, -1, 1, 5, 12, 50])
@pytest.mark.parametrize("rows", [12, 23, 25, 60])
def test_a_wrong_total_is_no_certificate(rows: int, offset: int, order: tuple[int, ...]) -> None:
    world = MovingList(rows, change_page=lambda page, *_: replace(page, total=max(0, (page.total or 0) + offset)))
    scan = Scan(world.fetch, SIZE, ahead=in_flight(world.fetch, order))
    assert sorted(read(scan)) == list(range(1, rows + 1))
    assert "the total is wrong" in (scan.remark or "") or "total is" in (scan.flaw or "")


def test_a_total_that_is_too_low_by_those_who_are_missed_is_no_certificate() -> None:
    """Page 1 is answered, a row on it goes, page 2 is answered: row 6 is missed, and so many are read as total says."""
    world = MovingList(23, (None, None, None, 2), lambda page, *_: replace(page, total=(page.total or 0) - 1))
    scan = Scan(world.fetch, SIZE, ahead=in_flight(world.fetch, (1, 0)))
    assert world.alive_throughout - {3} <= set(read(scan))
    assert scan.flaw is None
    assert requests(world)[:3] == [(1, True), (3, False), (4, False)]
    assert requests(world)[3:6] == [(3, False), (2, False), (1, False)]


def test_a_total_that_is_known_to_be_wrong_leaves_no_bookmark() -> None:
    """Whoever went on at it with several requests in flight would count on it."""
    world = MovingList(60, change_page=lambda page, *_: replace(page, total=min(page.total or 0, 20)))
    scan = Scan(world.fetch, SIZE, ahead=in_flight(world.fetch, (1, 0)))
    keys: list[int] = []
    for rows in scan.read():
        keys += keys_of(rows)
        assert scan.bookmark is None
    assert sorted(keys) == list(range(1, 61))
    assert scan.remark is not None


@pytest.mark.parametrize("order", [(1, 0), (3, 0, 2, 1)], ids=str)
def test_a_key_that_slips_in_below_is_noticed_though_the_count_agrees(order: tuple[int, ...]) -> None:
    """It hides somebody by pushing him onto a page that was read: one too many, one too few."""
    for moment in range(3, 6):

        def low(page: Page, request: PageRequest, world: MovingList, moment: int = moment) -> Page:
            if len(world.requests) == moment:
                world.keys.insert(0, 0)
            return world.page(world.keys, request)

        world = MovingList(23, change_page=low)
        scan = Scan(world.fetch, SIZE, ahead=in_flight(world.fetch, order))
        keys = read(scan)
        assert world.alive_throughout <= set(keys)
        assert len(keys) == len(set(keys))


def test_a_count_that_fails_after_an_interruption_is_told_with_the_whole_list() -> None:
    """The rows from before the interruption come again: which of them are still there is not known."""
    world = MovingList(23)
    world.happen(0)
    mark = Bookmark(page=3, size=5, below=16, newest=23, first_total=23, last_total=23, rows=8)
    scan = Scan(world.fetch, SIZE, mark, ahead=in_flight(world.fetch, (1, 0)))
    keys = read(scan)
    assert sorted(keys) == list(range(2, 24))
    assert (scan.flaw, scan.rows, scan.resumed) == (None, 22, True)
    assert scan.remark == "the list changed while several pages were in flight, so it was read again one page at a time"
    assert requests(world) == [(2, False), (3, False), (1, False), (1, True), *((page, False) for page in (4, 3, 2, 1))]
    # The same, quiet: no second reading.
    world = MovingList(23)
    scan = Scan(world.fetch, SIZE, mark, ahead=in_flight(world.fetch, (1, 0)))
    assert read(scan) == list(range(15, 0, -1))
    assert (scan.flaw, scan.remark, scan.rows) == (None, None, 23)
    assert requests(world) == [(2, False), (3, False), (1, False)]


def test_many_new_rows_do_not_count_the_newest_of_before() -> None:
    def create(page: Page, request: PageRequest, world: MovingList) -> Page:
        if len(world.requests) == 3:
            world.keys += range(24, 36)
        page = world.page(world.keys, request)
        return replace(page, total=(page.total or 0) + 1)  # one too many: one seems to be missing

    scan, keys, _ = scan_of(23, create)
    assert set(range(1, 24)) <= set(keys)
    assert scan.flaw is None
    assert scan.remark is not None
