"""Comparisons, logic and bits, and questions about closeness and kinds of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.functions.calling import binary, need_tensor, unary
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import logic, rounding
from gradwright.errors import ConfigError, DTypeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "allclose", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "eq", "equal", "ge", "greater", "greater_equal", "gt", "heaviside", "is_floating_point", "is_tensor", "isclose",
    "isfinite", "isinf", "isnan", "isneginf", "isposinf", "le", "less", "less_equal", "logical_and", "logical_not",
    "logical_or", "logical_xor", "lt", "ne", "not_equal", "signbit",
]  # fmt: skip

eq = binary(ew.eq, "Say of each pair whether they are equal.", numbers="second")
ne = binary(ew.ne, "Say of each pair whether they differ.", numbers="second")
lt = binary(ew.lt, "Say of each pair whether the first is smaller.", numbers="second")
le = binary(ew.le, "Say of each pair whether the first is smaller, or they are equal.", numbers="second")
gt = binary(ew.gt, "Say of each pair whether the first is larger.", numbers="second")
ge = binary(ew.ge, "Say of each pair whether the first is larger, or they are equal.", numbers="second")
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge

logical_not = unary(ew.logical_not, "Say of each element whether it is 0.")
logical_and = binary(ew.logical_and, "Say of each pair whether neither is 0.", numbers="neither")
logical_or = binary(ew.logical_or, "Say of each pair whether they are not both 0.", numbers="neither")
logical_xor = binary(logic.logical_xor, "Say of each pair whether exactly one is 0.", numbers="neither")

bitwise_not = unary(logic.bitwise_not, "Return each whole number with its bits turned over; truth values negated.")
bitwise_and = binary(logic.bitwise_and, "Return the bits that both of each pair have.")
bitwise_or = binary(logic.bitwise_or, "Return the bits that either of each pair has.")
bitwise_xor = binary(logic.bitwise_xor, "Return the bits that exactly one of each pair has.")
bitwise_left_shift = binary(logic.bitwise_left_shift, "Return each whole number times 2 to the power of the other's.")
bitwise_right_shift = binary(
    logic.bitwise_right_shift, "Return each whole number over 2 to the power of the other's, rounded down."
)

isnan = unary(rounding.isnan, "Say of each element whether it is NaN.")
isinf = unary(rounding.isinf, "Say of each element whether it is infinite.")
isfinite = unary(rounding.isfinite, "Say of each element whether it is neither infinite nor NaN.")
isposinf = unary(logic.isposinf, "Say of each element whether it is +inf.")
isneginf = unary(logic.isneginf, "Say of each element whether it is -inf.")
signbit = unary(logic.signbit, "Say of each element whether its sign is negative, that of -0.0 too.")


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """Return 0 for each negative element, 1 for each positive one, and at 0 that of ``values``; no gradient."""
    need_tensor("heaviside", input)
    need_tensor("heaviside", values)
    _same_dtype("heaviside", input, values)
    return logic.heaviside(input, values)


def _same_dtype(name: str, input: Tensor, other: Tensor) -> None:
    if input.dtype != other.dtype:
        raise DTypeError(f"{name}: both must have one dtype, got {input.dtype} and {other.dtype}")


# --- closeness --------------------------------------------------------------------------------------------------------
def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Say of each pair whether |input - other| <= atol + rtol·|other|, or they are equal.

    Raises
    ------
    DTypeError
        When the dtypes differ.
    ConfigError
        For a negative tolerance.
    """
    need_tensor("isclose", input)
    need_tensor("isclose", other)
    _same_dtype("isclose", input, other)
    if rtol < 0 or atol < 0:
        raise ConfigError(f"isclose: rtol and atol must be 0 or more, got {rtol} and {atol}")
    close = ew.eq(input, other)
    if input.dtype.kind == "b" or (rtol == 0 and atol == 0 and not equal_nan):
        return close
    if equal_nan:
        close = ew.logical_or(close, ew.logical_and(ew.ne(input, input), ew.ne(other, other)))
    if rtol == 0 and atol == 0:
        return close
    distance = ew.abs(ew.sub(input, other))
    allowed = ew.add(ew.abs(ew.mul(other, rtol)), atol)
    near = ew.logical_and(rounding.isfinite(distance), ew.le(distance, allowed))
    return ew.logical_or(close, near)


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Say whether |input - other| <= atol + rtol·|other| everywhere."""
    return bool(np.all(isclose(input, other, rtol, atol, equal_nan)._array))


def equal(input: Tensor, other: Tensor) -> bool:
    """Say whether the two have the same shape and the same numbers."""
    need_tensor("equal", input)
    need_tensor("equal", other)
    return input.shape == other.shape and bool(np.all(ew.eq(input, other)._array))


def is_tensor(obj: Any) -> bool:
    """Say whether something is a Tensor."""
    return isinstance(obj, TensorBase)


def is_floating_point(input: Tensor) -> bool:
    """Say whether the elements are floats."""
    need_tensor("is_floating_point", input)
    return input.dtype.kind in "fV"


class ComparisonMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    allclose = allclose
    bitwise_and = bitwise_and
    bitwise_left_shift = bitwise_left_shift
    bitwise_not = bitwise_not
    bitwise_or = bitwise_or
    bitwise_right_shift = bitwise_right_shift
    bitwise_xor = bitwise_xor
    eq = eq
    equal = equal
    ge = ge
    greater = gt
    greater_equal = ge
    gt = gt
    heaviside = heaviside
    is_floating_point = is_floating_point
    isclose = isclose
    isfinite = isfinite
    isinf = isinf
    isnan = isnan
    isneginf = isneginf
    isposinf = isposinf
    le = le
    less = lt
    less_equal = le
    logical_and = logical_and
    logical_not = logical_not
    logical_or = logical_or
    logical_xor = logical_xor
    lt = lt
    ne = ne
    not_equal = ne
    signbit = signbit
