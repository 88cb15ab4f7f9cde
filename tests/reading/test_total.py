"""The total's veto, and worlds in which an assumption does not hold: noticed, and read as far as possible."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from lists import MovingList, keys_of

from tap_ycm.reading import opening
from tap_ycm.reading.asking import Asking
from tap_ycm.reading.scan import Bookmark
from tap_ycm.reading.total import rows_missing

if TYPE_CHECKING:
    from lists import Change

    from tap_ycm.reading.pages import Page, PageRequest
    from tap_ycm.reading.scan import Scan

SIZE = 5


@pytest.fixture(autouse=True)
def _small_lists_get_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PAGES_WORTH_A_LANE", 1)


def read(rows: int, change: Change | None = None, lanes: int = 1) -> tuple[Scan, list[int], MovingList]:
    world = MovingList(rows, change=change)
    scan, handed_out = world.scan(SIZE, lanes)
    keys = keys_of(scan, handed_out)
    assert len(keys) == len(set(keys))
    return scan, keys, world


def asked(world: MovingList) -> list[str]:
    return [f"{'newest ' if request.newest_first else ''}{request.number}" for request in world.requests]


def without(*hidden: int, counted: bool = True) -> Change:
    """Leave keys out of the list."""

    def change(page: Page, request: PageRequest, world: MovingList) -> Page:
        shown = world.page([key for key in world.keys if key not in hidden], request)
        return replace(shown, total=page.total) if counted else shown

    return change


def test_a_quiet_list_is_read_from_the_newest_page_and_then_downwards() -> None:
    scan, keys, world = read(23)
    assert asked(world) == ["newest 1", "4", "3", "2", "1"]
    assert sorted(keys) == list(range(1, 24))
    assert (scan.flaw, scan.rows, scan.pages, scan.missing) == (None, 23, 5, 0)
    assert (scan.first_total, scan.last_total, scan.newest, scan.resumed) == (23, 23, 23, False)


@pytest.mark.parametrize(("rows", "requests"), [(0, 1), (4, 1), (5, 2), (6, 2), (9, 2), (10, 3), (11, 3), (25, 6)])
def test_a_quiet_list_takes_the_fewest_requests(rows: int, requests: int) -> None:
    scan, keys, world = read(rows)
    assert len(world.requests) == scan.pages == requests
    assert sorted(keys) == list(range(1, rows + 1))
    assert scan.flaw is None


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize(
    ("hidden", "missing"),
    [((12,), 1), ((1, 2, 3, 4, 5), 5), ((6, 13, 20), 3), ((23,), 1), ((19, 20, 21, 22, 23), 5), ((1,), 1)],
)
def test_hidden_rows_that_are_counted_are_missing(hidden: tuple[int, ...], missing: int, lanes: int) -> None:
    scan, keys, _ = read(23, without(*hidden), lanes)
    assert scan.flaw is not None
    assert (scan.missing, scan.only_missing) == (missing, True)
    assert sorted([*keys, *hidden]) == list(range(1, 24))


def test_hidden_rows_that_are_not_counted_are_not_noticed() -> None:
    """That is what look-ups are for."""
    scan, _, _ = read(23, without(12, counted=False))
    assert (scan.flaw, scan.rows) == (None, 22)


@pytest.mark.parametrize("created", [1, 4, 5, 6, 17])
def test_rows_created_meanwhile_are_no_missing_rows(created: int) -> None:
    for gap in range(5):
        world = MovingList(23, [*[None] * gap, *["new"] * created])
        scan, handed_out = world.scan(SIZE)
        keys = keys_of(scan, handed_out)
        assert scan.flaw is None
        assert set(range(1, 24)) <= set(keys)


@pytest.mark.parametrize("created", [0, 3, 11])
def test_rows_created_meanwhile_do_not_stand_for_hidden_ones(created: int) -> None:
    world = MovingList(23, [*["new"] * created], change=without(7))
    scan, handed_out = world.scan(SIZE)
    keys_of(scan, handed_out)
    assert scan.flaw is not None
    assert scan.missing >= 1


@pytest.mark.parametrize(("read_before", "hidden"), [(23, 3), (22, 12), (23, 17)])
def test_rows_that_were_read_and_deleted_do_not_stand_for_hidden_ones(read_before: int, hidden: int) -> None:
    world = MovingList(23, [None, read_before - 1], change=without(hidden))
    scan, handed_out = world.scan(SIZE)
    keys = keys_of(scan, handed_out)
    assert {read_before, *world.keys} - {hidden} == set(keys)
    assert scan.flaw == "YCM's total says that there are 1 more"
    assert scan.missing == 1


def test_a_short_page_is_noticed_though_a_row_read_and_deleted_makes_up_for_it() -> None:
    """The row is left out after the list is cut into pages, so the last page is right."""

    def short(page: Page, request: PageRequest, world: MovingList) -> Page:
        ids = [key for key in page.ids if key != 7]
        return replace(page, ids=ids, rows=[{"customerId": key} for key in ids])

    world = MovingList(23, [None, 22], change=short)
    scan, handed_out = world.scan(SIZE)
    assert len(keys_of(scan, handed_out)) == len(world.keys)
    assert scan.flaw == "page 2 has 4 rows, 1 fewer than its total says (requestId 0123)"
    assert scan.bookmark is None


def test_a_plain_reading_ends_ten_pages_after_the_last_row() -> None:
    scan, keys, world = read(23, lambda page, *_: replace(page, size=None, total=10**9))
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw is not None
    assert asked(world) == ["newest 1", *map(str, range(1, 16)), *map(str, range(1, 16))]


def test_a_list_that_goes_on_although_its_total_is_small_ends() -> None:
    def endless(page: Page, request: PageRequest, world: MovingList) -> Page:
        start = request.number * request.size
        ids = list(range(start, start + request.size))
        ids = [10**19 - key for key in ids] if request.newest_first else ids
        return replace(page, ids=ids, rows=[{"customerId": key} for key in ids], total=22)

    scan, _, world = read(22, endless)
    assert "the list still goes on at page" in (scan.flaw or "")
    assert len(world.requests) < 60


def test_a_plain_reading_ends_where_pages_bring_hardly_anything() -> None:
    def one_row(page: Page, request: PageRequest, world: MovingList) -> Page:
        ids = [request.number]
        return replace(page, ids=ids, rows=[{"customerId": key} for key in ids], size=None, total=10**9)

    scan, keys, world = read(23, one_row)
    assert scan.flaw is not None
    assert len(keys) < 70
    assert len(world.requests) < 140


def test_a_plain_reading_is_repeated_while_a_pass_brings_more() -> None:
    """A server that shuffles: every pass shows 5 more."""

    def slow(page: Page, request: PageRequest, world: MovingList) -> Page:
        shown = world.page(world.keys[: len(world.requests)], request)
        return replace(shown, size=None, total=10**3)

    scan, keys, world = read(200, slow)
    assert 60 < len(keys) < 200
    assert [request.number for request in world.requests].count(1) == 1 + 5  # the newest page, and five passes
    assert scan.flaw is not None


@pytest.mark.parametrize("lanes", [1, 2, 4])
@pytest.mark.parametrize("capped", [True, False])
def test_a_list_that_is_cut_off_above_is_noticed(lanes: int, capped: bool) -> None:  # noqa: FBT001 - a parameter
    def cut(page: Page, request: PageRequest, world: MovingList) -> Page:
        inner = page if request.newest_first else world.page(world.keys[:20], request)
        return replace(inner, total=20 if capped else len(world.keys))

    scan, keys, _ = read(60, cut, lanes)
    assert scan.flaw is not None
    assert "cut off" in scan.flaw
    assert not scan.only_missing
    assert set(keys) == {*range(1, 21), *range(56, 61)}
    assert scan.bookmark is None


def test_an_unknown_total_is_not_complete() -> None:
    scan, keys, _ = read(23, lambda page, *_: replace(page, total=None))
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw == "YCM reports no total to check the records against"
    assert (scan.first_total, scan.last_total, scan.only_missing) == (None, None, False)


@pytest.mark.parametrize("told", [slice(0, 1), slice(1, None)])
def test_a_total_that_is_told_only_at_first_or_only_later_is_unknown(told: slice) -> None:
    def now_and_then(page: Page, request: PageRequest, world: MovingList) -> Page:
        return page if world.requests[told].count(request) else replace(page, total=None)

    scan, keys, _ = read(23, now_and_then)
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw == "YCM reports no total to check the records against"
    assert (scan.missing, scan.only_missing) == (0, False)


def test_more_rows_than_the_total_says_are_none_that_are_missing() -> None:
    scan, keys, world = read(23, lambda page, *_: replace(page, size=None, total=20))
    assert len(keys) == 20
    assert scan.missing == 0
    assert asked(world) == ["newest 1", "1", "2", "3", "4"]  # as many as the total says: no second pass


@pytest.mark.parametrize(
    ("alive", "hidden", "events", "rows", "first_total", "resumed", "missing", "requests"),
    [
        # nothing is wrong
        (23, (), [], 23, 23, False, 0, []),
        # a total that has grown: by rows created since, or by a row that is hidden
        (25, (), [], 23, 23, False, 0, ["newest 1"]),
        (35, (), [], 23, 23, False, 0, ["newest 1", "newest 2", "newest 3"]),
        (25, (), [], 22, 22, False, 1, ["newest 1"]),
        (23, (), [], 22, 22, False, 1, ["newest 1"]),
        (33, (), [], 22, 22, False, 1, ["newest 1", "newest 2", "newest 3"]),
        # fewer rows than the total at first, or a part of them read before: the end of the list is asked for
        (22, (), [], 22, 23, False, 0, ["newest 1", "5"]),
        (23, (), [], 23, 23, True, 0, ["5"]),
        (23, (7,), [], 23, 23, True, 1, ["5"]),
        # whose end moves away meanwhile
        (5, (6,), ["new"], 5, 5, True, 1, ["1", "2"]),
        (5, (), ["new"], 5, 5, True, 0, ["1", "2"]),
        # or is gone
        (0, (), [], 0, 5, False, 0, ["newest 1"]),
        (1, (), [0], 1, 1, True, 0, ["1"]),
    ],
)
def test_what_the_total_objects_to(  # noqa: PLR0913, PLR0917 - a table
    alive: int,
    hidden: tuple[int, ...],
    events: list[int | str],
    rows: int,
    first_total: int,
    resumed: bool,  # noqa: FBT001 - a parameter
    missing: int,
    requests: list[str],
) -> None:
    world = MovingList(alive, events, change=without(*hidden))
    ask = Asking(world.fetch, SIZE)
    ask.newest_page()
    assert rows_missing(ask, rows, 23 if alive > 5 else alive, first_total, resumed=resumed) == missing
    assert asked(world)[1:] == requests


def test_an_empty_list_whose_total_says_more_is_not_complete() -> None:
    scan, keys, _ = read(0, lambda page, *_: replace(page, total=300))
    assert (keys, scan.missing) == ([], 300)
    assert scan.flaw == "YCM's total says that there are 300 more"


@pytest.mark.parametrize("honoured", [1, 3])
def test_a_smaller_page_size_is_adopted(honoured: int) -> None:
    world = MovingList(23, honoured=honoured)
    scan, handed_out = world.scan(SIZE)
    assert sorted(keys_of(scan, handed_out)) == list(range(1, 24))
    assert scan.flaw is None
    assert [request.size for request in world.requests[1:]] == [honoured] * (len(world.requests) - 1)


@pytest.mark.parametrize("size", [None, 0, -1, 6])
def test_an_echoed_size_that_cannot_be_is_noticed(size: int | None) -> None:
    scan, keys, _ = read(23, lambda page, *_: replace(page, size=size))
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw == f"5 rows a page were asked for, not {size} or 5 (requestId 0123)"
    assert scan.missing == 0


def test_more_rows_than_asked_for_are_noticed() -> None:
    def larger(page: Page, request: PageRequest, world: MovingList) -> Page:
        return replace(world.page(world.keys, replace(request, size=8)), size=request.size)

    scan, keys, _ = read(23, larger)
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw == "5 rows a page were asked for, not 5 or 8 (requestId 0123)"


@pytest.mark.parametrize("echo", [None, 1])
def test_an_ignored_page_number_is_noticed_by_its_echo(echo: int | None) -> None:
    def first(page: Page, request: PageRequest, world: MovingList) -> Page:
        return replace(world.page(world.keys, replace(request, number=1)), number=echo)

    scan, keys, _ = read(23, first)
    assert "was asked for" in (scan.flaw or "")
    assert set(keys) <= {1, 2, 3, 4, 5, 19, 20, 21, 22, 23}


def test_an_ignored_page_number_is_noticed_even_if_the_echo_lies() -> None:
    def first(page: Page, request: PageRequest, world: MovingList) -> Page:
        return replace(world.page(world.keys, replace(request, number=1)), number=request.number)

    scan, keys, _ = read(23, first)
    assert scan.flaw is not None
    assert set(keys) == {1, 2, 3, 4, 5, 19, 20, 21, 22, 23}


@pytest.mark.parametrize("newest_first", [True, False])
def test_an_ignored_sort_is_noticed(newest_first: bool) -> None:  # noqa: FBT001 - a parameter
    scan, keys, _ = read(
        23, lambda _, request, world: world.page(world.keys, replace(request, newest_first=newest_first))
    )
    assert sorted(keys) == list(range(1, 24))
    assert scan.flaw == "the rows are not in the order asked for (requestId 0123)"
    assert (scan.bookmark, scan.only_missing) == (None, False)


def test_a_row_twice_on_a_page_is_noticed() -> None:
    def double(page: Page, *_: object) -> Page:
        ids = [*page.ids[:-1], page.ids[-2]] if len(page.ids) > 1 else page.ids
        return replace(page, ids=ids, rows=[{"customerId": key} for key in ids])

    scan, _, _ = read(6, double)
    assert scan.flaw == "the rows are not in the order asked for (requestId 0123)"


def test_pages_that_overlap_are_noticed() -> None:
    """Each page begins with the last row of the one before, and the total is too low, so that they are met."""

    def overlapping(page: Page, request: PageRequest, world: MovingList) -> Page:
        if request.newest_first:
            return replace(page, total=9)
        start = (request.number - 1) * (request.size - 1)
        ids = world.keys[start : start + request.size]
        return replace(page, ids=ids, rows=[{"customerId": key} for key in ids], total=9)

    scan, _, _ = read(30, overlapping)
    assert scan.flaw == "page 2 repeats keys of a page below it (requestId 0123)"


def test_keys_may_be_negative() -> None:
    world = MovingList(23)
    world.keys = list(range(-9, 14))
    scan, handed_out = world.scan(SIZE, 2)
    assert sorted(keys_of(scan, handed_out)) == world.keys
    assert scan.flaw is None


def test_a_bookmark_says_where_each_lane_goes_on() -> None:
    world = MovingList(23)
    scan, handed_out = world.scan(SIZE, 2)
    marks: list[Bookmark | None] = []
    for handout in scan.read():
        handed_out.update(handout.keys)
        marks.append(scan.bookmark)
    assert marks[0] is None
    assert marks[1] is not None
    assert [lane.page for lane in marks[1].lanes] == [3, 2]
    assert (marks[1].size, marks[1].newest, marks[1].rows) == (5, 23, 8)
    assert marks[-1] == Bookmark((), 5, 23, 23)


def test_a_continued_reading_that_finds_a_flaw_hands_out_everything_again() -> None:
    world = MovingList(23)
    first, handed_out = world.scan(SIZE)
    keys_of(first, handed_out, 3)
    world.change = lambda page, *_: replace(page, total=25)
    scan, handed_out = world.scan(SIZE, 2, first.bookmark)
    assert sorted(keys_of(scan, handed_out)) == list(range(1, 24))
    assert scan.flaw is not None
    assert (scan.resumed, scan.rows, scan.missing) == (True, 23, 2)
