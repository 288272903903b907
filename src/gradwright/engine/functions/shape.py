"""Functions that move elements without changing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.ops import shape as shaping
from gradwright.errors import ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["flatten", "permute", "reshape", "squeeze", "t", "transpose", "unsqueeze"]


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """Return the same elements in another shape; one length may be -1."""
    need_tensor("reshape", input)
    return shaping.reshape(input, shape=_resolve(input.shape, sizes(shape)))


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Fold the axes from ``start_dim`` to ``end_dim`` into one."""
    need_tensor("flatten", input)
    n = max(input.ndim, 1)
    start, end = start_dim % n, end_dim % n
    shape = input.shape or (1,)
    middle = int(np.prod(shape[start : end + 1]))
    return reshape(input, *shape[:start], middle, *shape[end + 1 :])


def squeeze(input: Tensor, dim: int | None = None) -> Tensor:
    """Drop axes of length 1."""
    need_tensor("squeeze", input)
    drop = range(input.ndim) if dim is None else [dim % input.ndim]
    return reshape(input, tuple(n for i, n in enumerate(input.shape) if not (i in drop and n == 1)))


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Insert an axis of length 1."""
    need_tensor("unsqueeze", input)
    at = dim % (input.ndim + 1)
    return reshape(input, (*input.shape[:at], 1, *input.shape[at:]))


def permute(input: Tensor, *dims: Any) -> Tensor:
    """Reorder the axes."""
    need_tensor("permute", input)
    return shaping.permute(input, axes=sizes(dims))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Exchange two axes."""
    need_tensor("transpose", input)
    return shaping.swap(input, dim0, dim1)


def t(input: Tensor) -> Tensor:
    """Return the transpose of a matrix; a vector or a number comes back as it is."""
    need_tensor("t", input)
    if input.ndim > 2:
        raise ShapeError(f"t: expected at most two axes, got {input.shape}; use transpose(dim0, dim1), or .mT")
    return permute(input, *reversed(range(input.ndim)))


def expand(input: Tensor, *shape: Any) -> Tensor:
    """Repeat axes of length 1 without copying; -1 leaves an axis as long as it is."""
    need_tensor("expand", input)
    wanted = sizes(shape)
    lead = len(wanted) - input.ndim
    kept = tuple(input.shape[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(wanted))
    return shaping.expand(input, shape=kept)


def sizes(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """Return lengths that were given one by one, or as one list or tuple."""
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else tuple(shape)


def _resolve(old: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, ...]:
    size = int(np.prod(old))
    if -1 in new:
        rest = -int(np.prod(new))
        if rest > 0 and size % rest == 0:
            new = tuple(size // rest if n == -1 else n for n in new)
    if int(np.prod(new)) != size or -1 in new:
        raise ShapeError(f"reshape: {old} has {size} elements, which do not fit the shape {new}")
    return new


class ShapeMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    expand = expand
    flatten = flatten
    permute = permute
    reshape = reshape
    squeeze = squeeze
    t = t
    transpose = transpose
    unsqueeze = unsqueeze
    view = reshape
