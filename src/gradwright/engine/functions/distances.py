"""Distances between all pairs of rows, and the cosine of angles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.autocast import in_float32
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.dims import axis_of
from gradwright.engine.ops.elementwise import abs as abs_
from gradwright.engine.ops.elementwise import cast, clamp, eq, ne, sqrt, where
from gradwright.engine.ops.elementwise import pow as pow_
from gradwright.engine.ops.linalg import matmul
from gradwright.engine.ops.reduction import amax
from gradwright.engine.ops.reduction import sum as sum_
from gradwright.engine.ops.shape import expand, reshape, swap
from gradwright.errors import ConfigError, DTypeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["cdist", "cosine_similarity"]

_FEW = 25  # rows up to which PyTorch subtracts rather than multiplies


@in_float32
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """Return the distances between all rows of ``x1`` and all rows of ``x2``.

    Equation: out[…, i, j] = (Σₖ |x1[…, i, k] - x2[…, j, k]|^p)^(1/p). The gradient of a distance of 0 is 0.

    Parameters
    ----------
    x1, x2 : Tensor, shapes (…, P, M) and (…, R, M)
        Batches broadcast.
    p : float >= 0
        ``inf`` is the largest difference, 0 the number of places that differ.
    compute_mode : str
        ``"use_mm_for_euclid_dist_if_necessary"`` (Euclidean distances by a matrix product if P or R is above 25: less
        memory, fewer digits for rows that are close), ``"use_mm_for_euclid_dist"`` or
        ``"donot_use_mm_for_euclid_dist"``.

    Returns
    -------
    Tensor, shape (…, P, R)
    """
    for x in (x1, x2):
        need_tensor("cdist", x)
        if x.ndim < 2:
            raise ShapeError(f"cdist: expected rows on the last two axes, got {x1.shape} and {x2.shape}")
        if x.dtype.kind not in "fV" or x.dtype != x1.dtype:
            raise DTypeError(f"cdist: expected floating tensors of one dtype, got {x1.dtype} and {x2.dtype}")
    if x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(f"cdist: rows must be equally long, got {x1.shape} and {x2.shape}")
    if p < 0:
        raise ConfigError(f"cdist: p must not be negative, got {p}")
    modes = {
        "use_mm_for_euclid_dist_if_necessary": max(x1.shape[-2], x2.shape[-2]) > _FEW,
        "use_mm_for_euclid_dist": True,
        "donot_use_mm_for_euclid_dist": False,
    }
    if compute_mode not in modes:
        raise ConfigError(f"cdist: compute_mode must be one of {', '.join(modes)}; got {compute_mode!r}")
    if p == 2 and modes[compute_mode]:
        # ‖a - b‖² = ‖a‖² + ‖b‖² - 2 a·b, never below 0
        a = sum_(x1 * x1, axis=-1, keepdims=True)
        b = sum_(x2 * x2, axis=-1, keepdims=True)
        return _root(clamp(a + swap(b, -1, -2) - 2 * matmul(x1, swap(x2, -1, -2)), low=0, high=None), 2)
    left = reshape(x1, shape=(*x1.shape[:-1], 1, x1.shape[-1]))
    right = reshape(x2, shape=(*x2.shape[:-2], 1, *x2.shape[-2:]))
    return _norm(left - right, p)


def _norm(d: Any, p: float) -> Any:
    """The norm along the last axis, whose gradient at 0 is 0."""
    if p == 0:
        places = cast(ne(d, 0), dtype=d.dtype)
        return sum_(where(np.True_, places, d), axis=-1)  # hangs in the graph, with slope 0
    if p == 1 or 0 in d.shape:
        return sum_(abs_(d), axis=-1)
    if p == math.inf:
        return amax(abs_(d), axis=-1)
    if p == 2:
        return _root(sum_(d * d, axis=-1), 2)
    size = abs_(d)
    zero = eq(size, 0)  # their slope is 0, or infinite for p < 1: it must not reach where there is no difference
    return _root(sum_(where(zero, 0.0, pow_(where(zero, 1.0, size), p)), axis=-1), p)


def _root(total: Any, p: float) -> Any:
    zero = eq(total, 0)
    safe = where(zero, 1.0, total)
    return where(zero, 0.0, sqrt(safe) if p == 2 else pow_(safe, 1 / p))


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosines of the angles between vectors along ``dim``: x1·x2 / (max(‖x1‖, eps) max(‖x2‖, eps)).

    The tensors broadcast; ``dim`` is an axis of their common shape. The gradient passes through the max, as in PyTorch.
    """
    need_tensor("cosine_similarity", x1)
    need_tensor("cosine_similarity", x2)
    shape = (x1 - x2).shape if x1.shape != x2.shape else x1.shape
    axis = axis_of("cosine_similarity", shape, dim)
    if x1.dtype.kind not in "fV" or x2.dtype.kind not in "fV":
        raise DTypeError(f"cosine_similarity: expected floating tensors, got {x1.dtype} and {x2.dtype}")
    if not shape:
        x1, x2 = reshape(x1, shape=(1,)), reshape(x2, shape=(1,))
    else:
        x1, x2 = expand(x1, shape=shape), expand(x2, shape=shape)

    def unit(x: Any) -> Any:
        length = _root(sum_(x * x, axis=axis, keepdims=True), 2)
        return x / (length + (clamp(length.detach(), low=eps, high=None) - length.detach()))

    return sum_(unit(x1) * unit(x2), axis=axis)
