"""In-place methods: the tensor is given another array, and the old one is left as it was."""

from __future__ import annotations

from typing import Any

from gradwright.engine.ops import elementwise as ew

__all__ = ["InPlaceMethods"]


class InPlaceMethods:
    """Methods that end in an underscore, and the operators that assign."""

    __slots__ = ()

    def _assign(self, result: Any) -> Any:
        raise NotImplementedError

    def __iadd__(self: Any, other: Any) -> Any:
        return self._assign(self + other)

    def __isub__(self: Any, other: Any) -> Any:
        return self._assign(self - other)

    def __imul__(self: Any, other: Any) -> Any:
        return self._assign(self * other)

    def __itruediv__(self: Any, other: Any) -> Any:
        return self._assign(self / other)

    def add_(self: Any, other: Any, *, alpha: float = 1) -> Any:
        """Add ``alpha * other`` in place."""
        return self._assign(self + (other if alpha == 1 else alpha * other))

    def sub_(self: Any, other: Any, *, alpha: float = 1) -> Any:
        """Subtract ``alpha * other`` in place."""
        return self._assign(self - (other if alpha == 1 else alpha * other))

    def mul_(self: Any, other: Any) -> Any:
        """Multiply in place."""
        return self._assign(self * other)

    def div_(self: Any, other: Any) -> Any:
        """Divide in place."""
        return self._assign(self / other)

    def copy_(self: Any, source: Any) -> Any:
        """Copy another tensor's numbers into this one."""
        if source.shape != self.shape:
            source = source.expand(*self.shape)
        return self._assign(source.to(self.dtype))

    def fill_(self: Any, value: float) -> Any:
        """Set every element to ``value``; no gradient goes back to what stood there."""
        if self.requires_grad:  # recorded, or the gradient would go on to what was overwritten
            return self._assign(ew.where(False, self, value))
        return self._assign(ew.zeros_like(self) + value)

    def zero_(self: Any) -> Any:
        """Set every element to 0; no gradient goes back to what stood there."""
        return self.fill_(0)
