"""Questions about a value, under PyTorch's names."""

from __future__ import annotations

from typing import Any

from gradwright.backend.dtypes import category
from gradwright.engine.base import TensorBase
from gradwright.engine.functions.calling import need_tensor

__all__ = ["is_complex", "is_floating_point", "is_tensor", "numel"]


def is_tensor(obj: Any) -> bool:
    """Say whether something is a Tensor."""
    return isinstance(obj, TensorBase)


def is_floating_point(input: Any) -> bool:
    """Say whether a tensor's elements are floats."""
    need_tensor("is_floating_point", input)
    return category(input.dtype) == 2


def is_complex(input: Any) -> bool:
    """Say no: there are no complex tensors."""
    need_tensor("is_complex", input)
    return False


def numel(input: Any) -> int:
    """Return the number of elements."""
    need_tensor("numel", input)
    return int(input.numel())
