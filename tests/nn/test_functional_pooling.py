"""Pooling against PyTorch, ties and non-finite numbers included, and its refusals."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as T

import gradwright as gw
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn import functional as F

from .against_torch import agree

R = np.random.default_rng(0)
SIZES = (9, 7, 8)
each_dimension = pytest.mark.parametrize("n", [1, 2, 3])
each_ceil = pytest.mark.parametrize("ceil", [False, True])


@each_dimension
@each_ceil
@pytest.mark.parametrize("ties", [False, True])
def test_max_pool_and_its_indices_are_torchs(n: int, ceil: bool, ties: bool):
    ours, theirs = getattr(F, f"max_pool{n}d"), getattr(T, f"max_pool{n}d")
    for kernel, stride, padding, dilation in itertools.product((2, 3), (None, 1, 2, 3), (0, 1), (1, 2)):
        how: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil}
        how |= {"kernel_size": kernel, "return_indices": True}
        x = R.standard_normal((2, 2, *SIZES[:n]))
        agree(lambda x, how=how: ours(x, **how), lambda x, how=how: theirs(x, **how), np.round(x) if ties else x)
    agree(lambda x: ours(x, 2), lambda x: theirs(x, 2), R.standard_normal((3, *SIZES[:n])))


@each_dimension
@each_ceil
@pytest.mark.parametrize("with_padding", [False, True])
def test_avg_pool_is_torchs(n: int, ceil: bool, with_padding: bool):
    ours, theirs = getattr(F, f"avg_pool{n}d"), getattr(T, f"avg_pool{n}d")
    for kernel, stride, padding, divisor in itertools.product((2, 3), (None, 1, 2, 3), (0, 1), (None, 5)):
        how: dict[str, Any] = {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil}
        how["count_include_pad"] = with_padding
        if divisor is not None:
            if n == 1:
                continue
            how["divisor_override"] = divisor
        agree(
            lambda x, how=how: ours(x, **how),
            lambda x, how=how: theirs(x, **how),
            R.standard_normal((2, 2, *SIZES[:n])),
        )
    agree(lambda x: ours(x, 2), lambda x: theirs(x, 2), R.standard_normal((3, *SIZES[:n])))


@each_dimension
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 12])
def test_adaptive_pools_are_torchs(n: int, size: int):
    x = np.round(R.standard_normal((2, 2, *SIZES[:n])), 1)  # with ties
    ours, theirs = getattr(F, f"adaptive_avg_pool{n}d"), getattr(T, f"adaptive_avg_pool{n}d")
    agree(lambda x: ours(x, size), lambda x: theirs(x, size), x)
    agree(lambda x: ours(x, size), lambda x: theirs(x, size), x[0])
    most, theirs_most = getattr(F, f"adaptive_max_pool{n}d"), getattr(T, f"adaptive_max_pool{n}d")
    agree(lambda x: most(x, size, True), lambda x: theirs_most(x, size, True), x)
    agree(lambda x: most(x, size), lambda x: theirs_most(x, size), x[0])


def test_an_adaptive_size_of_none_keeps_the_axis():
    x = R.standard_normal((2, 2, 5, 6))
    agree(lambda x: F.adaptive_avg_pool2d(x, (None, 4)), lambda x: T.adaptive_avg_pool2d(x, (None, 4)), x)
    agree(lambda x: F.adaptive_max_pool2d(x, (2, None)), lambda x: T.adaptive_max_pool2d(x, (2, None)), x)


@each_dimension
@each_ceil
def test_lp_pool_is_torchs(n: int, ceil: bool):
    ours, theirs = getattr(F, f"lp_pool{n}d"), getattr(T, f"lp_pool{n}d")
    for norm, kernel, stride in itertools.product((1, 2, 3.0), (2, 3), (None, 2)):
        x = R.uniform(0.1, 1, (2, 2, *SIZES[:n]))
        agree(
            lambda x, a=(norm, kernel, stride): ours(x, *a, ceil),
            lambda x, a=(norm, kernel, stride): theirs(x, *a, ceil),
            x,
        )


@pytest.mark.parametrize("filling", [-np.inf, np.inf, np.nan])
@pytest.mark.parametrize("padding", [0, 1])
def test_max_pool_of_non_finite_numbers_is_torchs(filling: float, padding: int):
    x = R.standard_normal((1, 1, 6, 6))
    x[0, 0, :3, :3] = filling
    ours = F.max_pool2d(gw.tensor(x), 2, 1, padding, return_indices=True)
    theirs = T.max_pool2d(torch.tensor(x), 2, 1, padding, return_indices=True)
    np.testing.assert_array_equal(ours[0].numpy(), theirs[0].numpy())
    np.testing.assert_array_equal(ours[1].numpy(), theirs[1].numpy())


def test_indices_are_the_same_compiled():
    def pooled(x: gw.Tensor) -> Any:
        return F.max_pool2d(x, 3, 2, 1, return_indices=True), F.adaptive_max_pool2d(x, 4, return_indices=True)

    x = gw.tensor(np.round(R.standard_normal((2, 3, 7, 6)), 1))
    for ours, expected in zip(gw.compile(pooled)(x), pooled(x), strict=True):
        for a, b in zip(ours, expected, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda x: F.max_pool2d(x, 6), ShapeError, ["(6, 6)", "(1, 3, 5, 5)"]),
        (lambda x: F.max_pool2d(x[0, 0], 2), ShapeError, ["(5, 5)"]),
        (lambda x: F.max_pool2d(x, 2, padding=2), ConfigError, ["padding", "half"]),
        (lambda x: F.max_pool2d(x, 0), ConfigError, ["kernel_size", "0"]),
        (lambda x: F.max_pool2d(x, 2, stride=0), ConfigError, ["stride", "0"]),
        (lambda x: F.max_pool3d(x, (2, 2)), ConfigError, ["kernel_size", "(2, 2)"]),
        (lambda x: F.avg_pool2d(x, 2, divisor_override=0), ConfigError, ["divisor_override"]),
        (lambda x: F.adaptive_avg_pool2d(x, 0), ConfigError, ["output_size", "0"]),
        (lambda x: F.adaptive_avg_pool2d(x, (1, 2, 3)), ConfigError, ["output_size", "(1, 2, 3)"]),
        (lambda x: F.adaptive_max_pool1d(x, 2), ShapeError, ["(1, 3, 5, 5)"]),
        (lambda x: F.adaptive_avg_pool2d(gw.ones(1, 2, 0, 3), 2), ShapeError, ["(1, 2, 0, 3)"]),
        (lambda x: F.lp_pool2d(x, 0, 2), ConfigError, ["norm_type"]),
    ],
)
def test_what_does_not_fit_is_refused_in_words(call: Any, error: Any, said: list[str]):
    with pytest.raises(error) as caught:
        call(gw.ones(1, 3, 5, 5))
    for part in said:
        assert part in str(caught.value)
