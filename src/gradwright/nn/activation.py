"""Activation functions, elementwise, as layers; the softmax family is in ``softmax``.

Slopes, thresholds and the like are hyperparameters: a compiled step serves every value from one program. ``inplace`` is
taken because PyTorch's users write it; it has no effect, for the result is the same.
"""

from __future__ import annotations

from typing import ClassVar

from gradwright.engine.creation import full
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn import init
from gradwright.nn.module import Module

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "SELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU",
    "LogSigmoid", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Softplus", "Softshrink", "Softsign",
    "Tanh", "Tanhshrink", "Threshold",
]  # fmt: skip


class _Shown(Module):
    """An activation that prints its hyperparameters, and ``inplace`` where it was asked for."""

    inplace: bool = False

    def extra_repr(self) -> str:
        """Return the arguments."""
        shown = [f"{name}={getattr(self, name)}" for name in self.hyperparameters]
        return ", ".join([*shown, "inplace=True"] if self.inplace else shown)


class _InPlace(_Shown):
    """An activation whose only argument is ``inplace``, which has no effect."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


# --- rectifiers -------------------------------------------------------------------------------------------------------
class ReLU(_InPlace):
    """max(x, 0), elementwise; the gradient at 0 is 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ReLU()(gw.tensor([-1.0, 2.0]))
    tensor([0., 2.])

    References
    ----------
    V. Nair and G. Hinton, *Rectified linear units improve restricted Boltzmann machines* (ICML 2010).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return input.relu()


class ReLU6(_InPlace):
    """min(max(x, 0), 6), elementwise; the gradient at 0 and 6 is 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ReLU6()(gw.tensor([-1.0, 2.0, 9.0]))
    tensor([0., 2., 6.])

    References
    ----------
    A. Krizhevsky, *Convolutional deep belief networks on CIFAR-10* (2010).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.relu6(input)


class LeakyReLU(_Shown):
    """x, or a·x where x is not positive, elementwise.

    Parameters
    ----------
    negative_slope : float
        a, usually between 0 and 1.
    inplace : bool
        Without effect.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.LeakyReLU(0.5)(gw.tensor([-1.0, 2.0]))
    tensor([-0.5000,  2.0000])

    References
    ----------
    A. Maas, A. Hannun and A. Ng, *Rectifier nonlinearities improve neural network acoustic models* (ICML 2013).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.leaky_relu(input, self.negative_slope)


class PReLU(Module):
    """x, or a·x where x is not positive, with a learnt slope a for each channel or for all.

    Parameters
    ----------
    num_parameters : int
        1, or the number of channels (the length of axis 1).
    init : float
        What the slopes are at first.

    Attributes
    ----------
    weight : (num_parameters,)
        a.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.PReLU(2)(gw.tensor([[-1.0, 2.0]])).tolist()
    [[-0.25, 2.0]]

    References
    ----------
    K. He et al., *Delving deep into rectifiers* (ICCV 2015), section 2.1.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(full((num_parameters,), float(init)))

    def reset_parameters(self) -> None:
        """Set every slope to ``init``."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input, (N, C, …) or any shape with a single slope."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Return the argument that PyTorch prints."""
        return f"num_parameters={self.num_parameters}"


class RReLU(_Shown):
    """x, or a·x where x is not positive, with a drawn anew for each element from U(lower, upper).

    In evaluation a is the mean of the two.

    Parameters
    ----------
    lower, upper : float, lower ≤ upper
        The bounds.
    inplace : bool
        Without effect.

    Raises
    ------
    ConfigError
        When ``lower`` is above ``upper``.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.RReLU(0.25, 0.75).eval()(gw.tensor([-1.0, 2.0]))
    tensor([-0.5000,  2.0000])

    References
    ----------
    B. Xu et al., *Empirical evaluation of rectified activations in convolutional network* (arXiv:1505.00853).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lower", "upper")

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        if lower > upper:
            raise ConfigError(f"RReLU: lower must not be above upper, got {lower} and {upper}")
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.rrelu(input, self.lower, self.upper, self.training)


class Threshold(_Shown):
    """x where it is above ``threshold``, ``value`` elsewhere; the gradient at the threshold is 0.

    Parameters
    ----------
    threshold, value : float
    inplace : bool
        Without effect.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Threshold(1.0, -5.0)(gw.tensor([0.5, 2.0]))
    tensor([-5.,  2.])
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.threshold(input, self.threshold, self.value)


# --- exponential units ------------------------------------------------------------------------------------------------
class ELU(_Shown):
    """x, or α(eˣ - 1) where x is not positive, elementwise.

    Parameters
    ----------
    alpha : float
        α, from which the function stays away on the left.
    inplace : bool
        Without effect.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.ELU()(gw.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])

    References
    ----------
    D.-A. Clevert, T. Unterthiner and S. Hochreiter, *Fast and accurate deep network learning by exponential linear
    units* (ICLR 2016).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.elu(input, self.alpha)


class CELU(_Shown):
    """max(x, 0) + min(α(e^(x/α) - 1), 0), elementwise: an ELU whose slope is continuous for every α.

    Parameters
    ----------
    alpha : float, not 0
    inplace : bool
        Without effect.

    Raises
    ------
    ConfigError
        For ``alpha`` 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.CELU(2.0)(gw.tensor([-2.0, 2.0]))
    tensor([-1.2642,  2.0000])

    References
    ----------
    J. Barron, *Continuously differentiable exponential linear units* (arXiv:1704.07483).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if alpha == 0:
            raise ConfigError("CELU: alpha must not be 0")
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.celu(input, self.alpha)


class SELU(_InPlace):
    """s·x, or s·α(eˣ - 1) where x is not positive; s and α keep mean 0 and variance 1 from layer to layer.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.SELU()(gw.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])

    References
    ----------
    G. Klambauer et al., *Self-normalizing neural networks* (NeurIPS 2017), equation 2.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.selu(input)


# --- smooth -----------------------------------------------------------------------------------------------------------
class Sigmoid(Module):
    """1 / (1 + e⁻ˣ), elementwise.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Sigmoid()(gw.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return input.sigmoid()


class LogSigmoid(Module):
    """log(1 / (1 + e⁻ˣ)), elementwise, without overflow.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.LogSigmoid()(gw.tensor([0.0, -1000.0]))
    tensor([-6.9315e-01, -1.0000e+03])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.logsigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent, elementwise.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Tanh()(gw.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return input.tanh()


class GELU(Module):
    """x·Φ(x), elementwise, with Φ the standard normal distribution function.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        The function itself, or 0.5·x·(1 + tanh(sqrt(2/π)·(x + 0.044715·x³))).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.GELU()(gw.tensor([-1.0, 1.0]))
    tensor([-0.1587,  0.8413])

    References
    ----------
    D. Hendrycks and K. Gimpel, *Gaussian error linear units* (arXiv:1606.08415), section 2.
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise ConfigError(f"GELU: approximate must be 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"approximate={self.approximate!r}"


class SiLU(_InPlace):
    """x / (1 + e⁻ˣ), elementwise; also called swish.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.SiLU()(gw.tensor([-1.0, 1.0]))
    tensor([-0.2689,  0.7311])

    References
    ----------
    S. Elfwing, E. Uchibe and K. Doya, *Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning* (Neural Networks 107, 2018); P. Ramachandran, B. Zoph and Q. Le (arXiv:1710.05941).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.silu(input)


class Mish(_InPlace):
    """x·tanh(log(1 + eˣ)), elementwise.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Mish()(gw.tensor([-1.0, 1.0]))
    tensor([-0.3034,  0.8651])

    References
    ----------
    D. Misra, *Mish: a self regularized non-monotonic activation function* (BMVC 2020).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.mish(input)


class Softplus(_Shown):
    """log(1 + e^(βx)) / β, elementwise, and x itself where βx is above ``threshold``.

    Parameters
    ----------
    beta : float > 0
        β.
    threshold : float
        From where on the difference does not count.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Softplus()(gw.tensor([0.0, 30.0]))
    tensor([ 0.6931, 30.0000])

    References
    ----------
    C. Dugas et al., *Incorporating second-order functional knowledge for better option pricing* (NeurIPS 2000).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.softplus(input, self.beta, self.threshold)


class Softsign(Module):
    """x / (1 + |x|), elementwise.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Softsign()(gw.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x), elementwise.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.Tanhshrink()(gw.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the activated input."""
        return F.tanhshrink(input)


class GLU(Module):
    """a·sigmoid(b), where a and b are the halves of the input along ``dim``.

    Parameters
    ----------
    dim : int
        The axis, of even length; the result has half of it.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> nn.GLU()(gw.tensor([[3.0, 4.0, 0.0, 0.0]]))
    tensor([[1.5000, 2.0000]])

    References
    ----------
    Y. Dauphin et al., *Language modeling with gated convolutional networks* (ICML 2017), equation 1.
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the gated half."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"dim={self.dim}"


# --- piecewise linear -------------------------------------------------------------------------------------------------
class Hardtanh(_Shown):
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


class Hardsigmoid(_InPlace):
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


class Hardswish(_InPlace):
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


class Hardshrink(_Shown):
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


class Softshrink(_Shown):
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
