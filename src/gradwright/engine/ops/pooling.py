"""Pooling: the largest or the sum of each window.

Two linear operations and their transposes are all it takes. The places in a window have numbers, the last axis fastest;
``positions`` holds one for each window:

* ``pick_from_windows(x, positions)`` takes that one from each window; its transpose ``put_into_windows`` puts it back.
* ``sum_pool(x)`` adds up each window; its transpose ``spread_into_windows`` gives the sum back to every place in it.

The first largest number of a window gets all of the gradient, as in PyTorch. Comparing places' numbers costs a fraction
of XLA's select-and-scatter on CPUs (``benchmarks/NOTES.md``), and works on tracers and under ``vmap``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.engine.op import Op, general, linear, nondifferentiable
from gradwright.engine.ops.windows import Sizes, Window, add_windows, channels_first, channels_last, windows

__all__ = [
    "max_pool", "max_pool_positions", "pick_from_windows", "put_into_windows", "spread_into_windows", "sum_pool",
]  # fmt: skip


# --- the largest ------------------------------------------------------------------------------------------------------
def _max_pool(xp: Any, x: Any, *, window: Window) -> Any:
    x = channels_last(xp, x)
    if xp is not np and window.tiles:
        return channels_first(xp, _split(x, window.kernel).max(axis=_place_axes(window)))
    ans: Any = None
    for part in windows(xp, x, window, _lowest(x.dtype)):
        ans = part if ans is None else xp.maximum(ans, part)
    return channels_first(xp, ans)


def _lowest(dtype: np.dtype) -> Any:
    """Return what no element is smaller than: padding never wins."""
    return int(np.iinfo(dtype).min) if dtype.kind in "iu" else -np.inf


def _positions(xp: Any, x: Any, *, window: Window) -> Any:
    inside = _first_inside(x.shape[2:], window)
    x = channels_last(xp, x)
    top = positions = None
    for k, part in enumerate(windows(xp, x, window, _lowest(x.dtype))):
        if top is None:
            top = part
            positions = xp.zeros(part.shape, np.int32) + (inside if xp is np else inside[..., None])
        else:
            larger = (part > top) | (part != part)  # NaN wins, as in PyTorch
            top = xp.where(larger, part, top)
            positions = xp.where(larger, np.int32(k), positions)
    return channels_first(xp, positions)


def _first_inside(sizes: Sizes, window: Window) -> np.ndarray:
    """Return each window's first place that is not padding: the answer where all the window is -inf."""
    first = np.zeros((), np.int32)
    for m, k, s, (lo, _), d in zip(window.counts(sizes), *window, strict=True):
        steps = -((np.arange(m) * s - lo) // d)  # ⌈(lo - m·s) / d⌉ lead out of the padding
        first = first[..., None] * k + np.clip(steps, 0, k - 1).astype(np.int32)
    return first


def _pick(xp: Any, x: Any, positions: Any, *, window: Window) -> Any:
    x, positions = channels_last(xp, x), channels_last(xp, positions)
    ans: Any = None
    for k, part in enumerate(windows(xp, x, window)):
        ans = part if ans is None else xp.where(positions == k, part, ans)
    return channels_first(xp, ans)


def _put(xp: Any, y: Any, positions: Any, *, sizes: Sizes, window: Window) -> Any:
    y, positions = channels_last(xp, y), channels_last(xp, positions)
    zero = np.zeros((), y.dtype)
    if xp is not np and window.tiles:
        axes = _place_axes(window)
        here = xp.expand_dims(positions, axes) == _place_numbers(window)
        x = _join(xp, xp.where(here, xp.expand_dims(y, axes), zero), sizes)
    else:
        x = add_windows(xp, lambda k: xp.where(positions == k, y, zero), sizes, window)
    return channels_first(xp, x)


#: The number of the first largest place of each window.
max_pool_positions = nondifferentiable("max_pool_positions", _positions)

pick_from_windows: Op = linear(
    "pick_from_windows",
    _pick,
    lambda g, positions, x_shape, window: put_into_windows(g, positions, sizes=x_shape[2:], window=window),
    None,
)
put_into_windows: Op = linear(
    "put_into_windows",
    _put,
    lambda g, positions, window: pick_from_windows(g, positions, window=window),
    None,
)

max_pool = general(
    "max_pool",
    _max_pool,
    vjp=[
        lambda g, x, x_shape, window: put_into_windows(
            g, max_pool_positions(x, window=window), sizes=x_shape[2:], window=window
        )
    ],
    jvp=[lambda t, x, window: pick_from_windows(t, max_pool_positions(x, window=window), window=window)],
)


# --- the sum ----------------------------------------------------------------------------------------------------------
def _sum_pool(xp: Any, x: Any, *, window: Window) -> Any:
    x = channels_last(xp, x)
    if xp is not np and window.tiles:
        return channels_first(xp, _split(x, window.kernel).sum(axis=_place_axes(window)))
    ans: Any = None
    for part in windows(xp, x, window):
        ans = part if ans is None else ans + part
    return channels_first(xp, ans)


def _spread(xp: Any, y: Any, *, sizes: Sizes, window: Window) -> Any:
    y = channels_last(xp, y)
    if xp is not np and window.tiles:
        everywhere = np.zeros(_place_numbers(window).shape, y.dtype)
        x = _join(xp, xp.expand_dims(y, _place_axes(window)) + everywhere, sizes)
    else:
        x = add_windows(xp, lambda k: y, sizes, window)
    return channels_first(xp, x)


sum_pool: Op = linear(
    "sum_pool",
    _sum_pool,
    lambda g, x_shape, window: spread_into_windows(g, sizes=x_shape[2:], window=window),
)
spread_into_windows: Op = linear(
    "spread_into_windows",
    _spread,
    lambda g, window: sum_pool(g, window=window),
)


# --- windows side by side, under XLA: for each spatial axis one axis of windows and one of places ---------------------
def _split(x: Any, kernel: Sizes) -> Any:
    """(N, h·k, w·l, C) to (N, h, k, w, l, C), leaving out what fills no window."""
    counts = tuple(n // k for n, k in zip(x.shape[1:-1], kernel, strict=True))
    x = x[(slice(None), *(slice(0, n * k) for n, k in zip(counts, kernel, strict=True)))]
    return x.reshape(x.shape[0], *(v for pair in zip(counts, kernel, strict=True) for v in pair), x.shape[-1])


def _join(xp: Any, x: Any, sizes: Sizes) -> Any:
    """Undo :func:`_split`, with zeros where no window was."""
    covered = tuple(x.shape[i] * x.shape[i + 1] for i in range(1, x.ndim - 1, 2))
    x = x.reshape(x.shape[0], *covered, x.shape[-1])
    missing = [(0, n - m) for n, m in zip(sizes, covered, strict=True)]
    return xp.pad(x, [(0, 0), *missing, (0, 0)]) if covered != sizes else x


def _place_axes(window: Window) -> tuple[int, ...]:
    """Return the axes of places after :func:`_split`."""
    return tuple(range(2, 2 + 2 * len(window.kernel), 2))


def _place_numbers(window: Window) -> np.ndarray:
    """Number the places, shaped to broadcast against what :func:`_split` returns."""
    numbers = np.arange(window.places, dtype=np.int32)
    return numbers.reshape(1, *(v for k in window.kernel for v in (1, k)), 1)
