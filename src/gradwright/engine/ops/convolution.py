"""Convolution in any number of dimensions, and its two transposes.

y[n, o, p] = Σ_c Σ_k x[n, c, p·stride + k·dilation - before] · w[o, c, k], with c over the channels of o's group. It is
linear in x and in w, so its transpose with respect to either is an operation too, and the three are each other's rules:

==============================  =========================  ==========================
operation                       transpose in the first     transpose in the second
==============================  =========================  ==========================
y = convolution(x, w)           convolution_input(g, w)    convolution_weight(x, g)
x = convolution_input(y, w)     convolution(g, w)          convolution_weight(g, y)
w = convolution_weight(x, y)    convolution_input(y, g)    convolution(x, g)
==============================  =========================  ==========================

The formulations for CPUs under XLA are the fastest that were measured (``benchmarks/NOTES.md``): XLA's convolution for
the output and for the input's gradient; for the weight's gradient a matrix product for each place in the kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradwright.backend import jax_modules
from gradwright.engine.op import Op, general, linear, lowered
from gradwright.engine.ops.shape import expand, reshape
from gradwright.engine.ops.windows import Sizes, Window, add_windows, channels_first, channels_last, pad, windows

__all__ = ["Steps", "add_channels", "channel_sum", "convolution", "convolution_input", "convolution_weight"]

#: Under XLA on CPUs, windows of at most so many numbers are laid out side by side for one matrix product;
SMALL_WINDOW = 32
#: and the weight's gradient is a matrix product for each place in the kernel when there are at most so many.
MANY_PLACES = 64


class Steps(NamedTuple):
    """How a kernel moves over the input; the first three have an entry for each spatial axis."""

    stride: Sizes
    padding: tuple[tuple[int, int], ...]  # before and after
    dilation: Sizes
    groups: int

    def window(self, kernel: Sizes) -> Window:
        """Return what a kernel of these sizes sees."""
        return Window(tuple(kernel), *self[:3])


# --- y = convolution(x, w) --------------------------------------------------------------------------------------------
def _convolution(xp: Any, x: Any, weight: Any, *, steps: Steps) -> Any:
    window = steps.window(weight.shape[2:])
    counts = window.counts(x.shape[2:])
    if xp is np:
        w = weight.reshape(steps.groups, weight.shape[0] // steps.groups, math.prod(weight.shape[1:]))
        y = np.matmul(w, _columns(x, window, steps.groups))
        return np.swapaxes(y.reshape(weight.shape[0], x.shape[0], *counts), 0, 1)
    w = xp.transpose(weight, (*range(2, weight.ndim), 1, 0))
    if _small(weight.shape, steps):
        y = _one_by_one(xp.matmul, _small_columns(xp, x, window).T, w.reshape(-1, w.shape[-1]))
        return channels_first(xp, y.reshape(x.shape[0], *counts, w.shape[-1]))
    y = _lax_convolution(
        channels_last(xp, x),
        w,
        window_strides=steps.stride,
        padding=steps.padding,
        rhs_dilation=steps.dilation,
        feature_group_count=steps.groups,
    )
    return channels_first(xp, y)


# --- x = convolution_input(y, w), which is also the transposed convolution --------------------------------------------
def _convolution_input(xp: Any, y: Any, weight: Any, *, sizes: Sizes, steps: Steps) -> Any:
    window, groups = steps.window(weight.shape[2:]), steps.groups
    batch, counts = y.shape[0], y.shape[2:]
    filters, channels = weight.shape[0] // groups, weight.shape[1]
    if xp is np:
        w = weight.reshape(groups, filters, channels * window.places)
        columns = np.matmul(np.swapaxes(w, 1, 2), _rows(y, groups))
        columns = columns.reshape(groups * channels, window.places, batch, *counts)
        return add_windows(xp, lambda k: np.swapaxes(columns[:, k], 0, 1), sizes, window)
    # a convolution of y, with zeros between its numbers, by the kernel turned around
    edges = []
    for n, m, k, s, (before, _), d in zip(sizes, counts, *window, strict=True):
        lo = d * (k - 1) - before
        edges.append((lo, n + before - ((m - 1) * s + 1)))
    turned = xp.flip(weight, axis=tuple(range(2, weight.ndim))).reshape(groups, filters, channels, *window.kernel)
    turned = xp.transpose(turned, (*range(3, turned.ndim), 1, 0, 2)).reshape(*window.kernel, filters, -1)
    x = _lax_convolution(
        channels_last(xp, y),
        turned,
        window_strides=(1,) * len(sizes),
        padding=edges,
        lhs_dilation=steps.stride,
        rhs_dilation=steps.dilation,
        feature_group_count=groups,
    )
    return channels_first(xp, x)


# --- w = convolution_weight(x, y) -------------------------------------------------------------------------------------
def _convolution_weight(xp: Any, x: Any, y: Any, *, kernel: Sizes, steps: Steps) -> Any:
    window, groups = steps.window(kernel), steps.groups
    channels, filters = x.shape[1] // groups, y.shape[1] // groups
    shape = (groups * filters, channels, *kernel)
    if xp is np:
        columns = _columns(x, window, groups)
        return np.matmul(_rows(y, groups), np.swapaxes(columns, 1, 2)).reshape(shape)
    y = channels_last(xp, y)
    if _small(shape, steps):
        w = _one_by_one(xp.matmul, _small_columns(xp, x, window), y.reshape(-1, filters))
        w = w.reshape(*kernel, channels, filters)
    elif not _on_cpu() or window.places > MANY_PLACES:
        w = _lax_weight(channels_last(xp, x), y, window, groups)
    else:
        y = y.reshape(-1, groups, filters)
        products = [
            xp.matmul(part.reshape(-1, channels).T, y[:, 0])
            if groups == 1
            else xp.einsum("lgc,lgo->cgo", part.reshape(-1, groups, channels), y)
            for part in windows(xp, channels_last(xp, x), window)
        ]
        w = xp.stack(products).reshape(*kernel, channels, groups * filters)
    return xp.moveaxis(w, (-1, -2), (0, 1))


convolution: Op = linear(
    "convolution",
    _convolution,
    lambda g, weight, x_shape, steps: convolution_input(g, weight, sizes=x_shape[2:], steps=steps),
    lambda g, x, weight_shape, steps: convolution_weight(x, g, kernel=weight_shape[2:], steps=steps),
    promotes=True,
)
convolution_input: Op = linear(
    "convolution_input",
    _convolution_input,
    lambda g, weight, steps: convolution(g, weight, steps=steps),
    lambda g, y, weight_shape, steps: convolution_weight(g, y, kernel=weight_shape[2:], steps=steps),
    promotes=True,
)
convolution_weight: Op = linear(
    "convolution_weight",
    _convolution_weight,
    lambda g, y, x_shape, steps: convolution_input(y, g, sizes=x_shape[2:], steps=steps),
    lambda g, x, steps: convolution(x, g, steps=steps),
    promotes=True,
)


# --- the bias ---------------------------------------------------------------------------------------------------------
def _channel_sum(xp: Any, x: Any) -> Any:
    if xp is np or not _on_cpu():
        return x.sum(axis=(0, *range(2, x.ndim)))
    # For a sum XLA would first copy x into another layout; a product with ones reads it as it lies.
    rows = channels_last(xp, x).reshape(-1, x.shape[1])
    return _one_by_one(xp.matmul, xp.ones(rows.shape[0], x.dtype), rows)


def _over_channels(b: Any, x_shape: tuple[int, ...]) -> Any:
    return expand(reshape(b, shape=(-1, *(1,) * (len(x_shape) - 2))), shape=x_shape)


#: s[c] = Σ x[n, c, …] over all other axes
channel_sum: Op = linear("channel_sum", _channel_sum, lambda g, x_shape: _over_channels(g, x_shape))

#: y[n, c, …] = x[n, c, …] + b[c]
add_channels = general(
    "add_channels",
    lambda xp, x, b: x + b.reshape(-1, *(1,) * (x.ndim - 2)),
    vjp=[lambda g: g, lambda g: channel_sum(g)],
    jvp=[lambda t: t, lambda t, x_shape: _over_channels(t, x_shape)],
    promotes=True,
)
lowered(convolution, convolution_input, add_channels)


# --- how, on NumPy: one matrix product a group for the whole batch ----------------------------------------------------
def _rows(y: np.ndarray, groups: int) -> np.ndarray:
    """Lay (N, O, …) out as (groups, O/groups, N·L)."""
    length = y.shape[0] * math.prod(y.shape[2:])
    return np.swapaxes(y, 0, 1).reshape(groups, y.shape[1] // groups, length)


def _columns(x: np.ndarray, window: Window, groups: int) -> np.ndarray:
    """Lay the windows of (N, C, …) side by side: (groups, C/groups·K, N·L)."""
    n, counts = len(window.kernel), window.counts(x.shape[2:])
    x = pad(np, x, window.padding)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(window.kernel, window.dilation, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=tuple(range(2, 2 + n)))
    every = tuple(slice(None, None, step) for step in (*window.stride, *window.dilation))
    view = view[(slice(None), slice(None), *every)]  # (N, C, L…, K…)
    view = view.transpose(1, *range(2 + n, 2 + 2 * n), 0, *range(2, 2 + n))
    return view.reshape(groups, x.shape[1] // groups * window.places, x.shape[0] * math.prod(counts))


# --- how, under XLA ---------------------------------------------------------------------------------------------------
def _on_cpu() -> bool:
    return bool(jax_modules().jax.default_backend() == "cpu")


def _small(weight_shape: tuple[int, ...], steps: Steps) -> bool:
    """Say whether a window holds so little that XLA's convolution is slower than one matrix product."""
    return steps.groups == 1 and math.prod(weight_shape[1:]) <= SMALL_WINDOW and _on_cpu()


def _small_columns(xp: Any, x: Any, window: Window) -> Any:
    """Lay the windows side by side: (K·C, N·L). The output and the weight's gradient share them in a program."""
    parts = [xp.moveaxis(part, -1, 0) for part in windows(xp, channels_last(xp, x), window)]
    return xp.stack(parts).reshape(window.places * x.shape[1], -1)


def _lax_convolution(x: Any, w: Any, **how: Any) -> Any:
    """Run XLA's convolution, channels last."""
    axes = "012"[: x.ndim - 2]
    layout = (f"N{axes}C", f"{axes}IO", f"N{axes}C")

    def convolve(x: Any, w: Any) -> Any:
        return jax_modules().lax.conv_general_dilated(x, w, dimension_numbers=layout, **how)

    return _one_by_one(convolve, x, w) if _on_cpu() else convolve(x, w)


def _one_by_one(function: Callable[[Any, Any], Any], x: Any, w: Any) -> Any:
    """Compute a function of two arrays; under ``vmap`` over the second, for one member after the other.

    XLA would make one grouped convolution of a population of weights, and one product of their products with a shared
    matrix, copying what they are multiplied with. On CPUs that takes several times as long as the members one by one.
    """
    jax, lax = jax_modules().jax, jax_modules().lax

    def over_members(members: int, batched: Any, x: Any, w: Any) -> tuple[Any, bool]:
        if not batched[1]:
            return jax.vmap(function, (0, None))(x, w), True
        if not batched[0]:
            return lax.map(lambda member: each(x, member), w), True
        return lax.map(lambda member: each(*member), (x, w)), True

    each = jax.custom_batching.custom_vmap(function)
    each.def_vmap(over_members)
    return each(x, w)


def _lax_weight(x: Any, y: Any, window: Window, groups: int) -> Any:
    """Convolve x by y as the kernel, the roles of batch and channels exchanged; stride and dilation change places."""
    edges = []
    for n, m, k, s, (before, _), d in zip(x.shape[1:-1], y.shape[1:-1], *window, strict=True):
        edges.append((before, (m - 1) * s + 1 + d * (k - 1) - n - before))
    axes = "012"[: x.ndim - 2]
    return jax_modules().lax.conv_general_dilated(
        x,
        y,
        window_strides=window.dilation,
        padding=edges,
        rhs_dilation=window.stride,
        dimension_numbers=(f"C{axes}N", f"I{axes}O", f"{axes}NC"),
        batch_group_count=groups,
    )
