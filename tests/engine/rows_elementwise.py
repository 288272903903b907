"""Rows of the battery: functions of each element, logic, and activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .operations import (
    BINARY_SHAPES,
    UNARY_SHAPES,
    Array,
    Row,
    Sample,
    _torch_pair,
    apart,
    binary,
    nonzero,
    positive,
    real,
    truth,
    unary,
    whole,
)

Samples = Callable[[np.random.Generator], Iterator[Sample]]


# --- numbers -----------------------------------------------------------------------------------------------
def inside(r: np.random.Generator, *shape: int) -> Array:
    """Numbers in (-1, 1)."""
    return np.asarray(0.4 * real(r, *shape))


def portion(r: np.random.Generator, *shape: int) -> Array:
    return r.uniform(0.1, 0.9, shape)


def above_one(r: np.random.Generator, *shape: int) -> Array:
    return r.uniform(1.2, 3.0, shape)


def wide(r: np.random.Generator, *shape: int) -> Array:
    """Numbers on both sides of the whole numbers from -9 to 9."""
    return np.asarray(3.9 * real(r, *shape) + 0.013)


def nonwhole(r: np.random.Generator, *shape: int) -> Array:
    """Numbers of both signs, none within a tenth of a whole number."""
    return np.floor(r.uniform(-3, 3, shape)) + r.uniform(0.15, 0.85, shape)


def counts(r: np.random.Generator, *shape: int) -> Array:
    return r.integers(0, 5, shape)


def nonzero_whole(r: np.random.Generator, *shape: int) -> Array:
    return r.integers(1, 5, shape) * r.choice([-1, 1], shape)


def strange(r: np.random.Generator, *shape: int) -> Array:
    """Ordinary numbers, infinities and NaN."""
    return r.choice([1.0, -2.5, 0.0, -0.0, np.inf, -np.inf, np.nan], shape)


def any_kind(draw: Any) -> Samples:
    """Floats of a kind, whole numbers, truth values."""

    def samples(r: np.random.Generator) -> Iterator[Sample]:
        for each in (draw, whole, truth):
            yield from unary(each)(r)

    return samples


def with_whole(draw: Any) -> Samples:
    """Floats of a kind, and whole numbers, which give floats or stay what they are."""

    def samples(r: np.random.Generator) -> Iterator[Sample]:
        yield from unary(draw)(r)
        yield Sample((counts(r, 4),))

    return samples


def pairs_of(*draws: Any) -> Samples:
    """All broadcasts of each pair of kinds of numbers."""

    def samples(r: np.random.Generator) -> Iterator[Sample]:
        for a, b in BINARY_SHAPES:
            for draw_x, draw_y in zip(draws[::2], draws[1::2], strict=True):
                yield Sample((draw_x(r, *a), draw_y(r, *b)))

    return samples


def options(draw: Any, *metas: dict[str, Any]) -> Samples:
    def samples(r: np.random.Generator) -> Iterator[Sample]:
        for meta in metas:
            yield from unary(draw, **meta)(r)

    return samples


def divided(r: np.random.Generator) -> Iterator[Sample]:
    yield from binary(wide, nonzero, scalars=(2, 0.7))(r)
    yield Sample((r.integers(-9, 9, 8), nonzero_whole(r, 8)))
    yield Sample((r.integers(-9, 9, 8), 3))


def bounded(r: np.random.Generator) -> Iterator[Sample]:
    for a, b in BINARY_SHAPES:
        yield Sample((wide(r, *a), real(r, *b) - 2, real(r, *b) + 2))
    yield Sample((wide(r, 6), real(r, 6), real(r, 6)))  # bounds in either order


def mixed(r: np.random.Generator) -> Iterator[Sample]:
    for a, b in BINARY_SHAPES:
        yield Sample((real(r, *a), real(r, *b), portion(r, *a)))
    yield Sample((real(r, 3), real(r, 2, 3), 0.25))
    yield Sample((real(r, 3), real(r, 3), 0.75))


def sloped(r: np.random.Generator) -> Iterator[Sample]:
    for a, weight in (((4, 3), (3,)), ((2, 3, 2), (3, 1)), ((5,), ()), ((), ()), ((0, 2), (2,))):
        yield Sample((real(r, *a), portion(r, *weight)))


def orders(r: np.random.Generator) -> Iterator[Sample]:
    for n in range(4):
        for shape in UNARY_SHAPES:
            yield Sample((positive(r, *shape),), {"n": n})
        yield Sample((nonwhole(r, 5),), {"n": n})


def logged(r: np.random.Generator) -> Iterator[Sample]:
    yield from binary(real, positive, scalars=(2, 0.5))(r)


def _divide(mode: str) -> Any:
    return _torch_pair(lambda x, y: torch.div(x, y, rounding_mode=mode))


def _clamped(x: torch.Tensor, low: Any = None, high: Any = None) -> torch.Tensor:
    return torch.clamp(x, low, high)


def _prelu(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, x * weight)


def _elu(x: torch.Tensor, alpha: float, scale: float, rate: float) -> torch.Tensor:
    return torch.ops.aten.elu(x, alpha, scale, rate)


ROWS = [
    Row("exp2", torch.exp2, with_whole(real)),
    Row("log2", torch.log2, unary(positive)),
    Row("log10", torch.log10, unary(positive)),
    Row("fmax", _torch_pair(torch.fmax), apart),
    Row("fmin", _torch_pair(torch.fmin), apart),
    Row("clamp_min", lambda x, low: torch.clamp(x, min=low), pairs_of(real, wide, whole, whole)),
    Row("clamp_max", lambda x, high: torch.clamp(x, max=high), pairs_of(real, wide, whole, whole)),
    Row("clamp_between", _clamped, bounded),
    Row("lerp", torch.lerp, mixed),
    # --- circular and hyperbolic ---
    Row("tan", torch.tan, with_whole(inside)),
    Row("asin", torch.asin, unary(inside)),
    Row("acos", torch.acos, unary(inside)),
    Row("atan", torch.atan, with_whole(real)),
    Row("sinh", torch.sinh, with_whole(real)),
    Row("cosh", torch.cosh, with_whole(real)),
    Row("asinh", torch.asinh, with_whole(real)),
    Row("acosh", torch.acosh, unary(above_one)),
    Row("atanh", torch.atanh, unary(inside)),
    Row("atan2", _torch_pair(torch.atan2), binary(nonzero, nonzero, scalars=(2, 0.5))),
    Row("hypot", _torch_pair(torch.hypot), binary(nonzero, nonzero, scalars=(2, 0.5))),
    Row("sinc", torch.sinc, with_whole(real)),
    # --- rounding ---
    Row("floor", torch.floor, options(wide, {}), order=1),
    Row("ceil", torch.ceil, options(wide, {}), order=1),
    Row("trunc", torch.trunc, options(wide, {}), order=1),
    Row(
        "round",
        lambda x, decimals: torch.round(x, decimals=decimals),
        options(wide, {"decimals": 0}, {"decimals": 2}, {"decimals": -1}),
        order=1,
    ),
    Row("frac", torch.frac, unary(wide)),
    Row("floor_divide", _divide("floor"), divided, order=1),
    Row("truncating_divide", _divide("trunc"), divided, order=1),
    Row("remainder", _torch_pair(torch.remainder), divided),
    Row("fmod", _torch_pair(torch.fmod), divided),
    Row("copysign", _torch_pair(torch.copysign), binary(nonzero, nonzero, scalars=(2, -0.5))),
    Row(
        "nan_to_num",
        torch.nan_to_num,
        options(real, {"nan": 0.0, "posinf": None, "neginf": None}, {"nan": 1.5, "posinf": 2.5, "neginf": -3.0}),
    ),
    # --- special functions ---
    Row("erf", torch.erf, unary(real)),
    Row("erfc", torch.erfc, unary(real)),
    Row("erfinv", torch.erfinv, unary(inside), forward_tolerance=1e-11),
    Row("lgamma", torch.lgamma, unary(positive)),
    # PyTorch's polygamma of order 1 has nine good digits
    Row("digamma", torch.digamma, unary(positive), gradient_tolerance=1e-8),
    Row(
        "polygamma",
        lambda x, n: torch.polygamma(n, x),
        orders,
        forward_tolerance=1e-8,
        gradient_tolerance=1e-8,
    ),
    Row("ndtr", torch.special.ndtr, unary(real)),
    Row("ndtri", torch.special.ndtri, unary(portion)),
    Row("log_ndtr", torch.special.log_ndtr, unary(real)),
    Row("entr", torch.special.entr, unary(positive)),
    Row("i0", torch.special.i0, unary(real)),
    Row("i0e", torch.special.i0e, unary(real)),
    Row("i1", torch.special.i1, unary(real)),
    Row("i1e", torch.special.i1e, unary(real)),
    Row("xlogy", _torch_pair(torch.xlogy), logged),
    Row("xlog1py", _torch_pair(torch.special.xlog1py), logged),
    Row("logaddexp", _torch_pair(torch.logaddexp), binary(real, real, scalars=(2, 0.5))),
    Row("logaddexp2", _torch_pair(torch.logaddexp2), binary(real, real, scalars=(2, 0.5))),
    Row("logit", torch.logit, unary(portion)),
    # --- logic and bits ---
    Row("logical_and", torch.logical_and, pairs_of(truth, truth, whole, real), order=0),
    Row("logical_or", torch.logical_or, pairs_of(truth, truth, whole, real), order=0),
    Row("logical_xor", torch.logical_xor, pairs_of(truth, truth, whole, real), order=0),
    Row("bitwise_and", torch.bitwise_and, pairs_of(truth, truth, whole, whole, truth, whole), order=0),
    Row("bitwise_or", torch.bitwise_or, pairs_of(truth, truth, whole, whole, truth, whole), order=0),
    Row("bitwise_xor", torch.bitwise_xor, pairs_of(truth, truth, whole, whole, truth, whole), order=0),
    Row("bitwise_left_shift", torch.bitwise_left_shift, pairs_of(whole, counts), order=0),
    Row("bitwise_right_shift", torch.bitwise_right_shift, pairs_of(whole, counts), order=0),
    Row("bitwise_not", torch.bitwise_not, options(whole, {}), order=0),
    Row("isnan", torch.isnan, any_kind(strange), order=0),
    Row("isinf", torch.isinf, any_kind(strange), order=0),
    Row("isfinite", torch.isfinite, any_kind(strange), order=0),
    Row("isposinf", torch.isposinf, any_kind(strange), order=0),
    Row("isneginf", torch.isneginf, any_kind(strange), order=0),
    Row("signbit", torch.signbit, any_kind(strange), order=0),
    Row("heaviside", torch.heaviside, pairs_of(whole, whole, real, real), order=0),
    # --- activations ---
    Row(
        "softplus",
        F.softplus,
        options(real, {"beta": 1.0, "threshold": 20.0}, {"beta": 2.5, "threshold": 3.0}),
    ),
    Row("logsigmoid", F.logsigmoid, unary(real)),
    Row("hardtanh", lambda x, low, high: F.hardtanh(x, low, high), options(real, {"low": -1.0, "high": 1.5})),
    # PyTorch's slope is 1/6 in float32 also where the input is float64
    Row("hardsigmoid", F.hardsigmoid, unary(wide), gradient_tolerance=1e-8),
    Row("hardswish", F.hardswish, unary(wide)),
    Row("hardshrink", F.hardshrink, options(real, {"lambd": 0.7})),
    Row("softshrink", F.softshrink, options(real, {"lambd": 0.7})),
    Row("threshold", F.threshold, options(real, {"threshold": 0.3, "value": 7.0})),
    Row("leaky_relu", lambda x, slope: F.leaky_relu(x, slope), options(real, {"slope": 0.1}, {"slope": 0})),
    Row("prelu", _prelu, sloped),
    Row(
        "elu",
        _elu,
        options(real, {"alpha": 1.0, "scale": 1.0, "rate": 1.0}, {"alpha": 1.7, "scale": 1.1, "rate": 0.6}),
    ),
    Row("silu", F.silu, unary(real)),
    Row("mish", F.mish, unary(real)),
    Row("gelu", F.gelu, unary(real)),
    Row("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), unary(real)),
]
