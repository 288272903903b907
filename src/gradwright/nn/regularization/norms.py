"""Penalties on the size of the weights: L1, L2 and both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from gradwright.engine.mode import no_grad
from gradwright.engine.tensor import Tensor
from gradwright.nn.module import Module
from gradwright.nn.regularization.penalty import Penalty, check_number, number
from gradwright.nn.weights import chosen_weights

__all__ = ["L1", "L2", "ElasticNet"]


class L2(Penalty):
    """A penalty on the squares of the weights, which keeps them small: λ/2 · Σ w².

    With the half its gradient is λw, so under plain SGD ``L2(λ)`` does what ``weight_decay=λ`` does. scikit-learn's
    ``Ridge(alpha)`` on N rows is squared error with ``L2(2·alpha/N)``, ``LogisticRegression(C)`` is cross-entropy with
    ``L2(1/(C·N))``.

    Parameters
    ----------
    strength : float >= 0
        λ. A compiled step serves every value from one program.
    patterns : str or sequence of str, optional
        Which parameters, see :class:`Penalty`; unless given, all weights.

    Raises
    ------
    ConfigError
        For a strength below 0; when called, for a pattern that matches nothing.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.Linear(3, 1)
    >>> nn.init.constant_(net.weight, 2.0).shape
    (1, 3)
    >>> nn.regularization.L2(0.1)(net).item()    # 0.1 / 2 · 3 · 2²
    0.6000000238418579

    References
    ----------
    A. Hoerl and R. Kennard, *Ridge regression* (Technometrics 12, 1970).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("strength",)

    def __init__(self, strength: float, patterns: str | Sequence[str] | None = None) -> None:
        super().__init__(patterns)
        self.strength = check_number("L2", "strength", strength)

    def energy(self, w: Tensor) -> Tensor:
        """Return Σ w²."""
        return (w * w).sum()

    def factor(self) -> Any:
        """Return λ/2."""
        return self.strength / 2


class L1(Penalty):
    """A penalty on the absolute values of the weights, which makes many of them 0: λ · Σ |w|.

    Gradient steps on it (slope 0 at w = 0) bring weights near 0, not to it. :meth:`proximal_step_` does: leave the
    penalty out of the loss and call it after the optimizer's step. scikit-learn's ``Lasso(alpha)``, whose squared error
    is halved, is mean squared error with ``L1(2·alpha)``.

    Parameters
    ----------
    strength : float >= 0
        λ.
    patterns : str or sequence of str, optional
        Which parameters, see :class:`Penalty`.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.Linear(3, 1)
    >>> _ = nn.init.constant_(net.weight, -2.0)
    >>> nn.regularization.L1(0.5)(net).item()
    3.0

    References
    ----------
    R. Tibshirani, *Regression shrinkage and selection via the lasso* (JRSS B 58, 1996).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("strength",)

    def __init__(self, strength: float, patterns: str | Sequence[str] | None = None) -> None:
        super().__init__(patterns)
        self.strength = check_number("L1", "strength", strength)

    def energy(self, w: Tensor) -> Tensor:
        """Return Σ |w|."""
        return w.abs().sum()

    def factor(self) -> Any:
        """Return λ."""
        return self.strength

    def proximal_step_(self, model: Module, lr: Any) -> None:
        """Move each weight by ``lr``·λ towards 0 and stop there: w ← sign(w)·max(|w| - lr·λ, 0).

        After a step of gradient descent with the same learning rate this is one step of ISTA, which converges to the
        penalised optimum with exact zeros. In a compiled step take ``lr`` from ``optimizer.param_groups``.

        References
        ----------
        I. Daubechies, M. Defrise and C. De Mol, *An iterative thresholding algorithm for linear inverse problems*
        (Comm. Pure Appl. Math. 57, 2004).
        """
        _shrink(self, model, lr * self.strength, 1.0)


class ElasticNet(Penalty):
    """Both penalties: λ₁ · Σ |w| + λ₂/2 · Σ w².

    scikit-learn's ``ElasticNet(alpha, l1_ratio)`` is mean squared error with λ₁ = 2·alpha·l1_ratio and
    λ₂ = 2·alpha·(1 - l1_ratio).

    Parameters
    ----------
    l1, l2 : float >= 0
        λ₁ and λ₂.
    patterns : str or sequence of str, optional
        Which parameters, see :class:`Penalty`.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> net = nn.Linear(3, 1)
    >>> _ = nn.init.constant_(net.weight, -2.0)
    >>> nn.regularization.ElasticNet(0.5, 0.25)(net).item()    # 3 · (0.5·2 + 0.125·4)
    4.5

    References
    ----------
    H. Zou and T. Hastie, *Regularization and variable selection via the elastic net* (JRSS B 67, 2005).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("l1", "l2")

    def __init__(self, l1: float, l2: float, patterns: str | Sequence[str] | None = None) -> None:
        super().__init__(patterns)
        self.l1 = check_number("ElasticNet", "l1", l1)
        self.l2 = check_number("ElasticNet", "l2", l2)

    def energy(self, w: Tensor) -> Tensor:
        """Return λ₁ Σ |w| + λ₂/2 Σ w²."""
        return w.abs().sum() * number(self.l1, w) + (w * w).sum() * number(self.l2 / 2, w)

    def factor(self) -> Any:
        """Return 1."""
        return 1.0

    def proximal_step_(self, model: Module, lr: Any) -> None:
        """As :meth:`L1.proximal_step_`: w ← sign(w)·max(|w| - lr·λ₁, 0) / (1 + lr·λ₂)."""
        _shrink(self, model, lr * self.l1, 1.0 + lr * self.l2)


@no_grad()
def _shrink(penalty: Penalty, model: Module, threshold: Any, divisor: Any) -> None:
    for w in chosen_weights(type(penalty).__name__, model, penalty.patterns):
        p = w.parameter.detach()
        left = (p.abs() - number(threshold, p)).clamp(min=0)
        w.parameter._set((p.sign() * left / number(divisor, p))._array)
