"""What all losses share."""

from __future__ import annotations

from gradwright.nn.module import Module

__all__ = ["Loss"]


class Loss(Module):
    """A loss: a number for each row or element, then their mean, their sum, or all of them.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction
