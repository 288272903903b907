"""Adadelta."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.optim.optimizer import Optimizer, descent, same_dtype

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """Adagrad with a forgetting average, and steps in the parameter's own units: no learning rate to choose.

    Equations: g ← ∇ + λθ; v ← ρv + (1 - ρ)g²; δ = g · sqrt(u + ε) / sqrt(v + ε); u ← ρu + (1 - ρ)δ²; θ ← θ - γδ.
    ε stands inside both roots; it also sets the size of the first steps.

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, which the paper does not have (1).
    rho : float in [0, 1)
        ρ, the decay of both averages.
    eps : float >= 0
        ε; with 0 nothing ever moves.
    weight_decay : float >= 0
        λ, coupled (part of the gradient).
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = gw.optim.Adadelta([w], eps=0.01)
    >>> (w * w).sum().backward(); opt.step(); w
    tensor([ 0.6877, -1.6848], requires_grad=True)

    References
    ----------
    M. D. Zeiler, *ADADELTA: an adaptive learning rate method* (arXiv 1212.5701, 2012), algorithm 1.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "rho", "eps", "weight_decay")
    zero_means_off: ClassVar[tuple[str, ...]] = ("weight_decay",)
    below_one: ClassVar[tuple[str, ...]] = ("rho",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize})

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the two averages."""
        return ("square_avg", "acc_delta")

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter and averages."""
        g, rho, eps = descent(p, g, h), h["rho"], h["eps"]
        v = rho * slots["square_avg"] + (1 - rho) * (g * g)
        delta = xp.sqrt(slots["acc_delta"] + eps) / xp.sqrt(v + eps) * g
        u = rho * slots["acc_delta"] + (1 - rho) * (delta * delta)
        new = p - h["lr"] * delta
        return same_dtype(new, p), {"square_avg": same_dtype(v, p), "acc_delta": same_dtype(u, p)}
