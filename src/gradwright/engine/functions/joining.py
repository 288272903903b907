"""Joining tensors and taking them apart."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.dims import axis_of, numpy_names
from gradwright.engine.functions.sizing import need_tensors, whole
from gradwright.engine.ops import joining
from gradwright.engine.ops.shape import reshape
from gradwright.errors import IndexOutOfRangeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "cat", "chunk", "column_stack", "concat", "concatenate", "dsplit", "dstack", "hsplit", "hstack", "narrow",
    "row_stack", "select", "split", "split_with_sizes", "stack", "tensor_split", "unbind", "vsplit", "vstack",
]  # fmt: skip


# --- joining ----------------------------------------------------------------------------------------------------------
@numpy_names
def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Join tensors along an axis that they have; all other lengths must agree.

    Different dtypes are brought to their common one. Empty tensors of shape (0,) go with anything.

    Raises
    ------
    ShapeError
        Naming both shapes and the axis.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.cat([gw.zeros(2, 3), gw.ones(1, 3)]).shape
    (3, 3)
    """
    given = need_tensors("cat", tensors)
    for k, x in enumerate(given):
        if x.ndim == 0:
            raise ShapeError(f"cat: tensor {k} has no axis to join along; use stack")
    model = next((x.shape for x in given if x.shape != (0,)), (0,))
    return joining.cat(*given, axis=axis_of("cat", model, dim))


@numpy_names
def concat(tensors: Any, dim: int = 0) -> Tensor:
    """Join tensors along an axis: another name of :func:`cat`."""
    return cat(tensors, dim)


@numpy_names
def concatenate(tensors: Any, dim: int = 0) -> Tensor:
    """Join tensors along an axis: NumPy's name of :func:`cat`."""
    return cat(tensors, dim)


@numpy_names
def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Join tensors of the same shape along a new axis."""
    given = need_tensors("stack", tensors)
    return joining.stack(*given, axis=axis_of("stack", given[0].shape, dim, more=1))


def hstack(tensors: Any) -> Tensor:
    """Join tensors along the second axis; vectors along their only one."""
    given = _at_least(1, "hstack", tensors)
    return cat(given, 0 if given[0].ndim == 1 else 1)


def vstack(tensors: Any) -> Tensor:
    """Join tensors as rows of a matrix, along the first axis."""
    return cat(_at_least(2, "vstack", tensors), 0)


def row_stack(tensors: Any) -> Tensor:
    """Join tensors as rows: another name of :func:`vstack`."""
    return vstack(tensors)


def dstack(tensors: Any) -> Tensor:
    """Join tensors along the third axis."""
    return cat(_at_least(3, "dstack", tensors), 2)


def column_stack(tensors: Any) -> Tensor:
    """Join tensors along the second axis, vectors as columns."""
    given = need_tensors("column_stack", tensors)
    return cat([reshape(x, shape=(x.numel(), 1)) if x.ndim <= 1 else x for x in given], 1)


def _at_least(axes: int, name: str, tensors: Any) -> tuple[Any, ...]:
    from gradwright.engine.functions import shape

    raised = (shape.atleast_1d, shape.atleast_2d, shape.atleast_3d)[axes - 1]
    return tuple([raised(x) for x in need_tensors(name, tensors)])


# --- taking apart -----------------------------------------------------------------------------------------------------
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Take a tensor apart along an axis: into parts of one size (the last may be smaller), or of listed sizes."""
    if isinstance(split_size_or_sections, tuple | list):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    need_tensor("split", tensor)
    axis = _axis("split", tensor, dim)
    size = whole("split", "the size", split_size_or_sections)
    n = tensor.shape[axis]
    if size < 0 or (size == 0 and n):
        raise ShapeError(f"split: parts of {size} cannot make up the {n} places along dim {dim} of {tensor.shape}")
    lengths = [min(size, n - start) for start in range(0, n, size)] if n else [0]
    return joining.split(tensor, sizes=tuple(lengths), axis=axis)


def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Take a tensor apart along an axis into parts of the given sizes."""
    need_tensor("split", input)
    axis = _axis("split", input, dim)
    lengths = tuple([whole("split", "a size", n) for n in split_sizes])
    n = input.shape[axis]
    if sum(lengths) != n or min(lengths, default=0) < 0:
        raise ShapeError(
            f"split: the sizes {list(lengths)} must add up to the {n} places along dim {dim} of {input.shape}"
        )
    return joining.split(input, sizes=lengths, axis=axis)


@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Take a tensor apart along an axis into at most ``chunks`` parts of one size; the last may be smaller."""
    need_tensor("chunk", input)
    axis = _axis("chunk", input, dim)
    count = whole("chunk", "chunks", chunks)
    if count <= 0:
        raise ShapeError(f"chunk: chunks must be above 0, got {count}")
    n = input.shape[axis]
    if n == 0:
        return joining.split(input, sizes=(0,) * count, axis=axis)
    return split(input, -(-n // count), axis)


@numpy_names
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Take a tensor apart into so many parts, as equal as they can be, or before each of the indices given."""
    need_tensor("tensor_split", input)
    axis = _axis("tensor_split", input, dim)
    n = input.shape[axis]
    if isinstance(indices_or_sections, TensorBase):
        places = np.asarray(indices_or_sections._array)
        if places.ndim > 1:
            raise ShapeError(f"tensor_split: indices must have at most one axis, got the shape {places.shape}")
        indices_or_sections = places.tolist()
    if isinstance(indices_or_sections, tuple | list):
        return _split_before(input, indices_or_sections, axis)
    count = whole("tensor_split", "sections", indices_or_sections)
    if count <= 0:
        raise ShapeError(f"tensor_split: the number of sections must be above 0, got {count}")
    small, longer = divmod(n, count)
    return joining.split(input, sizes=(small + 1,) * longer + (small,) * (count - longer), axis=axis)


def _split_before(input: Any, indices: Any, axis: int) -> tuple[Tensor, ...]:
    n = input.shape[axis]
    ends = [0, *[slice(whole("tensor_split", "an index", i)).indices(n)[1] for i in indices], n]
    if all(a <= b for a, b in itertools.pairwise(ends)):
        lengths = tuple([b - a for a, b in itertools.pairwise(ends)])
        return joining.split(input, sizes=lengths, axis=axis)
    # indices out of order: parts may overlap
    return tuple([joining.narrow(input, axis, a, max(b - a, 0)) for a, b in itertools.pairwise(ends)])


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Take a tensor apart along the first axis, into equal parts or before each of the indices."""
    return _even_split("vsplit", input, indices_or_sections, 0, 2)


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Take a tensor apart along the second axis (a vector along its only one)."""
    need_tensor("hsplit", input)
    return _even_split("hsplit", input, indices_or_sections, 0 if input.ndim == 1 else 1, 1)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Take a tensor apart along the third axis."""
    return _even_split("dsplit", input, indices_or_sections, 2, 3)


def _even_split(name: str, input: Any, parts: Any, axis: int, least: int) -> tuple[Tensor, ...]:
    need_tensor(name, input)
    if input.ndim < least:
        raise ShapeError(f"{name}: needs at least {least} axes, got the shape {input.shape}")
    if isinstance(parts, int) and (parts <= 0 or input.shape[axis] % parts):
        raise ShapeError(
            f"{name}: {parts} equal parts cannot be made of the {input.shape[axis]} places along dim {axis} "
            f"of {input.shape}"
        )
    return tensor_split(input, parts, axis)


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Take a tensor apart along an axis, which the parts do not have any more."""
    need_tensor("unbind", input)
    return joining.unbind(input, axis=_axis("unbind", input, dim))


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """Return ``length`` places along an axis, from ``start`` on."""
    need_tensor("narrow", input)
    axis, n = _axis("narrow", input, dim), whole("narrow", "length", length)
    first = whole("narrow", "start", start)
    size = input.shape[axis]
    begin = first + size if first < 0 else first
    if n < 0 or first < -size or first > size or begin + n > size:
        what = IndexOutOfRangeError if first < -size or first > size else ShapeError
        raise what(f"narrow: {n} places from {first} on do not lie along dim {dim} of the shape {input.shape}")
    return joining.narrow(input, axis, begin, n)


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Return what stands at one place of an axis, without that axis."""
    need_tensor("select", input)
    axis, i = _axis("select", input, dim), whole("select", "index", index)
    n = input.shape[axis]
    if not -n <= i < n:
        raise IndexOutOfRangeError(f"select: index {i} is out of range for dim {dim} of the shape {input.shape}")
    from gradwright.engine.ops.indexing import getitem

    return getitem(input, index=(slice(None),) * axis + (i,))


def _axis(name: str, input: Any, dim: Any) -> int:
    if input.ndim == 0:
        raise ShapeError(f"{name}: a tensor without axes cannot be taken apart")
    return axis_of(name, input.shape, dim)


class JoiningMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    chunk = chunk
    dsplit = dsplit
    hsplit = hsplit
    narrow = narrow
    select = select
    split = split
    split_with_sizes = split_with_sizes
    tensor_split = tensor_split
    unbind = unbind
    vsplit = vsplit
