"""Dropout of elements and of whole channels."""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn.module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _Dropout(Module):
    """Drop with probability ``p`` in training; do nothing in evaluation.

    Parameters
    ----------
    p : float in [0, 1]
        The probability. A compiled step serves every value from one program.
    inplace : bool
        Without effect: taken because PyTorch's users write it.

    Raises
    ------
    ConfigError
        When ``p`` is no probability.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("p",)

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ConfigError(f"{type(self).__name__}: p is a probability, from 0 to 1; got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, set each element to 0 with probability ``p`` and scale the rest by 1 / (1 - p).

    Parameters
    ----------
    p : float in [0, 1]
        The probability. A compiled step serves every value from one program.
    inplace : bool
        Without effect: taken because PyTorch's users write it.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> set(nn.Dropout(0.75)(gw.ones(100)).tolist()) == {0.0, 4.0}
    True

    References
    ----------
    N. Srivastava et al., *Dropout* (JMLR 15, 2014).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with elements dropped in training, unchanged in evaluation."""
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """In training, set whole channels of (N, C, L) or (C, L) to 0 and scale the rest by 1 / (1 - p).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> set(nn.Dropout1d(0.5)(gw.ones(2, 30, 4)).sum(2).ravel().tolist()) == {0.0, 8.0}
    True

    References
    ----------
    J. Tompson et al., *Efficient object localization using convolutional networks* (CVPR 2015), section 3.1.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped in training, unchanged in evaluation."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """In training, set whole channels of (N, C, H, W) to 0 and scale the rest by 1 / (1 - p).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> set(nn.Dropout2d(0.5)(gw.ones(2, 30, 2, 2)).sum((2, 3)).ravel().tolist()) == {0.0, 8.0}
    True

    References
    ----------
    J. Tompson et al., *Efficient object localization using convolutional networks* (CVPR 2015), section 3.1.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped in training, unchanged in evaluation."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """In training, set whole channels of (N, C, D, H, W) or (C, D, H, W) to 0 and scale the rest by 1 / (1 - p).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> set(nn.Dropout3d(0.5)(gw.ones(60, 2, 2, 1)).sum((1, 2, 3)).tolist()) == {0.0, 8.0}
    True
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped in training, unchanged in evaluation."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """In training, set elements to SELU's floor with probability ``p``, then restore mean 0 and variance 1.

    Equation: a·(x or -λα) + b with a = ((1 - p)(1 + p(λα)²))^-½ and b = a·p·λα, λα = 1.7581.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> y = nn.AlphaDropout(0.2)(gw.randn(10_000))
    >>> bool(abs(y.mean()) < 0.05), bool(abs(y.std() - 1) < 0.05)
    (True, True)

    References
    ----------
    G. Klambauer et al., *Self-normalizing neural networks* (NeurIPS 2017), section "alpha dropout".
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with elements dropped in training, unchanged in evaluation."""
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """:class:`AlphaDropout` of whole channels of (N, C, …): one draw for each of the first two axes.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> y = nn.FeatureAlphaDropout(0.5)(gw.zeros(2, 30, 4))
    >>> bool((y == y[:, :, :1]).all()), len(set(y.ravel().tolist()))
    (True, 2)

    References
    ----------
    G. Klambauer et al., *Self-normalizing neural networks* (NeurIPS 2017), section "alpha dropout".
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped in training, unchanged in evaluation."""
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
