"""The loss of label sequences without alignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwright.backend import is_concrete, namespace
from gradwright.engine.autocast import in_float32
from gradwright.engine.base import TensorBase
from gradwright.engine.checks import check_values
from gradwright.engine.ops import ctc as lattice
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, IndexOutOfRangeError, ShapeError
from gradwright.nn.functional.checks import need_floats, need_tensors
from gradwright.nn.functional.reduction import chosen, reduced

__all__ = ["ctc_loss"]


@in_float32
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Return minus the log-likelihood of label sequences, summed over all their alignments with the input.

    An alignment gives each time a class; without repetitions, and then without blanks, it is the label sequence.

    Parameters
    ----------
    log_probs : (T, N, C), or (T, C)
        Log-probabilities of the classes at each time, as from ``log_softmax``.
    targets : (N, S), or one sequence after the other (Σ target_lengths,)
        Labels, none of them the blank; with (N, S) what lies behind a row's length does not matter.
    input_lengths, target_lengths : (N,), tensors or sequences of int
        How many times, and how many labels, each row has.
    blank : int
        The class of the blank.
    reduction : 'mean', 'sum' or 'none'
        'mean' divides each row's loss by the number of its labels (1 if it has none) before it averages.
    zero_infinity : bool
        Let a row whose labels do not fit into its length lose 0 instead of infinity, without a gradient.

    Notes
    -----
    The gradient is that of the value with respect to ``log_probs`` as they are. PyTorch adds exp(log_probs), which the
    log-softmax below it would subtract again: with a log-softmax in front the gradients of what is in front of it
    are the same. It can be differentiated twice.

    References
    ----------
    A. Graves et al., *Connectionist temporal classification* (ICML 2006).
    """
    reduction = chosen(reduction)
    need_floats("ctc_loss", log_probs=log_probs)
    need_tensors("ctc_loss", targets)
    if log_probs.ndim not in (2, 3) or 0 in log_probs.shape:
        raise ShapeError(f"ctc_loss: expected log-probabilities (T, N, C) or (T, C), got {log_probs.shape}")
    if log_probs.ndim == 2:
        rows = targets.reshape(1, -1)
        loss = _losses(log_probs.unsqueeze(1), rows, input_lengths, target_lengths, blank, zero_infinity, reduction)
        return loss.reshape(()) if reduction == "none" else loss
    return _losses(log_probs, targets, input_lengths, target_lengths, blank, zero_infinity, reduction)


def _losses(
    x: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int, zero_infinity: bool, reduction: str
) -> Tensor:
    steps, n, classes = x.shape
    if not 0 <= blank < classes:
        raise IndexOutOfRangeError(f"ctc_loss: blank is class {blank}, but {classes} classes are 0 to {classes - 1}")
    inputs = _lengths("input_lengths", input_lengths, n, steps, x.shape)
    most = targets.shape[1] if targets.ndim == 2 else None
    counts = _lengths("target_lengths", target_lengths, n, most, targets.shape)
    rows = _in_rows(targets, counts, n)
    xp = namespace([rows, counts])

    def check(labels: np.ndarray) -> None:
        inside = np.arange(labels.shape[1]) < np.asarray(counts)[:, None] if is_concrete(counts) else labels >= 0
        bad = inside & ((labels < 0) | (labels >= classes))
        if bad.any():
            row, place = (int(i) for i in np.argwhere(bad)[0])
            raise IndexOutOfRangeError(
                f"ctc_loss: label {place} of row {row} is {labels[row, place]}, but {classes} classes have labels 0 to "
                f"{classes - 1}"
            )

    check_values(rows, check)
    loss = lattice.ctc(x, rows, inputs, counts, blank=blank, zero_infinity=zero_infinity)
    if reduction == "mean":
        loss = loss / xp.maximum(counts, 1).astype(x.dtype)
    return reduced(loss, reduction)


def _lengths(name: str, lengths: Any, n: int, most: int | None, shape: tuple[int, ...]) -> Any:
    """Return lengths as an array of n whole numbers from 0 to ``most``."""
    array = lengths._array if isinstance(lengths, TensorBase) else np.asarray(lengths, dtype=np.int64)
    array = array.reshape(-1)
    if array.shape != (n,) or array.dtype.kind not in "iu":
        raise ShapeError(f"ctc_loss: {name} must be {n} whole numbers, got {array.dtype} of shape {array.shape}")

    def check(counts: np.ndarray) -> None:
        bad = np.asarray(counts < 0) if most is None else (counts < 0) | (counts > most)
        if bad.any():
            row = int(np.argwhere(bad.reshape(-1))[0][0])
            until = "" if most is None else f" to {most}"
            raise ConfigError(
                f"ctc_loss: {name}[{row}] is {counts.reshape(-1)[row]}, but {shape} has room for 0{until}"
            )

    check_values(lengths._array if isinstance(lengths, TensorBase) else array, check)
    return array


def _in_rows(targets: Tensor, counts: Any, n: int) -> Any:
    """Return the labels as (N, S)."""
    labels = targets._array
    if labels.dtype.kind == "f":  # PyTorch takes them
        labels = labels.astype(np.int64)
    if labels.ndim == 2:
        if labels.shape[0] != n:
            raise ShapeError(f"ctc_loss: {n} rows of log-probabilities, but targets of shape {targets.shape}")
        return labels
    if labels.ndim != 1:
        raise ShapeError(f"ctc_loss: targets must be (N, S), or one after the other; got {targets.shape}")
    longest = labels.shape[0]
    if is_concrete(counts):
        if int(np.sum(counts)) != longest:
            raise ShapeError(
                f"ctc_loss: target_lengths add up to {int(np.sum(counts))}, but there are {longest} targets in a row"
            )
        longest = int(np.max(counts, initial=0))
    xp = namespace([labels, counts])
    starts = xp.cumsum(counts) - counts
    places = starts[:, None] + xp.arange(longest)
    if not labels.shape[0]:
        return xp.zeros((n, longest), labels.dtype)
    return xp.asarray(labels)[xp.minimum(places, labels.shape[0] - 1)]
