"""Samples changed at random inside the training step, each by its own draw; in evaluation nothing is changed.

Names and meanings are those of ``torchvision.transforms.v2`` where there are such.
"""

from gradwright.augment.compose import Compose
from gradwright.augment.erasing import Cutout, FeatureDropout, RandomErasing, TokenDropout
from gradwright.augment.geometry import RandomAffine, RandomRotation, RandomScale
from gradwright.augment.mixing import CutMix, MixUp
from gradwright.augment.names import KNOWN, from_names
from gradwright.augment.pixels import ColorJitter, GaussianNoise, RandomBrightness, RandomContrast
from gradwright.augment.placing import RandomCrop, RandomHorizontalFlip, RandomShift, RandomVerticalFlip
from gradwright.augment.sheet import sheet, sheet_png

__all__ = [
    "KNOWN",
    "ColorJitter",
    "Compose",
    "CutMix",
    "Cutout",
    "FeatureDropout",
    "GaussianNoise",
    "MixUp",
    "RandomAffine",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomScale",
    "RandomShift",
    "RandomVerticalFlip",
    "TokenDropout",
    "from_names",
    "sheet",
    "sheet_png",
]
