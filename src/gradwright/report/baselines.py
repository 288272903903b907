"""The network beside the baselines: a figure and an interval each."""

from __future__ import annotations

import math
from typing import NamedTuple

from gradwright.report.axes import fitted, tick_text
from gradwright.report.metric import Estimate, Metric, estimate_of, metric_of
from gradwright.report.records import RunRecord
from gradwright.report.svg import Drawing, drawing, element, label
from gradwright.report.text import short

__all__ = ["Baseline", "BaselinesInfo", "baselines_info", "baselines_words", "draw_baselines", "verdict"]

_ROW = 44


class Baseline(NamedTuple):
    """One competitor, or the network itself.

    Attributes
    ----------
    name, description : str
    validation : float
    test : Estimate
    network : bool
        Whether this is the network that the report is about.
    """

    name: str
    description: str
    validation: float
    test: Estimate
    network: bool = False


class BaselinesInfo(NamedTuple):
    """The network first, then the baselines from the best to the worst."""

    metric: Metric
    rows: tuple[Baseline, ...]
    test_rows: int

    @property
    def network(self) -> Baseline:
        """The network's own row."""
        return self.rows[0]

    @property
    def best(self) -> Baseline | None:
        """The best baseline, if there is any with a finite figure."""
        return next((row for row in self.rows[1:] if math.isfinite(row.test.value)), None)


def baselines_info(record: RunRecord) -> BaselinesInfo:
    """Collect the figures of the network and of its baselines.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> [row.name for row in baselines_info(example_record()).rows]
    ['this network', 'logistic regression', 'majority class', 'random in proportion']
    """
    metric = metric_of(record)
    validation = (record.result["validation"] or {}).get(metric.key)
    own = Baseline(
        "this network",
        "trained here",
        float(validation) if isinstance(validation, int | float) else math.nan,
        estimate_of(record),
        network=True,
    )
    others = [
        Baseline(
            row["name"],
            row["description"] or "",
            math.nan if row["validation"] is None else row["validation"],
            Estimate(row["test"]["value"], row["test"]["low"], row["test"]["high"]),
        )
        for row in record.baselines
    ]

    def rank(row: Baseline) -> float:
        value = row.test.value
        return math.inf if math.isnan(value) else -value if metric.higher_is_better else value

    return BaselinesInfo(metric, (own, *sorted(others, key=rank)), record.result["test"]["rows"])


def verdict(info: BaselinesInfo, other: Baseline) -> str:
    """Say how the network stands to one baseline, and whether the intervals overlap.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> info = baselines_info(example_record("regression"))
    >>> verdict(info, info.rows[2])
    'better than mean (RMSE lower by 23.8, 30.8%); the 95% intervals do not overlap'
    """
    words = info.metric.lead(info.network.test.value, other.test.value, other.name)
    overlap = info.network.test.overlaps(other.test)
    if overlap is None:
        return words
    return f"{words}; the 95% intervals {'overlap' if overlap else 'do not overlap'}"


def baselines_words(info: BaselinesInfo) -> list[str]:
    """Say what the comparison with the baselines shows.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> len(baselines_words(baselines_info(example_record())))
    3
    """
    words = [f"The network is {verdict(info, row)}." for row in info.rows[1:]]
    best = info.best
    if best is None:
        return [*words, "No baseline was recorded, so nothing says how hard the task is."]
    if info.network.test.overlaps(best.test):
        words[0] += (
            f" On {info.test_rows:,} test rows the difference between the two could be chance: this test "
            "part alone does not settle which is better."
        )
    elif info.metric.better(best.test.value, info.network.test.value):
        words[0] += " The simpler model is the one to use until the network does better."
    return words


def draw_baselines(info: BaselinesInfo, *, width: int = 540, suffix: str = "") -> Drawing:
    """Draw a dot and an interval for each, on one axis."""
    narrow = width < 500
    left = 12 if narrow else min(210, 22 + 7.5 * max(len(short(row.name, 24)) for row in info.rows))
    right = width - 74
    values = [v for row in info.rows for v in row.test if math.isfinite(v)] or [0.0]
    share = info.metric.share
    # Zero is worse than any baseline of a share; for an error it is the ideal: both ends mean something.
    x = fitted(
        [*values, 0.0],
        start=left,
        end=right,
        about=3 if narrow else 5,
        floor=None if min(values) < 0 else 0.0,
        ceiling=1.0 if share else None,
    )
    height = _ROW * len(info.rows) + 44
    parts = []
    for tick in x.ticks:
        parts.append(element("line", class_="grid", x1=x.at(tick), x2=x.at(tick), y1=8, y2=height - 36))
        text = f"{tick * 100:g}%" if share else tick_text(tick, x)
        parts.append(label(text, x.at(tick), height - 20, text_anchor="middle", class_="tick"))
    unit = f" ({info.metric.unit})" if info.metric.unit else ""
    better = "further right is better" if info.metric.higher_is_better else "further left is better"
    parts.append(label(f"test {info.metric.name}{unit}; {better}", left, height - 3, class_="axis-name"))
    for i, row in enumerate(info.rows):
        y = 8 + _ROW * (i + (0.68 if narrow else 0.5))
        look = "test-name" if row.network else ""
        if narrow:
            parts.append(label(short(row.name, 40), left, y - 12, class_=f"name {look}"))
        else:
            parts.append(label(short(row.name, 24), left - 14, y + 4, text_anchor="end", class_=f"name {look}"))
        value = row.test.value
        if not math.isfinite(value):
            parts.append(label("no finite figure", left + 6, y + 4, class_="note"))
            continue
        if row.test.bounded:
            low, high = x.at(row.test.low), x.at(row.test.high)
            parts.append(element("path", class_="interval", d=f"M{low:.1f} {y:.1f}H{high:.1f}"))
            parts += [element("path", class_="interval", d=f"M{end:.1f} {y - 5:.1f}v10") for end in (low, high)]
        if row.network:
            parts.append(
                element("path", class_="test", d=f"M{x.at(value):.1f} {y - 6.5:.1f}l6.5 6.5l-6.5 6.5l-6.5 -6.5z")
            )
        else:
            parts.append(element("circle", class_="other", cx=x.at(value), cy=y, r=5))
        parts.append(label(info.metric.show(value), right + 12, y + 4, class_=f"name {look}"))
    rows = "; ".join(
        f"{row.name} {info.metric.show(row.test.value)}"
        + (f" ({info.metric.interval(row.test)})" if row.test.bounded else "")
        for row in info.rows
    )
    return drawing(
        f"baselines{suffix}",
        *parts,
        width=width,
        height=height,
        title=f"Test {info.metric.name} of the network and of the baselines, with 95% intervals",
        description=rows + ".",
    )
