"""Losses of class scores."""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.nn import functional as F
from gradwright.nn.loss.base import Loss

__all__ = ["CrossEntropyLoss", "NLLLoss"]


class CrossEntropyLoss(Loss):
    """Cross-entropy from logits: -log softmax(x)[y], averaged over the rows that count.

    With smoothing ε the target distribution is (1 - ε)·one_hot(y) + ε / C.

    Parameters
    ----------
    weight : (C,), optional
        A weight for each class; a mean is divided by the weights of the labels.
    ignore_index : int
        Rows with this label do not count.
    reduction : {"mean", "sum", "none"}
    label_smoothing : float in [0, 1)
        How much of the target is spread evenly over the classes.

    Shapes
    ------
    Logits (N, C), (C,) or (N, C, d1, …); labels (N,), () or (N, d1, …) in [0, C), or probabilities of the logits'
    shape.

    Raises
    ------
    IndexOutOfRangeError
        For a label without a class, or when all are ignored; in a compiled step before it runs.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.CrossEntropyLoss()(gw.zeros(2, 4), gw.tensor([3, 0]))
    tensor(1.3863)

    References
    ----------
    For the smoothing, C. Szegedy et al., *Rethinking the Inception architecture* (CVPR 2016), section 7.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("label_smoothing",)

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class NLLLoss(Loss):
    """Minus the log-probability of the label: -x[y], averaged over the rows that count.

    Parameters
    ----------
    weight : (C,), optional
        A weight for each class; a mean is divided by the weights of the labels.
    ignore_index : int
        Rows with this label do not count.
    reduction : {"mean", "sum", "none"}

    Shapes
    ------
    Log-probabilities (N, C), (C,) or (N, C, d1, …); labels (N,), () or (N, d1, …) in [0, C).

    Raises
    ------
    IndexOutOfRangeError
        For a label without a class, or when all are ignored; in a compiled step before it runs.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.NLLLoss()(gw.tensor([[-0.5, -0.9]]), gw.tensor([1]))
    tensor(0.9000)
    """

    def __init__(self, weight: Tensor | None = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)
