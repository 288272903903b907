"""LARS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.optim.optimizer import Optimizer, descent, same_dtype
from gradwright.optim.trust import trust_ratio

__all__ = ["LARS"]


class LARS(Optimizer):
    """SGD with momentum where each parameter's step is in proportion to the parameter's own norm, for large batches.

    Equations: g ← ∇ + λθ; r = η‖θ‖ / (‖g‖ + ε), and 1 where a norm is 0; b ← μb + γrg; θ ← θ - b, or with Nesterov's
    momentum θ ← θ - γrg - μb. The norms are those of one parameter tensor, a "layer".

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, the learning rate; larger than SGD's by about 1 / η.
    momentum : float >= 0
        μ.
    weight_decay : float >= 0
        λ, part of the gradient.
    trust_coefficient : float >= 0
        η.
    eps : float >= 0
        ε.
    nesterov : bool
        Look ahead.
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([3.0, 4.0], requires_grad=True)
    >>> opt = gw.optim.LARS([w], lr=1.0, trust_coefficient=0.1)
    >>> (100 * w).sum().backward(); opt.step(); w       # a step of length 0.1 · 5
    tensor([2.6464, 3.6464], requires_grad=True)

    References
    ----------
    Y. You, I. Gitman and B. Ginsburg, *Large batch training of convolutional networks* (arXiv 1708.03888, 2017),
    algorithm 1, where the ratio's denominator is ‖∇‖ + λ‖θ‖; ‖∇ + λθ‖ is Optax's. The two agree where λ is 0.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "momentum", "weight_decay", "trust_coefficient", "eps")
    zero_means_off: ClassVar[tuple[str, ...]] = ("weight_decay",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        momentum: float = 0.9,
        weight_decay: float = 0,
        trust_coefficient: float = 1e-3,
        eps: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "weight_decay": weight_decay,
                "trust_coefficient": trust_coefficient,
                "eps": eps,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the momentum buffer's name."""
        return ("momentum_buffer",)

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter and momentum buffer."""
        g = descent(p, g, h)
        d = h["lr"] * trust_ratio(xp, p, g, h["trust_coefficient"], h["eps"]) * g
        buffer = h["momentum"] * slots["momentum_buffer"] + d
        d = d + h["momentum"] * buffer if h["nesterov"] else buffer
        return same_dtype(p - d, p), {"momentum_buffer": same_dtype(buffer, p)}
