"""Find the first operation whose output or gradient is NaN or infinite."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np

from gradwright.backend import is_tracer
from gradwright.engine.base import Leaf, Node, TensorBase
from gradwright.engine.lines import calling_line, spoken
from gradwright.engine.tracing import trace_now
from gradwright.errors import NonFiniteError

__all__ = ["detect_anomaly"]


class detect_anomaly:
    """Raise at the first operation whose output, or whose gradient, is NaN or infinite.

    The message names the operation, the line of your code that called it, the module whose forward it ran in, the
    parameters among its inputs and the range of each input. Compiled steps run eagerly inside the block, operation by
    operation, on the same numbers. Slower than usual; for finding a fault, not for training.

    Raises
    ------
    NonFiniteError
        From inside the ``with`` block, at the operation.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([1.0, 0.0], requires_grad=True)
    >>> with gw.detect_anomaly():
    ...     x.log().sum()
    Traceback (most recent call last):
    gradwright.errors.NonFiniteError: forward: log gave -inf at [1]; its inputs: x (2,) from 0 to 1 (...)
    """

    def __enter__(self) -> detect_anomaly:
        self._before = trace_now.watcher
        trace_now.watcher = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        trace_now.watcher = self._before

    def forward(self, op: Any, inputs: Any, output: Any) -> None:
        """Look at an operation's output."""
        if op.name == "where":  # it chooses among values: a mask's -inf is meant, all else was seen where it arose
            return
        for array in output if isinstance(output, tuple) else (output,):
            bad = _first_bad(array)
            if bad is None:
                continue
            shown = "; ".join(
                _describe(name, value) for name, value in zip(_names(op, len(inputs)), inputs, strict=True)
            )
            raise NonFiniteError(
                f"forward: {op.name}{_inside(trace_now.modules)} gave {bad}; its inputs: {shown}"
                + spoken(calling_line())
            )

    def backward(self, node: Any, gradient: Any, position: int) -> None:
        """Look at a gradient that a rule has computed."""
        array = gradient._array if isinstance(gradient, TensorBase) else gradient
        bad = _first_bad(array)
        if bad is None:
            return
        where = f" in module {node.where}" if node.where else ""
        target = f"its input {_names(node.op, len(node.inputs))[position]}"
        source = node.inputs[position][0]
        if isinstance(source, Leaf):
            leaf = source.tensor()
            if leaf is not None and leaf.name:
                target = f"parameter {leaf.name}"
        elif isinstance(source, Node):
            target += f" (the output of {source.op.name})"
        raise NonFiniteError(
            f"backward: the rule of {node.op.name}{where} gave {bad} as the gradient of {target} "
            f"{node.shapes[position]}; its forward inputs: {_kept(node)}{spoken(node.line)}"
        )


def _kept(node: Node) -> str:
    """Describe those inputs of the operation that its rules kept."""
    saved = node.saved or {}
    if node.op.kind == "call":
        return "not kept"
    values = [(n, saved[n]) for n in node.op.inputs if n in saved]
    flat = [(n, v) for n, value in values for v in (value if isinstance(value, tuple) else (value,))]
    return "; ".join(_describe(n, v) for n, v in flat) or "not kept"


def _names(op: Any, count: int) -> list[str]:
    return [f"{op.inputs[0]}[{i}]" for i in range(count)] if op.variadic else list(op.inputs)


def _inside(modules: tuple[str, ...]) -> str:
    return f" in module {modules[-1]}" if modules else ""


def _first_bad(array: Any) -> str | None:
    """Say which value is not finite and where the first one is."""
    if is_tracer(array) or getattr(array, "dtype", np.dtype(bool)).kind != "f":
        return None
    array = np.asarray(array)
    bad = ~np.isfinite(array)
    if not bad.any():
        return None
    where = [int(i) for i in np.argwhere(bad)[0]]
    place = f" at {where}" if where else ""
    many = f" ({int(bad.sum())} of {array.size} values are not finite)" if bad.sum() > 1 else ""
    return f"{array[tuple(where)]}{place}{many}"


def _describe(name: str, value: Any) -> str:
    label = value.name if isinstance(value, TensorBase) and value.name else name
    array = np.asarray(value._array if isinstance(value, TensorBase) else value)
    if array.size == 0 or array.dtype.kind not in "fiu":
        return f"{label} {array.shape}"
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    lost = array.size - finite.size
    text = f"{label} {array.shape}"
    if finite.size:
        text += f" from {finite.min():.4g} to {finite.max():.4g}"
    return text + (f", {lost} not finite" if lost else "")
