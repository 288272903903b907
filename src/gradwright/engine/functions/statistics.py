"""Variance, median, quantiles, counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gradwright.backend import is_concrete, namespace
from gradwright.engine.autocast import in_float32
from gradwright.engine.base import TensorBase
from gradwright.engine.checks import concrete
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.dims import axes_of, axis_of, numpy_names
from gradwright.engine.functions.reduction import mean, need_elements, need_floating, picked
from gradwright.engine.op import wrap
from gradwright.engine.ops import elementwise as ew
from gradwright.engine.ops import indexing, linalg, reduction, sorting
from gradwright.engine.ops.shape import expand, permute, reshape
from gradwright.errors import ConfigError, DTypeError, IndexOutOfRangeError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = [
    "bincount", "corrcoef", "cov", "histc", "median", "mode", "nanmedian", "nanquantile", "quantile", "std",
    "std_mean", "var", "var_mean",
]  # fmt: skip


# --- spread -----------------------------------------------------------------------------------------------------------
def _spread(name: str, input: Any, dim: Any, unbiased: Any, keepdim: Any, correction: Any) -> tuple[Any, Any]:
    """Sort out PyTorch's three ways to call it, and return the variance, and ``dim``."""
    need_floating(name, input)
    if isinstance(dim, bool):  # std(x, False): the older form without dim
        if unbiased is not None:
            raise ConfigError(f"{name}: unbiased given twice")
        dim, unbiased = None, dim
    if unbiased is not None:
        if not isinstance(unbiased, bool):
            raise DTypeError(f"{name}: unbiased is True or False, got {unbiased!r}; other divisors: correction=")
        if correction is not None:
            raise ConfigError(f"{name}: takes unbiased or correction, not both")
        correction = int(unbiased)
    axes = axes_of(name, input.shape, dim)
    correction = 1 if correction is None else correction
    return reduction.var(input, axis=axes, correction=correction, keepdims=keepdim), dim


@numpy_names
def var(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Tensor:
    """Return the variance, the squared distances from the mean divided by N - ``correction``.

    Parameters
    ----------
    dim : int or tuple of int, optional
        The axes to go over; all by default.
    unbiased : bool
        The older way to say ``correction=1`` (True, the default) or 0.
    correction : number
        1 by default.
    """
    return _spread("var", input, dim, unbiased, keepdim, correction)[0]


@numpy_names
def std(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> Tensor:
    """Return the standard deviation, the root of :func:`var`; its gradient where all elements are equal is 0."""
    return reduction.root(_spread("std", input, dim, unbiased, keepdim, correction)[0])


@numpy_names
def var_mean(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> tuple[Tensor, Tensor]:
    """Return the variance and the mean."""
    spread, dim = _spread("var_mean", input, dim, unbiased, keepdim, correction)
    return spread, mean(input, dim, keepdim)


@numpy_names
def std_mean(
    input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: Any = None
) -> tuple[Tensor, Tensor]:
    """Return the standard deviation and the mean."""
    spread, dim = _spread("std_mean", input, dim, unbiased, keepdim, correction)
    return reduction.root(spread), mean(input, dim, keepdim)


# --- the middle, the most frequent, quantiles -------------------------------------------------------------------------
@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the median, of an even number of elements the lower of the two in the middle; NaN if one is.

    Without ``dim`` it is one number and equal elements share the gradient. With it, a named tuple of ``values`` and
    ``indices``; the element that the index names gets the whole gradient.
    """
    return _median("median", input, dim, keepdim, False)


@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the median of the elements that are not NaN; see :func:`median`."""
    return _median("nanmedian", input, dim, keepdim, True)


def _median(name: str, input: Any, dim: Any, keepdim: bool, ignore_nan: bool) -> Any:
    need_tensor(name, input)
    if dim is None:
        return reduction.median(input, ignore_nan=ignore_nan)
    return picked(name, sorting.median_index, input, dim, keepdim, ignore_nan=ignore_nan)


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """Return the most frequent value along ``dim``, the smallest of several, and the index of its last place."""
    need_tensor("mode", input)
    return picked("mode", sorting.mode_index, input, dim, keepdim)


_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@numpy_names
@in_float32
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Return the values below which the fractions ``q`` of the elements lie; NaN if one element is.

    Parameters
    ----------
    q : float or 1-d Tensor, in [0, 1]
        Of several, the results stand along a new first axis.
    interpolation : str
        What to do between two elements: "linear", "lower", "higher", "midpoint" or "nearest".
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@numpy_names
@in_float32
def nanquantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Return quantiles of the elements that are not NaN; see :func:`quantile`."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)


def _quantile(name: str, input: Any, q: Any, dim: Any, keepdim: bool, interpolation: str, ignore_nan: bool) -> Any:
    need_floating(name, input)
    if interpolation not in _INTERPOLATIONS:
        raise ConfigError(f"{name}: interpolation is one of {', '.join(_INTERPOLATIONS)}; got {interpolation!r}")
    wanted = q._array if isinstance(q, TensorBase) else np.asarray(q, input.dtype)
    if wanted.ndim > 1:
        raise ShapeError(f"{name}: q is a number or has one axis; its shape is {tuple(wanted.shape)}")
    if wanted.dtype != input.dtype:
        raise DTypeError(f"{name}: q is {wanted.dtype}, but input {input.dtype}")
    if is_concrete(wanted) and not ((wanted >= 0) & (wanted <= 1)).all():
        raise IndexOutOfRangeError(f"{name}: q are fractions, from 0 to 1; got {q}")
    if dim is None or not input.ndim:
        if dim is not None:
            axis_of(name, input.shape, dim)
        rows, lead, axis = reshape(input, shape=(-1,)), (), 0
        kept: tuple[int, ...] = (1,) * input.ndim
    else:
        axis = axis_of(name, input.shape, dim)
        rows = permute(input, axes=tuple([a for a in range(input.ndim) if a != axis] + [axis]))
        lead = rows.shape[:-1]
        kept = (*input.shape[:axis], 1, *input.shape[axis + 1 :])
    need_elements(name, rows.shape, rows.ndim - 1)
    ordered = indexing.gather(rows, sorting.argsort(rows, axis=rows.ndim - 1), axis=rows.ndim - 1, unique=True)
    last = rows.ndim - 1
    ranks = _ranks(
        rows._array, reshape(q, shape=(-1,)) if isinstance(q, TensorBase) else wrap(wanted.reshape(-1)), ignore_nan
    )
    xp = namespace([ranks._array])
    below, above = xp.floor(ranks._array), xp.ceil(ranks._array)
    if interpolation == "nearest":
        below = above = xp.round(ranks._array)
    low, high = (indexing.gather(ordered, place.astype(np.int64), axis=last) for place in (below, above))
    if interpolation in ("lower", "nearest"):
        out = low
    elif interpolation == "higher":
        out = high
    else:
        weight = ranks - below if interpolation == "linear" else wrap((above - below) / 2)
        # either end exactly: x + w·(y - x) from the nearer one
        out = ew.where(weight < 0.5, low + weight * (high - low), high - (high - low) * (1 - weight))
    count = wanted.size
    out = permute(out, axes=(last, *range(last)))
    shape = kept if keepdim else lead
    return reshape(out, shape=(count, *shape) if wanted.ndim else shape)


def _ranks(rows: Any, q: Any, ignore_nan: bool) -> Any:
    """Return where in the sorted rows each fraction falls, as a Tensor (…, number of fractions)."""
    xp = namespace([rows])
    n = rows.shape[-1]
    nans = xp.isnan(rows).sum(axis=-1, keepdims=True)
    if ignore_nan:
        return q * xp.maximum(n - nans - 1, 0).astype(rows.dtype)
    ranks = expand(q * (n - 1), shape=(*rows.shape[:-1], q.shape[0]))
    return ew.where(nans > 0, float(n - 1), ranks)  # NaN stand last


# --- counting ---------------------------------------------------------------------------------------------------------
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Count how often each of the numbers 0, 1, 2, … is there, or add up its weights; not inside a compiled step.

    Parameters
    ----------
    input : (N,) integers from 0
    weights : (N,), optional
    minlength : int
        The result is as long as its largest number needs, and this at least.
    """
    need_tensor("bincount", input)
    array = concrete("bincount", input._array)
    if array.ndim != 1 or array.dtype.kind not in "iu" or (array.size and array.min() < 0):
        raise DTypeError(
            f"bincount: needs one axis of integers from 0; got shape {array.shape}, {array.dtype}"
            + (f", smallest {array.min()}" if array.size else "")
        )
    if minlength < 0:
        raise ConfigError(f"bincount: minlength is a length, from 0; got {minlength}")
    if weights is None:
        return wrap(np.bincount(array, minlength=minlength).astype(np.int64))
    given = concrete("bincount", weights._array)
    if given.shape != array.shape:
        raise ShapeError(f"bincount: weights {given.shape} for numbers of shape {array.shape}")
    dtype = np.float32 if given.dtype == np.float32 else np.float64
    return wrap(np.bincount(array, given, minlength).astype(dtype))


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Count the elements in ``bins`` equal parts of [min, max]; of the range of the data where both are 0.

    Elements outside and NaN are not counted; one that is ``max`` is in the last part. Not inside a compiled step.
    """
    need_floating("histc", input)
    array = concrete("histc", input._array).ravel()
    if bins <= 0:
        raise ConfigError(f"histc: bins is how many parts there are, from 1; got {bins}")
    low, high = float(min), float(max)
    if low == high and array.size:
        low, high = float(array.min()), float(array.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (np.isfinite(low) and np.isfinite(high)) or low > high:
        raise IndexOutOfRangeError(f"histc: [{low}, {high}] is no range: min must be below max and both finite")
    inside = array[(array >= low) & (array <= high)]
    place = ((inside - low) / (high - low) * bins).astype(np.int64)
    counts = np.bincount(np.minimum(place, bins - 1), minlength=bins)
    return wrap(counts.astype(array.dtype))


def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """Return the covariances between the rows of ``input``, its columns being observations.

    Parameters
    ----------
    input : (variables, observations) or (observations,)
    correction : int
        The divisor is the number of observations (the sum of the weights) minus this.
    fweights, aweights : (observations,), optional
        How often each observation counts, and how much.
    """
    need_tensor("cov", input)
    if input.ndim > 2:
        raise ShapeError(f"cov: expected (variables, observations), got {input.shape}")
    if input.dtype.kind == "b":
        raise DTypeError("cov: truth values have no covariance; call .float() first")
    x = input if input.dtype.kind in "fVc" else input.to(np.float32)
    rows = x if x.ndim == 2 else reshape(x, shape=(1, -1))
    n = rows.shape[1]
    weights: Any = None
    for name, given, kinds in (("fweights", fweights, "iu"), ("aweights", aweights, "fV")):
        if given is None:
            continue
        if given.shape != (n,) or given.dtype.kind not in kinds:
            raise ShapeError(f"cov: {name} {given.shape} {given.dtype} for {n} observations")
        if is_concrete(given._array) and (np.asarray(given._array) < 0).any():
            raise IndexOutOfRangeError(f"cov: {name} may not be negative")
        weights = given if weights is None else weights * given
    if weights is None:
        divisor: Any = n - correction
        centre = mean(rows, 1, True)
        centred = rows - centre
        right = centred
    else:
        total = weights.sum()
        centred = rows - (rows * weights).sum(1, True) / total
        right = centred * weights
        share = 1 if aweights is None else (weights * aweights).sum() / total
        divisor = total - share * correction
    if weights is None:
        divisor = wrap(np.asarray(divisor, x.dtype))
    # no degree of freedom is left: divided by 0
    out = linalg.matmul(centred, permute(right, axes=(1, 0))) / ew.where(ew.lt(divisor, 0), 0, divisor)
    return reshape(out, shape=()) if rows.shape[0] == 1 else out


def corrcoef(input: Tensor) -> Tensor:
    """Return the correlations between the rows of ``input``, its columns being observations; from -1 to 1."""
    need_tensor("corrcoef", input)
    out = cov(input)
    if not out.ndim:
        return out / out
    deviation = ew.sqrt(indexing.getitem(out, index=(np.arange(out.shape[0]), np.arange(out.shape[0]))))
    out = out / reshape(deviation, shape=(-1, 1)) / reshape(deviation, shape=(1, -1))
    return ew.clamp(out, low=-1, high=1)


class StatisticsMethods:
    """These functions as methods of a Tensor."""

    __slots__ = ()

    bincount = bincount
    corrcoef = corrcoef
    cov = cov
    histc = histc
    median = median
    mode = mode
    nanmedian = nanmedian
    nanquantile = nanquantile
    quantile = quantile
    std = std
    var = var
