"""Turning, shifting, repeating, masking triangles, diagonals, and sliding windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.backend import is_concrete
from gradwright.engine.base import TensorBase
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.dims import axis_of
from gradwright.engine.functions.sizing import all_dims, sizes, whole
from gradwright.engine.ops import arranging
from gradwright.engine.ops.indexing import getitem
from gradwright.engine.ops.shape import expand, reshape, swap
from gradwright.errors import CompileError, DTypeError, IndexOutOfRangeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "diag", "diag_embed", "diagflat", "diagonal", "flip", "fliplr", "flipud", "repeat_interleave", "roll", "rot90",
    "tile", "tril", "triu",
]  # fmt: skip


# --- turning and shifting ---------------------------------------------------------------------------------------------
def flip(input: Tensor, *given: Any, dims: Any = None) -> Tensor:
    """Reverse the order along the axes named."""
    need_tensor("flip", input)
    axes = all_dims("flip", sizes("flip", given, dims), input.shape)
    return arranging.flip(input, axes=axes) if input.ndim else input


def fliplr(input: Tensor) -> Tensor:
    """Reverse the order along the second axis."""
    need_tensor("fliplr", input)
    if input.ndim < 2:
        raise ShapeError(f"fliplr: needs at least two axes, got the shape {input.shape}")
    return arranging.flip(input, axes=(1,))


def flipud(input: Tensor) -> Tensor:
    """Reverse the order along the first axis."""
    need_tensor("flipud", input)
    if input.ndim < 1:
        raise ShapeError("flipud: needs at least one axis, got a tensor without")
    return arranging.flip(input, axes=(0,))


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Shift along axes; what leaves at the end comes back at the start. Without ``dims``: of all elements in a row."""
    need_tensor("roll", input)
    by = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    along = () if dims is None else (dims,) if isinstance(dims, int) else tuple(dims)
    if not by:
        raise ShapeError("roll: shifts must not be empty")
    if not along and len(by) == 1:
        flat = arranging.roll(reshape(input, shape=(input.numel(),)), shifts=by, axes=(0,))
        return reshape(flat, shape=input.shape)
    if len(by) != len(along):
        raise ShapeError(f"roll: shifts {by} and dims {along} must be equally many")
    if not input.ndim:
        raise IndexOutOfRangeError(f"roll: dims {along} of a tensor without axes")
    axes = tuple([axis_of("roll", input.shape, d) for d in along])
    return arranging.roll(input, shifts=by, axes=axes)


def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turn by ``k`` right angles in the plane of two axes, from the first towards the second."""
    need_tensor("rot90", input)
    if len(dims) != 2 or input.ndim < 2:
        raise ShapeError(f"rot90: needs two different dims, got {dims}, and two axes, got the shape {input.shape}")
    a, b = all_dims("rot90", dims, input.shape)
    turns = k % 4
    if turns == 0:
        return arranging.flip(input, axes=())
    if turns == 2:
        return arranging.flip(input, axes=(a, b))
    return swap(arranging.flip(input, axes=(b if turns == 1 else a,)), a, b)


# --- repeating --------------------------------------------------------------------------------------------------------
def repeat(input: Tensor, *given: Any, repeats: Any = None) -> Tensor:
    """Repeat the whole tensor so many times along each axis; more numbers than axes make leading axes."""
    need_tensor("repeat", input)
    times = sizes("repeat", given, repeats)
    if len(times) < input.ndim:
        raise ShapeError(f"repeat: {times} has fewer numbers than the shape {input.shape} has axes")
    if min(times, default=0) < 0:
        raise ShapeError(f"repeat: the numbers in {times} cannot be negative")
    return _tiled(input, times)


def tile(input: Tensor, *given: Any, dims: Any = None) -> Tensor:
    """Repeat the whole tensor along the last axes, as often as ``dims`` says."""
    need_tensor("tile", input)
    times = sizes("tile", given, dims)
    if min(times, default=0) < 0:
        raise ShapeError(f"tile: the numbers in {times} cannot be negative")
    return _tiled(input, (1,) * (input.ndim - len(times)) + times)


def _tiled(x: Any, times: tuple[int, ...]) -> Any:
    """Give each axis one before it that is expanded: the gradient then is a sum over those."""
    shape = (1,) * (len(times) - x.ndim) + x.shape
    both = [(r, n) for r, n in zip(times, shape, strict=True)]
    apart = reshape(x, shape=tuple([m for _, n in both for m in (1, n)]))
    wide = expand(apart, shape=tuple([m for pair in both for m in pair]))
    return reshape(wide, shape=tuple([r * n for r, n in both]))


def repeat_interleave(input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: Any = None) -> Tensor:
    """Repeat each place along an axis: all the same number of times, or each its own.

    Without ``dim`` the elements are taken in a row. With one argument only, the repeats: returns place 0 repeats[0]
    times, place 1 repeats[1] times, and so on.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.tensor([1, 2]).repeat_interleave(2).tolist()
    [1, 1, 2, 2]
    """
    need_tensor("repeat_interleave", input)
    if repeats is None:
        return _places(input, None, output_size)
    if dim is None:
        input, dim = reshape(input, shape=(input.numel(),)), 0
    axis = axis_of("repeat_interleave", input.shape, dim)
    x = input if input.ndim else reshape(input, shape=(1,))
    n = x.shape[axis]
    if isinstance(repeats, TensorBase) and repeats._array.size == 1 and is_concrete(repeats._array):
        repeats = int(repeats._array.item())
    if isinstance(repeats, int):
        if repeats < 0:
            raise ShapeError(f"repeat_interleave: {repeats} times is not possible")
        _check_size(n * repeats, output_size)
        apart = reshape(x, shape=(*x.shape[: axis + 1], 1, *x.shape[axis + 1 :]))
        wide = expand(apart, shape=(*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :]))
        return reshape(wide, shape=(*x.shape[:axis], n * repeats, *x.shape[axis + 1 :]))
    if not isinstance(repeats, TensorBase):
        from gradwright.engine.creation import tensor

        repeats = tensor(repeats)
    if repeats.ndim > 1 or repeats.shape not in ((n,), (1,), ()):
        raise ShapeError(
            f"repeat_interleave: repeats of shape {repeats.shape} do not fit the {n} places along dim {axis} "
            f"of {x.shape}"
        )
    return getitem(x, index=(slice(None),) * axis + (_places(repeats, n, output_size)._array,))


def _places(repeats: Any, n: int | None, output_size: Any) -> Any:
    if repeats.dtype.kind not in "iu" or repeats.ndim > 1:
        raise DTypeError(
            f"repeat_interleave: repeats must be integers along one axis, got {repeats.dtype} of shape {repeats.shape}"
        )
    array = repeats._array
    if not is_concrete(array):
        raise CompileError(
            "repeat_interleave: inside a compiled step the repeats must not be computed: the result's shape depends on "
            "their values. Pass Python numbers, or compute the repeats outside the step."
        )
    array = np.asarray(array)
    if (array < 0).any():
        raise ShapeError("repeat_interleave: repeats cannot be negative")
    array = np.broadcast_to(array, (array.size if n is None else n,))
    _check_size(int(array.sum()), output_size)
    return type(repeats)(np.repeat(np.arange(len(array)), array).astype(repeats.dtype))


def _check_size(size: int, output_size: Any) -> None:
    if output_size is not None and output_size != size:
        raise ShapeError(f"repeat_interleave: output_size is {output_size}, but the result has {size} places")


# --- triangles and diagonals ------------------------------------------------------------------------------------------
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the lower triangles of matrices, up to a diagonal, and 0 elsewhere."""
    return arranging.tril(_matrices("tril", input), diagonal=whole("tril", "diagonal", diagonal))


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the upper triangles of matrices, from a diagonal on, and 0 elsewhere."""
    return arranging.triu(_matrices("triu", input), diagonal=whole("triu", "diagonal", diagonal))


def _matrices(name: str, input: Any) -> Any:
    need_tensor(name, input)
    if input.ndim < 2:
        raise ShapeError(f"{name}: needs at least two axes, got the shape {input.shape}")
    return input


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a diagonal of two axes, as the last axis; ``offset`` above 0 lies above the main diagonal."""
    need_tensor("diagonal", input)
    a, b = axis_of("diagonal", input.shape, dim1), axis_of("diagonal", input.shape, dim2)
    if a == b or input.ndim < 2:
        raise ShapeError(f"diagonal: dim1 {dim1} and dim2 {dim2} are the same axis of the shape {input.shape}")
    return arranging.diagonal(input, offset=whole("diagonal", "offset", offset), axis1=a, axis2=b)


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return matrices of zeros, on the planes of two new axes, with the last axis on a diagonal."""
    need_tensor("diag_embed", input)
    if input.ndim == 0:
        raise ShapeError("diag_embed: needs at least one axis, got a tensor without")
    a, b = axis_of("diag_embed", input.shape, dim1, more=1), axis_of("diag_embed", input.shape, dim2, more=1)
    if a == b:
        raise ShapeError(f"diag_embed: dim1 {dim1} and dim2 {dim2} are the same axis")
    n = input.shape[-1] + abs(whole("diag_embed", "offset", offset))
    shape = list(input.shape[:-1])
    for axis in sorted((a, b)):
        shape.insert(axis, n)
    return arranging.put_diagonal(input, shape=tuple(shape), offset=offset, axis1=a, axis2=b)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the diagonal of a matrix, or the matrix with a vector on its diagonal."""
    need_tensor("diag", input)
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim != 2:
        raise ShapeError(f"diag: expected a vector or a matrix, got the shape {input.shape}")
    return arranging.diagonal(input, offset=diagonal, axis1=0, axis2=1)


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """Return the matrix with all elements, in a row, on its diagonal."""
    need_tensor("diagflat", input)
    return diag_embed(reshape(input, shape=(input.numel(),)), offset)


# --- sliding windows --------------------------------------------------------------------------------------------------
def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """Return all windows of ``size`` along an axis, ``step`` apart.

    The axis then counts the windows, and a new last axis has their places.
    (``nn.functional.unfold`` is another function: patches of images as columns.)
    """
    need_tensor("unfold", input)
    axis = axis_of("unfold", input.shape, dimension)
    x = input if input.ndim else reshape(input, shape=(1,))
    n = x.shape[axis]
    if not 0 <= size <= n:
        raise ShapeError(f"unfold: windows of {size} do not fit into dim {dimension} of the shape {input.shape}")
    if step <= 0:
        raise ShapeError(f"unfold: step must be above 0, got {step}")
    out = arranging.sliding(x, axis=axis, size=size, step=step)
    return out if input.ndim else reshape(out, shape=(size,))


class ArrangingMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    diag = diag
    diag_embed = diag_embed
    diagflat = diagflat
    diagonal = diagonal
    flip = flip
    fliplr = fliplr
    flipud = flipud
    repeat = repeat
    repeat_interleave = repeat_interleave
    roll = roll
    rot90 = rot90
    tile = tile
    tril = tril
    triu = triu
    unfold = unfold
