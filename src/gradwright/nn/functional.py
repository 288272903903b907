"""Layers and losses as functions: ``gradwright.nn.functional``, usually imported as ``F``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradwright.backend import is_concrete, namespace
from gradwright.engine.missing import explained
from gradwright.engine.mode import no_grad
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing, linalg
from gradwright.engine.ops import loss as fused
from gradwright.engine.random import current_generator
from gradwright.engine.tensor import Tensor
from gradwright.engine.tracing import trace_now
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, ShapeError

__all__ = [
    "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "dropout", "l1_loss",
    "linear", "log_softmax", "mse_loss", "nll_loss", "one_hot", "relu", "sigmoid", "softmax", "tanh",
]  # fmt: skip


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``input @ weight.T + bias``.

    Parameters
    ----------
    input : (…, in_features)
    weight : (out_features, in_features)
    bias : (out_features,), optional
    """
    if bias is None:
        return input @ weight.T
    return linalg.affine(input, weight, bias)


def relu(input: Tensor) -> Tensor:
    """Return max(x, 0)."""
    return input.relu()


def sigmoid(input: Tensor) -> Tensor:
    """Return 1 / (1 + e⁻ˣ)."""
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent."""
    return input.tanh()


def softmax(input: Tensor, dim: int) -> Tensor:
    """Return exponentials that add up to 1 along ``dim``."""
    return input.softmax(dim)


def log_softmax(input: Tensor, dim: int) -> Tensor:
    """Return the logarithm of the softmax along ``dim``, as one operation."""
    return input.log_softmax(dim)


def one_hot(input: Tensor, num_classes: int) -> Tensor:
    """Return int64 vectors with a 1 at each label."""
    _check_labels("one_hot", input, num_classes, None)
    return indexing.one_hot(input, classes=num_classes, dtype=np.dtype(np.int64))


def dropout(input: Tensor, p: Any = 0.5, training: bool = True) -> Tensor:
    """Set each element to 0 with probability ``p`` and scale the others by 1 / (1 - p); no change in evaluation.

    Parameters
    ----------
    p : float in [0, 1]
        Probability; under a compiled step it may differ from call to call without a new trace.

    References
    ----------
    N. Srivastava et al., *Dropout* (JMLR 15, 2014), with the scaling at training time.
    """
    if isinstance(p, int | float):
        if not 0 <= p <= 1:
            raise ConfigError(f"dropout: p is a probability, from 0 to 1; got {p}")
        if not training:
            return input
        if p in (0, 1):
            # a draw all the same: the masks that follow must not depend on a rate, or members of a population would
            # differ
            current_generator().uniform((0,))
            return input if p == 0 else input * 0.0
    elif not training:
        return input
    u = current_generator().uniform(input.shape)
    xp = namespace([u, input._array, p])
    scale = xp.asarray(1.0 / (1.0 - p), dtype=input.dtype)
    return input * xp.where(u >= p, scale, xp.zeros_like(scale))


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Standardise each channel, then scale and shift it.

    Equation: y = (x - μ) / sqrt(σ² + ε) · weight + bias. In training μ and σ² are the batch's, σ² biased, and the
    running statistics move by ``momentum`` toward μ and the *unbiased* variance; otherwise they are the running
    statistics.

    Parameters
    ----------
    input : (N, C) or (N, C, L)
    running_mean, running_var, weight, bias : (C,), optional
    momentum : float in [0, 1]
        Weight of the new value.

    Raises
    ------
    ShapeError
        In training with a single value per channel: it has no variance.

    References
    ----------
    S. Ioffe and C. Szegedy, *Batch normalization* (ICML 2015), algorithm 1.
    """
    if input.ndim < 2:
        raise ShapeError(f"batch_norm: expected (N, C) or (N, C, L), got {input.shape}")
    axes = tuple(i for i in range(input.ndim) if i != 1)
    column = (1, -1) + (1,) * (input.ndim - 2)
    if training or running_mean is None or running_var is None:
        count = input.numel() // input.shape[1]
        if training and count < 2:
            raise ShapeError(
                f"batch_norm: one value per channel has no variance (input {input.shape}). "
                "Use a batch of at least 2 in training, or call eval()."
            )
        mean = input.mean(axes, keepdim=True)
        centred = input - mean
        var = (centred * centred).mean(axes, keepdim=True)
        if training and running_mean is not None and running_var is not None:
            with no_grad():
                unbiased = var * (count / (count - 1))
                running_mean._assign(running_mean * (1 - momentum) + mean.reshape(-1) * momentum)
                running_var._assign(running_var * (1 - momentum) + unbiased.reshape(-1) * momentum)
    else:
        centred = input - running_mean.reshape(column)
        var = running_var.reshape(column)
    out = centred * (var + eps).rsqrt()
    if weight is not None:
        out = out * weight.reshape(column)
    if bias is not None:
        out = out + bias.reshape(column)
    return out


# --- losses -----------------------------------------------------------------------------------------------------------
def _reduce(loss: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ConfigError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def _same_shape(name: str, input: Tensor, target: Tensor) -> None:
    if input.shape == target.shape:
        return
    hint = ""
    if input.numel() == target.numel():
        hint = f" Broadcasting them would compare every input with every target; use target.reshape{input.shape}."
    raise ShapeError(f"{name}: input {input.shape} and target {target.shape} must have the same shape.{hint}")


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Return the mean of (input - target)².

    Raises
    ------
    ShapeError
        When the shapes differ, even where they would broadcast: (n,) against (n, 1) is a mistake, not a wish.
    """
    _same_shape("mse_loss", input, target)
    d = input - target
    return _reduce(d * d, reduction)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Return the mean of |input - target|; the gradient at 0 is 0."""
    _same_shape("l1_loss", input, target)
    return _reduce((input - target).abs(), reduction)


def _check(array: Any, check: Callable[[np.ndarray], None]) -> None:
    """Run a check on numbers: now when they are there, before each call when a step is being traced."""
    if is_concrete(array):
        check(np.asarray(array))
    elif trace_now.trace is not None:
        trace_now.trace.check_input(array, check)


def _check_labels(name: str, target: Tensor, classes: int, ignore_index: int | None) -> None:
    if target.dtype.kind not in "iu":
        raise DTypeError(f"{name}: class labels must be integers, got {target.dtype}; use target.long()")

    def check(labels: np.ndarray) -> None:
        bad = (labels < 0) | (labels >= classes)
        if not bad.any():
            return
        if ignore_index is not None:
            ignored = labels == ignore_index
            if ignored.all():
                raise IndexOutOfRangeError(
                    f"{name}: all {labels.size} targets are {ignore_index}, which is ignored, so there is no loss"
                )
            bad &= ~ignored
            if not bad.any():
                return
        where = np.argwhere(bad)[0]
        row = int(where[0]) if len(where) == 1 else tuple(int(i) for i in where)
        raise IndexOutOfRangeError(
            f"{name}: the label in row {row} is {labels[tuple(where)]}, but {classes} classes have labels 0 "
            f"to {classes - 1} "
            f"({int(bad.sum())} of {labels.size} labels are out of range)"
        )

    _check(target._array, check)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: Any = 0.0,
) -> Tensor:
    """Return the cross-entropy of softmax(input) against labels or probabilities.

    Equation: -log softmax(x)[target], as logsumexp(x) - x[target], averaged over the rows that count (weighted by the
    class's weight). With smoothing ε the target distribution is (1 - ε)·one_hot + ε / C.

    Parameters
    ----------
    input : (N, C), or (C,)
        Logits: any real numbers, no softmax applied.
    target : (N,) int64 in [0, C), or (N, C) probabilities
        The labels; rows equal to ``ignore_index`` do not count.
    weight : (C,), optional
        A weight for each class.
    label_smoothing : float in [0, 1)

    Raises
    ------
    IndexOutOfRangeError
        Naming the row and the label that is out of range, or when all targets are ignored. A compiled step checks
        the labels it is given before it runs.
    """
    if input.ndim == 1:
        if target.ndim == 0:
            return cross_entropy(
                input.reshape(1, -1), target.reshape(1), weight, ignore_index, reduction, label_smoothing
            ).reshape(())
        raise ShapeError(f"cross_entropy: input {input.shape} is one row of logits, so target must be one label")
    if input.ndim != 2:
        raise ShapeError(f"cross_entropy: expected logits of shape (N, C), got {input.shape}")
    rows, classes = input.shape
    if target.shape == input.shape and target.dtype.kind == "f":
        return _soft_cross_entropy(input, target, weight, reduction, label_smoothing)
    if target.shape != (rows,):
        raise ShapeError(f"cross_entropy: input {input.shape} has {rows} rows, but target has shape {target.shape}")
    _check_labels("cross_entropy", target, classes, ignore_index)
    labels = target._array
    xp = namespace([labels])
    counted: Any = None
    if not is_concrete(labels) or bool((labels == ignore_index).any()):
        counted = labels != ignore_index
        labels = xp.where(counted, labels, 0)
    loss = fused.softmax_cross_entropy(input, labels)
    smooth = not (isinstance(label_smoothing, int | float) and label_smoothing == 0)
    row_weight: Any = None
    if weight is not None:
        row_weight = weight[labels]
        loss = loss * row_weight
    if smooth:
        log_p = input.log_softmax(-1)
        even = -(log_p if weight is None else log_p * weight).sum(-1)
        loss = loss * (1 - label_smoothing) + even * (label_smoothing / classes)
    if counted is not None:
        # choose rather than multiply: an ignored row may hold a NaN
        loss = ew.where(counted, loss, 0.0)
        if row_weight is not None:
            row_weight = ew.where(counted, row_weight, 0.0)
    if reduction != "mean":
        return _reduce(loss, reduction)
    if row_weight is not None:
        return loss.sum() / row_weight.sum()
    if counted is not None:
        return loss.sum() / xp.sum(counted).astype(input.dtype)
    return loss.mean()


def _soft_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: Any
) -> Tensor:
    if not (isinstance(label_smoothing, int | float) and label_smoothing == 0):
        target = target * (1 - label_smoothing) + label_smoothing / input.shape[1]
    each = input.log_softmax(-1) * target
    if weight is not None:
        each = each * weight
    return _reduce(-each.sum(-1), reduction)  # PyTorch averages over rows here, whatever the weights


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """Return minus the log-probability that ``input`` gives the label: -input[i, target[i]].

    Parameters
    ----------
    input : (N, C)
        Log-probabilities, as from ``log_softmax``.
    target : (N,) int64 in [0, C)
    """
    if input.ndim != 2 or target.shape != input.shape[:1]:
        raise ShapeError(f"nll_loss: expected input (N, C) and target (N,), got {input.shape} and {target.shape}")
    _check_labels("nll_loss", target, input.shape[1], ignore_index)
    labels = target._array
    xp = namespace([labels])
    counted = labels != ignore_index
    hot = xp.where(counted, labels, 0)[:, None] == xp.arange(input.shape[1], dtype=labels.dtype)
    loss = -ew.where(hot, input, 0.0).sum(-1)
    # a label without a class matched nothing: say NaN rather than 0 (only inside a trace; eagerly it was an error)
    ok = (labels >= 0) & (labels < input.shape[1]) | ~counted
    loss = ew.where(ok, loss, float("nan"))
    w: Any = ew.cast(counted, dtype=input.dtype)
    if weight is not None:
        w = w * weight[xp.where(counted, labels, 0)]
    loss = ew.where(counted, loss, 0.0) * w
    return loss.sum() / w.sum() if reduction == "mean" else _reduce(loss, reduction)


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """Return -[y log p + (1 - y) log(1 - p)], the logarithms held above -100 as in PyTorch.

    Parameters
    ----------
    input : any shape, in [0, 1]
        Probabilities. From logits, :func:`binary_cross_entropy_with_logits` keeps more digits.
    target : same shape, in [0, 1]
    """
    _same_shape("binary_cross_entropy", input, target)

    def check(p: np.ndarray) -> None:
        bad = (p < 0) | (p > 1)
        if bad.any():
            raise IndexOutOfRangeError(
                f"binary_cross_entropy: input must be probabilities in [0, 1], found {p[bad].ravel()[0]}. "
                "For logits use binary_cross_entropy_with_logits."
            )

    if is_concrete(input._array):
        check(np.asarray(input._array))
    loss = fused.binary_loss(input, target)
    return _reduce(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Return the binary cross-entropy of sigmoid(input), computed from the logits without overflow.

    Equation: max(x, 0) - x·y + log(1 + e^-|x|); with ``pos_weight`` w the positive term is multiplied by w.

    Parameters
    ----------
    input : any shape
        Logits.
    target : same shape, in [0, 1]
    pos_weight : broadcastable, optional
        Weight of the positive class.
    """
    _same_shape("binary_cross_entropy_with_logits", input, target)
    if pos_weight is None:
        loss = fused.logistic_loss(input, target)
    else:
        factor = 1 + (pos_weight - 1) * target
        loss = (1 - target) * input + factor * (fused.logistic_loss(input, 1.0 + target * 0))
    return _reduce(loss if weight is None else loss * weight, reduction)


__getattr__ = explained("gradwright.nn.functional", globals())
