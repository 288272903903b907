"""The sheet: originals and draws as plain numbers, as a picture, and nothing else moved."""

from __future__ import annotations

import io

import matplotlib.image
import numpy as np
import pytest

import gradwright as gw
from gradwright import augment as A
from gradwright import nn
from gradwright.errors import ConfigError, ShapeError
from gradwright.view.pixels import png_of_pixels

R = np.random.default_rng(0)


def test_originals_stand_first_and_draws_beside_them():
    x = R.uniform(size=(9, 1, 5, 6))
    info = A.sheet(x, A.RandomHorizontalFlip(1.0), samples=4, draws=3)
    assert info.shape == (4, 4, 5, 6)
    np.testing.assert_array_equal(info[:, 0], x[:4, 0])
    for column in (1, 2, 3):
        np.testing.assert_array_equal(info[:, column], x[:4, 0, :, ::-1])
    assert A.sheet(x[:2], A.RandomRotation(10)).shape == (2, 7, 5, 6)
    assert A.sheet(x[:, 0], A.RandomRotation(10), draws=0).shape == (8, 1, 5, 6)
    assert A.sheet(gw.tensor(x), A.RandomRotation(10)).shape == (8, 7, 5, 6)


def test_the_stream_and_the_modes_stay_as_they_were():
    chain = nn.Sequential(A.RandomRotation(20), A.GaussianNoise().eval(), nn.Dropout(0.5)).eval()
    chain[0].train()
    modes = [m.training for m in chain.modules()]
    gw.manual_seed(4)
    gw.rand(3)
    state = gw.get_rng_state().numpy()
    x = R.uniform(size=(3, 6, 6))
    sheets = [A.sheet(x, chain, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(gw.get_rng_state().numpy(), state)
    assert [m.training for m in chain.modules()] == modes
    np.testing.assert_array_equal(sheets[0], sheets[1])
    assert not np.array_equal(sheets[0], sheets[2])
    assert not np.array_equal(sheets[0][:, 1], sheets[0][:, 2])
    with pytest.raises(ShapeError):
        A.sheet(R.uniform(size=(3, 6, 6)), A.RandomCrop(7))
    assert chain[0].training


def test_standardised_pixels_are_shown_between_what_the_originals_span():
    x = R.normal(3.0, 2.0, size=(4, 3, 5, 5))
    info = A.sheet(x, A.RandomBrightness((3, 3)), draws=1)
    assert info.shape == (4, 2, 5, 5, 3)
    low, high = x.min((0, 2, 3)), x.max((0, 2, 3))
    shown = (np.moveaxis(x, 1, -1) - low) / (high - low)
    np.testing.assert_allclose(info[:, 0], shown, atol=1e-12)
    np.testing.assert_allclose(info[:, 1], np.clip((3 * np.moveaxis(x, 1, -1) - low) / (high - low), 0, 1), atol=1e-12)
    flat = A.sheet(np.full((1, 2, 2), 5.0), A.RandomHorizontalFlip())
    assert (flat == 0).all()
    bytes_ = A.sheet(np.full((1, 2, 2), 255, np.uint8), A.RandomHorizontalFlip())
    assert np.isfinite(bytes_).all()


def test_those_that_mix_targets_mix_the_sheets_images():
    x = np.zeros((2, 4, 4))
    x[1] = 1
    assert len(np.unique(A.sheet(x, A.MixUp(1.0), draws=20))) > 5
    chain = A.from_names("flip,cutmix")
    assert A.sheet(x, chain).shape == (2, 7, 4, 4)


@pytest.mark.parametrize("shape", [(5, 7), (4, 6, 3)])
def test_the_picture_has_the_pixels(shape: tuple[int, ...]):
    pixels = R.uniform(-0.1, 1.1, shape)
    read = matplotlib.image.imread(io.BytesIO(png_of_pixels(pixels)))
    np.testing.assert_allclose(read, np.rint(np.clip(pixels, 0, 1) * 255) / 255, atol=1e-6)
    with pytest.raises(ShapeError, match=r"\(2, 2, 4\)"):
        png_of_pixels(np.zeros((2, 2, 4)))


def test_the_sheets_picture_has_a_row_for_each_sample_and_magnifies():
    info = A.sheet(R.uniform(size=(3, 3, 4, 5)), A.RandomRotation(30), draws=2)
    picture = matplotlib.image.imread(io.BytesIO(A.sheet_png(info, scale=2)))
    assert picture.shape == (2 * (3 * 6 - 2), 2 * (3 * 7 - 2 + 4), 3)
    for i in range(3):
        for j, left in enumerate((0, 11, 18)):
            part = picture[12 * i : 12 * i + 8 : 2, 2 * left : 2 * left + 10 : 2]
            np.testing.assert_allclose(part, info[i, j], atol=0.5 / 255 + 1e-6)
    assert (picture[:, 10:22] == 1).all()


def test_what_is_no_sheet_is_refused():
    with pytest.raises(ShapeError, match="1 or 3 channels"):
        A.sheet(np.zeros((3, 2, 4, 4)), A.RandomRotation(10))
    with pytest.raises(ShapeError):
        A.sheet(np.zeros((0, 4, 4)), A.RandomRotation(10))
    with pytest.raises(ShapeError, match="makes"):
        A.sheet(np.zeros((3, 4, 4)), A.RandomCrop(2))
    with pytest.raises(ConfigError):
        A.sheet(np.zeros((3, 4, 4)), A.RandomRotation(10), samples=0)
