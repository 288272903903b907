"""Images to rows of float32: one mean and one standard deviation for all pixels, learnt in training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.messages import PlaceOf
from gradwright.data.scaling import check_state, finite
from gradwright.errors import DataError, StateError

__all__ = ["ImagePreparation"]

_BLOCK = 4096  # images at a time: what lies beside the result in memory


@dataclass(frozen=True)
class ImagePreparation:
    """Global standardisation of images: (pixel − mean) / std, flattened.

    Attributes
    ----------
    shape : tuple of int
        The shape of one image.
    mean, std : float
        Over all pixels of all training images.

    Examples
    --------
    >>> fitted, note = ImagePreparation.fit(np.array([[[0, 2]], [[0, 2]]], np.uint8))
    >>> fitted.transform(np.array([[[0, 2]]], np.uint8), "row {}".format)
    array([[-1., 1.]], dtype=float32)
    >>> note
    'pixels standardised by one mean (1) and one standard deviation (1), learnt from the training images'
    """

    shape: tuple[int, ...]
    mean: float
    std: float

    @classmethod
    def fit(cls, images: NDArray[Any]) -> tuple[ImagePreparation, str]:
        """Learn from training images, shape (n, ...): the preparation, and a note about it.

        Raises
        ------
        DataError
            All pixels are missing, or all are equal.
        """
        mean, std = _moments_of_bytes(images) if images.dtype == np.uint8 else _moments(images)
        if std == 0 or not math.isfinite(std) or not math.isfinite(mean):
            raise DataError(
                f"cannot prepare the images: all pixels of the training part are {mean:g}, or beyond "
                f"float64; expected pictures of something"
            )
        note = (
            f"pixels standardised by one mean ({mean:.4g}) and one standard deviation ({std:.4g}), learnt "
            f"from the training images"
        )
        return cls(tuple(images.shape[1:]), mean, std), note

    @property
    def width(self) -> int:
        """How many values an image has."""
        return math.prod(self.shape)

    def transform(self, images: NDArray[Any], place: PlaceOf) -> NDArray[np.float32]:
        """Standardise images, shape (n, ...) or (n, pixels), to float32 (n, pixels); a missing pixel counts
        as the mean.

        Raises
        ------
        DataError
            Images of another shape, or an infinite pixel.
        """
        if tuple(images.shape[1:]) not in (self.shape, (self.width,)) or images.dtype.kind not in "biuf":
            raise DataError(
                f"cannot prepare images of shape {images.shape} of {images.dtype}: trained on images of "
                f"shape {self.shape}; expected numbers of shape (n, {', '.join(map(str, self.shape))}) or "
                f"(n, {self.width})"
            )
        flat = images.reshape(len(images), self.width)
        if flat.dtype == np.uint8:  # 256 values only: each is scaled once, then looked up
            table: NDArray[np.float32] = ((np.arange(256) - self.mean) / self.std).astype(np.float32)
            return np.take(table, flat)
        out = np.empty(flat.shape, np.float32)
        start = 0
        for block in _blocks(flat):
            with np.errstate(over="ignore"):
                scaled = ((block - self.mean) / self.std).astype(np.float32)
            if np.isinf(scaled).any():
                row, pixel = (int(i) for i in np.argwhere(np.isinf(scaled))[0])
                raise DataError(
                    f"{place(start + row)}, pixel {pixel}: found {float(block[row, pixel])}; expected a "
                    f"finite number not far from training's mean {self.mean:g}"
                )
            np.nan_to_num(scaled, copy=False, nan=0.0)
            out[start : start + len(block)] = scaled
            start += len(block)
        return out

    def to_dict(self) -> dict[str, Any]:
        """Shape and figures, as JSON values."""
        return {"shape": list(self.shape), "mean": self.mean, "std": self.std}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> ImagePreparation:
        """Read what `to_dict` wrote; raises `StateError` when it is not that."""
        fields = check_state(state, "images", shape=list, mean=float, std=float)
        shape = fields["shape"]
        if (
            not shape
            or len(shape) > 8
            or not all(type(n) is int and 0 < n < 2**20 for n in shape)
            or math.prod(shape) > 2**28
        ):
            raise StateError(
                "cannot read the preparation: images has a shape that no image has; expected sizes above 0"
            )
        return cls(tuple(shape), finite(fields["mean"], "mean"), finite(fields["std"], "std", positive=True))


def _moments_of_bytes(images: NDArray[np.uint8]) -> tuple[float, float]:
    counts = np.zeros(256, np.int64)
    for i in range(0, len(images), _BLOCK):
        counts += np.bincount(images[i : i + _BLOCK].reshape(-1), minlength=256)
    values = np.arange(256.0)
    mean = float(counts @ values) / int(counts.sum())
    return mean, math.sqrt(float(counts @ np.square(values - mean)) / int(counts.sum()))


def _moments(images: NDArray[Any]) -> tuple[float, float]:
    count, total, squares = 0, 0.0, 0.0
    for block in _blocks(images):
        there = np.isfinite(block)
        count += int(there.sum())
        total += float(block.sum(where=there))
    if count == 0:
        raise DataError("cannot prepare the images: all pixels are missing")
    mean = total / count
    for block in _blocks(images):
        squares += float(np.square(block - mean).sum(where=np.isfinite(block)))
    return mean, math.sqrt(squares / count)


def _blocks(images: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
    return (images[i : i + _BLOCK].astype(np.float64) for i in range(0, len(images), _BLOCK))
