"""Rounding, and division with a remainder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradwright.engine.functions.calling import binary, need_float, need_tensor, unary
from gradwright.engine.ops import rounding as rd
from gradwright.errors import ConfigError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "ceil", "copysign", "fix", "floor", "floor_divide", "fmod", "frac", "nan_to_num", "remainder", "round", "trunc",
]  # fmt: skip

floor = unary(rd.floor, "Return the largest whole number not above each element; the gradient is 0.")
ceil = unary(rd.ceil, "Return the smallest whole number not below each element; the gradient is 0.")
trunc = unary(rd.trunc, "Return each element without its fraction; the gradient is 0.")
frac = unary(rd.frac, "Return the fraction of each element, with its sign: x - trunc(x).")
floor_divide = binary(rd.floor_divide, "Return the quotient of each pair rounded down; the gradient is 0.")
remainder = binary(rd.remainder, "Return what is left of each pair's division rounded down, with the divisor's sign.")
fmod = binary(
    rd.fmod, "Return what is left of each pair's division rounded toward 0, with the dividend's sign.", numbers="second"
)
copysign = binary(
    rd.copysign, "Return each element with the sign of the other's; its gradient at 0 is 0.", numbers="second"
)
fix = trunc


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Return each element rounded, halves to the even neighbour; the gradient is 0.

    Parameters
    ----------
    decimals : int
        How many places after the point to keep; negative numbers round to tens, hundreds and so on.
    """
    need_tensor("round", input)
    if decimals:
        need_float("round to decimals", input)
    return rd.round(input, decimals=decimals)


def divided(input: Any, other: Any, rounding_mode: str) -> Tensor:
    """Return a rounded quotient.

    Raises
    ------
    ConfigError
        For a mode that is neither "floor" nor "trunc".
    """
    if rounding_mode == "floor":
        return rd.floor_divide(input, other)
    if rounding_mode == "trunc":
        return rd.truncating_divide(input, other)
    raise ConfigError(f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}")


def nan_to_num(input: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """Return each element, with numbers in place of NaN and infinities; the gradient there is 0.

    Parameters
    ----------
    nan : float
        In place of NaN.
    posinf, neginf : float, optional
        In place of the infinities; the largest and smallest finite numbers of the dtype unless given.
    """
    need_tensor("nan_to_num", input)
    return rd.nan_to_num(input, nan=nan, posinf=posinf, neginf=neginf)


class RoundingMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    ceil = ceil
    copysign = copysign
    fix = trunc
    floor = floor
    floor_divide = floor_divide
    fmod = fmod
    frac = frac
    nan_to_num = nan_to_num
    remainder = remainder
    round = round
    trunc = trunc
