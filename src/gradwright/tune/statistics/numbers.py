"""Numbers as given, looked at before anything is computed from them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.errors import ConfigError

__all__ = ["check_share", "finite", "same_everywhere"]


def finite(what: str, values: Any, *, least: int = 1, shape: tuple[int, ...] | None = None) -> NDArray[np.float64]:
    """Return numbers as a float64 array, or say which of them cannot be used.

    Parameters
    ----------
    what : str
        What the numbers are, for the message: ``"differences"``.
    values : array of numbers
        One dimension, or `shape`.
    least : int
        How many there must be.
    shape : tuple of int, optional
        The shape there must be.

    Raises
    ------
    ConfigError
        For text, another shape, too few, NaN or infinity.
    """
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError) as e:
        raise ConfigError(f"{what}: expected numbers, got {values!r:.80}") from e
    if shape is not None and array.shape != shape:
        raise ConfigError(f"{what}: expected an array of shape {shape}, got {array.shape}")
    if shape is None and array.ndim != 1:
        raise ConfigError(f"{what}: expected one dimension, got an array of shape {array.shape}")
    if array.size < least:
        raise ConfigError(f"{what}: expected at least {least} numbers, got {array.size}")
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        where = ", ".join(str(i) for i in place)
        raise ConfigError(
            f"{what}: number [{where}] is {array[place]}; a failed training has no "
            "score, leave it out, in both arms where they are paired"
        )
    return array


def check_share(what: str, value: float) -> None:
    """Raise ConfigError unless a number lies strictly between 0 and 1."""
    if not 0 < value < 1:
        raise ConfigError(f"{what}: expected a number between 0 and 1, got {value!r}")


def same_everywhere(values: NDArray[np.float64]) -> bool:
    """Say whether numbers are all the same but for rounding, so that their spread says nothing."""
    return bool(np.ptp(values) <= 1e-9 * np.abs(values).max())
