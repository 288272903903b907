"""How the learning rate goes from step to step."""

from __future__ import annotations

from typing import NamedTuple

from gradwright.report.lines import Line, line_chart
from gradwright.report.records import RunRecord
from gradwright.report.svg import Drawing
from gradwright.report.text import plural, significant

__all__ = ["ScheduleInfo", "draw_schedule", "schedule_info", "schedule_words"]


class ScheduleInfo(NamedTuple):
    """The planned learning rate.

    Attributes
    ----------
    name : str
        As the configuration calls it.
    warmup : float
        The part of the steps in which it first rises.
    steps : tuple of int
    rates : tuple of float
        One for each of those steps.
    stopped : int
        The step at which training ended; the plan may go further.
    """

    name: str
    warmup: float
    steps: tuple[int, ...]
    rates: tuple[float, ...]
    stopped: int


def schedule_info(record: RunRecord) -> ScheduleInfo | None:
    """Collect the schedule; None where the rate was constant.

    Examples
    --------
    >>> from gradwright.report import example_record
    >>> schedule_info(example_record(shelf=True)).name, schedule_info(example_record())
    ('onecycle', None)
    """
    plan = record.schedule
    if plan is None:
        return None
    return ScheduleInfo(
        plan["name"],
        plan["warmup"] or 0.0,
        tuple(plan["steps"]),
        tuple(plan["rates"]),
        record.result["epochs"] * plan["steps_per_epoch"],
    )


def schedule_words(info: ScheduleInfo) -> list[str]:
    """Say what was planned and how much of it was used."""
    low, high = min(info.rates), max(info.rates)
    words = [
        f"The learning rate follows the schedule {info.name!r}"
        + (f" after a warm-up over the first {info.warmup:.0%} of the steps" if info.warmup else "")
        + f": it starts at {info.rates[0]:.2g}, is {high:.2g} at its highest and {low:.2g} at its lowest."
    ]
    planned = info.steps[-1] + 1
    if info.stopped < planned and info.rates[-1] <= 0.1 * high:
        words.append(
            f"Training ended after {plural(info.stopped, 'step')} of the {planned:,} that were planned, so the "
            "schedule was not used to its end: fewer epochs would have let the rate fall as far as it was meant to."
        )
    return words


def draw_schedule(info: ScheduleInfo, *, width: int = 520, height: int = 260, suffix: str = "") -> Drawing:
    """Draw the learning rate over the steps."""
    planned = info.steps[-1] + 1
    return line_chart(
        f"schedule{suffix}",
        "Learning rate over the steps",
        " ".join(schedule_words(info)),
        info.steps,
        [Line("planned", "own", info.rates)],
        width=width,
        height=height,
        x_name="step",
        marked=[(info.stopped, "training ended")] if info.stopped < planned else (),
        axis_name="Learning rate",
        show=lambda value: significant(value, 3),
    )
