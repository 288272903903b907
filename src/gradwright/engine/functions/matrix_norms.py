"""Norms of matrices, and the condition number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.matrices import inv, need_matrices, svdvals
from gradwright.engine.functions.norms import vector_norm
from gradwright.engine.functions.shape import movedim
from gradwright.engine.functions.sizing import all_dims
from gradwright.engine.ops.elementwise import abs as abs_
from gradwright.engine.ops.elementwise import cast
from gradwright.engine.ops.reduction import amax, amin
from gradwright.engine.ops.reduction import sum as sum_
from gradwright.engine.ops.shape import reshape
from gradwright.errors import ConfigError, DTypeError, LinAlgError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["cond", "matrix_norm", "norm"]


def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Return a norm of each matrix.

    Parameters
    ----------
    A : Tensor
        With at least two axes.
    ord : {"fro", "nuc", inf, -inf, 1, -1, 2, -2}
        The root of the sum of squares; the sum of the singular values; the largest or smallest sum of a row's
        absolute values; of a column's; the largest or smallest singular value.
    dim : pair of int
        The rows' axis and the columns'.
    keepdim : bool
        Leave both axes with length 1.
    dtype : optional
        Computed in this dtype.
    """
    need_tensor("linalg.matrix_norm", A)
    if dtype is not None:
        A = cast(A, dtype=dtype)
    if A.ndim < 2:
        raise ShapeError(f"linalg.matrix_norm: expected at least two axes, got the shape {A.shape}")
    if A.dtype.kind not in "fV":
        raise DTypeError(f"linalg.matrix_norm: expected a floating tensor, got {A.dtype}; use .float()")
    if isinstance(dim, int) or len(dim) != 2:
        raise ShapeError(f"linalg.matrix_norm: dim must be a pair, got {dim}")
    rows, columns = all_dims("linalg.matrix_norm", dim, A.shape)
    if ord == "fro":
        return vector_norm(A, 2, (rows, columns), keepdim)
    if ord in ("nuc", 2, -2):
        s = svdvals(movedim(A, (rows, columns), (-2, -1)))
        out = sum_(s, axis=-1) if ord == "nuc" else _end(s, -1, ord == 2, A, ord)
        if keepdim:
            out = reshape(out, shape=tuple([1 if i in (rows, columns) else n for i, n in enumerate(A.shape)]))
        return out
    if ord not in (1, -1, math.inf, -math.inf):
        raise ConfigError(f"linalg.matrix_norm: ord must be 'fro', 'nuc', ±inf, ±1 or ±2, got {ord!r}")
    added, compared = (rows, columns) if abs(ord) == 1 else (columns, rows)
    out = _end(sum_(abs_(A), axis=added, keepdims=True), compared, ord > 0, A, ord)
    kept = tuple([1 if i in (rows, columns) else n for i, n in enumerate(A.shape)])
    return reshape(
        out, shape=kept if keepdim else tuple([n for i, n in enumerate(A.shape) if i not in (rows, columns)])
    )


def _end(x: Any, axis: int, largest: bool, A: Any, ord: Any) -> Any:
    """The largest or smallest along an axis; of equal ones each has its share of the gradient."""
    if x.shape[axis] == 0:
        if largest:
            return sum_(x, axis=axis)  # nothing is 0 wide
        raise ShapeError(f"linalg.matrix_norm: ord {ord} has nothing to choose from in the shape {A.shape}")
    return (amax if largest else amin)(x, axis=axis)


def norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, out: Any = None, dtype: Any = None
) -> Tensor:
    """Return a norm: of vectors where ``dim`` is one axis, of matrices where it is two, else of all elements.

    Without ``ord`` it is the root of the sum of squares over ``dim`` (over everything without ``dim``). With ``ord``
    and without ``dim`` the tensor must be a vector or a matrix. See :func:`vector_norm` and :func:`matrix_norm`.
    """
    need_tensor("linalg.norm", A)
    if ord is not None:
        if dim is None and A.ndim not in (1, 2):
            raise ShapeError(f"linalg.norm: with ord {ord!r} and no dim, expected one or two axes, got {A.shape}")
        along = None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
        if isinstance(ord, str) or (A.ndim == 2 if along is None else len(along) == 2):
            return matrix_norm(A, ord, (0, 1) if along is None else along, keepdim, dtype=dtype)
        return vector_norm(A, ord, along, keepdim, dtype=dtype)
    return vector_norm(A, 2, dim, keepdim, dtype=dtype)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """Return the condition numbers ‖A‖·‖A⁻¹‖ of matrices; inf for singular ones.

    Without ``p``, and for 2, the largest singular value over the smallest (-2: the other way round), for any shape.
    """
    need_matrices("cond", A)
    if p in (None, 2, -2):
        s = svdvals(A)
        if s.shape[-1] == 0:
            return sum_(s, axis=-1)
        top, low = s[..., 0], s[..., -1]
        return top / low if p != -2 else low / top
    need_matrices("cond", A, square=True)
    if 0 in A.shape:
        return matrix_norm(A, p if p == "fro" else "nuc")
    try:
        return matrix_norm(A, p) * matrix_norm(inv(A), p)
    except LinAlgError:
        return matrix_norm(A, p) + math.inf
