"""Curves in one line of text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradwright.cli.sparkline import sparkline

BLOCKS = "▁▂▃▄▅▆▇█"


@pytest.mark.parametrize(
    ("values", "width", "drawn"),
    [
        ([], 8, ""),
        ([3.0], 8, "▁"),
        ([1.0, 1.0, 1.0], 8, "▁▁▁"),
        ([0.0, 7.0], 8, "▁█"),
        ([math.nan, None, math.inf], 8, "   "),
        ([math.nan, 1.0, -math.inf, 2.0], 8, " ▁ █"),
        ([-1e308, 0.0, 1e308], 8, "▁▅█"),
        ([1e308, 1e308, 0.0, 0.0], 2, "█▁"),
        ([4.0, 2.0, math.nan, 0.0], 2, "█▁"),  # the mean of what is there
    ],
)
def test_drawn(values: list[float | None], width: int, drawn: str) -> None:
    assert sparkline(values, width) == drawn


@given(st.lists(st.floats() | st.none(), max_size=60), st.integers(1, 30))
def test_anything_is_drawn_in_the_width(values: list[float | None], width: int) -> None:
    line = sparkline(values, width)
    assert len(line) == min(width, len(values))
    assert set(line) <= set(BLOCKS + " ")
    if any(v is not None and math.isfinite(v) for v in values):
        assert "▁" in line
