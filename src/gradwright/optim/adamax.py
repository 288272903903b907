"""Adamax."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.optim.optimizer import Optimizer, descent, same_dtype, steps_taken

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """Adam with the largest gradient, slowly forgotten, in the place of the root mean square.

    Equations: g ← ∇ + λθ; m ← β₁m + (1 - β₁)g; u ← max(β₂u, |g| + ε); θ ← θ - γ / (1 - β₁ᵗ) · m / u.
    ε stands inside the maximum.

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, the learning rate.
    betas : (float, float), each in [0, 1)
        β₁ and β₂, the decay of the average and of the maximum.
    eps : float >= 0
        ε.
    weight_decay : float >= 0
        λ, coupled (part of the gradient).
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = gw.optim.Adamax([w], lr=0.1)
    >>> (w * w).sum().backward(); opt.step(); w
    tensor([ 0.9000, -1.9000], requires_grad=True)

    References
    ----------
    D. P. Kingma and J. Ba, *Adam* (ICLR 2015), algorithm 2, which has no ε.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "betas", "eps", "weight_decay")
    zero_means_off: ClassVar[tuple[str, ...]] = ("weight_decay",)
    below_one: ClassVar[tuple[str, ...]] = ("betas",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "maximize": maximize},
        )

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the average and of the maximum."""
        return ("exp_avg", "exp_inf")

    def prepare(self, xp: ModuleType, count: Any, h: Mapping[str, Any]) -> dict[str, Any]:
        """Return γ / (1 - β₁ᵗ)."""
        return {"size": h["lr"] / (1 - h["betas"][0] ** steps_taken(xp, count))}

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter, average and maximum."""
        beta1, beta2 = h["betas"]
        g = descent(p, g, h)
        m = slots["exp_avg"] + (1 - beta1) * (g - slots["exp_avg"])
        u = xp.maximum(beta2 * slots["exp_inf"], xp.abs(g) + h["eps"])
        new = p - step["size"].astype(p.dtype) * (m / u)
        return same_dtype(new, p), {"exp_avg": same_dtype(m, p), "exp_inf": same_dtype(u, p)}
