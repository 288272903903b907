"""What the public functions share: refusing what is no Tensor, and naming the thin ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gradwright.engine.base import TensorBase
from gradwright.engine.op import Op
from gradwright.errors import DTypeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["axes", "binary", "need_tensor", "unary"]


def need_tensor(name: str, value: Any) -> None:
    """Refuse anything but a Tensor.

    Raises
    ------
    DTypeError
        Naming the function and what it was given.
    """
    if not isinstance(value, TensorBase):
        raise DTypeError(f"{name}: expected a Tensor, got {type(value).__name__}; make one with gradwright.tensor(…)")


def unary(op: Op, doc: str) -> Callable[[Tensor], Tensor]:
    """Make the public function of an operation that has one input and nothing else to say."""

    def function(input: Any) -> Any:
        if not isinstance(input, TensorBase):
            need_tensor(op.name, input)
        return op(input)

    return _named(function, op.name, doc)


def binary(op: Op, doc: str) -> Callable[[Any, Any], Tensor]:
    """Make the public function of an operation with two inputs, one of which may be a number."""

    def function(input: Any, other: Any) -> Any:
        if not (isinstance(input, TensorBase) or isinstance(other, TensorBase)):
            need_tensor(op.name, input)
        return op(input, other)

    return _named(function, op.name, doc)


def _named(function: Any, name: str, doc: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def axes(dim: Any) -> Any:
    """Turn PyTorch's ``dim`` (None, a number, a list or tuple of numbers) into an ``axis``."""
    return tuple(dim) if isinstance(dim, list) else dim
