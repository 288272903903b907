"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.op import general, linear, lowered, sum_to
from gradwright.engine.ops.reduction import sum as sum_
from gradwright.engine.ops.shape import reshape, swap
from gradwright.errors import DTypeError, ShapeError

__all__ = ["affine", "matmul"]


def _matmul(xp: Any, x: Any, y: Any) -> Any:
    if not (hasattr(x, "ndim") and hasattr(y, "ndim")):
        raise DTypeError(f"matmul: expected two tensors, got a {type(y if hasattr(x, 'ndim') else x).__name__}")
    if x.ndim == 0 or y.ndim == 0 or x.shape[-1] != y.shape[-2 if y.ndim > 1 else 0]:
        raise ShapeError(
            f"matmul: {tuple(x.shape)} @ {tuple(y.shape)}: the last axis of the first must be as long as "
            f"the {'second to last' if y.ndim > 1 else 'only'} axis of the second"
        )
    if x.dtype != y.dtype:
        raise DTypeError(f"matmul: {x.dtype} @ {y.dtype}: both must have the same dtype; convert one with .to(dtype)")
    return xp.matmul(x, y)


def _matmul_x(g: Any, y: Any, x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> Any:
    # dX = G Yᵀ; vectors are matrices with an axis of 1 that the product dropped
    if len(y_shape) == 1:
        g, y = reshape(g, shape=(*g.shape, 1)), reshape(y, shape=(y_shape[0], 1))
    if len(x_shape) == 1:
        g = reshape(g, shape=(*g.shape[:-1], 1, g.shape[-1])) if len(y_shape) > 1 else reshape(g, shape=(1, 1))
    out = matmul(g, swap(y, -1, -2))
    return reshape(sum_to(out, (1, *x_shape)), shape=x_shape) if len(x_shape) == 1 else sum_to(out, x_shape)


def _matmul_y(g: Any, x: Any, x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> Any:
    # dY = Xᵀ G
    if len(x_shape) == 1:
        x = reshape(x, shape=(1, x_shape[0]))
        g = reshape(g, shape=(*g.shape[:-1], 1, g.shape[-1])) if len(y_shape) > 1 else reshape(g, shape=(1,))
    if len(y_shape) == 1:
        g = reshape(g, shape=(*g.shape, 1))
    out = matmul(swap(x, -1, -2), g)
    return reshape(sum_to(out, (*y_shape, 1)), shape=y_shape) if len(y_shape) == 1 else sum_to(out, y_shape)


matmul = linear("matmul", _matmul, _matmul_x, _matmul_y)


def _affine(xp: Any, x: Any, weight: Any, bias: Any) -> Any:
    if x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise ShapeError(
            f"linear: the input has shape {tuple(x.shape)}, but the weight {tuple(weight.shape)} takes "
            f"{weight.shape[1]} features on the last axis"
        )
    product = xp.matmul(x, weight.T)
    if type(product) is np.ndarray and product.dtype == bias.dtype:
        return np.add(product, bias, out=product)  # one array of the output's size instead of two
    return product + bias


def _rows(x: Any) -> Any:
    """Fold all leading axes into one."""
    return x if x.ndim == 2 else reshape(x, shape=(-1, x.shape[-1]))


affine = general(
    "linear",
    _affine,
    # Y = X Wᵀ + b: dX = G W, dW = Gᵀ X, db = the sum of G's rows
    vjp=[
        lambda g, weight: matmul(g, weight),
        lambda g, x: matmul(swap(_rows(g), 0, 1), _rows(x)),
        lambda g: sum_(_rows(g), axis=0),
    ],
    jvp=[
        lambda t, weight: matmul(t, swap(weight, 0, 1)),
        lambda t, x: matmul(x, swap(t, 0, 1)),
        lambda t: t,
    ],
)
lowered(matmul, affine)
