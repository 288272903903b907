"""Parts that are taken away: boxes of images, features of rows, words of texts."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from gradwright.augment.base import (
    Augmentation,
    ImageAugmentation,
    chance,
    draw,
    drawn_dtype,
    each,
    inside,
    interval,
    positions,
    put,
    within,
)
from gradwright.backend import namespace
from gradwright.engine.op import wrap
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.random import current_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DTypeError

__all__ = ["Cutout", "FeatureDropout", "RandomErasing", "TokenDropout"]

_TRIES = 10  # as torchvision's


class RandomErasing(ImageAugmentation):
    """Put a constant into a box of random size, form and place, with probability ``p``.

    The box has a share of the image's area that is uniform in ``scale``, and a height over width whose logarithm is
    uniform in that of ``ratio``. The first of ten such boxes that fits is taken; where none does, the image stays.

    Parameters
    ----------
    p : float in [0, 1]
        Probability for each image.
    scale : (lowest, highest) in [0, 1]
        Share of the area.
    ratio : (lowest, highest) above 0
        Height over width.
    value : float or 'random'
        What stands in the box; random: standard normal numbers.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.RandomErasing(p=0.5)(gw.rand(8, 3, 32, 32)).shape
    (8, 3, 32, 32)

    References
    ----------
    Z. Zhong et al., *Random erasing data augmentation* (AAAI 2020), algorithm 1.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("p", "scale", "ratio", "value")

    def __init__(
        self, p: float = 0.5, scale: Any = (0.02, 0.33), ratio: Any = (0.3, 3.3), value: float | str = 0.0
    ) -> None:
        super().__init__()
        self.p = within("RandomErasing", "p", p, 0, 1)
        self.scale = interval("RandomErasing", "scale", scale, about=0, low=0, high=1)
        self.ratio = interval("RandomErasing", "ratio", ratio, about=0, low=0)
        if self.ratio[0] == 0:
            raise ConfigError(f"RandomErasing: ratio is height over width, above 0; got {ratio!r}")
        if isinstance(value, str) and value != "random":
            raise ConfigError(f"RandomErasing: value is a number or 'random'; got {value!r}")
        self.value = value

    def augmented(self, x: Tensor) -> Tensor:
        """Return the images, some with a box erased."""
        h, w = x.shape[-2:]
        happens = chance(x, self.p)
        area = draw(x, *self.scale, (_TRIES,)) * (h * w)
        u = draw(x, times=(_TRIES,))
        xp = namespace([area, u, *self.ratio])
        low, high = (xp.log(v) for v in self.ratio)
        form = xp.exp((u * (high - low) + low).astype(u.dtype))
        height, width = xp.round(xp.sqrt(area * form)), xp.round(xp.sqrt(area / form))
        fits = (height < h) & (width < w)
        first = xp.argmax(fits, axis=0)[None]
        height, width = (xp.take_along_axis(v, first, 0)[0] for v in (height, width))
        top, left = positions(x, h - height + 1), positions(x, w - width + 1)
        mask = inside(x, top, top + height, left, left + width) & each(happens & fits.any(0), x)
        if isinstance(self.value, str):
            return put(x, mask, wrap(current_generator().normal(x.shape, x.dtype)))
        return put(x, mask, self.value)


class Cutout(ImageAugmentation):
    """Put a constant into a square about a random pixel of each image; part of it may lie outside.

    Parameters
    ----------
    size : int
        Side of the square, in pixels.
    fill : float

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.Cutout(8)(gw.rand(8, 28, 28)).shape
    (8, 28, 28)

    References
    ----------
    T. DeVries and G. W. Taylor, *Improved regularization of convolutional neural networks with cutout*
    (arXiv:1708.04552, 2017), section 3.2.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("size", "fill")

    def __init__(self, size: float = 8, fill: float = 0.0) -> None:
        super().__init__()
        self.size = within("Cutout", "size", size, 0)
        self.fill = fill

    def augmented(self, x: Tensor) -> Tensor:
        """Return the images with a square erased."""
        h, w = x.shape[-2:]
        xp = namespace([self.size])
        back = xp.floor(xp.asarray(self.size, drawn_dtype(x)) / 2)
        top, left = positions(x, h) - back, positions(x, w) - back
        return put(x, inside(x, top, top + self.size, left, left + self.size), self.fill)


class FeatureDropout(Augmentation):
    """Replace each feature of each sample by ``value`` with probability ``p``; the others stay as they are.

    Unlike ``nn.Dropout`` nothing is scaled: it is as if a column were missing and the mean (0, where features were
    standardised) stood in for it.

    Parameters
    ----------
    p : float in [0, 1]
    value : float

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.FeatureDropout(1.0, value=-1)(gw.ones(1, 3)).tolist()
    [[-1.0, -1.0, -1.0]]

    References
    ----------
    P. Vincent et al., *Extracting and composing robust features with denoising autoencoders* (ICML 2008), section 2.3.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("p", "value")

    def __init__(self, p: float = 0.1, value: float = 0.0) -> None:
        super().__init__()
        self.p = within("FeatureDropout", "p", p, 0, 1)
        self.value = value

    def augmented(self, x: Tensor) -> Tensor:
        """Return the samples with features replaced."""
        if x.dtype.kind not in "fV":
            raise DTypeError(f"FeatureDropout: needs a floating tensor, got {x.dtype}; use x.float()")
        return put(x, wrap(current_generator().uniform(x.shape) < self.p), self.value)


class TokenDropout(Augmentation):
    """Replace each word of each text by another token with probability ``p``; padding stays.

    Parameters
    ----------
    p : float in [0, 1]
    replacement : int
        The id that is put in, as that of an unknown word.
    padding_idx : int, optional
        The id of padding.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> augment.TokenDropout(1.0, replacement=1, padding_idx=0)(gw.tensor([[7, 8, 0]])).tolist()
    [[1, 1, 0]]

    References
    ----------
    M. Iyyer et al., *Deep unordered composition rivals syntactic methods for text classification* (ACL 2015),
    section 3.1.
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ("p",)

    def __init__(self, p: float = 0.1, replacement: int = 0, padding_idx: int | None = None) -> None:
        super().__init__()
        self.p = within("TokenDropout", "p", p, 0, 1)
        self.replacement = replacement
        self.padding_idx = padding_idx

    def augmented(self, x: Tensor) -> Tensor:
        """Return the texts with words replaced, of the same shape and dtype."""
        if x.dtype.kind not in "iu":
            raise DTypeError(f"TokenDropout: takes the ids of words, which are integers; got {x.dtype}")
        falls = current_generator().uniform(x.shape) < self.p
        if self.padding_idx is not None:
            falls = falls & (x._array != self.padding_idx)
        out: Tensor = ew.where(wrap(falls), wrap(np.asarray(self.replacement, x.dtype)), x)
        return out
