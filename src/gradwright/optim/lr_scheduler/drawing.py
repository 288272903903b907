"""Pictures of schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gradwright.errors import MissingDependencyError

__all__ = ["draw_values"]


def draw_values(values: Mapping[str, np.ndarray], *, first: int = 0) -> Any:
    """Draw what :meth:`LRScheduler.values` computes.

    Parameters
    ----------
    values : mapping of arrays (steps, groups)
    first : int
        The first row's step.

    Returns
    -------
    matplotlib.figure.Figure
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "drawing a schedule needs Matplotlib: pip install matplotlib. schedule.values(steps) needs nothing."
        ) from None
    figure = Figure(figsize=(6.4, 2.6 * len(values)), layout="constrained")
    panels: Any = figure.subplots(len(values), sharex=True, squeeze=False)[:, 0]
    for axes, (name, table) in zip(panels, values.items(), strict=True):
        steps = np.arange(first, first + len(table))
        for group, column in enumerate(table.T):
            axes.plot(steps, column, label=f"group {group}")
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
        if table.shape[1] > 1:
            axes.legend()
    panels[-1].set_xlabel("step")
    return figure
