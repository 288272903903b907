"""Calls with rules of their own: how a function that is no operation takes one node in the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradwright.engine.base import Node, TensorBase
from gradwright.engine.mode import mode
from gradwright.engine.op import wrap

__all__ = ["Call", "record_call"]

Reverse = Callable[[tuple[Any, ...]], Sequence[Any]]
Ahead = Callable[[tuple[Any, ...]], Any]


class Call:
    """What a node of such a call has in an operation's place; the rules lie in what the node saved, to be freed."""

    __slots__ = ("name",)

    kind = "call"
    lowers = False  # what it calls decides for itself
    variadic = True
    inputs = ("xs",)
    shape_names = ("xs_shapes",)

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def jvps(self) -> tuple[Callable[[dict[str, Any]], Any]]:
        """The forward rule, in an operation's form."""
        return (lambda values: values["jvp"](values["ts"]),)


def record_call(name: str, inputs: Sequence[TensorBase], output: Any, reverse: Reverse, ahead: Ahead) -> Any:
    """Return Tensors of ``output`` that hang in the graph by one node.

    Parameters
    ----------
    name : str
        What the node is called.
    inputs : sequence of Tensor
        What the output depends on.
    output : array or tuple of arrays
        What was computed, outside the graph.
    reverse : callable
        From the tuple of upstream gradients (Tensors; None where nothing arrived) to one gradient for each input, or
        None. What it does is recorded when the derivative is to be differentiated again.
    ahead : callable
        From the tuple of the inputs' tangents (Tensors or None) to the output's tangent, a tuple if the output is one.
    """
    arrays = output if isinstance(output, tuple) else (output,)
    if not (mode.grad and any(x._requires_grad for x in inputs)):
        wrapped = tuple(wrap(a) for a in arrays)
        return wrapped if isinstance(output, tuple) else wrapped[0]
    node = Node(
        Call(name),
        tuple(x._edge() for x in inputs),
        {"vjp": reverse, "jvp": ahead},
        {},
        tuple(tuple(x._array.shape) for x in inputs),
        tuple(x._array.dtype for x in inputs),
        tuple((np.shape(a), a.dtype) for a in arrays),
        isinstance(output, tuple),
    )
    wrapped = tuple(wrap(a, node, k) for k, a in enumerate(arrays))
    return wrapped if node.many else wrapped[0]
