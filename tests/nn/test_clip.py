"""Gradient clipping against PyTorch, and what a norm that is not finite does."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn
from gradwright.errors import ConfigError, NonFiniteError
from gradwright.nn.utils import clip_grad_norm_, clip_grad_norm_per_layer_, clip_grad_value_

from .conformance import close

SHAPES = [(3, 4), (5,), (), (2, 2, 2)]


def parameters(scale=1.0):
    rng = np.random.default_rng(0)
    ours, theirs = [], []
    for i, shape in enumerate(SHAPES):
        p, g = rng.normal(size=shape), rng.normal(size=shape) * scale
        mine, other = nn.Parameter(gw.tensor(p)), torch.nn.Parameter(torch.tensor(p))
        if i != 1:  # one has no gradient
            mine.grad, other.grad = gw.tensor(g), torch.tensor(g)
        ours.append(mine)
        theirs.append(other)
    return ours, theirs


def same_gradients(ours, theirs):
    for mine, other in zip(ours, theirs, strict=True):
        if other.grad is None:
            assert mine.grad is None
        else:
            close(mine.grad, other.grad, 1e-12)


@pytest.mark.parametrize("norm_type", [1, 2, 3, math.inf, 2.5])
@pytest.mark.parametrize("max_norm", [0.1, 1.0, 1000.0])
def test_clip_by_norm_is_pytorchs(norm_type, max_norm):
    ours, theirs = parameters()
    norm = clip_grad_norm_((p for p in ours), max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    close(norm, expected, 1e-12)
    same_gradients(ours, theirs)


@pytest.mark.parametrize("norm_type", [2, math.inf])
def test_clip_per_layer_is_pytorchs_on_each(norm_type):
    ours, theirs = parameters()
    norms = clip_grad_norm_per_layer_(ours, 0.5, norm_type)
    expected = [torch.nn.utils.clip_grad_norm_(p, 0.5, norm_type) for p in theirs if p.grad is not None]
    for norm, other in zip(norms, expected, strict=True):
        close(norm, other, 1e-12)
    same_gradients(ours, theirs)
    ours, theirs = parameters()  # layers of two parameters
    clip_grad_norm_per_layer_([ours[:2], iter(ours[2:])], 0.5, norm_type)
    for layer in (theirs[:2], theirs[2:]):
        torch.nn.utils.clip_grad_norm_(layer, 0.5, norm_type)
    same_gradients(ours, theirs)
    assert clip_grad_norm_per_layer_([nn.Parameter(gw.zeros(2))], 1.0) == []


def test_clip_per_layer_changes_nothing_when_one_norm_is_not_finite_and_compiled_only_that_layer():
    def fresh():
        a, b = nn.Parameter(gw.ones(2)), nn.Parameter(gw.ones(2))
        a.grad, b.grad = gw.tensor([3.0, 4.0]), gw.tensor([1.0, float("inf")])
        return a, b

    a, b = fresh()
    with pytest.raises(NonFiniteError, match="clip_grad_norm_per_layer_: the gradient norm is inf"):
        clip_grad_norm_per_layer_([a, b], 1.0)
    np.testing.assert_array_equal(a.grad.numpy(), [3.0, 4.0])

    step = gw.compile(lambda: clip_grad_norm_per_layer_([a, b], 1.0))
    step()
    np.testing.assert_allclose(a.grad.numpy(), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_array_equal(b.grad.numpy(), [1.0, np.inf])


def test_clip_by_value_is_pytorchs():
    ours, theirs = parameters()
    clip_grad_value_(ours, 0.5)
    torch.nn.utils.clip_grad_value_(theirs, 0.5)
    same_gradients(ours, theirs)


def test_one_tensor_and_no_gradients():
    ours, theirs = parameters()
    clip_grad_norm_(ours[0], 0.1)
    torch.nn.utils.clip_grad_norm_(theirs[0], 0.1)
    same_gradients(ours, theirs)
    assert clip_grad_norm_([nn.Parameter(gw.zeros(2))], 1.0).item() == 0
    clip_grad_value_([nn.Parameter(gw.zeros(2))], 1.0)


def test_zero_gradients_stay_zero():
    p = nn.Parameter(gw.ones(3))
    p.grad = gw.zeros(3)
    assert clip_grad_norm_([p], 1.0).item() == 0
    np.testing.assert_array_equal(p.grad.numpy(), np.zeros(3))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("norm_type", [2, math.inf])
def test_a_norm_that_is_not_finite_is_an_error_that_changes_nothing(bad, norm_type):
    ours, _ = parameters()
    g = ours[3].grad.numpy()
    g[0, 1, 0] = bad
    ours[3].grad = gw.tensor(g)
    ours[3].name = "head.weight"
    before = [p.grad for p in ours]
    with pytest.raises(NonFiniteError, match=r"head.weight.*Nothing was changed"):
        clip_grad_norm_(ours, 1.0, norm_type)
    assert all(a is p.grad for a, p in zip(before, ours, strict=True))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_inside_a_compiled_step_such_a_norm_leaves_the_gradients_alone(bad):
    model = nn.Linear(2, 1)

    def step(x):
        model.zero_grad()
        model(x).sum().backward()
        return clip_grad_norm_(model.parameters(), 0.5)

    x = np.array([[bad, 1.0], [2.0, 3.0]], np.float32)
    norm = gw.compile(step)(gw.tensor(x))
    assert not np.isfinite(norm.item())
    np.testing.assert_array_equal(model.weight.grad.numpy(), [[bad, 4.0]])
    np.testing.assert_array_equal(model.bias.grad.numpy(), [2.0])


def test_compiled_is_eager():
    model = nn.Linear(3, 2).double()

    def step(x):
        model.zero_grad()
        (model(x) ** 2).sum().backward()
        return clip_grad_norm_(model.parameters(), 0.5)

    x = gw.tensor(np.random.default_rng(0).normal(size=(4, 3)))
    norm = step(x).item()
    eager = [p.grad.numpy() for p in model.parameters()]
    assert gw.compile(step)(x).item() == pytest.approx(norm, rel=1e-12)
    for p, g in zip(model.parameters(), eager, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), g, rtol=1e-12)


def test_a_norm_below_1_is_refused():
    ours, _ = parameters()
    with pytest.raises(ConfigError, match=r"0\.5"):
        clip_grad_norm_(ours, 1.0, 0.5)
