"""Python's operators on Tensors: operations called without a detour, because these are the commonest calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.functions.elementwise import positive, refuse_minus_truth
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import linalg, logic
from gradwright.engine.ops import rounding as rd

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["OperatorMethods"]

#: What is never equal to a Tensor: `x == None` is False, as in PyTorch, rather than an error.
_FOREIGN = (type(None), str, list, tuple, dict, set)
_TRUTH = np.dtype(np.bool_)


class OperatorMethods:
    """The operators that make a new Tensor; those that assign are with the in-place methods."""

    __slots__ = ()

    # --- arithmetic -------------------------------------------------------------------------------------------------
    def __add__(self, other: Any) -> Tensor:
        return ew.add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return ew.add(other, self)

    def __sub__(self: Any, other: Any) -> Tensor:
        if self._array.dtype is _TRUTH or (isinstance(other, TensorBase) and other._array.dtype is _TRUTH):
            refuse_minus_truth(self, other)
        return ew.sub(self, other)

    def __rsub__(self: Any, other: Any) -> Tensor:
        if self._array.dtype is _TRUTH:
            refuse_minus_truth(self, other)
        return ew.sub(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return ew.mul(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return ew.mul(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return ew.div(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return ew.div(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return rd.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return rd.floor_divide(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return rd.remainder(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return rd.remainder(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return ew.pow(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return ew.pow(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return linalg.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return linalg.matmul(other, self)

    def __neg__(self) -> Tensor:
        return ew.neg(self)

    def __pos__(self) -> Tensor:
        return positive(self)  # type: ignore[arg-type]

    def __abs__(self) -> Tensor:
        return ew.abs(self)

    # --- bits and truth values --------------------------------------------------------------------------------------
    def __invert__(self) -> Tensor:
        return logic.bitwise_not(self)

    def __and__(self, other: Any) -> Tensor:
        return logic.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Tensor:
        return logic.bitwise_and(other, self)

    def __or__(self, other: Any) -> Tensor:
        return logic.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Tensor:
        return logic.bitwise_or(other, self)

    def __xor__(self, other: Any) -> Tensor:
        return logic.bitwise_xor(self, other)

    def __rxor__(self, other: Any) -> Tensor:
        return logic.bitwise_xor(other, self)

    def __lshift__(self, other: Any) -> Tensor:
        return logic.bitwise_left_shift(self, other)

    def __rlshift__(self, other: Any) -> Tensor:
        return logic.bitwise_left_shift(other, self)

    def __rshift__(self, other: Any) -> Tensor:
        return logic.bitwise_right_shift(self, other)

    def __rrshift__(self, other: Any) -> Tensor:
        return logic.bitwise_right_shift(other, self)

    # --- comparisons ------------------------------------------------------------------------------------------------
    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return NotImplemented if isinstance(other, _FOREIGN) else ew.eq(self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return NotImplemented if isinstance(other, _FOREIGN) else ew.ne(self, other)

    def __lt__(self, other: Any) -> Tensor:
        return ew.lt(self, other)

    def __le__(self, other: Any) -> Tensor:
        return ew.le(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return ew.gt(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return ew.ge(self, other)
