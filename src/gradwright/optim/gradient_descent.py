"""Gradient descent without anything added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from gradwright.optim.optimizer import Optimizer, same_dtype

__all__ = ["GradientDescent"]


class GradientDescent(Optimizer):
    """Full-batch gradient descent: step against the gradient of the loss over all data.

    Equation: θ ← θ - γ∇, where ∇ is what ``backward`` left. It is the full-batch rule when the loss was taken over the
    whole training set; over a batch it is :class:`SGD` without extras.

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, the learning rate. On a quadratic it converges for γ < 2 / (largest eigenvalue of the Hessian).
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = gw.optim.GradientDescent([w], lr=0.25)
    >>> (w * w).sum().backward(); opt.step(); w
    tensor([ 0.5000, -1.0000], requires_grad=True)

    References
    ----------
    A.-L. Cauchy, *Méthode générale pour la résolution des systèmes d'équations simultanées* (1847).
    """

    def __init__(self, params: Iterable[Any], lr: float = 1e-2, *, maximize: bool = False) -> None:
        super().__init__(params, {"lr": lr, "maximize": maximize})

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return nothing: nothing is remembered."""
        return ()

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter."""
        return same_dtype(p + h["lr"] * g if h["maximize"] else p - h["lr"] * g, p), {}
