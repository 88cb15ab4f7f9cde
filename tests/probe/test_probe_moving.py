"""A list that others change while it is looked at is no broken list: nothing is claimed that is not so."""

from __future__ import annotations

import pytest
from probing import findings, report_on

from tap_ycm.sandbox import Sandbox


@pytest.mark.parametrize("events", [1, 2, 5, 20])
@pytest.mark.parametrize("customers", [30, 124, 364])
def test_changes_are_not_taken_for_faults(events: int, customers: int) -> None:
    """Rows come and go before every answer, in every list."""
    for seed in range(2):
        with Sandbox(customers=customers, seed=seed, churn_per_request=events, churn_tables="all") as ycm:
            made = findings(report_on(ycm))
        assert not [one for one in made.values() if one["state"] == "differs"]
        assert made["honour_sort"]["state"] == "holds"


@pytest.mark.parametrize(("customers", "events", "seed"), [(364, 5, 5), (700, 20, 0), (700, 5, 3)])
def test_a_total_that_goes_up_and_down_with_the_list_is_not_taken_for_wrong(
    customers: int, events: int, seed: int
) -> None:
    """The first page stays as it is meanwhile."""
    with Sandbox(customers=customers, seed=seed, churn_per_request=events, churn_tables="all") as ycm:
        made = findings(report_on(ycm))
    assert made["total_wobble"]["state"] == "open"
    assert not [one for one in made.values() if one["state"] == "differs"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_more_changes_are_not_taken_for_faults(seed: int) -> None:
    for customers in (0, 5, 49, 51, 60, 500, 940):
        for events in (1, 3, 30):
            with Sandbox(customers=customers, seed=seed, churn_per_request=events, churn_tables="all") as ycm:
                made = findings(report_on(ycm))
            assert not [one for one in made.values() if one["state"] == "differs"]
