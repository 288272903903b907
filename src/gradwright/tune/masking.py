"""Columns that a network does not see: a mask in front of it, so that networks without any of them share a program."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright import nn
from gradwright.data import Preparation
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError

__all__ = ["InputMask", "input_mask", "masking_is_exact"]

#: Rules that move each number by its own gradient alone, so that one without a gradient concerns no other.
_ELEMENTWISE = (
    "adadelta", "adagrad", "adam", "adamax", "adamw", "gd", "lion", "nadam", "radam", "rmsprop", "rprop", "sgd",
)  # fmt: skip


class InputMask(nn.Module):
    """Set some inputs to 0, the mean of a standardised column.

    Equation: x̃ᵢⱼ = mⱼ xᵢⱼ.

    Parameters
    ----------
    mask : (features,) booleans
        Which inputs go through.

    Examples
    --------
    >>> import numpy as np
    >>> import gradwright as gw
    >>> InputMask(np.array([True, False]))(gw.ones(1, 2)).tolist()
    [[1.0, 0.0]]
    """

    def __init__(self, mask: NDArray[np.bool_]) -> None:
        super().__init__()
        # whole numbers, which an average of weights takes over as they are
        self.register_buffer("mask", Tensor(np.asarray(mask).astype(np.int32)))

    def forward(self, input: Tensor) -> Tensor:
        """Return (N, features)."""
        mask: Any = self.mask
        out: Tensor = input * mask.to(input.dtype)
        return out


def input_mask(preparation: Preparation, columns: Collection[str]) -> NDArray[np.bool_]:
    """Return which prepared values stay without some columns, shape (width,).

    Raises
    ------
    ConfigError
        A column that the preparation does not have, or no column left.
    """
    if preparation.images is not None:
        names = list(preparation.feature_names)
    else:
        names = [column.name for column in preparation.columns for _ in column.outputs]
    unknown = set(columns) - set(names)
    if unknown:
        raise ConfigError(f"cannot leave out column {min(unknown)!r}: no network sees such a column")
    mask = np.array([name not in columns for name in names])
    if not mask.any():
        raise ConfigError(f"cannot leave out all {len(set(names))} columns: nothing would be left to learn from")
    return mask


def masking_is_exact(config: Any) -> bool:
    """Say whether a network with an input at 0 trains as one that never had it.

    A fully connected first layer gets no gradient for such an input's weights, and they add nothing to what it gives;
    so they concern no other weight, unless a rule, a bound or a norm looks at many weights or gradients together.

    Parameters
    ----------
    config : Config
        Resolved settings.
    """
    together = config.max_norm is not None or (
        config.clip_norm is not None and bool(config.l1 or config.l2 or config.prior or config.gradient_noise)
    )
    return config.network in ("mlp", "linear", "highway") and config.optimizer in _ELEMENTWISE and not together
