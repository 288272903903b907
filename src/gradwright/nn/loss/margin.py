"""Losses that ask for a margin: between classes, between scores, or from 0."""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn.loss.base import Loss

__all__ = [
    "HingeEmbeddingLoss", "MarginRankingLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss",
    "SoftMarginLoss",
]  # fmt: skip


class HingeEmbeddingLoss(Loss):
    """The mean of x where the target is 1, and of max(0, margin - x) where it is -1.

    Parameters
    ----------
    margin : float
        A compiled step serves every value from one program.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.HingeEmbeddingLoss(reduction="none")(gw.tensor([0.3, 0.3]), gw.tensor([1.0, -1.0]))
    tensor([0.3000, 0.7000])

    References
    ----------
    R. Hadsell, S. Chopra and Y. LeCun, *Dimensionality reduction by learning an invariant mapping* (CVPR 2006), with
    squares.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("margin",)

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(Loss):
    """Ask that x₁ be larger than x₂ by a margin where y is 1, smaller where it is -1: max(0, -y (x₁ - x₂) + margin).

    Parameters
    ----------
    margin : float
        A compiled step serves every value from one program.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.MarginRankingLoss(0.5)(gw.tensor([1.0]), gw.tensor([2.0]), gw.tensor([1.0]))
    tensor(1.5000)

    References
    ----------
    R. Herbrich, T. Graepel and K. Obermayer, *Large margin rank boundaries for ordinal regression* (2000).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("margin",)

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class SoftMarginLoss(Loss):
    """The mean of log(1 + e^(-y·x)), without overflow; y is 1 or -1 and has the input's shape.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.SoftMarginLoss(reduction="none")(gw.tensor([0.0, -1000.0]), gw.tensor([1.0, 1.0]))
    tensor([6.9315e-01, 1.0000e+03])
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiMarginLoss(Loss):
    """Ask that the score of the label's class be larger than all others by a margin.

    Equation: Σ over the classes j ≠ y of w[y] · max(0, margin - x[y] + x[j])ᵖ, divided by C.

    Parameters
    ----------
    p : 1 or 2
    margin : float
        A compiled step serves every value from one program.
    weight : (C,), optional
        w, a weight for each class.
    reduction : {"mean", "sum", "none"}

    Shapes
    ------
    Scores (N, C) or (C,); labels (N,) or () in [0, C).

    Raises
    ------
    ConfigError
        For another ``p``.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.MultiMarginLoss()(gw.tensor([[0.2, 0.7, 0.1, 0.0]]), gw.tensor([1]))
    tensor(0.3000)

    References
    ----------
    K. Crammer and Y. Singer, *On the algorithmic implementation of multiclass kernel-based vector machines* (JMLR 2,
    2001), with the maximum in place of the sum; J. Weston and C. Watkins (ESANN 1999), with the sum.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("margin",)

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        if p not in (1, 2):
            raise ConfigError(f"MultiMarginLoss: p is 1 or 2, got {p}")
        self.p = p
        self.margin = margin
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.multi_margin_loss(
            input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction
        )


class MultiLabelMarginLoss(Loss):
    """Ask that the score of each label's class be larger by 1 than those of all classes that are no label.

    Equation: Σ over labels y and classes j that are no label of max(0, 1 - x[y] + x[j]), divided by C.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}

    Shapes
    ------
    Scores (N, C) or (C,); as many labels: each row's, then a -1 where there are fewer than C.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.MultiLabelMarginLoss()(gw.tensor([[0.1, 0.2, 0.4, 0.8]]), gw.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(Loss):
    """The binary cross-entropy of sigmoid(x), averaged over the classes of each row.

    Parameters
    ----------
    weight : (C,), optional
        A weight for each class.
    reduction : {"mean", "sum", "none"}

    Shapes
    ------
    Logits (…, C); targets of the same shape, 0 or 1.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.MultiLabelSoftMarginLoss()(gw.zeros(2, 3), gw.ones(2, 3))
    tensor(0.6931)
    """

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)
