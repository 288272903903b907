"""Adagrad."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.errors import ConfigError
from gradwright.optim.optimizer import Optimizer, descent, same_dtype, steps_taken

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Adaptive gradients: divide each coordinate's step by the root of the sum of its squared gradients so far.

    Equations: g ← ∇ + λθ; s ← s + g²; θ ← θ - γ / (1 + (t - 1)η) · g / (sqrt(s) + ε).

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, the learning rate.
    lr_decay : float >= 0
        η, how fast the rate falls with the step t.
    weight_decay : float >= 0
        λ, coupled (part of the gradient).
    initial_accumulator_value : float >= 0
        Where s starts.
    eps : float >= 0
        ε, outside the root.
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = gw.optim.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward(); opt.step(); w
    tensor([ 0.9000, -1.9000], requires_grad=True)

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, *Adaptive subgradient methods for online learning and stochastic optimization*
    (JMLR 2011), figure 1, the diagonal form; ε is PyTorch's.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "lr_decay", "weight_decay", "eps")
    zero_means_off: ClassVar[tuple[str, ...]] = ("weight_decay",)
    sparse: ClassVar[bool] = True  # a coordinate with gradient 0 stays where it is

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "maximize": maximize,
            },
        )

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ConfigError for hyperparameters outside their range."""
        super().check(group)
        if not group["initial_accumulator_value"] >= 0:
            raise ConfigError(
                f"Adagrad: initial_accumulator_value must be at least 0, got {group['initial_accumulator_value']}"
            )

    def slots(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """Return the sum of squares and where it starts."""
        return {"sum": group["initial_accumulator_value"]}

    def prepare(self, xp: ModuleType, count: Any, h: Mapping[str, Any]) -> dict[str, Any]:
        """Return the decayed learning rate."""
        return {"lr": h["lr"] / (1 + (steps_taken(xp, count) - 1) * h["lr_decay"])}

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter and sum of squares."""
        g = descent(p, g, h)
        total = slots["sum"] + g * g
        new = p - step["lr"].astype(p.dtype) * (g / (xp.sqrt(total) + h["eps"]))
        return same_dtype(new, p), {"sum": same_dtype(total, p)}
