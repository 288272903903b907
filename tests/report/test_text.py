"""Words and numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradwright.report import text


@given(st.text(st.characters()))
def test_cleaned_text_can_be_written_and_stays(value: str) -> None:
    cleaned = text.clean(value)
    cleaned.encode("utf-8")
    assert text.clean(cleaned) == cleaned
    assert not set(cleaned) & {"\x00", "\x1b", "\u202e", "\u2066", "\ufeff", "\x7f", "\x85", "\r"}


def test_scripts_that_need_joiners_keep_them() -> None:
    words = "می\u200cخواهم 👩\u200d🔬 שלום"
    assert text.clean(words) == words


@given(st.text(max_size=50), st.integers(1, 60))
def test_short_is_short(value: str, length: int) -> None:
    assert len(text.short(value, length)) <= max(length, 1)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0.0, "0"),
        (-0.01234567, "−0.01235"),
        (999999.5, "1,000,000"),
        (1e300, "1e300"),
        (-math.inf, "−infinite"),
        (5e-324, "4.941e-324"),
    ],
)
def test_significant(number: float, written: str) -> None:
    assert text.significant(number) == written


@given(st.floats())
def test_every_number_can_be_written(number: float) -> None:
    assert text.significant(number)
    assert text.percent(number)
    assert text.count(number)
    assert text.duration(number)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.9996, "1.0 s"), (59.96, "1 min 0 s"), (math.nan, "unknown"), (3600, "1 h 0 min")],
)
def test_duration_changes_its_unit_in_time(seconds: float, written: str) -> None:
    assert text.duration(seconds) == written


def test_long_items_leave_room() -> None:
    assert text.listed(["x" * 200, "y", "z"]) == text.short("x" * 200, 40) + ", y and z"
    assert text.listed(["x" * 50] * 9).endswith("and 6 more")
    assert text.listed([]) == ""
