"""Dropout: its rate, its scaling, its edges, and the same masks in every mode."""

from __future__ import annotations

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn
from gradwright.errors import ConfigError
from gradwright.nn import functional as F

N = 200_000


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_rate_and_scaling(p):
    gw.manual_seed(1)
    y = nn.Dropout(p)(gw.ones(N)).numpy()
    dropped = (y == 0).mean()
    assert abs(dropped - p) < 5 * np.sqrt(p * (1 - p) / N)
    np.testing.assert_array_equal(np.unique(y), np.float32([0, 1 / (1 - p)]))
    assert y.mean() == pytest.approx(1, abs=0.03)


def test_elements_are_dropped_independently():
    gw.manual_seed(2)
    mask = nn.Dropout(0.5)(gw.ones(400, 500)).numpy() == 0
    for axis in (0, 1):
        means = mask.mean(axis)
        assert means.std() == pytest.approx(np.sqrt(0.25 / mask.shape[axis]), rel=0.15)
    both = (mask[:, 1:] & mask[:, :-1]).mean()
    assert both == pytest.approx(0.25, abs=0.005)


def test_each_pass_draws_another_mask():
    layer = nn.Dropout(0.5)
    a, b = layer(gw.ones(100)).numpy(), layer(gw.ones(100)).numpy()
    assert (a != b).any()


def test_the_gradient_passes_where_the_value_did():
    x = gw.ones(1000, requires_grad=True)
    y = nn.Dropout(0.4)(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())


def test_rate_0_keeps_all_and_rate_1_drops_all():
    x = gw.randn(50, requires_grad=True)
    np.testing.assert_array_equal(nn.Dropout(0.0)(x).detach().numpy(), x.detach().numpy())
    y = nn.Dropout(1.0)(x)
    y.sum().backward()
    assert not y.detach().numpy().any()
    assert not x.grad.numpy().any()


def test_evaluation_is_the_identity():
    x = gw.randn(50)
    layer = nn.Dropout(0.5).eval()
    np.testing.assert_array_equal(layer(x).numpy(), x.numpy())


@pytest.mark.parametrize("p", [0.0, 0.25, 0.9, 1.0])
def test_the_same_masks_eagerly_and_compiled(p):
    layer = nn.Dropout(p)
    step = gw.compile(lambda x: layer(x))
    x = gw.tensor(np.arange(1, 101, dtype=np.float32))
    draws = []
    for run in (layer, step):
        gw.manual_seed(5)
        masks = [run(x).detach().numpy() for _ in range(3)]
        draws.append((masks, gw.current_generator().get_state()))
    for eager, compiled in zip(draws[0][0], draws[1][0], strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-6)
    assert draws[0][1] == draws[1][1]


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_every_rate_takes_one_draw_so_that_later_masks_do_not_depend_on_it(p):
    gw.manual_seed(0)
    F.dropout(gw.ones(10), p)
    assert gw.current_generator().get_state()[2] == 1


def test_the_rate_may_change_without_a_new_trace():
    layer = nn.Dropout(0.5)
    step = gw.compile(lambda x: layer(x))
    rates = []
    for p in (0.5, 0.1, 0.9, 1.0):
        layer.p = p
        rates.append((step(gw.ones(20_000)).numpy() == 0).mean())
    np.testing.assert_allclose(rates, [0.5, 0.1, 0.9, 1.0], atol=0.02)
    assert step.traces == 1


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_a_rate_that_is_no_probability_is_refused(p):
    with pytest.raises(ConfigError, match="from 0 to 1"):
        nn.Dropout(p)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        F.dropout(gw.ones(3), p)
