"""The learning-rate range test: loss over a rate that grows step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from gradwright.report.lines import Line, line_chart
from gradwright.report.svg import Drawing
from gradwright.report.text import significant

__all__ = ["RateInfo", "draw_rates", "rate_info", "rate_words"]


class RateInfo(NamedTuple):
    """A range test.

    Attributes
    ----------
    rates, losses, smoothed : tuple of float
        One for each step.
    steepest, valley, suggestion : float
        The rate at which the loss falls fastest, that of the valley's rule, and the one that is suggested.
    bounds : (float, float)
        For a cyclic schedule.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    steepest: float
    valley: float
    suggestion: float
    bounds: tuple[float, float]


def rate_info(search: Mapping[str, Any] | None) -> RateInfo | None:
    """Collect what ``lr_find.json`` holds; None where there was no test.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> rate_info(example_record(shelf=True).lr_find).suggestion
    0.01
    """
    if search is None:
        return None

    def column(name: str) -> tuple[float, ...]:
        return tuple(math.nan if v is None else v for v in search[name])

    low, high = search["bounds"]
    return RateInfo(
        column("rates"),
        column("losses"),
        column("smoothed"),
        search["steepest"],
        search["valley"],
        search["suggestion"],
        (low, high),
    )


def rate_words(info: RateInfo) -> list[str]:
    """Say what the test found."""
    low, high = info.bounds
    return [
        f"Before training, {len(info.rates)} steps were tried with a learning rate that grew from "
        f"{_short(info.rates[0])} to {_short(info.rates[-1])}; the weights were put back afterwards.",
        f"The held-out loss fell fastest at {_short(info.steepest)}, and the valley's rule points to "
        f"{_short(info.valley)}: {_short(info.suggestion)} was taken. For a cyclic schedule the bounds would "
        f"be {_short(low)} and {_short(high)}.",
    ]


def draw_rates(info: RateInfo, *, width: int = 520, height: int = 260, suffix: str = "") -> Drawing:
    """Draw the loss over the rate."""
    return line_chart(
        f"lr-find{suffix}",
        "Held-out loss over the learning rate",
        " ".join(rate_words(info)),
        info.rates,
        [Line("loss", "train", info.losses), Line("smoothed", "own", info.smoothed)],
        width=width,
        height=height,
        x_name="rate",
        x_log=True,
        marked=[(info.suggestion, f"taken: {_short(info.suggestion)}")],
        axis_name="Held-out loss",
        log=None,
        show=lambda value: significant(value, 3),
    )


def _short(rate: float) -> str:
    return f"{rate:.2g}"
