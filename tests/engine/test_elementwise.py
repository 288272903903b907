"""Functions of each element: what is refused, what Python numbers do, activations in place and at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import gradwright.engine.functions as gw
from gradwright.engine import tensor
from gradwright.engine.functions import activation
from gradwright.errors import GradwrightError

REFUSED: list[tuple[str, Callable[[], Any]]] = [
    ("abs of truth", lambda: tensor([True]).abs()),
    ("minus truth", lambda: -tensor([True])),
    ("truth minus truth", lambda: tensor([True]) - tensor([True])),
    ("truth to the power", lambda: tensor([True]) ** tensor([True])),
    ("floor of truth", lambda: tensor([True]).floor()),
    ("truth shifted", lambda: tensor([True]) << tensor([True])),
    ("bits of floats", lambda: tensor([1.0]) & tensor([1.0])),
    ("bits of floats turned over", lambda: ~tensor([1.0])),
    ("whole number to a negative power", lambda: tensor([2]) ** -1),
    ("whole number over 0", lambda: tensor([2]) // 0),
    ("whole number modulo 0", lambda: tensor([2]) % tensor([0])),
    ("a list added", lambda: tensor([2.0]).__add__([1.0])),
    ("text added", lambda: tensor([2.0]) + "1"),
    ("a complex number", lambda: tensor([2.0]) * 1j),
    ("clamp without bounds", lambda: tensor([2.0]).clamp()),
    ("clamp between a number and a Tensor", lambda: tensor([2.0]).clamp(0, tensor(1.0))),
    ("lerp of two dtypes", lambda: gw.lerp(tensor([2.0]), tensor([2.0], dtype=np.float64), 0.5)),
    ("isclose of two dtypes", lambda: gw.isclose(tensor([2.0]), tensor([2.0], dtype=np.float64))),
    ("addcdiv of whole numbers", lambda: gw.addcdiv(tensor([2]), tensor([2]), tensor([2]))),
    ("a fraction of a whole number", lambda: gw.frac(tensor([2]))),
    ("alpha with a fraction", lambda: gw.add(tensor([2]), tensor([2]), alpha=1.5)),
    ("a rounding mode that is none", lambda: gw.div(tensor([2.0]), 2, rounding_mode="up")),
    ("where of numbers", lambda: gw.where(tensor([2]), 1.0, 2.0)),
    ("where of one choice", lambda: gw.where(tensor([True]), 1.0)),
    ("polygamma of a negative order", lambda: gw.polygamma(-1, tensor([2.0]))),
    ("gelu of whole numbers", lambda: activation.gelu(tensor([2]))),
    ("gelu by another name", lambda: activation.gelu(tensor([2.0]), "sigmoid")),
    ("softmax of whole numbers", lambda: gw.softmax(tensor([2]), 0)),
    ("softmax beyond the axes", lambda: gw.softmax(tensor([2.0]), 1)),
    ("glu of an odd length", lambda: activation.glu(tensor([1.0, 2.0, 3.0]))),
    ("hardtanh with nothing between", lambda: activation.hardtanh(tensor([2.0]), 2, 1)),
    ("prelu with too many weights", lambda: gw.prelu(tensor([[1.0, 2.0]]), tensor([1.0, 2.0, 3.0]))),
    ("celu without a rate", lambda: activation.celu(tensor([2.0]), 0)),
    ("softshrink by less than nothing", lambda: activation.softshrink(tensor([2.0]), -1)),
    ("rrelu between nothing", lambda: activation.rrelu(tensor([2.0]), 0.5, 0.2)),
    ("shapes that do not fit", lambda: gw.atan2(tensor([1.0, 2.0]), tensor([1.0, 2.0, 3.0]))),
]


@pytest.mark.parametrize(("name", "call"), REFUSED, ids=[r[0] for r in REFUSED])
def test_refused_with_an_error_that_was_meant(name: str, call: Callable[[], Any]):
    with pytest.raises(GradwrightError):
        call()


def test_python_numbers_outside_a_small_dtype_wrap():
    pixels = np.array([1, 200], np.uint8)
    for function in (lambda x: x - 201, lambda x: x * 300, lambda x: x + (-1), lambda x: -1 - x):
        np.testing.assert_array_equal(function(tensor(pixels)).numpy(), function(torch.tensor(pixels)).numpy())


def test_a_tensor_is_no_none_no_text_and_no_list():
    x = tensor([1.0, 2.0])
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert (x == "x") is False
    assert (x == [1.0, 2.0]) is False


def test_where_of_numbers_and_of_places():
    condition = tensor([[True, False], [False, True]])
    theirs = torch.tensor(condition.numpy())
    for a, b in ((1, 2), (1.0, 2), (True, False)):
        ours, expected = gw.where(condition, a, b), torch.where(theirs, a, b)
        assert ours.dtype.name == str(expected.dtype).removeprefix("torch.")
        np.testing.assert_array_equal(ours.numpy(), expected.numpy())
    for ours, expected in zip(gw.where(condition), torch.where(theirs), strict=True):
        np.testing.assert_array_equal(ours.numpy(), expected.numpy())


@pytest.mark.parametrize(
    "name", str.split("relu relu6 leaky_relu elu selu celu silu mish hardtanh hardsigmoid hardswish")
)
def test_an_activation_in_place_takes_the_inputs_place_in_the_graph(name: str):
    values = [-2.0, -0.5, 0.5, 4.0]
    leaf, other = tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    x, y = leaf * 2, other * 2
    assert getattr(activation, name)(x, inplace=True) is x
    getattr(F, name)(y, inplace=True)
    (x * x).sum().backward()
    (y * y).sum().backward()
    np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(leaf.grad.numpy(), other.grad.numpy(), rtol=1e-5)


def test_rrelu_draws_a_slope_for_each_element():
    x = tensor(-np.ones((200, 5)), requires_grad=True)
    y = gw.rrelu(x, 0.1, 0.3, training=True)
    y.sum().backward()
    slopes = -y.detach().numpy()
    assert 0.1 <= slopes.min() < 0.12
    assert 0.28 < slopes.max() <= 0.3
    np.testing.assert_allclose(x.grad.numpy(), slopes)
    np.testing.assert_allclose(gw.rrelu(x, 0.1, 0.3).detach().numpy(), -0.2)


def test_gumbel_softmax_chooses_as_often_as_softmax_says():
    logits = tensor(np.tile([0.0, 1.0, 2.0], (20_000, 1)), requires_grad=True)
    hard = activation.gumbel_softmax(logits, hard=True)
    assert set(np.unique(np.round(hard.detach().numpy(), 6))) == {0.0, 1.0}
    np.testing.assert_allclose(hard.detach().numpy().mean(0), gw.softmax(logits, 1)[0].detach().numpy(), atol=0.02)
    (hard * tensor([1.0, 2.0, 4.0])).sum().backward()
    assert np.abs(logits.grad.numpy()).max() > 0


def test_softmax_without_a_dim_warns_and_chooses_as_torch_does():
    for shape in ((3,), (2, 3), (2, 3, 2)):
        x = np.random.default_rng(0).normal(size=shape)
        with pytest.warns(UserWarning, match="implicit choice of dim"):
            ours = activation.softmax(tensor(x))
        with pytest.warns(UserWarning, match="Implicit dimension choice"):
            theirs = F.softmax(torch.tensor(x))
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12)
