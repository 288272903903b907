"""Rows of the battery: reductions, scans, sorting, indexing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from .operations import INDICES, Array, Row, Sample, _picked, positive, real, reductions, truth, unary, whole

Draw = Callable[[np.random.Generator], Iterator[Sample]]


# --- reductions ------------------------------------------------------------------------------------------------------
def _over(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda x, axis, keepdims: function(x, tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims)


def _questions(r: np.random.Generator) -> Iterator[Sample]:
    yield from reductions(truth, empty=False)(r)
    yield Sample((whole(r, 2, 3),), {"axis": 1})
    yield Sample((whole(r, 2, 3).astype(float),), {"axis": None})
    yield Sample((truth(r, 0, 2),), {"axis": 0})


def _torch_question(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda x, axis, keepdims=False: function(x, tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims)


def _spreads(r: np.random.Generator) -> Iterator[Sample]:
    for sample in reductions(real, empty=False)(r):
        if sample.inputs[0].size and sample.inputs[0].ndim:
            for correction in (0, 1):
                if sample.meta["axis"] not in (-1, 2) or correction == 0:
                    yield Sample(sample.inputs, {**sample.meta, "correction": correction})
    yield Sample((real(r, 4),), {"axis": 0, "correction": 1.5})


def _torch_var(x: torch.Tensor, axis: Any, correction: float, keepdims: bool = False) -> torch.Tensor:
    return torch.var(x, axis, correction=correction, keepdim=keepdims)


def _medians(r: np.random.Generator) -> Iterator[Sample]:
    for shape in ((), (1,), (4,), (2, 3)):
        yield Sample((real(r, *shape),))
    yield Sample((whole(r, 5),))


# --- scans -----------------------------------------------------------------------------------------------------------
SCANNED: tuple[tuple[tuple[int, ...], int], ...] = (
    ((4,), 0),
    ((2, 3), 1),
    ((2, 3), 0),
    ((2, 3, 2), 1),
    ((0, 3), 1),
    ((2, 0), 1),
)


def _scanned(*draws: Callable[..., Array], **metas: tuple[Any, ...]) -> Draw:
    """Samples along axes, with each combination of the further metadata."""

    def samples(r: np.random.Generator) -> Iterator[Sample]:
        for shape, axis in SCANNED:
            for values in zip(*metas.values(), strict=True) if metas else ((),):
                yield Sample(
                    tuple(draw(r, *shape) for draw in draws), {"axis": axis, **dict(zip(metas, values, strict=True))}
                )

    return samples


def _both_ways(*draws: Callable[..., Array]) -> Draw:
    return _scanned(*draws, reverse=(False, True))


def _ints_too(samples: Draw) -> Draw:
    def more(r: np.random.Generator) -> Iterator[Sample]:
        yield from samples(r)
        yield Sample((whole(r, 2, 3),), {"axis": 1})
        yield Sample((truth(r, 4),), {"axis": 0})

    return more


def _with_zeros(r: np.random.Generator, *shape: int) -> Array:
    x = real(r, *shape)
    flat = x.reshape(-1)
    flat[::3] = 0.0
    return x


def _mirrored(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def called(x: torch.Tensor, axis: int, reverse: bool = False) -> torch.Tensor:
        return function(x.flip(axis), axis).flip(axis) if reverse else function(x, axis)

    return called


def _products(r: np.random.Generator) -> Iterator[Sample]:
    for draw in (real, _with_zeros):
        for shape, axis in SCANNED:
            for keepdims in (False, True):
                yield Sample((draw(r, *shape),), {"axis": axis, "keepdims": keepdims})
    yield Sample((np.array([0.0, 0.0, 2.0]),), {"axis": 0})
    yield Sample((whole(r, 3),), {"axis": 0})


def _torch_shift(x: torch.Tensor, axis: int, by: int, fill: float = 0.0) -> torch.Tensor:
    n = x.shape[axis]
    gap = torch.full_like(x.narrow(axis, 0, min(abs(by), n)), fill)
    if by >= 0:
        return torch.cat([gap, x.narrow(axis, 0, max(n - by, 0))], axis)
    return torch.cat([x.narrow(axis, min(-by, n), max(n + by, 0)), gap], axis)


def _torch_recurrence(a: torch.Tensor, b: torch.Tensor, axis: int, reverse: bool = False) -> torch.Tensor:
    ys: list[torch.Tensor] = []
    pairs = list(zip(a.unbind(axis), b.unbind(axis), strict=True))
    for factor, term in reversed(pairs) if reverse else pairs:
        ys.append(term if not ys else term + factor * ys[-1])
    if not ys:
        return b + a * 0
    return torch.stack(ys[::-1] if reverse else ys, axis) + 0 * a


def _torch_cummax_index(x: torch.Tensor, axis: int, largest: bool = True) -> torch.Tensor:
    return (torch.cummax if largest else torch.cummin)(x, axis).indices


# --- sorting ---------------------------------------------------------------------------------------------------------
def _kth(r: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in SCANNED[:4]:
        for k in (1, shape[axis]):
            yield Sample((real(r, *shape),), {"axis": axis, "k": k})


def _modes(r: np.random.Generator) -> Iterator[Sample]:
    for shape, axis in SCANNED[:4]:
        yield Sample((whole(r, *shape),), {"axis": axis})


def _torch_mode_index(x: torch.Tensor, axis: int) -> torch.Tensor:
    # PyTorch leaves open which of equal elements it names; this is the last one
    value = torch.mode(x, axis, keepdim=True).values
    n = x.shape[axis]
    return n - 1 - (x == value).int().flip(axis).argmax(axis, keepdim=True)


def _searches(r: np.random.Generator) -> Iterator[Sample]:
    for right in (False, True):
        yield Sample((np.sort(whole(r, 5)), whole(r, 2, 3)), {"right": right})
        yield Sample((np.sort(real(r, 5)), real(r)), {"right": right})
        yield Sample((np.sort(real(r, 2, 4), 1), real(r, 2, 3)), {"right": right})
        yield Sample((real(r, 2, 0), real(r, 2, 3)), {"right": right})
        yield Sample((real(r, 0), real(r, 3)), {"right": right})


# --- indexing --------------------------------------------------------------------------------------------------------
ALONG: tuple[tuple[tuple[int, ...], tuple[int, ...], int], ...] = (
    ((3,), (5,), 0),
    ((3, 4), (2, 4), 0),
    ((3, 4), (3, 1), 1),
    ((3, 4), (2, 1), 1),
    ((2, 3, 2), (2, 5, 2), 1),
    ((2, 3), (0, 3), 0),
)


def _gathers(r: np.random.Generator) -> Iterator[Sample]:
    for shape, places, axis in ALONG:
        yield Sample((real(r, *shape), r.integers(0, shape[axis], places)), {"axis": axis})
    yield Sample((real(r, 2, 3), r.permuted(np.tile(np.arange(3), (2, 1)), axis=1)), {"axis": 1, "unique": True})
    yield Sample((truth(r, 2, 3), r.integers(0, 3, (2, 1))), {"axis": 1})
    yield Sample((whole(r, 2, 3), r.integers(0, 3, (2, 1))), {"axis": 1})


def _sums(r: np.random.Generator) -> Iterator[Sample]:
    for shape, places, axis in ALONG:
        yield Sample((real(r, *places), r.integers(0, shape[axis], places)), {"axis": axis, "shape": shape})
    order = r.permuted(np.tile(np.arange(3), (2, 1)), axis=1)
    yield Sample((real(r, 2, 3), order), {"axis": 1, "shape": (2, 3), "unique": True})


def _folds(r: np.random.Generator) -> Iterator[Sample]:
    for how in ("prod", "amax", "amin"):
        for shape, places, axis in ALONG if how == "prod" else ALONG[:3]:
            both = real(r, int(np.prod(shape)) + int(np.prod(places)))
            x, source = both[: int(np.prod(shape))].reshape(shape), both[int(np.prod(shape)) :].reshape(places)
            yield Sample((x, source, r.integers(0, shape[axis], places)), {"axis": axis, "how": how})


def _torch_fold(x: torch.Tensor, source: torch.Tensor, index: torch.Tensor, axis: int, how: str) -> torch.Tensor:
    if how != "prod":
        return x.scatter_reduce(axis, index, source, how)
    out = x  # PyTorch's own gradient of the product is no derivative twice: one factor after the other
    for place in np.ndindex(*index.shape):
        at = list(place)
        at[axis] = int(index[place])
        one = torch.ones_like(x)
        one[tuple(at)] = 0
        out = out * (one + (1 - one) * source[place])
    return out


def _assignments(r: np.random.Generator) -> Iterator[Sample]:
    for shape, index in INDICES:
        picked = _picked(shape, index).shape
        once = len(np.unique(_picked(shape, index))) == _picked(shape, index).size
        if once:  # else the gradient is PyTorch's, which goes to all values, but no derivative
            yield Sample((real(r, *shape), real(r, *picked)), {"index": index})
            yield Sample((real(r, *shape), real(r)), {"index": index})
        yield Sample((real(r, *shape), 0.5), {"index": index})
    yield Sample(
        (real(r, 3, 4), real(r, 1)), {"index": (slice(None, None, 2),), "inner": (slice(None), np.array([0, 2]))}
    )
    yield Sample((real(r, 3, 4), real(r, 2)), {"index": (1,), "inner": (np.array([0, 2]),)})
    yield Sample((real(r, 2, 3), real(r, 3)), {"index": ()})
    yield Sample((real(r), real(r)), {"index": ()})


def _torch_set(x: torch.Tensor, value: Any, index: Any, inner: Any = None) -> torch.Tensor:
    positions = _picked(tuple(x.shape), index)
    if inner is not None:
        positions = positions[inner]
    flat = torch.from_numpy(np.ascontiguousarray(positions).ravel().copy())
    value = torch.as_tensor(value, dtype=x.dtype).expand(positions.shape).reshape(-1)
    return x.reshape(-1).index_put((flat,), value).reshape(x.shape)


def _torch_sum_at(x: torch.Tensor, index: torch.Tensor, axis: int, shape: Any, unique: bool = False) -> torch.Tensor:
    return torch.zeros(shape, dtype=x.dtype).scatter_add(axis, index, x)


ROWS = [
    Row("mean", _over(torch.mean), reductions(real, empty=False)),
    Row("amin", _over(torch.amin), reductions(real, empty=False)),
    Row("any", _torch_question(torch.any), _questions, order=0),
    Row("all", _torch_question(torch.all), _questions, order=0),
    Row("var", _torch_var, _spreads),
    Row(
        "root",
        lambda x, p=2: x.pow(1 / p),
        lambda r: (Sample(s.inputs, {"p": p}) for p in (2, 3, -1.5) for s in unary(positive)(r)),
    ),
    Row(
        "abs_power",
        lambda x, p: (x != 0).to(x.dtype) + 0 * x if p == 0 else x.abs().pow(p),
        lambda r: (Sample(s.inputs, {"p": p}) for p in (3, 1.5, 0.5, -1, 0) for s in unary(real)(r)),
    ),
    Row("median", lambda x, ignore_nan=False: torch.median(x), _medians),
    Row("prod", lambda x, axis, keepdims=False: torch.prod(x, axis, keepdim=keepdims), _products),
    Row("shift", _torch_shift, _scanned(real, by=(1, -1, 2, 9), fill=(0, 1, 0, 0.5))),
    Row("recurrence", _torch_recurrence, _both_ways(real, real)),
    Row("cumsum", _mirrored(torch.cumsum), _ints_too(_both_ways(real))),
    Row(
        "cumprod",
        _mirrored(torch.cumprod),
        _ints_too(lambda r: (s for d in (real, _with_zeros) for s in _both_ways(d)(r))),
    ),
    Row("logcumsumexp", _mirrored(torch.logcumsumexp), lambda r: (s for s in _both_ways(real)(r) if s.inputs[0].size)),
    Row("cummax_index", _torch_cummax_index, _scanned(whole, largest=(True, False)), order=0),
    Row(
        "argsort",
        lambda x, axis, descending: torch.argsort(x, dim=axis, descending=descending, stable=True),
        lambda r: (s for draw in (real, whole) for s in _scanned(draw, descending=(False, True))(r)),
        order=0,
    ),
    Row("kth_index", lambda x, axis, k: torch.kthvalue(x, k, axis, keepdim=True).indices, _kth, order=0),
    Row(
        "median_index",
        lambda x, axis: torch.median(x, axis, keepdim=True).indices,
        lambda r: (s for s in _scanned(real)(r) if s.inputs[0].shape[s.meta["axis"]]),
        order=0,
    ),
    Row("mode_index", _torch_mode_index, _modes, order=0),
    Row("searchsorted", lambda x, y, right: torch.searchsorted(x, y, right=right), _searches, order=0),
    Row("set_at", _torch_set, _assignments),
    Row("gather", lambda x, index, axis, unique=False: torch.gather(x, axis, index), _gathers),
    Row("scatter_sum", _torch_sum_at, _sums),
    Row("scatter_fold", _torch_fold, _folds),
]
