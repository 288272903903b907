"""Lion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.optim.optimizer import Optimizer, decoupled, same_dtype

__all__ = ["Lion"]


class Lion(Optimizer):
    """Evolved sign momentum: every coordinate moves by the learning rate, in the direction of its averaged gradient.

    Equations: d = sign(β₁m + (1 - β₁)g); θ ← θ - γ(d + λθ); m ← β₂m + (1 - β₂)g.

    A gradient of NaN makes its coordinate NaN. One of infinity is hidden: the coordinate moves by γ as any other, and
    goes on in that direction for good, since the average stays infinite.

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, the learning rate; three to ten times smaller than AdamW's.
    betas : (float, float), each in [0, 1)
        β₁ and β₂: what weighs the average in the step, and how it decays.
    weight_decay : float >= 0
        λ, beside the gradient; three to ten times larger than AdamW's.
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = gw.optim.Lion([w], lr=0.1)
    >>> (w * w).sum().backward(); opt.step(); w
    tensor([ 0.9000, -1.9000], requires_grad=True)

    References
    ----------
    X. Chen et al., *Symbolic discovery of optimization algorithms* (NeurIPS 2023), algorithm 2.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "betas", "weight_decay")
    zero_means_off: ClassVar[tuple[str, ...]] = ("weight_decay",)
    below_one: ClassVar[tuple[str, ...]] = ("betas",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": tuple(betas), "weight_decay": weight_decay, "maximize": maximize})

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the average's name."""
        return ("exp_avg",)

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter and average."""
        beta1, beta2 = h["betas"]
        p, g = decoupled(p, g, h)
        m = slots["exp_avg"]
        new = p - h["lr"] * xp.sign(beta1 * m + (1 - beta1) * g)
        return same_dtype(new, p), {"exp_avg": same_dtype(beta2 * m + (1 - beta2) * g, p)}
