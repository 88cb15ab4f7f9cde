"""Assumptions as objects and as a person writes them."""

from __future__ import annotations

from dataclasses import fields

import pytest

from tap_ycm.sandbox.assumptions import ASSUMPTIONS, Assumptions, assume


def test_every_assumption_is_marked_and_explained() -> None:
    """None without evidence mark and words."""
    assert [one.name for one in ASSUMPTIONS] == [f.name for f in fields(Assumptions)]
    for one in ASSUMPTIONS:
        assert one.told.mark in "VIU"
        assert one.told.says
        assert one.default == getattr(Assumptions(), one.name)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("max_page_size=20", "max_page_size", 20),
        ("over_max=echo_asked", "over_max", "echo_asked"),
        ("gzip=true", "gzip", True),
        ("honour_sort = false", "honour_sort", False),
        ("total_cap=10000", "total_cap", 10000),
        ("total_cap=none", "total_cap", None),
        ("token_life=0.5", "token_life", 0.5),
        ("total_offset=-23", "total_offset", -23),
        ("window=300", "window", 300),
        ("hidden=10", "hidden", 10),
        ("hidden_counted=false", "hidden_counted", False),
        ("short_pages=7,3", "short_pages", (7, 3)),
        ("short_pages=none", "short_pages", ()),
        ("page_gap=-1", "page_gap", -1),
        ("total_fixed=0", "total_fixed", 0),
        ("default_order=reshuffled", "default_order", "reshuffled"),
        ("look_up=not_permitted", "look_up", "not_permitted"),
        ("error_code_field=errno", "error_code_field", "errno"),
        ("error_status_field=Status", "error_status_field", "Status"),
    ],
)
def test_a_person_can_change_one(text: str, name: str, value: object) -> None:
    """Of every type; the others stay."""
    changed = assume(Assumptions(total_cap=5), text)
    assert getattr(changed, name) == value
    assert type(getattr(changed, name)) is type(value)
    assert changed.past_end == "empty"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("gzip", "NAME=VALUE"),
        ("gzp=true", "NAME=VALUE"),
        ("limit=1", "NAME=VALUE"),
        ("gzip=1", "gzip is one of true, false, not '1'"),
        ("over_max=x", "over_max is one of clamp, refuse, echo_asked"),
        ("max_page_size=many", "max_page_size is a whole number"),
        ("max_page_size=0", "at least 1"),
        ("max_page_size=none", "a whole number"),
        ("error_code_field=", "a word"),
        ("token_life=nan", "at least 0"),
        ("stale_every=-1", "at least 0"),
        ("window=-1", "at least 0"),
        ("look_up_lag=-1", "at least 0"),
        ("short_pages=0", "at least 1"),
        ("short_pages=7,", "short_pages is whole numbers, for instance 7,3, or none, not '7,'"),
        ("look_up=lost", "look_up is one of answered, not_permitted, not_found, html_404, another"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(text: str, sentence: str) -> None:
    """It says what was expected."""
    with pytest.raises(ValueError, match=sentence) as caught:
        assume(Assumptions(), text)
    assert str(caught.value).endswith(".")


def test_a_misspelt_value_is_refused_in_code_too() -> None:
    """Or a test would test nothing."""
    with pytest.raises(ValueError, match="past_end is one of empty, last"):
        Assumptions(past_end="lost")  # type: ignore[arg-type] # the mistake
