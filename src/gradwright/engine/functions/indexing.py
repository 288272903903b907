"""Picking elements by index or by mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.backend import is_concrete, namespace
from gradwright.engine.base import TensorBase
from gradwright.engine.checks import check_index, concrete
from gradwright.engine.functions.brackets import getitem, number_in, setitem
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.dims import axis_of, numpy_names
from gradwright.engine.op import wrap
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing
from gradwright.engine.ops.shape import expand, reshape
from gradwright.errors import DTypeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "argwhere", "gather", "index_select", "masked_fill", "masked_scatter", "masked_select", "nonzero", "take",
    "take_along_dim",
]  # fmt: skip


def at(axis: int, part: Any) -> tuple[Any, ...]:
    """Return the brackets that take ``part`` of one axis and all of the others."""
    return (*(slice(None),) * axis, part)


# --- by index ---------------------------------------------------------------------------------------------------------
def along(name: str, input: Any, dim: Any, index: Any) -> tuple[Any, Any, int]:
    """Check an index for ``gather`` and its like: of as many axes as ``input``, and within it."""
    need_tensor(name, input)
    need_tensor(f"{name}: index", index)
    axis = axis_of(name, input.shape, dim)
    shape, wanted = input.shape or (1,), index.shape or (1,)
    if len(shape) != len(wanted) and index._array.size:
        raise ShapeError(f"{name}: index {index.shape} needs as many axes as input {input.shape}")
    if len(shape) == len(wanted) and any(
        a != axis and m > n for a, (m, n) in enumerate(zip(wanted, shape, strict=True))
    ):
        raise ShapeError(f"{name}: index {index.shape} reaches beyond input {input.shape} outside dim {axis}")
    check_index(name, index._array, axis, shape)
    return (input if input.ndim else reshape(input, shape=(1,))), as_row(index), axis


def as_row(index: Any) -> Any:
    """Return a number as a row of one."""
    return index if index.ndim else reshape(index, shape=(1,))


@numpy_names
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """Return ``out[i][j][k] = input[i][index[i][j][k]][k]`` (for ``dim=1``): along ``dim`` what the index says.

    Parameters
    ----------
    index : integers, of as many axes as ``input`` and outside ``dim`` no longer
        The result has its shape.

    Raises
    ------
    IndexOutOfRangeError
        Naming row and value; indices do not count from the end. A compiled step checks an index that it is given
        before it runs.

    Examples
    --------
    >>> import gradwright as gw
    >>> q = gw.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> q.gather(1, gw.tensor([[1], [0]])).tolist()
    [[2.0], [3.0]]
    """
    source, places, axis = along("gather", input, dim, index)
    if not index._array.size:
        return indexing.getitem(reshape(source, shape=(-1,)), index=np.zeros(index.shape, np.int64))
    out = indexing.gather(source, places, axis=axis)
    return out if index.ndim else reshape(out, shape=())


@numpy_names
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Return what ``indices`` say along ``dim``, the other axes broadcast; without ``dim`` of all elements in a row."""
    need_tensor("take_along_dim", input)
    need_tensor("take_along_dim: indices", indices)
    if dim is None:
        input, indices, dim = reshape(input, shape=(-1,)), reshape(indices, shape=(-1,)), 0
    axis = axis_of("take_along_dim", input.shape, dim)
    if input.ndim != indices.ndim:
        raise ShapeError(f"take_along_dim: indices {indices.shape} need as many axes as input {input.shape}")
    others = [tuple(1 if a == axis else n for a, n in enumerate(t.shape)) for t in (input, indices)]
    try:
        common = np.broadcast_shapes(*others)
    except ValueError:
        raise ShapeError(
            f"take_along_dim: indices {indices.shape} and input {input.shape} do not fit outside dim {axis}"
        ) from None
    full = [tuple(t.shape[a] if a == axis else n for a, n in enumerate(common)) for t in (input, indices)]
    check_index("take_along_dim", indices._array, axis, input.shape, negative=True)
    if not input.ndim:
        return input
    return indexing.gather(
        expand(input, shape=full[0]), expand(_counted(indices, input.shape[axis]), shape=full[1]), axis=axis
    )


def _counted(index: Any, size: int) -> Any:
    """Return indices that count from the end as ones from the front."""
    if is_concrete(index._array) and not (np.asarray(index._array) < 0).any():
        return index
    return ew.where(ew.lt(index, 0), index + size, index)


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Return the slices along ``dim`` whose numbers are in ``index``, in its order."""
    axis = picks("index_select", input, dim, index)
    if not input.ndim:
        if index._array.size != 1:
            raise ShapeError(f"index_select: a tensor of shape () has one element, index {index.shape} asks for more")
        return ew.identity(input)
    return indexing.getitem(input, index=at(axis, as_row(index)._array))


def picks(name: str, input: Any, dim: Any, index: Any, *, negative: bool = False) -> int:
    """Check an index for ``index_select`` and its like: one axis of integers within ``dim``, which is returned."""
    need_tensor(name, input)
    need_tensor(f"{name}: index", index)
    axis = axis_of(name, input.shape, dim)
    if index.ndim > 1:
        raise ShapeError(f"{name}: index has one axis; its shape is {index.shape}")
    if index.dtype not in (np.int64, np.int32):
        raise DTypeError(f"{name}: index must be int64 or int32, got {index.dtype}")
    check_index(name, index._array, axis, input.shape, negative=negative)
    return axis


def take(input: Tensor, index: Tensor) -> Tensor:
    """Return the elements whose numbers are in ``index``, all counted in a row."""
    need_tensor("take", input)
    need_tensor("take: index", index)
    flat = reshape(input, shape=(-1,))
    if index.dtype != np.int64:
        raise DTypeError(f"take: index must be int64, got {index.dtype}; use index.long()")
    check_index("take", index._array, 0, flat.shape, negative=True)
    return indexing.getitem(flat, index=index._array)


# --- by mask ----------------------------------------------------------------------------------------------------------
def _need_mask(name: str, mask: Any) -> None:
    need_tensor(f"{name}: mask", mask)
    if mask.dtype.kind != "b":
        raise DTypeError(f"{name}: the mask holds truth values, got {mask.dtype}; use mask.bool()")


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """Return ``value`` where the mask is true and ``input`` elsewhere.

    Parameters
    ----------
    mask : bool, broadcast with ``input``
    value : number, or Tensor without axes
        Its gradient is the sum over the masked places.
    """
    need_tensor("masked_fill", input)
    _need_mask("masked_fill", mask)
    if isinstance(value, TensorBase) and value._array.ndim:
        raise ShapeError(f"masked_fill: the value is one number; its shape is {tuple(value._array.shape)}")
    return ew.where(mask, as_value("masked_fill", value, input), input)


def as_value(name: str, value: Any, input: Any) -> Any:
    """Return a value that is written into ``input``, in its dtype."""
    if isinstance(value, TensorBase):
        if value._array.dtype.kind == "c" and input.dtype.kind != "c":
            raise DTypeError(f"{name}: a complex value does not fit into {input.dtype}")
        return value.to(input.dtype)  # type: ignore[attr-defined]
    return number_in(name, value.item() if isinstance(value, np.generic) else value, input.dtype)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """Return the elements where the mask is true, in a row; not inside a compiled step, whose shapes are fixed."""
    need_tensor("masked_select", input)
    _need_mask("masked_select", mask)
    chosen = concrete("masked_select", mask._array)
    try:
        shape = np.broadcast_shapes(input.shape, chosen.shape)
    except ValueError:
        raise ShapeError(f"masked_select: mask {chosen.shape} does not fit input {input.shape}") from None
    wide = input if input.shape == shape else expand(input, shape=shape)
    return indexing.getitem(wide, index=(np.broadcast_to(chosen, shape),))


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Return ``input`` with the first elements of ``source``, in order, where the mask is true."""
    need_tensor("masked_scatter", input)
    _need_mask("masked_scatter", mask)
    need_tensor("masked_scatter: source", source)
    if source.dtype != input.dtype:
        raise DTypeError(f"masked_scatter: source is {source.dtype}, but input {input.dtype}")
    try:
        shape = np.broadcast_shapes(input.shape, mask.shape)
    except ValueError:
        raise ShapeError(f"masked_scatter: mask {mask.shape} does not fit input {input.shape}") from None
    xp = namespace([mask._array])
    chosen = xp.broadcast_to(xp.asarray(mask._array), shape)
    size = source.numel()
    if is_concrete(chosen) and int(np.asarray(chosen).sum()) > size:
        raise ShapeError(
            f"masked_scatter: the mask is true in {int(np.asarray(chosen).sum())} places, but source {source.shape} "
            f"has {size} elements"
        )
    if not size:
        return expand(input, shape=shape)
    place = xp.clip(xp.cumsum(chosen.reshape(-1)).reshape(shape) - 1, 0, size - 1)
    return ew.where(wrap(chosen), indexing.getitem(reshape(source, shape=(-1,)), index=place), input)


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Return the indices of the elements that are not 0, a row each, or a tensor for each axis; not inside a
    compiled step.
    """
    need_tensor("nonzero", input)
    array = concrete("nonzero", input._array)
    if as_tuple:
        return tuple([wrap(a.astype(np.int64)) for a in np.nonzero(array if array.ndim else array.reshape(1))])
    return wrap(np.argwhere(array).astype(np.int64))


def argwhere(input: Tensor) -> Tensor:
    """Return the indices of the elements that are not 0, a row each; not inside a compiled step."""
    need_tensor("argwhere", input)
    return wrap(np.argwhere(concrete("argwhere", input._array)).astype(np.int64))


class IndexingMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    __getitem__ = getitem
    __setitem__ = setitem
    argwhere = argwhere
    gather = gather
    index_select = index_select
    masked_fill = masked_fill
    masked_scatter = masked_scatter
    masked_select = masked_select
    nonzero = nonzero
    take = take
    take_along_dim = take_along_dim
