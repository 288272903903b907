"""What functions with several results return: tuples whose parts have PyTorch's names."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

__all__ = ["pair"]

_KINDS: dict[tuple[str, tuple[str, str]], Any] = {}


def pair(name: str, first: Any, second: Any, fields: tuple[str, str] = ("values", "indices")) -> Any:
    """Return two results as a named tuple of the type ``name``."""
    kind: Any = _KINDS.get((name, fields))
    if kind is None:
        kind = _KINDS[name, fields] = namedtuple(name, fields)
    return kind(first, second)
