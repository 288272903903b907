"""Predicted numbers against true ones, and what is left over."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from gradwright.report.axes import Axis, fitted, tick_text
from gradwright.report.records import RunRecord
from gradwright.report.svg import Drawing, drawing, element, label
from gradwright.report.text import percent, plural, short, significant

__all__ = ["ScatterInfo", "draw_scatter", "scatter_info", "scatter_words"]


class ScatterInfo(NamedTuple):
    """Pairs of true and predicted values of a regression.

    Attributes
    ----------
    name : str
        The target's name.
    unit : str
    truth, prediction, residual : tuple of float
        Finite pairs only; a residual is the prediction minus the truth.
    left_out : int
        Pairs that were not finite.
    bias : float
        Mean residual.
    r2, mae : float
    rows : int
        Test rows; the records hold at most 1,000 pairs of them.
    """

    name: str
    unit: str
    truth: tuple[float, ...]
    prediction: tuple[float, ...]
    residual: tuple[float, ...]
    left_out: int
    bias: float
    r2: float
    mae: float
    rows: int


def scatter_info(record: RunRecord) -> tuple[ScatterInfo, ...]:
    """Collect the pairs of each target; nothing where the target is a class.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> [info.name for info in scatter_info(example_record("regression"))]
    ['disease_progression']
    """
    if record.result["task"] != "regression":
        return ()
    test = record.result["test"]
    unit = record.data["task"]["unit"] or ""
    each = test.get("targets") or [{**test, "unit": unit}]
    return tuple(_of_one(one, test["rows"], record.data["target"] or "target") for one in each)


def _of_one(test: Mapping[str, Any], rows: int, otherwise: str) -> ScatterInfo:
    pairs = list(zip(test["target"] or [], test["prediction"] or [], strict=True))
    kept = [(t, p) for t, p in pairs if math.isfinite(t) and math.isfinite(p)]
    residual = tuple(p - t for t, p in kept)
    return ScatterInfo(
        name=test["target_name"] or otherwise,
        unit=test["unit"] or "",
        truth=tuple(t for t, _ in kept),
        prediction=tuple(p for _, p in kept),
        residual=residual,
        left_out=len(pairs) - len(kept),
        bias=float(np.mean(residual)) if residual else math.nan,
        r2=test["r2"]["value"] if test["r2"] else math.nan,
        mae=math.nan if test["mae"] is None else test["mae"],
        rows=rows,
    )


def scatter_words(info: ScatterInfo) -> list[str]:
    """Say how far the predictions are off.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> scatter_words(scatter_info(example_record("regression"))[0])[0]
    'The network explains 48.0% of the variance of disease_progression (R² 0.480).'
    """
    words = []
    unit = f" {info.unit}" if info.unit else ""
    if math.isfinite(info.r2):
        words.append(
            f"The network explains {percent(info.r2)} of the variance of {info.name} (R² {significant(info.r2, 3)})."
            if info.r2 >= 0
            else f"The network is further off than always saying the mean of {info.name} (R² "
            f"{significant(info.r2, 3)})."
        )
    if math.isfinite(info.mae):
        words.append(f"On average a prediction is off by {significant(info.mae)}{unit}.")
    if math.isfinite(info.bias):
        side = "high" if info.bias > 0 else "low"
        words.append(f"Predictions are {significant(abs(info.bias), 3)}{unit} too {side} on average.")
    if len(info.truth) > 2 and np.ptp(info.truth) > 0:
        slope = float(np.polyfit(info.truth, info.residual, 1)[0])
        if slope < -0.2:
            words.append(
                "Large values are predicted too low and small ones too high, as a model does that knows "
                "only part of what decides the target."
            )
    if info.left_out:
        words.append(f"{plural(info.left_out, 'pair')} without a finite value could not be drawn.")
    if len(info.truth) + info.left_out < info.rows:
        words.append(f"The pictures show {len(info.truth):,} of the {info.rows:,} test rows.")
    return words


def draw_scatter(info: ScatterInfo, *, width: int = 520, height: int = 380, suffix: str = "") -> list[Drawing]:
    """Draw predicted against true values, and the residuals against the predictions."""
    if not info.truth:
        return []
    both = [*info.truth, *info.prediction]
    stated = not info.unit or info.name.rstrip().endswith((f"({info.unit})", f"[{info.unit}]"))
    name = short(info.name, 28) + ("" if stated else f" ({info.unit})")
    largest = max(abs(r) for r in info.residual)
    return [
        _points(
            f"scatter{suffix}",
            info.truth,
            info.prediction,
            (both, both),
            (f"true {name}", "predicted"),
            (width, height),
            f"Predicted against true {info.name}",
            "A point a test row; on the diagonal the prediction is right.",
            diagonal=True,
        ),
        _points(
            f"residual{suffix}",
            info.prediction,
            info.residual,
            (info.prediction, (-largest, largest)),
            (f"predicted {name}", "predicted − true"),
            (width, height),
            f"Residuals of {info.name}",
            "A point a test row; on the horizontal line the prediction is right.",
            diagonal=False,
        ),
    ]


def _points(
    key: str,
    across: tuple[float, ...],
    up: tuple[float, ...],
    covers: tuple[list[float] | tuple[float, ...], list[float] | tuple[float, ...]],
    names: tuple[str, str],
    paper: tuple[int, int],
    title: str,
    description: str,
    *,
    diagonal: bool,
) -> Drawing:
    width, height = paper
    y = fitted(covers[1], start=height - 50, end=30)
    left = 16 + 7 * max(len(tick_text(t, y)) for t in y.ticks)
    # Both axes of the one picture are the same, so that the diagonal runs from corner to corner.
    x = (
        Axis(y.low, y.high, left, width - 16, y.ticks)
        if diagonal
        else fitted(covers[0], start=left, end=width - 16, about=4)
    )
    parts = [*_frame(x, y, names, paper, left)]
    if diagonal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        parts.append(element("line", class_="ideal", x1=x.at(low), y1=y.at(low), x2=x.at(high), y2=y.at(high)))
    else:
        parts.append(element("line", class_="ideal", x1=x.start, y1=y.at(0), x2=x.end, y2=y.at(0)))
    parts += [element("circle", class_="point", cx=x.at(a), cy=y.at(b), r=3) for a, b in zip(across, up, strict=True)]
    return drawing(key, *parts, width=width, height=height, title=title, description=description)


def _frame(x: Axis, y: Axis, names: tuple[str, str], paper: tuple[int, int], left: float) -> list[str]:
    width, height = paper
    parts: list[str] = [label(names[1], 2, 14, class_="axis-name")]
    for t in y.ticks:
        parts.append(element("line", class_="grid", x1=left, x2=width - 16, y1=y.at(t), y2=y.at(t)))
        parts.append(label(tick_text(t, y), left - 8, y.at(t) + 4, text_anchor="end", class_="tick"))
    for t in x.ticks:
        parts.append(element("line", class_="grid", x1=x.at(t), x2=x.at(t), y1=30, y2=height - 50))
        parts.append(label(tick_text(t, x), x.at(t), height - 32, text_anchor="middle", class_="tick"))
    parts.append(label(names[0], width - 16, height - 8, text_anchor="end", class_="axis-name"))
    return parts
