"""Looking up several rows of a table at a time, and adding them up."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.backend import namespace
from gradwright.engine.checks import check_values
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.indexing import gather
from gradwright.engine.functions.lookup import embedding
from gradwright.engine.op import wrap
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops.indexing import getitem, scatter_into
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, ShapeError

__all__ = ["embedding_bag"]


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: Any = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Return, for each bag of row numbers, the sum, mean or largest elements of these rows of ``weight``.

    Equation: y_b = Σ_{i in bag b} s_i · weight[input_i] (sum), that divided by the bag's length (mean), or the maximum
    of each feature over the bag. A bag without rows gives 0.

    Parameters
    ----------
    input : integers (B, N), or (n,) with ``offsets``
        B bags of N numbers; or all bags one after the other.
    weight : (rows, features)
    offsets : integers (B,), or (B + 1,) with ``include_last_offset``
        Where in ``input`` each bag begins: from 0, ascending; equal ones make an empty bag.
    max_norm, norm_type, scale_grad_by_freq, sparse :
        As in :func:`embedding`.
    mode : "sum", "mean" or "max"
        Of equal maxima the first gets all the gradient.
    per_sample_weights : Tensor of input's shape, optional
        s, for "sum" only; they get a gradient too.
    include_last_offset : bool
        The last offset is the length of ``input``.
    padding_idx : int, optional
        A row that counts as absent from every bag; may count from the end.

    Returns
    -------
    Tensor (B, features)

    Raises
    ------
    IndexOutOfRangeError
        A number that is no row, or offsets that do not ascend from 0 to the length of ``input``. A compiled step checks
        those that it is given before it runs.

    Examples
    --------
    >>> import gradwright as gw
    >>> weight = gw.tensor([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])
    >>> gw.nn.functional.embedding_bag(gw.tensor([0, 1, 2]), weight, gw.tensor([0, 2]), mode="sum").tolist()
    [[11.0, 22.0], [100.0, 200.0]]
    """
    need_tensor("embedding_bag", input)
    need_tensor("embedding_bag: weight", weight)
    if mode not in ("sum", "mean", "max"):
        raise ConfigError(f"embedding_bag: mode is 'sum', 'mean' or 'max', got {mode!r}")
    if mode == "max" and scale_grad_by_freq:
        raise ConfigError("embedding_bag: scale_grad_by_freq is not for mode='max', as in PyTorch")
    if per_sample_weights is not None:
        _check_weights(input, weight, per_sample_weights, mode)
    bag, count = _bags(input, offsets, include_last_offset)
    rows = embedding(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    features = weight.shape[1]
    rows = rows.reshape(input.numel(), features)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    there = None
    if padding_idx is not None:
        there = ew.ne(input, padding_idx % weight.shape[0]).reshape(-1)
    if mode == "max":
        return _largest(rows, bag, count, there)
    if there is not None:
        rows = ew.where(getitem(there, index=(..., None)), rows, 0.0)
    if input.ndim == 2:
        total = rows.reshape(*input.shape, features).sum(1)
    else:
        total = scatter_into(rows, index=bag, shape=(count, features))
    return total / _lengths(bag, count, there, weight.dtype) if mode == "mean" else total


def _check_weights(input: Tensor, weight: Tensor, per_sample_weights: Tensor, mode: str) -> None:
    need_tensor("embedding_bag: per_sample_weights", per_sample_weights)
    if mode != "sum":
        raise ConfigError(f"embedding_bag: per_sample_weights are for mode='sum', got mode={mode!r}")
    if per_sample_weights.shape != input.shape:
        raise ShapeError(
            f"embedding_bag: per_sample_weights {per_sample_weights.shape} must have input's shape {input.shape}"
        )
    if per_sample_weights.dtype != weight.dtype:
        raise DTypeError(f"embedding_bag: per_sample_weights are {per_sample_weights.dtype}, but weight {weight.dtype}")


def _bags(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> tuple[Any, int]:
    """Return for each number, all in a row, which bag it is in, and how many bags there are."""
    if input.ndim == 2:
        if offsets is not None:
            raise ShapeError(f"embedding_bag: input {input.shape} has one bag a row, so there are no offsets")
        return np.repeat(np.arange(len(input)), input.shape[1]), len(input)
    if input.ndim != 1:
        raise ShapeError(f"embedding_bag: input is (B, N), or (n,) with offsets; got {input.shape}")
    if offsets is None:
        raise ShapeError(f"embedding_bag: input {input.shape} needs offsets, which say where each bag begins")
    need_tensor("embedding_bag: offsets", offsets)
    if offsets.ndim != 1 or len(offsets) < 1 + include_last_offset:
        raise ShapeError(f"embedding_bag: offsets are (B,), with at least one bag; got {offsets.shape}")
    if offsets.dtype.kind not in "iu":
        raise DTypeError(f"embedding_bag: offsets must be integers, got {offsets.dtype}; use offsets.long()")
    n = len(input)

    def check(values: np.ndarray) -> None:
        wrong = np.diff(values, prepend=0, append=n) < 0
        wrong[0] |= values[0] != 0
        wrong[-1] |= include_last_offset and values[-1] != n
        if wrong.any():
            row = min(int(np.argmax(wrong)), len(values) - 1)
            raise IndexOutOfRangeError(
                f"embedding_bag: offsets[{row}] is {values[row]}; they begin with 0, never descend and "
                f"{'end with' if include_last_offset else 'do not exceed'} the length of input, {n}"
            )

    check_values(offsets._array, check)
    starts = offsets._array[:-1] if include_last_offset else offsets._array
    xp = namespace([starts])
    return xp.searchsorted(starts, xp.arange(n, dtype=starts.dtype), side="right") - 1, len(starts)


def _lengths(bag: Any, count: int, there: Any, dtype: Any) -> Any:
    """Return how many rows each bag has, (bags, 1); 1 for none."""
    ones = np.ones(len(bag), dtype) if there is None else there._array.astype(dtype)
    found = wrap(scatter_into(ones, index=bag, shape=(count,)))
    return found.clamp(min=1).reshape(-1, 1)


def _largest(rows: Any, bag: Any, count: int, there: Any) -> Any:
    """Return each feature's maximum over each bag, from the first row that has it."""
    n, features = rows.shape
    if n == 0:
        return scatter_into(rows, index=bag, shape=(count, features))
    xp = namespace([rows._array, bag])
    values = rows._array if there is None else xp.where(there._array[:, None], rows._array, -np.inf)
    tops = _folded(xp, xp.full((count, features), -np.inf, values.dtype), bag, values, "max")
    best = (values == tops[bag]) | xp.isnan(values)
    if there is not None:
        best = best & there._array[:, None]
    places = xp.where(best, xp.arange(n)[:, None], n)
    first = _folded(xp, xp.full((count, features), n), bag, places, "min")
    picked = gather(rows, 0, wrap(xp.minimum(first, n - 1)))
    return ew.where(wrap(first < n), picked, 0.0)


def _folded(xp: Any, start: Any, bag: Any, values: Any, how: str) -> Any:
    if xp is np:
        (np.maximum if how == "max" else np.minimum).at(start, bag, values)
        return start
    return getattr(start.at[bag], how)(values)
