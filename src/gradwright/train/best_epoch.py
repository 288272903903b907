"""The remark that the best epoch's validation figure is better than the network is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any, Literal

from gradwright.train.stopping import direction_of

__all__ = ["best_epoch_remark"]


def best_epoch_remark(
    rows: Sequence[Mapping[str, Any]],
    monitor: str = "validation_loss",
    mode: Literal["min", "max"] | None = None,
) -> dict[str, str] | None:
    """Say that the best of E validation figures was chosen for being the best, and by how much it leads the last ones.

    The largest of E noisy figures lies above what any of them would give on other data: of E independent normal ones by
    nearly σ·sqrt(2 ln E). So whoever ranks settings by their best epoch ranks their luck, too, and more so the longer
    they train. The last tenth of the epochs, three at the least, tells what the network gives without the choice.

    Parameters
    ----------
    rows : sequence of dict
        The lines of ``metrics.jsonl``, one an epoch; epochs without the figure or with NaN do not count.
    monitor : str
        The figure by which the best epoch was chosen.
    mode : {"min", "max"}, optional
        Whether less or more is better; by the figure's name unless told.

    Returns
    -------
    dict or None
        A finding for `findings.json`; None with fewer than two validated epochs, or where the last epochs are as good.

    Examples
    --------
    >>> rows = [{"epoch": i + 1, "validation_loss": loss} for i, loss in enumerate([0.9, 0.4, 0.5, 0.45, 0.55])]
    >>> remark = best_epoch_remark(rows)
    >>> remark["title"]
    'The validation figure of the best epoch is optimistic'
    >>> print(remark["detail"][:64])
    Epoch 2 was chosen as the best of 5 by its validation loss, 0.4.

    References
    ----------
    L. Prechelt, Early stopping: but when? (1998). The maximum's bound follows from Jensen's inequality for exp(λ max).
    """
    figures = [(int(row["epoch"]), float(row[monitor])) for row in rows if _finite(row.get(monitor))]
    if len(figures) < 2:
        return None
    sign = -1.0 if (mode or direction_of(monitor)) == "max" else 1.0
    epoch, best = min(figures, key=lambda figure: sign * figure[1])
    last = [value for _, value in figures[-max(3, math.ceil(len(figures) / 10)) :]]
    lead = sign * (mean(last) - best)
    if lead <= 0:
        return None
    spread = f" (those vary by {stdev(last):.3g})" if stdev(last) > 0 else ""
    name = monitor.removeprefix("validation_").replace("_", " ")
    return {
        "severity": "info",
        "title": "The validation figure of the best epoch is optimistic",
        "detail": f"Epoch {epoch} was chosen as the best of {len(figures)} by its validation {name}, {best:.4g}. The "
        f"last {len(last)} have {mean(last):.4g} on average{spread}: the best leads by {lead:.3g}, of which a part is "
        f"luck, since the best of {len(figures)} uncertain figures is taken. Rank networks by this figure only with "
        f"that in mind; the test figure had no part in the choice.",
    }


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
