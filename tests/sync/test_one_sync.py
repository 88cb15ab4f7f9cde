"""One sync by itself, rule by rule: what is handed out, what a later sync knows, what may be deleted."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Any

import pytest
from one_sync import ACCOUNT, COMPLETE, FRESH, NOW, Run, keys_in

from tap_ycm.errors import ApiError
from tap_ycm.reading.lane import LaneMark
from tap_ycm.reading.parents import Parents
from tap_ycm.reading.scan import Bookmark
from tap_ycm.sync import sync as module
from tap_ycm.sync.deletes import brake_on_counts, confirmation
from tap_ycm.sync.keys import packed
from tap_ycm.sync.memory import Interrupted, Memory
from tap_ycm.sync.sync import Traits

MARK = Bookmark((LaneMark(3, 90, 5),), 2, 99, 7)
INTERRUPTED = Interrupted(MARK, NOW - 60, "all columns")
FLAW = {"flaw": "f", "only_missing": False}
MISSING_2 = {"missing": 2, "flaw": "two are missing"}
WARN = {"on_incomplete": "warn"}
NO_LOOK_UPS = {"confirm_by_lookup": False}
NO_DELETES = {"emit_activate_version_messages": False}
INCOMPLETE = "pbxs, to which they belong, is not complete"
UNSURE = "it is not known of all pbxs that are absent whether they are deleted"


def holding(**texts: list[int]) -> Memory:
    """Return what a complete sync has left, with these keys."""
    return replace(COMPLETE, **{name: packed(keys) for name, keys in texts.items()})  # type: ignore[arg-type]


# Before anything is read.


def test_before_anything_is_read_nothing_is_said_or_deleted() -> None:
    run = Run([[1]])
    sync = run.sync
    assert (sync.begun, sync.scan, sync.read, sync.missing, sync.recovered) == (False, None, 0, 0, 0)
    assert (sync.decision, sync.failure, sync.deleted, sync.confirmed) == (None, None, None, None)
    assert sync.flaw == "nothing was read"
    assert sync.parents == Parents("pbxs", array("q", [1, 2, 3]), flaw=INCOMPLETE, withheld=UNSURE)
    assert sync.state() == replace(COMPLETE, last_version=NOW * 1000).state()
    assert (run.lines, run.opened) == ([], [])


@pytest.mark.parametrize(
    ("settings", "history", "last_version", "version", "remembered"),
    [
        ({}, False, 5, NOW * 1000, NOW * 1000),
        ({}, False, NOW * 1000, NOW * 1000 + 1, NOW * 1000 + 1),
        ({}, False, NOW * 2000, NOW * 2000 + 1, NOW * 2000 + 1),
        # none where nothing is to be deleted: the last one is kept
        (NO_DELETES, False, 5, None, 5),
        ({}, True, 5, None, 5),
        (NO_DELETES, True, 5, None, 5),
    ],
)
def test_versions_only_grow(
    settings: dict[str, Any],
    history: bool,  # noqa: FBT001 - a parameter
    last_version: int,
    version: int | None,
    remembered: int,
) -> None:
    before = replace(COMPLETE, last_version=last_version)
    sync = Run([[1]], before, settings=settings, traits=Traits(history=history)).sync
    assert (sync.version, sync.state()["last_version"]) == (version, remembered)


@pytest.mark.parametrize(("before", "was_read"), [(FRESH, False), (COMPLETE, True)])
def test_a_list_was_read_if_the_state_names_an_account(before: Memory, *, was_read: bool) -> None:
    assert Run([], before).sync.was_read is was_read


def test_what_earlier_syncs_left_in_pieces_is_one_text_in_the_first_state() -> None:
    before = replace(holding(known=[1, 5], gone=[5, 9]), new=(packed([3]), packed([-7, 9])))
    for _ in range(2):  # and another interrupted sync changes nothing
        state = Run([], before).sync.state()
        assert keys_in(state, "known") == [-7, 1, 3, 9]
        assert keys_in(state, "new") == []
        assert keys_in(state, "gone") == [5]  # 9 was handed out since
        before = Memory.of(state)


# What is handed out, and what a state says by then.


@pytest.mark.parametrize(
    ("handouts", "begun"),
    [([[]], False), ([[], []], False), ([[4]], True), ([[4], []], True), ([[], [4]], True)],
)
def test_a_sync_has_begun_once_it_read_a_row(handouts: list[list[int]], *, begun: bool) -> None:
    assert Run(handouts, stops_after=len(handouts)).go().sync.begun is begun


def test_a_row_is_handed_out_only_after_a_state_that_knows_its_key() -> None:
    run = Run([[1, 2, 3], [4], [6, 7]]).go()
    assert run.lines == ["rows 1 2 3", "state", "rows 4", "state", "rows 6 7", f"activate {run.sync.version}", "state"]
    assert [keys_in(state, "known") for state in run.states] == [[1, 2, 3], [1, 2, 3], [1, 2, 3, 4, 6, 7]]
    assert [keys_in(state, "new") for state in run.states] == [[[4]], [[4], [6, 7]], []]


def test_rows_with_few_new_keys_are_held_and_do_not_count_before_they_are_handed_out() -> None:
    many = list(range(10, 50))
    run = Run([many, [50], [1]], holding(known=[1, 2]), stops_after=2).go()
    assert run.lines[-1] == "rows 1"
    assert (run.sync.read, run.keys("new")) == (41, [many])
    assert Memory.of(run.sync.state()).scan == Interrupted(Bookmark((), 2, 9, 40), NOW, "all columns")


def test_rows_that_are_held_come_before_the_look_ups_and_these_before_the_end() -> None:
    many = list(range(10, 50))
    run = Run([many, [50]], holding(known=[1]), living={10}, hasty=True).go()
    assert run.lines[-5:] == ["state", "rows 50", "state", f"activate {run.sync.version}", "state"]
    under_way = run.states[-2]
    assert (keys_in(under_way, "new"), keys_in(under_way, "gone")) == ([many, [50]], [1])
    assert Memory.of(under_way).scan == Interrupted(Bookmark((), 2, 9, 41), NOW, "all columns")


def test_a_test_run_hands_rows_out_and_concludes_nothing() -> None:
    run = Run([[1], [4]], replace(COMPLETE, scan=INTERRUPTED), test=True).go()
    assert run.lines == ["rows 1", "rows 4"]
    assert run.opened == [(None, NOW)]
    assert run.sync.decision is None
    assert run.sync.parents.withheld == UNSURE
    assert (run.keys("known"), run.keys("new")) == ([1, 2, 3], [])


# Where an interrupted sync goes on.


def lanes(count: int) -> Interrupted:
    return replace(INTERRUPTED, bookmark=replace(MARK, lanes=MARK.lanes * count))


@pytest.mark.parametrize(
    ("scan", "goes_on"),
    [
        (INTERRUPTED, True),
        (replace(INTERRUPTED, began=NOW), True),
        (replace(INTERRUPTED, began=NOW - 99), True),
        (replace(INTERRUPTED, began=NOW - 100), False),  # too old
        (replace(INTERRUPTED, began=NOW + 1), False),  # in the future
        (replace(INTERRUPTED, identity="two columns"), False),
        (lanes(48), True),
        (lanes(49), False),
        (None, False),
    ],
)
def test_what_an_interrupted_sync_began_is_continued_if_that_is_sound(
    scan: Interrupted | None, *, goes_on: bool
) -> None:
    run = Run([[1]], replace(COMPLETE, scan=scan), settings={"resume_max_age": 100}).go()
    expected = (scan.bookmark, scan.began) if goes_on and scan else (None, NOW)
    assert run.opened == [expected]
    assert run.said == (["pbxs: continuing the scan that was interrupted after 7 records"] if goes_on else [])


def test_a_sync_that_fails_before_it_read_anything_still_says_where_to_go_on() -> None:
    run = Run([], replace(COMPLETE, scan=INTERRUPTED), fails=True)
    with pytest.raises(ApiError):
        run.go()
    assert Memory.of(run.sync.state()).scan == INTERRUPTED
    assert run.opened == [(MARK, NOW - 60)]


# What is not complete.


@pytest.mark.parametrize(
    ("before", "read", "turned_up"),
    [
        (COMPLETE, [1, 2, 3, 4], 0),
        (replace(COMPLETE, known=packed([1, 3])), [1, 2, 3], 1),
        (replace(COMPLETE, known=packed([1])), [1, 2, 3, 4], 2),  # up to the highest, itself included
        (replace(COMPLETE, known=packed([1]), highest=None), [1, 2, 3], 0),
        (replace(COMPLETE, known=packed([1]), baseline=False), [1, 2, 3], 0),
        (replace(COMPLETE, known=None), [1, 2, 3], 0),
    ],
)
def test_new_records_that_are_older_than_the_newest_known_were_hidden_before(
    before: Memory, read: list[int], turned_up: int
) -> None:
    sync = Run([[key] for key in read], before).go().sync
    words = f"{turned_up} records turned up that are older than the newest known: the list hid them before"
    assert sync.flaw == (words if turned_up else None)


@pytest.mark.parametrize(("settings", "fails"), [({}, True), (WARN, False)])
@pytest.mark.parametrize(("missing", "words"), [(2, "not complete, records missing: 2: f;"), (0, "not complete: f;")])
def test_a_sync_that_is_not_complete_fails_unless_a_warning_is_wanted(
    settings: dict[str, Any], missing: int, words: str, *, fails: bool
) -> None:
    failure = Run([[1, 2, 3]], facts={"missing": missing, "flaw": "f"}, settings=settings).go().sync.failure
    assert (failure is not None) is fails
    assert not failure or words in failure


# What was absent, and is looked up.


def test_records_that_the_list_hides_are_handed_out() -> None:
    run = Run([[1]], living={1, 2, 3}, facts=MISSING_2).go()
    assert run.lines == ["rows 1", "rows 2", "rows 3", f"activate {run.sync.version}", "state"]
    assert (run.sync.recovered, run.sync.read, run.sync.missing, run.sync.deleted) == (2, 3, 0, 0)
    assert run.sync.flaw == "two are missing"
    assert run.keys("known") == [1, 2, 3]
    assert run.sync.parents == Parents("pbxs", array("q", [1, 2, 3]))


@pytest.mark.parametrize("living", [{2}, {2, 3}])
def test_records_of_which_a_look_up_has_not_every_column_are_not_handed_out_and_stop_deletes(living: set[int]) -> None:
    run = Run([[1]], living={1, *living}, traits=Traits(whole=False), settings=WARN).go()
    assert run.lines == ["rows 1", "state"]
    assert run.word == "withheld: the list hides records of which a look-up does not give every column"
    assert (run.sync.recovered, run.sync.read) == (len(living), 1)


@pytest.mark.parametrize(
    ("read", "living", "asked"),
    [
        (1, set(), [1]),
        (2, {2}, [1, 2, 99]),  # the first was deleted since: the second shows that YCM finds what it lists
        (9, set(), [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (40, set(), [1, 5, 9, 13, 17, 21, 25, 29, 33, 37]),
        (45, {9}, [1, 5, 9, 99]),
    ],
)
def test_not_found_counts_only_if_one_of_ten_listed_records_is_found(
    read: int, living: set[int], asked: list[int]
) -> None:
    keys = list(range(1, read + 1))
    run = Run([keys], holding(known=[*keys, 99]), living=living).go()
    assert run.looked_up == asked
    assert run.word == ("activated" if living else "withheld: look-ups of absent records were not answered")
    assert run.sync.parents.withheld == (None if living else UNSURE)


def test_what_a_look_up_was_refused_with_is_told() -> None:
    run = Run([[1]], refuses=True).go()
    assert run.sync.failure
    assert "YCM is closed" in run.sync.failure
    assert run.keys("known") == [1, 2, 3]


@pytest.mark.parametrize(("absent", "asks"), [([2], True), ([2, 3], True), ([2, 3, 4], False)])
def test_where_nothing_depends_on_it_no_more_than_so_many_are_looked_up(absent: list[int], *, asks: bool) -> None:
    run = Run([[1]], holding(known=[1, *absent]), living={1}, settings={**NO_DELETES, "max_lookups": 2}).go()
    assert run.looked_up == ([1, *absent] if asks else [])
    assert run.said == ([] if asks else ["pbxs: 3 known records are absent, too many to look up"])
    assert run.sync.deleted == (len(absent) if asks else 0)


def test_those_that_a_person_confirmed_are_not_looked_up_and_are_gone_as_the_others_are() -> None:
    before = holding(known=[1, 2, 3, 4], braked=[2, 3])
    settings = {"confirm_deletes": confirmation("pbxs", [2, 3])}
    run = Run([[1]], before, living={1}, settings=settings, partial="a filter", hasty=True).go()
    assert run.looked_up == [1, 4]
    assert keys_in(run.states[-2], "gone") == run.keys("gone") == [2, 3, 4]  # also while look-ups are under way
    assert (run.keys("known"), run.sync.deleted, run.sync.confirmed) == ([1], 3, 3)


# The brake.


@pytest.mark.parametrize(
    ("read", "settings", "living", "looked_up", "words"),
    [
        # an empty list: a right may have been lost
        ([], {}, None, [], "withheld by the brake: 3 of 3 known records are absent"),
        ([], NO_LOOK_UPS, {1}, [], "withheld by the brake: 3 of 3 known records are absent"),
        ([], {}, set(), [1, 2, 3], "withheld by the brake: 3 of 3 known records are absent"),
        ([], {}, {2}, [1, 2, 3], "activated"),
        # unless all may go
        ([], {"max_delete_percent": 100}, None, [], "activated"),
        ([], {"max_delete_percent": 100}, set(), [1, 2, 3], "activated"),
        # one record is left
        ([1], {}, None, [], "activated"),
        ([1], NO_LOOK_UPS, {1}, [], "activated"),
        ([1], {}, {1}, [1, 2, 3], "activated"),
    ],
)
def test_where_nothing_is_left_and_nothing_is_found_a_person_must_confirm(
    read: list[int], settings: dict[str, Any], living: set[int] | None, looked_up: list[int], words: str
) -> None:
    run = Run([read], living=living, settings={**WARN, **settings}).go()
    assert (run.word, run.looked_up) == (words, looked_up)
    held = words != "activated"
    assert run.keys("braked") == ([1, 2, 3] if held else [])
    assert run.sync.parents.withheld == (UNSURE if held else None)
    word = confirmation("pbxs", [1, 2, 3])
    assert (f"TAP_YCM_CONFIRM_DELETES={word} " in (run.sync.failure or "")) is held


@pytest.mark.parametrize(("percent", "holds"), [(50, False), (49, True)])
def test_those_that_are_gone_count_among_the_known_ones(percent: int, *, holds: bool) -> None:
    before = holding(known=[1, 2, 3, 4], gone=[8, 9])
    settings = {"max_delete_count": 0, "max_delete_percent": percent}
    run = Run([[1, 2, 3]], before, living={1}, settings=settings).go()
    word = "withheld by the brake: 3 of 6 known records are absent" if holds else "activated"
    assert run.word == word


def test_where_keys_are_not_remembered_the_brake_goes_by_the_number_of_rows() -> None:
    settings = {"max_delete_count": 0}
    run = Run([[1]], replace(COMPLETE, known=None), settings=settings).go()
    word = brake_on_counts(run.sync._settings, stream="pbxs", wanted=True, rows=1, rows_before=3).word
    assert run.sync.failure
    assert f"TAP_YCM_CONFIRM_DELETES={word} " in run.sync.failure
    assert run.looked_up == []


def test_the_braked_set_is_forgotten_once_one_of_it_is_read() -> None:
    run = Run([[1], [2]], holding(known=[1, 2, 3], braked=[2, 3])).go()
    assert run.lines[:3] == ["rows 1", "state", "rows 2"]
    assert keys_in(run.states[0], "braked") == []


# The decision, and what the streams hear that belong to these objects.


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({}, "activated"),
        ({"traits": Traits(history=True)}, "never: its rows are history"),
        ({"partial": "a filter"}, "withheld: a filter"),
        ({"facts": {"withheld": "not sure"}}, "withheld: not sure"),
        ({"before": FRESH}, "withheld until the next sync: the state did not know what the target holds"),
        ({"facts": FLAW}, "withheld: the scan is not complete"),
        # on look-ups alone, if there are any
        ({"facts": FLAW, "settings": WARN}, "activated"),
        ({"facts": FLAW, "settings": {**WARN, **NO_LOOK_UPS}}, "withheld: the scan is not complete"),
        ({"facts": FLAW, "settings": WARN, "living": None}, "withheld: the scan is not complete"),
    ],
)
def test_what_withholds_deletes(arguments: dict[str, Any], word: str) -> None:
    run = Run([[1, 2, 3]], **arguments).go()
    assert run.word == word
    assert (f"activate {run.sync.version}" in run.lines) is (word == "activated")


@pytest.mark.parametrize(
    ("read", "arguments", "keys", "flaw", "withheld"),
    [
        ([1, 2, 3], {}, [1, 2, 3], None, None),
        ([1, 2, 4], {}, [1, 2, 4], None, None),  # 3 was looked up
        ([1, 2], {"living": None}, [1, 2], None, None),
        ([1, 2], {"settings": NO_LOOK_UPS}, [1, 2], None, None),
        # the others wait
        ([1], {"settings": {**NO_DELETES, "max_lookups": 1}}, [1], None, UNSURE),
        ([1, 2], {"refuses": True}, [1, 2], None, UNSURE),
        ([1, 2], {"living": None, "settings": {"max_delete_count": 0}}, [1, 2], None, UNSURE),
        ([1, 2, 3], {"before": FRESH}, [1, 2, 3], None, UNSURE),
        ([1, 2, 3], {"facts": FLAW}, [1, 2, 3], INCOMPLETE, UNSURE),
        ([4], {"before": replace(COMPLETE, scan=INTERRUPTED)}, [1, 2, 3, 4], None, UNSURE),
    ],
)
def test_what_belongs_to_an_object_may_be_deleted_once_that_object_is_accounted_for(
    read: list[int], arguments: dict[str, Any], keys: list[int], flaw: str | None, withheld: str | None
) -> None:
    run = Run([read], **{"living": {1, 2}, **arguments}).go()
    assert run.sync.parents == Parents("pbxs", array("q", keys), flaw=flaw, withheld=withheld)


@pytest.mark.parametrize(
    ("before", "read", "arguments", "new", "deleted", "confirmed"),
    [
        (COMPLETE, [1, 4], {}, 1, 2, 2),
        (COMPLETE, [1, 4], {"settings": NO_LOOK_UPS}, 1, 2, 0),
        # those that earlier syncs looked up, once the target is told of them
        (holding(known=[1, 2], gone=[8, 9]), [1], {}, 0, 3, 3),
        (holding(known=[1, 2], gone=[8, 9]), [1, 9], {}, 1, 2, 2),
        (holding(known=[1, 2], gone=[8, 9]), [1], {"partial": "a filter"}, 0, 1, 1),
        # a part of the list, or no keys to compare with
        (replace(COMPLETE, scan=INTERRUPTED), [1], {}, 0, None, None),
        (replace(COMPLETE, known=None), [1, 4], {}, None, None, None),
        (FRESH, [1, 4], {"traits": Traits(keys=False)}, None, None, None),
    ],
)
def test_how_many_are_said_to_be_new_deleted_and_confirmed(  # noqa: PLR0913, PLR0917 - a table
    before: Memory,
    read: list[int],
    arguments: dict[str, Any],
    new: int | None,
    deleted: int | None,
    confirmed: int | None,
) -> None:
    sync = Run([[key] for key in read], before, living={1}, **arguments).go().sync
    assert (sync.new, sync.deleted, sync.confirmed) == (new, deleted, confirmed)


@pytest.mark.parametrize(
    ("before", "arguments", "said"),
    [
        (COMPLETE, {}, None),
        (FRESH, {}, ""),
        (Memory(is_older=True), {}, "an earlier version of the tap wrote the state; "),
        (FRESH, {"settings": NO_DELETES}, None),
        (FRESH, {"traits": Traits(history=True)}, None),
    ],
)
def test_who_waits_for_deletes_is_told_why_none_come_yet(
    before: Memory, arguments: dict[str, Any], said: str | None
) -> None:
    run = Run([[1, 2, 3]], before, **arguments).go()
    words = "nothing is deleted before the sync that follows the first complete one, which notes what the target holds"
    assert run.said == ([] if said is None else [f"pbxs: {said}{words}"])


# What the next sync knows.


PARTIAL = {"partial": "a filter"}


@pytest.mark.parametrize(
    ("before", "read", "arguments", "baseline", "highest", "rows"),
    [
        (FRESH, [1, 5], {}, True, 5, 2),
        (FRESH, [], {}, True, None, 0),
        (FRESH, [1, 5], {"facts": FLAW}, False, None, None),
        (FRESH, [1, 5], {"facts": FLAW, "settings": WARN}, True, 5, 2),
        # where the target was told, only what is there now counts
        (COMPLETE, [1, 2], {}, True, 2, 2),
        # where not, it may still hold what it held
        (COMPLETE, [1, 2], PARTIAL, True, 3, 3),
        (COMPLETE, [1, 2, 3, 4], PARTIAL, True, 4, 4),
        (COMPLETE, [], {"facts": FLAW}, True, 3, 3),
        (COMPLETE, [1, 2, 3, 4], {"facts": FLAW}, True, 3, 3),
    ],
)
def test_what_the_target_may_hold_is_known_from_the_last_complete_sync(  # noqa: PLR0913, PLR0917 - a table
    before: Memory, read: list[int], arguments: dict[str, Any], baseline: object, highest: int | None, rows: int | None
) -> None:
    run = Run([read], before, living={1}, **arguments).go()
    state = run.sync.state()
    assert run.states[-1] == state
    assert (state["baseline"], state["highest"], state["rows"]) == (baseline, highest, rows)
    assert (state["account"], state["last_version"], state["scan"]) == (ACCOUNT, run.sync.version, [])


BEFORE = replace(holding(known=[-3, -1], gone=[-9, 8], braked=[-3]), new=(packed([2]),), highest=2)


@pytest.mark.parametrize(
    ("arguments", "known", "gone", "braked"),
    [
        ({}, [-2, -1], [], []),
        (PARTIAL, [-2, -1], [-9, -3, 2, 8], [-3]),
        ({**PARTIAL, "settings": NO_LOOK_UPS}, [-3, -2, -1, 2], [-9, 8], [-3]),
        ({"living": {-1, 2}, **PARTIAL}, [-2, -1, 2], [-9, -3, 8], [-3]),
        ({"refuses": True}, [-3, -2, -1, 2], [-9, 8], [-3]),
        # the brake names the whole set
        ({"settings": {"max_delete_count": 2}}, [-3, -2, -1, 2], [-9, 8], [-9, -3, 2, 8]),
    ],
)
def test_keys_are_forgotten_once_the_target_was_told_that_they_are_gone(
    arguments: dict[str, Any], known: list[int], gone: list[int], braked: list[int]
) -> None:
    run = Run([[-1], [-2]], replace(BEFORE, highest=None), **{"living": {-1}, **arguments}).go()
    assert run.keys("new") == []
    assert (run.keys("known"), run.keys("gone"), run.keys("braked")) == (known, gone, braked)


@pytest.mark.parametrize(
    ("before", "read", "arguments", "known", "gone"),
    [
        (FRESH, [1, 2, 3], {}, [1, 2, 3], []),
        (FRESH, [1, 2, 3, 4], {}, None, []),
        (COMPLETE, [1, 2, 3], {}, [1, 2, 3], []),
        # once forgotten, they are remembered again after a sync that tells the target what there is
        (replace(COMPLETE, known=None), [1, 2, 3], {}, [1, 2, 3], []),
        (replace(COMPLETE, known=None), [1, 2, 3], PARTIAL, None, []),
        (replace(COMPLETE, known=None), [1, 2, 3, 4], {}, None, []),
        # those that YCM does not find are the first to be forgotten
        (COMPLETE, [1, 2], PARTIAL, [1, 2], [3]),
        (holding(known=[1, 2, 3], gone=[9]), [1, 2], PARTIAL, [1, 2], []),
        # a state of a tap that remembered more
        (holding(known=[1, 2, 3, 4], gone=[8], braked=[7]), [1], {**PARTIAL, "settings": NO_LOOK_UPS}, None, []),
        # and where keys are no numbers, none are remembered
        (FRESH, [1], {"traits": Traits(keys=False)}, None, []),
    ],
)
def test_no_more_than_so_many_keys_are_remembered(  # noqa: PLR0913, PLR0917 - a table
    before: Memory,
    read: list[int],
    arguments: dict[str, Any],
    known: list[int] | None,
    gone: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 3)
    run = Run([[key] for key in read], before, living={1}, **arguments).go()
    assert (run.keys("known"), run.keys("new"), run.keys("gone"), run.keys("braked")) == (known, [], gone, [])


def test_from_the_moment_that_there_are_too_many_keys_no_state_has_any(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 3)
    before = replace(holding(known=[1, 2], gone=[8], braked=[7]), new=(packed([3]),))
    run = Run([[4], [5]], before, stops_after=2).go()
    assert run.lines == ["state", "rows 4", "rows 5"]
    assert keys_in(run.states[0], "new") == [[4]]
    assert (run.keys("known"), run.keys("new"), run.keys("gone"), run.keys("braked")) == (None, [], [], [])
