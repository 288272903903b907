"""Dropout."""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn.module import Module

__all__ = ["Dropout"]


class Dropout(Module):
    """In training, set each element to 0 with probability ``p`` and scale the rest by 1 / (1 - p).

    Parameters
    ----------
    p : float in [0, 1]
        The probability. A compiled step serves every value from one program.

    References
    ----------
    N. Srivastava et al., *Dropout* (JMLR 15, 2014).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("p",)

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ConfigError(f"Dropout: p is a probability, from 0 to 1; got {p}")
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with elements dropped in training, unchanged in evaluation."""
        return F.dropout(input, self.p, self.training)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"p={self.p}"
