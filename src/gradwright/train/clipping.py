"""Bounds on gradients that a compiled step reads anew, so that each member of a population has its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from gradwright import nn
from gradwright.engine.tensor import Tensor

__all__ = ["ClipNorm", "ClipValue"]


class ClipNorm(nn.Module):
    """:func:`nn.utils.clip_grad_norm_` with a bound that is an input of the program.

    Parameters
    ----------
    max_norm : float > 0
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("max_norm",)

    def __init__(self, max_norm: float) -> None:
        super().__init__()
        self.max_norm = max_norm

    def forward(self, parameters: Iterable[Tensor]) -> Tensor:
        """Scale the gradients and return the norm they had."""
        return nn.utils.clip_grad_norm_(parameters, self.max_norm)


class ClipValue(nn.Module):
    """:func:`nn.utils.clip_grad_value_` with a bound that is an input of the program.

    Parameters
    ----------
    clip_value : float > 0
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("clip_value",)

    def __init__(self, clip_value: float) -> None:
        super().__init__()
        self.clip_value = clip_value

    def forward(self, parameters: Iterable[Tensor]) -> None:
        """Cut each gradient's numbers."""
        nn.utils.clip_grad_value_(parameters, self.clip_value)
