"""Losses made of distances between vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn.distance import PairwiseDistance
from gradwright.nn.loss.base import Loss

__all__ = ["CosineEmbeddingLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss"]


class CosineEmbeddingLoss(Loss):
    """Pull vectors together where y is 1, push them apart where it is -1: 1 - cos, or max(0, cos - margin).

    Parameters
    ----------
    margin : float in [-1, 1]
        A compiled step serves every value from one program.
    reduction : {"mean", "sum", "none"}

    Shapes
    ------
    Two inputs (N, D) or (D,), a target (N,) or ().

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> x1, x2 = gw.tensor([[3.0, 4.0]]), gw.tensor([[1.0, 0.0]])
    >>> nn.CosineEmbeddingLoss()(x1, x2, gw.tensor([1.0])), nn.CosineEmbeddingLoss(0.5)(x1, x2, gw.tensor([-1.0]))
    (tensor(0.4000), tensor(0.1000))
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("margin",)

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """Ask that an anchor be nearer to its positive than to its negative: max(0, d(a, p) - d(a, n) + margin).

    d is the p-norm of the difference + ε.

    Parameters
    ----------
    margin : float > 0
        A compiled step serves every value from one program.
    p : float
        The norm's exponent.
    eps : float ≥ 0
        ε.
    swap : bool
        Take the smaller of d(a, n) and d(p, n).
    reduction : {"mean", "sum", "none"}

    Shapes
    ------
    Anchor, positive and negative (N, D) or (D,).

    Raises
    ------
    ConfigError
        When ``margin`` is not above 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.TripletMarginLoss(eps=0.0)(gw.zeros(1, 2), gw.tensor([[3.0, 4.0]]), gw.tensor([[0.0, 4.0]]))
    tensor(2.)

    References
    ----------
    V. Balntas et al., *Learning local feature descriptors with triplets and shallow convolutional neural networks*
    (BMVC 2016), section 3.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("margin", "eps")

    def __init__(
        self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        if margin <= 0:
            raise ConfigError(f"TripletMarginLoss: margin must be above 0, got {margin}")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the loss."""
        return F.triplet_margin_loss(
            anchor, positive, negative,
            margin=self.margin, p=self.p, eps=self.eps, swap=self.swap, reduction=self.reduction,
        )  # fmt: skip


class TripletMarginWithDistanceLoss(Loss):
    """:class:`TripletMarginLoss` with a distance of one's own.

    Parameters
    ----------
    distance_function : callable, optional
        Takes two tensors (N, D) and returns their distances (N,), differentiable. :class:`PairwiseDistance` if left
        out.
    margin : float > 0
        A compiled step serves every value from one program.
    swap : bool
        Take the smaller of d(a, n) and d(p, n).
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ConfigError
        When ``margin`` is not above 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> largest = lambda a, b: (a - b).abs().amax(-1)
    >>> loss = nn.TripletMarginWithDistanceLoss(distance_function=largest)
    >>> loss(gw.zeros(1, 2), gw.tensor([[3.0, 4.0]]), gw.tensor([[0.0, 2.0]]))
    tensor(3.)
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("margin",)

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        if margin <= 0:
            raise ConfigError(f"TripletMarginWithDistanceLoss: margin must be above 0, got {margin}")
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """Return the loss."""
        return F.triplet_margin_with_distance_loss(
            anchor, positive, negative,
            distance_function=self.distance_function, margin=self.margin, swap=self.swap, reduction=self.reduction,
        )  # fmt: skip
