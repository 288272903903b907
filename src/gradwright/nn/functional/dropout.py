"""Dropout of elements and of whole channels, with zeros or with what keeps SELU networks standardised.

Every call in training takes one draw, whatever its rate: the masks that follow must not depend on a rate, or members
of a population would differ. A rate may be traced, so a compiled step serves every value from one program.
"""

from __future__ import annotations

import warnings
from typing import Any

from gradwright.backend import namespace
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.op import wrap
from gradwright.engine.random import current_generator
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DTypeError, ShapeError

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]

#: SELU's value far to the left, -λα: what alpha dropout puts in place of what it drops.
_SELU_FLOOR = 1.7580993408473766


def dropout(input: Tensor, p: Any = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to 0 with probability ``p`` and scale the others by 1 / (1 - p); no change in evaluation.

    Parameters
    ----------
    p : float in [0, 1]
        Probability; under a compiled step it may differ from call to call without a new trace.
    inplace : bool
        Write the result into ``input``.

    References
    ----------
    N. Srivastava et al., *Dropout* (JMLR 15, 2014), with the scaling at training time.
    """
    return _dropped("dropout", input, p, training, inplace, input.shape)


def dropout1d(input: Tensor, p: Any = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of a (N, C, L) or (C, L) input to 0; otherwise as :func:`dropout`."""
    need_tensor("dropout1d", input)
    if input.ndim not in (2, 3):
        raise ShapeError(f"dropout1d: expected (N, C, L) or (C, L), got {input.shape}")
    return _dropped("dropout1d", input, p, training, inplace, (*input.shape[:-1], 1))


def dropout2d(input: Tensor, p: Any = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of a (N, C, H, W) input to 0; otherwise as :func:`dropout`.

    An input of three axes is (N, C, L), not a picture without a batch, as PyTorch has it; a warning says so.

    References
    ----------
    J. Tompson et al., *Efficient object localization using convolutional networks* (CVPR 2015).
    """
    need_tensor("dropout2d", input)
    if input.ndim == 3:
        message = (
            f"dropout2d: takes the shape {input.shape} for (N, C, L), as dropout1d does; a picture needs (1, C, H, W)"
        )
        warnings.warn(message, stacklevel=2)
    return _dropped("dropout2d", input, p, training, inplace, _channels("dropout2d", input))


def dropout3d(input: Tensor, p: Any = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set whole channels of a (N, C, D, H, W) or (C, D, H, W) input to 0; otherwise as :func:`dropout`."""
    need_tensor("dropout3d", input)
    shape = (input.shape[0], 1, 1, 1) if input.ndim == 4 else _channels("dropout3d", input)
    return _dropped("dropout3d", input, p, training, inplace, shape)


def alpha_dropout(input: Tensor, p: Any = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Set each element to SELU's floor with probability ``p``, then restore mean 0 and variance 1.

    Equation: a·(x or -λα) + b with a = ((1 - p)(1 + p(λα)²))^-½ and b = a·p·λα.

    References
    ----------
    G. Klambauer et al., *Self-normalizing neural networks* (NeurIPS 2017), appendix.
    """
    need_tensor("alpha_dropout", input)
    return _alpha("alpha_dropout", input, p, training, inplace, input.shape)


def feature_alpha_dropout(input: Tensor, p: Any = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Do the same to whole channels: one draw for each of the first two axes."""
    need_tensor("feature_alpha_dropout", input)
    shape = _channels("feature_alpha_dropout", input) if training else input.shape
    return _alpha("feature_alpha_dropout", input, p, training, inplace, shape)


def _channels(name: str, input: Tensor) -> tuple[int, ...]:
    if input.ndim < 2:
        raise ShapeError(f"{name}: whole channels need an input (N, C, …), got {input.shape}")
    return (*input.shape[:2], *(1 for _ in input.shape[2:]))


def _ready(name: str, input: Tensor, p: Any, training: bool) -> None:
    need_tensor(name, input)
    if isinstance(p, int | float) and not 0 <= p <= 1:
        raise ConfigError(f"{name}: p is a probability, from 0 to 1; got {p}")
    if training and input.dtype.kind not in "fV":
        raise DTypeError(f"{name}: needs a floating tensor; this one is {input.dtype}: call .float() first")


def _written(input: Tensor, result: Tensor, inplace: bool) -> Tensor:
    return input._assign(result) if inplace else result


def _dropped(name: str, input: Tensor, p: Any, training: bool, inplace: bool, shape: tuple[int, ...]) -> Tensor:
    """Drop with one draw of ``shape``, which broadcasts to the input's."""
    _ready(name, input, p, training)
    if not training:
        return input
    if isinstance(p, int | float) and p in (0, 1):
        current_generator().uniform((0,))  # the one draw
        return input if p == 0 else _written(input, input * 0.0, inplace)
    u = current_generator().uniform(shape)
    xp = namespace([u, input._array, p])
    scale = xp.asarray(1.0 / (1.0 - p), dtype=input.dtype)
    return _written(input, input * wrap(xp.where(u >= p, scale, xp.zeros_like(scale))), inplace)


def _alpha(name: str, input: Tensor, p: Any, training: bool, inplace: bool, shape: tuple[int, ...]) -> Tensor:
    _ready(name, input, p, training)
    if not training:
        return input
    u = current_generator().uniform(shape)
    xp = namespace([u, input._array, p])
    p = xp.asarray(p, dtype=input.dtype)
    spread = 1 + p * _SELU_FLOOR**2
    a = 1 / xp.sqrt(xp.maximum((1 - p) * spread, 1e-30))  # infinite at p = 1, where nothing is kept
    # a·(-λα) + b, simplified
    floor = -_SELU_FLOOR * xp.sqrt((1 - p) / spread)
    kept = u >= p
    factor = xp.where(kept, a, xp.zeros_like(a))
    return _written(input, input * wrap(factor) + wrap(xp.where(kept, a * p * _SELU_FLOOR, floor)), inplace)
