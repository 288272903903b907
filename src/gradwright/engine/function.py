"""Operations that users define: ``autograd.Function``, a forward and a backward side by side."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradwright.engine.base import Node, TensorBase
from gradwright.engine.mode import is_grad_enabled, mode, no_grad
from gradwright.engine.op import sum_to, wrap
from gradwright.engine.tracing import trace_now
from gradwright.errors import DTypeError, GraphError, ShapeError

__all__ = ["Function", "FunctionContext", "once_differentiable"]


class FunctionContext:
    """What forward tells backward; any attribute may be set on it too."""

    def __init__(self) -> None:
        self.needs_input_grad: tuple[bool, ...] = ()
        self._saved: tuple[Any, ...] | None = ()
        self._dirty: tuple[Any, ...] = ()
        self._without: tuple[Any, ...] = ()
        self._materialize = True

    def save_for_backward(self, *tensors: TensorBase | None) -> None:
        """Keep inputs or outputs for backward, where they come back as ``saved_tensors``."""
        for i, value in enumerate(tensors):
            if value is not None and not isinstance(value, TensorBase):
                raise DTypeError(
                    f"save_for_backward: argument {i} is a {type(value).__name__}; it keeps Tensors. "
                    "Set anything else as an attribute of ctx."
                )
        self._saved = tensors

    save_for_forward = save_for_backward

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What ``save_for_backward`` was given."""
        if self._saved is None:
            raise GraphError("saved_tensors are there in forward and while backward runs")
        return self._saved

    def mark_dirty(self, *tensors: TensorBase) -> None:
        """Say which inputs forward has changed in place; it must return them."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: TensorBase) -> None:
        """Say which outputs carry no gradient."""
        self._without = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Let backward be given None, instead of zeros, for an output that no gradient has reached."""
        self._materialize = value


class Function:
    """An operation of your own: subclass it, define ``forward`` and ``backward``, call ``apply``.

    ``forward(ctx, *args)`` computes on Tensors; nothing in it is recorded. ``backward(ctx, *gradients)`` is given the
    gradient of each output and returns one for each argument of forward, None where there is none. Made of
    differentiable operations, it can be differentiated again. Both run in compiled steps too. A static ``jvp(ctx,
    *tangents)`` serves forward mode. Instead of taking ``ctx`` in forward, define a static ``setup_context(ctx,
    inputs, output)``.

    Examples
    --------
    >>> import gradwright as gw
    >>> class Cube(gw.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return g * 3 * x * x
    >>> x = gw.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the output or a tuple of outputs."""
        raise TypeError("a Function defines a static method forward")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Return the gradient of each argument of forward."""
        raise TypeError("a Function defines a static method backward")

    jvp: Callable[..., Any] | None = None

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run forward, and record it when an argument asks for a gradient."""
        ctx = FunctionContext()
        ctx.needs_input_grad = tuple([isinstance(a, TensorBase) and a._requires_grad for a in args])
        asks = mode.grad and any(ctx.needs_input_grad)
        with no_grad():
            setup = getattr(cls, "setup_context", None)
            if setup is None:
                result = cls.forward(ctx, *args)
            else:
                result = cls.forward(*args)
                setup(ctx, args, result)
        many = isinstance(result, tuple | list)
        outputs = list(result) if many else [result]
        for i, out in enumerate(outputs):
            if out is not None and not isinstance(out, TensorBase) and not many:
                raise DTypeError(f"{cls.__name__}.forward returned a {type(out).__name__} as output {i}, not a Tensor")
        if asks:
            outputs = _record(cls, ctx, args, outputs)
        elif outputs:
            outputs = [
                wrap(o._array) if any(o is a for a in args) and not _among(o, ctx._dirty) else o for o in outputs
            ]
        return tuple(outputs) if many else outputs[0]


def _among(value: Any, values: Sequence[Any]) -> bool:
    return any(value is v for v in values)


def _record(cls: type[Function], ctx: FunctionContext, args: tuple[Any, ...], outputs: list[Any]) -> list[Any]:
    """Make the graph's node, and the outputs that hang on it."""
    tensors = [a if isinstance(a, TensorBase) else None for a in args]
    op = _FunctionOp(cls, ctx)
    node = Node(
        op,
        tuple([None if t is None else t._edge() for t in tensors]),
        op.keep(tensors, outputs),
        {},
        tuple([() if t is None else tuple(t._array.shape) for t in tensors]),
        tuple([None if t is None else t._array.dtype for t in tensors]),
    )
    if trace_now.modules:
        node.where = trace_now.modules[-1]
    node.many = True
    node.outputs = op.outputs = tuple(
        [(tuple(o._array.shape), o._array.dtype) if isinstance(o, TensorBase) else ((), None) for o in outputs]
    )
    op.dtypes, op.asking = node.dtypes, tuple([edge is not None for edge in node.inputs])
    hanging: list[Any] = []
    for k, out in enumerate(outputs):
        if not isinstance(out, TensorBase):
            hanging.append(out)
        elif _among(out, ctx._dirty):
            if out._requires_grad and not isinstance(out._node, Node):
                raise GraphError(f"{cls.__name__}: a leaf that requires grad cannot be changed in place (mark_dirty)")
            out._node, out._index, out._requires_grad = node, k, True
            hanging.append(out)
        elif _among(out, ctx._without) or out._array.dtype.kind not in "fV":
            hanging.append(wrap(out._array) if _among(out, args) else out)
        else:
            hanging.append(wrap(out._array, node, k))
    ctx._without, ctx._dirty = (), ()
    return hanging


class _FunctionOp:
    """A Function in the place of an operation: its one rule of each mode runs the user's."""

    kind = "function"
    lowers = False  # its operations decide for themselves
    inputs = ("args",)
    shape_names = ("args_shapes",)
    variadic = True

    def __init__(self, cls: type[Function], ctx: FunctionContext) -> None:
        self.cls = cls
        self.ctx = ctx
        self.name = f"{cls.__name__}Backward"
        self.vjps = (self._reverse,)
        self.jvps = (self._ahead,)
        self.places: list[tuple[str, int] | None] = []  # where each saved tensor lies among what the node keeps
        self.outputs: tuple[Any, ...] = ()
        self.dtypes: tuple[Any, ...] = ()
        self.asking: tuple[bool, ...] = ()

    def keep(self, args: list[Any], outputs: list[Any]) -> dict[str, Any]:
        """Return what the node keeps: of arguments and outputs those that were saved, and whatever else was."""
        kept: dict[str, list[Any]] = {"args": [None] * len(args), "ans": [None] * len(outputs), "others": []}
        for value in self.ctx._saved or ():
            if value is None:
                self.places.append(None)
                continue
            for name, among in (("args", args), ("ans", outputs)):
                found = [i for i, v in enumerate(among) if v is value]
                if found and not (name == "ans" and _among(value, self.ctx._without)):
                    break
            else:
                name, found = "others", [len(kept["others"])]
                kept["others"].append(None)
            kept[name][found[0]] = value._array
            self.places.append((name, found[0]))
        self.ctx._saved = None
        return {name: tuple(values) for name, values in kept.items()}

    def _with_saved(self, values: dict[str, Any], function: Callable[..., Any], given: Sequence[Any]) -> list[Any]:
        """Call the user's function with what was saved in its place; outside, the graph alone keeps it."""
        found = [None if place is None else values[place[0]][place[1]] for place in self.places]
        before = self.ctx._saved
        self.ctx._saved = tuple([v if v is None or isinstance(v, TensorBase) else wrap(v) for v in found])
        try:
            returned = function(self.ctx, *given)
        finally:
            self.ctx._saved = before
        return list(returned) if isinstance(returned, tuple | list) else [returned]

    def _reverse(self, values: dict[str, Any]) -> Any:
        """Return the gradient of argument ``i``; the user's backward runs once, for the first that is asked for."""
        if "all" not in values:
            values["all"] = self._run(values)
        return values["all"][values["i"]]

    def _run(self, values: dict[str, Any]) -> list[Any]:
        given = []
        for g, (shape, dtype) in zip(values["g"], self.outputs, strict=True):
            if g is None and self.ctx._materialize and dtype is not None:
                g = np.zeros(shape, dtype)
            given.append(g if g is None or isinstance(g, TensorBase) else wrap(g))
        found = self._with_saved(values, self.cls.backward, given)
        expected = len(self.dtypes)
        if len(found) > expected and all(g is None for g in found[expected:]):
            found = found[:expected]
        where = f"{self.cls.__name__}.backward"
        if len(found) != expected:
            raise GraphError(
                f"{where} returned {len(found)} gradients, but forward took {expected} arguments: return one for "
                "each, None where there is none"
            )
        return [self._checked(where, i, g, values["args_shapes"][i]) for i, g in enumerate(found)]

    def _checked(self, where: str, i: int, g: Any, shape: tuple[int, ...]) -> Any:
        if g is None:
            return None
        if self.dtypes[i] is None:
            raise GraphError(f"{where} returned a gradient for argument {i}, which is no Tensor: return None there")
        if not self.asking[i]:
            return None
        if not isinstance(g, TensorBase):
            raise DTypeError(f"{where} returned a {type(g).__name__} as gradient of argument {i}, not a Tensor")
        found = tuple(g._array.shape)
        if found != shape:
            try:
                fits = np.broadcast_shapes(found, shape) == found
            except ValueError:
                fits = False
            if not fits:
                raise ShapeError(f"{where} returned a gradient of shape {found} for argument {i} of shape {shape}")
            g = sum_to(g, shape)  # as PyTorch does
        return g if is_grad_enabled() else g._array

    def _ahead(self, values: dict[str, Any]) -> Any:
        rule = self.cls.jvp
        if rule is None:
            raise GraphError(f"{self.cls.__name__} defines no static jvp, which forward mode needs")
        return tuple(self._with_saved(values, rule, values["ts"]))


class _Refused(Function):
    """Pass values on; differentiating them is the error."""

    @staticmethod
    def forward(ctx: Any, where: str, count: int, *values: Any) -> Any:
        ctx.where = where
        return tuple([None if v is None else wrap(v._array) for v in values[:count]])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise GraphError(f"{ctx.where} is marked once_differentiable: its result cannot be differentiated again")


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a backward that is not made of differentiable operations, so that a second derivative is refused."""

    @functools.wraps(function)
    def backward(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            returned = function(ctx, *gradients)
        if not is_grad_enabled():
            return returned
        found = list(returned) if isinstance(returned, tuple | list) else [returned]
        depends = [t for t in (*gradients, *ctx.saved_tensors) if isinstance(t, TensorBase) and t._requires_grad]
        where = getattr(inspect.unwrap(function), "__qualname__", "backward")
        return _Refused.apply(where, len(found), *found, *depends)

    return backward
