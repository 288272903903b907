"""Muon."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

from gradwright.errors import ConfigError
from gradwright.optim.optimizer import Optimizer, off, same_dtype

__all__ = ["Muon"]


class Muon(Optimizer):
    """Momentum made orthogonal: every direction of a weight matrix moves about as far. For hidden layers' matrices.

    Equations: B ← μB + (1 - μ)G; D = (1 - μ)G + μB with Nesterov's momentum, otherwise B; X = D / max(‖D‖, ε) in
    Frobenius' norm, transposed if there are more rows than columns; k times X ← aX + (bXXᵀ + c(XXᵀ)²)X (Newton-Schulz:
    every singular value goes to about 1); θ ← θ - γλθ - γsX, with s = sqrt(max(1, rows / columns)) for ``"original"``
    or 0.2 sqrt(max(rows, columns)) for ``"match_rms_adamw"``.

    The iteration runs in the parameter's dtype; PyTorch's runs in bfloat16, from which this differs by about 1%.
    One element of NaN or infinity in a gradient makes its whole matrix NaN.

    Parameters
    ----------
    params : iterable of Tensor or of dicts
        Matrices only; give biases, norms, embeddings and the last layer to another rule, such as :class:`AdamW`.
    lr : float >= 0
        γ, the learning rate.
    weight_decay : float >= 0
        λ, beside the gradient.
    momentum : float >= 0
        μ.
    nesterov : bool
        Look ahead.
    ns_coefficients : (float, float, float)
        a, b, c.
    eps : float >= 0
        ε.
    ns_steps : int, 1 to 99
        k; a compiled step is traced anew when it changes.
    adjust_lr_fn : None, "original" or "match_rms_adamw"
        How s follows the shape; None is "original".

    Raises
    ------
    ConfigError
        For a parameter that is no matrix.

    Examples
    --------
    >>> import gradwright as gw
    >>> w = gw.tensor([[3.0, 0.0], [0.0, 0.01]], requires_grad=True)
    >>> opt = gw.optim.Muon([w], lr=0.1, weight_decay=0.0, ns_steps=9)
    >>> (w * w).sum().backward(); opt.step()
    >>> bool(((w - gw.tensor([[3.0, 0.0], [0.0, 0.01]])).abs().diagonal() > 0.06).all())
    True

    References
    ----------
    K. Jordan et al., *Muon: an optimizer for hidden layers in neural networks* (2024,
    kellerjordan.github.io/posts/muon); J. Liu et al., *Muon is scalable for LLM training* (arXiv 2502.16982, 2025),
    equation 4, for "match_rms_adamw".
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("lr", "weight_decay", "momentum", "ns_coefficients", "eps")
    zero_means_off: ClassVar[tuple[str, ...]] = ("weight_decay",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_coefficients": tuple(ns_coefficients),
                "eps": eps,
                "ns_steps": ns_steps,
                "adjust_lr_fn": adjust_lr_fn,
            },
        )

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ConfigError for hyperparameters outside their range and for parameters that are no matrices."""
        super().check(group)
        if not (isinstance(group["ns_steps"], int) and 1 <= group["ns_steps"] < 100):
            raise ConfigError(f"Muon: ns_steps must be a whole number from 1 to 99, got {group['ns_steps']!r}")
        if group["adjust_lr_fn"] not in (None, "original", "match_rms_adamw"):
            raise ConfigError(
                f'Muon: adjust_lr_fn must be None, "original" or "match_rms_adamw", got {group["adjust_lr_fn"]!r}'
            )
        for i, p in enumerate(group["params"]):
            if p.ndim != 2:
                raise ConfigError(
                    f"Muon: parameter {i} has shape {p.shape}, but only matrices can be made orthogonal. Give biases, "
                    "norms and kernels to another optimizer, such as AdamW."
                )

    def check_number(self, name: str, place: str, value: float) -> None:
        """Let the coefficients be negative."""
        super().check_number(name, place, abs(value) if name == "ns_coefficients" else value)

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the momentum buffer's name."""
        return ("momentum_buffer",)

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter and momentum buffer."""
        momentum = h["momentum"]
        buffer = slots["momentum_buffer"] + (1 - momentum) * (g - slots["momentum_buffer"])
        d = g + momentum * (buffer - g) if h["nesterov"] else buffer
        rows, columns = p.shape
        scale = math.sqrt(max(1, rows / columns))
        if h["adjust_lr_fn"] == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        if not off(h["weight_decay"]):
            p = p * (1 - h["lr"] * h["weight_decay"])
        new = p - h["lr"] * scale * _orthogonal(xp, d, h["ns_coefficients"], h["ns_steps"], h["eps"])
        return same_dtype(new, p), {"momentum_buffer": same_dtype(buffer, p)}


def _orthogonal(xp: ModuleType, x: Any, coefficients: tuple[Any, Any, Any], steps: int, eps: Any) -> Any:
    """Return a matrix with x's singular vectors and singular values near 1."""
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / xp.maximum(xp.sqrt(xp.sum(x * x)), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x
