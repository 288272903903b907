"""Functions that make one number of many: over all elements, or along ``dim``."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.autocast import in_float32
from gradwright.engine.base import TensorBase
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.dims import axes_of, axis_of, numpy_names
from gradwright.engine.functions.results import pair
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing, reduction, scan
from gradwright.engine.ops.shape import reshape
from gradwright.errors import DTypeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "count_nonzero", "logsumexp", "max", "mean", "min",
    "nanmean", "nansum", "prod", "sum",
]  # fmt: skip


def need_floating(name: str, input: Tensor) -> None:
    """Refuse a tensor of integers or truth values.

    Raises
    ------
    DTypeError
        Naming the function and the dtype.
    """
    need_tensor(name, input)
    if input.dtype.kind not in "fVc":
        raise DTypeError(f"{name}: needs a floating tensor; this one is {input.dtype}: call .float() first")


def need_elements(name: str, shape: tuple[int, ...], axes: Any) -> None:
    """Refuse axes of length 0, over which there is no largest element and no first.

    Raises
    ------
    ShapeError
        Naming the function and the shape.
    """
    if 0 not in shape:
        return
    along = range(len(shape)) if axes is None else (axes,) if isinstance(axes, int) else axes
    if builtins.any(shape[a] == 0 for a in along):
        raise ShapeError(f"{name}: there is nothing to choose from in the shape {tuple(shape)} along dim {axes}")


# --- sums and products ------------------------------------------------------------------------------------------------
@numpy_names
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Add up all elements, or those along ``dim``; integers and truth values in int64."""
    need_tensor("sum", input)
    axes = axes_of("sum", input.shape, dim)
    if dtype is None:
        return reduction.sum(input, axis=axes, keepdims=keepdim)
    return reduction.sum(input.to(dtype), axis=axes, keepdims=keepdim).to(dtype)


@numpy_names
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Add up the elements that are not NaN; the gradient of a NaN is 0."""
    need_tensor("nansum", input)
    return sum(_without_nan(input), dim, keepdim, dtype=dtype)


@numpy_names
def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Average all elements, or those along ``dim``; of no elements NaN."""
    need_tensor("mean", input)
    if dtype is not None:
        input = input.to(dtype)
    need_floating("mean", input)
    return reduction.mean(input, axis=axes_of("mean", input.shape, dim), keepdims=keepdim)


@numpy_names
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Average the elements that are not NaN; NaN where there are none."""
    need_tensor("nanmean", input)
    if dtype is not None:
        input = input.to(dtype)
    need_floating("nanmean", input)
    count = sum(ew.eq(input, input), dim, keepdim)  # NaN alone is not itself
    return nansum(input, dim, keepdim) / ew.cast(count, dtype=input.dtype)


def _without_nan(input: Any) -> Any:
    return ew.where(ew.eq(input, input), input, 0) if input.dtype.kind in "fVc" else input


@numpy_names
@in_float32
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Multiply all elements, or those along ``dim``; the gradient is right also where elements are 0."""
    need_tensor("prod", input)
    if dtype is not None:
        return prod(input.to(dtype), dim, keepdim).to(dtype)
    if dim is None:
        out = scan.prod(reshape(input, shape=(-1,)), axis=0)
        return reshape(out, shape=(1,) * input.ndim) if keepdim else out
    axis = axis_of("prod", input.shape, dim)
    if not input.ndim:
        return scan.prod(reshape(input, shape=(1,)), axis=0)
    return scan.prod(input, axis=axis, keepdims=keepdim)


@numpy_names
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """Return log Σ eˣ along ``dim`` without overflow."""
    need_tensor("logsumexp", input)
    return reduction.logsumexp(input, axis=axes_of("logsumexp", input.shape, dim), keepdims=keepdim)


# --- the largest and the smallest -------------------------------------------------------------------------------------
@numpy_names
def amax(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Return the largest element, over all or along ``dim``; ties share the gradient evenly."""
    need_tensor("amax", input)
    axes = axes_of("amax", input.shape, dim)
    need_elements("amax", input.shape, axes)
    return reduction.amax(input, axis=axes, keepdims=keepdim)


@numpy_names
def amin(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Return the smallest element, over all or along ``dim``; ties share the gradient evenly."""
    need_tensor("amin", input)
    axes = axes_of("amin", input.shape, dim)
    need_elements("amin", input.shape, axes)
    return reduction.amin(input, axis=axes, keepdims=keepdim)


@numpy_names
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the smallest and the largest element as a named tuple ``(min, max)``; ties share the gradient evenly."""
    low, high = amin(input, dim, keepdim), amax(input, dim, keepdim)
    return pair("aminmax", low, high, ("min", "max"))


@numpy_names
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Return the largest element; along ``dim`` also where it stands; with another tensor the larger of each pair.

    Parameters
    ----------
    dim : int or Tensor, optional
        Without it: the largest of all, ties sharing the gradient evenly. A number: a named tuple of ``values`` and
        ``indices`` along that axis, the first of equal elements getting the whole gradient. A tensor: as ``maximum``.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([[1.0, 5.0, 5.0], [4.0, 2.0, 0.0]])
    >>> values, indices = x.max(dim=1)
    >>> x.max().item(), values.tolist(), indices.tolist()
    (5.0, [5.0, 4.0], [1, 0])
    """
    return _extreme("max", ew.maximum, amax, reduction.argmax, input, dim, keepdim, other)


@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """Return the smallest element; along ``dim`` also where it stands; with another tensor the smaller of each pair.

    See :func:`max`.
    """
    return _extreme("min", ew.minimum, amin, reduction.argmin, input, dim, keepdim, other)


def _extreme(name: str, of_two: Any, of_all: Any, where: Any, input: Any, dim: Any, keepdim: bool, other: Any) -> Any:
    need_tensor(name, input)
    if isinstance(dim, TensorBase):
        other = dim
    if other is not None:
        return of_two(input, other)
    if dim is None:
        need_elements(name, input.shape, None)
        return of_all(input)
    return picked(name, where, input, dim, keepdim)


def picked(name: str, where: Any, input: Any, dim: Any, keepdim: bool, **meta: Any) -> Any:
    """Return one element of each row along ``dim`` and its index, as a named tuple.

    ``where`` is the operation that finds the indices; the element it points to gets the gradient.
    """
    axis = axis_of(name, input.shape, dim)
    if not input.ndim:
        zero = indexing.getitem(ew.zeros_like(input), index=())
        return pair(name, ew.identity(input), ew.cast(zero, dtype=np.int64))
    need_elements(name, input.shape, axis)
    if "keepdims" in where.defaults:
        meta["keepdims"] = True
    index = where(input, axis=axis, **meta)
    values = indexing.gather(input, index, axis=axis)
    if not keepdim:
        shape = (*input.shape[:axis], *input.shape[axis + 1 :])
        values, index = reshape(values, shape=shape), reshape(index, shape=shape)
    return pair(name, values, index)


@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the (first) largest element; without ``dim`` counted over all elements in a row."""
    return _where("argmax", reduction.argmax, input, dim, keepdim)


@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the index of the (first) smallest element; without ``dim`` counted over all elements in a row."""
    return _where("argmin", reduction.argmin, input, dim, keepdim)


def _where(name: str, op: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    need_tensor(name, input)
    if input.dtype.kind == "b":
        raise DTypeError(f"{name}: truth values have no order; this tensor is {input.dtype}: call .int() first")
    axis = None if dim is None else axis_of(name, input.shape, dim)
    need_elements(name, input.shape, axis)
    return op(input, axis=axis if input.ndim else None, keepdims=keepdim)


# --- questions --------------------------------------------------------------------------------------------------------
@numpy_names
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Say whether one of the elements at least is true (not 0), over all or along ``dim``."""
    return _question("any", reduction.any, input, dim, keepdim)


@numpy_names
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Say whether every element is true (not 0), over all or along ``dim``."""
    return _question("all", reduction.all, input, dim, keepdim)


def _question(name: str, op: Any, input: Any, dim: Any, keepdim: bool) -> Any:
    need_tensor(name, input)
    # no axes are no axes here, where the other reductions take them for all
    axes = () if isinstance(dim, tuple | list) and not dim else axes_of(name, input.shape, dim)
    out = op(input, axis=axes, keepdims=keepdim)
    return out.to(input.dtype) if input.dtype == np.uint8 else out  # PyTorch's old truth values


@numpy_names
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """Count the elements that are not 0, over all or along ``dim``."""
    need_tensor("count_nonzero", input)
    return reduction.sum(ew.ne(input, 0), axis=axes_of("count_nonzero", input.shape, dim))


class ReductionMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    all = all
    amax = amax
    amin = amin
    aminmax = aminmax
    any = any
    argmax = argmax
    argmin = argmin
    count_nonzero = count_nonzero
    logsumexp = logsumexp
    max = max
    mean = mean
    min = min
    nanmean = nanmean
    nansum = nansum
    prod = prod
    sum = sum
