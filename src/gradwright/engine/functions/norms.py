"""Norms and distances; their gradient at 0 is 0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.dims import axes_of, numpy_names
from gradwright.engine.functions.reduction import amax, amin, need_elements, need_floating
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import reduction
from gradwright.errors import ConfigError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["dist", "norm"]


@numpy_names
def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return (Σ |x|^ord)^(1/ord) over all elements or along ``dim``; 0 where all are 0, and so is its gradient.

    Parameters
    ----------
    ord : float
        ``inf`` is the largest absolute value, ``-inf`` the smallest, 0 the number of elements that are not 0.
    dim : int or tuple of int, optional
        The axes that make up a vector.
    """
    if dtype is not None:
        need_tensor("vector_norm", x)
        x = x.to(dtype)
    need_floating("vector_norm", x)
    axes = axes_of("vector_norm", x.shape, dim)
    if math.isinf(ord):
        need_elements(f"vector_norm of order {ord}", x.shape, axes)
        return (amax if ord > 0 else amin)(ew.abs(x), axes, keepdim)
    if ord < 0:
        need_elements(f"vector_norm of order {ord}", x.shape, axes)
    if ord == 1:
        return reduction.sum(ew.abs(x), axis=axes, keepdims=keepdim)
    if ord == 0:
        return reduction.sum(reduction.abs_power(x, p=0), axis=axes, keepdims=keepdim)
    powers = ew.square(x) if ord == 2 else reduction.abs_power(x, p=ord)
    return reduction.root(reduction.sum(powers, axis=axes, keepdims=keepdim), p=ord)


@numpy_names
def norm(
    input: Tensor, p: float | str | None = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """Return the norm of all elements, or of those along ``dim``: see :func:`vector_norm` for the numbers.

    Parameters
    ----------
    p : number, "fro" or "nuc"
        "fro" is 2. "nuc", of matrices, is the sum of the singular values.
    """
    need_tensor("norm", input)
    if p == "nuc":
        return _nuclear(input, dim, keepdim, dtype)
    if p is None or p == "fro":
        p = 2.0
    if isinstance(p, str):
        raise ConfigError(f"norm: p is a number, 'fro' or 'nuc'; got {p!r}")
    return vector_norm(input, p, dim, keepdim, dtype=dtype)


def _nuclear(input: Any, dim: Any, keepdim: bool, dtype: Any) -> Any:
    from gradwright.engine.functions.matrix_norms import matrix_norm

    if dim is None and input.ndim != 2:
        raise ShapeError(f"norm: p='nuc' is of matrices; this tensor has shape {input.shape}: name two axes with dim")
    return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim, dtype=dtype)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """Return the norm of ``input - other``, broadcast together: one number."""
    need_tensor("dist", input)
    need_tensor("dist", other)
    return vector_norm(input - other, p)


class NormMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    dist = dist
    norm = norm
