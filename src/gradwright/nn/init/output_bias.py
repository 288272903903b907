"""The output layer's bias that is right before anything has been learnt."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DataError, ShapeError
from gradwright.nn.module import Module

__all__ = ["output_bias_"]

_KINDS = ("regression", "binary", "multiclass")


def output_bias_(
    layer: Module, targets: Any, kind: str | None = None, *, smoothing: float = 0.0, ignore_index: int = -100
) -> Module:
    """Set the bias that gives the least loss while the weights are 0: what one would guess without looking at x.

    Equations, for N targets: the mean ȳ with squared error (``regression``); log(n₁ / n₀) with binary cross-entropy
    from logits (``binary``), n₁ and n₀ counting ones and zeros; log(n_c / N) with cross-entropy (``multiclass``). With
    smoothing s every count is n + s. A network that starts so does not spend its first steps learning the mean.

    Parameters
    ----------
    layer : Module
        The last layer; its ``bias`` has one element for each output.
    targets : Tensor or array
        (N, outputs) or (N,) numbers for ``regression``; the same, of 0 and 1 (or shares in between), for ``binary``;
        class labels from 0 on, of any shape, for ``multiclass``.
    kind : 'regression', 'binary' or 'multiclass', optional
        Unless given: whole-number labels with several outputs are ``multiclass``; targets that are all 0 or 1 (both or
        one of them) are ``binary``; other floats are ``regression``. Whole numbers with one output are asked about.
    smoothing : float >= 0
        Added to each count. 1 is Laplace's rule.
    ignore_index : int
        Labels that do not count.

    Returns
    -------
    Module
        The layer.

    Raises
    ------
    DataError
        When a class never occurs (its bias would be -inf), or a target is not finite or out of range.
    ConfigError, ShapeError
        When the layer has no bias, the targets do not fit its outputs, or the kind cannot be told.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> layer = nn.Linear(5, 3)
    >>> nn.init.output_bias_(layer, gw.tensor([0, 1, 1, 2])).bias.exp().detach()
    tensor([0.2500, 0.5000, 0.2500])

    References
    ----------
    C. Bishop, *Neural networks for pattern recognition* (1995), section 3.4.3, for squared error; the others follow
    from setting the derivative of the loss by the bias to 0.
    """
    bias = layer._parameters.get("bias")
    if bias is None:
        raise ConfigError(f"output_bias_: this {type(layer).__name__} has no bias to set")
    if not smoothing >= 0:
        raise ConfigError(f"output_bias_: smoothing must be at least 0, got {smoothing}")
    y = np.asarray(targets.detach().numpy() if isinstance(targets, Tensor) else targets)
    if y.size == 0:
        raise DataError("output_bias_: there are no targets")
    if not np.isfinite(y).all():
        raise DataError(f"output_bias_: target {int(np.argmin(np.isfinite(y.ravel())))} is not finite")
    outputs = bias.numel()
    kind = _told(y, outputs) if kind is None else kind
    if kind == "multiclass":
        values = _log_priors(y, outputs, smoothing, ignore_index)
    elif kind == "binary":
        values = _log_odds(_columns(y, outputs), smoothing)
    elif kind == "regression":
        values = _columns(y, outputs).mean(0)
    else:
        raise ConfigError(f"output_bias_: kind must be one of {', '.join(_KINDS)}; got {kind!r}")
    bias._set(values.astype(bias.dtype))
    return layer


def _told(y: np.ndarray, outputs: int) -> str:
    whole = y.dtype.kind in "iu"
    if whole and outputs > 1 and y.ndim == 1:
        return "multiclass"
    if ((y == 0) | (y == 1)).all():
        return "binary"
    if whole:
        raise ConfigError(
            f"output_bias_: whole-number targets of shape {y.shape} and {outputs} outputs may be counts or classes; "
            "say kind='regression' or kind='multiclass'"
        )
    return "regression"


def _columns(y: np.ndarray, outputs: int) -> np.ndarray:
    """Return the targets as (N, outputs), float64."""
    if y.ndim < 2:
        y = y.reshape(-1, 1)
    if y.shape[1:] != (outputs,):
        raise ShapeError(f"output_bias_: targets of shape {y.shape} for a layer of {outputs} outputs")
    return y.astype(np.float64)


def _log_odds(y: np.ndarray, smoothing: float) -> np.ndarray:
    if ((y < 0) | (y > 1)).any():
        raise DataError(f"output_bias_: binary targets lie from 0 to 1, got {y[(y < 0) | (y > 1)][0]}")
    ones, zeros = y.sum(0) + smoothing, (1 - y).sum(0) + smoothing
    _refuse_none("binary targets", {0: zeros, 1: ones})
    return np.log(ones) - np.log(zeros)


def _log_priors(y: np.ndarray, classes: int, smoothing: float, ignore_index: int) -> np.ndarray:
    labels = y.ravel()
    labels = labels[labels != ignore_index]
    if labels.size == 0:
        raise DataError(f"output_bias_: every target is ignored ({ignore_index})")
    wrong = (labels != np.floor(labels)) | (labels < 0) | (labels >= classes)
    if wrong.any():
        raise DataError(f"output_bias_: label {labels[wrong][0]} is no whole number from 0 to {classes - 1}")
    counts = np.bincount(labels.astype(np.int64), minlength=classes) + smoothing
    _refuse_none("the labels", dict(enumerate(counts)))
    return np.log(counts) - np.log(counts.sum())


def _refuse_none(what: str, counts: dict[int, Any]) -> None:
    missing = [str(c) for c, n in counts.items() if np.any(n == 0)]
    if missing:
        raise DataError(
            f"output_bias_: {', '.join(missing)} never occurs among {what}, so its bias would be infinite. Say "
            "smoothing=1 to count each class once more than it occurs."
        )
