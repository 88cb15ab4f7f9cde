"""Keys in a state: there and back, small, and damaged texts told apart."""

from __future__ import annotations

import base64
import random
import zlib
from array import array
from itertools import accumulate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_ycm.sync.keys import DamagedKeysError, KnownKeys, packed, unpacked

KEYS = st.integers(-(2**63), 2**63 - 1)


@given(st.sets(KEYS, max_size=60))
@example({-(2**63), 2**63 - 1})
@example({0})
@example({-5, -1, 3})
def test_there_and_back(keys: set[int]) -> None:
    text = packed(sorted(keys))
    assert unpacked(text).tolist() == sorted(keys)
    assert text.isascii()
    assert (text == "") == (not keys)


def test_a_key_that_comes_twice_is_written_once() -> None:
    assert unpacked(packed([3, 3, 4, 9, 9])).tolist() == [3, 4, 9]


@pytest.mark.parametrize(
    ("count", "gap", "most"),
    [(10_000, 5, 7_000), (10_000, 1_000_000, 42_000), (100_000, 5, 60_000), (100_000, 1_000_000, 420_000)],
)
def test_the_size_of_a_state(count: int, gap: int, most: int) -> None:
    """Bytes; keys are 1 to ``gap`` apart."""
    chance = random.Random(7)  # noqa: S311 - repeatable on purpose
    keys = list(accumulate(chance.randint(1, gap) for _ in range(count)))
    assert len(packed(keys)) <= most


def planes(*numbers: int) -> bytes:
    whole = b"".join(number.to_bytes(8, "little", signed=number < 0) for number in numbers)
    return b"".join(whole[place::8] for place in range(8))


def text_of(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


def test_the_form_is_the_one_that_states_hold() -> None:
    """First key, then differences, as 64-bit little-endian integers, first bytes first."""
    assert unpacked(text_of(planes(-7, 1, 300))).tolist() == [-7, -6, 294]


GOOD = packed(range(5, 400, 3))


@pytest.mark.parametrize(
    "text",
    [
        None,
        3,
        [],
        "!",
        "AAAA",
        GOOD[:-8],
        GOOD[:12],
        GOOD + "AAAA=",
        GOOD.lower(),
        text_of(b""),
        text_of(b"1234567"),
        text_of(planes(1, 0)),  # a key twice
        text_of(planes(2**63 - 1, 1)),  # beyond 64 bits
        text_of(planes(1, 2**64 - 1)),
        text_of(b"\0" * 8_000_008),  # what unpacks to more than any state holds
    ],
)
def test_a_damaged_text_is_noticed(text: object) -> None:
    with pytest.raises(DamagedKeysError):
        unpacked(text)


@given(st.text(max_size=30))
def test_no_text_does_anything_else(text: str) -> None:
    try:
        keys = unpacked(text).tolist()
    except DamagedKeysError:
        return
    assert keys == sorted(set(keys))


@given(
    st.sets(st.integers(-30, 30), max_size=40),
    st.lists(st.sets(st.integers(-30, 30), min_size=1, max_size=12), max_size=6),
)
def test_what_is_read_and_what_is_absent(known: set[int], pages: list[set[int]]) -> None:
    """Each key comes once, as a reading hands it out; a page may hold any of them."""
    keys = KnownKeys(array("q", sorted(known)))
    assert keys.meet([]) == []
    read: set[int] = set()
    for page in pages:
        shuffled = sorted(page, reverse=True)
        places = keys.unread([*shuffled, *shuffled])
        assert {shuffled[place] for place in places} == page - read
        assert len(places) == len(page - read)
        assert keys.meet(sorted(page - read)) == sorted(page - read - known)
        read |= page
    assert len(keys) == len(known)
    assert keys.new == len(read - known)
    assert keys.absent().tolist() == sorted(known - read)
    assert keys.read().tolist() == sorted(read)
    assert keys.all_but({1, 2, 3}).tolist() == sorted((known | read) - {1, 2, 3})


def test_what_was_met_is_not_unread() -> None:
    keys = KnownKeys(array("q", [1, 2]))
    assert keys.meet([1]) == []
    assert keys.meet([3, 4]) == [3, 4]
    assert keys.unread([5, 4, 3, 2, 1]) == [0, 3]
    assert keys.meet([5]) == [5]
    assert keys.unread([5, 4, 3, 2, 1]) == [3]


def test_the_usual_page_is_met_like_any_other() -> None:
    keys = KnownKeys(array("q", range(1, 101)))
    assert keys.meet(list(range(11, 61))) == []
    assert keys.absent().tolist() == [*range(1, 11), *range(61, 101)]
    assert keys.meet([61, 63]) == []
    assert keys.meet([99, 100, 101]) == [101]
    assert keys.absent().tolist() == [*range(1, 11), 62, *range(64, 99)]
