"""Resampling in one, two and three dimensions, as functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradwright.engine.ops import interpolation
from gradwright.engine.ops.shape import expand, reshape
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.functional.adaptive_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from gradwright.nn.functional.spatial import as_sizes

__all__ = ["interpolate", "upsample"]

_MODES: dict[str, tuple[int, ...]] = {  # the numbers of spatial axes that each takes
    "nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,), "bilinear": (2,),
    "trilinear": (3,), "bicubic": (2,),
}  # fmt: skip


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resample the spatial axes to another size.

    Equation: y = (M₁ ⊗ M₂ ⊗ …) x. Row i of an axis' matrix weighs the neighbours of its source, which is
    (i + ½)·old/new - ½, or i·(old - 1)/(new - 1) with ``align_corners``.

    Parameters
    ----------
    input : (N, C, L), (N, C, H, W) or (N, C, D, H, W)
    size : int or one for each spatial axis, optional
        The new size; give this or ``scale_factor``.
    scale_factor : float or one for each spatial axis, optional
        new = ⌊old · scale⌋.
    mode : str
        ``nearest``, ``nearest-exact``, ``linear`` (L), ``bilinear`` and ``bicubic`` (H, W), ``trilinear`` (D, H, W), or
        ``area``, which is the adaptive average.
    align_corners : bool, optional
        Whether the first and last numbers keep their places; for the linear modes and ``bicubic``.
    recompute_scale_factor : bool, optional
        Whether the sources follow from the sizes rather than from ``scale_factor``, which differ when ⌊⌋ rounded.
    antialias : bool
        Not implemented: must be False.

    Raises
    ------
    ShapeError
        When the mode does not take inputs of this shape.
    ConfigError
        When an argument makes no sense.

    Examples
    --------
    >>> import gradwright as gw
    >>> interpolate(gw.tensor([[[0.0, 1.0]]]), 4, mode="linear")
    tensor([[[0.0000, 0.2500, 0.7500, 1.0000]]])
    """
    n = input.ndim - 2
    if mode not in _MODES:
        raise ConfigError(f"interpolate: mode is one of {', '.join(_MODES)}; got {mode!r}")
    if n not in _MODES[mode]:
        axes = " or ".join(str(k + 2) for k in _MODES[mode])
        raise ShapeError(f"interpolate: mode {mode!r} takes an input of {axes} axes, got {input.shape}")
    if antialias:
        raise ConfigError("interpolate: antialias is not implemented")
    if align_corners is not None and (mode.startswith("nearest") or mode == "area"):
        raise ConfigError(f"interpolate: align_corners means nothing with mode {mode!r}")
    old = input.shape[2:]
    new, scales = _new_sizes(old, size, scale_factor, recompute_scale_factor)
    if min((*old, *new), default=1) < 1:
        raise ShapeError(f"interpolate: from {input.shape} to the sizes {new}: every size must be at least 1")
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[n - 1](input, new)
    if mode.startswith("nearest"):
        return _nearest(input, new, scales, exact=mode == "nearest-exact")
    make = interpolation.cubic_matrix if mode == "bicubic" else interpolation.linear_matrix
    matrices = tuple(
        None if a == b and (s is None or s == 1 or align_corners) else make(a, b, s, bool(align_corners))
        for a, b, s in zip(old, new, scales, strict=True)
    )
    return interpolation.resample(input, matrices=matrices)


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """Resample the spatial axes to another size: another name for :func:`interpolate`.

    Examples
    --------
    >>> import gradwright as gw
    >>> upsample(gw.tensor([[[0.0, 1.0]]]), scale_factor=2)
    tensor([[[0., 0., 1., 1.]]])
    """
    return interpolate(input, size, scale_factor, mode, align_corners)


# --- how ---
def _new_sizes(
    old: tuple[int, ...], size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """Return the new sizes, and for each axis the scale where the sources follow from it."""
    n = len(old)
    if (size is None) == (scale_factor is None):
        raise ConfigError("interpolate: give either size or scale_factor")
    if size is not None:
        if recompute:
            raise ConfigError("interpolate: recompute_scale_factor needs scale_factor, not size")
        return as_sizes("interpolate", "size", size, n), (None,) * n
    scales = tuple(scale_factor) if isinstance(scale_factor, tuple | list) else (scale_factor,) * n
    if len(scales) != n or min(scales) <= 0:
        raise ConfigError(f"interpolate: scale_factor must be a positive number or {n} of them; got {scale_factor!r}")
    new = tuple(math.floor(float(a) * s) for a, s in zip(old, scales, strict=True))
    return new, (None,) * n if recompute else tuple(map(float, scales))


def _nearest(x: Tensor, new: tuple[int, ...], scales: tuple[float | None, ...], exact: bool) -> Tensor:
    old = x.shape[2:]
    index = [interpolation.nearest_index(a, b, s, exact) for a, b, s in zip(old, new, scales, strict=True)]
    times = [b // a for a, b in zip(old, new, strict=True)]
    if all(
        b == a * t and (i == np.arange(b) // max(t, 1)).all() for a, b, t, i in zip(old, new, times, index, strict=True)
    ):
        # each number a whole number of times: repeating is faster than picking, and so is its gradient
        apart = reshape(x, shape=(*x.shape[:2], *(v for a in old for v in (a, 1))))
        apart = expand(apart, shape=(*x.shape[:2], *(v for a, t in zip(old, times, strict=True) for v in (a, t))))
        return reshape(apart, shape=(*x.shape[:2], *new))
    return x[(slice(None), slice(None), *np.ix_(*index))]
