"""Adam, and AdamW with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.optim.optimizer import Optimizer, decoupled, descent, same_dtype, steps_taken

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Adaptive moments: step by the running average of the gradient over the root of that of its square.

    Equations: g ← ∇ + λθ; m ← β₁m + (1 - β₁)g; v ← β₂v + (1 - β₂)g²;
    θ ← θ - γ · [m / (1 - β₁ᵗ)] / ( sqrt(v) / sqrt(1 - β₂ᵗ) + ε ).
    ε stands outside the root and after the bias correction. AMSGrad puts the largest v so far in v's place.

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, the learning rate.
    betas : (float, float), each in [0, 1)
        β₁ and β₂, the decay of the averages.
    eps : float >= 0
        ε.
    weight_decay : float >= 0
        λ, coupled (part of the gradient); :class:`AdamW` decouples it.
    amsgrad : bool
        Never let the denominator's average fall.
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = gw.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward(); opt.step(); w
    tensor([ 0.9000, -1.9000], requires_grad=True)

    References
    ----------
    D. P. Kingma and J. Ba, *Adam* (ICLR 2015), algorithm 1; S. Reddi, S. Kale and S. Kumar, *On the convergence of
    Adam and beyond* (ICLR 2018), algorithm 2, here with PyTorch's bias correction.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "betas", "eps", "weight_decay")
    zero_means_off: ClassVar[tuple[str, ...]] = ("weight_decay",)
    below_one: ClassVar[tuple[str, ...]] = ("betas",)
    decoupled: ClassVar[bool] = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
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
                "amsgrad": amsgrad,
                "maximize": maximize,
            },
        )

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the two averages, and of the second one's maximum for AMSGrad."""
        return ("exp_avg", "exp_avg_sq", *(["max_exp_avg_sq"] if group["amsgrad"] else []))

    def prepare(self, xp: ModuleType, count: Any, h: Mapping[str, Any]) -> dict[str, Any]:
        """Return γ / (1 - β₁ᵗ) and 1 / sqrt(1 - β₂ᵗ), for all parameters of the group in one go."""
        beta1, beta2 = h["betas"]
        count = steps_taken(xp, count)
        return {"size": h["lr"] / (1 - beta1**count), "scale": 1 / xp.sqrt(1 - beta2**count)}

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter and averages."""
        beta1, beta2 = h["betas"]
        p, g = decoupled(p, g, h) if self.decoupled else (p, descent(p, g, h))
        m = slots["exp_avg"] + (1 - beta1) * (g - slots["exp_avg"])
        v = beta2 * slots["exp_avg_sq"] + (1 - beta2) * (g * g)
        # in the parameter's dtype: NumPy's float64 scalars would promote float32 arrays
        size, scale = step["size"].astype(p.dtype), step["scale"].astype(p.dtype)
        new = {"exp_avg": same_dtype(m, p), "exp_avg_sq": same_dtype(v, p)}
        if h["amsgrad"]:
            v = new["max_exp_avg_sq"] = xp.maximum(slots["max_exp_avg_sq"], new["exp_avg_sq"])
        return same_dtype(p - size * m / (xp.sqrt(v) * scale + h["eps"]), p), new


class AdamW(Adam):
    """Adam with the weight decay beside the gradient instead of in it.

    Equation: θ ← θ - γλθ before Adam's step, whose gradient then holds no decay.

    Parameters
    ----------
    weight_decay : float >= 0
        λ, 0.01 by default. The others are :class:`Adam`'s.

    References
    ----------
    I. Loshchilov and F. Hutter, *Decoupled weight decay regularization* (ICLR 2019), algorithm 2. As in PyTorch, the
    decay is multiplied by the learning rate.
    """

    decoupled: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
