"""Functions that make one number of many: over all elements, or along ``dim``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.functions.calling import axes, need_tensor
from gradwright.engine.ops import reduction
from gradwright.errors import DTypeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["amax", "argmax", "logsumexp", "mean", "sum", "var"]


def sum(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Add up all elements, or those along ``dim``."""
    need_tensor("sum", input)
    return reduction.sum(input, axis=axes(dim), keepdims=keepdim)


def mean(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Average all elements, or those along ``dim``."""
    need_tensor("mean", input)
    if input.dtype.kind not in "fV":
        raise DTypeError(f"mean: needs a floating tensor; this one is {input.dtype}: call .float() first")
    count = _count(input.shape, dim)
    return sum(input, dim, keepdim) * (1.0 / count if count else math.nan)


def var(input: Tensor, dim: Any = None, correction: float = 1, keepdim: bool = False) -> Tensor:
    """Return the variance, divided by N - ``correction`` (1: unbiased, as in PyTorch; 0: biased)."""
    centred = input - mean(input, dim, keepdim=True)
    return sum(centred * centred, dim, keepdim) / max(_count(input.shape, dim) - correction, 0)


def amax(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Return the largest element, over all or along ``dim``; ties share the gradient evenly."""
    need_tensor("amax", input)
    return reduction.amax(input, axis=axes(dim), keepdims=keepdim)


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the (first) largest element."""
    need_tensor("argmax", input)
    return reduction.argmax(input, axis=dim, keepdims=keepdim)


def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """Return log Σ eˣ along ``dim`` without overflow."""
    need_tensor("logsumexp", input)
    return reduction.logsumexp(input, axis=axes(dim), keepdims=keepdim)


def _count(shape: tuple[int, ...], dim: Any) -> int:
    along: Sequence[int] = range(len(shape)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    return int(np.prod([shape[a] for a in along]))


class ReductionMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    amax = amax
    argmax = argmax
    logsumexp = logsumexp
    mean = mean
    sum = sum
    var = var
