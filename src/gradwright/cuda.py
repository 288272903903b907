"""PyTorch's questions about GPUs, answered: single tensors lie in main memory.

Compiled programs (``gradwright.compile``) run on the accelerator that JAX finds, without being asked for it here.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "current_device", "device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all",
    "max_memory_allocated", "memory_allocated", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """Say no: there is no GPU for single tensors."""
    return False


def device_count() -> int:
    """Return 0."""
    return 0


def current_device() -> int:
    """Return -1: none."""
    return -1


def manual_seed(seed: int) -> None:
    """Do nothing: ``gradwright.manual_seed`` seeds everything."""


def manual_seed_all(seed: int) -> None:
    """Do nothing: ``gradwright.manual_seed`` seeds everything."""


def empty_cache() -> None:
    """Do nothing."""


def synchronize(device: Any = None) -> None:
    """Do nothing: results are there when a call returns."""


def memory_allocated(device: Any = None) -> int:
    """Return 0."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """Return 0."""
    return 0
