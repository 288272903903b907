"""Augmentations by the names that a configuration gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradwright import augment
from gradwright.augment.names import KNOWN
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError

__all__ = ["AUGMENTATIONS", "Augmentation", "make_augmentation"]

#: With what explains each.
AUGMENTATIONS: dict[str, str] = {name: known.line for name, known in KNOWN.items() if known.takes != "texts"}

Augmentation = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def make_augmentation(
    names: Sequence[str], shape: tuple[int, ...], classes: int | None, ground: float = 0.0
) -> Augmentation | None:
    """Return what changes each batch of flat rows, or None without any.

    Parameters
    ----------
    names : sequence of str
        As ``gradwright list augmentations`` shows them, with a strength after ``=``.
    shape : tuple of int
        What one row is: (features,), an image (height, width) or (height, width, channels).
    classes : int, optional
        How many classes there are; None for numbers.
    ground : float
        The value of an empty pixel.
    """
    if not names:
        return None
    images = len(shape) > 1
    for name in names:
        known = KNOWN[name.partition("=")[0]]
        if known.takes == "images" and not images:
            raise ConfigError(f"augment = {name}: it takes images, and a row of this data is {shape[0]} numbers")
    if len(shape) < 3:
        compose: Augmentation = augment.from_names(
            names, shape=shape if images else None, num_classes=classes, fill=ground
        )
        return compose
    inner = augment.from_names(names, num_classes=classes, fill=ground)

    def channels_first(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        pictures, targets = inner(x.reshape(-1, *shape).permute(0, 3, 1, 2), y)
        return pictures.permute(0, 2, 3, 1).flatten(1), targets

    return channels_first
