"""Flips, shifts and crops against NumPy's flips, pads and slices, exactly."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import scipy.stats

import gradwright as gw
from gradwright import augment as A
from gradwright.errors import ShapeError

R = np.random.default_rng(0)


def test_flips_are_numpys_and_as_frequent_as_they_should_be():
    x = R.standard_normal((2000, 2, 3, 4))
    for module, axis in ((A.RandomHorizontalFlip(0.3), 3), (A.RandomVerticalFlip(0.3), 2)):
        y = module(gw.tensor(x)).numpy()
        flipped = (y == np.flip(x, axis)).all((1, 2, 3))
        np.testing.assert_array_equal(y[~flipped], x[~flipped])
        assert scipy.stats.binomtest(int(flipped.sum()), 2000, 0.3).pvalue > 1e-3


def test_whole_shifts_are_slices_of_the_padded_image_and_equally_likely():
    x = R.standard_normal((2000, 2, 5, 6))
    y = A.RandomShift(2.9, fill=7.0)(gw.tensor(x)).numpy()
    padded = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), constant_values=7.0)
    found: Counter[tuple[int, int]] = Counter()
    for image, window in zip(padded, y, strict=True):
        fits = [(i, j) for i in range(5) for j in range(5) if np.array_equal(image[:, i : i + 5, j : j + 6], window)]
        assert len(fits) == 1
        found[fits[0]] += 1
    assert len(found) == 25
    assert scipy.stats.chisquare(list(found.values())).pvalue > 1e-3


@pytest.mark.parametrize(
    ("padding_mode", "numpys"),
    [("constant", "constant"), ("edge", "edge"), ("reflect", "reflect"), ("symmetric", "symmetric")],
)
@pytest.mark.parametrize("padding", [None, 2, (1, 3), (0, 1, 2, 3)])
def test_crops_are_slices_of_what_numpy_pads_and_equally_likely(padding_mode: str, numpys: Any, padding: Any):
    x = R.standard_normal((600, 1, 5, 6))
    y = A.RandomCrop((4, 3), padding, fill=0.5, padding_mode=padding_mode)(gw.tensor(x)).numpy()
    assert y.shape == (600, 1, 4, 3)
    left, top, right, bottom = {None: (0, 0, 0, 0), 2: (2, 2, 2, 2), (1, 3): (1, 3, 1, 3)}.get(padding, padding)
    more = {"constant_values": 0.5} if numpys == "constant" else {}
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), numpys, **more)
    h, w = padded.shape[2] - 3, padded.shape[3] - 2
    found: Counter[tuple[int, int]] = Counter()
    for image, window in zip(padded, y, strict=True):
        fits = [(i, j) for i in range(h) for j in range(w) if np.array_equal(image[:, i : i + 4, j : j + 3], window)]
        assert fits
        if len(fits) == 1:  # mirrored windows may repeat
            found[fits[0]] += 1
    if padding_mode == "constant":
        assert sum(found.values()) == 600
        counts = [found[i, j] for i in range(h) for j in range(w)]
        assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_the_window_may_be_the_images_own_or_larger():
    x = R.standard_normal((50, 4, 5))
    assert A.RandomCrop(padding=1)(gw.tensor(x)).shape == (50, 4, 5)
    y = A.RandomCrop(6, pad_if_needed=True, fill=9.0)(gw.tensor(x)).numpy()
    padded = np.pad(x, ((0, 0), (2, 2), (1, 1)), constant_values=9.0)
    for image, window in zip(padded, y, strict=True):
        assert any(np.array_equal(image[i : i + 6, j : j + 6], window) for i in range(3) for j in range(2))


def test_in_evaluation_the_middle_is_cut_out():
    x = R.standard_normal((2, 3, 8, 6))
    given = gw.tensor(x)
    np.testing.assert_array_equal(A.RandomCrop(4, padding=2).eval()(given).numpy(), x[:, :, 2:6, 1:5])
    assert A.RandomCrop((8, 6), padding=2).eval()(given) is given
    wide = A.RandomCrop((8, 10), pad_if_needed=True, fill=1.0).eval()(gw.tensor(x[:, 0])).numpy()
    np.testing.assert_array_equal(wide, np.pad(x[:, 0], ((0, 0), (0, 0), (2, 2)), constant_values=1.0))


def test_windows_and_mirrors_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError, match=r"\(6, 6\) is larger than images \(5, 5\)"):
        A.RandomCrop(6)(gw.zeros(2, 5, 5))
    with pytest.raises(ShapeError, match="reflect"):
        A.RandomCrop(5, padding=5, padding_mode="reflect")(gw.zeros(2, 5, 5))
    assert A.RandomCrop(5, padding=5, padding_mode="symmetric")(gw.zeros(2, 5, 5)).shape == (2, 5, 5)
