"""Sliding windows: what convolution, pooling and unfolding share.

Arrays are (batch, channels, spatial axes …), as in PyTorch. Under XLA the work is done with the channels last: on CPUs
its convolutions and its vectorised loops want that, and the transposes between neighbouring operations cancel.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from gradwright.backend import jax_modules

__all__ = ["Sizes", "Window", "add_windows", "channels_first", "channels_last", "pad", "windows"]

Sizes = tuple[int, ...]  # a number for each spatial axis


class Window(NamedTuple):
    """A window and its steps; every field has an entry for each spatial axis."""

    kernel: Sizes
    stride: Sizes
    padding: tuple[tuple[int, int], ...]  # before and after; negative crops
    dilation: Sizes

    def counts(self, sizes: Sizes) -> Sizes:
        """Return how many windows fit along each axis: ⌊(n + before + after - d(k - 1) - 1) / s⌋ + 1."""
        return tuple((n + sum(p) - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zip(sizes, *self, strict=True))

    @property
    def places(self) -> int:
        """How many numbers a window holds in each channel."""
        return math.prod(self.kernel)

    @property
    def tiles(self) -> bool:
        """Whether the windows lie side by side from the start, so that a reshape separates them."""
        dense = all(d == 1 or k == 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        return dense and self.kernel == self.stride and not any(map(any, self.padding))

    def offsets(self) -> Iterator[Sizes]:
        """Iterate over the places in a window, the last axis fastest: how far each is from the window's first."""
        return itertools.product(*(range(0, k * d, d) for k, d in zip(self.kernel, self.dilation, strict=True)))


# --- layouts ----------------------------------------------------------------------------------------------------------
def channels_last(xp: Any, x: Any) -> Any:
    """Bring (N, C, …) into the layout at work: the same for NumPy, (N, …, C) under XLA."""
    return x if xp is np else xp.moveaxis(x, 1, -1)


def channels_first(xp: Any, x: Any) -> Any:
    """Bring the layout at work back to (N, C, …)."""
    return x if xp is np else xp.moveaxis(x, -1, 1)


def _lead(xp: Any) -> int:
    """Return the number of axes before the spatial ones in the layout at work."""
    return 2 if xp is np else 1


# --- windows and their transpose, in the layout at work ---------------------------------------------------------------
def pad(xp: Any, x: Any, padding: tuple[tuple[int, int], ...], value: float = 0) -> Any:
    """Pad the spatial axes; a negative number crops."""
    if not any(map(any, padding)):
        return x
    lead = _lead(xp)
    if xp is not np:
        edges = [(0, 0, 0)] * x.ndim
        edges[lead : lead + len(padding)] = [(lo, hi, 0) for lo, hi in padding]
        return jax_modules().lax.pad(x, np.asarray(value, x.dtype), edges)
    kept = tuple(slice(max(-lo, 0), n + min(hi, 0)) for n, (lo, hi) in zip(x.shape[lead:], padding, strict=True))
    widths = [(0, 0)] * lead + [(max(lo, 0), max(hi, 0)) for lo, hi in padding]
    return np.pad(x[(..., *kept)], widths, constant_values=value)


def _places(xp: Any, window: Window, counts: Sizes) -> Iterator[tuple[slice, ...]]:
    """Iterate over the places in a window: the index of what lies there in every window."""
    lead = (slice(None),) * _lead(xp)
    for offset in window.offsets():
        yield lead + tuple(
            slice(o, o + (n - 1) * s + 1, s) for o, n, s in zip(offset, counts, window.stride, strict=True)
        )


def windows(xp: Any, x: Any, window: Window, value: float = 0) -> Iterator[Any]:
    """Iterate over the places in a window: for each the array of what lies there in every window."""
    lead = _lead(xp)
    counts = window.counts(x.shape[lead : lead + len(window.kernel)])
    x = pad(xp, x, window.padding, value)
    for index in _places(xp, window, counts):
        yield x[index]


def add_windows(xp: Any, part: Callable[[int], Any], sizes: Sizes, window: Window) -> Any:
    """Add windows up where they came from, in an array of these spatial sizes: the transpose of :func:`windows`.

    ``part(k)`` is the array for place number k.
    """
    lead = _lead(xp)
    first = part(0)
    counts = first.shape[lead : lead + len(sizes)]
    if xp is np:
        room = [n + sum(p) for n, p in zip(sizes, window.padding, strict=True)]
        total = np.zeros((*first.shape[:lead], *room), first.dtype)
        for k, index in enumerate(_places(xp, window, counts)):
            total[index] += part(k)
        return pad(xp, total, tuple((-lo, -hi) for lo, hi in window.padding))
    lax = jax_modules().lax
    moved: list[Any] = []
    for k, offset in enumerate(window.offsets()):
        edges = [(0, 0, 0)] * first.ndim
        for i, (o, n, m, s, (before, _)) in enumerate(
            zip(offset, sizes, counts, window.stride, window.padding, strict=True)
        ):
            edges[lead + i] = (o - before, n - (o - before) - ((m - 1) * s + 1), s - 1)
        moved.append(lax.pad(part(k), np.zeros((), first.dtype), edges))
    return sum(moved[1:], moved[0])
