"""A curve in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], width: int = 24) -> str:
    """Return the values as a row of blocks, the lowest finite one ▁ and the highest █.

    Parameters
    ----------
    values : sequence of float or None
        What is no finite number is a gap.
    width : int >= 1
        At most so many characters; of more values the mean of neighbours is shown.

    Examples
    --------
    >>> sparkline([1.0, 2.0, float("nan"), 8.0])
    '▁▂ █'
    >>> sparkline(range(100), width=8)
    '▁▂▃▄▅▆▇█'
    """
    known = [float(v) if v is not None and math.isfinite(v) else None for v in values]
    if len(known) > width:
        edges = [len(known) * k // width for k in range(width + 1)]
        known = [_mean(known[a:b]) for a, b in pairwise(edges)]
    finite = [v for v in known if v is not None]
    if not finite:
        return " " * len(known)
    low, high = min(finite), max(finite)
    # halves, so that the distance of two very large numbers stays a number
    span = (high / 2 - low / 2) or 1.0
    return "".join(" " if v is None else _BLOCKS[min(7, int(8 * ((v / 2 - low / 2) / span)))] for v in known)


def _mean(values: list[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return sum(v / len(known) for v in known) if known else None
