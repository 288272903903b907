"""Resilient propagation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.errors import ConfigError
from gradwright.optim.optimizer import Optimizer, same_dtype

__all__ = ["Rprop"]


class Rprop(Optimizer):
    """Resilient propagation: only the gradient's sign counts; each coordinate's step grows and shrinks by itself.

    Equations, for each coordinate, with g₀ = 0 and Δ₀ = γ: Δ ← clip(η⁺Δ, Δmin, Δmax) where gₜgₜ₋₁ > 0, and
    Δ ← clip(η⁻Δ, Δmin, Δmax) with gₜ ← 0 where gₜgₜ₋₁ < 0 (no step after a change of sign); θ ← θ - sign(gₜ)Δ.
    Meant for full batches: the noise of small ones flips signs.

    Gradients that are not finite are hidden, as in PyTorch: NaN leaves its coordinate where it is, at this step and at
    the next; infinity moves it by Δ as any other gradient. Watch the loss.

    Parameters
    ----------
    params : iterable of Tensor or of dicts
    lr : float >= 0
        γ, the first step's size; it matters only then.
    etas : (float, float), 0 < η⁻ < 1 < η⁺
        η⁻ and η⁺.
    step_sizes : (float, float) >= 0
        Δmin and Δmax.
    maximize : bool
        Step with the gradient instead.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([1.0, -200.0], requires_grad=True)
    >>> opt = gw.optim.Rprop([w], lr=0.1)
    >>> (w * w).sum().backward(); opt.step(); w
    tensor([   0.9000, -199.9000], requires_grad=True)

    References
    ----------
    M. Riedmiller and H. Braun, *A direct adaptive method for faster backpropagation learning: the RPROP algorithm*
    (ICNN 1993); C. Igel and M. Hüsken, *Improving the Rprop learning algorithm* (NC 2000), iRprop⁻, which never steps
    back: PyTorch's form.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "etas", "step_sizes")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "etas": tuple(etas), "step_sizes": tuple(step_sizes), "maximize": maximize})

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ConfigError for hyperparameters outside their range."""
        super().check(group)
        if not 0 < group["etas"][0] < 1 < group["etas"][1]:
            raise ConfigError(f"Rprop: etas must be 0 < η⁻ < 1 < η⁺, got {group['etas']}")

    def slots(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """Return the last gradient and the size of the next step."""
        return {"prev": 0, "step_size": group["lr"]}

    def prepare(self, xp: ModuleType, count: Any, h: Mapping[str, Any]) -> dict[str, Any]:
        """Say which parameters take their first step."""
        return {"first": count == 1}

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter, the gradient and the step sizes."""
        if h["maximize"]:
            g = -g
        shrink, grow = h["etas"]
        product = g * slots["prev"]
        before = xp.where(step["first"], h["lr"], slots["step_size"])  # a schedule may have changed it meanwhile
        size = before * xp.where(product > 0, grow, xp.where(product < 0, shrink, 1.0)).astype(p.dtype)
        size = same_dtype(xp.clip(size, *h["step_sizes"]), p)
        g = xp.where(product < 0, 0, g)
        sign = xp.where(xp.isnan(g), 0, xp.sign(g))
        return same_dtype(p - sign * size, p), {"prev": same_dtype(g, p), "step_size": size}
