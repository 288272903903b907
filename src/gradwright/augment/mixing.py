"""Samples mixed with others of their batch, targets too."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from gradwright.augment.base import (
    Augmentation,
    blend,
    drawn_dtype,
    each,
    inside,
    need_images,
    positions,
    put,
    within,
)
from gradwright.augment.beta import symmetric_beta
from gradwright.backend import namespace
from gradwright.engine.ops import indexing
from gradwright.engine.ops.shape import reshape
from gradwright.engine.random import current_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DTypeError, ShapeError
from gradwright.nn.functional.checks import check_labels

__all__ = ["CutMix", "MixUp"]


class _Mixing(Augmentation):
    """What MixUp and CutMix share: a partner from the batch, a share for each sample, soft targets."""

    takes_targets: ClassVar[bool] = True
    hyperparameters: ClassVar[tuple[str, ...]] = ("alpha",)

    def __init__(self, alpha: float = 1.0, num_classes: int | None = None) -> None:
        super().__init__()
        name = type(self).__name__
        self.alpha = within(name, "alpha", alpha, 0)
        if num_classes is not None and (type(num_classes) is not int or num_classes < 1):
            raise ConfigError(f"{name}: num_classes is how many classes there are, at least 1; got {num_classes!r}")
        self.num_classes = num_classes

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Return inputs and targets mixed in training, themselves in evaluation.

        Raises
        ------
        ShapeError
            When there is not one target for each input.
        ConfigError
            When targets are labels, and nobody said how many classes there are.
        """
        if not self.training:
            return x, y
        name = type(self).__name__
        if x.dtype.kind not in "fV":
            raise DTypeError(f"{name}: needs floating inputs, got {x.dtype}; use x.float()")
        if not y.ndim or y.shape[0] != x.shape[0]:
            raise ShapeError(f"{name}: inputs {x.shape} and targets {y.shape}; expected one target for each input")
        soft = self._soft(y, x)
        partner = current_generator().permutation(x.shape[0], np.int32)
        share = symmetric_beta(self.alpha, x.shape[0], drawn_dtype(x))
        mixed, share = self._mixed(x, _rows(x, partner), share)
        return mixed, blend(soft, _rows(soft, partner), each(share, soft))

    def _soft(self, y: Tensor, x: Tensor) -> Tensor:
        if y.dtype.kind not in "iu":
            return y
        name = type(self).__name__
        if self.num_classes is None:
            raise ConfigError(
                f"{name}: the targets are labels; say how many classes there are, {name}(alpha, num_classes=…), or "
                "give floats: probabilities, or numbers to predict"
            )
        check_labels(name, y, self.num_classes, None)
        out: Tensor = indexing.one_hot(y, classes=self.num_classes, dtype=x.dtype)
        return out

    def _mixed(self, x: Tensor, other: Tensor, share: Any) -> tuple[Tensor, Any]:
        raise TypeError(f"{type(self).__name__} does not say how it mixes")


class MixUp(_Mixing):
    """Mix each sample and its target with another of the batch, in proportions λ to 1 - λ.

    Equation: x̃ = λ·x + (1 - λ)·x′, ỹ = λ·y + (1 - λ)·y′; λ is drawn from Beta(α, α), and (x′, y′) is what a random
    permutation of the batch puts there (now and then the sample itself). Called with inputs and targets; returns both.

    Parameters
    ----------
    alpha : float
        α, at least 0: how strongly; at 0 nothing is mixed.
    num_classes : int, optional
        How many classes there are, for targets that are labels: they become probabilities (N, C), which
        ``cross_entropy`` takes. Other targets are floats, mixed as they are.

    Notes
    -----
    The paper's program and torchvision draw one λ a batch; here each sample has its own.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> mix = augment.MixUp(0.2, num_classes=3)
    >>> x, y = mix(gw.rand(8, 5), gw.tensor([0, 1, 2, 0, 1, 2, 0, 1]))
    >>> x.shape, y.shape
    ((8, 5), (8, 3))

    References
    ----------
    H. Zhang et al., *mixup: beyond empirical risk minimization* (ICLR 2018), section 2.
    """

    def _mixed(self, x: Tensor, other: Tensor, share: Any) -> tuple[Tensor, Any]:
        return blend(x, other, each(share, x)), share


class CutMix(_Mixing):
    """Put a box of another image of the batch into each image, and mix the targets by the areas.

    Equation: the box has √(1 - λ) of height and width, λ from Beta(α, α), about a random pixel; what would lie outside
    is cut off. The targets are mixed λ′ to 1 - λ′, 1 - λ′ the share of the area that the box covers. Called with inputs
    and targets; returns both.

    Parameters
    ----------
    alpha : float
        α, at least 0; at 0 nothing is mixed.
    num_classes : int, optional
        How many classes there are, for targets that are labels; see :class:`MixUp`.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import augment
    >>> mix = augment.CutMix(1.0, num_classes=2)
    >>> x, y = mix(gw.rand(4, 3, 8, 8), gw.tensor([0, 1, 1, 0]))
    >>> x.shape, y.shape
    ((4, 3, 8, 8), (4, 2))

    References
    ----------
    S. Yun et al., *CutMix: regularization strategy to train strong classifiers with localizable features* (ICCV 2019),
    section 3.1.
    """

    def _mixed(self, x: Tensor, other: Tensor, share: Any) -> tuple[Tensor, Any]:
        need_images("CutMix", x)
        h, w = x.shape[-2:]
        xp = namespace([share])
        half = xp.sqrt(1 - share) / 2
        ends = []
        for length in (h, w):
            middle, reach = positions(x, length), xp.floor(half * length)
            ends += [xp.maximum(middle - reach, 0), xp.minimum(middle + reach, length)]
        top, bottom, left, right = ends
        mask = inside(x, *ends)
        if x.ndim == 3:
            mask = reshape(mask, shape=(x.shape[0], h, w))
        return put(x, mask, other), 1 - (bottom - top) * (right - left) / (h * w)


def _rows(x: Tensor, order: Any) -> Tensor:
    out: Tensor = indexing.getitem(x, index=order)
    return out
