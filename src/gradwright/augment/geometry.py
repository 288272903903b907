"""Images turned, scaled, sheared and moved by fractions of pixels: one affine map for each."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from gradwright.augment.base import ImageAugmentation, draw, drawn_dtype, interval, number, within
from gradwright.backend import namespace
from gradwright.engine.op import wrap
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError
from gradwright.nn.functional import affine_grid, grid_sample

__all__ = ["RandomAffine", "RandomRotation", "RandomScale", "warp"]

_INTERPOLATIONS = ("bilinear", "nearest", "bicubic")


def warp(
    x: Tensor, angle: Any, translate: tuple[Any, Any], scale: Any, shear: tuple[Any, Any], interpolation: str, fill: Any
) -> Tensor:
    """Map each image affinely about its middle; see :class:`RandomAffine` for the map.

    Parameters
    ----------
    x : (N, C, H, W)
    angle, scale, shear, translate : arrays (N,), or numbers
        Degrees clockwise, factor, degrees along x and y, pixels along x and y.
    fill : number
        What lies outside; pixels on the edge are mixed with it.
    """
    n, _, h, w = x.shape
    xp = namespace([angle, scale, *shear, *translate])
    angle, scale, *others = (xp.asarray(v, drawn_dtype(x)) for v in (angle, scale, *shear, *translate))
    turn, along_x, along_y = (v * (math.pi / 180) for v in (angle, *others[:2]))
    # M = rotation · shear along y · shear along x, as torchvision composes them
    a = xp.cos(turn - along_y) / xp.cos(along_y)
    b = -a * xp.tan(along_x) - xp.sin(turn)
    c = xp.sin(turn - along_y) / xp.cos(along_y)
    d = -c * xp.tan(along_x) + xp.cos(turn)
    # the sampler asks where each output pixel comes from: M⁻¹ (p - t) / scale, with det M = 1
    right, down = others[2:]
    inverse = [d / scale, -b / scale, -c / scale, a / scale]
    from_x = -(inverse[0] * right + inverse[1] * down)
    from_y = -(inverse[2] * right + inverse[3] * down)
    # in units of half the image, as affine_grid counts
    rows = [
        inverse[0], inverse[1] * (h / w), from_x * (2 / w),
        inverse[2] * (w / h), inverse[3], from_y * (2 / h),
    ]  # fmt: skip
    theta = wrap(xp.stack([xp.broadcast_to(v, (n,)) for v in rows], axis=1).astype(x.dtype)).reshape(n, 2, 3)
    ground = number(fill, x)
    return grid_sample(x - ground, affine_grid(theta, x.shape), interpolation) + ground


class RandomAffine(ImageAugmentation):
    """Turn, shift, scale and shear each image about its middle.

    Equation: p ↦ scale · R · Y · X · p + t, p counted from the middle, y downwards; R turns clockwise by the angle,
    X = (1, -tan sₓ; 0, 1) and Y = (1, 0; -tan s_y, 1) shear. Each number is uniform in its range.

    Parameters
    ----------
    degrees : float or (lowest, highest)
        Range of the angle; a number d means (-d, d).
    translate : (float, float) in [0, 1], optional
        Largest shift to either side, as shares of width and height.
    scale : (float, float) above 0, optional
        Range of the factor.
    shear : float, (lowest, highest), or (x lowest, x highest, y lowest, y highest), optional
        Degrees; a number s means (-s, s), along x alone.
    interpolation : 'bilinear', 'nearest' or 'bicubic'
        torchvision's default is ``nearest``.
    fill : float
        What lies outside the image; with ``bilinear`` the edge is a mean of it and the pixels.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> turn = augment.RandomAffine(10, translate=(0.1, 0.1), scale=(0.9, 1.1), shear=5)
    >>> turn(gw.rand(8, 1, 28, 28)).shape
    (8, 1, 28, 28)

    References
    ----------
    P. Simard et al., *Best practices for convolutional neural networks applied to visual document analysis* (ICDAR
    2003), section 2; the order of the maps is that of torchvision's ``RandomAffine``.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("degrees", "translate", "scale", "shear", "fill")

    def __init__(
        self,
        degrees: Any,
        translate: Any = None,
        scale: Any = None,
        shear: Any = None,
        interpolation: str = "bilinear",
        fill: float = 0.0,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.degrees = interval(name, "degrees", degrees, about=0)
        self.translate = (0.0, 0.0) if translate is None else _shares(name, translate)
        self.scale = (1.0, 1.0) if scale is None else _factors(name, scale)
        self.shear = (0.0,) * 4 if shear is None else _shears(name, shear)
        self.interpolation = _known(name, interpolation)
        self.fill = fill

    def augmented(self, x: Tensor) -> Tensor:
        """Return the images mapped."""
        h, w = x.shape[-2:]
        angle = draw(x, *self.degrees)
        wide, high = self.translate
        shift = (draw(x, -wide * w, wide * w), draw(x, -high * h, high * h))
        scale = draw(x, *self.scale)
        shear = (draw(x, *self.shear[:2]), draw(x, *self.shear[2:]))
        return warp(x, angle, shift, scale, shear, self.interpolation, self.fill)


class RandomRotation(ImageAugmentation):
    """Turn each image about its middle, counter-clockwise, by an angle of its own.

    Parameters
    ----------
    degrees : float or (lowest, highest)
        Range of the angle, from which it is drawn uniformly; a number d means (-d, d).
    interpolation : 'bilinear', 'nearest' or 'bicubic'
        torchvision's default is ``nearest``.
    fill : float
        What lies outside the image.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> quarter = augment.RandomRotation((90, 90), interpolation="nearest")
    >>> quarter(gw.tensor([[[1.0, 2.0], [3.0, 4.0]]])).tolist()
    [[[2.0, 4.0], [1.0, 3.0]]]
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("degrees", "fill")

    def __init__(self, degrees: Any, interpolation: str = "bilinear", fill: float = 0.0) -> None:
        super().__init__()
        self.degrees = interval("RandomRotation", "degrees", degrees, about=0)
        self.interpolation = _known("RandomRotation", interpolation)
        self.fill = fill

    def augmented(self, x: Tensor) -> Tensor:
        """Return the images turned."""
        return warp(x, -draw(x, *self.degrees), (0.0, 0.0), 1.0, (0.0, 0.0), self.interpolation, self.fill)


class RandomScale(ImageAugmentation):
    """Scale each image about its middle by a factor of its own; its size in pixels stays.

    Parameters
    ----------
    scale : float or (lowest, highest), above 0
        Range of the factor, from which it is drawn uniformly; a number s means (1 - s, 1 + s). Above 1 things grow.
    interpolation : 'bilinear', 'nearest' or 'bicubic'
    fill : float
        What lies outside the image.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.RandomScale(0.1)(gw.rand(8, 28, 28)).shape
    (8, 28, 28)
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("scale", "fill")

    def __init__(self, scale: Any, interpolation: str = "bilinear", fill: float = 0.0) -> None:
        super().__init__()
        self.scale = _factors("RandomScale", scale)
        self.interpolation = _known("RandomScale", interpolation)
        self.fill = fill

    def augmented(self, x: Tensor) -> Tensor:
        """Return the images scaled."""
        return warp(x, 0.0, (0.0, 0.0), draw(x, *self.scale), (0.0, 0.0), self.interpolation, self.fill)


# --- arguments --------------------------------------------------------------------------------------------------------
def _known(name: str, interpolation: str) -> str:
    """Return the interpolation if there is such."""
    if interpolation not in _INTERPOLATIONS:
        raise ConfigError(f"{name}: interpolation is one of {', '.join(_INTERPOLATIONS)}; got {interpolation!r}")
    return interpolation


def _factors(name: str, scale: Any) -> tuple[float, float]:
    """Return a range of factors, all above 0."""
    found = interval(name, "scale", scale, about=1.0, low=0.0)
    if found[0] <= 0:
        raise ConfigError(f"{name}: a factor of scale must be above 0; got {scale!r}")
    return found


def _shares(name: str, translate: Any) -> tuple[float, float]:
    """Return the shares of width and height that a shift may reach."""
    if not isinstance(translate, tuple | list) or len(translate) != 2:
        raise ConfigError(f"{name}: translate is (share of the width, share of the height); got {translate!r}")
    wide, high = (within(name, "translate", v, 0, 1) for v in translate)
    return float(wide), float(high)


def _shears(name: str, shear: Any) -> tuple[float, float, float, float]:
    if isinstance(shear, tuple | list) and len(shear) == 4:
        return (
            *interval(name, "shear", tuple(shear[:2]), about=0, low=-89, high=89),
            *interval(name, "shear", tuple(shear[2:]), about=0, low=-89, high=89),
        )
    return (*interval(name, "shear", shear, about=0, low=-89, high=89), 0.0, 0.0)
