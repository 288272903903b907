"""Warps against SciPy, PyTorch and NumPy: the maps, their directions, and how the numbers in them are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import torch
import torch.nn.functional as T

import gradwright as gw
from gradwright import augment as A
from gradwright.augment import geometry

R = np.random.default_rng(0)
CASES = [
    (30.0, (0.0, 0.0), 1.0, (0.0, 0.0)),
    (0.0, (1.5, -0.75), 1.0, (0.0, 0.0)),
    (0.0, (0.0, 0.0), 1.4, (0.0, 0.0)),
    (0.0, (0.0, 0.0), 1.0, (20.0, 0.0)),
    (0.0, (0.0, 0.0), 1.0, (0.0, -15.0)),
    (-70.0, (0.6, 1.2), 0.7, (10.0, 25.0)),
]


def forward_map(angle: float, translate: tuple[float, float], scale: float, shear: tuple[float, float]) -> Any:
    """The documented equation, in (x, y) with y downwards: a matrix and a vector."""
    t, sx, sy = np.deg2rad([angle, *shear])
    turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    along_x, along_y = np.array([[1, -np.tan(sx)], [0, 1]]), np.array([[1, 0], [-np.tan(sy), 1]])
    return scale * turn @ along_y @ along_x, np.array(translate)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shape", [(7, 7), (6, 9)])
def test_a_warp_is_scipys(case: Any, shape: tuple[int, int]):
    x = R.standard_normal(shape)
    fill = 0.3
    ours = geometry.warp(gw.tensor(x[None, None]), *case, "bilinear", fill).numpy()[0, 0]
    m, t = forward_map(*case)
    back = np.linalg.inv(m)
    swap = np.array([[0, 1], [1, 0]])  # SciPy counts (row, column)
    matrix = swap @ back @ swap
    middle = (np.array(shape) - 1) / 2
    offset = middle - matrix @ (middle + t[::-1])
    theirs = scipy.ndimage.affine_transform(x, matrix, offset, order=1, mode="grid-constant", cval=fill)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic"])
def test_a_warp_and_its_gradient_are_torchs(interpolation: str):
    h, w = 6, 9
    x = R.standard_normal((len(CASES), 2, h, w))
    columns = [np.array(v) for v in zip(*[(a, *t, s, *sh) for a, t, s, sh in CASES], strict=True)]
    angle, right, down, scale, sx, sy = columns
    theta = []
    for case in CASES:
        m, t = forward_map(*case)
        back = np.linalg.inv(m)
        units = np.diag([2 / w, 2 / h])
        theta.append(np.hstack([units @ back @ np.linalg.inv(units), -(units @ back @ t)[:, None]]))
    ours, theirs = gw.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y = geometry.warp(ours, angle, (right, down), scale, (sx, sy), interpolation, 0.0)
    t = T.grid_sample(theirs, T.affine_grid(torch.tensor(np.array(theta)), [*x.shape], False), interpolation,
                      align_corners=False)  # fmt: skip
    np.testing.assert_allclose(y.detach().numpy(), t.detach().numpy(), rtol=0, atol=1e-12)
    g = R.standard_normal(y.shape)
    y.backward(gw.tensor(g))
    t.backward(torch.tensor(g))
    assert ours.grad is not None
    assert theirs.grad is not None
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=0, atol=1e-10)


def test_rotation_is_counter_clockwise_and_affine_clockwise():
    x = R.standard_normal((2, 3, 8, 8))
    for quarters in (1, 2, 3):
        for interpolation in ("bilinear", "nearest"):
            turned = A.RandomRotation((90 * quarters,) * 2, interpolation)(gw.tensor(x)).numpy()
            np.testing.assert_allclose(turned, np.rot90(x, quarters, (2, 3)), rtol=0, atol=1e-12)
        turned = A.RandomAffine((90 * quarters,) * 2)(gw.tensor(x)).numpy()
        np.testing.assert_allclose(turned, np.rot90(x, -quarters, (2, 3)), rtol=0, atol=1e-12)
    turned = A.RandomRotation((25, 25), fill=0.1)(gw.tensor(x[:, 0])).numpy()
    theirs = [scipy.ndimage.rotate(i, 25, reshape=False, order=1, mode="grid-constant", cval=0.1) for i in x[:, 0]]
    np.testing.assert_allclose(turned, theirs, rtol=0, atol=1e-12)


def test_scales_above_one_magnify_and_nearest_makes_no_new_values():
    x = np.zeros((1, 9, 9))
    x[0, 3:6, 3:6] = 1
    twice = A.RandomScale((5 / 3, 5 / 3), "nearest")(gw.tensor(x)).numpy()
    expected = np.zeros((1, 9, 9))
    expected[0, 2:7, 2:7] = 1
    np.testing.assert_array_equal(twice, expected)
    half = A.RandomScale((1 / 3, 1 / 3), "nearest", fill=7.0)(gw.tensor(x)).numpy()
    assert set(np.unique(half)) == {0.0, 1.0, 7.0}
    assert (half == 1).sum() == 1


def _recorded(monkeypatch: pytest.MonkeyPatch, module: Any, shape: tuple[int, ...]) -> Any:
    """What the module hands to its warp: angle, translate, scale, shear."""
    seen: list[Any] = []
    where = "gradwright.augment.placing" if isinstance(module, A.RandomShift) else "gradwright.augment.geometry"
    monkeypatch.setattr(f"{where}.warp", lambda x, *rest: seen.extend(rest[:4]) or x)
    gw.manual_seed(3)
    module(gw.zeros(shape))
    return seen


def _uniform(values: Any, low: float, high: float) -> None:
    values = np.asarray(values, np.float64)
    assert len(values) == 2000
    assert low <= values.min() <= values.max() <= high
    assert scipy.stats.kstest(values, "uniform", (low, high - low)).pvalue > 1e-3


def test_every_number_is_uniform_in_its_range(monkeypatch: pytest.MonkeyPatch):
    n = 2000
    module = A.RandomAffine((-10, 30), (0.1, 0.2), (0.5, 1.5), (-5, 5, 1, 9))
    angle, (right, down), scale, (sx, sy) = _recorded(monkeypatch, module, (n, 1, 20, 10))
    for values, low, high in (
        (angle, -10, 30), (right, -1, 1), (down, -4, 4), (scale, 0.5, 1.5), (sx, -5, 5), (sy, 1, 9),
    ):  # fmt: skip
        _uniform(values, low, high)
    together = np.corrcoef([angle, right, down, scale, sx, sy])
    assert np.abs(together - np.eye(6)).max() < 0.08  # each drawn for itself: 3.5 standard deviations of 1/√n
    _uniform(_recorded(monkeypatch, A.RandomRotation(15), (n, 4, 4))[0], -15, 15)
    _uniform(_recorded(monkeypatch, A.RandomScale(0.2), (n, 4, 4))[2], 0.8, 1.2)
    right, down = _recorded(monkeypatch, A.RandomShift(2.5, subpixel=True), (n, 4, 4))[1]
    _uniform(right, -2.5, 2.5)
    _uniform(down, -2.5, 2.5)
    assert abs(np.corrcoef(right, down)[0, 1]) < 0.08


def test_a_number_means_both_sides_and_nothing_given_means_no_change():
    module = A.RandomAffine(10, shear=5)
    assert module.degrees == (-10, 10)
    assert module.shear == (-5, 5, 0, 0)
    assert module.translate == (0, 0)
    assert module.scale == (1, 1)
    assert A.RandomScale(0.25).scale == (0.75, 1.25)
