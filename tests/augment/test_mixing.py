"""MixUp and CutMix: the shares' distribution against SciPy's Beta, and what is mixed with what."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

import gradwright as gw
from gradwright import augment as A
from gradwright.augment.beta import symmetric_beta
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, ShapeError
from gradwright.nn import functional as F


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.4, 1.0, 2.5, 30.0])
def test_shares_are_beta(alpha: float):
    gw.manual_seed(1)
    values = symmetric_beta(alpha, 20000, np.float64)
    assert values.min() >= 0
    assert values.max() <= 1
    if alpha < 0.1:  # too much lies nearer to 1 than the next float: there, only the smaller half can be told apart
        values = values[values < 0.5]
        below = scipy.stats.beta(alpha, alpha)
        assert scipy.stats.kstest(values, lambda v: below.cdf(v) * 2).pvalue > 1e-3
    else:
        assert scipy.stats.kstest(values, scipy.stats.beta(alpha, alpha).cdf).pvalue > 1e-3
    assert abs(values.mean() - 0.5) < 0.02 or alpha < 0.1
    assert symmetric_beta(alpha, 5, np.float32).dtype == np.float32


def test_no_strength_mixes_nothing():
    np.testing.assert_array_equal(symmetric_beta(0.0, 7, np.float32), np.ones(7))


def _owners(n: int, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of targets that were the rows of a unit matrix: each row's partner, and the share of its own."""
    own = np.diagonal(y)
    others = y - np.diag(own)
    partner = np.where(others.any(1), others.argmax(1), np.arange(n))
    return partner, own


def test_samples_are_mixed_as_their_targets_with_a_permutation_of_the_batch():
    n = 400
    x = np.random.default_rng(0).normal(size=(n, 3, 2))
    out, soft = A.MixUp(0.8)(gw.tensor(x), gw.tensor(np.eye(n)))
    y = soft.numpy()
    partner, share = _owners(n, y)
    assert (np.sort(partner) == np.arange(n)).all()
    np.testing.assert_allclose(y.sum(1), 1, rtol=0, atol=1e-12)
    expected = share[:, None, None] * x + (1 - share)[:, None, None] * x[partner]
    np.testing.assert_allclose(out.numpy(), expected, rtol=0, atol=1e-12)
    mixed = partner != np.arange(n)
    assert mixed.sum() > n - 10
    assert scipy.stats.kstest(share[mixed], scipy.stats.beta(0.8, 0.8).cdf).pvalue > 1e-3


def test_numbers_to_predict_are_mixed_linearly():
    x = np.random.default_rng(0).normal(size=(30, 4))
    weight = np.array([1.0, -2.0, 0.5, 3.0])
    for y in (x @ weight, (x @ weight)[:, None]):  # a linear target stays a linear function of what is mixed
        out, target = A.MixUp(1.0)(gw.tensor(x), gw.tensor(y))
        assert target.shape == y.shape
        np.testing.assert_allclose(target.numpy(), (out.numpy() @ weight).reshape(y.shape), rtol=0, atol=1e-12)


@pytest.mark.parametrize("channels", [(), (2,)])
def test_boxes_come_from_another_image_and_targets_go_by_area(channels: tuple[int, ...]):
    n, h, w = 500, 12, 9
    x = np.arange(n, dtype=np.float64).reshape(n, *(1 for _ in channels), 1, 1) * np.ones((*channels, h, w))
    out, soft = A.CutMix(1.0)(gw.tensor(x), gw.tensor(np.eye(n)))
    images = out.numpy() if not channels else out.numpy()[:, 0]
    if channels:
        np.testing.assert_array_equal(out.numpy()[:, 1], images)
    partner, share = _owners(n, soft.numpy())
    own = images == np.arange(n)[:, None, None]
    for i in range(n):
        assert set(np.unique(images[i])) <= {i, partner[i]}
        if not own[i].all():
            rows, columns = np.flatnonzero(~own[i].all(1)), np.flatnonzero(~own[i].all(0))
            assert (~own[i][rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]).all()
    mixed = partner != np.arange(n)
    np.testing.assert_allclose(share[mixed], own.mean((1, 2))[mixed], rtol=0, atol=1e-12)
    # against a twin of the paper's procedure
    rng = np.random.default_rng(0)
    half = np.sqrt(1 - rng.beta(1, 1, 5000)) / 2
    area = np.ones(5000)
    for length in (h, w):
        middle, reach = rng.integers(0, length, 5000), np.floor(half * length)
        area *= np.minimum(middle + reach, length) - np.maximum(middle - reach, 0)
    drawn = 1 - own.mean((1, 2))
    assert abs(drawn.mean() - (area / (h * w)).mean()) < 4 * drawn.std() / np.sqrt(n)
    assert scipy.stats.ks_2samp(drawn[mixed & (drawn > 0)], area[area > 0] / (h * w)).pvalue > 1e-3


def test_labels_become_probabilities_that_cross_entropy_takes_as_torch_does():
    labels = np.array([0, 1, 2, 2, 1])
    logits = np.random.default_rng(0).normal(size=(5, 3))
    _, soft = A.MixUp(1.0, num_classes=3)(gw.rand(5, 4).double(), gw.tensor(labels))
    assert soft.shape == (5, 3)
    ours = F.cross_entropy(gw.tensor(logits), soft)
    theirs = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(soft.numpy()))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12)
    for dtype in (np.int32, np.uint8):
        assert A.CutMix(1.0, 3)(gw.rand(5, 4, 4), gw.tensor(labels.astype(dtype)))[1].shape == (5, 3)


def test_what_cannot_be_mixed_is_refused():
    x, y = gw.rand(3, 4, 4), gw.tensor([0, 1, 2])
    with pytest.raises(ConfigError, match="num_classes"):
        A.MixUp()(x, y)
    with pytest.raises(IndexOutOfRangeError, match="row 2 is 2"):
        A.MixUp(1.0, 2)(x, y)
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        A.MixUp(1.0, 3)(x, y[:2])
    with pytest.raises(ShapeError, match="CutMix"):
        A.CutMix(1.0, 3)(gw.rand(3, 4), y)
    with pytest.raises(DTypeError, match="floating inputs"):
        A.MixUp(1.0, 3)(y, y)
