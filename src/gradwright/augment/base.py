"""What every augmentation is: a module that changes samples in training and leaves them alone in evaluation.

Every call draws the same number of times whatever its strengths: what is drawn afterwards must not depend on them, or
the members of a population would differ. Strengths may be traced, so nothing here asks for their values once built.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from gradwright.backend import namespace
from gradwright.engine.op import wrap
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops.shape import reshape
from gradwright.engine.random import current_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DTypeError, ShapeError
from gradwright.nn.module import Module

__all__ = [
    "Augmentation", "ImageAugmentation", "blend", "chance", "draw", "drawn_dtype", "each", "inside", "interval",
    "need_images", "number", "positions", "put", "within",
]  # fmt: skip


class Augmentation(Module):
    """A module that changes each sample by its own draw in training; subclasses define ``augmented``."""

    #: Whether it is called with inputs and targets, and returns both.
    takes_targets: ClassVar[bool] = False

    def forward(self, x: Tensor) -> Tensor:
        """Return the samples changed in training, themselves in evaluation."""
        return self.augmented(x) if self.training else x

    def augmented(self, x: Tensor) -> Tensor:
        """Return the samples changed."""
        raise TypeError(f"{type(self).__name__} defines no augmented method")

    def extra_repr(self) -> str:
        """Return the arguments."""
        return ", ".join(f"{key}={value!r}" for key, value in self.config().items())


class ImageAugmentation(Augmentation):
    """An augmentation of images (N, C, H, W), or (N, H, W) of one channel; ``augmented`` always gets four axes."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the images changed in training, themselves in evaluation."""
        need_images(type(self).__name__, x)
        if x.ndim == 4:
            return super().forward(x)
        n, h, w = x.shape
        out = super().forward(reshape(x, shape=(n, 1, h, w)))
        return reshape(out, shape=(n, *out.shape[2:]))


def need_images(name: str, x: Any) -> None:
    """Refuse what is no batch of images with floating pixels."""
    if not isinstance(x, Tensor) or x.dtype.kind not in "fV":
        found = f"a tensor of {x.dtype}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
        raise DTypeError(f"{name}: expected a floating Tensor of images, got {found}; use x.float()")
    if x.ndim not in (3, 4) or min(x.shape[1:]) < 1:
        raise ShapeError(
            f"{name}: expected images (N, C, H, W) or (N, H, W), got {x.shape}; rows of pixels need their shape: "
            "Compose(…, shape=(C, H, W)), or reshape"
        )


# --- draws ------------------------------------------------------------------------------------------------------------
def draw(x: Tensor, low: Any = 0.0, high: Any = 1.0, times: tuple[int, ...] = ()) -> Any:
    """Draw uniform numbers from ``low`` to ``high`` as an array: ``times`` for each sample, (*times, N)."""
    u = current_generator().uniform((*times, x.shape[0]), drawn_dtype(x))
    return u * (high - low) + low


def positions(x: Tensor, count: Any, times: tuple[int, ...] = ()) -> Any:
    """Draw whole numbers from 0 up to but without ``count``, as floats; ``count`` may be an array of them."""
    u = draw(x, times=times)
    xp = namespace([u, count])
    return xp.minimum(xp.floor(u * count), count - 1)


def chance(x: Tensor, p: Any) -> Any:
    """Draw for each sample whether something of probability ``p`` happens."""
    return draw(x) < p


def drawn_dtype(x: Tensor) -> np.dtype:
    """Return the dtype of what is drawn for samples: theirs, but float32 for halves and whole numbers."""
    return x.dtype if x.dtype.kind == "f" and x.dtype.itemsize > 2 else np.dtype(np.float32)


# --- arrays beside tensors --------------------------------------------------------------------------------------------
def each(values: Any, x: Tensor) -> Tensor:
    """Return an array with one entry a sample as a Tensor that broadcasts over the samples of ``x``."""
    shaped: Tensor = wrap(values.reshape(-1, *(1,) * (x.ndim - 1)))
    return shaped if shaped.dtype.kind == "b" else shaped.to(x.dtype)


def number(value: Any, x: Tensor) -> Tensor:
    """Return a number, which may be traced, as a Tensor of the dtype of ``x``."""
    out: Tensor = wrap(namespace([value]).asarray(value).astype(x.dtype))
    return out


def blend(x: Tensor, other: Any, share: Any) -> Tensor:
    """Return share · x + (1 - share) · other, which is ``x`` to the last bit where the share is 1."""
    return x * share + other * (1 - share)


def inside(x: Tensor, top: Any, bottom: Any, left: Any, right: Any) -> Tensor:
    """Return which pixels lie in each image's box, from ``top`` up to but without ``bottom``: bool (N, 1, H, W)."""
    h, w = x.shape[-2:]
    rows, columns = np.arange(h)[:, None], np.arange(w)
    top, bottom, left, right = (v[:, None, None] for v in (top, bottom, left, right))
    out: Tensor = wrap(((rows >= top) & (rows < bottom) & (columns >= left) & (columns < right))[:, None])
    return out


def put(x: Tensor, mask: Any, value: Any) -> Tensor:
    """Return ``x`` with a number, or another Tensor's pixels, where the mask is true."""
    out: Tensor = ew.where(mask, value if isinstance(value, Tensor) else number(value, x), x)
    return out


# --- arguments --------------------------------------------------------------------------------------------------------
def interval(
    name: str, argument: str, value: Any, *, about: float, low: float = -math.inf, high: float = math.inf
) -> tuple[float, float]:
    """Return a range given by its ends, or by how far it reaches to both sides of ``about`` (cut at ``low``)."""
    many = isinstance(value, tuple | list)
    numbers = tuple(value) if many else (value,)
    sound = all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in numbers)
    if not sound or len(numbers) != (2 if many else 1) or (not many and value < 0):
        raise ConfigError(f"{name}: {argument} is a number of at least 0, or (lowest, highest); got {value!r}")
    first, last = numbers if many else (max(about - value, low), about + value)
    if not low <= first <= last <= high:
        raise ConfigError(f"{name}: {argument} must rise and lie from {low:g} to {high:g}; got {value!r}")
    return float(first), float(last)


def within(name: str, argument: str, value: Any, low: float, high: float = math.inf) -> Any:
    """Return a number after a look whether it lies in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        limits = f"at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
        raise ConfigError(f"{name}: {argument} is a number {limits}; got {value!r}")
    return value
