"""Augmentations by short names, as the command line gives them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradwright.augment.compose import Compose
from gradwright.augment.erasing import Cutout, FeatureDropout, RandomErasing, TokenDropout
from gradwright.augment.geometry import RandomAffine, RandomRotation, RandomScale
from gradwright.augment.mixing import CutMix, MixUp
from gradwright.augment.pixels import GaussianNoise, RandomBrightness, RandomContrast
from gradwright.augment.placing import RandomCrop, RandomHorizontalFlip, RandomShift, RandomVerticalFlip
from gradwright.errors import ConfigError
from gradwright.nn.module import Module

__all__ = ["KNOWN", "Named", "from_names"]


@dataclass(frozen=True)
class Named:
    """What a short name stands for."""

    module: type[Module]
    argument: str  #: what ``name=value`` sets
    default: float
    takes: str  #: "images", "texts" or "any samples"
    more: dict[str, Any] = field(default_factory=dict)  #: further arguments
    ground: str = ""  #: the argument that is the value of an empty pixel
    whole: bool = False  #: whether the value is a whole number

    @property
    def line(self) -> str:
        """The first sentence of the module's documentation."""
        return " ".join((inspect.getdoc(self.module) or "").split("\n\n")[0].split())


_PARTS = {"translate": (0.1, 0.1), "scale": (0.9, 1.1), "shear": 5.0}

#: Every short name.
KNOWN: dict[str, Named] = {
    "shift": Named(RandomShift, "pixels", 2, "images", ground="fill"),
    "rotate": Named(RandomRotation, "degrees", 10, "images", ground="fill"),
    "flip": Named(RandomHorizontalFlip, "p", 0.5, "images"),
    "flip-vertical": Named(RandomVerticalFlip, "p", 0.5, "images"),
    "crop": Named(RandomCrop, "padding", 4, "images", ground="fill", whole=True),
    "scale": Named(RandomScale, "scale", 0.1, "images", ground="fill"),
    "affine": Named(RandomAffine, "degrees", 10, "images", _PARTS, ground="fill"),
    "noise": Named(GaussianNoise, "sigma", 0.1, "any samples"),
    "brightness": Named(RandomBrightness, "brightness", 0.2, "images", ground="black"),
    "contrast": Named(RandomContrast, "contrast", 0.2, "images"),
    "erase": Named(RandomErasing, "p", 0.5, "images", ground="value"),
    "cutout": Named(Cutout, "size", 8, "images", ground="fill"),
    "mixup": Named(MixUp, "alpha", 0.2, "any samples"),
    "cutmix": Named(CutMix, "alpha", 1.0, "images"),
    "feature-dropout": Named(FeatureDropout, "p", 0.1, "any samples"),
    "token-dropout": Named(TokenDropout, "p", 0.1, "texts"),
}


def from_names(
    names: str | Iterable[str],
    *,
    shape: Sequence[int] | None = None,
    num_classes: int | None = None,
    fill: float = 0.0,
) -> Compose:
    """Return the augmentations that short names stand for, in their order.

    Parameters
    ----------
    names : str or iterable of str
        ``"shift,rotate=15"`` or ``["shift", "rotate=15"]``: a name, or a name and the value of its main argument. The
        names, arguments and defaults are in ``KNOWN``.
    shape : tuple of int, optional
        Of one image, where they come as rows; see :class:`Compose`.
    num_classes : int, optional
        For ``mixup`` and ``cutmix`` of labels.
    fill : float
        The value of an empty (black) pixel: what images are shifted in from, and what stands in boxes. Where pixels
        were standardised it is -mean / std.

    Raises
    ------
    ConfigError
        Listing the names, when one is unknown; or saying which value makes no sense.

    Examples
    --------
    >>> from gradwright import augment
    >>> augment.from_names("shift,rotate=15")
    Compose(
      (0): RandomShift(pixels=2, subpixel=False, fill=0.0)
      (1): RandomRotation(degrees=(-15.0, 15.0), interpolation='bilinear', fill=0.0)
    )
    """
    texts = names.split(",") if isinstance(names, str) else list(names)
    return Compose([_built(text.strip(), num_classes, fill) for text in texts], shape)


def _built(text: str, num_classes: int | None, fill: float) -> Module:
    name, equals, given = text.partition("=")
    known = KNOWN.get(name.strip())
    if known is None:
        close = difflib.get_close_matches(name.strip(), KNOWN, 1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        raise ConfigError(f"no augmentation is called {name.strip()[:40]!r}{meant} Known are {', '.join(KNOWN)}.")
    value: float = known.default
    if equals:
        try:
            value = (int if known.whole else float)(given)
        except ValueError:
            kind = "a whole number" if known.whole else "a number"
            raise ConfigError(
                f"augmentation {text[:80]!r}: {known.argument} must be {kind}, as in {name}={known.default:g}"
            ) from None
    arguments = {**known.more, known.argument: value}
    if known.ground:
        arguments[known.ground] = fill
    if getattr(known.module, "takes_targets", False):
        arguments["num_classes"] = num_classes
    try:
        return known.module(**arguments)
    except ConfigError as error:
        raise ConfigError(f"augmentation {text[:80]!r}: {error}") from None
