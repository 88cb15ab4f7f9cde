"""The settings that a report names are those that help: the real tap, without them and with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from forked_tap import ForkedTap
from harness import catalog_of, settings_for
from probing import report_on

from tap_ycm.sandbox import Assumptions, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

CUSTOMERS = catalog_of("customers")


def advice(world: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that a probe of a world names."""
    with Sandbox(assumptions=Assumptions(**world)) as ycm:
        return {one["setting"]: one["value"] for one in report_on(ycm)["advice"]}


@pytest.mark.parametrize(
    ("world", "settings"),
    [
        ({}, {}),
        ({"default_order": "shuffled", "below_one": "one", "gzip": True, "error_code_as": "string"}, {}),
        ({"max_page_size": 20, "over_max": "refuse"}, {"page_size": 20}),
        ({"max_page_size": 7, "over_max": "refuse"}, {"page_size": 7}),
        ({"not_found_as": "null"}, {"confirm_by_lookup": False}),
        ({"not_found_as": "html_404"}, {"confirm_by_lookup": False}),
        ({"not_found_as": "http_404"}, {}),
        ({"look_up": "not_permitted"}, {"confirm_by_lookup": False}),
        ({"total_offset": 23}, {"on_incomplete": "warn"}),
        ({"total_as": "missing"}, {"on_incomplete": "warn"}),
        ({"honour_sort": False}, {"on_incomplete": "warn"}),
        ({"window": 100}, {"": None}),
        ({"page_gap": 1}, {"": None}),
        ({"honour_page": False}, {"": None}),
        ({"one_token": True}, {"": None}),
        ({"denied": ("users", "dids")}, {"select": ["!users.*", "!dids.*"]}),
    ],
)
def test_a_report_names_what_helps(world: dict[str, Any], settings: dict[str, Any]) -> None:
    assert advice(world) == settings


@pytest.fixture(scope="module")
def tap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedTap]:
    with ForkedTap(tmp_path_factory.mktemp("tap")) as forked:
        yield forked


@pytest.mark.parametrize("world", [{"max_page_size": 20, "over_max": "refuse"}, {"total_offset": 23}], ids=str)
def test_the_tap_works_with_what_the_report_names(world: dict[str, Any], tap: ForkedTap) -> None:
    settings = advice(world)
    with Sandbox(customers=120, assumptions=Assumptions(**world)) as ycm:
        assert tap.run(config=settings_for(ycm), catalog=CUSTOMERS).status == 1
        run = tap.run(config=settings_for(ycm, **settings), catalog=CUSTOMERS)
    assert run.status == 0, run.log
    assert len(run.records) == 120


@pytest.mark.parametrize("way", ["null", "html_404"])
def test_deletes_go_on_with_what_the_report_names(way: str, tap: ForkedTap) -> None:
    world = {"not_found_as": way}
    settings = advice(world)
    with Sandbox(customers=120, assumptions=Assumptions(**world)) as ycm:  # type: ignore[arg-type] # as it is written
        config = settings_for(ycm, emit_activate_version_messages=True)
        state = tap.run(config=config, catalog=CUSTOMERS).state
        ycm.world.delete(ycm.world.ids()[60])
        assert tap.run(config=config, catalog=CUSTOMERS, state=state).status == 1
        run = tap.run(config=config | settings, catalog=CUSTOMERS, state=state)
    assert run.status == 0, run.log
    assert run.of_type("ACTIVATE_VERSION")
