"""Rows for convolution, pooling, unfolding and resampling; `operations.py` adds them to its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from gradwright.engine.ops.convolution import Steps
from gradwright.engine.ops.interpolation import averaging_matrix, cubic_matrix, linear_matrix
from gradwright.engine.ops.windows import Window

from .operations import Row, Sample, real


def steps(n: int, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1) -> Steps:
    return Steps((stride,) * n, ((padding, padding),) * n, (dilation,) * n, groups)


def window(kernel: tuple[int, ...], stride: int = 1, padding: int = 0, dilation: int = 1) -> Window:
    n = len(kernel)
    return Window(kernel, (stride,) * n, ((padding, padding),) * n, (dilation,) * n)


# --- convolution: shapes of x and of the weight, and the steps --------------------------------------------------------
CONVOLUTIONS: tuple[tuple[tuple[int, ...], tuple[int, ...], Steps], ...] = (
    ((2, 2, 5), (3, 2, 3), steps(1, padding=1)),
    ((1, 1, 6), (1, 1, 2), steps(1, stride=2, dilation=2)),  # the last number is in no window
    ((2, 1, 4, 3), (2, 1, 3, 2), steps(2, padding=1)),
    ((1, 2, 5, 4), (2, 2, 2, 2), steps(2, stride=2)),
    ((1, 4, 3, 3), (2, 2, 2, 2), steps(2, groups=2)),
    ((1, 2, 3, 3), (4, 1, 2, 2), steps(2, padding=1, groups=2)),  # each channel by itself
    ((1, 1, 2, 3), (1, 1, 2, 3), steps(2)),
    ((1, 5, 4, 3), (2, 5, 3, 3), steps(2, padding=1)),  # a window too large to be laid out
    ((1, 1, 4, 4), (1, 1, 2, 3), Steps((2, 1), ((1, 0), (0, 2)), (1, 1), 1)),
    ((1, 1, 3, 2, 3), (2, 1, 2, 2, 1), steps(3, padding=1, stride=2)),
    ((0, 2, 4), (3, 2, 2), steps(1)),
)


def _counts(x: tuple[int, ...], w: tuple[int, ...], how: Steps) -> tuple[int, ...]:
    return (x[0], w[0], *how.window(w[2:]).counts(x[2:]))


def _convolutions(r: np.random.Generator) -> Iterator[Sample]:
    for x, w, how in CONVOLUTIONS:
        yield Sample((real(r, *x), real(r, *w)), {"steps": how})


def _inputs(r: np.random.Generator) -> Iterator[Sample]:
    for x, w, how in CONVOLUTIONS:
        yield Sample((real(r, *_counts(x, w, how)), real(r, *w)), {"sizes": x[2:], "steps": how})


def _weights(r: np.random.Generator) -> Iterator[Sample]:
    for x, w, how in CONVOLUTIONS:
        yield Sample((real(r, *x), real(r, *_counts(x, w, how))), {"kernel": w[2:], "steps": how})


def _torch_convolution(x: torch.Tensor, weight: torch.Tensor, steps: Steps) -> torch.Tensor:
    function = (F.conv1d, F.conv2d, F.conv3d)[x.ndim - 3]
    x = F.pad(x, [n for pair in reversed(steps.padding) for n in pair])
    return function(x, weight, stride=steps.stride, dilation=steps.dilation, groups=steps.groups)


def _torch_input(y: torch.Tensor, weight: torch.Tensor, sizes: tuple[int, ...], steps: Steps) -> torch.Tensor:
    channels = weight.shape[1] * steps.groups
    x = torch.zeros((y.shape[0], channels, *sizes), dtype=y.dtype)
    return torch.func.vjp(lambda x: _torch_convolution(x, weight, steps), x)[1](y)[0]


def _torch_weight(x: torch.Tensor, y: torch.Tensor, kernel: tuple[int, ...], steps: Steps) -> torch.Tensor:
    w = torch.zeros((y.shape[1], x.shape[1] // steps.groups, *kernel), dtype=y.dtype)
    return torch.func.vjp(lambda w: _torch_convolution(x, w, steps), w)[1](y)[0]


def _biases(r: np.random.Generator) -> Iterator[Sample]:
    for shape in ((2, 3), (2, 3, 2), (1, 2, 2, 3), (0, 2, 3)):
        yield Sample((real(r, *shape), real(r, shape[1])))


def _channels(r: np.random.Generator) -> Iterator[Sample]:
    for shape in ((2, 3), (2, 3, 2), (1, 2, 2, 3), (0, 2, 3)):
        yield Sample((real(r, *shape),))


def _torch_biased(x: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return x + b.reshape(-1, *(1,) * (x.ndim - 2))


def _torch_channel_sum(x: torch.Tensor) -> torch.Tensor:
    return x.sum((0, *range(2, x.ndim)))


# --- windows: shapes of x, and the window -----------------------------------------------------------------------------
WINDOWS: tuple[tuple[tuple[int, ...], Window], ...] = (
    ((2, 2, 6), window((2,), stride=2)),
    ((1, 2, 5), window((3,), stride=2, padding=1)),
    ((1, 1, 6), window((2,), dilation=3)),
    ((1, 2, 4, 6), window((2, 2), stride=2)),
    ((1, 1, 5, 7), Window((2, 3), (2, 3), ((0, 0), (0, 0)), (1, 1))),  # side by side, with a rest
    ((1, 1, 4, 4), window((3, 2), stride=1, padding=1)),
    ((1, 1, 4, 3), Window((2, 2), (3, 2), ((0, 1), (1, 0)), (1, 1))),
    ((1, 1, 5, 5), Window((2, 2), (2, 2), ((0, -1), (-1, 0)), (1, 1))),
    ((1, 1, 2, 4, 3), window((2, 2, 1), stride=2)),
    ((1, 1, 3, 2, 2), window((2, 2, 2), padding=1)),
    ((0, 1, 4), window((2,), stride=2)),
)


def _windowed(r: np.random.Generator) -> Iterator[Sample]:
    for x, how in WINDOWS:
        yield Sample((real(r, *x),), {"window": how})


def _ties(r: np.random.Generator) -> Iterator[Sample]:
    for x, how in WINDOWS:
        yield Sample((r.integers(-1, 2, x).astype(float),), {"window": how})
        yield Sample((np.full(x, -np.inf),), {"window": how})


def _spreads(r: np.random.Generator) -> Iterator[Sample]:
    for x, how in WINDOWS:
        yield Sample((real(r, *x[:2], *how.counts(x[2:])),), {"sizes": x[2:], "window": how})


def _picks(r: np.random.Generator) -> Iterator[Sample]:
    for x, how in WINDOWS:
        positions = r.integers(0, how.places, (*x[:2], *how.counts(x[2:])))
        yield Sample((real(r, *x), positions), {"window": how})


def _puts(r: np.random.Generator) -> Iterator[Sample]:
    for x, how in WINDOWS:
        shape = (*x[:2], *how.counts(x[2:]))
        yield Sample((real(r, *shape), r.integers(0, how.places, shape)), {"sizes": x[2:], "window": how})


def _folds(r: np.random.Generator) -> Iterator[Sample]:
    for x, how in WINDOWS:
        shape = (x[0], x[1] * how.places, int(np.prod(how.counts(x[2:]))))
        yield Sample((real(r, *shape),), {"sizes": x[2:], "window": how})


def _torch_windows(x: torch.Tensor, window: Window, value: float = 0.0) -> torch.Tensor:
    """(N, C, L…, K): what each window holds."""
    x = F.pad(x, [n for pair in reversed(window.padding) for n in pair], value=value)
    n = len(window.kernel)
    counts = [
        (m - d * (k - 1) - 1) // s + 1
        for m, k, s, d in zip(x.shape[2:], window.kernel, window.stride, window.dilation, strict=True)
    ]
    parts = []
    for offset in np.ndindex(*window.kernel):
        index: tuple[Any, ...] = (slice(None), slice(None))
        for o, d, s, m in zip(offset, window.dilation, window.stride, counts, strict=True):
            index += (slice(o * d, o * d + (m - 1) * s + 1, s),)
        parts.append(x[index])
    assert parts[0].ndim == n + 2
    return torch.stack(parts, -1)


def _torch_max_pool(x: torch.Tensor, window: Window) -> torch.Tensor:
    return _torch_windows(x, window, -np.inf).max(-1).values


def _torch_positions(x: torch.Tensor, window: Window) -> torch.Tensor:
    """The first largest place; NaN in the padding stands for what may never be picked."""
    values = _torch_windows(x, window)
    inside = _torch_windows(torch.ones_like(x), window) > 0
    values = torch.where(inside, torch.where(values == -np.inf, -1e300, values), -np.inf)
    return torch.from_numpy(np.argmax(values.numpy(), -1).astype(np.int32))


def _torch_pick(x: torch.Tensor, positions: torch.Tensor, window: Window) -> torch.Tensor:
    return torch.gather(_torch_windows(x, window), -1, positions[..., None])[..., 0]


def _torch_put(y: torch.Tensor, positions: torch.Tensor, sizes: tuple[int, ...], window: Window) -> torch.Tensor:
    x = torch.zeros((*y.shape[:2], *sizes), dtype=y.dtype)
    return torch.func.vjp(lambda x: _torch_pick(x, positions, window), x)[1](y)[0]


def _torch_sum_pool(x: torch.Tensor, window: Window) -> torch.Tensor:
    return _torch_windows(x, window).sum(-1)


def _torch_spread(y: torch.Tensor, sizes: tuple[int, ...], window: Window) -> torch.Tensor:
    x = torch.zeros((*y.shape[:2], *sizes), dtype=y.dtype)
    return torch.func.vjp(lambda x: _torch_sum_pool(x, window), x)[1](y)[0]


def _torch_unfold(x: torch.Tensor, window: Window) -> torch.Tensor:
    columns = torch.movedim(_torch_windows(x, window), -1, 2)
    length = int(np.prod(columns.shape[3:]))
    return columns.reshape(x.shape[0], x.shape[1] * window.places, length)


def _torch_fold(y: torch.Tensor, sizes: tuple[int, ...], window: Window) -> torch.Tensor:
    x = torch.zeros((y.shape[0], y.shape[1] // window.places, *sizes), dtype=y.dtype)
    return torch.func.vjp(lambda x: _torch_unfold(x, window), x)[1](y)[0]


# --- resampling -------------------------------------------------------------------------------------------------------
def _resampled(r: np.random.Generator) -> Iterator[Sample]:
    for shape, matrices in (
        ((1, 2, 4), (linear_matrix(4, 7, None, False),)),
        ((2, 1, 3, 5), (averaging_matrix(3, 2), cubic_matrix(5, 3, None, True))),
        ((1, 1, 3, 4), (None, linear_matrix(4, 2, 0.6, False))),
        ((1, 1, 2, 2, 3), (linear_matrix(2, 3, None, True), None, averaging_matrix(3, 4))),
        ((0, 1, 3), (averaging_matrix(3, 2),)),
    ):
        yield Sample((real(r, *shape),), {"matrices": matrices})


def _torch_resample(x: torch.Tensor, matrices: tuple[Any, ...]) -> torch.Tensor:
    for axis, matrix in enumerate(matrices, 2):
        if matrix is not None:
            x = torch.movedim(torch.movedim(x, axis, -1) @ torch.tensor(matrix).T.to(x.dtype), -1, axis)
    return x


CONVOLUTION_ROWS = [
    Row("convolution", _torch_convolution, _convolutions),
    Row("convolution_input", _torch_input, _inputs),
    Row("convolution_weight", _torch_weight, _weights),
    Row("add_channels", _torch_biased, _biases),
    Row("channel_sum", _torch_channel_sum, _channels),
    Row("max_pool", _torch_max_pool, _windowed),
    Row("max_pool_positions", _torch_positions, _ties, order=0),
    Row("pick_from_windows", _torch_pick, _picks),
    Row("put_into_windows", _torch_put, _puts),
    Row("sum_pool", _torch_sum_pool, _windowed),
    Row("spread_into_windows", _torch_spread, _spreads),
    Row("unfold", _torch_unfold, _windowed),
    Row("fold", _torch_fold, _folds),
    Row("resample", _torch_resample, _resampled),
]
