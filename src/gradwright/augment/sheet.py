"""A sheet of augmented samples: a flipped digit 6 is seen before it is trained on."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.creation import zeros
from gradwright.engine.mode import no_grad
from gradwright.engine.random import Generator, use_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.module import Module
from gradwright.view.pixels import png_of_pixels

__all__ = ["sheet", "sheet_png"]

_GAP = 2  # pixels between the pictures, before they are magnified


def sheet(x: Any, augmentation: Module, *, samples: int = 8, draws: int = 6, seed: int = 0) -> np.ndarray:
    """Return the first images of a batch, and beside each what the augmentation makes of it.

    The random stream and the modules' modes are left as they were.

    Parameters
    ----------
    x : Tensor or array, (N, C, H, W) or (N, H, W), C 1 or 3
    augmentation : Module
        Of images; those that mix targets mix the images of the sheet.
    samples : int
        How many of the images.
    draws : int
        How many draws of each.
    seed : int
        Of the draws.

    Returns
    -------
    array of float64 in [0, 1], (samples, 1 + draws, H, W) or (samples, 1 + draws, H, W, 3)
        The originals come first in their rows. Where a value of theirs is outside [0, 1], as after standardisation,
        each channel's lowest becomes 0 and its highest 1; what is still outside is cut off.

    Raises
    ------
    ShapeError, ConfigError
        When these are no such images, there is none, or the augmentation changes their size.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.sheet(gw.rand(9, 1, 28, 28), augment.RandomRotation(20), samples=4, draws=3).shape
    (4, 4, 28, 28)
    """
    if samples < 1 or draws < 0:
        raise ConfigError(f"sheet: {samples} samples with {draws} draws; expected at least 1 and 0")
    array = np.asarray(x.detach().numpy() if isinstance(x, Tensor) else x)
    if array.ndim not in (3, 4) or not array.size or (array.ndim == 4 and array.shape[1] not in (1, 3)):
        raise ShapeError(f"sheet: expected images (N, C, H, W) of 1 or 3 channels, or (N, H, W); got {array.shape}")
    first = array[:samples]
    first = first.astype(np.float32) if first.dtype.kind in "biu" else first
    columns = [first]
    modes = [(m, m.training) for m in augmentation.modules()]
    try:
        augmentation.train()
        with no_grad(), use_generator(Generator(seed)):
            for _ in range(draws):
                columns.append(_drawn(Tensor(first), augmentation))
    finally:
        for module, training in modes:
            module.__dict__["training"] = training
    for column in columns:
        if column.shape != first.shape:
            raise ShapeError(f"sheet: the augmentation makes {column.shape} of images {first.shape}")
    everything = np.stack(columns, axis=1).astype(np.float64)
    return _shown(everything if array.ndim == 4 else everything[:, :, None])


def _drawn(x: Tensor, augmentation: Module) -> np.ndarray:
    out = augmentation(x, zeros(x.shape[0], 1)) if getattr(augmentation, "takes_targets", False) else augmentation(x)
    return (out[0] if isinstance(out, tuple) else out).numpy()


def _shown(values: np.ndarray) -> np.ndarray:
    """Scale (samples, columns, C, H, W) by what the originals span, and put the channels last."""
    originals = values[:, 0]
    low, high = originals.min(axis=(0, 2, 3)), originals.max(axis=(0, 2, 3))
    if low.min() < 0 or high.max() > 1:
        span = np.where(high > low, high - low, 1.0)
        values = (values - low[:, None, None]) / span[:, None, None]
    values = np.moveaxis(np.clip(values, 0, 1), 2, -1)
    return values[..., 0] if values.shape[-1] == 1 else values


def sheet_png(info: np.ndarray, *, scale: int = 3) -> bytes:
    """Draw a sheet as a PNG image: a row for each sample, the originals set apart at the left.

    Parameters
    ----------
    info : array
        What :func:`sheet` returned.
    scale : int
        Pixels of the picture for a pixel of an image.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> info = augment.sheet(gw.rand(4, 8, 8), augment.RandomShift(1), samples=2, draws=2)
    >>> augment.sheet_png(info)[1:4]
    b'PNG'
    """
    rows, columns, h, w = info.shape[:4]
    extra = _GAP * 2  # between the originals and what was made of them
    canvas = np.ones((rows * (h + _GAP) - _GAP, columns * (w + _GAP) - _GAP + extra * (columns > 1), *info.shape[4:]))
    for i in range(rows):
        for j in range(columns):
            top, left = i * (h + _GAP), j * (w + _GAP) + extra * (j > 0)
            canvas[top : top + h, left : left + w] = info[i, j]
    return png_of_pixels(canvas.repeat(scale, axis=0).repeat(scale, axis=1))
