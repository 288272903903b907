"""Questions about a value, and the function's form of a few methods, under PyTorch's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend.dtypes import category
from gradwright.engine.base import TensorBase
from gradwright.engine.devices import CPU, check_device, device
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.mode import is_grad_enabled

__all__ = [
    "Size", "clone", "detach", "dtype", "get_default_device", "is_complex", "is_floating_point",
    "is_inference_mode_enabled", "is_nonzero", "is_signed", "is_tensor", "numel", "set_default_device",
]  # fmt: skip

#: Shapes are plain tuples: a subclass of its own would double what reading a shape costs, which every operation does.
Size = tuple

#: Dtypes are NumPy's.
dtype = np.dtype


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


def is_nonzero(input: Any) -> bool:
    """Say whether the single element of a tensor is not 0."""
    need_tensor("is_nonzero", input)
    return bool(input)


def is_signed(input: Any) -> bool:
    """Say whether the tensor's dtype holds negative numbers."""
    need_tensor("is_signed", input)
    return bool(input.is_signed())


def is_inference_mode_enabled() -> bool:
    """Say whether nothing is recorded now."""
    return not is_grad_enabled()


def clone(input: Any, *, memory_format: Any = None) -> Any:
    """Return a copy that is part of the graph."""
    need_tensor("clone", input)
    return input.clone()


def detach(input: Any) -> Any:
    """Return a tensor with the same numbers that is cut off from the graph."""
    need_tensor("detach", input)
    return input.detach()


def get_default_device() -> device:
    """Return the CPU."""
    return CPU


def set_default_device(device: Any) -> None:
    """Accept the CPU, and nothing else."""
    check_device("set_default_device", device)
