"""What activations share.

Slopes, thresholds and the like are hyperparameters: a compiled step serves every value from one program. ``inplace`` is
taken because PyTorch's users write it; it has no effect, for the result is the same.
"""

from __future__ import annotations

from gradwright.nn.module import Module

__all__ = ["InPlace", "Shown"]


class Shown(Module):
    """An activation that prints its hyperparameters, and ``inplace`` where it was asked for."""

    inplace: bool = False

    def extra_repr(self) -> str:
        """Return the arguments."""
        shown = [f"{name}={getattr(self, name)}" for name in self.hyperparameters]
        return ", ".join([*shown, "inplace=True"] if self.inplace else shown)


class InPlace(Shown):
    """An activation whose only argument is ``inplace``, which has no effect."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace
