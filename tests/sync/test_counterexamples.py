"""Each world in which an earlier design deleted living objects, or called a sync complete that was not.

Every test fails when the rule that its world made necessary is taken out.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pipelines import Pipeline, Ycm, known_to

from tap_ycm.errors import ApiError, TapError
from tap_ycm.reading import opening
from tap_ycm.sync import sync as sync_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines import Line, Outcome


@pytest.fixture(autouse=True)
def _small_lists_get_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PAGES_WORTH_A_LANE", 1)


def loaded(many: int = 40, **options: Any) -> Pipeline:
    """Return a pipeline that has a baseline: everything was loaded, and deletes were told once."""
    pipeline = Pipeline(Ycm(list(range(1, many + 1))), **options)
    assert not pipeline.run().activated
    assert pipeline.run().activated
    return pipeline


def sound(pipeline: Pipeline) -> Outcome:
    """Sync once; no living row is deleted, and the exit status tells whether what is known or told was handed out."""
    outcome = pipeline.run()
    assert not outcome.deleted & set(pipeline.ycm.keys)
    assert outcome.failure is not None or not outcome.missing & outcome.known
    assert outcome.failure is not None or not outcome.missing or not pipeline.ycm.counts_hidden
    return outcome


def test_rows_that_the_first_sync_did_not_see_come_back() -> None:
    """Without a baseline nothing is deleted; and what turns up below the highest key was hidden before."""
    pipeline = loaded()
    pipeline.target.state = {}
    pipeline.ycm.hidden, pipeline.ycm.counts_hidden = {7, 8, 21}, False
    first = sound(pipeline)
    assert (first.activated, first.failure, first.deleted) == (False, None, set())
    assert "nothing is deleted before the sync that follows the first complete one" in first.said[0]
    pipeline.ycm.hidden = {12, 13}  # two that are known take the place of those that come back
    second = sound(pipeline)
    assert not second.activated
    assert second.failure is not None
    assert "3" in (second.sync.flaw or "")
    assert {7, 8, 12, 13, 21} <= set(pipeline.target.rows)


def test_a_key_is_in_a_state_before_its_record_is_written() -> None:
    """The tap dies right after the record of a new object, which the list hides from then on."""
    for dies_after in range(12):
        pipeline = loaded(7)
        pipeline.ycm.create()
        pipeline.run(dies_after=dies_after)
        assert set(pipeline.target.rows) <= known_to(pipeline.target.state)
        pipeline.ycm.hidden, pipeline.ycm.counts_hidden = {8}, False
        for _ in range(3):
            outcome = pipeline.run()
            assert 8 not in outcome.deleted


def test_objects_created_between_an_interruption_and_its_continuation_are_read_and_nothing_is_deleted() -> None:
    for dies_after in range(1, 40):
        pipeline = loaded(24, lanes=2, hasty=True)
        pipeline.ycm.delete([3])
        pipeline.run(dies_after=dies_after)
        pipeline.ycm.create(7)
        pipeline.ycm.delete([24])
        pipeline.lanes = 3
        outcome = sound_though_continued(pipeline)
        if outcome.sync.scan is not None and outcome.sync.scan.resumed:
            assert not outcome.activated
            assert not outcome.deleted
        assert set(pipeline.ycm.keys) <= set(pipeline.target.rows)
        last = sound(pipeline)
        assert last.activated
        assert set(pipeline.target.rows) == set(pipeline.ycm.keys)


def sound_though_continued(pipeline: Pipeline) -> Outcome:
    outcome = pipeline.run()
    assert not outcome.deleted & set(pipeline.ycm.keys)
    assert outcome.failure is None
    return outcome


@pytest.mark.parametrize("counts_up_to", [32, 35])
@pytest.mark.parametrize("lanes", [1, 3])
def test_a_window_whose_total_is_capped(lanes: int, counts_up_to: int) -> None:
    """Known rows behind the window are looked up; without known keys, the newest page shows that it is cut off."""
    pipeline = loaded(lanes=lanes)
    pipeline.ycm.window = 32
    pipeline.ycm.total = lambda total: min(total, counts_up_to)
    outcome = sound(pipeline)
    assert outcome.failure is not None
    assert outcome.handed_out == set(pipeline.ycm.keys)
    pipeline.target.state = {}
    outcome = sound(pipeline)
    assert outcome.failure is not None
    assert "cut off" in (outcome.sync.flaw or "")


@pytest.mark.parametrize("hidden", [3, 18, 30])
def test_rows_that_were_read_and_then_deleted_do_not_stand_for_hidden_ones(hidden: int) -> None:
    pipeline = Pipeline(Ycm(list(range(1, 31)), hidden={hidden}))

    def delete_what_was_read() -> None:
        if len(pipeline.ycm.requests) == 4 and 29 in pipeline.ycm.keys:
            pipeline.ycm.delete([29])

    pipeline.ycm.happen = delete_what_was_read
    outcome = sound(pipeline)
    assert outcome.failure is not None
    assert "total says that there are 1 more" in (outcome.sync.flaw or "")


def typed(outcome: Outcome) -> str:
    """Return what the brake says to type."""
    assert outcome.failure is not None
    return outcome.failure.partition("TAP_YCM_CONFIRM_DELETES=")[2].partition(" ")[0]


def test_one_more_deletion_does_not_void_a_confirmation() -> None:
    pipeline = loaded(60)
    pipeline.ycm.delete(range(1, 31))
    braked = sound(pipeline)
    assert (braked.activated, braked.deleted, pipeline.ycm.looked_up) == (False, set(), [])
    pipeline.ycm.delete([31])
    again = sound(pipeline)
    assert typed(again) == typed(braked)
    confirmed = pipeline.run(confirm_deletes=typed(braked))
    assert confirmed.failure is None
    assert set(pipeline.target.rows) == set(pipeline.ycm.keys)
    assert set(pipeline.ycm.looked_up).isdisjoint(range(1, 31))  # a person was the witness
    assert 31 in pipeline.ycm.looked_up


def test_a_confirmation_is_worthless_for_any_other_set() -> None:
    """It stays set; a year later as many others are hidden by the list, and look-ups are switched off."""
    pipeline = loaded(60)
    pipeline.ycm.delete(range(1, 31))
    word = typed(sound(pipeline))
    pipeline.settings["confirm_deletes"] = word
    assert sound(pipeline).failure is None
    assert set(pipeline.target.rows) == set(pipeline.ycm.keys)
    pipeline.ycm.create(30)
    assert sound(pipeline).activated
    pipeline.settings["confirm_by_lookup"] = False
    pipeline.ycm.hidden, pipeline.ycm.counts_hidden = set(pipeline.ycm.keys[:30]), False
    outcome = sound(pipeline)
    assert "brake" in (outcome.failure or "")
    assert typed(outcome) != word


@pytest.mark.parametrize("second_day", ["shown, held", "shown, not held", "looked up"])
def test_a_confirmation_is_void_once_one_of_its_set_was_read(second_day: str) -> None:
    """The list hides 40 on the first and the third day; on the second, it is read: it lives."""
    pipeline = loaded(60)
    pipeline.ycm.delete(range(1, 31))
    pipeline.ycm.hidden, pipeline.ycm.counts_hidden = {40}, False
    word = typed(sound(pipeline))
    if second_day.startswith("shown"):
        pipeline.ycm.hidden = set()
    pipeline.ycm.total = lambda total: total + 2  # more than look-ups find, so that nothing is deleted on this day
    second = pipeline.run(max_delete_percent=20 if second_day == "shown, held" else 100)
    assert not second.activated
    assert 40 in second.handed_out
    pipeline.ycm.hidden, pipeline.ycm.total = {40}, lambda total: total
    assert not pipeline.run(confirm_deletes=word).deleted & {40}
    pipeline.ycm.hidden = set()
    outcome = pipeline.run()
    if outcome.failure is not None:
        outcome = pipeline.run(confirm_deletes=typed(outcome))
    assert outcome.failure is None
    assert set(pipeline.target.rows) == set(pipeline.ycm.keys)


def test_one_hidden_object_does_not_block_all_deletes() -> None:
    pipeline = loaded()
    pipeline.ycm.hidden = {9}
    pipeline.ycm.delete([4, 5])
    outcome = sound(pipeline)
    assert outcome.activated
    assert (outcome.deleted, outcome.sync.recovered) == ({4, 5}, 1)
    assert "there are 1 more" in (outcome.failure or "")


def test_a_replayed_state_makes_the_tap_read_more_and_delete_nothing_that_lives() -> None:
    pipeline = loaded(30, hasty=True)
    pipeline.run(dies_after=20)
    old = json.dumps(pipeline.target.state)
    assert json.loads(old)["scan"]
    pipeline.ycm.delete([2, 11])
    pipeline.ycm.create(6)
    assert sound_though_continued(pipeline).sync.scan is not None
    assert sound(pipeline).deleted == {2, 11}
    pipeline.target.state = json.loads(old)
    pipeline.ycm.hidden, pipeline.ycm.counts_hidden = {20}, False
    for _ in range(3):
        sound_outcome = pipeline.run()
        assert not sound_outcome.deleted & set(pipeline.ycm.keys)
    assert set(pipeline.target.rows) == set(pipeline.ycm.keys)


def test_a_clock_that_goes_back_stops_no_deletes() -> None:
    pipeline = loaded()
    pipeline.now -= 86_400.0
    pipeline.ycm.delete([1])
    assert sound(pipeline).deleted == {1}


@pytest.mark.parametrize("recovers", [False, True])
def test_not_found_means_nothing_where_nothing_is_found(recovers: bool) -> None:  # noqa: FBT001 - a parameter
    """YCM says "not found" of everything, or of all but one that the list hides: then it can tell."""
    pipeline = loaded()
    pipeline.ycm.hidden, pipeline.ycm.counts_hidden = {6, 7}, False
    pipeline.ycm.answer = lambda *_: False
    outcome = sound(pipeline)
    assert not outcome.activated
    assert "confirm_by_lookup" in (outcome.failure or "")
    pipeline.ycm.answer = lambda _, lives: lives
    pipeline.ycm.delete([6] if recovers else [6, 7])
    assert sound(pipeline).deleted == ({6} if recovers else {6, 7})


def test_look_ups_that_are_refused_withhold_deletes() -> None:
    pipeline = loaded()
    pipeline.ycm.delete([6])

    def refuse(_key: int, _lives: object) -> bool:
        sentence = "YCM refuses (1000010)"
        raise ApiError(sentence)

    pipeline.ycm.answer = refuse
    outcome = sound(pipeline)
    assert not outcome.activated
    assert "confirm_by_lookup" in (outcome.failure or "")
    pipeline.settings["confirm_by_lookup"] = False
    assert sound(pipeline).deleted == {6}


@pytest.mark.parametrize("lanes", [1, 4])
def test_two_replicas_of_which_one_lags(lanes: int) -> None:
    for seed in range(20):
        pipeline = loaded(lanes=lanes)
        pipeline.ycm.random.seed(seed)
        pipeline.ycm.lagging = list(pipeline.ycm.keys)
        pipeline.ycm.delete([1, 2, 3, 17])
        pipeline.ycm.create(2)
        outcome = pipeline.run()
        assert not outcome.deleted & set(pipeline.ycm.keys)


def test_another_account_is_refused_before_the_first_request() -> None:
    pipeline = loaded()
    asked = len(pipeline.ycm.requests)
    pipeline.account = "00000000"
    with pytest.raises(TapError, match="TAP_YCM_CONFIRM_ACCOUNT=ab12cd34-00000000 ") as refused:
        pipeline.run()
    assert "state and a schema of its own" in str(refused.value)
    with pytest.raises(TapError):
        pipeline.run(confirm_account="ab12cd34-11111111")
    assert len(pipeline.ycm.requests) == asked
    assert pipeline.run(confirm_account="ab12cd34-00000000").activated
    assert sound(pipeline).activated  # the state has the new name


def test_a_state_that_is_lost_while_the_brake_holds_releases_nothing() -> None:
    pipeline = loaded()
    pipeline.ycm.delete(range(1, 31))
    assert not sound(pipeline).activated
    pipeline.target.state = {}
    outcome = sound(pipeline)
    assert (outcome.activated, outcome.deleted) == (False, set())
    assert outcome.said


def shorten(pipeline: Pipeline) -> None:
    """Leave 2 rows out of two pages, always the same."""
    pipeline.ycm.hidden = {11, 12, 31, 32}


def hide(pipeline: Pipeline) -> None:
    pipeline.ycm.hidden = {4, 14, 24, 34}


def narrow(pipeline: Pipeline) -> None:
    pipeline.ycm.window = 25


def shuffle(pipeline: Pipeline) -> None:
    pipeline.ycm.shuffled = True


def empty(pipeline: Pipeline) -> None:
    pipeline.ycm.window = 0
    pipeline.ycm.total = lambda _: 300


def forget_half(pipeline: Pipeline) -> None:
    pipeline.ycm.hidden, pipeline.ycm.counts_hidden = set(range(1, 21)), False


def promise_many(pipeline: Pipeline) -> None:
    pipeline.ycm.total = lambda _: 10**9


def tell_nothing(pipeline: Pipeline) -> None:
    pipeline.ycm.total = lambda _: None


WORLDS = [shorten, hide, narrow, shuffle, empty, forget_half, promise_many, tell_nothing]


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("breaks", WORLDS)
def test_a_broken_list_deletes_nothing_and_heals(breaks: Callable[[Pipeline], None], lanes: int) -> None:
    pipeline = loaded(lanes=lanes)
    healthy = dict(vars(pipeline.ycm))
    breaks(pipeline)
    pipeline.ycm.delete([5])
    for _ in range(2):
        outcome = sound(pipeline)
        assert outcome.failure is not None
        assert outcome.requests < 500
    for name in ("hidden", "counts_hidden", "window", "shuffled", "total"):
        setattr(pipeline.ycm, name, healthy[name])
    pipeline.ycm.hidden = set()
    outcome = sound(pipeline)
    assert outcome.failure is None
    assert set(pipeline.target.rows) == set(pipeline.ycm.keys)


@pytest.mark.parametrize("breaks", WORLDS)
def test_who_lives_with_wrong_totals_deletes_only_what_was_looked_up(breaks: Callable[[Pipeline], None]) -> None:
    pipeline = loaded(settings={"on_incomplete": "warn"})
    breaks(pipeline)
    pipeline.ycm.delete([5, 6])
    outcome = pipeline.run()
    assert not outcome.deleted & set(pipeline.ycm.keys)
    if outcome.activated:
        assert outcome.deleted == {5, 6}


def test_a_total_that_is_cached_and_one_deletion_hide_nothing_from_several_lanes() -> None:
    for seed in range(50):
        pipeline = loaded(200, lanes=4)  # in forty pages: fewer are read in one lane
        pipeline.ycm.random.seed(seed)
        pipeline.ycm.total = lambda _: 199
        started = len(pipeline.ycm.requests)

        def happen(pipeline: Pipeline = pipeline, at: int = started + 3 + seed % 30) -> None:
            if len(pipeline.ycm.requests) == at and 1 in pipeline.ycm.keys:
                pipeline.ycm.delete([1])

        pipeline.ycm.happen = happen
        outcome = sound(pipeline)
        assert outcome.throughout <= outcome.handed_out
        # By the lanes themselves, and neither by look-ups nor by the plain order, which follows a flaw.
        assert (outcome.sync.recovered, outcome.sync.flaw) == (0, None)


@pytest.mark.parametrize("page", [10**9, 2**62])
def test_a_bookmark_far_beyond_the_list_ends(page: int) -> None:
    pipeline = loaded(30, hasty=True)
    pipeline.run(dies_after=20)
    for lane in pipeline.target.state["scan"][0]["lanes"]:
        lane[0] = page
    outcome = pipeline.run()
    assert outcome.sync.scan is not None
    assert outcome.sync.scan.resumed
    assert outcome.requests < 200
    assert not outcome.deleted


def test_what_a_target_committed_before_it_died_is_known_where_any_state_was_passed_on() -> None:
    """The target commits records and passes a STATE on in the order of the lines."""

    def up_to_the_last_state(lines: list[Line]) -> list[Line]:
        last = max(place for place, (kind, _) in enumerate(lines) if kind == "state")
        return lines[: last + 1]

    pipeline = loaded(7)
    pipeline.ycm.create(2)
    pipeline.run(dies_after=9, target_dies=up_to_the_last_state)
    assert set(pipeline.target.rows) <= known_to(pipeline.target.state)


def test_a_state_of_the_landed_version_has_no_baseline() -> None:
    pipeline = loaded()
    pipeline.target.state = {"complete_rows": 40, "last_version": 5, "scan": None}
    pipeline.ycm.hidden, pipeline.ycm.counts_hidden = {3}, False
    outcome = sound(pipeline)
    assert (outcome.activated, outcome.failure) == (False, None)
    assert "an earlier version of the tap wrote the state" in outcome.said[0]


def test_too_many_keys_are_not_remembered_and_deletes_rest_on_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_module, "MOST_REMEMBERED", 30)
    pipeline = loaded(40)
    assert pipeline.target.state["known"] is None
    pipeline.ycm.delete([5])
    assert sound(pipeline).deleted == {5}
    pipeline.ycm.delete(range(10, 30))
    braked = sound(pipeline)
    assert typed(braked).startswith("39-19-")
    assert pipeline.run(confirm_deletes=typed(braked)).failure is None
    assert set(pipeline.target.rows) == set(pipeline.ycm.keys)
    assert pipeline.target.state["known"] is not None  # few enough again


def test_a_total_makes_nobody_forget_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_module, "MOST_REMEMBERED", 300)
    pipeline = loaded(200)
    pipeline.ycm.hidden, pipeline.ycm.counts_hidden = {50, 51}, False
    asked = len(pipeline.ycm.requests)
    pipeline.ycm.total = lambda total: 600 if len(pipeline.ycm.requests) == asked + 1 else total
    assert not sound(pipeline).deleted
    pipeline.ycm.total = lambda _: 600
    assert not sound(pipeline).deleted
    assert known_to(pipeline.target.state) >= set(pipeline.ycm.keys)


def test_what_was_known_is_looked_up_also_when_the_list_grows_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync_module, "MOST_REMEMBERED", 45)
    pipeline = loaded(40)
    pipeline.ycm.create(10)
    pipeline.ycm.hidden, pipeline.ycm.counts_hidden = {7, 8}, False
    assert not sound(pipeline).deleted
    assert pipeline.target.state["known"] is None


def test_what_was_never_looked_up_is_looked_up_once_deletes_are_wanted() -> None:
    pipeline = loaded()
    pipeline.ycm.hidden, pipeline.ycm.counts_hidden = {7, 8}, False
    pipeline.run(confirm_by_lookup=False, emit_activate_version_messages=False)
    assert not pipeline.ycm.looked_up
    outcome = sound(pipeline)
    assert {7, 8} <= set(pipeline.ycm.looked_up)
    assert not outcome.deleted


def test_rows_that_only_the_plain_order_finds_are_no_witness() -> None:
    pipeline = loaded(40, settings={"confirm_by_lookup": False})
    pipeline.ycm.hidden = {10}

    def create_and_delete() -> None:
        pipeline.ycm.create()
        pipeline.ycm.delete([35])

    pipeline.ycm.happen = after(pipeline, 26, create_and_delete)
    outcome = sound(pipeline)
    assert outcome.failure is not None
    assert not outcome.activated


def after(pipeline: Pipeline, requests: int, what: Callable[[], object]) -> Callable[[], None]:
    """Let something happen once, when so many more pages were asked for."""
    due = [len(pipeline.ycm.requests) + requests]

    def happen() -> None:
        if due and len(pipeline.ycm.requests) >= due[0]:
            due.clear()
            what()

    return happen


def test_a_reading_with_a_flaw_is_not_continued() -> None:
    pipeline = Pipeline(Ycm(list(range(1, 61))), hasty=True)
    pipeline.ycm.happen = after(pipeline, 8, lambda: setattr(pipeline.ycm, "shuffled", True))
    pipeline.ycm.refuses_after = 12
    assert pipeline.run().failure == "YCM does not answer"
    assert pipeline.target.state["scan"] == []


def test_an_interrupted_lane_passes_over_whatever_was_deleted_above_it() -> None:
    pipeline = Pipeline(Ycm(list(range(1, 3001))), hasty=True)
    pipeline.run(dies_after=1000)
    assert pipeline.target.state["scan"]
    pipeline.ycm.delete(range(1, 1901))
    outcome = pipeline.run()
    assert set(pipeline.ycm.keys) <= set(pipeline.target.rows)
    assert outcome.sync.scan
    assert outcome.sync.scan.resumed
    assert outcome.failure is None


def test_keys_that_begin_lower_again_are_odd_no_longer_than_the_target_holds_a_higher_one() -> None:
    pipeline = loaded()
    pipeline.ycm.keys.append(2**62)
    sound(pipeline)
    pipeline.ycm.keys.remove(2**62)
    assert sound(pipeline).activated
    pipeline.ycm.keys.append(41)
    assert sound(pipeline).failure is None


def test_an_account_that_is_empty_is_confirmed_by_a_person() -> None:
    """A lost right looks like that, and no listed record is left to test the look-ups with."""
    pipeline = loaded(8)
    pipeline.ycm.hidden, pipeline.ycm.counts_hidden = set(pipeline.ycm.keys), False
    pipeline.ycm.answer = lambda _key, _lives: False
    assert not sound(pipeline).deleted
    pipeline.ycm.hidden, pipeline.ycm.answer = set(), lambda _key, lives: lives
    pipeline.ycm.delete(range(1, 9))
    word = typed(sound(pipeline))
    assert pipeline.run(confirm_deletes=word).deleted == set(range(1, 9))


def test_answers_to_look_ups_outlast_an_interruption() -> None:
    pipeline = loaded(100)
    pipeline.ycm.delete(range(1, 9))
    pipeline.ycm.refuses_after = len(pipeline.ycm.requests) + len(pipeline.ycm.looked_up) + 25
    first = pipeline.run()
    asked = [key for key in pipeline.ycm.looked_up if key < 9]
    assert 0 < len(asked) < 8
    assert first.failure is not None
    pipeline.ycm.refuses_after = None
    assert sound(pipeline).deleted == set(range(1, 9))
    assert len([key for key in pipeline.ycm.looked_up if key < 9]) <= 9


def test_without_deletes_nothing_fails_for_what_cannot_be_looked_up() -> None:
    pipeline = loaded(100)
    pipeline.ycm.delete(range(1, 61))
    outcome = pipeline.run(emit_activate_version_messages=False, max_lookups=50)
    assert outcome.failure is None
    assert not pipeline.ycm.looked_up
    assert any("too many to look up" in sentence for sentence in outcome.said)
