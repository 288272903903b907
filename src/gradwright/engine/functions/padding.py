"""Padding: more places around the edges (`nn.functional.pad`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradwright.engine.autocast import in_float32
from gradwright.engine.functions.calling import need_tensor
from gradwright.engine.functions.sizing import whole
from gradwright.engine.ops.arranging import flip
from gradwright.engine.ops.indexing import getitem
from gradwright.engine.ops.joining import cat, narrow
from gradwright.engine.ops.joining import pad as constant
from gradwright.engine.ops.shape import expand
from gradwright.errors import ConfigError, ShapeError

if TYPE_CHECKING:
    from gradwright.engine.tensor import Tensor

__all__ = ["pad"]


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """Give axes more places before and after; a negative number takes places away.

    Parameters
    ----------
    input : Tensor
        What is padded. Modes other than ``"constant"`` take (channels, axes …) or (batch, channels, axes …) and pad
        all of the axes.
    pad : sequence of int
        (before, after) of the last axis, then of the last but one, and so on.
    mode : {"constant", "reflect", "replicate", "circular"}
        What stands in the new places: ``value``; the places mirrored at the edge, without the edge itself; the edge;
        the places of the other end.
    value : float, optional
        For ``"constant"``; default 0.

    Raises
    ------
    ShapeError
        The numbers do not fit the shape; the message has both.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.nn.functional.pad(gw.tensor([1.0, 2.0]), (1, 2)).tolist()
    [0.0, 1.0, 2.0, 0.0, 0.0]
    """
    need_tensor("pad", input)
    given = tuple([whole("pad", "a number", n) for n in pad])
    if len(given) % 2 or len(given) > 2 * input.ndim:
        raise ShapeError(
            f"pad: {given} must have a pair (before, after) for each of some of the last axes of {input.shape}"
        )
    pairs = [(0, 0)] * (input.ndim - len(given) // 2)
    pairs += [(given[i], given[i + 1]) for i in range(len(given) - 2, -1, -2)]
    for axis, (n, (lo, hi)) in enumerate(zip(input.shape, pairs, strict=True)):
        if n + lo + hi < 0:
            raise ShapeError(f"pad: {given} takes more than there is from dim {axis} of the shape {input.shape}")
    if mode == "constant":
        return _constant(input, pairs, 0 if value is None else value)
    if mode not in ("reflect", "replicate", "circular"):
        raise ConfigError(f"pad: mode must be 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}")
    if value is not None:
        raise ConfigError(f"pad: mode {mode!r} takes no value, got {value}")
    axes = len(given) // 2
    if axes not in (1, 2, 3) or input.ndim not in (axes + 1, axes + 2):
        raise ShapeError(
            f"pad: mode {mode!r} pads all axes after (batch and) channels, so {given} does not fit {input.shape}"
        )
    x: Any = input if mode == "circular" else _widened(input)
    for axis in range(input.ndim - axes, input.ndim):
        x = _edges(x, axis, *pairs[axis], mode, input.shape)
    return x


def _constant(x: Any, pairs: list[tuple[int, int]], value: float) -> Any:
    if any(lo < 0 or hi < 0 for lo, hi in pairs):
        x = getitem(
            x, index=tuple(slice(max(-lo, 0), n + min(hi, 0)) for n, (lo, hi) in zip(x.shape, pairs, strict=True))
        )
    return constant(x, widths=tuple([(max(lo, 0), max(hi, 0)) for lo, hi in pairs]), value=value)


def _edges(x: Any, axis: int, lo: int, hi: int, mode: str, shape: tuple[int, ...]) -> Any:
    """Pad one axis by what the mode takes from it."""
    if mode == "circular" and (lo < 0 or hi < 0):  # what is cropped does not come back at the other end
        x = narrow(x, axis, max(-lo, 0), x.shape[axis] + min(lo, 0) + min(hi, 0))
        lo, hi = max(lo, 0), max(hi, 0)
    n = x.shape[axis]
    most = {"reflect": n - 1, "circular": n, "replicate": None}[mode]
    if most is not None and max(lo, hi) > most:
        raise ShapeError(f"pad: mode {mode!r} has only {max(most, 0)} places to give for ({lo}, {hi}) in {shape}")
    if n == 0:
        raise ShapeError(f"pad: mode {mode!r} has nothing to give along dim {axis} of the shape {shape}")
    middle = narrow(x, axis, max(-lo, 0), n + min(lo, 0) + min(hi, 0)) if lo < 0 or hi < 0 else x
    parts = [middle]
    if lo > 0:
        parts.insert(0, _taken(x, axis, lo, 1 if mode == "reflect" else 0 if mode == "replicate" else n - lo, mode))
    if hi > 0:
        parts.append(
            _taken(x, axis, hi, n - 1 - hi if mode == "reflect" else n - 1 if mode == "replicate" else 0, mode)
        )
    return cat(*parts, axis=axis) if len(parts) > 1 else middle


def _taken(x: Any, axis: int, count: int, start: int, mode: str) -> Any:
    if mode == "replicate":
        edge = narrow(x, axis, start, 1)
        return expand(edge, shape=(*x.shape[:axis], count, *x.shape[axis + 1 :]))
    part = narrow(x, axis, start, count)
    return flip(part, axes=(axis,)) if mode == "reflect" else part


@in_float32
def _widened(x: Tensor) -> Tensor:
    return x
