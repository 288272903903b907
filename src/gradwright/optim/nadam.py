"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from gradwright.optim.optimizer import Optimizer, decoupled, descent, same_dtype, steps_taken

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """Adam whose momentum looks one step ahead, as Nesterov's does, and grows over the first steps.

    Equations: g ← ∇ + λθ, or, decoupled, θ ← θ - γλθ; μₜ = β₁(1 - 0.96^(tψ) / 2) and Π ← Πμₜ, from Π = 1;
    m ← β₁m + (1 - β₁)g; v ← β₂v + (1 - β₂)g²; d = sqrt(v / (1 - β₂ᵗ)) + ε;
    θ ← θ - γ(1 - μₜ) / (1 - Π) · g / d - γμₜ₊₁ / (1 - Πμₜ₊₁) · m / d.

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, the learning rate.
    betas : (float, float), each in [0, 1)
        β₁ and β₂, the decay of the averages.
    eps : float >= 0
        ε, outside the root.
    weight_decay : float >= 0
        λ.
    momentum_decay : float >= 0
        ψ, how fast the momentum grows to β₁.
    decoupled_weight_decay : bool
        Decay beside the gradient, as :class:`AdamW`, instead of in it.
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = gw.optim.NAdam([w], lr=0.1)
    >>> (w * w).sum().backward(); opt.step(); w
    tensor([ 0.8944, -1.8944], requires_grad=True)

    References
    ----------
    T. Dozat, *Incorporating Nesterov momentum into Adam* (ICLR 2016 workshop), algorithm 2, with the momentum schedule
    of I. Sutskever et al., *On the importance of initialization and momentum in deep learning* (ICML 2013).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "betas", "eps", "weight_decay", "momentum_decay")
    zero_means_off: ClassVar[tuple[str, ...]] = ("weight_decay",)
    below_one: ClassVar[tuple[str, ...]] = ("betas",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def slots(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """Return the averages, and the product of the momenta, which starts at 1."""
        return {"mu_product": np.ones(()), "exp_avg": 0, "exp_avg_sq": 0}

    def prepare(self, xp: ModuleType, count: Any, h: Mapping[str, Any]) -> dict[str, Any]:
        """Return μₜ, μₜ₊₁ and 1 - β₂ᵗ."""
        (beta1, beta2), count = h["betas"], steps_taken(xp, count)
        now, ahead = (beta1 * (1 - 0.5 * 0.96 ** (t * h["momentum_decay"])) for t in (count, count + 1))
        return {"now": now, "ahead": ahead, "correction": 1 - beta2**count}

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter, product and averages."""
        beta1, beta2 = h["betas"]
        p, g = decoupled(p, g, h) if h["decoupled_weight_decay"] else (p, descent(p, g, h))
        product = slots["mu_product"] * step["now"]
        m = slots["exp_avg"] + (1 - beta1) * (g - slots["exp_avg"])
        v = beta2 * slots["exp_avg_sq"] + (1 - beta2) * (g * g)
        d = xp.sqrt(v / step["correction"].astype(p.dtype)) + h["eps"]
        of_g = (h["lr"] * (1 - step["now"]) / (1 - product)).astype(p.dtype)
        of_m = (h["lr"] * step["ahead"] / (1 - product * step["ahead"])).astype(p.dtype)
        new = p - of_g * (g / d) - of_m * (m / d)
        return same_dtype(new, p), {
            "mu_product": product,
            "exp_avg": same_dtype(m, p),
            "exp_avg_sq": same_dtype(v, p),
        }
