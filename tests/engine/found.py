"""What Gradwright has under PyTorch's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import gradwright as gw


def attribute(root: Any, path: str) -> Any:
    """Return what a dotted path leads to if it can be called and is no class, else None."""
    for part in path.split("."):
        root = getattr(root, part, None)
    return root if callable(root) and not isinstance(root, type) else None


def find(name: str) -> Callable[..., Any] | None:
    """Return Gradwright's callable of PyTorch's name: a function, or a method or property of Tensor."""
    name = name.removeprefix("torch.")
    found = attribute(gw, name)
    if found is None and "." not in name and any(name in cls.__dict__ for cls in gw.Tensor.__mro__[:-1]):
        member = getattr(gw.Tensor, name)  # not what `object` has, nor `type`, whose `__ror__` makes unions
        if isinstance(member, property):
            return lambda x: getattr(x, name)
        found = member if callable(member) else None
    return found


def dtype_name(dtype: Any) -> str:
    """Return a dtype's name, whichever library it is of."""
    try:
        return np.dtype(dtype).name
    except TypeError:
        return str(dtype).rpartition(".")[2]
