"""Grids and combinations of several tensors."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.sizing import need_tensors, whole
from gradwright.engine.op import wrap
from gradwright.engine.ops.indexing import getitem
from gradwright.engine.ops.joining import cat, pad, stack
from gradwright.engine.ops.shape import expand, reshape
from gradwright.errors import ConfigError, DTypeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["block_diag", "cartesian_prod", "combinations", "meshgrid", "tril_indices", "triu_indices"]


def _listed(name: str, tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return tensors that were given one by one, or as one list or tuple."""
    if len(tensors) == 1 and not isinstance(tensors[0], TensorBase):
        tensors = tuple(tensors[0])
    return need_tensors(name, tensors)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Return, for vectors, the grids of their coordinates, one grid a vector.

    Parameters
    ----------
    *tensors : Tensor
        Vectors, or numbers, of one dtype.
    indexing : {"ij", "xy"}
        ``"ij"`` (default): axis k of the grids belongs to vector k. ``"xy"``: the first two axes are exchanged.
    """
    given = _listed("meshgrid", tensors)
    if indexing not in (None, "ij", "xy"):
        raise ConfigError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    for x in given:
        if x.ndim > 1:
            raise ShapeError(f"meshgrid: expected vectors or numbers, got the shape {x.shape}")
        if x.dtype != given[0].dtype:
            raise DTypeError(f"meshgrid: all tensors must have the same dtype, got {given[0].dtype} and {x.dtype}")
    n = len(given)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    shape = [0] * n
    for axis, x in zip(order, given, strict=True):
        shape[axis] = x.numel()
    return tuple(
        [
            expand(reshape(x, shape=tuple([x.numel() if k == axis else 1 for k in range(n)])), shape=tuple(shape))
            for axis, x in zip(order, given, strict=True)
        ]
    )


def cartesian_prod(*tensors: Any) -> Tensor:
    """Return all combinations of the vectors' elements, one a row; of a single vector: itself."""
    given = _listed("cartesian_prod", tensors)
    for x in given:
        if x.ndim != 1:
            raise ShapeError(f"cartesian_prod: expected vectors, got the shape {x.shape}")
    if len(given) == 1:
        return given[0]
    columns = [reshape(x, shape=(x.numel(),)) for x in meshgrid(*given)]
    return stack(*columns, axis=1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return all combinations of ``r`` elements of a vector, one a row, in the order of :mod:`itertools`."""
    need_tensor("combinations", input)
    if input.ndim != 1:
        raise ShapeError(f"combinations: expected a vector, got the shape {input.shape}")
    if whole("combinations", "r", r) < 0:
        raise ShapeError(f"combinations: r must not be negative, got {r}")
    if r == 0:
        return reshape(getitem(input, index=slice(0, 0)), shape=(0,))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return getitem(input, index=rows)


def block_diag(*tensors: Any) -> Tensor:
    """Return the matrix with these matrices along its diagonal; vectors count as rows, numbers as 1 by 1."""
    given = _listed("block_diag", tensors)
    for k, x in enumerate(given):
        if x.ndim > 2:
            raise ShapeError(f"block_diag: expected at most two axes, tensor {k} has the shape {x.shape}")
    blocks = [x if x.ndim == 2 else reshape(x, shape=(1, x.numel())) for x in given]
    width, before, rows = sum(x.shape[1] for x in blocks), 0, []
    for x in blocks:
        after = width - before - x.shape[1]
        rows.append(pad(x, widths=((0, 0), (before, after))))
        before += x.shape[1]
    return cat(*rows, axis=0)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None) -> Tensor:
    """Return rows and columns of the lower triangle's places, as the two rows of a matrix."""
    return _indices("tril_indices", np.tril, row, col, offset, dtype)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None) -> Tensor:
    """Return rows and columns of the upper triangle's places, as the two rows of a matrix."""
    return _indices("triu_indices", np.triu, row, col, offset, dtype)


def _indices(name: str, triangle: Any, row: int, col: int, offset: int, dtype: Any) -> Any:
    rows, columns = whole(name, "row", row), whole(name, "col", col)
    if min(rows, columns) < 0:
        raise ShapeError(f"{name}: a matrix of {rows} by {columns} does not exist")
    return wrap(np.stack(np.nonzero(triangle(np.ones((rows, columns)), offset))).astype(np.dtype(dtype)))
