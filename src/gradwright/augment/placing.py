"""Images flipped, shifted and cropped: pixels move, whole and unchanged."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from gradwright.augment.base import (
    ImageAugmentation,
    chance,
    draw,
    drawn_dtype,
    each,
    need_images,
    positions,
    put,
    within,
)
from gradwright.augment.geometry import warp
from gradwright.backend import namespace
from gradwright.engine.op import wrap
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing
from gradwright.engine.ops.arranging import flip
from gradwright.engine.ops.shape import expand, reshape
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, ShapeError

__all__ = ["RandomCrop", "RandomHorizontalFlip", "RandomShift", "RandomVerticalFlip"]

_PADDINGS = ("constant", "edge", "reflect", "symmetric")


class RandomHorizontalFlip(ImageAugmentation):
    """Mirror each image, left for right, with probability ``p``.

    Look at the sheet of samples first: a mirrored digit is no digit.

    Parameters
    ----------
    p : float in [0, 1]

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.RandomHorizontalFlip(1.0)(gw.tensor([[[1.0, 2.0]]])).tolist()
    [[[2.0, 1.0]]]
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("p",)
    _axis: ClassVar[int] = 3

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = within(type(self).__name__, "p", p, 0, 1)

    def augmented(self, x: Tensor) -> Tensor:
        """Return the images, some mirrored."""
        out: Tensor = ew.where(each(chance(x, self.p), x), flip(x, axes=(self._axis,)), x)
        return out


class RandomVerticalFlip(RandomHorizontalFlip):
    """Turn each image upside down, as in a mirror, with probability ``p``.

    Parameters
    ----------
    p : float in [0, 1]

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.RandomVerticalFlip(1.0)(gw.tensor([[[1.0], [2.0]]])).tolist()
    [[[2.0], [1.0]]]
    """

    _axis: ClassVar[int] = 2


class RandomShift(ImageAugmentation):
    """Shift each image along both axes, by whole pixels or by fractions of them.

    Parameters
    ----------
    pixels : float
        The largest shift, at least 0. Whole shifts are drawn from -⌊pixels⌋ … ⌊pixels⌋, each equally likely.
    subpixel : bool
        Draw shifts uniformly from [-pixels, pixels) instead, and interpolate.
    fill : float
        What comes in from outside.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.RandomShift(2)(gw.rand(8, 28, 28)).shape
    (8, 28, 28)
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("pixels", "fill")

    def __init__(self, pixels: float = 2, subpixel: bool = False, fill: float = 0.0) -> None:
        super().__init__()
        self.pixels = within("RandomShift", "pixels", pixels, 0, 1e6)
        self.subpixel = subpixel
        self.fill = fill

    def augmented(self, x: Tensor) -> Tensor:
        """Return the images shifted."""
        if self.subpixel:
            right, down = draw(x, -self.pixels, self.pixels, (2,))
            return warp(x, 0.0, (right, down), 1.0, (0.0, 0.0), "bilinear", self.fill)
        xp = namespace([self.pixels])
        most = xp.floor(xp.asarray(self.pixels, drawn_dtype(x)))
        right, down = positions(x, 2 * most + 1, (2,)) - most
        return _picked(x, x.shape[-2:], -down, -right, "constant", self.fill)


class RandomCrop(ImageAugmentation):
    """Cut a window of a fixed size out of each image, at a place of its own.

    In evaluation the middle is cut out, so that the size is the same; that is the image itself where ``size`` is.

    Parameters
    ----------
    size : int or (height, width), optional
        Of the window; by default the image's own, for which there must be padding.
    padding : int, (left and right, top and bottom), or (left, top, right, bottom), optional
        Pixels added at the edges first.
    pad_if_needed : bool
        Add as many pixels as an image that is too small needs, at both edges.
    fill : float
        What constant padding consists of.
    padding_mode : 'constant', 'edge', 'reflect' or 'symmetric'
        ``fill``; the pixel at the edge; the image mirrored at the edge, without or with the edge itself.

    Raises
    ------
    ShapeError
        When the window is larger than the padded image, or a mirror reaches further than the image.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.RandomCrop(28, padding=4)(gw.rand(8, 1, 28, 28)).shape
    (8, 1, 28, 28)

    References
    ----------
    A. Krizhevsky et al., *ImageNet classification with deep convolutional neural networks* (NeurIPS 2012), section 4.1.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("fill",)

    def __init__(
        self,
        size: Any = None,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: float = 0.0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.size = None if size is None else _whole("size", size, (1, 2), 1)
        self.padding = None if padding is None else _whole("padding", padding, (1, 2, 4), 0)
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        if padding_mode not in _PADDINGS:
            raise ConfigError(f"RandomCrop: padding_mode is one of {', '.join(_PADDINGS)}; got {padding_mode!r}")
        self.padding_mode = padding_mode

    def forward(self, x: Tensor) -> Tensor:
        """Return the windows, of the middle in evaluation."""
        if self.training:
            return super().forward(x)
        need_images("RandomCrop", x)
        window = self._window(x.shape[-2:])
        return x if window == x.shape[-2:] else self._middle(x, window)

    def _window(self, lengths: tuple[int, ...]) -> tuple[int, ...]:
        if self.size is None:
            return tuple(lengths)
        return tuple(self.size) * (2 if len(self.size) == 1 else 1)

    def _middle(self, x: Tensor, window: tuple[int, ...]) -> Tensor:
        images = x if x.ndim == 4 else reshape(x, shape=(x.shape[0], 1, *x.shape[1:]))
        down, right = (np.full(x.shape[0], (n - m) // 2) for n, m in zip(x.shape[-2:], window, strict=True))
        out = _picked(images, window, down, right, self.padding_mode, self.fill)
        return reshape(out, shape=(*x.shape[:-2], *window))

    def augmented(self, x: Tensor) -> Tensor:
        """Return a window of each image."""
        given = self.padding or (0,)
        left, top, right, bottom = given * (4 // len(given))
        starts = []
        window = self._window(x.shape[-2:])
        for n, m, before, after in zip(x.shape[-2:], window, (top, left), (bottom, right), strict=True):
            more = max(m - (n + before + after), 0)
            if more and not self.pad_if_needed:
                raise ShapeError(
                    f"RandomCrop: a window of {window} is larger than images {x.shape[-2:]} with padding "
                    f"{self.padding}; use a smaller size, more padding, or pad_if_needed=True"
                )
            before, after = before + more, after + more
            most = {"reflect": n - 1, "symmetric": n}.get(self.padding_mode)
            if most is not None and max(before, after) > most:
                raise ShapeError(
                    f"RandomCrop: padding_mode {self.padding_mode!r} has {most} pixels to give for the padding "
                    f"({before}, {after}) of images {x.shape[-2:]}"
                )
            starts.append(positions(x, n + before + after - m + 1) - before)
        return _picked(x, window, starts[0], starts[1], self.padding_mode, self.fill)


def _whole(argument: str, value: Any, many: tuple[int, ...], least: int) -> tuple[int, ...]:
    numbers = tuple(value) if isinstance(value, tuple | list) else (value,)
    if len(numbers) not in many or not all(type(n) is int and n >= least for n in numbers):
        counts = " or ".join(map(str, many))
        raise ConfigError(f"RandomCrop: {argument} is {counts} whole numbers of at least {least}; got {value!r}")
    return numbers


def _picked(x: Tensor, window: tuple[int, ...], down: Any, right: Any, padding_mode: str, fill: Any) -> Tensor:
    """Take from each image the window that starts at its row ``down`` and column ``right``, which may be outside."""
    n, channels, h, w = x.shape
    xp = namespace([down, right])
    places, there = [], []
    for start, length, size in ((down, h, window[0]), (right, w, window[1])):
        at = start.astype(np.int32)[:, None] + np.arange(size, dtype=np.int32)
        there.append((at >= 0) & (at < length))
        if padding_mode in ("reflect", "symmetric"):
            edge = padding_mode == "symmetric"  # whether it is mirrored, too
            at = xp.where(at < 0, -at - edge, at)
            at = xp.where(at >= length, 2 * (length - 1) - at + edge, at)
        places.append(xp.clip(at, 0, length - 1))
    index = (places[0][:, :, None] * w + places[1][:, None, :]).reshape(n, 1, -1)
    flat = reshape(x, shape=(n, channels, h * w))
    out = indexing.gather(flat, expand(wrap(index), shape=(n, channels, index.shape[2])), axis=2)
    out = reshape(out, shape=(n, channels, *window))
    if padding_mode != "constant":
        return out
    outside = ~(there[0][:, :, None] & there[1][:, None, :])
    return put(out, wrap(outside[:, None]), fill)
