"""Tensors as text, as PyTorch shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradwright.backend import is_tracer
from gradwright.backend.dtypes import default_float
from gradwright.engine.base import Node, TensorBase

__all__ = ["show"]


def show(tensor: TensorBase) -> str:
    """Return ``tensor([1., 2.], grad_fn=<mul>)``."""
    prefix = "tensor("
    if is_tracer(tensor._array):
        return f"{prefix}<traced {tensor._array.dtype} {tuple(tensor._array.shape)}>)"
    array = np.asarray(tensor._array)
    shown: Any = {"float_kind": _float_format(array)} if array.dtype.kind == "f" else None
    body = np.array2string(array, separator=", ", prefix=prefix, threshold=1000, formatter=shown)
    tail = "" if array.dtype in (default_float, np.dtype(np.int64), np.dtype(bool)) else f", dtype={array.dtype}"
    if isinstance(tensor._node, Node):
        tail += f", grad_fn=<{tensor._node.name}>"
    elif tensor._requires_grad:
        tail += ", requires_grad=True"
    return f"{prefix}{body}{tail})"


def _float_format(array: np.ndarray) -> Callable[[Any], str]:
    """Choose among whole, fixed and scientific for all elements together, as PyTorch does."""
    values = np.abs(array[np.isfinite(array) & (array != 0)].astype(np.float64))
    whole = bool((values == np.ceil(values)).all())
    low, high = (values.min(), values.max()) if values.size else (1.0, 1.0)
    if high / low > 1000 or high > 1e8 or (not whole and low < 1e-4):
        spec, dot = ".4e", ""
    else:
        spec, dot = (".0f", ".") if whole else (".4f", "")

    def plain(x: Any) -> str:
        return f"{x:{spec}}" + (dot if np.isfinite(x) else "")

    finite = array[np.isfinite(array)]
    width = max((len(plain(x)) for x in finite.flat), default=1) if finite.size <= 1000 else 0
    return lambda x: plain(x).rjust(width)
