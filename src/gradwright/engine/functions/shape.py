"""Functions that give the same elements other axes: reshape, permute, expand, and their kin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.functions.arranging import ArrangingMethods
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.dims import axis_of, numpy_names
from gradwright.engine.functions.joining import JoiningMethods
from gradwright.engine.functions.sizing import all_dims, need_tensors, sizes, whole
from gradwright.engine.ops import shape as shaping
from gradwright.errors import DTypeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "adjoint", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_shapes", "broadcast_tensors", "broadcast_to",
    "flatten", "moveaxis", "movedim", "numel", "permute", "ravel", "reshape", "squeeze", "swapaxes", "swapdims", "t",
    "transpose", "unflatten", "unsqueeze",
]  # fmt: skip


# --- other lengths, the same elements ---------------------------------------------------------------------------------
def reshape(input: Tensor, *given: Any, shape: Any = None) -> Tensor:
    """Return the same elements in another shape; one length may be -1.

    Raises
    ------
    ShapeError
        The elements do not fit; the message has both shapes.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.arange(6).reshape(2, -1).shape
    (2, 3)
    """
    need_tensor("reshape", input)
    return shaping.reshape(input, shape=_resolve("reshape", input.shape, sizes("reshape", given, shape)))


def view(input: Tensor, *given: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """Return the same elements in another shape; one length may be -1. (No dtype: bits are not read anew here.)"""
    wanted = given[0] if len(given) == 1 and isinstance(given[0], np.dtype | type | str) else dtype
    if wanted is not None:
        raise DTypeError(
            f"view: reading the bits of {input.dtype} as {wanted} is not offered; .to(dtype) converts the numbers"
        )
    return reshape(input, *given, shape=size)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """Return the same elements in the other tensor's shape."""
    need_tensor("reshape_as", other)
    return reshape(input, other.shape)


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Return the same elements in the other tensor's shape."""
    need_tensor("view_as", other)
    return reshape(input, other.shape)


def _resolve(name: str, old: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, ...]:
    size, rest = math.prod(old), math.prod(new)
    if rest == size and not (new and min(new) < 0):
        return new
    if new.count(-1) == 1:
        rest = -rest
        if rest == 0:
            raise ShapeError(f"{name}: with no elements (shape {old}) the -1 in the shape {new} could be any length")
        if rest > 0 and size % rest == 0 and min(new) == -1:
            return tuple([size // rest if n == -1 else n for n in new])
    raise ShapeError(f"{name}: {old} has {size} elements, which do not fit the shape {new}")


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Fold the axes from ``start_dim`` to ``end_dim`` into one."""
    need_tensor("flatten", input)
    shape = input.shape
    start, end = axis_of("flatten", shape, start_dim), axis_of("flatten", shape, end_dim)
    if start > end:
        raise ShapeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim} in the shape {shape}")
    if not shape:
        return shaping.reshape(input, shape=(1,))
    middle = math.prod(shape[start : end + 1])
    return shaping.reshape(input, shape=(*shape[:start], middle, *shape[end + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """Return all elements along one axis."""
    need_tensor("ravel", input)
    return shaping.reshape(input, shape=(math.prod(input.shape),))


def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """Unfold one axis into several; one of their lengths may be -1."""
    need_tensor("unflatten", input)
    axis = axis_of("unflatten", input.shape, dim)
    if not isinstance(sizes, tuple | list) or not sizes:
        raise ShapeError(f"unflatten: sizes must be a list or tuple with at least one length, got {sizes!r}")
    lengths = tuple([whole("unflatten", "a size", n) for n in sizes])
    inner = _resolve("unflatten", input.shape[axis : axis + 1], lengths)
    return shaping.reshape(input, shape=(*input.shape[:axis], *inner, *input.shape[axis + 1 :]))


@numpy_names
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Drop axes of length 1: all of them, or of those named (an int or a tuple) the ones that have it."""
    need_tensor("squeeze", input)
    drop = range(input.ndim) if dim is None else all_dims("squeeze", dim, input.shape)
    return shaping.reshape(input, shape=tuple([n for i, n in enumerate(input.shape) if n != 1 or i not in drop]))


@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Insert an axis of length 1."""
    need_tensor("unsqueeze", input)
    at = axis_of("unsqueeze", input.shape, dim, more=1)
    return shaping.reshape(input, shape=(*input.shape[:at], 1, *input.shape[at:]))


def atleast_1d(*tensors: Any) -> Any:
    """Give a tensor without axes one; several tensors come back as a tuple."""
    return _at_least("atleast_1d", tensors, lambda x: x if x.ndim else reshape(x, 1))


def atleast_2d(*tensors: Any) -> Any:
    """Give tensors with less than two axes leading ones; several tensors come back as a tuple."""
    return _at_least("atleast_2d", tensors, lambda x: x if x.ndim > 1 else reshape(x, 1, x.numel()))


def atleast_3d(*tensors: Any) -> Any:
    """Give tensors three axes at least: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1)."""

    def raised(x: Any) -> Any:
        return x if x.ndim > 2 else unsqueeze(x, -1) if x.ndim == 2 else reshape(x, 1, x.numel(), 1)

    return _at_least("atleast_3d", tensors, raised)


def _at_least(name: str, tensors: tuple[Any, ...], raised: Any) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        return tuple([raised(x) for x in need_tensors(name, tensors[0], 0)])
    found = [raised(x) for x in need_tensors(name, tensors)]
    return found[0] if len(found) == 1 else tuple(found)


def numel(input: Tensor) -> int:
    """Return the number of elements."""
    need_tensor("numel", input)
    return math.prod(input.shape)


# --- the order of the axes --------------------------------------------------------------------------------------------
def permute(input: Tensor, *given: Any, dims: Any = None) -> Tensor:
    """Reorder the axes; all of them are named, one by one or in a tuple."""
    need_tensor("permute", input)
    order = sizes("permute", given, dims)
    if len(order) != input.ndim:
        raise ShapeError(f"permute: the order {order} does not name all {input.ndim} axes of the shape {input.shape}")
    return shaping.permute(input, axes=all_dims("permute", order, input.shape))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Exchange two axes."""
    need_tensor("transpose", input)
    a, b = axis_of("transpose", input.shape, dim0), axis_of("transpose", input.shape, dim1)
    return shaping.swap(input, a, b) if input.ndim else input


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """Exchange two axes: NumPy's name of :func:`transpose`."""
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Exchange two axes: another name of :func:`transpose`."""
    return transpose(input, dim0, dim1)


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Move axes (an int or a tuple) to new places; the others keep their order."""
    need_tensor("movedim", input)
    old, new = all_dims("movedim", source, input.shape), all_dims("movedim", destination, input.shape)
    if len(old) != len(new):
        raise ShapeError(f"movedim: {len(old)} axes {source} cannot go to {len(new)} places {destination}")
    if not input.ndim:
        return input
    order = [i for i in range(input.ndim) if i not in old]
    for to, axis in sorted(zip(new, old, strict=True)):
        order.insert(to, axis)
    return shaping.permute(input, axes=tuple(order))


def moveaxis(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Move axes to new places: NumPy's name of :func:`movedim`."""
    return movedim(input, source, destination)


def t(input: Tensor) -> Tensor:
    """Return the transpose of a matrix; a vector or a number comes back as it is."""
    need_tensor("t", input)
    if input.ndim > 2:
        raise ShapeError(f"t: expected at most two axes, got {input.shape}; use transpose(dim0, dim1), or .mT")
    return shaping.permute(input, axes=(1, 0)) if input.ndim == 2 else input


def adjoint(input: Tensor) -> Tensor:
    """Return the transposes of the matrices on the last two axes (which for real numbers are the adjoints)."""
    need_tensor("adjoint", input)
    if input.ndim < 2:
        raise ShapeError(f"adjoint: expected matrices, got the shape {input.shape}")
    return shaping.swap(input, -1, -2)


# --- repeating without copying ----------------------------------------------------------------------------------------
def expand(input: Tensor, *given: Any, size: Any = None) -> Tensor:
    """Repeat axes of length 1 without copying; -1 leaves an axis as long as it is."""
    need_tensor("expand", input)
    wanted = sizes("expand", given, size)
    lead = len(wanted) - input.ndim
    if lead < 0 or (wanted and min(wanted) < -1) or -1 in wanted[:lead]:
        raise ShapeError(f"expand: {input.shape} cannot be repeated to the shape {wanted}")
    kept = tuple([input.shape[i - lead] if n == -1 else n for i, n in enumerate(wanted)])
    return shaping.expand(input, shape=kept)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Repeat axes of length 1 to the other tensor's shape."""
    need_tensor("expand_as", other)
    return expand(input, other.shape)


def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """Repeat axes of length 1 to the shape ``size``, without copying."""
    return expand(input, size if isinstance(size, tuple | list) else (size,))


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """Return the shape to which all these broadcast."""
    given = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    if any(n < 0 for s in given for n in s):
        raise ShapeError(f"broadcast_shapes: lengths cannot be negative: {' and '.join(map(str, given))}")
    try:
        return tuple(np.broadcast_shapes(*given))
    except ValueError:
        raise ShapeError(f"broadcast_shapes: these do not fit together: {' and '.join(map(str, given))}") from None


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Repeat axes of length 1 until all tensors have the same shape."""
    if len(tensors) == 1 and isinstance(tensors[0], tuple | list):
        tensors = tuple(tensors[0])
    given = need_tensors("broadcast_tensors", tensors)
    shape = broadcast_shapes(*[x.shape for x in given])
    return tuple([shaping.expand(x, shape=shape) for x in given])


class ShapeMethods(ArrangingMethods, JoiningMethods):
    """These functions as methods of a Tensor."""

    __slots__ = ()

    adjoint = adjoint
    broadcast_to = broadcast_to
    expand = expand
    expand_as = expand_as
    flatten = flatten
    moveaxis = moveaxis
    movedim = movedim
    permute = permute
    ravel = ravel
    reshape = reshape
    reshape_as = reshape_as
    squeeze = squeeze
    swapaxes = swapaxes
    swapdims = swapdims
    t = t
    transpose = transpose
    unflatten = unflatten
    unsqueeze = unsqueeze
    view = view
    view_as = view_as

    @property
    def T(self: Any) -> Any:
        """The transpose: all axes reversed."""
        return permute(self, *reversed(range(self.ndim)))

    @property
    def mT(self: Any) -> Any:
        """The transposes of the matrices on the last two axes."""
        if self.ndim < 2:
            raise ShapeError(f"mT: expected matrices, got the shape {self.shape}")
        return shaping.swap(self, -1, -2)

    @property
    def H(self: Any) -> Any:
        """The adjoint of a matrix, which for real numbers is its transpose."""
        if self.ndim not in (0, 2):
            raise ShapeError(f"H: expected a matrix, got the shape {self.shape}; batches of matrices have .mH")
        return t(self)

    @property
    def mH(self: Any) -> Any:
        """The adjoints of the matrices on the last two axes, which for real numbers are their transposes."""
        return adjoint(self)
