"""The token bucket, on a clock of its own."""

from __future__ import annotations

import pytest

from tap_ycm.sandbox.limit import Bucket, Limit


def test_stepwise_refills_once_per_interval() -> None:
    """The vendor's example: burst 600, rate 300, interval 3 minutes."""
    bucket = Bucket(Limit(600, 300, 180), now=1000)
    assert [bucket.take(1000) for _ in range(600)] == [0] * 600
    assert bucket.take(1000) == 180
    assert bucket.take(1179) == 1
    assert [bucket.take(1180) for _ in range(300)] == [0] * 300
    assert bucket.take(1181) == 179
    # Two intervals and a half later two rates are there, and the rest still comes.
    assert [bucket.take(1630) for _ in range(600)] == [0] * 600
    assert bucket.take(1630) == 90


def test_continuous_refills_evenly() -> None:
    """One token each rate-th part of the interval."""
    bucket = Bucket(Limit(2, 2, 10, refill="continuous"), now=0)
    assert [bucket.take(0), bucket.take(0)] == [0, 0]
    assert bucket.take(1) == pytest.approx(4)
    assert bucket.take(5) == 0
    assert bucket.take(6) == pytest.approx(4)


@pytest.mark.parametrize("refill", ["stepwise", "continuous"])
def test_the_bucket_never_holds_more_than_burst(refill: str) -> None:
    """However long nobody asked."""
    bucket = Bucket(Limit(3, 2, 1, refill=refill), now=0)  # type: ignore[arg-type] # a Literal
    assert [bucket.take(99) == 0 for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("numbers", [(1, 2, 1), (1, 0, 1), (1, 1, 0)])
def test_numbers_that_ycm_refuses_are_refused(numbers: tuple[int, int, int]) -> None:
    """Rate must not exceed burst; neither may be nothing."""
    with pytest.raises(ValueError, match="1 <= rate <= burst"):
        Limit(*numbers)
