"""Noise and colours: distributions against SciPy, formulas against torchvision's, written out in float64."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import gradwright as gw
from gradwright import augment as A
from gradwright.errors import DTypeError, ShapeError

R = np.random.default_rng(0)


def test_noise_is_normal_and_every_element_has_its_own():
    x = R.standard_normal((50, 100))
    z = A.GaussianNoise(mean=0.5, sigma=2.0)(gw.tensor(x)).numpy() - x
    assert len(np.unique(z)) == z.size
    assert scipy.stats.kstest(z.ravel(), "norm", (0.5, 2.0)).pvalue > 1e-3
    clipped = A.GaussianNoise(sigma=2.0, clip=True)(gw.tensor(x)).numpy()
    assert clipped.min() == 0
    assert clipped.max() == 1
    with pytest.raises(DTypeError, match="int64"):
        A.GaussianNoise()(gw.tensor([1, 2]))


def _blend(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    return share * a + (1 - share) * b


def test_colours_are_torchvisions():
    """``adjust_brightness``, ``adjust_contrast`` and ``adjust_saturation``, without their cut to [0, 1]."""
    x = R.uniform(size=(4, 3, 5, 6))

    def grey(v: np.ndarray) -> np.ndarray:
        return (0.2989 * v[:, 0] + 0.587 * v[:, 1] + 0.114 * v[:, 2])[:, None]

    expected = _blend(x, np.zeros_like(x), 1.3)
    expected = _blend(expected, grey(expected).mean((1, 2, 3), keepdims=True), 0.7)
    expected = _blend(expected, grey(expected), 0.4)
    ours = A.ColorJitter((1.3, 1.3), (0.7, 0.7), (0.4, 0.4))(gw.tensor(x)).numpy()
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)
    alone = A.RandomContrast((0.7, 0.7))(A.RandomBrightness((1.3, 1.3))(gw.tensor(x[:, 0]))).numpy()
    plain = 1.3 * x[:, 0]
    np.testing.assert_allclose(alone, _blend(plain, plain.mean((1, 2), keepdims=True), 0.7), rtol=0, atol=1e-12)


def test_black_stays_black_where_pixels_were_standardised():
    x = R.uniform(size=(3, 4, 4))
    mean, std = 0.3, 0.25
    standardised = gw.tensor((x - mean) / std)
    ours = A.RandomBrightness((1.5, 1.5), black=-mean / std)(standardised).numpy()
    np.testing.assert_allclose(ours * std + mean, 1.5 * x, rtol=0, atol=1e-12)
    # contrast is the same before and after standardisation
    ours = A.RandomContrast((1.5, 1.5))(standardised).numpy()
    theirs = A.RandomContrast((1.5, 1.5))(gw.tensor(x)).numpy()
    np.testing.assert_allclose(ours * std + mean, theirs, rtol=0, atol=1e-12)


def test_factors_are_uniform_in_their_ranges():
    x = np.ones((2000, 2, 2)) * [[0.25, 0.75], [0.25, 0.75]]
    given = gw.tensor(x)
    for found, low, high in (
        (A.RandomBrightness(0.4)(given).numpy()[:, 0, 0] / 0.25, 0.6, 1.4),
        (A.RandomBrightness(1.5)(given).numpy()[:, 0, 0] / 0.25, 0.0, 2.5),
        (np.diff(A.RandomContrast((0.5, 0.8))(given).numpy()[:, 0])[:, 0] / 0.5, 0.5, 0.8),
    ):
        assert low - 1e-9 <= found.min() <= found.max() <= high + 1e-9
        assert scipy.stats.kstest(found, "uniform", (low, high - low)).pvalue > 1e-3


def test_saturation_needs_colours():
    with pytest.raises(ShapeError, match=r"ColorJitter.*\(2, 1, 4, 4\)"):
        A.ColorJitter(saturation=0.5)(gw.zeros(2, 1, 4, 4))
    assert A.ColorJitter(brightness=0.5)(gw.zeros(2, 1, 4, 4)).shape == (2, 1, 4, 4)
