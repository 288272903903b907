"""Gradients of which most rows are zero: the rows that are not, and their numbers."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

from gradwright.backend import namespace
from gradwright.engine.base import TensorBase, settle
from gradwright.engine.op import OPERATIONS, wrap
from gradwright.errors import ShapeError

__all__ = ["RowSparse", "arrays_of", "dense", "put_rows", "rebuilt", "take_rows"]


class RowSparse:
    """The gradient of a table of which few rows were looked up.

    Equation: dense[r] = Σ values[i] over the i with indices[i] = r; all other rows are 0.

    A parameter's ``grad`` is one after backward through ``nn.Embedding(…, sparse=True)``; nothing of the table's size
    is made. Two of them add up by concatenation, one and a Tensor to a Tensor. It is no part of a graph.

    Parameters
    ----------
    indices : Tensor (n,)
        Numbers of rows, in any order, repeated or not. A number that is no row, as a compiled step writes it where
        it would leave something out, stands for nothing.
    values : Tensor (n, …)
        What belongs to each.
    shape : tuple of int
        Of the whole table.

    Examples
    --------
    >>> import gradwright as gw
    >>> weight = gw.zeros(1000, 2, requires_grad=True)
    >>> out = gw.nn.functional.embedding(gw.tensor([7, 3, 7]), weight, sparse=True)
    >>> out.sum().backward()
    >>> weight.grad
    RowSparse(indices=tensor([7, 3, 7]),
              values=tensor([[1., 1.],
                             [1., 1.],
                             [1., 1.]]),
              shape=(1000, 2))
    >>> weight.grad.coalesce().indices, weight.grad.to_dense().shape
    (tensor([3, 7]), (1000, 2))
    """

    __slots__ = ("indices", "is_coalesced", "shape", "values")

    __array_ufunc__ = None  # so that `ndarray + RowSparse` comes to __radd__
    is_sparse = True
    requires_grad = False

    def __init__(self, indices: Any, values: Any, shape: tuple[int, ...], *, is_coalesced: bool = False) -> None:
        if indices.ndim != 1 or tuple(values.shape) != (*indices.shape, *shape[1:]):
            raise ShapeError(
                f"RowSparse: indices {tuple(indices.shape)} and values {tuple(values.shape)} for rows of {shape}; "
                f"expected (n,) and {('n', *shape[1:])}"
            )
        self.indices = indices
        self.values = values
        self.shape = tuple(shape)
        self.is_coalesced = is_coalesced

    @property
    def dtype(self) -> np.dtype:
        """Type of the values."""
        return np.dtype(self.values._array.dtype)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def detach(self) -> RowSparse:
        """Return this: it is outside every graph."""
        return self

    def to_dense(self) -> Any:
        """Return the gradient as a Tensor, with all its zeros."""
        index, values = self._settled()
        return wrap(OPERATIONS["scatter_into"](values, index=index, shape=self.shape))

    def coalesce(self) -> RowSparse:
        """Return the same with each row once, in ascending order.

        While a step is compiled, where lengths are fixed, rows that are missing at the end are numbered one beyond
        the last, and their values are 0.
        """
        if self.is_coalesced:
            return self
        index, values = self._settled()
        xp = namespace([index, values])
        if xp is np:
            rows, place = np.unique(index, return_inverse=True)
            total = np.zeros((len(rows), *values.shape[1:]), values.dtype)
            np.add.at(total, place, values)
        else:
            rows, total = _coalesced(xp, index, values, self.shape[0])
        return RowSparse(wrap(rows), wrap(total), self.shape, is_coalesced=True)

    def cleared(self) -> RowSparse:
        """Return the gradient that is 0 everywhere: no rows at all."""
        return RowSparse(self.indices.detach()[:0], self.values.detach()[:0], self.shape, is_coalesced=True)

    def with_values(self, values: Any) -> RowSparse:
        """Return other values for the same rows."""
        return RowSparse(self.indices, values, self.shape, is_coalesced=self.is_coalesced)

    def _settled(self) -> tuple[Any, Any]:
        """Return indices and values as arrays; outside a compiled step without what stands for nothing."""
        index, values = settle(self.indices), settle(self.values)
        if type(index) is np.ndarray and type(values) is np.ndarray and index.size and index.max() >= self.shape[0]:
            there = index < self.shape[0]
            index, values = index[there], values[there]
        return index, values

    def __add__(self, other: Any) -> Any:
        """Add another gradient of this shape: a RowSparse, or a Tensor or array, which gives such a one."""
        if isinstance(other, RowSparse):
            index, values = zip(self._settled(), other._settled(), strict=True)
            xp = namespace([*index, *values])
            return RowSparse(wrap(xp.concatenate(index)), wrap(xp.concatenate(values)), self.shape)
        full = self.to_dense()
        return other + full if isinstance(other, TensorBase) else other + full._array

    __radd__ = __add__

    def __mul__(self, factor: Any) -> RowSparse:
        return self.with_values(self.values * factor)

    __rmul__ = __mul__

    def __neg__(self) -> RowSparse:
        return self.with_values(-self.values)

    def __repr__(self) -> str:
        parts = {"indices": self.indices, "values": self.values, "shape": self.shape}
        start = "RowSparse("
        lines = [f"{k}={repr(v).replace(chr(10), chr(10) + ' ' * (len(k) + 1))}" for k, v in parts.items()]
        return start + ",\n".join(lines).replace("\n", "\n" + " " * len(start)) + ")"


def _coalesced(xp: ModuleType, index: Any, values: Any, end: int) -> tuple[Any, Any]:
    """Add up what belongs to one row, in arrays whose lengths do not depend on the numbers."""
    order = xp.argsort(index, stable=True)  # what stands for nothing comes last
    ascending = index[order]
    place = xp.cumsum(xp.diff(ascending, prepend=ascending[:1]) != 0)
    n = min(len(index), end)
    rows = xp.full(n, end, index.dtype).at[place].set(ascending, mode="drop")
    total = xp.zeros((n, *values.shape[1:]), values.dtype).at[place].add(values[order], mode="drop")
    return rows, xp.where((rows < end).reshape(-1, *[1] * (values.ndim - 1)), total, xp.zeros((), values.dtype))


def row_gradient(g: Any, index: Any, shape: tuple[int, ...], left_out: int | None) -> RowSparse:
    """Make the gradient of a table from that of what was looked up in it; ``left_out`` is a row that gets none."""
    index, values = index.reshape(-1), g.reshape(-1, *shape[1:])
    if left_out is not None:
        xp = namespace([index, values])
        if xp is np:
            index, values = index[index != left_out], values[index != left_out]
        else:
            index = xp.where(index == left_out, shape[0], index)
    return RowSparse(wrap(index), wrap(values), shape)


def dense(g: Any) -> Any:
    """Return a gradient on its way through backward as a plain array or a Tensor."""
    return g.to_dense()._array if type(g) is RowSparse else g


# --- gradients as arrays, for what carries them from place to place ---------------------------------------------------
def arrays_of(grad: Any) -> list[Any]:
    """Return the arrays that a parameter's gradient consists of."""
    return [settle(grad.indices), settle(grad.values)] if type(grad) is RowSparse else [settle(grad)]


def rebuilt(arrays: list[Any], shape: tuple[int, ...]) -> Any:
    """Return the gradient, of a parameter of this shape, that consisted of these arrays."""
    return wrap(arrays[0]) if len(arrays) == 1 else RowSparse(wrap(arrays[0]), wrap(arrays[1]), shape)


# --- tables -----------------------------------------------------------------------------------------------------------
def take_rows(table: Any, rows: Any) -> Any:
    """Return rows of an array; while a step is compiled some row where there is none."""
    return table[rows] if type(table) is np.ndarray else table.at[rows].get(mode="clip")


def put_rows(tensor: TensorBase, rows: Any, values: Any) -> Any:
    """Put ``values`` into some rows of a tensor, outside the graph; rows that are not there are passed over.

    Arrays are never written over here, since a graph, a view or the user may hold them. But to copy a large table for a
    few rows takes many times as long as all the rest of a step, so an array that nobody but the tensor holds, as
    Python's own count of references tells, is written to.

    Returns
    -------
    array or None
        What was there, if another array has taken its place.
    """
    settle(tensor)
    own = _holders(tensor) == _ALONE
    array = tensor._array
    if type(array) is not np.ndarray or type(values) is not np.ndarray:
        xp = namespace([array, rows, values])
        tensor._set(xp.asarray(array).at[rows].set(values, mode="drop"))
        return array
    if own and array.base is None and array.flags.writeable:
        array[rows] = values
        return None
    new = array.copy()
    new[rows] = values
    tensor._set(new)
    return array


def _holders(tensor: TensorBase) -> int:
    return sys.getrefcount(tensor._array)


_ALONE = _holders(TensorBase(np.empty(0)))
