"""Axes: where a value lies on the paper, and which values are worth a tick."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Axis", "finite", "fitted", "nice_ticks", "tick_text", "whole_ticks"]


class Axis(NamedTuple):
    """A stretch of values laid on a stretch of paper.

    Attributes
    ----------
    low, high : float
        The values at both ends.
    start, end : float
        Where the ends lie on the paper.
    ticks : tuple of float
        The values that carry a tick.
    log : bool
        Whether equal ratios, not equal differences, take equal room.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    log: bool = False

    def at(self, value: float) -> float:
        """Return where a value lies, held inside the paper.

        Examples
        --------
        >>> Axis(0, 10, 100, 200, (0, 10)).at(5)
        150.0
        """
        value = min(max(value, self.low), self.high)
        if self.log:
            # Differences of logarithms, because the ratio of an extreme pair overflows.
            low = math.log(self.low)
            share = (math.log(value) - low) / (math.log(self.high) - low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def finite(values: Iterable[float]) -> list[float]:
    """The values that can be drawn."""
    return [value for value in values if math.isfinite(value)]


def nice_ticks(low: float, high: float, about: int = 5) -> tuple[float, ...]:
    """Round values, evenly spaced, that cover a stretch: steps of 1, 2, 2.5 or 5 times a power of ten.

    Examples
    --------
    >>> nice_ticks(0.03, 0.97)
    (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    """
    rough = (high - low) / max(about, 1)
    if not rough > 0 or not math.isfinite(rough):
        return (low,)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * size for size in (1, 2, 2.5, 5, 10) if power * size >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    if step < 1e-10 * max(abs(low), abs(high)):
        return (low, high)  # the stretch is too fine for its own size in floating point
    # The division keeps 0.1 * 3 from being written 0.30000000000000004.
    return tuple(float(f"{i * step:.15g}") for i in range(first, last + 1))


def whole_ticks(low: int, high: int, about: int = 6) -> tuple[float, ...]:
    """Round whole numbers inside a stretch, as for epochs.

    Examples
    --------
    >>> whole_ticks(1, 24), whole_ticks(1, 3), whole_ticks(1, 1)
    ((5.0, 10.0, 15.0, 20.0), (1.0, 2.0, 3.0), (1.0,))
    """
    if high - low < about:
        return tuple(float(i) for i in range(low, high + 1))
    return tuple(t for t in nice_ticks(low, high, about) if low <= t <= high and t == int(t))


def fitted(
    values: Iterable[float],
    *,
    start: float,
    end: float,
    about: int = 5,
    log: bool | None = False,
    floor: float | None = None,
    ceiling: float | None = None,
) -> Axis:
    """An axis that covers all finite values and begins and ends on a tick.

    Parameters
    ----------
    values : iterable of float
        What must lie on it; not-finite ones are passed over.
    start, end : float
        The ends on the paper.
    about : int
        How many ticks are wanted.
    log : bool or None
        Logarithmic or not; None decides for it where the values are positive and span more than a factor
        of 40.
    floor, ceiling : float, optional
        Bounds that the axis does not pass, such as 0 and 1 of a share.

    Examples
    --------
    >>> fitted([0.03, 0.97], start=0, end=100).ticks
    (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    >>> fitted([0.001, 2.0], start=0, end=100, log=None).ticks
    (0.001, 0.01, 0.1, 1.0, 10.0)
    >>> fitted([0.03, 1.5], start=0, end=100, log=None).ticks
    (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
    """
    # Beyond these bounds differences overflow; `Axis.at` holds such values at the end.
    drawn = [min(max(value, -1e300), 1e300) for value in finite(values)] or [0.0, 1.0]
    low, high = min(drawn), max(drawn)
    if log is None:
        log = low > 0 and high / low > 40
    if log and low >= 1e-300 and high / low > 1.001:
        return _logarithmic(low, high, start, end)
    if high - low <= 1e-8 * max(abs(low), abs(high)):
        # As good as one value: it stands in the middle.
        room = abs(high) * 0.1 if abs(high) > 1e-290 else 0.5
        low, high = low - room, high + room
    if floor is not None:
        low = max(low, floor)
    if ceiling is not None:
        high = min(high, ceiling)
    if not high > low:
        low, high = floor or 0.0, ceiling or 1.0
    ticks = nice_ticks(low, high, about)
    if floor is not None:
        ticks = tuple(t for t in ticks if t >= floor - 1e-12)
    if ceiling is not None:
        ticks = tuple(t for t in ticks if t <= ceiling + 1e-12)
    return Axis(min(low, ticks[0]), max(high, ticks[-1]), start, end, ticks)


def _logarithmic(low: float, high: float, start: float, end: float) -> Axis:
    decades = math.log10(high / low)
    # Few decades are divided at 1, 2 and 5, so that the axis does not end far from its values.
    sizes = (1, 2, 5) if decades <= 2.5 else (1,)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    step = 1 if len(sizes) > 1 else max(1, math.ceil((last - first) / 6))
    powers = range(max(first, -300), min(last, 300) + step, step)
    all_ticks = [float(f"{size}e{power}") for power in powers for size in sizes]
    below = max((t for t in all_ticks if t <= low * 1.0001), default=all_ticks[0])
    above = min((t for t in all_ticks if t >= high * 0.9999), default=all_ticks[-1])
    ticks = tuple(t for t in all_ticks if below <= t <= above)
    return Axis(min(low, ticks[0]), max(high, ticks[-1]), start, end, ticks, log=True)


def tick_text(value: float, axis: Axis) -> str:
    """The number at a tick, as short as its neighbours allow.

    Examples
    --------
    >>> axis = fitted([0.0, 0.3], start=0, end=1)
    >>> [tick_text(t, axis) for t in axis.ticks]
    ['0', '0.1', '0.2', '0.3']
    """
    size = max(abs(t) for t in axis.ticks)
    if axis.log or len(axis.ticks) < 2 or not 1e-4 <= size < 1e7:
        return f"{value:g}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    step = axis.ticks[1] - axis.ticks[0]
    places = next((p for p in range(12) if abs(step * 10**p - round(step * 10**p)) < 1e-6), 4)
    return "0" if value == 0 else f"{value:,.{places}f}".replace("-", "−")
