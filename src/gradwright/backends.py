"""PyTorch's switches of its backends, so that scripts which set them run; here they do nothing."""

from __future__ import annotations

__all__ = ["cuda", "cudnn", "mps"]


class _Backend:
    """A backend that is not there; its switches can be set and mean nothing."""

    enabled = False
    deterministic = True
    benchmark = False
    allow_tf32 = False

    def is_available(self) -> bool:
        """Say no."""
        return False

    def is_built(self) -> bool:
        """Say no."""
        return False


cudnn = _Backend()
mps = _Backend()
cuda = _Backend()
cuda.matmul = _Backend()  # type: ignore[attr-defined]
