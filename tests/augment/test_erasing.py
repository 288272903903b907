"""What is erased: boxes of the sizes, forms and places that the papers say; features and words at their rates."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import gradwright as gw
from gradwright import augment as A
from gradwright.errors import DTypeError


def _boxes(mask: np.ndarray) -> np.ndarray:
    """Top, bottom, left, right of the box in each mask (N, H, W), after a look whether it is one."""
    found = []
    for m in mask:
        rows, columns = np.flatnonzero(m.any(1)), np.flatnonzero(m.any(0))
        top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
        assert m[top:bottom, left:right].all()
        assert m.sum() == (bottom - top) * (right - left)
        found.append((top, bottom, left, right))
    return np.array(found)


def test_erased_boxes_are_as_algorithm_1_draws_them():
    n, h, w = 4000, 40, 50
    x = np.ones((n, 2, h, w))
    y = A.RandomErasing(0.7, (0.05, 0.2), (0.5, 2.0), value=3.0)(gw.tensor(x)).numpy()
    mask = y != 1
    np.testing.assert_array_equal(mask[:, 0], mask[:, 1])  # all channels
    assert (y[mask] == 3).all()
    erased = mask[:, 0].any((1, 2))
    assert scipy.stats.binomtest(int(erased.sum()), n, 0.7).pvalue > 1e-3
    top, bottom, left, right = _boxes(mask[erased, 0]).T
    height, width = bottom - top, right - left
    # a twin of the algorithm, in Python's own randomness
    rng = np.random.default_rng(0)
    areas, forms = rng.uniform(0.05, 0.2, n) * h * w, np.exp(rng.uniform(np.log(0.5), np.log(2), n))
    twin_height, twin_width = np.round(np.sqrt(areas * forms)), np.round(np.sqrt(areas / forms))
    for ours, twin in ((height, twin_height), (width, twin_width), (height * width, twin_height * twin_width)):
        assert scipy.stats.ks_2samp(ours, twin).pvalue > 1e-3
    for start, length, size in ((top, height, h), (left, width, w)):  # every place equally likely
        assert (start + length <= size).all()
        u = (start + rng.uniform(size=len(start))) / (size - length + 1)
        assert scipy.stats.kstest(u, "uniform").pvalue > 1e-3


def test_boxes_that_never_fit_leave_the_image_alone():
    x = gw.rand(50, 8, 8)
    np.testing.assert_array_equal(A.RandomErasing(1.0, (1.0, 1.0), (0.9, 1.1))(x).numpy(), x.numpy())
    # a box of ratio 1 fits where one of ratio 30 does not: one of ten tries finds it
    y = A.RandomErasing(1.0, (0.3, 0.3), (1.0, 30.0), value=-1.0)(x).numpy()
    assert ((y == -1).any((1, 2))).mean() > 0.9


def test_random_values_are_normal():
    y = A.RandomErasing(1.0, (0.2, 0.3), (1, 1), value="random")(gw.ones(20, 3, 20, 20).double()).numpy()
    z = y[y != 1]
    assert z.size > 4000
    assert scipy.stats.kstest(z, "norm").pvalue > 1e-3


@pytest.mark.parametrize("size", [1, 4, 5])
def test_cutouts_are_squares_about_every_pixel_cut_at_the_edge(size: int):
    n, h, w = 3000, 6, 7
    y = A.Cutout(size, fill=2.0)(gw.ones(n, 1, h, w)).numpy()[:, 0]
    counts: dict[bytes, int] = {}
    for i in range(h):
        for j in range(w):
            top, left = i - size // 2, j - size // 2
            m = np.zeros((h, w), bool)
            m[max(top, 0) : top + size, max(left, 0) : left + size] = True
            counts[m.tobytes()] = counts.get(m.tobytes(), 0)
    for image in y:
        counts[(image == 2).tobytes()] += 1  # a mask that is no such square is a KeyError
    assert len(counts) == h * w
    assert scipy.stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_features_fall_one_by_one_and_nothing_is_scaled():
    y = A.FeatureDropout(0.3, value=-2.0)(gw.ones(200, 50)).numpy()
    assert set(np.unique(y)) == {-2.0, 1.0}
    assert scipy.stats.binomtest(int((y == -2).sum()), y.size, 0.3).pvalue > 1e-3
    assert len(np.unique(y, axis=0)) == 200
    with pytest.raises(DTypeError, match="int64"):
        A.FeatureDropout()(gw.tensor([[1]]))


def test_words_fall_and_padding_stays():
    rng = np.random.default_rng(0)
    x = rng.integers(2, 50, (200, 40))
    x[:, 30:] = 0
    y = A.TokenDropout(0.2, replacement=1, padding_idx=0)(gw.tensor(x)).numpy()
    np.testing.assert_array_equal(y[:, 30:], 0)
    fallen = y[:, :30] == 1
    np.testing.assert_array_equal(y[:, :30][~fallen], x[:, :30][~fallen])
    assert scipy.stats.binomtest(int(fallen.sum()), fallen.size, 0.2).pvalue > 1e-3
    every = A.TokenDropout(1.0, replacement=1)(gw.tensor(x)).numpy()
    np.testing.assert_array_equal(every, 1)
    for dtype in (np.int32, np.int64, np.uint8):
        assert A.TokenDropout(0.5)(gw.tensor(x.astype(dtype))).dtype == dtype
    with pytest.raises(DTypeError, match="float32"):
        A.TokenDropout()(gw.rand(2, 2))
