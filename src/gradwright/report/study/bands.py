"""Curves of several arms or seeds: the mean at each epoch, and the band from the lowest to the highest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gradwright.report.lines import Line, line_chart
from gradwright.report.metric import Metric
from gradwright.report.study.records import Curve, StudyRecord, Trial
from gradwright.report.study.scores import study_metric
from gradwright.report.svg import Drawing
from gradwright.report.text import plural, short, significant

__all__ = ["Band", "BandsInfo", "bands_info", "bands_words", "draw_bands"]

LOOKS = ("arm0", "arm1", "arm2", "arm3", "arm4", "arm5")
_POINTS = 300  # epochs of a line; more of them are thinned


class Band(NamedTuple):
    """One group of members.

    Attributes
    ----------
    name : str
    members : int
        How many have a curve.
    mean, low, high : tuple of float
        Over the members that were still training, at each epoch.
    """

    name: str
    members: int
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class BandsInfo(NamedTuple):
    """One figure of several groups over the same epochs; `metric` is None for a loss."""

    column: str
    name: str
    metric: Metric | None
    epochs: tuple[int, ...]
    bands: tuple[Band, ...]
    uneven: bool


def bands_info(record: StudyRecord, groups: Mapping[str, Sequence[Trial]]) -> tuple[BandsInfo, ...]:
    """Collect the bands of the validation loss and of the judged figure."""
    metric, found = study_metric(record), []
    for column, name, judged in (
        ("validation_loss", "validation loss", None),
        (f"validation_{metric.key}", f"validation {metric.name}", metric),
    ):
        curves = {
            group: [c for t in trials if (c := record.curves.get(t.number)) is not None and column in c.columns]
            for group, trials in groups.items()
        }
        curves = {group: [c for c in some if len(c.epochs)] for group, some in curves.items()}
        curves = {group: some for group, some in curves.items() if some}
        if not curves or (judged is not None and metric.key == "loss"):
            continue
        every = sorted({int(e) for some in curves.values() for c in some for e in c.epochs if np.isfinite(e)})
        if not every:
            continue
        kept = np.unique(np.linspace(0, len(every) - 1, min(len(every), _POINTS)).round().astype(int))
        epochs = tuple(every[i] for i in kept)
        bands = tuple(_band(group, some, column, epochs) for group, some in curves.items())
        uneven = len({int(c.epochs[-1]) for some in curves.values() for c in some}) > 1
        found.append(BandsInfo(column, name, judged, epochs, bands, uneven))
    return tuple(found)


def _band(name: str, curves: Sequence[Curve], column: str, epochs: tuple[int, ...]) -> Band:
    values = np.full((len(curves), len(epochs)), np.nan)
    places = {epoch: i for i, epoch in enumerate(epochs)}
    for row, curve in zip(values, curves, strict=True):
        for epoch, value in zip(curve.epochs, curve.columns[column], strict=True):
            # An infinite loss has no place in a mean; the member counts as gone there.
            if epoch in places and np.isfinite(value):
                row[places[epoch]] = value
    known = np.isfinite(values)
    there = known.any(axis=0)
    mean = np.full(len(epochs), np.nan)
    mean[there] = np.where(known, values, 0.0).sum(axis=0)[there] / known.sum(axis=0)[there]
    low = np.where(there, np.where(known, values, np.inf).min(axis=0), np.nan)
    high = np.where(there, np.where(known, values, -np.inf).max(axis=0), np.nan)
    return Band(name, len(curves), *(tuple(map(float, one)) for one in (mean, low, high)))


def bands_words(infos: tuple[BandsInfo, ...]) -> list[str]:
    """Say what the bands are."""
    if not infos:
        return ["No curves were recorded."]
    members = sum(band.members for band in infos[0].bands)
    words = [
        f"The line is the mean of {plural(members, 'member')}"
        + (f" in {plural(len(infos[0].bands), 'group')}" if len(infos[0].bands) > 1 else "")
        + ", the band goes from the lowest to the highest of them."
    ]
    if infos[0].uneven:
        words.append("Where some have ended earlier, mean and band are of those that still trained.")
    return words


def draw_bands(info: BandsInfo, *, width: int = 520, height: int = 300, suffix: str = "") -> Drawing:
    """Draw the bands of at most as many groups as can be told apart."""
    only = len(info.bands) == 1
    lines = [
        Line("mean" if only else short(band.name, 11), look, band.mean, band.low, band.high)
        for band, look in zip(info.bands, LOOKS, strict=False)
    ]
    name = info.name[:1].upper() + info.name[1:]
    ends = "; ".join(f"{band.name} ends at {significant(band.mean[-1])}" for band in info.bands[: len(LOOKS)])
    metric = info.metric
    return line_chart(
        f"bands-{info.column.replace('_', '-')}{suffix}",
        f"{name}: mean and range of the members",
        ends + ".",
        info.epochs,
        lines,
        width=width,
        height=height,
        show=metric.show if metric else lambda v: significant(v, 3),
        axis_name=name + (f" ({metric.unit})" if metric and metric.unit else ""),
        log=False if metric else None,
        share=metric.share if metric else False,
    )
