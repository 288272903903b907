"""Axes cover what they are given, for any numbers."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from gradwright.report.axes import fitted, nice_ticks, tick_text, whole_ticks


@given(st.lists(st.floats(), max_size=8), st.sampled_from([True, False, None]))
def test_every_value_lies_on_the_paper(values: list[float], log: bool | None) -> None:
    positive = all(v > 0 for v in values if math.isfinite(v)) and any(map(math.isfinite, values))
    axis = fitted(values, start=300, end=20, log=log if positive or log is not True else None)
    assert axis.low < axis.high
    for value in values:
        if math.isfinite(value):
            assert 20 - 1e-6 <= axis.at(value) <= 300 + 1e-6
    assert 1 <= len(axis.ticks) <= 40
    for tick in axis.ticks:
        assert tick_text(tick, axis)


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_even_and_cover(low: float, size: float) -> None:
    high = low + size
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low + 1e-6 * size
    assert ticks[-1] >= high - 1e-6 * size
    assert list(ticks) == sorted(set(ticks))


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_epochs_get_whole_ticks(first: int, more: int) -> None:
    ticks = whole_ticks(first, first + more)
    assert ticks
    assert all(first <= t <= first + more and t == int(t) for t in ticks)


def test_a_share_stays_between_none_and_all() -> None:
    axis = fitted([0.93, 0.99], start=0, end=1, floor=0.0, ceiling=1.0)
    assert (axis.ticks[0], axis.ticks[-1]) == (0.92, 1.0)
    axis = fitted([1.0, 1.0], start=0, end=1, floor=0.0, ceiling=1.0)
    assert axis.high == 1.0


def test_few_decades_are_divided() -> None:
    assert fitted([0.03, 1.5], start=0, end=1, log=True).ticks == (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
    assert len(fitted([1e-12, 1e12], start=0, end=1, log=None).ticks) <= 8
