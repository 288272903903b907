"""Affine grids and sampling at them, against PyTorch; op_db's samples and ONNX's nodes run in tests/engine."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as T

import gradwright as gw
from gradwright.errors import ConfigError, DTypeError, ShapeError
from gradwright.nn.functional import affine_grid, grid_sample

from .against_torch import agree

R = np.random.default_rng(0)
MAPS = np.array([[[0.9, 0.2, 0.1], [-0.3, 1.2, 0.0]], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]) + R.normal(
    0, 0.01, (2, 2, 3)
)


@pytest.mark.filterwarnings("ignore:Since version 1.3.0")  # PyTorch's, about axes of one pixel
@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("size", [(2, 3, 5, 4), (2, 1, 1, 7), (2, 1, 3, 4, 5), (2, 1, 1, 1, 1)])
def test_affine_grids_are_torchs(size: tuple[int, ...], corners: bool):
    n = len(size) - 2
    theta = R.standard_normal((2, n, n + 1))
    agree(lambda t: affine_grid(t, size, corners), lambda t: T.affine_grid(t, list(size), corners), theta)


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_sampling_is_torchs_inside_and_far_outside(mode: str, padding: str, corners: bool):
    how: dict[str, Any] = {"mode": mode, "padding_mode": padding, "align_corners": corners}
    for lengths, places in (((5, 4), (3, 6)), ((1, 3), (2, 2)), ((3, 1, 4), (2, 3, 2))):
        n = len(lengths)
        if mode == "bicubic" and n == 3:
            continue
        x = R.standard_normal((2, 3, *lengths))
        grid = R.uniform(-3, 3, (2, *places, n))
        agree(lambda x, g: grid_sample(x, g, **how), lambda x, g: T.grid_sample(x, g, **how), x, grid)


@pytest.mark.parametrize("corners", [False, True])
def test_a_warp_is_torchs_with_the_gradient_of_the_map(corners: bool):
    x = R.standard_normal((2, 3, 6, 5))
    agree(
        lambda x, t: grid_sample(x, affine_grid(t, (2, 3, 7, 4), corners), align_corners=corners),
        lambda x, t: T.grid_sample(x, T.affine_grid(t, [2, 3, 7, 4], corners), align_corners=corners),
        x,
        MAPS,
    )


def test_halves_and_edges_go_where_torchs_go():
    x = R.standard_normal((1, 1, 1, 4))
    at = np.array([-1.5, -1.25, -1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5])
    grid = np.stack([at, np.zeros_like(at)], -1)[None, None]
    for mode, padding, corners in itertools.product(
        ("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"), (False, True)
    ):
        ours = grid_sample(gw.tensor(x), gw.tensor(grid), mode, padding, corners).numpy()
        theirs = T.grid_sample(torch.tensor(x), torch.tensor(grid), mode, padding, corners).numpy()
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_the_identity_gives_the_image_and_infinity_gives_nothing():
    x = gw.tensor(R.standard_normal((1, 2, 5, 3)))
    same = gw.tensor(np.array([[[1.0, 0, 0], [0, 1, 0]]]))
    np.testing.assert_allclose(grid_sample(x, affine_grid(same, x.shape)).numpy(), x.numpy(), rtol=0, atol=1e-14)
    far = gw.tensor(np.array([[[[np.inf, 0.0], [-np.inf, np.inf], [np.nan, 0.0], [1e300, 0.0]]]]))
    np.testing.assert_array_equal(grid_sample(x, far).numpy(), np.zeros((1, 2, 1, 4)))


_OTHERS = (("bicubic", "border"), ("nearest", "reflection"), ("bilinear", "reflection", True))


def test_compiled_as_eager():
    x, grid = (R.standard_normal(s).astype(np.float32) for s in ((2, 3, 6, 5), (2, 4, 3, 2)))

    def both_ways(x: gw.Tensor, theta: gw.Tensor, grid: gw.Tensor) -> list[Any]:
        x.requires_grad_()
        theta.requires_grad_()
        y = grid_sample(x, affine_grid(theta, x.shape)).sin().sum()
        y.backward()
        still = x.detach()
        return [y, x.grad, theta.grad, *(grid_sample(still, grid, *how) for how in _OTHERS)]

    step = gw.compile(both_ways)
    given = [gw.tensor(x), gw.tensor(MAPS.astype(np.float32)), gw.tensor(grid)]
    for ours, theirs in zip(step(*given), both_ways(*given), strict=True):
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1.3e-5, atol=1e-5)
    assert step.traces == 1


@pytest.mark.parametrize(
    ("shapes", "how", "error", "said"),
    [
        (((1, 4, 4), (1, 2, 2, 2)), {}, ShapeError, "(1, 4, 4)"),
        (((1, 1, 4, 4), (2, 2, 2, 2)), {}, ShapeError, "(2, 2, 2, 2)"),
        (((1, 1, 4, 4), (1, 2, 2, 3)), {}, ShapeError, "(1, 2, 2, 3)"),
        (((1, 1, 0, 4), (1, 2, 2, 2)), {}, ShapeError, "no pixels"),
        (((1, 1, 4, 4), (1, 2, 2, 2)), {"mode": "linear"}, ConfigError, "linear"),
        (((1, 1, 4, 4, 4), (1, 2, 2, 2, 3)), {"mode": "bicubic"}, ConfigError, "volumes"),
        (((1, 1, 4, 4), (1, 2, 2, 2)), {"padding_mode": "same"}, ConfigError, "same"),
    ],
)
def test_what_makes_no_sense_is_refused(shapes: Any, how: dict[str, Any], error: Any, said: str):
    with pytest.raises(error) as caught:
        grid_sample(gw.zeros(shapes[0]), gw.zeros(shapes[1]), **how)
    assert said in str(caught.value)


def test_grids_of_another_dtype_and_maps_of_another_shape_are_refused():
    with pytest.raises(DTypeError, match="float64"):
        grid_sample(gw.zeros(1, 1, 2, 2), gw.zeros(1, 1, 1, 2).double())
    with pytest.raises(DTypeError, match="int64"):
        grid_sample(gw.zeros(1, 1, 2, 2).long(), gw.zeros(1, 1, 1, 2))
    for shape, size in (((1, 2, 2), (1, 1, 4, 4)), ((2, 2, 3), (1, 1, 4, 4)), ((1, 2, 3), (1, 1, 4, 4, 4))):
        with pytest.raises(ShapeError, match="affine_grid"):
            affine_grid(gw.zeros(shape), size)
