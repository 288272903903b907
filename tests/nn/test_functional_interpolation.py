"""Resampling against PyTorch, and its refusals."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch.nn.functional as T

import gradwright as gw
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.functional import interpolation as F

from .against_torch import agree

R = np.random.default_rng(0)
SIZES = (9, 7, 8)
CASES = [(n, mode, None) for n in (1, 2, 3) for mode in ("nearest", "nearest-exact", "area")] + [
    (n, mode, corners)
    for n, mode in ((1, "linear"), (2, "bilinear"), (2, "bicubic"), (3, "trilinear"))
    for corners in (None, False, True)
]


@pytest.mark.parametrize(("n", "mode", "corners"), CASES)
def test_interpolation_is_torchs(n: int, mode: str, corners: bool | None):
    x = R.standard_normal((2, 2, *SIZES[:n]))
    for size in (1, 3, 8, 13, 14, 18):
        how: dict[str, Any] = {"size": size, "mode": mode, "align_corners": corners}
        agree(lambda x, how=how: F.interpolate(x, **how), lambda x, how=how: T.interpolate(x, **how), x)
    for scale, recompute in itertools.product((0.5, 0.7, 1.0, 1.3, 2, 2.5, 3), (None, True, False)):
        how = {"scale_factor": scale, "mode": mode, "align_corners": corners, "recompute_scale_factor": recompute}
        agree(lambda x, how=how: F.interpolate(x, **how), lambda x, how=how: T.interpolate(x, **how), x)


def test_different_scales_along_the_axes():
    x = R.standard_normal((1, 2, 5, 4))
    for how in (
        {"scale_factor": (2, 3)},
        {"size": (10, 3), "mode": "bilinear"},
        {"scale_factor": (0.6, 2.0), "mode": "bicubic"},
    ):
        agree(lambda x, how=how: F.interpolate(x, **how), lambda x, how=how: T.interpolate(x, **how), x)


def test_nearest_keeps_non_finite_numbers_to_themselves():
    x = gw.tensor(np.array([[[np.nan, 1.0, np.inf]]]))
    np.testing.assert_array_equal(F.interpolate(x, 6).numpy(), [[[np.nan, np.nan, 1, 1, np.inf, np.inf]]])
    np.testing.assert_array_equal(F.interpolate(x, 4).numpy(), [[[np.nan, np.nan, 1, np.inf]]])


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({}, ConfigError, "either size or scale_factor"),
        ({"size": 3, "scale_factor": 2}, ConfigError, "either size or scale_factor"),
        ({"size": 3, "mode": "cubic"}, ConfigError, "cubic"),
        ({"size": 3, "mode": "linear"}, ShapeError, "(1, 2, 4, 4)"),
        ({"size": 3, "align_corners": True}, ConfigError, "align_corners"),
        ({"size": 3, "mode": "bilinear", "antialias": True}, ConfigError, "antialias"),
        ({"size": (1, 2, 3)}, ConfigError, "(1, 2, 3)"),
        ({"scale_factor": -1}, ConfigError, "-1"),
        ({"scale_factor": 0.1}, ShapeError, "(1, 2, 4, 4)"),
        ({"size": 3, "recompute_scale_factor": True}, ConfigError, "recompute_scale_factor"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(how: dict[str, Any], error: Any, said: str):
    with pytest.raises(error) as caught:
        F.interpolate(gw.ones(1, 2, 4, 4), **how)
    assert said in str(caught.value)
