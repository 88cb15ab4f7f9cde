"""Which objects a target may hold as living: their keys, small enough for a state.

Sorted keys lie close together, so their differences are small numbers. Written as 64-bit integers, all lowest bytes
first, then all second bytes and so on, zlib leaves some 0.4 bytes of a key where ids are dense, and less than 3 where
they are up to a million apart.
"""

from __future__ import annotations

import base64
import binascii
import sys
import zlib
from array import array
from bisect import bisect_left, bisect_right
from itertools import accumulate, compress, groupby
from operator import not_, sub
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["MOST_REMEMBERED", "DamagedKeysError", "KnownKeys", "packed", "unpacked"]

MOST_REMEMBERED: int = 500_000
"""Keys that a state remembers at most: up to 2 MB. Beyond, deletes rest on the list and its total alone."""

_WIDTH = 8


class DamagedKeysError(Exception):
    """A text is not what :func:`packed` returns."""


def packed(keys: Iterable[int]) -> str:
    """Return ascending keys (64-bit integers) as a short text, each once; an empty one for none."""
    ordered = array("q", keys)  # no list: 500,000 integers of Python take 20 MB
    if not ordered:
        return ""
    steps = array("Q", map(sub, ordered[1:], ordered))
    if 0 in steps:
        return packed(key for key, _ in groupby(ordered))
    numbers = ordered[:1].tobytes() + steps.tobytes()
    if sys.byteorder == "big":
        numbers = _swapped(numbers)
    planes = b"".join(numbers[place::_WIDTH] for place in range(_WIDTH))
    return base64.b64encode(zlib.compress(planes)).decode("ascii")


def unpacked(text: object) -> array[int]:
    """Return the keys in a text.

    Raises:
        DamagedKeysError: It is not one that :func:`packed` wrote.
    """
    if text == "":
        return array("q")
    try:
        if not isinstance(text, str):
            raise DamagedKeysError
        reader = zlib.decompressobj()
        planes = reader.decompress(base64.b64decode(text, validate=True), 2 * MOST_REMEMBERED * _WIDTH)
        if not reader.eof or not planes or len(planes) % _WIDTH:
            raise DamagedKeysError
        numbers = bytearray(len(planes))
        count = len(planes) // _WIDTH
        for place in range(_WIDTH):
            numbers[place::_WIDTH] = planes[place * count : (place + 1) * count]
        if sys.byteorder == "big":
            numbers = bytearray(_swapped(bytes(numbers)))
        steps = array("Q", bytes(numbers[_WIDTH:]))
        keys = array("q", accumulate(steps, initial=array("q", bytes(numbers[:_WIDTH]))[0]))
    except (ValueError, OverflowError, binascii.Error, zlib.error):
        raise DamagedKeysError from None
    if 0 in steps:
        raise DamagedKeysError
    return keys


def _swapped(numbers: bytes) -> bytes:
    swapped = array("Q", numbers)
    swapped.byteswap()
    return swapped.tobytes()


class KnownKeys:
    """The keys known when a sync begins, and what of them it reads."""

    def __init__(self, known: array[int]) -> None:
        """Begin with nothing read.

        Args:
            known: Ascending.
        """
        self._known = known
        self._read = bytearray(len(known))
        self._new = array("q")
        self._new_looked_up: set[int] = set()
        self._looked_up = 0

    def __len__(self) -> int:
        """Return how many keys were known when the sync began."""
        return len(self._known)

    @property
    def new(self) -> int:
        """How many keys were read that were not known."""
        return len(self._new)

    def meet(self, keys: Sequence[int]) -> list[int]:
        """Note that rows with these keys, in ascending order, are handed out; return those that were not known."""
        if not keys:
            return []
        begin = bisect_left(self._known, keys[0])
        end = bisect_right(self._known, keys[-1], begin)
        if self._known[begin:end].tolist() == keys:  # the usual page
            self._read[begin:end] = b"\1" * (end - begin)
            return []
        new = []
        for key in keys:
            place = self._place(key)
            if place is None:
                new.append(key)
            else:
                self._read[place] = 1
        self._new.extend(new)
        return new

    def unread(self, keys: Sequence[int]) -> list[int]:
        """Return the places of those keys, in any order, that were not handed out yet; of equal ones the first."""
        self._new_looked_up.update(self._new[self._looked_up :])
        self._looked_up = len(self._new)
        places: dict[int, int] = {}
        for number, key in enumerate(keys):
            place = self._place(key)
            if not self._read[place] if place is not None else key not in self._new_looked_up:
                places.setdefault(key, number)
        return list(places.values())

    @property
    def unchanged(self) -> bool:
        """Whether the keys read are those that were known."""
        return not self._new and 0 not in self._read

    @property
    def count(self) -> int:
        """How many keys were read."""
        return self._read.count(1) + len(self._new)

    def absent(self) -> array[int]:
        """Return the known keys that were not read, ascending."""
        return array("q", compress(self._known, map(not_, self._read)) if 0 in self._read else ())

    def read(self) -> array[int]:
        """Return the keys that were read, ascending."""
        if self.unchanged:
            return self._known
        known = compress(self._known, self._read)
        return array("q", sorted([*known, *self._new]) if self._new else known)

    def all_but(self, gone: set[int]) -> array[int]:
        """Return the keys that were known or read, ascending, without some."""
        return array("q", sorted(key for keys in (self._known, self._new) for key in keys if key not in gone))

    def _place(self, key: int) -> int | None:
        place = bisect_left(self._known, key)
        return place if place < len(self._known) and self._known[place] == key else None
