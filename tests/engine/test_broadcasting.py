"""Drawn shapes: broadcasting, axes of reductions and indices, values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import gradwright.engine.functions as gw
from gradwright.engine.tensor import Tensor
from gradwright.errors import ShapeError

shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
PAIRS: dict[str, tuple[Any, Any]] = {
    "add": (lambda x, y: x + y, torch.add),
    "sub": (lambda x, y: x - y, torch.sub),
    "mul": (lambda x, y: x * y, torch.mul),
    "div": (lambda x, y: x / y, torch.div),
    "maximum": (gw.maximum, torch.maximum),
    "where": (lambda x, y: gw.where(x > y, x, y), lambda x, y: torch.where(x > y, x, y)),
}


def filled(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.5, 2.0, shape)


@pytest.mark.parametrize("name", PAIRS)
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_pairs_broadcast_and_their_gradients_add_up(name: str, drawn: Any, seed: int):
    a, b = (filled(s, seed + k) for k, s in enumerate(drawn.input_shapes))
    xs, ts = [], []
    for v in (a, b):
        xs.append(Tensor(v).requires_grad_())
        ts.append(torch.tensor(v, requires_grad=True))
    ours, theirs = PAIRS[name][0](*xs), PAIRS[name][1](*ts)
    assert ours.shape == tuple(theirs.shape) == drawn.result_shape
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12)
    (ours * ours).sum().backward()
    (theirs * theirs).sum().backward()
    for x, t in zip(xs, ts, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-9, atol=1e-12)


@given(shapes, shapes)
@settings(max_examples=100, deadline=None)
def test_shapes_that_do_not_fit_are_refused_exactly_when_numpy_refuses(a: tuple[int, ...], b: tuple[int, ...]):
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        with pytest.raises(ShapeError) as caught:
            Tensor(np.ones(a)) + Tensor(np.ones(b))
        assert str(a) in str(caught.value)
        assert str(b) in str(caught.value)
    else:
        assert (Tensor(np.ones(a)) + Tensor(np.ones(b))).shape == expected


@st.composite
def shapes_and_axes(draw: Any, min_side: int = 0) -> tuple[tuple[int, ...], Any]:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=min_side, max_side=3))
    n = len(shape)
    axes = draw(st.one_of(st.none(), st.integers(-n, n - 1), hnp.valid_tuple_axes(n, min_size=1)))
    return shape, axes


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "logsumexp", "var"])
@given(shapes_and_axes(min_side=1), st.booleans(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_reductions_over_any_axes(name: str, drawn: Any, keepdim: bool, seed: int):
    shape, dim = drawn
    values = filled(shape, seed)
    x, t = Tensor(values).requires_grad_(), torch.tensor(values, requires_grad=True)
    everything = tuple(range(len(shape))) if dim is None else dim
    extra: dict[str, Any] = {"correction": 0} if name == "var" else {}
    ours = getattr(x, name)(dim, keepdim=keepdim, **extra)
    theirs = getattr(t, name)(everything, keepdim=keepdim, **extra)
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12, atol=1e-12)
    (ours * ours).sum().backward()
    (theirs * theirs).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), rtol=1e-9, atol=1e-12)


@given(shapes_and_axes(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_sums_of_empty_shapes(drawn: Any, keepdim: bool):
    shape, dim = drawn
    x = Tensor(np.ones(shape)).requires_grad_()
    out = x.sum(dim, keepdim)
    np.testing.assert_array_equal(out.detach().numpy(), np.ones(shape).sum(axis=dim, keepdims=keepdim))
    out.sum().backward()
    assert x.grad.shape == shape


@given(hnp.array_shapes(min_dims=1, max_dims=4, max_side=3), st.data())
@settings(max_examples=60, deadline=None)
def test_any_basic_index(shape: tuple[int, ...], data: Any):
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True))
    values = filled(shape, 0)
    x = Tensor(values).requires_grad_()
    out = x[index]
    np.testing.assert_array_equal(out.detach().numpy(), values[index])
    (out * 2).sum().backward()
    expected = np.zeros(shape)
    expected[index] = 2
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@given(hnp.array_shapes(min_dims=1, max_dims=3, max_side=3), st.data())
@settings(max_examples=60, deadline=None)
def test_any_integer_index_adds_up_repeats(shape: tuple[int, ...], data: Any):
    index = data.draw(hnp.integer_array_indices(shape))
    values = filled(shape, 0)
    x = Tensor(values).requires_grad_()
    out = x[index]
    np.testing.assert_array_equal(out.detach().numpy(), values[index])
    out.sum().backward()
    expected = np.zeros(shape)
    np.add.at(expected, index, 1)
    np.testing.assert_array_equal(x.grad.numpy(), expected)
