"""Tensors as text, as PyTorch shows them; only the dtype (``float64``) and the operation (``<mul>``) have our names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradwright.backend import is_tracer
from gradwright.backend.dtypes import get_default_dtype
from gradwright.engine.base import Node, TensorBase
from gradwright.errors import ConfigError

__all__ = ["set_printoptions", "show"]


@dataclass
class _Options:
    precision: int = 4  # digits after the point
    threshold: float = 1000  # more elements than this are summarised
    edgeitems: int = 3  # how many at either end a summary shows
    linewidth: int = 80
    sci_mode: bool | None = None  # None: as the numbers need


_options = _Options()
_PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": float("inf"), "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Say how tensors are shown.

    Parameters
    ----------
    precision : int
        Digits after the point (4).
    threshold : int
        Tensors of more elements are summarised (1000).
    edgeitems : int
        How many items at either end of an axis a summary shows (3).
    linewidth : int
        Characters a line (80).
    profile : "default", "short" or "full"
        Values for all of these, which the others then change.
    sci_mode : bool
        Scientific notation always or never. Default: when the numbers need it.

    Examples
    --------
    >>> import gradwright as gw
    >>> gw.set_printoptions(precision=2)
    >>> gw.tensor([3.14159])
    tensor([3.14])
    >>> gw.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ConfigError(f"set_printoptions: profile must be one of {', '.join(_PROFILES)}, got {profile!r:.80}")
        for name, value in _PROFILES[profile].items():
            setattr(_options, name, value)
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, number in given.items():
        if number is not None:
            setattr(_options, name, number)
    _options.sci_mode = sci_mode


def show(tensor: TensorBase) -> str:
    """Return ``tensor([1., 2.], grad_fn=<mul>)``."""
    prefix = "tensor("
    if is_tracer(tensor._array):
        return f"{prefix}<traced {tensor._array.dtype} {tuple(tensor._array.shape)}>)"
    array = np.asarray(tensor._array)
    tail = []
    if array.size == 0:
        if array.ndim != 1:
            tail.append(f"size={array.shape}")
        if array.dtype != get_default_dtype():
            tail.append(f"dtype={array.dtype}")
        body = "[]"
    else:
        if array.dtype not in (get_default_dtype(), np.dtype(np.int64), np.dtype(bool)):
            tail.append(f"dtype={array.dtype}")
        body = _body(array, len(prefix))
    if isinstance(tensor._node, Node):
        tail.append(f"grad_fn=<{tensor._node.name()}>")
    elif tensor._requires_grad:
        tail.append("requires_grad=True")
    return _joined(prefix + body, tail, len(prefix)) + ")"


def _joined(text: str, tail: list[str], indent: int) -> str:
    """Put the tail behind the numbers, on a new line where it would not fit."""
    used = len(text) - text.rfind("\n") + 1
    for part in tail:
        if used + len(part) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + part
            used = indent + len(part)
        else:
            text += ", " + part
            used += len(part) + 2
    return text


def _body(array: np.ndarray, indent: int) -> str:
    summarised = array.size > _options.threshold
    shown = array
    if summarised:
        edge = _options.edgeitems
        for axis, length in enumerate(array.shape):
            if length > 2 * edge:
                shown = np.take(shown, [*range(edge), *range(length - edge, length)], axis)
    if shown.dtype.itemsize == 2 and shown.dtype.kind in "fV":
        shown, array = shown.astype(np.float32), array.astype(np.float32)
    width, plain = _format(shown)
    return _nested(array, indent, summarised, width, lambda x: plain(x).rjust(width))


def _nested(array: np.ndarray, indent: int, summarised: bool, width: int, text: Callable[[Any], str]) -> str:
    if array.ndim == 0:
        return text(array.item())
    edge = _options.edgeitems
    cut = summarised and len(array) > 2 * edge
    ends = [*array[:edge], *array[len(array) - edge :]] if cut else list(array)
    if array.ndim == 1:
        parts = [text(x.item()) for x in ends]
        if cut:
            parts.insert(edge, " ...")
        a_line = max(1, (_options.linewidth - indent) // (width + 2))
        lines = [", ".join(parts[i : i + a_line]) for i in range(0, len(parts), a_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    parts = [_nested(x, indent + 1, summarised, width, text) for x in ends]
    if cut:
        parts.insert(edge, "...")
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def _format(array: np.ndarray) -> tuple[int, Callable[[Any], str]]:
    """Choose a width and, for floats, among whole, fixed and scientific, for all elements together."""
    if array.dtype.kind not in "fV":
        return max(len(str(x)) for x in array.ravel().tolist()), str
    values = array[np.isfinite(array) & (array != 0)].astype(np.float64)
    digits = _options.precision
    size = np.abs(values)
    whole = bool((values == np.ceil(values)).all())
    scientific, width = False, 1
    if size.size:
        low, high = float(size.min()), float(size.max())
        scientific = high / low > 1000 or high > 1e8 or (not whole and low < 1e-4)
        if _options.sci_mode is not None:
            scientific = _options.sci_mode
        spec = f".{digits}e" if scientific else ".0f" if whole else f".{digits}f"
        width = max(len(f"{x:{spec}}") for x in values.tolist()) + (whole and not scientific)
    if scientific:
        return width, lambda x: f"{x:.{digits}e}"
    if whole:
        return width, lambda x: f"{x:.0f}" + ("." if np.isfinite(x) else "")
    return width, lambda x: f"{x:.{digits}f}"
