"""Reductions, scans and sorting: ties, zeros, NaN and the forms of the calls are PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import errors

NAN, INF = float("nan"), float("inf")

#: An expression in `x`, with `T` either library, and the points at which value and gradient are compared.
KINKS: list[tuple[str, list[Any]]] = [
    ("x.max()", [3.0, 1.0, 3.0]),
    ("x.min()", [3.0, 1.0, 1.0]),
    ("x.max(0).values", [3.0, 1.0, 3.0]),
    ("x.min(dim=0)[0]", [[3.0, 1.0], [1.0, 1.0]]),
    ("x.max(1, True)[0]", [[3.0, 3.0], [1.0, 2.0]]),
    ("x.max(0).values", [3.0, NAN, 3.0]),
    ("T.aminmax(x).max", [3.0, 1.0, 3.0]),
    ("T.aminmax(x, dim=0).min", [3.0, 1.0, 1.0]),
    ("x.median()", [3.0, 1.0, 3.0, 2.0]),
    ("x.median()", [3.0, 1.0, 3.0]),
    ("x.median(0).values", [3.0, 1.0, 3.0, 3.0, 4.0]),
    ("x.median(0).values", [3.0, NAN, 3.0, NAN]),
    ("x.nanmedian()", [3.0, NAN, 1.0, NAN]),
    ("x.nanmedian(0).values", [3.0, NAN, 1.0, NAN]),
    ("x.nansum()", [NAN, 1.0, INF]),
    ("x.nanmean(0)", [[NAN, 1.0], [2.0, 3.0]]),
    ("x.std()", [2.0, 2.0, 2.0]),
    ("x.std(0)", [[2.0, 1.0], [2.0, 3.0]]),
    ("x.std(correction=0)", [2.0]),
    ("x.std()", [2.0]),
    ("x.var()", [2.0]),
    ("x.var(correction=3)", [2.0, 3.0]),
    ("x.prod()", [2.0, 0.0, 3.0]),
    ("x.prod()", [0.0, 0.0, 3.0]),
    ("x.prod(1)", [[2.0, 0.0, 3.0], [0.0, 0.0, 3.0]]),
    ("x.cumprod(0)", [2.0, 0.0, 3.0, 0.0, 2.0]),
    ("x.cummax(0).values", [3.0, 1.0, 3.0, NAN, 5.0, NAN]),
    ("x.cummin(0).values", [3.0, 1.0, 1.0, NAN, 0.0, NAN]),
    ("x.logcumsumexp(0)", [-INF, -INF, 1.0, 2.0]),
    ("x.logcumsumexp(0)", [1.0, INF, 1.0, 2.0]),
    ("x.logcumsumexp(0)", [700.0, 800.0, -800.0]),
    ("x.logsumexp(0)", [-INF, -INF]),
    ("x.quantile(0.3)", [3.0, 1.0, 2.0, 2.5]),
    ("x.nanquantile(0.5)", [3.0, NAN, 2.0, 2.5]),
    ("T.dist(x, x.detach())", [1.0, 2.0]),
    ("x.sort(descending=True).values", [1.0, NAN, 1.0, 2.0]),
    ("x.sort(stable=True).values", [1.0, NAN, 1.0, 2.0]),
    ("x.topk(2).values", [1.0, NAN, 1.0, 2.0]),
    ("x.kthvalue(2).values", [3.0, 1.0, 2.0]),
    ("x.mode().values", [3.0, 1.0, 3.0, 1.0]),
    ("x.scatter_reduce(0, T.tensor([0, 0, 1]), T.ones(3, dtype=T.float64), 'amax')", [1.0, 2.0]),
    ("x.scatter_reduce(0, T.tensor([0, 0, 1]), T.zeros(3, dtype=T.float64), 'prod')", [1.0, 2.0]),
    *[
        (f"T.norm(x, {p!r})", point)
        for p in ("fro", 0.5, 1, 1.5, 2, 3, INF, -INF, -1)
        for point in ([0.0, 0.0], [0.0, 2.0, -2.0])
    ],
]  # fmt: skip


def evaluated(expression: str, library: Any, x: Any) -> Any:
    return eval(expression, {"T": library, "x": x, "inf": INF})


@pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0:UserWarning")
@pytest.mark.parametrize(("expression", "point"), KINKS)
def test_values_and_gradients_at_ties_zeros_and_nan_are_torchs(expression: str, point: list[Any]):
    ours = gw.tensor(point, dtype=gw.float64, requires_grad=True)
    theirs = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    a, b = evaluated(expression, gw, ours), evaluated(expression, torch, theirs)
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-12)
    a.sum().backward()
    b.sum().backward()
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_second_derivatives_of_a_product_at_zeros():
    for point in ([2.0, 0.0, 3.0], [0.0, 0.0, 3.0]):
        x = gw.tensor(point, dtype=gw.float64, requires_grad=True)
        (slope,) = gw.autograd.grad(x.prod(), x, create_graph=True)
        rows = [gw.autograd.grad(slope[i], x, retain_graph=True)[0].tolist() for i in range(3)]
        a, b, c = point
        assert rows == [[0, c, b], [c, 0, a], [b, a, 0]]


INDICES = [
    ("x.argmax(0)", [1.0, NAN, 2.0, NAN]),
    ("x.argmin()", [[1.0, 0.0], [0.0, 2.0]]),
    ("x.max(0).indices", [3.0, NAN, 3.0, NAN]),
    ("x.cummax(0).indices", [3.0, 1.0, 3.0, NAN, 5.0, NAN]),
    ("x.cummin(0).indices", [3.0, 1.0, 1.0, NAN, 0.0, NAN]),
    ("x.median(0).indices", [3.0, NAN, 3.0, NAN]),
    ("x.nanmedian(0).indices", [NAN, NAN]),
    ("x.argsort(stable=True, descending=True)", [1.0, NAN, 1.0, 2.0, 2.0]),
    ("T.count_nonzero(x)", [0.0, NAN, 1.0]),
    ("x.any(1)", [[0.0, 0.0], [NAN, 0.0]]),
    ("x.all()", [1.0, NAN]),
    ("T.searchsorted(x, T.tensor([1.0, 2.5, 9.0], dtype=T.float64), right=True)", [1.0, 2.0, 3.0]),
    ("T.bucketize(x, T.tensor([1, 2]))", [0.5, 1.0, 2.5]),
    ("x.unique(return_inverse=True, return_counts=True)[1]", [[3.0, 1.0], [1.0, 3.0]]),
    ("x.unique()", [NAN, 1.0, NAN]),
    ("x.long().bincount(minlength=5)", [0.0, 1.0, 1.0]),
    ("x.sum(axis=0, keepdims=True)", [[1.0, 2.0], [3.0, 4.0]]),
    ("x.std(0, False)", [[1.0, 2.0], [3.0, 5.0]]),
    ("x.std(False)", [1.0, 2.0, 4.0]),
    ("x.var(0, unbiased=False, keepdim=True)", [1.0, 2.0, 4.0]),
    ("T.var_mean(x, 0)[0]", [1.0, 2.0, 4.0]),
    ("T.std_mean(x, 0, correction=0)[0]", [1.0, 2.0, 4.0]),
    ("T.max(x, T.tensor([2.0, 2.0], dtype=T.float64))", [1.0, 3.0]),
    ("T.max(x, other=T.tensor([2.0, 2.0], dtype=T.float64))", [1.0, 3.0]),
    ("T.sum(x, dtype=T.float32)", [1.0, 2.0]),
    ("T.mean(x.long(), dtype=T.float32)", [1.0, 2.0]),
    ("x.sum(0)", 3.0),
    ("x.max(-1).indices", 3.0),
    ("x.cumsum(0)", 3.0),
    ("x.sort().indices", 3.0),
    ("x.median(0).values", 3.0),
    ("x.topk(1).values", 3.0),
    ("x.logsumexp(0)", 3.0),
]


@pytest.mark.parametrize(("expression", "point"), INDICES)
def test_indices_answers_and_forms_are_torchs(expression: str, point: Any):
    a = evaluated(expression, gw, gw.tensor(point, dtype=gw.float64))
    b = evaluated(expression, torch, torch.tensor(point, dtype=torch.float64))
    assert a.dtype.name == str(b.dtype).removeprefix("torch.")
    assert tuple(a.shape) == tuple(b.shape)
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", ["max", "min", "median", "nanmedian", "mode", "sort", "cummax", "cummin"])
def test_pairs_have_names(name: str):
    out = getattr(gw.tensor([[3.0, 1.0]]), name)(dim=1)
    values, indices = out
    assert out.values is values
    assert out.indices is indices
    assert type(out).__name__ == name


REFUSED = [
    ("T.ones(2, 3).sum((0, 0))", errors.ShapeError, "twice"),
    ("T.ones(2, 3).sum(2)", errors.IndexOutOfRangeError, r"dim 2 .* \(2, 3\)"),
    ("T.ones(2, 3).median((0, 1))", errors.DTypeError, "dim must be an integer"),
    ("T.ones(0, 3).amax(0)", errors.ShapeError, r"\(0, 3\)"),
    ("T.ones(0).max()", errors.ShapeError, "nothing to choose from"),
    ("T.ones(0, 3).argmax(0)", errors.ShapeError, r"\(0, 3\)"),
    ("T.tensor([True]).argmax()", errors.DTypeError, "bool"),
    ("T.tensor([1, 2]).mean()", errors.DTypeError, "int64"),
    ("T.tensor([1, 2]).std()", errors.DTypeError, "int64"),
    ("T.tensor([1, 2]).norm()", errors.DTypeError, "int64"),
    ("T.ones(3).var(0, 2)", errors.DTypeError, "correction="),
    ("T.ones(3).var(0, True, correction=1)", errors.ConfigError, "not both"),
    ("T.ones(3).topk(4)", errors.IndexOutOfRangeError, "k = 4"),
    ("T.ones(3).kthvalue(0)", errors.IndexOutOfRangeError, "k = 0"),
    ("T.ones(3).quantile(1.5)", errors.IndexOutOfRangeError, "from 0 to 1"),
    ("T.bincount(T.tensor([-1]))", errors.DTypeError, "integers from 0"),
    ("T.searchsorted(T.ones(2, 3), T.ones(3, 3))", errors.ShapeError, r"\(3, 3\) .* \(2, 3\)"),
    ("T.diff(T.ones(2, 3), prepend=T.ones(2))", errors.ShapeError, r"\(2,\) does not fit \(2, 3\)"),
    ("T.norm(T.ones(2), 'what')", errors.ConfigError, "'what'"),
]


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED)
def test_what_pytorch_refuses_is_refused_with_a_reason(call: str, kind: type[Exception], message: str):
    with pytest.raises(kind, match=message):
        evaluated(call, gw, None)
    with pytest.raises((RuntimeError, TypeError, IndexError, ValueError)):
        evaluated(call, torch, None)


def test_a_median_a_sort_and_a_product_compile():
    @gw.compile
    def step(x: Any) -> Any:
        return x.median(0).values, x.sort(1, descending=True), x.cumprod(1), x.logcumsumexp(0), x.topk(2).indices

    x = gw.tensor([[3.0, 0.0, 2.0], [1.0, 5.0, 5.0], [2.0, 2.0, 0.0]])
    compiled = step(x)
    eager = (x.median(0).values, x.sort(1, descending=True), x.cumprod(1), x.logcumsumexp(0), x.topk(2).indices)
    for a, b in zip(compiled, eager, strict=True):
        for mine, other in zip(a if isinstance(a, tuple) else [a], b if isinstance(b, tuple) else [b], strict=True):
            np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-6)
    assert compiled[1].indices.tolist() == eager[1].indices.tolist()
