"""Windows as columns, and columns added up to an image again: a linear operation and its transpose."""

from __future__ import annotations

from typing import Any

from gradwright.engine.op import Op, linear
from gradwright.engine.ops.windows import Sizes, Window, add_windows, channels_first, channels_last, windows

__all__ = ["fold", "unfold"]


def _unfold(xp: Any, x: Any, *, window: Window) -> Any:
    parts = [channels_first(xp, part) for part in windows(xp, channels_last(xp, x), window)]
    columns = xp.stack(parts, axis=2)  # (N, C, K, L…)
    length = 1
    for m in window.counts(x.shape[2:]):
        length *= m
    return columns.reshape(x.shape[0], x.shape[1] * window.places, length)


def _fold(xp: Any, y: Any, *, sizes: Sizes, window: Window) -> Any:
    columns = y.reshape(y.shape[0], y.shape[1] // window.places, window.places, *window.counts(sizes))
    x = add_windows(xp, lambda k: channels_last(xp, columns[:, :, k]), sizes, window)
    return channels_first(xp, x)


#: (N, C, spatial axes …) to (N, C·K, L): column l is what window l holds, each channel's places together
unfold: Op = linear("unfold", _unfold, lambda g, x_shape, window: fold(g, sizes=x_shape[2:], window=window))

#: (N, C·K, L) to (N, C, spatial axes …): each number is added up where unfold would have taken it from
fold: Op = linear("fold", _fold, lambda g, window: unfold(g, window=window))
