"""The conformance suite itself: planted faults must fail it."""

from __future__ import annotations

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn
from gradwright.errors import GradwrightError

from . import test_layers


def linear_with(**methods):
    """A conformance case for a Linear with one fault."""
    layer = type("Linear", (nn.Linear,), methods)

    class Case(test_layers.TestLinear):
        def layer(self):
            return layer(4, 3)

    return Case()


def fails(test, *args):
    with pytest.raises((AssertionError, GradwrightError)):
        test(*args)


def test_a_wrong_value_is_caught():
    case = linear_with(forward=lambda self, x: nn.functional.linear(x, self.weight, self.bias) * (1 + 1e-10))
    fails(case.test_outputs_and_gradients_are_pytorchs)


def test_a_wrong_gradient_is_caught():
    def forward(self, x):
        right = nn.functional.linear(x, self.weight, self.bias)
        return right + (right * 1e-7 - (right * 1e-7).detach())  # right in value only

    case = linear_with(forward=forward)
    fails(case.test_outputs_and_gradients_are_pytorchs)


def test_a_gradient_that_does_not_reach_the_bias_is_caught():
    case = linear_with(forward=lambda self, x: nn.functional.linear(x, self.weight, self.bias.detach()))
    with pytest.raises((AssertionError, AttributeError, ValueError)):
        case.test_outputs_and_gradients_are_pytorchs()


def test_a_promotion_is_caught():
    case = linear_with(forward=lambda self, x: nn.functional.linear(x, self.weight, self.bias).double())
    fails(case.test_dtype_is_kept, np.float32)


def test_a_value_frozen_into_the_program_is_caught():
    calls = []

    def forward(self, x):
        calls.append(1)
        return nn.functional.linear(x, self.weight, self.bias) * len(calls)

    fails(linear_with(forward=forward).test_eager_and_compiled_agree, True, np.float32, 1e-5)


def test_another_layout_is_caught():
    def __init__(self, n, m):
        nn.Linear.__init__(self, m, n)

    fails(linear_with(__init__=__init__).test_state_dict_has_pytorchs_keys_and_layout_and_loads_both_ways)


def test_forgotten_arguments_are_caught():
    class Case(test_layers.TestLinearWithoutBias):
        def layer(self):
            layer = nn.Linear(4, 3, bias=False)
            layer.config = lambda: {"in_features": 4, "out_features": 3}
            return layer

    fails(Case().test_structure_round_trip)


def test_a_repr_is_caught():
    fails(linear_with(extra_repr=lambda self: "4, 3").test_repr_is_pytorchs)


def test_running_statistics_with_the_biased_variance_are_caught(monkeypatch):
    true = nn.functional.batch_norm

    def biased(x, mean, var, weight, bias, training, momentum, eps):
        before = None if var is None else gw.tensor(var)
        out = true(x, mean, var, weight, bias, training, momentum, eps)
        if training and var is not None:
            n = x.numel() // x.shape[1]
            old = (1 - momentum) * before
            var._assign(old + (var - old) * ((n - 1) / n))
        return out

    monkeypatch.setattr("gradwright.nn.functional.batch_norm", biased)
    fails(test_layers.TestBatchNorm1d().test_outputs_and_gradients_are_pytorchs)


def test_an_evaluation_that_still_counts_is_caught():
    class Case(test_layers.TestBatchNorm1d):
        def layer(self):
            layer = nn.BatchNorm1d(4)
            layer.register_forward_hook(lambda m, args, out: m.num_batches_tracked.add_(1) and None)
            return layer

    fails(Case().test_evaluation_changes_nothing)
