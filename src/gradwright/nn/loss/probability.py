"""Losses from probabilities and densities."""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.nn import functional as F
from gradwright.nn.loss.base import Loss

__all__ = ["BCELoss", "BCEWithLogitsLoss", "GaussianNLLLoss", "KLDivLoss", "PoissonNLLLoss"]


class BCELoss(Loss):
    """Binary cross-entropy of probabilities: -[y log p + (1 - y) log(1 - p)], the logarithms held above -100.

    Parameters
    ----------
    weight : broadcastable to the input, optional
        Weight of each element.
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    IndexOutOfRangeError
        When the input holds a number outside [0, 1].
    ShapeError
        When the shapes of input and target differ.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.BCELoss()(gw.tensor([0.5, 1.0]), gw.tensor([1.0, 1.0]))
    tensor(0.3466)
    """

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy from logits, without overflow: max(x, 0) - x·y + log(1 + e^-|x|).

    Parameters
    ----------
    weight : broadcastable to the input, optional
        Weight of each element.
    reduction : {"mean", "sum", "none"}
    pos_weight : broadcastable to the input, optional
        Weight of the positive class.

    Raises
    ------
    ShapeError
        When the shapes of input and target differ.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.BCEWithLogitsLoss(reduction="none")(gw.tensor([0.0, 1000.0]), gw.tensor([1.0, 1.0]))
    tensor([0.6931, 0.0000])
    """

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean", pos_weight: Tensor | None = None) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )


class KLDivLoss(Loss):
    """The Kullback-Leibler divergence of the target from exp(input): y (log y - x), and 0 where y is 0.

    Parameters
    ----------
    reduction : {"mean", "batchmean", "sum", "none"}
        "batchmean" divides the sum by the number of rows, which is the divergence proper.
    log_target : bool
        Whether the target is given as logarithms.

    Shapes
    ------
    Log-probabilities of any shape, and a target of the same.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> p = gw.tensor([[0.5, 0.5]])
    >>> nn.KLDivLoss("batchmean")(gw.tensor([[0.25, 0.75]]).log(), p)
    tensor(0.1438)

    References
    ----------
    S. Kullback and R. Leibler, *On information and sufficiency* (Annals of Mathematical Statistics 22, 1951).
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(Loss):
    """Minus the log-likelihood of counts under a Poisson distribution: eˣ - y·x, or x - y log(x + ε).

    Parameters
    ----------
    log_input : bool
        Whether the input is the logarithm of the expected count.
    full : bool
        Whether to add Stirling's y log y - y + ½ log 2πy where y > 1.
    eps : float > 0
        ε.
    reduction : {"mean", "sum", "none"}

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.PoissonNLLLoss()(gw.zeros(2), gw.tensor([3.0, 0.0]))
    tensor(1.)
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("eps",)

    def __init__(self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss."""
        return F.poisson_nll_loss(
            input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(Loss):
    """Minus the log-likelihood under normal distributions: ½ (log max(σ², ε) + (x - y)² / max(σ², ε)).

    Parameters
    ----------
    full : bool
        Whether to add ½ log 2π.
    eps : float > 0
        ε; the gradient passes through the clamp.
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    ConfigError
        For a negative variance.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.GaussianNLLLoss()(gw.tensor([[1.0]]), gw.tensor([[3.0]]), gw.tensor([[4.0]]))
    tensor(1.1931)

    References
    ----------
    D. Nix and A. Weigend, *Estimating the mean and variance of the target probability distribution* (ICNN 1994),
    equation 2.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("eps",)

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        """Return the loss; ``var`` is σ², of the input's shape, with one axis of it 1 or the last left out."""
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)
