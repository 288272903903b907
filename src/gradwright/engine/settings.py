"""PyTorch's settings of threads and determinism, so that scripts which set them run."""

from __future__ import annotations

from typing import Any

from gradwright.backend import get_num_threads, set_num_threads

__all__ = [
    "are_deterministic_algorithms_enabled", "get_num_threads", "set_float32_matmul_precision", "set_num_threads",
    "use_deterministic_algorithms",
]  # fmt: skip


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Do nothing: the same program gives the same numbers with the same number of threads, whatever cores there are."""


def are_deterministic_algorithms_enabled() -> bool:
    """Say yes."""
    return True


def set_float32_matmul_precision(precision: Any) -> None:
    """Do nothing: products of float32 are float32."""
