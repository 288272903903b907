"""Writing elements to the places that indices name; the results are new tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.checks import check_index
from gradwright.engine.functions.brackets import split
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.dims import numpy_names
from gradwright.engine.functions.indexing import along, as_row, as_value, at, picks
from gradwright.engine.op import wrap
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing
from gradwright.engine.ops.scatter import scatter_fold
from gradwright.engine.ops.shape import expand, reshape
from gradwright.errors import ConfigError, DTypeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "index_add", "index_copy", "index_fill", "index_put", "put", "scatter", "scatter_add", "scatter_reduce",
]  # fmt: skip


def _same_dtype(name: str, input: Any, source: Any) -> None:
    need_tensor(f"{name}: source", source)
    if source.dtype != input.dtype:
        raise DTypeError(f"{name}: source is {source.dtype}, but input {input.dtype}")


# --- along one axis, each element its own index -----------------------------------------------------------------------
def _prepared(name: str, input: Any, dim: Any, index: Any, src: Any) -> tuple[Any, Any, Any, int]:
    """Check the arguments, and return input, the part of ``src`` that the index asks for, index and axis."""
    rows, places, axis = along(name, input, dim, index)
    if not isinstance(src, TensorBase):
        return rows, src, places, axis
    _same_dtype(name, input, src)
    src = as_row(src)
    if not index._array.size:
        return rows, src, places, axis
    if src.ndim != places.ndim or any(m > n for m, n in zip(places.shape, src.shape, strict=True)):
        raise ShapeError(f"{name}: index {index.shape} reaches beyond src {tuple(src.shape)}")
    if src.shape != places.shape:
        src = indexing.getitem(src, index=tuple(slice(0, m) for m in places.shape))
    return rows, src, places, axis


def _as_before(out: Any, input: Any) -> Any:
    return out if input.ndim else reshape(out, shape=())


@numpy_names
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Tensor:
    """Return ``input`` with ``out[i][index[i][j][k]][k] = src[i][j][k]`` (for ``dim=1``).

    Parameters
    ----------
    index : integers, of as many axes as ``input``
    src, value : Tensor that is nowhere shorter than ``index``, or number
        Where an index is repeated, one of the elements stays, but all get the gradient.
    reduce : "add" or "multiply", optional
        Add to what is there, or multiply it, instead of writing over it.
    """
    given = value if src is None else src
    if given is None:
        raise ConfigError("scatter: needs src or value")
    rows, src, index, axis = _prepared("scatter", input, dim, index, given)
    if not isinstance(src, TensorBase):
        src = as_value("scatter", src, input)
    if reduce is not None:
        fold = {"add": "sum", "multiply": "prod"}.get(reduce)
        if fold is None:
            raise ConfigError(f"scatter: reduce is 'add' or 'multiply', got {reduce!r}")
        if not isinstance(src, TensorBase):
            src = expand(ew.zeros_like(rows).sum().to(input.dtype) + src, shape=index.shape)
        out = _folded(rows, src.to(input.dtype), index, axis, fold)
    elif not index._array.size:
        out = ew.identity(rows)
    else:
        out = indexing.set_at(rows, src, index=_grid(index, axis))
    return _as_before(out, input)


def _grid(index: Any, axis: int) -> tuple[Any, ...]:
    return indexing.grid(np, index._array, axis)


@numpy_names
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """Return ``input`` with ``out[i][index[i][j][k]][k] += src[i][j][k]`` (for ``dim=1``).

    Parameters
    ----------
    index : integers, of as many axes as ``input``
    src : nowhere shorter than ``index``
    """
    need_tensor("scatter_add: src", src)
    rows, src, index, axis = _prepared("scatter_add", input, dim, index, src)
    return _as_before(_folded(rows, src, index, axis, "sum"), input)


_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


@numpy_names
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Return ``input`` with all elements of ``src`` that go to one place folded into it.

    Parameters
    ----------
    reduce : "sum", "prod", "mean", "amax" or "amin"
        For the last two ties share the gradient evenly.
    include_self : bool
        Whether the element of ``input`` takes part. Places that no index names keep it anyway.
    """
    if reduce not in _REDUCTIONS:
        raise ConfigError(f"scatter_reduce: reduce is one of {', '.join(_REDUCTIONS)}; got {reduce!r}")
    need_tensor("scatter_reduce: src", src)
    rows, src, index, axis = _prepared("scatter_reduce", input, dim, index, src)
    if not index._array.size:
        return ew.identity(input)
    start = rows if include_self else indexing.set_at(rows, _neutral(reduce, input.dtype), index=_grid(index, axis))
    if reduce != "mean":
        return _as_before(_folded(start, src, index, axis, reduce), input)
    total = _folded(start, src, index, axis, "sum")
    ones = ew.cast(ew.ones_like(src), dtype=np.int64)
    count = indexing.scatter_sum(ones, index, axis=axis, shape=rows.shape)
    count = count + 1 if include_self else ew.where(ew.eq(count, 0), 1, count)
    if input.dtype.kind in "fVc":
        return _as_before(total / ew.cast(count, dtype=input.dtype), input)
    whole = wrap(total._array // count._array)  # integers carry no gradient
    return _as_before(ew.cast(whole, dtype=input.dtype), input)


def _neutral(reduce: str, dtype: Any) -> Any:
    """What changes nothing when it is folded in."""
    if reduce in ("sum", "mean", "prod"):
        return int(reduce == "prod")
    if dtype.kind == "b":
        return reduce == "amin"
    if dtype.kind in "iu":
        return int(np.iinfo(dtype).min if reduce == "amax" else np.iinfo(dtype).max)
    return -np.inf if reduce == "amax" else np.inf


def _folded(rows: Any, src: Any, index: Any, axis: int, how: str) -> Any:
    if not index._array.size:
        return ew.identity(rows)
    if how == "sum":
        added = indexing.scatter_sum(src, index, axis=axis, shape=rows.shape)
        return rows + added
    return scatter_fold(rows, src, index, axis=axis, how=how)


# --- whole slices -----------------------------------------------------------------------------------------------------
def _slices(name: str, input: Any, dim: Any, index: Any, source: Any) -> tuple[Any, Any, int]:
    """Check the arguments of ``index_add`` and its like, and return input and source with an axis, and the axis."""
    axis = picks(name, input, dim, index)
    _same_dtype(name, input, source)
    rows, source = as_row(input), as_row(source)
    count = as_row(index).shape[0]
    wanted = (*rows.shape[:axis], count, *rows.shape[axis + 1 :])
    if tuple(source.shape) != wanted:
        raise ShapeError(
            f"{name}: source {tuple(source.shape)} for {count} slices of input {input.shape} along dim {axis}; "
            f"it must be {wanted}"
        )
    return rows, source, axis


@numpy_names
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """Return ``input`` with ``alpha`` times the slices of ``source`` added to those whose numbers are in ``index``."""
    rows, source, axis = _slices("index_add", input, dim, index, source)
    if alpha != 1:
        source = source * alpha
    added = indexing.scatter_into(source, index=at(axis, as_row(index)._array), shape=rows.shape)
    return _as_before(rows + added, input)


@numpy_names
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Return ``input`` with the slices of ``source`` in place of those whose numbers are in ``index``."""
    rows, source, axis = _slices("index_copy", input, dim, index, source)
    return _as_before(indexing.set_at(rows, source, index=at(axis, as_row(index)._array)), input)


@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """Return ``input`` with ``value`` in the slices whose numbers are in ``index``."""
    axis = picks("index_fill", input, dim, index, negative=True)
    if isinstance(value, TensorBase) and value._array.ndim:
        raise ShapeError(f"index_fill: the value is one number; its shape is {tuple(value._array.shape)}")
    rows = as_row(input)
    # by a mask, so that a slice that is named twice counts once in the gradient of the value
    chosen = indexing.set_at(wrap(np.zeros(rows.shape[axis], bool)), True, index=as_row(index)._array)
    mask = reshape(chosen, shape=tuple(-1 if a == axis else 1 for a in range(rows.ndim)))
    return _as_before(ew.where(mask, as_value("index_fill", value, input), rows), input)


# --- like brackets ----------------------------------------------------------------------------------------------------
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """Return ``input`` with ``values`` at ``input[indices]``, or added there.

    Parameters
    ----------
    indices : tuple of Tensors
        As between brackets.
    accumulate : bool
        Add to what is there; repeated indices add up.
    """
    need_tensor("index_put", input)
    _same_dtype("index_put", input, values)
    shape = input.shape
    basic, arrays = split(shape, tuple(slice(None) if i is None else i for i in indices), input._array)
    if basic is not None:
        raise DTypeError("index_put: the indices are tensors of integers or truth values")
    if not accumulate:
        return indexing.set_at(input, values, index=() if arrays is None else arrays)
    if arrays is None:
        return input + values
    place = indexing.getitem(input.detach(), index=arrays).shape
    try:
        wide = expand(values, shape=place)
    except ShapeError:
        raise ShapeError(
            f"index_put: values {values.shape} do not fit the shape {place} that the indices pick"
        ) from None
    return input + indexing.scatter_into(wide, index=arrays, shape=shape)


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Return ``input`` with the elements of ``source`` at the places in ``index``, all counted in a row."""
    need_tensor("put", input)
    need_tensor("put: index", index)
    _same_dtype("put", input, source)
    if index.dtype != np.int64:
        raise DTypeError(f"put: index must be int64, got {index.dtype}; use index.long()")
    if index.numel() != source.numel():
        raise ShapeError(f"put: index {index.shape} and source {source.shape} have different numbers of elements")
    flat, places = reshape(input, shape=(-1,)), reshape(index, shape=(-1,))
    check_index("put", index._array, 0, flat.shape, negative=True)
    source = reshape(source, shape=(-1,))
    if accumulate:
        out = flat + indexing.scatter_into(source, index=places._array, shape=flat.shape)
    else:
        out = indexing.set_at(flat, source, index=(places._array,))
    return reshape(out, shape=input.shape)


class ScatteringMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    index_add = index_add
    index_copy = index_copy
    index_fill = index_fill
    index_put = index_put
    put = put
    scatter = scatter
    scatter_add = scatter_add
    scatter_reduce = scatter_reduce
