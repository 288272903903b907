"""How far vectors are apart, as layers."""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.nn import functional as F
from gradwright.nn.module import Module

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(Module):
    """The cosine of the angle between vectors: x₁·x₂ / (max(‖x₁‖, ε) max(‖x₂‖, ε)).

    Parameters
    ----------
    dim : int
        The axis along which the vectors lie.
    eps : float > 0
        ε.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.CosineSimilarity()(gw.tensor([[3.0, 4.0]]), gw.tensor([[1.0, 0.0]]))
    tensor([0.6000])
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("eps",)

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the cosines, of the common shape without ``dim``."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of x₁ - x₂ + ε along the last axis: (N, D) and (N, D) to (N,).

    Parameters
    ----------
    p : float
        The exponent; inf is the largest absolute value.
    eps : float ≥ 0
        ε, added to each difference, as in PyTorch.
    keepdim : bool
        Whether the last axis stays, with length 1.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.PairwiseDistance(eps=0.0)(gw.tensor([[3.0, 4.0]]), gw.zeros(1, 2))
    tensor([5.])
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("eps",)

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.p = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the distances."""
        return F.pairwise_distance(x1, x2, self.p, self.eps, self.keepdim)
