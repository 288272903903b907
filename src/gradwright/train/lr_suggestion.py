"""What a range test's curve, held-out loss over learning rate, says about the learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradwright.errors import ConfigError, MissingDependencyError

__all__ = ["LRFind", "agreed", "fall_bounds", "smoothed_losses", "steepest_index", "valley_index"]

#: Up to the first part of the loss left, the bold reading is taken; from the second on, the cautious one. Measured with
#: Adam: 0 to 0.3 is left on iris, wine and breast-cancer, 0.31 to 0.36 on digits, 0.4 to 0.7 on Fashion-MNIST and
#: diabetes, where the best rates are low.
LEFT = (0.3, 0.4)


@dataclass(frozen=True)
class LRFind:
    """What :func:`lr_find` has found.

    Attributes
    ----------
    rates : float64 array, shape (steps,)
        The learning rate of each step that was taken.
    losses, smoothed : float64 arrays, shape (steps,)
        The loss of the held-out rows after each step, as it was and smoothed.
    steepest : float
        The rate at which the smoothed loss falls fastest, over the logarithm of the rate.
    valley : float
        The rate three fifths down the longest fall.
    suggestion : float
        What to train with.
    bounds : (float, float)
        Between which rates a cyclic schedule may go up and down.
    stopped : str
        Why there was no further step.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    steepest: float
    valley: float
    suggestion: float
    bounds: tuple[float, float]
    stopped: str

    @classmethod
    def of(cls, rates: Sequence[float], losses: Sequence[float], smoothing: float, stopped: str) -> LRFind:
        """Read a curve of finite losses.

        Raises
        ------
        ConfigError
            When the loss fell nowhere, or there are too few steps to say.
        """
        r, l = np.array(rates, np.float64), np.array(losses, np.float64)
        if len(r) < 5:
            raise ConfigError(
                f"lr_find: only {len(r)} steps gave a finite loss that had not diverged; start at a lower rate"
            )
        s = smoothed_losses(l, smoothing)
        if np.argmin(s) == 0:
            raise ConfigError(
                f"lr_find: the held-out loss fell at no rate from {r[0]:.3g} to {r[-1]:.3g} ({stopped}). Start "
                "lower if it rose from the beginning, end higher if it stayed; or there is nothing to be learned."
            )
        steepest, valley = float(r[steepest_index(r, s)]), float(r[valley_index(s)])
        return cls(
            r, l, s, steepest, valley, agreed(steepest, valley, float(l.min() / l[0])), fall_bounds(r, s), stopped
        )

    def plot(self) -> Any:
        """Draw the curve with the suggestion and the bounds.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        MissingDependencyError
            When Matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise MissingDependencyError(
                "drawing a range test needs Matplotlib: pip install matplotlib. Its rates and losses need nothing."
            ) from None
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        axes: Any = figure.subplots()
        axes.set_xscale("log")
        axes.axvspan(*self.bounds, color="0.92", label="bounds for a cycle")
        axes.plot(self.rates, self.losses, color="0.7", linewidth=1, label="held-out loss")
        axes.plot(self.rates, self.smoothed, label="smoothed")
        for name, rate, style in (("steepest", self.steepest, ":"), ("valley", self.valley, "--")):
            axes.axvline(rate, color="0.4", linestyle=style, label=f"{name} {rate:.2g}")
        axes.axvline(self.suggestion, color="C3", label=f"suggestion {self.suggestion:.2g}")
        low, high = float(self.smoothed.min()), float(self.losses[0])
        axes.set_ylim(low - 0.1 * (high - low), high + 0.5 * (high - low))  # what explodes is above the picture
        axes.set(xlabel="learning rate", ylabel="loss")
        axes.legend(fontsize="small")
        return figure


def smoothed_losses(losses: Sequence[float] | np.ndarray, smoothing: float) -> np.ndarray:
    """Return the running average a_k = [β a_{k-1} + (1 - β) l_k], divided by 1 - β^(k+1) for its start from 0.

    Examples
    --------
    >>> smoothed_losses([2.0, 2.0, 0.0], 0.5)
    array([2. , 2. , 0.85714286])
    """
    out, average = np.empty(len(losses)), 0.0
    for k, loss in enumerate(losses):
        average = smoothing * average + (1 - smoothing) * float(loss)
        out[k] = average / (1 - smoothing ** (k + 1))
    return out


def steepest_index(rates: np.ndarray, smoothed: np.ndarray) -> int:
    """Return where the loss falls fastest over log rate, before its lowest point.

    Slopes are central differences, one-sided at the ends.
    """
    lowest = int(np.argmin(smoothed))
    return int(np.argmin(np.gradient(smoothed, np.log(rates))[: lowest + 1]))


def valley_index(smoothed: np.ndarray) -> int:
    """Return the place three fifths down the longest fall, the longest sequence of ever lower losses, rises left out.

    The fall is the longest decreasing subsequence; of several as long, the one that ends first. fastai, where the idea
    is from, takes about the middle of it. Here that is rather low, because the loss of the same rows at every step has
    no noise of batches and falls from the first step on.

    Examples
    --------
    >>> valley_index(np.array([5.0, 6.0, 4.0, 4.5, 3.0, 2.0, 8.0]))   # the fall is 6, 4.5, 3, 2 or 6, 4, 3, 2
    4
    """
    n = len(smoothed)
    length, before = np.ones(n, int), np.full(n, -1)
    for i in range(1, n):
        higher = np.flatnonzero(smoothed[:i] > smoothed[i])
        if len(higher):
            before[i] = higher[np.argmax(length[higher])]
            length[i] = length[before[i]] + 1
    fall = [int(np.argmax(length))]
    while before[fall[-1]] >= 0:
        fall.append(int(before[fall[-1]]))
    return fall[::-1][3 * len(fall) // 5]


def agreed(steepest: float, valley: float, left: float) -> float:
    """Return the rate to train with: between the two readings, the lower the more loss is left at the lowest point.

    The steepest slope is the bold reading. A rate so high pays where the network can fit nearly everything, for with
    the errors the noise of the gradients goes. Where much of the loss stays, so does the noise, and only a lower
    constant rate averages it out; the lower reading is taken. Between, a weighted geometric mean.

    Parameters
    ----------
    steepest, valley : float
        The two readings.
    left : float
        The lowest held-out loss over the first.

    Examples
    --------
    >>> [round(agreed(1e-2, 1e-4, left), 6) for left in (0.1, 0.35, 0.5)]
    [0.01, 0.001, 0.0001]
    """
    caution = float(np.clip((left - LEFT[0]) / (LEFT[1] - LEFT[0]), 0, 1))
    return float(steepest ** (1 - caution) * min(steepest, valley) ** caution)


def fall_bounds(rates: np.ndarray, smoothed: np.ndarray) -> tuple[float, float]:
    """Return the rates at which a tenth and a half of the fall, from the highest point to the lowest, were done."""
    lowest = int(np.argmin(smoothed))
    highest = int(np.argmax(smoothed[: lowest + 1]))
    falling = smoothed[highest : lowest + 1]
    done = (falling[0] - falling) / (falling[0] - falling[-1])
    low, high = (float(rates[highest + int(np.argmax(done >= part))]) for part in (0.1, 0.5))
    return low, high
