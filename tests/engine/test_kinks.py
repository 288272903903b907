"""Ties, kinks and edges of the domain: the gradients are PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import gradwright.engine.functions as gw
from gradwright.engine import tensor
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
