"""A line search for the strong Wolfe conditions, by cubic interpolation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

__all__ = ["Point", "strong_wolfe"]


class Point(NamedTuple):
    """A place on the line: how far, the loss, the gradient and the slope along the line."""

    t: float
    f: float
    g: np.ndarray
    slope: float


def strong_wolfe(
    at: Callable[[float], Point],
    start: Point,
    t: float,
    longest: float,
    most: int,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
) -> tuple[Point, int]:
    """Return a point with f(t) <= f(0) + c₁tf'(0) and |f'(t)| <= c₂|f'(0)|, and how often ``at`` was asked.

    Parameters
    ----------
    at : callable
        Evaluates a place on the line.
    start : Point
        The place at t = 0, sloping down.
    t : float
        Where to try first.
    longest : float
        The largest element of the direction: a bracket is not narrowed below ``tolerance_change`` in any coordinate.
    most : int
        Steps of the search at most, after the first try; the best bracket's end is returned then.

    References
    ----------
    J. Nocedal and S. Wright, *Numerical optimization* (2006), algorithms 3.5 and 3.6, in the form of minFunc's
    ``WolfeLineSearch``, which PyTorch follows.
    """
    previous, new = start, at(t)
    asked, steps, done = 1, 0, False
    bracket: list[Point] = []
    while steps < most:
        if new.f > start.f + c1 * new.t * start.slope or (steps > 1 and new.f >= previous.f):
            bracket = [previous, new]
            break
        if abs(new.slope) <= -c2 * start.slope:
            bracket, done = [new], True
            break
        if new.slope >= 0:
            bracket = [previous, new]
            break
        farther = _cubic(previous, new, new.t + 0.01 * (new.t - previous.t), new.t * 10)
        previous, new = new, at(farther)
        asked, steps = asked + 1, steps + 1
    if steps == most:
        bracket = [start, new]

    stuck = False
    low, high = (0, 1) if bracket[0].f <= bracket[-1].f else (1, 0)
    while not done and steps < most:
        a, b = sorted((bracket[0].t, bracket[1].t))
        if (b - a) * longest < tolerance_change:
            break
        t = _cubic(bracket[0], bracket[1], a, b)
        # close to an end, twice or beyond it: a tenth of the bracket away from there instead
        margin = 0.1 * (b - a)
        if min(b - t, t - a) < margin:
            if stuck or t >= b or t <= a:
                t = b - margin if abs(t - b) < abs(t - a) else a + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        new = at(t)
        asked, steps = asked + 1, steps + 1
        if new.f > start.f + c1 * t * start.slope or new.f >= bracket[low].f:
            bracket[high] = new
            low, high = (0, 1) if bracket[0].f <= bracket[1].f else (1, 0)
        else:
            if abs(new.slope) <= -c2 * start.slope:
                done = True
            elif new.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = new
    return bracket[low], asked


def _cubic(a: Point, b: Point, least: float, most: float) -> float:
    """Return the minimum, within bounds, of the cubic with these values and slopes; the middle where it has none."""
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:  # NaN too
        return (least + most) / 2
    if a.t > b.t:
        a, b = b, a
    d2 = math.sqrt(square)
    below = b.slope - a.slope + 2 * d2
    if below == 0:
        return (least + most) / 2
    return min(max(b.t - (b.t - a.t) * ((b.slope + d2 - d1) / below), least), most)
