"""The storage under a Tensor and the graph it hangs in; no operations, so that operations can build on it."""

from __future__ import annotations

import itertools
import weakref
from typing import Any

import numpy as np

from gradwright.backend import is_tracer, to_numpy
from gradwright.engine.lines import calling_line
from gradwright.engine.tracing import trace_now

__all__ = ["Edge", "Leaf", "Node", "TensorBase", "next_id", "settle"]

# Numbers of creation order every node's inputs before it, so that one heap gives the reverse topological order.
next_id = itertools.count(1).__next__


class Node:
    """One recorded operation: an inner node of the computation graph.

    It refers to where its inputs came from and keeps only those arrays that the operation's rules ask for.
    """

    __slots__ = (
        "dtypes", "hooks", "id", "inputs", "line", "many", "meta", "op", "outputs", "retained", "saved", "shapes",
        "where",
    )  # fmt: skip

    def __init__(
        self,
        op: Any,
        inputs: tuple[Edge | None, ...],
        saved: dict[str, Any] | None,
        meta: dict[str, Any],
        shapes: tuple[tuple[int, ...], ...],
        dtypes: tuple[Any, ...],
        outputs: tuple[tuple[tuple[int, ...], Any], ...] = (),
        many: bool = False,
    ) -> None:
        self.id = next_id()
        self.op = op
        self.inputs = inputs
        self.saved = saved  # None once backward has freed it
        self.meta = meta
        self.shapes = shapes
        self.dtypes = dtypes
        self.outputs = outputs  # their shapes and dtypes
        self.many = many  # whether the operation gives a tuple
        self.line = calling_line(2)  # the user's code, and how far into it
        self.retained: list[tuple[int, weakref.ref[TensorBase]]] | None = None
        self.hooks: dict[int, tuple[int, Any]] | None = None  # (which output, function) by the order of registration
        self.where: str | None = None  # the module's path, when someone is looking

    def name(self) -> str:
        """Return the operation's name."""
        return str(self.op.name)

    @property
    def next_functions(self) -> tuple[tuple[Node | Leaf | None, int], ...]:
        """The nodes that its inputs came from, and which of their outputs; (None, 0) where no gradient goes."""
        return tuple([(None, 0) if edge is None else edge for edge in self.inputs])

    @property
    def metadata(self) -> dict[str, Any]:
        """What the operation was called with besides its inputs."""
        return self.meta

    def __repr__(self) -> str:
        shapes = ", ".join(str(shape) for shape, _ in self.outputs)
        return f"<{self.name()} -> {shapes}>"


class Leaf:
    """A tensor that the user made and that asks for a gradient: where the graph ends."""

    __slots__ = ("__weakref__", "after", "hooks", "id", "tensor")

    def __init__(self, tensor: TensorBase) -> None:
        self.id = 0
        self.tensor = weakref.ref(tensor)
        self.hooks: dict[int, tuple[int, Any]] | None = None
        self.after: dict[int, Any] | None = None  # functions that run when the tensor's `grad` has been added to

    def name(self) -> str:
        """Return what PyTorch calls such a node."""
        return "AccumulateGrad"

    @property
    def variable(self) -> TensorBase | None:
        """The tensor; None when nobody holds it any more."""
        return self.tensor()

    @property
    def next_functions(self) -> tuple[()]:
        """Nothing: the graph ends here."""
        return ()


Edge = tuple["Node | Leaf", int]  # the node, and which of its outputs


class TensorBase:
    """What every tensor stores."""

    __slots__ = ("__weakref__", "_array", "_base", "_grad", "_index", "_node", "_requires_grad", "_views", "name")

    def __init__(self, array: Any = (), node: Any = None, index: Any = 0, *more: Any) -> None:
        if type(array) is not np.ndarray and not hasattr(array, "dtype"):
            # `Tensor(2, 3)`, `Tensor([1, 2])`: PyTorch's constructors of old
            from gradwright.engine.from_data import constructed

            given = () if node is None else (node, *((index,) if index or more else ()), *more)
            array, node, index = constructed(array, given), None, 0
        self._array = array
        self._node = node
        self._index = index
        self._requires_grad = node is not None
        self._grad: Any = None
        self._base: Any = None  # a View: whose elements this tensor shows
        self._views: list[weakref.ref[TensorBase]] | None = None  # what shows this tensor's elements
        self.name: str | None = None

    def _edge(self) -> Edge | None:
        """Where a gradient for this tensor must go."""
        if not self._requires_grad:
            return None
        if self._node is None:
            self._node = Leaf(self)
        return (self._node, self._index)

    def _set(self, array: Any) -> None:
        """Put another array into this tensor, and into what shows it, outside the graph.

        The old array is left as it was, so a graph that still needs it stays right.
        """
        if type(array) is not np.ndarray and isinstance(array, np.generic):
            array = np.asarray(array)  # zero-dimensional results come as scalars
        trace = trace_now.trace
        if trace is not None:
            trace.check_write(self, array)
        self._array = array
        if self._base is not None or self._views is not None:
            from gradwright.engine.views import spread

            spread(self, recorded=False)


def settle(tensor: TensorBase) -> Any:
    """Return the tensor's array for an operation, bringing results of compiled steps back to NumPy.

    Compiled steps leave their results in device buffers that the next call donates. Eager operations run on NumPy,
    so the first one that meets such a buffer on the CPU copies it, once.
    """
    array = tensor._array
    if type(array) is np.ndarray or is_tracer(array) or trace_now.trace is not None:
        return array
    if next(iter(array.devices())).platform == "cpu":
        array = tensor._array = to_numpy(array)
    return array
