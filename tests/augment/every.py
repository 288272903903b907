"""Every augmentation, with samples for it and other strengths: what the common tests go through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import gradwright as gw
from gradwright import augment as A

N = 6  # samples, all the same where it is asked whether draws differ


@dataclass
class Case:
    """An augmentation, and other values for what a compiled step lifts."""

    module: Any
    other: dict[str, Any]
    kind: str = "images"

    @property
    def name(self) -> str:
        return type(self.module).__name__


def cases() -> list[Case]:
    """Make them anew: tests change them."""
    return [
        Case(A.RandomShift(2), {"pixels": 3, "fill": 0.5}),
        Case(A.RandomShift(1.5, subpixel=True), {"pixels": 0.7, "fill": 0.5}),
        Case(A.RandomCrop((5, 4), padding=2), {"fill": 0.5}),
        Case(A.RandomHorizontalFlip(0.5), {"p": 0.2}),
        Case(A.RandomVerticalFlip(0.5), {"p": 0.8}),
        Case(A.RandomRotation(30), {"degrees": (-80.0, 10.0), "fill": 0.5}),
        Case(A.RandomScale(0.3), {"scale": (0.4, 0.6), "fill": 0.5}),
        Case(
            A.RandomAffine(20, (0.1, 0.2), (0.8, 1.2), (-9, 9, -7, 7)),
            {
                "degrees": (5.0, 40.0), "translate": (0.3, 0.1), "scale": (1.0, 2.0), "shear": (3.0, 4.0, 1.0, 9.0),
                "fill": 0.5,
            },
        ),
        Case(A.GaussianNoise(0.1, 0.2), {"mean": 0.3, "sigma": 0.5}),
        Case(
            A.ColorJitter(0.3, 0.3, 0.3),
            {"brightness": (0.5, 0.6), "contrast": (1.5, 2.0), "saturation": (0.1, 0.9)},
        ),
        Case(A.RandomBrightness(0.3), {"brightness": (1.1, 1.4), "black": -0.5}),
        Case(A.RandomContrast(0.3), {"contrast": (0.2, 0.4)}),
        Case(A.RandomErasing(0.8), {"p": 0.5, "scale": (0.1, 0.4), "ratio": (0.5, 0.9), "value": 2.0}),
        Case(A.Cutout(3), {"size": 5, "fill": 0.5}),
        Case(A.FeatureDropout(0.3), {"p": 0.6, "value": 2.0}, "rows"),
        Case(A.TokenDropout(0.4, 1, 0), {"p": 0.8}, "texts"),
        Case(A.MixUp(0.4, 3), {"alpha": 1.5}, "pairs"),
        Case(A.CutMix(1.0, 3), {"alpha": 0.5}, "pairs"),
    ]  # fmt: skip


def samples(same: bool = False, dtype: Any = np.float32) -> dict[str, np.ndarray]:
    """Images, rows, texts and labels; with ``same`` every sample is the first one."""
    rng = np.random.default_rng(0)
    found = {
        "images": rng.uniform(0, 1, (N, 3, 7, 6)).astype(dtype),
        "rows": rng.normal(size=(N, 30)).astype(dtype),
        "texts": np.concatenate([rng.integers(2, 9, (N, 20)), np.zeros((N, 3), np.int64)], axis=1),
        "labels": rng.integers(0, 3, N),
    }
    return {k: np.repeat(v[:1], N, 0) if same else v for k, v in found.items()}


def call(case: Case, x: dict[str, gw.Tensor]) -> list[gw.Tensor]:
    """Return what the augmentation makes of its kind of samples."""
    if case.kind == "pairs":
        return list(case.module(x["images"], x["labels"]))
    return [case.module(x[case.kind])]


def tensors(arrays: dict[str, np.ndarray]) -> dict[str, gw.Tensor]:
    return {k: gw.tensor(v) for k, v in arrays.items()}
