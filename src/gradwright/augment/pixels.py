"""Pixels changed where they stand: noise, brightness, contrast, saturation."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from gradwright.augment.base import Augmentation, ImageAugmentation, blend, draw, each, interval, number, within
from gradwright.engine.op import wrap
from gradwright.engine.random import current_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import DTypeError, ShapeError

__all__ = ["ColorJitter", "GaussianNoise", "RandomBrightness", "RandomContrast"]

_GREY = (0.2989, 0.587, 0.114)  # shares of red, green and blue in grey: ITU-R BT.601, as torchvision's


class GaussianNoise(Augmentation):
    """Add to every element a normal number of its own; takes images, rows and anything else that is floating.

    Equation: x + mean + sigma · z, z standard normal.

    Parameters
    ----------
    mean : float
    sigma : float
        Standard deviation, at least 0.
    clip : bool
        Cut the result to [0, 1]; torchvision's default, but not here, where inputs are usually standardised.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.GaussianNoise(sigma=0.1)(gw.zeros(4, 3)).shape
    (4, 3)

    References
    ----------
    C. M. Bishop, *Training with noise is equivalent to Tikhonov regularization* (Neural Computation 7, 1995).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("mean", "sigma")

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = False) -> None:
        super().__init__()
        self.mean = mean
        self.sigma = within("GaussianNoise", "sigma", sigma, 0)
        self.clip = clip

    def augmented(self, x: Tensor) -> Tensor:
        """Return the elements with noise."""
        if x.dtype.kind not in "fV":
            raise DTypeError(f"GaussianNoise: needs a floating tensor, got {x.dtype}; use x.float()")
        z: Tensor = wrap(current_generator().normal(x.shape, x.dtype))
        out = x + (z * number(self.sigma, x) + number(self.mean, x))
        return out.clamp(0, 1) if self.clip else out


class ColorJitter(ImageAugmentation):
    """Change brightness, contrast and saturation of each image, in this order, by factors of its own.

    Equation: each is f·x + (1 - f)·o, with o black, the mean grey of the image, or its grey pixel by pixel; f is
    uniform in its range.

    Parameters
    ----------
    brightness, contrast, saturation : float or (lowest, highest), at least 0
        Range of the factor; a number b means (max(0, 1 - b), 1 + b), and 0 no change. Saturation needs three channels.
    black : float
        The value of a black pixel, which brightness leaves alone: where pixels were standardised, -mean / std.

    Notes
    -----
    torchvision also changes the hue, draws the order, cuts the result to [0, 1] and has ``black`` 0.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2)(gw.rand(8, 3, 32, 32)).shape
    (8, 3, 32, 32)
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("brightness", "contrast", "saturation", "black")

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, black: float = 0.0) -> None:
        super().__init__()
        self.brightness = _factors("ColorJitter", "brightness", brightness)
        self.contrast = _factors("ColorJitter", "contrast", contrast)
        self.saturation = _factors("ColorJitter", "saturation", saturation)
        self.black = black
        self._colours = self.saturation != (1.0, 1.0)

    def augmented(self, x: Tensor) -> Tensor:
        """Return the images changed."""
        if self._colours and x.shape[1] != 3:
            raise ShapeError(f"ColorJitter: saturation needs images (N, 3, H, W), got {x.shape}")
        x = _brighter(x, draw(x, *self.brightness), self.black)
        x = _contrasting(x, draw(x, *self.contrast))
        f = draw(x, *self.saturation)
        return blend(x, _grey(x), each(f, x)) if x.shape[1] == 3 else x


class RandomBrightness(ImageAugmentation):
    """Make each image brighter or darker by a factor of its own.

    Equation: f·x + (1 - f)·black, f uniform in its range.

    Parameters
    ----------
    brightness : float or (lowest, highest), at least 0
        Range of the factor; a number b means (max(0, 1 - b), 1 + b).
    black : float
        The value of a black pixel, which stays: where pixels were standardised, -mean / std.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.RandomBrightness((2, 2))(gw.tensor([[[0.25, 0.5]]])).tolist()
    [[[0.5, 1.0]]]
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("brightness", "black")

    def __init__(self, brightness: Any = 0.2, black: float = 0.0) -> None:
        super().__init__()
        self.brightness = _factors("RandomBrightness", "brightness", brightness)
        self.black = black

    def augmented(self, x: Tensor) -> Tensor:
        """Return the images brighter or darker."""
        return _brighter(x, draw(x, *self.brightness), self.black)


class RandomContrast(ImageAugmentation):
    """Strengthen or weaken the contrast of each image about its mean grey, by a factor of its own.

    Equation: f·x + (1 - f)·mean(grey(x)), f uniform in its range.

    Parameters
    ----------
    contrast : float or (lowest, highest), at least 0
        Range of the factor; a number c means (max(0, 1 - c), 1 + c).

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.RandomContrast((2, 2))(gw.tensor([[[0.25, 0.75]]])).tolist()
    [[[0.0, 1.0]]]
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("contrast",)

    def __init__(self, contrast: Any = 0.2) -> None:
        super().__init__()
        self.contrast = _factors("RandomContrast", "contrast", contrast)

    def augmented(self, x: Tensor) -> Tensor:
        """Return the images with more contrast or less."""
        return _contrasting(x, draw(x, *self.contrast))


def _factors(name: str, argument: str, value: Any) -> tuple[float, float]:
    return interval(name, argument, value, about=1.0, low=0.0)


def _brighter(x: Tensor, f: Any, black: Any) -> Tensor:
    return blend(x, number(black, x), each(f, x))


def _contrasting(x: Tensor, f: Any) -> Tensor:
    return blend(x, _grey(x).mean((1, 2, 3), keepdim=True), each(f, x))


def _grey(x: Tensor) -> Tensor:
    """Return (N, 1, H, W) for colours, the image itself where there are not three channels."""
    if x.shape[1] != 3:
        return x
    shares: Tensor = wrap(np.asarray(_GREY, x.dtype).reshape(3, 1, 1))
    return (x * shares).sum(1, keepdim=True)
