"""Functions that put elements in order, and that search among ordered ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.checks import check_index, concrete
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.dims import axis_of, numpy_names
from gradwright.engine.functions.reduction import picked
from gradwright.engine.functions.results import pair
from gradwright.engine.op import wrap
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing, sorting
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "argsort", "bucketize", "kthvalue", "msort", "searchsorted", "sort", "topk", "unique", "unique_consecutive",
]  # fmt: skip


def _ordered(name: str, input: Any, dim: Any, descending: bool, count: int | None = None) -> tuple[Any, Any]:
    """Return the first ``count`` elements in order, and their indices."""
    need_tensor(name, input)
    axis = axis_of(name, input.shape, dim)
    if not input.ndim:
        zero = ew.cast(ew.zeros_like(input), dtype=np.int64)
        return ew.identity(input), zero
    index = sorting.argsort(input, axis=axis, descending=descending)
    if count is not None:
        index = indexing.getitem(index, index=(*(slice(None),) * axis, slice(0, count)))
    return indexing.gather(input, index, axis=axis, unique=True), index


@numpy_names
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """Return the elements in order along ``dim``, and where each came from, as ``values`` and ``indices``.

    Equal elements keep their order, also without ``stable``; NaN counts as the largest.

    Examples
    --------
    >>> import gradwright as gw
    >>> values, indices = gw.sort(gw.tensor([3.0, 1.0, 2.0]))
    >>> values.tolist(), indices.tolist()
    ([1.0, 2.0, 3.0], [1, 2, 0])
    """
    return pair("sort", *_ordered("sort", input, dim, descending))


@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Return the indices that put the elements in order along ``dim``; see :func:`sort`."""
    need_tensor("argsort", input)
    axis = axis_of("argsort", input.shape, dim)
    if not input.ndim:
        return ew.cast(ew.zeros_like(input), dtype=np.int64)
    return sorting.argsort(input, axis=axis, descending=descending)


def msort(input: Tensor) -> Tensor:
    """Return the elements in order along the first axis."""
    return _ordered("msort", input, 0, False)[0]


@numpy_names
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """Return the ``k`` largest (or smallest) elements along ``dim`` in order, and their indices.

    Equal elements come in the order in which they stand; ``sorted=False`` allows any order and is not used.
    """
    need_tensor("topk", input)
    axis = axis_of("topk", input.shape, dim)
    if not 0 <= k <= (input.shape[axis] if input.ndim else 1):
        raise IndexOutOfRangeError(f"topk: k = {k} of the elements along dim {axis} of the shape {input.shape}")
    return pair("topk", *_ordered("topk", input, dim, largest, k))


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """Return the ``k``-th smallest element along ``dim`` (the first is k = 1) and its index."""
    need_tensor("kthvalue", input)
    axis = axis_of("kthvalue", input.shape, dim)
    if not 1 <= k <= (input.shape[axis] if input.ndim else 1):
        raise IndexOutOfRangeError(f"kthvalue: k = {k} of the elements along dim {axis} of the shape {input.shape}")
    return picked("kthvalue", sorting.kth_index, input, dim, keepdim, k=k)


# --- searching --------------------------------------------------------------------------------------------------------
def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Return the index before which each value would have to be inserted to keep the sequence in order.

    Parameters
    ----------
    sorted_sequence : (N,) or (…, N)
        In ascending order along the last axis.
    input : Tensor or number
        The values; with (…, N), of the same leading shape.
    right, side : bool, "left" or "right"
        Whether the place after equal elements is meant.
    sorter : Tensor, optional
        Indices that put ``sorted_sequence`` in order, as ``argsort`` returns them.
    """
    need_tensor("searchsorted", sorted_sequence)
    if side not in (None, "left", "right"):
        raise ConfigError(f"searchsorted: side is 'left' or 'right', got {side!r}")
    if side == "left" and right:
        raise ConfigError("searchsorted: side='left' contradicts right=True")
    if not sorted_sequence.ndim:
        raise ShapeError("searchsorted: the sequence has no axis to search along")
    if sorter is not None:
        if sorter.shape != sorted_sequence.shape or sorter.dtype != np.int64:
            raise ShapeError(
                f"searchsorted: sorter {sorter.shape} {sorter.dtype} must be int64 of the shape of the sequence, "
                f"{sorted_sequence.shape}"
            )
        check_index("searchsorted: sorter", sorter._array, sorter.ndim - 1, sorted_sequence.shape)
        sorted_sequence = indexing.gather(sorted_sequence, sorter, axis=sorter.ndim - 1)
    if isinstance(input, TensorBase):
        shape = tuple(input._array.shape)
        if sorted_sequence.ndim > 1 and shape[:-1] != sorted_sequence.shape[:-1]:
            raise ShapeError(
                f"searchsorted: values {shape} need the leading axes of the sequence {sorted_sequence.shape}"
            )
        if input._array.dtype != sorted_sequence.dtype:
            raise DTypeError(f"searchsorted: values {input._array.dtype} in a sequence {sorted_sequence.dtype}")
    elif sorted_sequence.ndim > 1:
        raise ShapeError(f"searchsorted: one number needs a sequence of one axis, not {sorted_sequence.shape}")
    found = sorting.searchsorted(sorted_sequence, input, right=right or side == "right")
    return ew.cast(found, dtype=np.int32 if out_int32 else np.int64)


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Return the index of the interval between ``boundaries`` that each value falls into.

    Parameters
    ----------
    boundaries : (N,)
        In ascending order.
    right : bool
        Whether an interval contains its lower boundary rather than its upper one.
    """
    need_tensor("bucketize", boundaries)
    if boundaries.ndim != 1:
        raise ShapeError(f"bucketize: boundaries need one axis, got {boundaries.shape}")
    found = sorting.searchsorted(boundaries, input, right=right)
    return ew.cast(found, dtype=np.int32 if out_int32 else np.int64)


# --- once each --------------------------------------------------------------------------------------------------------
@numpy_names
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return each value once, in ascending order; not inside a compiled step.

    Parameters
    ----------
    return_inverse, return_counts : bool
        Also return where each element went, and how often each value was there.
    dim : int, optional
        Compare whole slices along this axis instead of single elements.
    """
    need_tensor("unique", input)
    array = concrete("unique", input._array)
    axis = None if dim is None else axis_of("unique", array.shape, dim)
    out, inverse, counts = np.unique(array, return_inverse=True, return_counts=True, axis=axis, equal_nan=False)
    inverse = inverse.reshape(array.shape if axis is None else (array.shape[axis],))
    return _asked(out, inverse if return_inverse else None, counts if return_counts else None)


@numpy_names
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """Return the elements without those that equal the one before; not inside a compiled step. See :func:`unique`."""
    need_tensor("unique_consecutive", input)
    array = concrete("unique_consecutive", input._array)
    if dim is None:
        rows, axis = array.reshape(-1), 0
    else:
        rows, axis = array, axis_of("unique_consecutive", array.shape, dim)
    rows = np.moveaxis(rows, axis, 0) if rows.ndim else rows.reshape(1)
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).reshape(len(rows) - 1, -1).any(axis=1) if len(rows) > 1 else True
    starts = np.flatnonzero(new)
    inverse = (np.cumsum(new) - 1).reshape(array.shape if dim is None else (len(rows),))
    counts = np.diff(np.append(starts, len(rows)))
    out = np.moveaxis(rows[starts], 0, axis)
    return _asked(out, inverse if return_inverse else None, counts if return_counts else None)


def _asked(out: Any, inverse: Any, counts: Any) -> Any:
    more = [wrap(np.asarray(a, np.int64)) for a in (inverse, counts) if a is not None]
    return (wrap(out), *more) if more else wrap(out)


class SortingMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    argsort = argsort
    kthvalue = kthvalue
    msort = msort
    sort = sort
    topk = topk
    unique = unique
    unique_consecutive = unique_consecutive
