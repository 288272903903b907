"""Resampling along spatial axes: each new number is a weighted sum of the old ones, one axis at a time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from gradwright.engine.op import Op, linear

__all__ = ["adaptive_bounds", "averaging_matrix", "cubic_matrix", "linear_matrix", "nearest_index", "resample"]

Matrices = tuple[Any, ...]  # for each spatial axis (new, old), or None where the axis stays


def _resample(xp: Any, x: Any, *, matrices: Matrices) -> Any:
    first = x.ndim - len(matrices)
    for axis, matrix in enumerate(matrices, first):
        if matrix is not None:
            x = xp.moveaxis(xp.matmul(xp.moveaxis(x, axis, -1), matrix.T.astype(x.dtype)), -1, axis)
    return x


#: y = (M₁ ⊗ M₂ ⊗ …) x over the last axes; its transpose resamples by the transposed matrices. As matrix products,
#: because XLA gathers and scatters slowly; a NaN or an infinity therefore reaches all of its line.
resample: Op = linear(
    "resample",
    _resample,
    lambda g, matrices: resample(g, matrices=tuple(None if m is None else m.T for m in matrices)),
)


# --- the matrices, (new, old); with PyTorch's conventions -------------------------------------------------------------
def _sources(old: int, new: int, scale: float | None, align_corners: bool) -> np.ndarray:
    """Return where in the old row each new number lies; ``scale`` is new over old when it was given."""
    at = np.arange(new)
    if align_corners:  # the ends lie on the ends
        return at * ((old - 1) / (new - 1) if new > 1 else 0.0)
    return (at + 0.5) * (1 / scale if scale else old / new) - 0.5  # the edges lie on the edges


def _taps(old: int, places: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Make a matrix of (new, taps) places and weights; places outside mean the nearest inside."""
    matrix = np.zeros((len(places), old))
    np.add.at(matrix, (np.arange(len(places))[:, None], np.clip(places, 0, old - 1)), weights)
    matrix.setflags(write=False)
    return matrix


@lru_cache(maxsize=256)
def linear_matrix(old: int, new: int, scale: float | None, align_corners: bool) -> np.ndarray:
    """Weigh the two neighbours by their distance."""
    x = np.maximum(_sources(old, new, scale, align_corners), 0)
    left = np.floor(x).astype(int)
    right = np.where(left < old - 1, left + 1, left)
    t = np.clip(x - left, 0, 1)
    return _taps(old, np.stack([left, right], 1), np.stack([1 - t, t], 1))


@lru_cache(maxsize=256)
def cubic_matrix(old: int, new: int, scale: float | None, align_corners: bool) -> np.ndarray:
    """Weigh the four neighbours by Keys' cubic convolution with a = -0.75 (IEEE ASSP 29, 1981, equation 4)."""
    a = -0.75
    x = _sources(old, new, scale, align_corners)
    left = np.floor(x).astype(int)
    t = x - left
    d = np.stack([t + 1, t, 1 - t, 2 - t], 1)  # distances
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return _taps(old, left[:, None] + np.arange(-1, 3), np.where(d <= 1, near, far))


def adaptive_bounds(old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where each of ``new`` windows starts and ends: ⌊i·old/new⌋ and ⌈(i + 1)·old/new⌉."""
    at = np.arange(new)
    return at * old // new, -((-(at + 1) * old) // new)


@lru_cache(maxsize=256)
def averaging_matrix(old: int, new: int) -> np.ndarray:
    """Average each of the windows of :func:`adaptive_bounds`."""
    start, end = (bound[:, None] for bound in adaptive_bounds(old, new))
    matrix = ((np.arange(old) >= start) & (np.arange(old) < end)) / (end - start)
    matrix.setflags(write=False)
    return matrix


def nearest_index(old: int, new: int, scale: float | None, exact: bool) -> np.ndarray:
    """Return the old place for each new one; in float32, as PyTorch does, or ties would fall differently."""
    step = np.float32(1 / scale) if scale else np.float32(old) / np.float32(new)
    if not exact and new in (old, 2 * old):
        return np.arange(new) * old // new
    shift = np.float32(0.5 if exact else 0)
    index = np.floor((np.arange(new, dtype=np.float32) + shift) * step).astype(np.int64)
    return np.minimum(index, old - 1)
