"""A network in a table: layers, shapes, parameters, memory and arithmetic, counted while it runs once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.creation import zeros
from gradwright.engine.from_data import as_tensor
from gradwright.engine.graph.kept import nodes_behind
from gradwright.engine.mode import enable_grad
from gradwright.engine.ops.einsum import products
from gradwright.engine.random import fork_rng
from gradwright.engine.tracing import trace_now
from gradwright.errors import ConfigError

if TYPE_CHECKING:
    from gradwright.nn.module import Module

__all__ = ["LayerSummary", "Summary", "summary_info"]


class LayerSummary(NamedTuple):
    """One module, its parts included."""

    path: str
    kind: str
    output_shape: Any  # a shape, or a nest of them; None when the module's forward did not run
    parameters: int
    trainable: int
    kept_bytes: int  # of activations that backward needs
    flops: int
    calls: int


class Summary(NamedTuple):
    """A network and one forward pass of it; ``str`` of it is the table."""

    layers: tuple[LayerSummary, ...]
    parameters: int
    trainable: int
    parameter_bytes: int
    buffer_bytes: int
    kept_bytes: int
    flops: int
    other_numbers: int

    def __str__(self) -> str:
        return _table(self)


def summary_info(model: Module, input: Any) -> Summary:
    """Run a network once on an example and count.

    Parameters
    ----------
    model : Module
        Runs in evaluation mode; its state and the random stream stay as they are.
    input : tuple of int, Tensor, array, or a tuple of those
        The shape of an input of zeros, batch axis included, or an example; several for a forward of several arguments.

    Returns
    -------
    Summary
        ``parameters`` counts a shared parameter once, ``trainable`` those that require gradients. ``kept_bytes`` are
        the distinct arrays that the recorded graph keeps for backward besides parameters, buffers and the input.
        ``flops`` counts matrix products and convolutions only, a multiplication and an addition as two, which is the
        convention of PyTorch's ``FlopCounterMode``; biases and all else come under ``other_numbers``: how many numbers
        the other operations computed. All is counted off the operations that run, so networks of one's own count too.

    Examples
    --------
    >>> from gradwright import nn
    >>> info = nn.summary_info(nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10)), (64, 784))
    >>> info.parameters, info.flops
    (25450, 3252224)
    >>> info.layers[1].path, info.layers[1].output_shape
    ('0', (64, 32))
    """
    arguments = _arguments(model, input)
    paths = dict(model.named_modules())
    model.name_parts()
    counter = _Counter()
    modes = [(module, module.training) for module in paths.values()]
    buffers = [(b, b._array) for b in model.buffers()]
    watcher, trace_now.watcher = trace_now.watcher, counter
    try:
        with fork_rng(), enable_grad():
            output = model.eval()(*arguments)
    finally:
        trace_now.watcher = watcher
        for module, training in modes:
            module.__dict__["training"] = training
        for buffer, array in buffers:
            buffer._set(array)
    kept = _kept(output, [*model.parameters(), *model.buffers(), *arguments])
    layers = []
    for path, module in paths.items():
        own = list(module.parameters())
        place = module.__dict__["_path"]
        inside = [p for p in paths if p == path or not path or p.startswith(path + ".")]
        layers.append(
            LayerSummary(
                path,
                type(module).__name__,
                counter.shapes.get(id(module)),
                sum(p.numel() for p in own),
                sum(p.numel() for p in own if p.requires_grad),
                sum(kept.get(paths[p].__dict__["_path"], 0) for p in inside),
                counter.flops.get(place, 0),
                counter.calls.get(id(module), 0),
            )
        )
    return Summary(
        tuple(layers),
        layers[0].parameters,
        layers[0].trainable,
        sum(p._array.nbytes for p in model.parameters()),
        sum(b._array.nbytes for b in model.buffers()),
        sum(kept.values()),
        layers[0].flops,
        counter.others,
    )


def _arguments(model: Module, input: Any) -> tuple[Any, ...]:
    if isinstance(input, TensorBase | np.ndarray):
        return (as_tensor(input),)
    if isinstance(input, tuple | list) and input:
        if all(type(n) is int for n in input):
            return (zeros(*input, dtype=_takes(model)),)
        return tuple(_arguments(model, part)[0] for part in input)
    raise ConfigError(
        "summary: expected the input's shape, batch axis included, as (1, 784), or an example, or a tuple of those; "
        f"got {input!r:.80}"
    )


def _takes(model: Module) -> Any:
    """Return the dtype of an example: indices where the first layer with parameters looks rows up."""
    for module in model.modules():
        for p in module._parameters.values():
            if p is not None:
                return np.dtype(np.int64) if hasattr(module, "num_embeddings") else p.dtype
    return None


def _shapes(output: Any) -> Any:
    if isinstance(output, TensorBase):
        return tuple(output._array.shape)
    if isinstance(output, tuple | list):
        return [_shapes(part) for part in output]
    if isinstance(output, dict):
        return {key: _shapes(part) for key, part in output.items()}
    return type(output).__name__


# --- arithmetic -------------------------------------------------------------------------------------------------------
def _size(value: Any) -> int:
    return math.prod(getattr(value, "_array", value).shape)


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(getattr(value, "_array", value).shape)


#: Multiplications, each with its addition, of the operations that are sums of products.
_PRODUCTS: dict[str, Callable[[tuple[Any, ...], Any, Mapping[str, Any]], int]] = {
    "matmul": lambda inputs, output, meta: _size(output) * _shape(inputs[0])[-1],
    "linear": lambda inputs, output, meta: _size(output) * _shape(inputs[0])[-1],
    "convolution": lambda inputs, output, meta: _size(output) * math.prod(_shape(inputs[1])[1:]),
    "convolution_input": lambda inputs, output, meta: _size(inputs[0]) * math.prod(_shape(inputs[1])[1:]),
    "einsum": lambda inputs, output, meta: products(tuple(map(_shape, inputs)), meta["subscripts"], meta["output"]),
}


class _Counter:
    """Watches operations and credits them to all modules that are running."""

    def __init__(self) -> None:
        self.flops: dict[str, int] = {}
        self.others = 0
        self.shapes: dict[int, Any] = {}
        self.calls: dict[int, int] = {}

    def module(self, module: Module, output: Any) -> None:
        self.shapes[id(module)] = _shapes(output)
        self.calls[id(module)] = self.calls.get(id(module), 0) + 1

    def forward(self, op: Any, inputs: tuple[Any, ...], output: Any) -> None:
        count = _PRODUCTS.get(op.name)
        if count is not None:
            flops = 2 * count(inputs, output, trace_now.meta)
            for place in dict.fromkeys(trace_now.modules):
                self.flops[place] = self.flops.get(place, 0) + flops
        elif op.view is None:
            self.others += sum(map(_size, output if isinstance(output, tuple) else (output,)))

    def backward(self, node: Any, gradient: Any, position: int) -> None:
        """Nothing runs backward here."""


# --- memory -----------------------------------------------------------------------------------------------------------
def _kept(output: Any, known: list[Any]) -> dict[str | None, int]:
    """Return the bytes of the arrays that the graph keeps, by the innermost module whose operation keeps them first."""
    seen = {id(_owner(t._array)) for t in known}
    found: dict[str | None, int] = {}
    for node in sorted({n.id: n for t in _tensors(output) for n in nodes_behind(t)}.values(), key=lambda n: n.id):
        for array in _arrays(node.saved or {}):
            owner = _owner(array)
            if id(owner) not in seen:
                seen.add(id(owner))
                found[node.where] = found.get(node.where, 0) + owner.nbytes
    return found


def _owner(array: Any) -> Any:
    """Return the array whose memory this one shows."""
    while isinstance(getattr(array, "base", None), np.ndarray):
        array = array.base
    return array


def _arrays(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, TensorBase):
        yield from _arrays(value._array)
    elif isinstance(value, tuple | list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _arrays(part)


def _tensors(value: Any) -> Iterator[TensorBase]:
    if isinstance(value, TensorBase):
        yield value
    elif isinstance(value, tuple | list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _tensors(part)


# --- text -------------------------------------------------------------------------------------------------------------
def _table(info: Summary) -> str:
    header = ("layer", "output", "parameters", "kept", "FLOPs")
    rows = [header]
    for layer in info.layers:
        depth = layer.path.count(".") + 1 if layer.path else 0
        name = layer.path.rpartition(".")[2]
        label = "  " * depth + (f"{name} ({layer.kind})" if name else layer.kind)
        times = f" ×{layer.calls}" if layer.calls > 1 else ""
        shape = "–" if layer.output_shape is None else str(layer.output_shape)
        frozen = " frozen" if layer.parameters and not layer.trainable else ""
        parameters = f"{layer.parameters:,}{frozen}" if layer.parameters else "–"
        kept = _bytes(layer.kept_bytes) if layer.kept_bytes else "–"
        rows.append((label + times, shape, parameters, kept, f"{layer.flops:,}" if layer.flops else "–"))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), row[1].ljust(widths[1]), *(row[i].rjust(widths[i]) for i in (2, 3, 4))])
        for row in rows
    ]
    lines.insert(1, "─" * len(lines[0]))
    lines.append("─" * len(lines[0]))
    frozen_count = info.parameters - info.trainable
    lines += [
        f"parameters: {info.parameters:,} ({info.trainable:,} trained, {frozen_count:,} frozen), "
        f"{_bytes(info.parameter_bytes)}; buffers: {_bytes(info.buffer_bytes)}",
        f"kept for backward: {_bytes(info.kept_bytes)} besides parameters and the input",
        f"FLOPs of a forward pass: {info.flops:,} in matrix products and convolutions (a multiplication and an "
        f"addition are two); other operations compute {info.other_numbers:,} numbers",
    ]
    return "\n".join(line.rstrip() for line in lines)


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError
