"""Every stream in broken worlds, and after a death at any point: no living row is deleted, and health comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from test_streams import Pipeline, tap
from warehouse import CURRENT, KINDS, truth

from tap_ycm.sandbox import Assumptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Run

    from tap_ycm.sandbox import Sandbox

__all__ = ["tap"]  # a fixture

SIZES = {
    "cloud_pbxs": 40,
    "users": 40,
    "backup_files": 40,
    "dids": 40,
    "trunk_permissions": 40,
    "groups": 40,
}
PAGED = ("cloud_pbxs", "users", "backup_files", "dids", "trunk_permissions")
"""One of each kind, with a look-up, with one that lacks a column, and without; customers have a suite of their own."""
WORLDS: dict[str, dict[str, Any]] = {
    "a row in eight is hidden": {"hidden": 8},
    "a row in eight is hidden, and not counted": {"hidden": 8, "hidden_counted": False},
    "pages are short": {"short_pages": (2, 3), "short_by": 2},
    "rows past the twentieth are not shown": {"window": 20},
    "the total is too low": {"total_offset": -5},
    "the total is too high": {"total_offset": 5},
    "no total": {"total_as": "missing"},
    "another page is answered": {"honour_page": False},
    "a gap between pages": {"page_gap": 1},
    "one answer in three is older": {"stale_every": 3, "stale_lag": 3},
    "the total wobbles": {"total_wobble": 4},
    "pages past the end are invented": {"past_end": "invented"},
}


def living(ycm: Sandbox, pipeline: Pipeline, name: str) -> set[Any]:
    """Return the keys of what was loaded once and lives."""
    return pipeline.warehouse.rows(name).keys() & truth(ycm, name).keys()


@pytest.mark.parametrize("name", PAGED)
@pytest.mark.parametrize("world", WORLDS)
def test_no_living_row_is_deleted_in_a_broken_world(
    world: str, name: str, tap: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(40, sizes=SIZES)
    children = [child.name for child in KINDS.values() if child.parent == name]
    # In small pages, so that there are many.
    pipeline = Pipeline(tap, ycm, name, *children, page_size=7, max_delete_percent=100, retry_budget=0)
    assert pipeline.run().status == 0
    ycm.shake(delete=2, table=name)
    before = {one: living(ycm, pipeline, one) for one in (name, *children) if one in CURRENT}
    ycm.assumptions = Assumptions(**WORLDS[world])
    for _ in range(2):
        run = pipeline.run()
        hides_uncounted = WORLDS[world].get("hidden_counted") is False and KINDS[name].look_up is None
        if not hides_uncounted:  # a list that hides rows from its own total, and no call that would tell
            for one, keys in before.items():
                assert keys <= pipeline.warehouse.rows(one).keys(), (one, run.log)
        if run.status == 0 and not hides_uncounted:
            assert truth(ycm, name).keys() <= pipeline.warehouse.rows(name).keys()
    ycm.assumptions = Assumptions()
    ycm.shake(create=1, table=name)
    for _ in range(3):
        run = pipeline.run()
    assert run.status == 0, run.log
    for one in before:
        assert pipeline.warehouse.rows(one) == truth(ycm, one)


def test_a_death_in_the_midst_of_each_stream(tap: Callable[..., Run], sandbox: Callable[..., Sandbox]) -> None:
    ycm = sandbox(60, sizes={"cloud_pbxs": 30, "users": 12, "dids": 60, "backup_files": 30})
    pipeline = Pipeline(tap, ycm, page_size=10, max_delete_percent=100)
    assert pipeline.run().status == 0
    for place, name in enumerate(KINDS):
        ycm.shake(create=2, delete=1, table=name if name in ycm.tables else "cloud_pbxs")
        died = tap(config=pipeline.config, state=pipeline.warehouse.state)
        before = {one: living(ycm, pipeline, one) for one in CURRENT}
        own = [at for at, message in enumerate(died.messages) if message.get("stream") == name]
        pipeline.warehouse.take(died, own[len(own) * (place % 4) // 4] + 1)  # what came later was never written
        for one, keys in before.items():
            assert keys <= pipeline.warehouse.rows(one).keys(), (name, one)
    for _ in range(2):
        assert pipeline.run().status == 0
    pipeline.is_true()


@pytest.mark.parametrize("name", ["cloud_pbx_customers", "group_members", "user_subscriptions"])
def test_an_interrupted_stream_of_children_goes_on_with_the_other_parents(
    name: str, tap: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(60, sizes={"cloud_pbxs": 30, "users": 30, "groups": 30})
    pipeline = Pipeline(tap, ycm, name, concurrency=1, retry_budget=0)
    assert pipeline.run().status == 0
    endpoint = "group" if name == "group_members" else name
    ycm.faults.add(f"{endpoint}:21:error=1000004")
    assert pipeline.run().status == 1
    run = pipeline.run()
    assert run.status == 0
    assert f"{name}: continuing the scan" in run.log
    assert pipeline.requests(endpoint) == 10
    assert not run.of_type("ACTIVATE_VERSION")
    assert pipeline.run().status == 0
    if name in CURRENT:
        assert pipeline.warehouse.rows(name) == truth(ycm, name)


def test_parents_that_go_between_their_list_and_the_call_for_their_children(
    tap: Callable[..., Run], sandbox: Callable[..., Sandbox]
) -> None:
    ycm = sandbox(60)
    pipeline = Pipeline(tap, ycm, "cloud_pbxs", "cloud_pbx_customers", "cloud_pbx_trunks", max_delete_percent=100)
    assert pipeline.run().status == 0
    ycm.assumptions = Assumptions(vanishing_parents=10)
    for _ in range(2):
        before = living(ycm, pipeline, "cloud_pbx_customers")
        assert pipeline.run().status == 0
        assert (
            before & truth(ycm, "cloud_pbx_customers").keys() <= pipeline.warehouse.rows("cloud_pbx_customers").keys()
        )
    ycm.assumptions = Assumptions()
    assert pipeline.run().status == 0
    assert len(ycm.tables["cloud_pbxs"]) < 50
    for name in ("cloud_pbxs", "cloud_pbx_customers", "cloud_pbx_trunks"):
        assert pipeline.warehouse.rows(name) == truth(ycm, name)
