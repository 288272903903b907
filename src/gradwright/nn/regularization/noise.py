"""Noise on weights while they are used, and on gradients before they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from gradwright.backend import is_concrete, namespace
from gradwright.engine.base import settle
from gradwright.engine.creation import zeros
from gradwright.engine.mode import no_grad
from gradwright.engine.op import wrap
from gradwright.engine.random import current_generator
from gradwright.engine.tensor import Tensor
from gradwright.nn.module import Module
from gradwright.nn.regularization.penalty import check_number, number
from gradwright.nn.weights import chosen_weights

__all__ = ["GradientNoise", "WeightNoise", "add_gradient_noise_", "weight_noise"]


@contextlib.contextmanager
def weight_noise(model: Module, std: Any, patterns: str | Sequence[str] | None = None) -> Iterator[Module]:
    """Let ``model`` compute with w + σε, ε ~ N(0, I), inside the ``with`` block; nothing happens in evaluation mode.

    The gradient is taken at the noisy weights and comes to the clean ones, which stay as they are. A weight that
    several layers share gets one draw; each entry into the block draws anew.

    Parameters
    ----------
    model : Module
    std : float >= 0
        σ; it may be traced.
    patterns : str or sequence of str, optional
        Which parameters, as in :class:`Penalty`; unless given, all weights.

    Raises
    ------
    ConfigError
        When ``std`` is below 0, or there is nothing to disturb.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net, x = nn.Linear(3, 2), gw.ones(1, 3)
    >>> with nn.regularization.weight_noise(net, 0.1):
    ...     noisy = net(x)
    >>> bool((noisy != net(x)).all())
    True

    References
    ----------
    A. Graves, *Practical variational inference for neural networks* (NeurIPS 2011), section 4; A. Murray and P.
    Edwards, *Synaptic weight noise during multilayer perceptron training* (IEEE Trans. Neural Networks 5, 1994).
    """
    if is_concrete(std):
        check_number("weight_noise", "std", std)
    if not model.training:
        yield model
        return
    noisy: dict[int, Tensor] = {}
    for w in chosen_weights("weight_noise", model, patterns):
        p = w.parameter
        noisy[id(p)] = p + wrap(current_generator().normal(p.shape, p.dtype)) * number(std, p)
    places = [
        (module._parameters, name, p)
        for module in model.modules() for name, p in module._parameters.items() if id(p) in noisy
    ]  # fmt: skip
    try:
        for store, name, p in places:
            store[name] = noisy[id(p)]
        yield model
    finally:
        for store, name, p in places:
            store[name] = p


class WeightNoise(Module):
    """A layer or network round another that disturbs its weights in training; see :func:`weight_noise`.

    Parameters
    ----------
    module : Module
        What is disturbed. Its parameters keep their names behind ``module.``.
    std : float >= 0
        σ. A compiled step serves every value from one program.
    patterns : str or sequence of str, optional
        Which of its parameters.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.regularization.WeightNoise(nn.Linear(3, 2), 0.1).eval()
    >>> bool((net(gw.ones(1, 3)) == net.module(gw.ones(1, 3))).all())
    True
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("std",)

    def __init__(self, module: Module, std: float, patterns: str | Sequence[str] | None = None) -> None:
        super().__init__()
        self.module = module
        self.std = check_number("WeightNoise", "std", std)
        self.patterns = patterns

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the module gives."""
        with weight_noise(self.module, self.std, self.patterns):
            return self.module(*args, **kwargs)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"std={self.std}"


@no_grad()
def add_gradient_noise_(parameters: Tensor | Iterable[Tensor], eta: Any, gamma: Any = 0.55, step: Any = 0) -> None:
    """Add noise to the gradients, the less the longer training has gone on; call it before ``optimizer.step()``.

    Equation: g ← g + N(0, σ_t²), σ_t² = η / (1 + t)^γ.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are passed over.
    eta : float >= 0
        η, the variance at t = 0; the paper takes 0.01, 0.3 or 1.
    gamma : float >= 0
        γ, how fast it falls.
    step : int >= 0
        t, how many steps came before.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.zeros(10_000, requires_grad=True)
    >>> (0 * w).sum().backward()
    >>> gw.nn.regularization.add_gradient_noise_(w, eta=0.01)
    >>> round(w.grad.std().item(), 2)
    0.1

    References
    ----------
    A. Neelakantan et al., *Adding gradient noise improves learning for very deep networks* (arXiv:1511.06807, 2015),
    section 3, equation 1.
    """
    for name, value in (("eta", eta), ("gamma", gamma)):
        if is_concrete(value):
            check_number("add_gradient_noise_", name, value)
    t = settle(step) if isinstance(step, Tensor) else np.asarray(step)
    xp = namespace([t, eta, gamma])
    std = xp.sqrt(eta / (1.0 + t) ** gamma)
    for p in [parameters] if isinstance(parameters, Tensor) else parameters:
        if p.grad is not None:
            p.grad = p.grad + wrap(current_generator().normal(p.shape, p.dtype)) * number(std, p)


class GradientNoise(Module):
    """:func:`add_gradient_noise_` that counts its own steps.

    Parameters
    ----------
    eta : float >= 0
        η, the variance at the first step. A compiled step serves every value from one program.
    gamma : float >= 0
        γ, how fast it falls.

    Attributes
    ----------
    steps : ()
        t, a buffer: it is saved and goes on after loading. In evaluation mode nothing is added and nothing counted.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net, noise = nn.Linear(3, 1), nn.regularization.GradientNoise(0.01)
    >>> net(gw.ones(2, 3)).sum().backward()
    >>> noise(net.parameters()); noise.steps
    tensor(1)
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("eta", "gamma")

    def __init__(self, eta: float, gamma: float = 0.55) -> None:
        super().__init__()
        self.eta = check_number("GradientNoise", "eta", eta)
        self.gamma = check_number("GradientNoise", "gamma", gamma)
        self.register_buffer("steps", zeros((), dtype=np.int64))

    def forward(self, parameters: Tensor | Iterable[Tensor]) -> None:
        """Add noise to the gradients of the parameters, and count."""
        if not self.training:
            return
        add_gradient_noise_(parameters, self.eta, self.gamma, self.steps)
        with no_grad():
            self.steps._assign(self.steps + 1)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"eta={self.eta}, gamma={self.gamma}"
