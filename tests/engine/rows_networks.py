"""Rows of what `nn.functional` is made of: losses, normalisation, attention, CTC."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .operations import Row, Sample, along, listed, real, shaped, unary


def _picks(r: np.random.Generator) -> Iterator[Sample]:
    for lead in ((4,), (), (2, 2), (0,)):
        yield Sample((real(r, *lead, 3), r.integers(0, 3, lead)))


# --- normalisation ----------------------------------------------------------------------------------------------------
def _standardized(x: torch.Tensor, axis: tuple[int, ...], eps: float) -> tuple[torch.Tensor, ...]:
    mean = x.mean(axis, keepdim=True)
    var = ((x - mean) ** 2).mean(axis, keepdim=True)
    return (x - mean) / torch.sqrt(var + eps), mean, var


def _all_three(out: Any) -> Any:
    """Weigh the three outputs together, so that each of them has a gradient."""
    return out[0] + 2 * out[1] + 3 * out[2]


def _window_sums(x: torch.Tensor, axis: int, before: int, after: int) -> torch.Tensor:
    n = x.shape[axis]
    place = torch.arange(n)
    offset = place[None, :] - place[:, None]
    near = ((offset >= -before) & (offset <= after)).to(x.dtype)
    return torch.movedim(torch.tensordot(near, x, dims=([1], [axis])), 0, axis)


STANDARDS = tuple(
    (shaped(real, shape), {"axis": axis, "eps": eps})
    for shape, axis, eps in (
        ((4,), (0,), 1e-5),
        ((2, 3), (1,), 0.1),
        ((4, 3, 2), (0, 2), 1e-5),
        ((2, 3, 2), (1, 2), 1e-5),
        ((0, 3), (1,), 1e-5),
        ((3, 1), (1,), 0.5),
    )
)
WINDOWS = tuple(
    (shaped(real, shape), {"axis": axis, "before": before, "after": after})
    for shape, axis, before, after in (
        ((4,), 0, 1, 0),
        ((2, 5), 1, 2, 1),
        ((2, 3, 2), 1, 4, 5),
        ((3, 2), 0, 0, 0),
        ((2, 0), 1, 1, 1),
    )
)


# --- CTC: against the sum over all alignments, one by one -------------------------------------------------------------
def _log_likelihood(x: torch.Tensor, labels: tuple[int, ...], blank: int) -> torch.Tensor:
    """Return log p(labels) of (T, C) log-probabilities as the sum over every path that reads as the labels."""
    steps, classes = x.shape
    reading = [
        torch.stack([x[t, c] for t, c in enumerate(path)]).sum()
        for path in itertools.product(range(classes), repeat=steps)
        if tuple(c for c, _ in itertools.groupby(path) if c != blank) == labels
    ]
    return torch.logsumexp(torch.stack(reading), 0)


def _torch_ctc(x: Any, targets: Any, steps: Any, counts: Any, blank: int, zero_infinity: bool = False) -> torch.Tensor:
    rows = [
        _log_likelihood(x[: int(steps[i]), i], tuple(int(c) for c in targets[i, : int(counts[i])]), blank)
        for i in range(x.shape[1])
    ]
    return -torch.stack(rows)


def _torch_posterior(x: Any, *rest: Any, **meta: Any) -> torch.Tensor:
    return torch.func.grad(lambda x: -_torch_ctc(x, *rest, **meta).sum())(x)


def _torch_curvature(x: Any, v: Any, *rest: Any, **meta: Any) -> torch.Tensor:
    return torch.func.grad(lambda x: (_torch_posterior(x, *rest, **meta) * v).sum())(x)  # the Hessian is symmetric


#: labels, steps, counts, blank
SEQUENCES = (
    ([[1, 2], [2, 0]], [3, 2], [2, 1], 0),
    ([[1, 1], [0, 1]], [3, 3], [2, 2], 2),
    ([[2, 1]], [3], [0], 0),
)


def _sequences(r: np.random.Generator) -> Iterator[Sample]:
    for labels, steps, counts, blank in SEQUENCES:
        x = real(r, 3, len(labels), 3)
        meta = {"blank": blank, "zero_infinity": False}
        yield Sample((x, np.array(labels), np.array(steps), np.array(counts)), meta)


def _directions(r: np.random.Generator) -> Iterator[Sample]:
    """The point in whole quarters: integers take no gradient, and a third derivative is not there."""
    for labels, steps, counts, blank in SEQUENCES:
        shape = (3, len(labels), 3)
        x, v = r.integers(-6, 1, shape), real(r, *shape)
        yield Sample((x, v, np.array(labels), np.array(steps), np.array(counts)), {"blank": blank})


def _quarters(inputs: list[Any]) -> list[Any]:
    x, v, *rest = inputs
    return [x.to(v.dtype) * 0.25, v, *rest]


NETWORK_ROWS = [
    Row("pick", lambda x, target: torch.gather(x, -1, target[..., None])[..., 0], _picks),
    Row("huber", lambda x, delta: F.huber_loss(x, 0 * x, "none", delta), unary(real, delta=0.75)),
    Row("masked_softmax", lambda x, axis: torch.softmax(x, axis), along),
    Row("standardize", _standardized, listed(*STANDARDS), after=_all_three),
    Row(
        "unit_rms",
        lambda x, axis, eps: x / torch.sqrt((x * x).mean(axis, keepdim=True) + eps),
        listed(*STANDARDS),
    ),
    Row("window_sum", _window_sums, listed(*WINDOWS)),
    Row("ctc", _torch_ctc, _sequences),
    Row("ctc_posterior", _torch_posterior, _sequences, order=1),
    Row("ctc_curvature", _torch_curvature, _directions, before=_quarters, order=1),
]
