"""RAdam: Adam with a rectified variance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.optim.optimizer import Optimizer, decoupled, descent, same_dtype, steps_taken

__all__ = ["RAdam"]


class RAdam(Optimizer):
    """Adam that trusts its denominator only as far as enough gradients have gone into it: a warm-up built in.

    Equations: g ← ∇ + λθ, or, decoupled, θ ← θ - γλθ; m ← β₁m + (1 - β₁)g; v ← β₂v + (1 - β₂)g²;
    ρ∞ = 2 / (1 - β₂) - 1; ρ = ρ∞ - 2tβ₂ᵗ / (1 - β₂ᵗ); where ρ > 5:
    r = sqrt((ρ - 4)(ρ - 2)ρ∞ / ((ρ∞ - 4)(ρ∞ - 2)ρ)) and θ ← θ - γ · m / (1 - β₁ᵗ) · r sqrt(1 - β₂ᵗ) / (sqrt(v) + ε);
    otherwise θ ← θ - γ · m / (1 - β₁ᵗ), momentum alone.

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, the learning rate.
    betas : (float, float), each in [0, 1)
        β₁ and β₂, the decay of the averages.
    eps : float >= 0
        ε, outside the root and before the bias correction.
    weight_decay : float >= 0
        λ.
    decoupled_weight_decay : bool
        Decay beside the gradient, as :class:`AdamW`, instead of in it.
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = gw.optim.RAdam([w], lr=0.1)
    >>> (w * w).sum().backward(); opt.step(); w
    tensor([ 0.8000, -1.6000], requires_grad=True)

    References
    ----------
    L. Liu et al., *On the variance of the adaptive learning rate and beyond* (ICLR 2020), algorithm 2, which begins to
    rectify at ρ > 4; 5 is PyTorch's and the authors' code's.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "betas", "eps", "weight_decay")
    zero_means_off: ClassVar[tuple[str, ...]] = ("weight_decay",)
    below_one: ClassVar[tuple[str, ...]] = ("betas",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": tuple(betas),
                "eps": eps,
                "weight_decay": weight_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the two averages."""
        return ("exp_avg", "exp_avg_sq")

    def prepare(self, xp: ModuleType, count: Any, h: Mapping[str, Any]) -> dict[str, Any]:
        """Return γ / (1 - β₁ᵗ), whether the variance is trusted, and r sqrt(1 - β₂ᵗ)."""
        (beta1, beta2), count = h["betas"], steps_taken(xp, count)
        correction = 1 - beta2**count
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * count * beta2**count / correction
        trusted = rho > 5
        rho = xp.where(trusted, rho, 6.0)  # any number with which the root below is one of a positive number
        limit = xp.where(trusted, limit, 6.0)
        r = xp.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
        return {"size": h["lr"] / (1 - beta1**count), "trusted": trusted, "scale": r * xp.sqrt(correction)}

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter and averages."""
        beta1, beta2 = h["betas"]
        p, g = decoupled(p, g, h) if h["decoupled_weight_decay"] else (p, descent(p, g, h))
        m = slots["exp_avg"] + (1 - beta1) * (g - slots["exp_avg"])
        v = beta2 * slots["exp_avg_sq"] + (1 - beta2) * (g * g)
        scale = xp.where(step["trusted"], step["scale"].astype(p.dtype) / (xp.sqrt(v) + h["eps"]), 1)
        new = p - step["size"].astype(p.dtype) * m * scale
        return same_dtype(new, p), {"exp_avg": same_dtype(m, p), "exp_avg_sq": same_dtype(v, p)}
