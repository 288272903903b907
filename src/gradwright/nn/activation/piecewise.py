"""Piecewise linear activations as layers, beside the rectifiers."""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn.activation.base import InPlace, Shown

__all__ = ["Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Softshrink"]


class Hardtanh(Shown):
    """x moved into [min_val, max_val], elementwise; the gradient at the bounds is 0.

    Parameters
    ----------
    min_val, max_val : float, min_val < max_val
        The bounds.
    inplace : bool
        Without effect.

    Raises
    ------
    ConfigError
        When ``min_val`` is not below ``max_val``.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Hardtanh()(gw.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if not min_val < max_val:
            raise ConfigError(f"Hardtanh: min_val must be below max_val, got {min_val} and {max_val}")
        self.min_val = min_val
        self.max_val = max_val
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.hardtanh(input, self.min_val, self.max_val)


class Hardsigmoid(InPlace):
    """min(max(x + 3, 0), 6) / 6, elementwise; the gradient at ±3 is 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Hardsigmoid()(gw.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.hardsigmoid(input)

    def extra_repr(self) -> str:
        """Return nothing, as PyTorch."""
        return ""


class Hardswish(InPlace):
    """x·min(max(x + 3, 0), 6) / 6, elementwise; the gradient at -3 is 0, at 3 it is 1.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Hardswish()(gw.tensor([-4.0, 1.5, 4.0]))
    tensor([-0.0000,  1.1250,  4.0000])

    References
    ----------
    A. Howard et al., *Searching for MobileNetV3* (ICCV 2019), section 5.2.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.hardswish(input)

    def extra_repr(self) -> str:
        """Return nothing, as PyTorch."""
        return ""


class Hardshrink(Shown):
    """x, and 0 where |x| ≤ λ, elementwise; the gradient there is 0 too.

    Parameters
    ----------
    lambd : float ≥ 0
        λ.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Hardshrink()(gw.tensor([-0.5, 2.0]))
    tensor([0., 2.])
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Return the threshold."""
        return f"{self.lambd}"


class Softshrink(Shown):
    """x moved toward 0 by λ, and 0 where |x| ≤ λ, elementwise; the gradient there is 0 too.

    Parameters
    ----------
    lambd : float ≥ 0
        λ.

    Raises
    ------
    ConfigError
        At the call, for a ``lambd`` below 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Softshrink()(gw.tensor([-0.5, 2.0]))
    tensor([-0.0000,  1.5000])

    References
    ----------
    D. Donoho, *De-noising by soft-thresholding* (IEEE Transactions on Information Theory 41, 1995).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Return the threshold."""
        return f"{self.lambd}"
