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


# --- whole channels ---------------------------------------------------------------------------------------------------
CHANNELS = [
    (F.dropout1d, (40, 30, 5)),
    (F.dropout1d, (900, 5)),
    (F.dropout2d, (40, 30, 2, 3)),
    (F.dropout3d, (40, 30, 2, 1, 3)),
    (F.dropout3d, (900, 2, 1, 3)),
]


@pytest.mark.parametrize(("function", "shape"), CHANNELS)
def test_channels_are_dropped_whole_and_the_others_scaled(function, shape):
    x = gw.tensor(np.random.default_rng(0).uniform(1, 2, shape), requires_grad=True)
    y = function(x, 0.25)
    ratio = (y / x).detach().numpy()
    flat = ratio.reshape(int(np.prod(shape[: 1 if len(shape) % 2 == 0 and function is not F.dropout2d else 2])), -1)
    np.testing.assert_allclose(flat, np.repeat(flat[:, :1], flat.shape[1], 1), rtol=1e-12)
    assert set(np.round(flat[:, 0], 9)) == {0.0, round(4 / 3, 9)}
    assert (flat[:, 0] == 0).mean() == pytest.approx(0.25, abs=0.06)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), ratio, rtol=1e-12)


def test_dropout2d_says_how_it_takes_three_axes():
    with pytest.warns(UserWarning, match=r"\(30, 20, 4\) for \(N, C, L\)"):
        y = F.dropout2d(gw.ones(30, 20, 4), 0.5).numpy()
    assert set(y.sum(2).ravel()) == {0.0, 8.0}


# --- alpha dropout ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("function", [F.alpha_dropout, F.feature_alpha_dropout])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_alpha_dropout_keeps_mean_0_and_variance_1(function, p):
    x = gw.randn(400, 500)
    y = function(x, p, training=True).numpy()
    dropped = y == np.unique(y)[np.argmax(np.unique(y, return_counts=True)[1])]
    assert dropped.mean() == pytest.approx(p, abs=0.01)
    assert y.mean() == pytest.approx(0, abs=0.02)
    assert y.std() == pytest.approx(1, abs=0.02)
    assert function(x, p) is x, "evaluation, the default"


def test_alpha_dropout_s_numbers_are_pytorchs():
    p, alpha = 0.3, 1.7580993408473766
    a = ((alpha**2 * p + 1) * (1 - p)) ** -0.5
    y = F.alpha_dropout(gw.tensor(np.ones(100)), p, True).numpy()
    np.testing.assert_allclose(np.unique(y), [a * alpha * p - a * alpha, a + a * alpha * p], rtol=1e-12)


def test_feature_alpha_dropout_drops_whole_channels():
    y = F.feature_alpha_dropout(gw.zeros(30, 20, 2, 3), 0.5, True).numpy().reshape(600, 6)
    np.testing.assert_array_equal(y, np.repeat(y[:, :1], 6, 1))
    assert len(np.unique(y)) == 2


def test_alpha_dropout_at_the_ends():
    x = gw.randn(50)
    np.testing.assert_array_equal(F.alpha_dropout(x, 0.0, True).numpy(), x.numpy())
    np.testing.assert_array_equal(F.alpha_dropout(x, 1.0, True).numpy(), np.zeros(50, np.float32))


# --- all of them ------------------------------------------------------------------------------------------------------
ALL = [
    (F.dropout, (20, 30)),
    (F.dropout1d, (20, 30, 2)),
    (F.dropout2d, (20, 30, 2, 1)),
    (F.dropout3d, (20, 30, 2, 1, 1)),
    (F.alpha_dropout, (20, 30)),
    (F.feature_alpha_dropout, (20, 30, 2)),
]


@pytest.mark.parametrize(("function", "shape"), ALL)
def test_in_place_writes_into_the_input(function, shape):
    x = gw.ones(*shape)
    gw.manual_seed(1)
    y = function(x, 0.5, True, True)
    assert y is x
    gw.manual_seed(1)
    np.testing.assert_array_equal(x.numpy(), function(gw.ones(*shape), 0.5, True).numpy())
    assert function(x, 0.5, False, True) is x


@pytest.mark.parametrize(("function", "shape"), ALL)
def test_each_takes_one_draw_and_the_rate_may_be_traced(function, shape):
    step = gw.compile(lambda x, p: function(x, p._array, True))
    x = gw.tensor(np.random.default_rng(0).uniform(1, 2, shape).astype(np.float32))
    for p in (0.25, 0.5):
        gw.manual_seed(2)
        eager = function(x, p, True).numpy()
        assert gw.current_generator().get_state()[2] == 1
        gw.manual_seed(2)
        np.testing.assert_allclose(step(x, gw.tensor(p)).numpy(), eager, rtol=1e-5, atol=1e-6)
    assert step.traces == 1
