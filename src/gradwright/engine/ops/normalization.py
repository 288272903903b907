"""Standardising: what all the normalisations of layers share."""

from __future__ import annotations

import math
from typing import Any

from gradwright.engine.op import Op, general, linear
from gradwright.engine.ops.elementwise import rsqrt, sqrt
from gradwright.engine.ops.reduction import sum as sum_
from gradwright.engine.ops.shape import expand

__all__ = ["standardize", "unit_rms", "window_sum"]


def _mean(x: Any, axis: tuple[int, ...]) -> Any:
    return sum_(x, axis=axis, keepdims=True) * (1 / math.prod(x.shape[a] for a in axis))


def _standardize(xp: Any, x: Any, *, axis: tuple[int, ...], eps: float) -> Any:
    mean = x.mean(axis, keepdims=True)
    centred = x - mean
    var = (centred * centred).mean(axis, keepdims=True)
    return centred * (1 / xp.sqrt(var + eps)), mean, var


def _standardize_reverse(g: Any, ans: Any, axis: tuple[int, ...], eps: float) -> Any:
    # With r = (σ² + ε)^-½: dx = r (g - mean g - y mean(g y)), dμ/dx = 1/n, dσ²/dx = 2 (x - μ)/n = 2 y / (n r)
    y, _, var = ans
    g_y, g_mean, g_var = g
    count = math.prod(y.shape[a] for a in axis)
    parts = []
    if g_y is not None:
        parts.append((g_y - _mean(g_y, axis) - y * _mean(g_y * y, axis)) * rsqrt(var + eps))
    if g_mean is not None:
        parts.append(expand(g_mean * (1 / count), shape=y.shape))
    if g_var is not None:
        parts.append(y * (g_var * sqrt(var + eps) * (2 / count)))
    return sum(parts[1:], parts[0])


def _standardize_ahead(t: Any, ans: Any, axis: tuple[int, ...], eps: float) -> Any:
    y, _, var = ans
    mean, along = _mean(t, axis), _mean(t * y, axis)
    return (t - mean - y * along) * rsqrt(var + eps), mean, along * sqrt(var + eps) * 2


#: (x - μ) / sqrt(σ² + ε) along some axes, and μ and σ² (biased) themselves, which keep their axes
standardize: Op = general(
    "standardize", _standardize, vjp=[_standardize_reverse], jvp=[_standardize_ahead], floating=True
)


def _unit_rms_rule(t: Any, ans: Any, x: Any, axis: tuple[int, ...], eps: float) -> Any:
    # The Jacobian r (1 - y yᵀ/n), r = (mean x² + ε)^-½, is symmetric, so both modes share the rule.
    return (t - ans * _mean(t * ans, axis)) * rsqrt(_mean(x * x, axis) + eps)


#: x / sqrt(mean x² + ε) along some axes
unit_rms = general(
    "unit_rms",
    lambda xp, x, *, axis, eps: x * (1 / xp.sqrt((x * x).mean(axis, keepdims=True) + eps)),
    vjp=[lambda g, ans, x, axis, eps: _unit_rms_rule(g, ans, x, axis, eps)],
    jvp=[_unit_rms_rule],
    floating=True,
)


def _window_sum(xp: Any, x: Any, *, axis: int, before: int, after: int) -> Any:
    n = x.shape[axis]
    widths = [(0, 0)] * x.ndim
    widths[axis] = (before, after)
    padded = xp.pad(x, widths)
    head = (slice(None),) * axis
    total = padded[(*head, slice(0, n))]
    for k in range(1, before + after + 1):
        total = total + padded[(*head, slice(k, k + n))]
    return total


#: each element's sum with the ``before`` elements before it and the ``after`` elements after it; an ``axis`` from 0
window_sum: Op = linear(
    "window_sum",
    _window_sum,
    lambda g, axis, before, after: window_sum(g, axis=axis, before=after, after=before),
)
