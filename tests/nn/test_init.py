"""Initial values: ranges, variances and gains."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn import init

OUT, IN = 300, 200


@pytest.mark.parametrize(
    ("function", "options"),
    [
        ("uniform_", {"a": -2.0, "b": 3.0}),
        ("normal_", {"mean": 1.0, "std": 0.3}),
        ("xavier_uniform_", {}),
        ("xavier_uniform_", {"gain": 2.0}),
        ("xavier_normal_", {"gain": 5 / 3}),
        ("kaiming_uniform_", {"a": math.sqrt(5)}),
        ("kaiming_uniform_", {"nonlinearity": "relu", "mode": "fan_out"}),
        ("kaiming_normal_", {}),
        ("kaiming_normal_", {"nonlinearity": "relu"}),
        ("kaiming_normal_", {"nonlinearity": "tanh", "mode": "fan_out"}),
    ],
)
def test_range_mean_and_variance_are_pytorchs(function, options):
    gw.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    w, t = gw.zeros(OUT, IN), torch.zeros(OUT, IN)
    assert getattr(init, function)(w, **options).shape == (OUT, IN)
    getattr(torch.nn.init, function)(t, **options, generator=generator)
    ours, theirs = w.numpy(), t.numpy()
    assert ours.dtype == np.float32
    assert ours.mean() == pytest.approx(theirs.mean(), abs=4 * float(theirs.std()) / math.sqrt(OUT * IN / 2))
    assert ours.std() == pytest.approx(theirs.std(), rel=0.02)
    if "uniform" in function:
        assert ours.max() == pytest.approx(theirs.max(), rel=1e-3)
        assert ours.min() == pytest.approx(theirs.min(), rel=1e-3)
    else:
        assert abs(((ours - ours.mean()) / ours.std()) ** 4).mean() == pytest.approx(3, abs=0.15)


@pytest.mark.parametrize("name", ["linear", "sigmoid", "tanh", "relu", "leaky_relu"])
@pytest.mark.parametrize("param", [None, 0.2])
def test_gains_are_pytorchs(name, param):
    assert init.calculate_gain(name, param) == pytest.approx(torch.nn.init.calculate_gain(name, param), rel=1e-15)


def test_constants_and_parameters_keep_their_place():
    w = gw.nn.Parameter(gw.randn(3, 2))
    for function, value in [(init.zeros_, 0), (init.ones_, 1)]:
        function(w)
        np.testing.assert_array_equal(w.detach().numpy(), np.full((3, 2), value))
    init.constant_(w, 0.25)
    np.testing.assert_array_equal(w.detach().numpy(), np.full((3, 2), 0.25))
    assert w.requires_grad
    assert w.is_leaf


def test_convolution_shapes_count_the_field():
    gw.manual_seed(0)
    w = gw.zeros(64, 32, 3, 3)
    init.kaiming_normal_(w, nonlinearity="relu")
    assert w.numpy().std() == pytest.approx(math.sqrt(2 / (32 * 9)), rel=0.03)


def test_the_same_seed_gives_the_same_weights_in_both_widths():
    values = []
    for dtype in (np.float32, np.float64):
        gw.manual_seed(4)
        values.append(init.uniform_(gw.zeros(5, dtype=dtype)).numpy())
    assert values[1].dtype == np.float64
    np.testing.assert_array_equal(values[0], values[1])


def test_errors():
    with pytest.raises(ConfigError, match="'swish'"):
        init.calculate_gain("swish")
    with pytest.raises(ConfigError, match="'fan'"):
        init.kaiming_uniform_(gw.zeros(2, 2), mode="fan")
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        init.xavier_uniform_(gw.zeros(3))
