"""PyTorch's settings of threads and determinism, so that scripts which set them run."""

from __future__ import annotations

import os
from typing import Any

from gradwright.errors import ConfigError

__all__ = [
    "are_deterministic_algorithms_enabled", "get_num_threads", "set_float32_matmul_precision", "set_num_threads",
    "use_deterministic_algorithms",
]  # fmt: skip

_threads = {"number": os.cpu_count() or 1}


def set_num_threads(num: int) -> None:
    """Remember the number, and nothing more: NumPy and XLA decide about their threads when they are loaded."""
    if not isinstance(num, int) or num < 1:
        raise ConfigError(f"set_num_threads: expected a whole number above 0, got {num!r:.80}")
    _threads["number"] = num


def get_num_threads() -> int:
    """Return the number that was set, or that of the processors."""
    return _threads["number"]


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Do nothing: the same program gives the same numbers here."""


def are_deterministic_algorithms_enabled() -> bool:
    """Say yes."""
    return True


def set_float32_matmul_precision(precision: Any) -> None:
    """Do nothing: products of float32 are float32."""
