"""Ties, kinks and edges of the domain: the gradients are PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
import torch
import torch.nn.functional as F

import gradwright.engine.functions as gw
from gradwright import special
from gradwright.engine import tensor
from gradwright.engine.functions import activation
from gradwright.engine.tensor import Tensor

NAN, INF = float("nan"), float("inf")


def both(function: Callable[..., Any], theirs: Callable[..., Any], *points: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Gradients of the sum of the outputs, ours and torch's, one pair for each point."""
    ours = [tensor(p, dtype=np.float64, requires_grad=True) for p in points]
    others = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in points]
    function(*ours).sum().backward()
    theirs(*others).sum().backward()
    return [(a.grad.numpy(), b.grad.numpy()) for a, b in zip(ours, others, strict=True)]


KINKS: list[tuple[str, Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = [
    ("abs at 0", gw.abs, torch.abs, ([0.0, -0.0, -1.0, 2.0],)),
    ("relu at 0", gw.relu, torch.relu, ([0.0, -0.0, -1.0, 2.0],)),
    ("relu of nan", gw.relu, torch.relu, ([INF, -INF],)),
    ("sqrt at 0", gw.sqrt, torch.sqrt, ([0.0, 4.0],)),
    ("rsqrt at 0", lambda x: x.rsqrt(), torch.rsqrt, ([0.0, 4.0],)),
    ("log at 0", gw.log, torch.log, ([0.0, 4.0],)),
    ("division by 0", lambda x, y: x / y, lambda x, y: x / y, ([1.0, 0.0, 2.0], [0.0, 0.0, 4.0])),
    ("amax ties", lambda x: x.amax(1), lambda x: x.amax(1), ([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]],)),
    ("amax over all", lambda x: x.amax(), torch.amax, ([[1.0, 3.0, 3.0], [3.0, 2.0, 2.0]],)),
    (
        "amax over both axes",
        lambda x: x.amax((0, 1), keepdim=True),
        lambda x: x.amax((0, 1), keepdim=True),
        ([[1.0, 3.0, 3.0], [3.0, 2.0, 2.0]],),
    ),
    ("maximum ties", gw.maximum, torch.maximum, ([1.0, 2.0, 3.0], [1.0, 3.0, 2.0])),
    ("maximum broadcast ties", gw.maximum, torch.maximum, ([1.0, 2.0, 3.0], [[1.0], [2.0]])),
    ("minimum ties", gw.minimum, torch.minimum, ([1.0, 2.0, 3.0], [1.0, 3.0, 2.0])),
    (
        "clamp at both bounds",
        lambda x: x.clamp(-1, 1),
        lambda x: x.clamp(-1, 1),
        ([-1.0, 1.0, -2.0, 2.0, 0.5],),
    ),
    ("clamp at the low bound", lambda x: x.clamp(min=0.5), lambda x: x.clamp(min=0.5), ([0.5, 0.4, 0.6],)),
    ("x**0 at 0", lambda x: x**0, lambda x: x**0, ([0.0, 2.0],)),
    ("x**0.0 at 0", lambda x: x**0.0, lambda x: x**0.0, ([0.0, 2.0],)),
    ("x**1 at 0", lambda x: x**1, lambda x: x**1, ([0.0, 2.0],)),
    ("x**2 at 0", lambda x: x**2, lambda x: x**2, ([0.0, -2.0],)),
    ("x**0.5 at 0", lambda x: x**0.5, lambda x: x**0.5, ([0.0, 2.0],)),
    ("x**-1 at 0", lambda x: x**-1, lambda x: x**-1, ([0.0, 2.0],)),
    (
        "x**y at zeros of both",
        lambda x, y: x**y,
        lambda x, y: x**y,
        ([0.0, 0.0, 2.0, 2.0], [0.0, 2.0, 0.0, 1.0]),
    ),
    ("x**y at 0 and below", lambda x, y: x**y, lambda x, y: x**y, ([0.0], [-1.0])),
    ("0**y", lambda y: 0.0**y, lambda y: 0.0**y, ([0.0, 1.0, 2.5],)),
    ("0**y, whole 0", lambda y: 0**y, lambda y: 0**y, ([0.0, 1.0, 2.5],)),
    ("negative base", lambda x, y: x**y, lambda x, y: x**y, ([-2.0, -2.0], [2.0, 3.0])),
    (
        "softmax with -inf",
        lambda x: x.softmax(0) * tensor([1.0, 2.0, 4.0], dtype=np.float64),
        lambda x: x.softmax(0) * torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64),
        ([-INF, 0.0, 1.0],),
    ),
    (
        "logsumexp of nothing but -inf",
        lambda x: x.logsumexp(0),
        lambda x: x.logsumexp(0),
        ([-INF, 0.0, 1.0],),
    ),
    ("sigmoid far out", gw.sigmoid, torch.sigmoid, ([-1000.0, 1000.0, -INF, INF],)),
    ("tanh far out", gw.tanh, torch.tanh, ([-1000.0, 1000.0, -INF, INF],)),
    ("exp far out", gw.exp, torch.exp, ([-1000.0, 1000.0],)),
]


@pytest.mark.parametrize(("name", "ours", "theirs", "points"), KINKS, ids=[k[0] for k in KINKS])
def test_the_gradient_is_torchs(name: str, ours: Any, theirs: Any, points: tuple[Any, ...]):
    for found, expected in both(ours, theirs, *points):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_sqrt_at_0_has_an_infinite_slope():
    x = tensor([0.0], requires_grad=True)
    x.sqrt().sum().backward()
    assert x.grad.numpy()[0] == np.inf


def test_ties_share_evenly():
    x = tensor([3.0, 1.0, 3.0], requires_grad=True)
    x.amax().backward()
    assert x.grad.tolist() == [0.5, 0.0, 0.5]
    a, b = tensor(2.0, requires_grad=True), tensor(2.0, requires_grad=True)
    gw.maximum(a, b).backward()
    assert (a.grad.item(), b.grad.item()) == (0.5, 0.5)


@pytest.mark.parametrize("bad", [NAN, INF])
def test_where_is_not_poisoned_by_the_branch_not_taken(bad: float):
    x = tensor([1.0, 2.0], requires_grad=True)
    y = tensor([bad, 3.0], requires_grad=True)
    gw.where(tensor([True, False]), x * 2, y * 3).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0]
    assert y.grad.tolist() == [0.0, 3.0]


def test_where_passes_no_gradient_to_a_branch_not_taken_whose_slope_is_infinite_only_by_sanitising():
    # PyTorch's NaN too: where sends 0 back, and 0·inf is NaN. The remedy is to sanitise the input, as here.
    x = tensor([0.0, 4.0], requires_grad=True)
    safe = gw.where(x > 0, x, 1.0)
    gw.where(x > 0, safe.sqrt(), 0.0).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


# --- values ------------------------------------------------------------------------------------------------
VALUES: list[tuple[str, Callable[[Any], Any], Any]] = [
    ("exp overflows", lambda x: x.exp(), [1000.0, -1000.0]),
    ("log of 0 and less", lambda x: x.log(), [0.0, -1.0]),
    ("sqrt of less than 0", lambda x: x.sqrt(), [-1.0]),
    ("division by 0", lambda x: x / 0, [1.0, -1.0, 0.0]),
    ("inf - inf", lambda x: x - x, [INF]),
    ("0 times inf", lambda x: x * 0, [INF, NAN]),
    ("overflow of a product", lambda x: x * x, [1e300]),
    ("sum of inf and -inf", lambda x: x.sum(), [INF, -INF]),
    ("matmul of inf", lambda x: x @ x, [INF, 0.0]),
    ("softmax of nothing but -inf", lambda x: x.softmax(0), [-INF, -INF]),
    ("log_softmax of nothing but -inf", lambda x: x.log_softmax(0), [-INF, -INF]),
    ("softmax of inf", lambda x: x.softmax(0), [INF, 0.0]),
    ("logsumexp of nothing but -inf", lambda x: x.logsumexp(0), [-INF, -INF]),
    ("logsumexp of nothing", lambda x: x.logsumexp(0), []),
    ("logsumexp of inf", lambda x: x.logsumexp(0), [INF, 0.0]),
    ("relu of nan", lambda x: x.relu(), [NAN, INF, -INF]),
    ("clamp of nan", lambda x: x.clamp(0, 1), [NAN, INF, -INF]),
    ("amax of nan", lambda x: x.amax(), [NAN, 1.0]),
    ("sigmoid far out", lambda x: x.sigmoid(), [-1000.0, 1000.0, NAN]),
    ("mean of nothing", lambda x: x.mean(), []),
    ("var of one", lambda x: x.var(correction=0), [3.0]),
    ("var unbiased", lambda x: x.var(), [1.0, 2.0, 4.0]),
    ("var biased", lambda x: x.var(correction=0), [1.0, 2.0, 4.0]),
    ("float to whole truncates", lambda x: x.long(), [1.9, -1.9]),
]


@pytest.mark.parametrize(("name", "function", "values"), VALUES, ids=[v[0] for v in VALUES])
def test_infinities_and_nan_are_torchs_values_and_warn_nobody(name: str, function: Any, values: Any):
    ours = function(tensor(values, dtype=np.float64))
    theirs = function(torch.tensor(values, dtype=torch.float64))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12)


def test_var_is_unbiased_unless_told_along_an_axis():
    x = np.random.default_rng(0).normal(size=(3, 4))
    t = torch.tensor(x)
    for dim in (0, 1, -1, (0, 1)):
        for correction in (0, 1, 2):
            for keepdim in (False, True):
                np.testing.assert_allclose(
                    Tensor(x).var(dim, correction=correction, keepdim=keepdim).numpy(),
                    t.var(dim, correction=correction, keepdim=keepdim).numpy(),
                    rtol=1e-12,
                )
    np.testing.assert_allclose(Tensor(x).mean((0, 1), True).numpy(), t.mean((0, 1), keepdim=True).numpy(), rtol=1e-12)


def test_sums_of_truth_values_and_small_integers_are_int64():
    for dtype in (np.bool_, np.int8, np.uint8, np.int32, np.int64):
        assert tensor(np.ones(300, dtype)).sum().dtype == np.int64
        assert tensor(np.ones(300, dtype)).sum().item() == 300
        assert tensor(np.ones((2, 3), dtype)).sum(0).dtype == np.int64


# --- every function at the edges of its numbers --------------------------------------------------------------
#: Kinks, ties, zeros of both signs, infinities, NaN, where exponentials overflow; then a denormal and a huge number.
POINTS = [
    *(0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 6.0, 20.0, -20.0, 25.0, 88.0, -88.0, 1000.0, -1000.0),
    *(1e-8, -1e-8, INF, -INF, NAN),
]  # fmt: skip
DENORMAL = {np.float64: 1e-310, np.float32: 1e-40}
HUGE = {np.float64: 1e200, np.float32: 1e30}

Function = Callable[..., Any]
words = str.split
SAME_NAME = words("""
    abs absolute neg sign sgn exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan asin acos
    atan sinh cosh tanh asinh acosh atanh sigmoid erf erfc erfinv lgamma digamma floor ceil round trunc frac nan_to_num
    sinc logit relu selu isnan isinf isfinite isposinf isneginf signbit logical_not deg2rad rad2deg positive i0
""")
SAME_SPECIAL = words("entr ndtr ndtri log_ndtr i0e i1 i1e expit gammaln")
SAME_ACTIVATION = words("""
    relu6 leaky_relu elu celu gelu silu mish hardtanh hardsigmoid hardswish hardshrink softshrink tanhshrink logsigmoid
    softplus softsign
""")
SAME_OF_TWO = words("""
    add sub mul div pow atan2 remainder fmod maximum minimum fmax fmin hypot logaddexp logaddexp2 xlogy copysign
    floor_divide clamp_min clamp_max heaviside isclose eq ne lt le gt ge logical_and logical_or logical_xor
""")

ONE: dict[str, tuple[Function, Function]] = {
    **{name: (getattr(gw, name), getattr(torch, name)) for name in SAME_NAME},
    **{f"special.{name}": (getattr(special, name), getattr(torch.special, name)) for name in SAME_SPECIAL},
    **{f"F.{name}": (getattr(activation, name), getattr(F, name)) for name in SAME_ACTIVATION},
    "gelu, tanh": (lambda x: activation.gelu(x, "tanh"), lambda x: F.gelu(x, approximate="tanh")),
    "softplus, steep": (lambda x: activation.softplus(x, 2, 10), lambda x: F.softplus(x, 2, 10)),
    "celu, 2": (lambda x: activation.celu(x, 2.0), lambda x: F.celu(x, 2.0)),
    "threshold": (lambda x: activation.threshold(x, 0.5, 7.0), lambda x: F.threshold(x, 0.5, 7.0)),
    "hardshrink at 0": (lambda x: activation.hardshrink(x, 0.0), lambda x: F.hardshrink(x, 0.0)),
    "softshrink at 0": (lambda x: activation.softshrink(x, 0.0), lambda x: F.softshrink(x, 0.0)),
    "polygamma": (lambda x: gw.polygamma(1, x), lambda x: torch.polygamma(1, x)),
    "logit, clamped": (lambda x: gw.logit(x, 0.25), lambda x: torch.logit(x, 0.25)),
    "clamp": (lambda x: gw.clamp(x, -1, 1), lambda x: torch.clamp(x, -1, 1)),
    "clamp to nothing": (lambda x: gw.clamp(x, 2, 1), lambda x: torch.clamp(x, 2, 1)),
    "round, decimals": (lambda x: gw.round(x, decimals=2), lambda x: torch.round(x, decimals=2)),
    "x**2": (lambda x: x**2, lambda x: x**2),
    "x**3.0": (lambda x: x**3.0, lambda x: x**3.0),
    "x**0.5": (lambda x: x**0.5, lambda x: x**0.5),
    "x**-1": (lambda x: x**-1, lambda x: x**-1),
    "2**x": (lambda x: 2**x, lambda x: 2**x),
    "0**x": (lambda x: 0**x, lambda x: 0**x),
    "x % 3": (lambda x: x % 3, lambda x: x % 3),
    "5 % x": (lambda x: 5 % x, lambda x: 5 % x),
    "x // 3": (lambda x: x // 3, lambda x: x // 3),
    "5 // x": (lambda x: 5 // x, lambda x: 5 // x),
    "fmod": (lambda x: gw.fmod(x, 3), lambda x: torch.fmod(x, 3)),
    "x / 0": (lambda x: x / 0, lambda x: x / 0),
    "1 / x": (lambda x: 1 / x, lambda x: 1 / x),
    "1 - x": (lambda x: 1 - x, lambda x: 1 - x),
}  # fmt: skip
TWO: dict[str, tuple[Function, Function]] = {
    **{name: (getattr(gw, name), getattr(torch, name)) for name in SAME_OF_TWO},
    "xlog1py": (special.xlog1py, torch.special.xlog1py),
    "div, trunc": (
        lambda x, y: gw.div(x, y, rounding_mode="trunc"),
        lambda x, y: torch.div(x, y, rounding_mode="trunc"),
    ),
    "prelu": (lambda x, y: gw.prelu(x.reshape(1, -1), y), lambda x, y: torch.prelu(x.reshape(1, -1), y)),
    "lerp": (lambda x, y: gw.lerp(x, x * 2, y), lambda x, y: torch.lerp(x, x * 2, y)),
    "clamp, tied bounds": (lambda x, y: gw.clamp(x, y, y), lambda x, y: torch.clamp(x, y, y)),
    "clamp, bounds": (lambda x, y: gw.clamp(x, y, x * 0 + 1), lambda x, y: torch.clamp(x, y, x * 0 + 1)),
    "isclose, equal_nan": (
        lambda x, y: gw.isclose(x, y, equal_nan=True),
        lambda x, y: torch.isclose(x, y, equal_nan=True),
    ),
}

#: Where the answer is deliberately another: the points, and why.
ANOTHER: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "acosh": (lambda x: x == -1, "outside the domain"),
    "lgamma": (lambda x: np.abs(x) < 1e-300, "SciPy's overflows at denormals"),
    "special.gammaln": (lambda x: np.abs(x) < 1e-300, "SciPy's overflows at denormals"),
    "digamma": (lambda x: (x < 0) & (x == np.floor(x)), "poles, where PyTorch's slope is some large number"),
    "polygamma": (lambda x: (x <= 0) & (x == np.floor(x)) | np.isinf(x), "PyTorch's poles are large numbers"),
    "sinc": (lambda x: (np.abs(x) < 1e-7) & (x != 0) | (np.abs(x) > 1e20), "PyTorch's slope has lost its digits"),
    "special.log_ndtr": (lambda x: x <= -88, "neither slope has float32's digits"),
    "x**0.5": (np.signbit, "PyTorch's slope there is the square root's"),
    "5 % x": (lambda x: (x != 0) & (np.abs(x) < 1e-37), "PyTorch's quotient overflows"),
}


def points(dtype: Any) -> np.ndarray:
    return np.array([*POINTS, DENORMAL[dtype], -DENORMAL[dtype], HUGE[dtype], -HUGE[dtype]], dtype)


def agree(name: str, what: str, ours: Any, theirs: Any, inputs: tuple[np.ndarray, ...], skipped: np.ndarray) -> None:
    ours, theirs = np.ravel(ours.detach().numpy()), np.ravel(theirs.detach().numpy(force=True))
    assert ours.dtype == theirs.dtype
    rtol = {"f8": 1e-9, "f4": 2e-5}.get(ours.dtype.str[1:], 0)
    if name == "F.hardsigmoid":
        rtol = 2e-7 if rtol < 1e-7 else rtol  # PyTorch's slope is 1/6 in float32
    atol = 4 * float(np.finfo(theirs.dtype).eps) if theirs.dtype.kind == "f" else 0
    with np.errstate(all="ignore"):
        same = np.isclose(ours, theirs, rtol=rtol, atol=atol, equal_nan=True) | skipped
    if not same.all():
        i = int(np.argmin(same))
        at = ", ".join(repr(x[i].item()) for x in inputs)
        pytest.fail(f"{name}, {what} at {at}: {ours[i]!r}, PyTorch's {theirs[i]!r} ({(~same).sum()} of {same.size})")


def compared_at(name: str, functions: tuple[Function, Function], inputs: tuple[np.ndarray, ...]) -> None:
    skip = ANOTHER.get(name)
    skipped = skip[0](inputs[0]) if skip else np.zeros(inputs[0].shape, bool)
    ours = [tensor(x, requires_grad=True) for x in inputs]
    theirs = [torch.tensor(x, requires_grad=True) for x in inputs]
    a, b = functions[0](*ours), functions[1](*theirs)
    agree(name, "value", a, b, inputs, skipped)
    if not b.requires_grad:
        assert not a.requires_grad
        return
    try:
        b.sum().backward()
    except RuntimeError as error:
        if "is not implemented" in str(error):
            return
        raise
    a.sum().backward()
    if len(inputs) == 1:  # PyTorch's slope at NaN depends on whether a vector instruction met it
        skipped |= np.isnan(inputs[0])
    for i, (x, y) in enumerate(zip(ours, theirs, strict=True)):
        agree(name, f"gradient {i}", x.grad, y.grad, inputs, skipped)


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("name", ONE)
def test_one_argument_at_the_edges(name: str, dtype: Any):
    compared_at(name, ONE[name], (points(dtype),))


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("name", TWO)
def test_two_arguments_at_the_edges(name: str, dtype: Any):
    edges = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, INF, -INF, NAN, 1000.0, -1000.0, HUGE[dtype]], dtype)
    compared_at(name, TWO[name], (np.repeat(edges, edges.size), np.tile(edges, edges.size)))


def test_saturating_functions_are_finite_under_xla_where_they_are_eagerly():
    names = words("sigmoid log1p tanh selu F.elu F.gelu F.silu F.mish F.logsigmoid F.softplus F.hardswish")
    x = np.array(POINTS, np.float32)

    def step(array: Any) -> list[Any]:
        found = []
        for name in names:
            leaf = Tensor(array).requires_grad_()
            out = ONE[name][0](leaf)
            out.sum().backward()
            found += [out._array, leaf.grad._array]
        return found

    for name, ours, eager in zip(np.repeat(names, 2), jax.jit(step)(x), step(x), strict=True):
        np.testing.assert_allclose(np.asarray(ours), eager, rtol=2e-5, atol=1e-6, err_msg=name)
