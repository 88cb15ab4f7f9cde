"""One call for each parent: who was asked, what came, and what it shows."""

from __future__ import annotations

from array import array
from contextlib import nullcontext
from typing import Any

import pytest

from tap_ycm.errors import ApiError
from tap_ycm.reading.lane import BELOW_ALL
from tap_ycm.reading.parents import Parents, ParentsMark, PerParent

CHILDREN: dict[int, list[dict[str, Any]] | None] = {-4: [{"id": 1}], 2: [{"id": 2}, {"id": 3}], 5: [], 6: [], 7: []}
"""The children of each parent; of any other, none are found."""
REFUSED = [ApiError("the first"), ApiError("the second")]


class Flights:
    """Requests in flight, answered in the order of the questions."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.waiting: list[int] = []
        self.most = 0

    def begin(self, tag: Any, question: Any, /) -> None:
        assert tag == question
        self.asked.append(question)
        self.waiting.append(question)
        self.most = max(self.most, len(self.waiting))

    def next(self) -> tuple[Any, Any]:
        key = self.waiting.pop(0)
        return key, CHILDREN.get(key)


def per_parent(flights: Flights, parents: Parents, **facts: Any) -> PerParent:
    return PerParent(parents, lambda: nullcontext(flights), **{"in_flight": 2, "exists": None, **facts})


def test_each_parent_is_asked_for_once_and_no_more_than_so_many_at_a_time() -> None:
    flights = Flights()
    reading = per_parent(flights, Parents("pbxs", [-4, 2, 5, 6, 7]))
    assert [handout.rows for handout in reading.read()] == [CHILDREN[-4], CHILDREN[2], [], [], []]
    assert (flights.asked, flights.most) == ([-4, 2, 5, 6, 7], 2)
    assert (reading.evidence, reading.pages, reading.rows, reading.progress) == ("every parent", 5, 3, (5, 5))
    assert (reading.first_total, reading.last_total, reading.newest) == (None, None, BELOW_ALL)
    assert (reading.flaw, reading.resumed, reading.missing) == (None, False, 0)
    assert not reading.only_missing  # no child can be looked up, so nothing mends it
    assert reading.bookmark == ParentsMark(array("q", [-4, 2, 5, 6, 7]), 5, 3)


def test_parents_that_are_done_are_not_asked_for_again() -> None:
    flights = Flights()
    mark = ParentsMark(array("q", [-4, 5]), 1, 7)
    reading = per_parent(flights, Parents("pbxs", [-4, 2, 5]), resume=mark)
    assert (reading.resumed, reading.rows, reading.progress) == (True, 7, (1, 3))
    list(reading.read())
    assert flights.asked == [2, 5]
    assert (reading.pages, reading.rows, reading.bookmark) == (2, 9, ParentsMark(array("q", [-4, 2, 5]), 3, 9))


@pytest.mark.parametrize("withheld", [None, "not sure"])
@pytest.mark.parametrize("flaw", [None, "not complete"])
def test_what_is_wrong_with_the_parents_is_wrong_with_their_children(withheld: str | None, flaw: str | None) -> None:
    reading = per_parent(Flights(), Parents("pbxs", [2], flaw, withheld))
    list(reading.read())
    assert (reading.withheld, reading.flaw) == (withheld, flaw)


@pytest.mark.parametrize(
    ("parents", "facts", "flaw"),
    [
        ([2, 8], {}, "YCM lists pbxs and does not find what belongs to them"),
        ([2, 8, 9], {"exists": lambda key: key == 9}, "YCM has one of the pbxs and does not find what belongs to it"),
        ([2, 8, 9], {"exists": lambda _: False}, None),
        ([2, 8], {"need_not_exist": True}, None),
        ([8], {"need_not_exist": True}, None),
        ([8, 9], {"need_not_exist": True}, "YCM finds nothing for any of the 2 pbxs that it lists"),
        ([8, 9], {"exists": lambda _: False}, "YCM finds nothing for any of the 2 pbxs that it lists"),
        ([], {}, None),
    ],
)
def test_children_that_are_not_found_count_as_deleted_only_if_their_parent_is(
    parents: list[int], facts: dict[str, Any], flaw: str | None
) -> None:
    reading = per_parent(Flights(), Parents("pbxs", parents), **facts)
    list(reading.read())
    assert reading.flaw == flaw
    found = array("q", [key for key in parents if key in CHILDREN])
    assert reading.bookmark == (None if flaw else ParentsMark(found, len(found), 2 * len(found)))


def test_an_account_that_may_see_nothing_of_any_parent_is_refused_as_the_first_was() -> None:
    reading = per_parent(Flights(), Parents("pbxs", [8, 9]), need_not_exist=True, refusals=REFUSED)
    with pytest.raises(ApiError, match="the first"):
        list(reading.read())
    reading = per_parent(Flights(), Parents("pbxs", [2, 8]), need_not_exist=True, refusals=REFUSED)
    assert [handout.rows for handout in reading.read()] == [CHILDREN[2], []]
    assert reading.flaw is None
