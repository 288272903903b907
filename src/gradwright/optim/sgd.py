"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.errors import ConfigError
from gradwright.optim.optimizer import Optimizer, descent, off, same_dtype

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent: step against the gradient, or against its running sum (momentum, Nesterov).

    Equations, in this order: g ← ∇ + λθ (weight decay); b ← μb + (1 - τ)g, and b = g at the first step, undamped;
    d = g + μb (Nesterov) or b (momentum) or g; θ ← θ - γd.

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, the learning rate.
    momentum : float >= 0
        μ; 0 keeps no buffer.
    dampening : float
        τ.
    weight_decay : float >= 0
        λ, coupled (part of the gradient).
    nesterov : bool
        Look ahead; needs momentum and no dampening.
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([1.0, -2.0], requires_grad=True)
    >>> opt = gw.optim.SGD([w], lr=0.5)
    >>> (w * w).sum().backward(); opt.step(); w
    tensor([0., 0.], requires_grad=True)

    References
    ----------
    I. Sutskever et al., *On the importance of initialization and momentum in deep learning* (ICML 2013). PyTorch's
    form, followed here, multiplies the buffer by the learning rate at the end instead of inside.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "momentum", "dampening", "weight_decay")
    zero_means_off: ClassVar[tuple[str, ...]] = ("momentum", "dampening", "weight_decay")
    sparse: ClassVar[bool] = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ConfigError for hyperparameters outside their range."""
        super().check(group)
        if group["nesterov"] and (off(group["momentum"]) or not off(group["dampening"])):
            raise ConfigError("SGD: nesterov needs a momentum above 0 and a dampening of 0")

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the momentum buffer's name when there is momentum."""
        return () if off(group["momentum"]) else ("momentum_buffer",)

    def state_dict(self) -> dict[str, Any]:
        """Return the state; a parameter that has had no gradient has None for a buffer, as in PyTorch.

        A buffer of zeros would have its first gradient dampened there.
        """
        saved = super().state_dict()
        for entry in saved["state"].values():
            if entry["step"] == 0 and "momentum_buffer" in entry:
                entry["momentum_buffer"] = None
        return saved

    def prepare(self, xp: ModuleType, count: Any, h: Mapping[str, Any]) -> dict[str, Any]:
        """Say which parameters take their first step, which only dampening asks."""
        return {} if off(h["dampening"]) else {"first": count == 1}

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter and momentum buffer."""
        g = descent(p, g, h)
        if off(h["momentum"]) or "momentum_buffer" not in slots:
            return same_dtype(p - h["lr"] * g, p), {}
        old = h["momentum"] * slots["momentum_buffer"]
        if off(h["dampening"]):
            buffer = old + g  # the buffer starts at 0, so the first one is the gradient
        else:
            # without momentum there is nothing to damp, also where momentum is an array that happens to hold 0
            undamped = step["first"] | (h["momentum"] == 0)
            buffer = old + xp.where(undamped, 1, 1 - h["dampening"]).astype(g.dtype) * g
        d = g + h["momentum"] * buffer if h["nesterov"] else buffer
        if not isinstance(h["momentum"], int | float):
            # a schedule may lead it through 0: steps without momentum leave the buffer as it is
            buffer = xp.where(h["momentum"] == 0, slots["momentum_buffer"], buffer)
        return same_dtype(p - h["lr"] * d, p), {"momentum_buffer": same_dtype(buffer, p)}
