"""LAMB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.optim.optimizer import Optimizer, off, same_dtype, steps_taken
from gradwright.optim.trust import trust_ratio

__all__ = ["LAMB"]


class LAMB(Optimizer):
    """AdamW where each parameter's step is in proportion to the parameter's own norm, for very large batches.

    Equations: m ← β₁m + (1 - β₁)g; v ← β₂v + (1 - β₂)g²; u = [m / (1 - β₁ᵗ)] / ( sqrt(v / (1 - β₂ᵗ)) + ε ) + λθ;
    r = min(‖θ‖ / ‖u‖, c), and 1 where a norm is 0; θ ← θ - γru. The norms are those of one parameter tensor, a "layer".

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, the learning rate.
    betas : (float, float), each in [0, 1)
        β₁ and β₂, the decay of the averages.
    eps : float >= 0
        ε, outside the root and after the bias correction.
    weight_decay : float >= 0
        λ, beside the gradient, before the trust ratio.
    trust_clip : float >= 0
        c, the largest trust ratio.
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([3.0, 4.0], requires_grad=True)
    >>> opt = gw.optim.LAMB([w], lr=0.1)
    >>> (100 * w).sum().backward(); opt.step(); w       # a step of length 0.1 · 5
    tensor([2.6464, 3.6464], requires_grad=True)

    References
    ----------
    Y. You et al., *Large batch optimization for deep learning: training BERT in 76 minutes* (ICLR 2020), algorithm 2,
    with φ(‖θ‖) = ‖θ‖. The bound of 10 is that of the authors' code.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "betas", "eps", "weight_decay", "trust_clip")
    zero_means_off: ClassVar[tuple[str, ...]] = ("weight_decay",)
    below_one: ClassVar[tuple[str, ...]] = ("betas",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0,
        trust_clip: float = 10.0,
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
                "trust_clip": trust_clip,
                "maximize": maximize,
            },
        )

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the two averages."""
        return ("exp_avg", "exp_avg_sq")

    def prepare(self, xp: ModuleType, count: Any, h: Mapping[str, Any]) -> dict[str, Any]:
        """Return 1 / (1 - β₁ᵗ) and 1 / sqrt(1 - β₂ᵗ)."""
        (beta1, beta2), count = h["betas"], steps_taken(xp, count)
        return {"size": 1 / (1 - beta1**count), "scale": 1 / xp.sqrt(1 - beta2**count)}

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter and averages."""
        beta1, beta2 = h["betas"]
        g = -g if h["maximize"] else g
        m = slots["exp_avg"] + (1 - beta1) * (g - slots["exp_avg"])
        v = beta2 * slots["exp_avg_sq"] + (1 - beta2) * (g * g)
        size, scale = step["size"].astype(p.dtype), step["scale"].astype(p.dtype)
        u = size * m / (xp.sqrt(v) * scale + h["eps"])
        if not off(h["weight_decay"]):
            u = u + h["weight_decay"] * p
        new = p - h["lr"] * trust_ratio(xp, p, u, most=h["trust_clip"]) * u
        return same_dtype(new, p), {"exp_avg": same_dtype(m, p), "exp_avg_sq": same_dtype(v, p)}
