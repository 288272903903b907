"""Adam, and AdamW with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from gradwright.errors import ConfigError
from gradwright.optim.optimizer import Optimizer, same_dtype

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Scale each coordinate's step by running averages of its gradient and of the gradient's square.

    Equations: g ← ∇ + λθ; m ← β₁m + (1 - β₁)g; v ← β₂v + (1 - β₂)g²;
    θ ← θ - γ · [m / (1 - β₁ᵗ)] / ( sqrt(v) / sqrt(1 - β₂ᵗ) + ε ).
    ε stands outside the root and after the bias correction.

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
    D. P. Kingma and J. Ba, *Adam* (ICLR 2015), algorithm 1.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "betas", "eps", "weight_decay")
    zero_means_off: ClassVar[tuple[str, ...]] = ("weight_decay",)
    decoupled: ClassVar[bool] = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
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

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ConfigError for hyperparameters outside their range."""
        super().check(group)
        for i, beta in enumerate(group["betas"]):
            if isinstance(beta, int | float) and not 0 <= beta < 1:
                raise ConfigError(f"{type(self).__name__}: betas[{i}] must be at least 0 and below 1, got {beta}")

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the two averages."""
        return ("exp_avg", "exp_avg_sq")

    def prepare(self, xp: ModuleType, count: Any, h: Mapping[str, Any]) -> dict[str, Any]:
        """Return γ / (1 - β₁ᵗ) and 1 / sqrt(1 - β₂ᵗ), for all parameters of the group in one go.

        In float64 whatever the parameters are: 1 - 0.999 has only four good digits in float32.
        """
        beta1, beta2 = h["betas"]
        count = xp.maximum(count, 1).astype(np.float64)  # 0 for a parameter that is still to have a gradient
        return {"size": h["lr"] / (1 - beta1**count), "scale": 1 / xp.sqrt(1 - beta2**count)}

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter and averages."""
        beta1, beta2 = h["betas"]
        decay = h["weight_decay"]
        if h["maximize"]:
            g = -g
        if not (isinstance(decay, int | float) and decay == 0):
            if self.decoupled:
                p = p * (1 - h["lr"] * decay)
            else:
                g = g + decay * p
        m = slots["exp_avg"] + (1 - beta1) * (g - slots["exp_avg"])
        v = beta2 * slots["exp_avg_sq"] + (1 - beta2) * (g * g)
        # in the parameter's dtype: NumPy's float64 scalars would promote float32 arrays
        size, scale = step["size"].astype(p.dtype), step["scale"].astype(p.dtype)
        new = p - size * m / (xp.sqrt(v) * scale + h["eps"])
        return same_dtype(new, p), {"exp_avg": same_dtype(m, p), "exp_avg_sq": same_dtype(v, p)}


class AdamW(Adam):
    """Adam with the weight decay beside the gradient instead of in it: θ ← θ - γλθ before Adam's step.

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
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, maximize=maximize)
