"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.optim.optimizer import Optimizer, descent, off, same_dtype

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """Divide each coordinate's step by the root of a running average of its squared gradient.

    Equations: g ← ∇ + λθ; v ← αv + (1 - α)g²; centred: a ← αa + (1 - α)g and d = sqrt(max(v - a², 0)) + ε, otherwise
    d = sqrt(v) + ε; with momentum b ← μb + g / d and θ ← θ - γb, otherwise θ ← θ - γg / d.

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, the learning rate.
    alpha : float in [0, 1)
        α, the decay of the averages.
    eps : float >= 0
        ε, outside the root.
    weight_decay : float >= 0
        λ, coupled (part of the gradient).
    momentum : float >= 0
        μ; 0 keeps no buffer.
    centered : bool
        Divide by the standard deviation instead. Where rounding makes the variance negative it counts as 0; PyTorch's
        parameters become NaN there.
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = gw.optim.RMSprop([w], lr=0.01)
    >>> (w * w).sum().backward(); opt.step(); w
    tensor([ 0.9000, -1.9000], requires_grad=True)

    References
    ----------
    T. Tieleman and G. Hinton, *Lecture 6.5: rmsprop* (Coursera, 2012); centred: A. Graves, *Generating sequences with
    recurrent neural networks* (arXiv 1308.0850, 2013), equations 38 to 45, where ε stands inside the root.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "alpha", "eps", "weight_decay", "momentum")
    zero_means_off: ClassVar[tuple[str, ...]] = ("weight_decay", "momentum")
    below_one: ClassVar[tuple[str, ...]] = ("alpha",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
            },
        )

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the average's name, and those of what momentum and centring need."""
        momentum = () if off(group["momentum"]) else ("momentum_buffer",)
        return ("square_avg", *momentum, *(["grad_avg"] if group["centered"] else []))

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter, averages and momentum buffer."""
        g, alpha = descent(p, g, h), h["alpha"]
        new = {"square_avg": alpha * slots["square_avg"] + (1 - alpha) * (g * g)}
        variance = new["square_avg"]
        if h["centered"]:
            new["grad_avg"] = slots["grad_avg"] + (1 - alpha) * (g - slots["grad_avg"])
            variance = xp.maximum(variance - new["grad_avg"] * new["grad_avg"], 0)
        d = g / (xp.sqrt(variance) + h["eps"])
        if not off(h["momentum"]) and "momentum_buffer" in slots:  # a population in which nobody has momentum has none
            d = new["momentum_buffer"] = h["momentum"] * slots["momentum_buffer"] + d
            if not isinstance(h["momentum"], int | float):
                # a schedule may lead it through 0: steps without momentum leave the buffer as it is
                new["momentum_buffer"] = xp.where(h["momentum"] == 0, slots["momentum_buffer"], d)
        return same_dtype(p - h["lr"] * d, p), {name: same_dtype(array, p) for name, array in new.items()}
