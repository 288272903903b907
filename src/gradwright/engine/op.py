"""Operations: a forward function, and its reverse-mode and forward-mode rules beside it.

Three kinds, three constructors:

* :func:`elementwise`: give the local derivative; both rules follow (downstream = upstream × local).
* :func:`linear`: give the transpose for each input; forward mode is the operation itself.
* :func:`general`: give both.

A rule's parameter names say what it needs and therefore what the graph keeps: ``g`` the upstream gradient (``t`` the
tangent in a forward rule), ``ans`` the output, the forward function's own names for its inputs, ``x_shape`` for
the shape of input ``x``, and the names of the metadata. Rules are made of these very operations: on plain arrays they
compute, on Tensors they are recorded, and then derivatives of derivatives work.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradwright.backend import namespace, promote
from gradwright.engine.base import Node, TensorBase, settle
from gradwright.engine.lines import calling_line
from gradwright.engine.mode import mode
from gradwright.engine.tracing import trace_now
from gradwright.errors import GradwrightError, ShapeError

__all__ = [
    "OPERATIONS",
    "Op",
    "elementwise",
    "general",
    "linear",
    "nondifferentiable",
    "retain",
    "set_tensor_class",
    "sum_to",
    "wrap",
]

Rule = Callable[..., Any]

#: Every operation by name; the test battery has a row for each, and a row without an operation fails.
OPERATIONS: dict[str, Op] = {}


class _PlannedRule:
    """A rule with its parameter names resolved, so that calling it needs no introspection."""

    __slots__ = ("function", "keeps", "names")

    def __init__(self, function: Rule, inputs: Sequence[str], op: str) -> None:
        self.function = function
        self.names = tuple(inspect.signature(function).parameters)
        self.keeps = tuple(n for n in self.names if n in inputs or n == "ans")
        for name in self.names:
            if name.endswith("_shape") and name.removesuffix("_shape") not in inputs:
                raise TypeError(f"rule of {op}: {name} names no input; the inputs are {', '.join(inputs)}")

    def __call__(self, values: dict[str, Any]) -> Any:
        return self.function(*[values[name] for name in self.names])


class Op:
    """One differentiable operation; calling it computes and, when a gradient is asked for, records.

    Called with no Tensor at all it returns plain arrays: this is how rules run without being recorded.
    """

    __slots__ = (
        "defaults",
        "floating",
        "forward",
        "inputs",
        "jvps",
        "kind",
        "local",
        "name",
        "promotes",
        "vjps",
    )

    def __init__(
        self,
        name: str,
        kind: str,
        forward: Callable[..., Any],
        vjps: Sequence[Rule | None],
        jvps: Sequence[Rule | None],
        *,
        promotes: bool,
        floating: bool,
    ) -> None:
        parameters = list(inspect.signature(forward).parameters.values())[1:]
        self.inputs = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        if len(vjps) != len(self.inputs) or len(jvps) != len(self.inputs):
            raise TypeError(f"{name} has inputs {self.inputs} but {len(vjps)} reverse and {len(jvps)} forward rules")
        self.defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}
        self.name = name
        self.kind = kind
        self.forward = forward
        self.vjps = tuple(r and _PlannedRule(r, self.inputs, name) for r in vjps)
        self.jvps = tuple(r and _PlannedRule(r, self.inputs, name) for r in jvps)
        self.promotes = promotes
        self.floating = floating
        OPERATIONS[name] = self

    def __repr__(self) -> str:
        return f"<operation {self.name}({', '.join(self.inputs)})>"

    def __call__(self, *inputs: Any, **meta: Any) -> Any:
        for value in inputs:
            if isinstance(value, TensorBase):
                return self._on_tensors(inputs, meta)
        # plain arrays: a rule is running, and the one who runs it has seen to NumPy's warnings
        return self._compute(list(inputs), meta)

    def _on_tensors(self, inputs: tuple[Any, ...], meta: dict[str, Any]) -> Any:
        arrays: list[Any] = []
        recorded = False
        tracing = trace_now.trace
        for value in inputs:
            if isinstance(value, TensorBase):
                array = value._array
                if type(array) is not np.ndarray:
                    array = settle(value)
                if value._requires_grad:
                    recorded = True
                if tracing is not None:
                    tracing.check_read(value)
            else:
                # a NumPy scalar beside a Tensor counts as a Python number
                array = value.item() if isinstance(value, np.generic) else value
            arrays.append(array)
        if tracing is None:
            with np.errstate(all="ignore"):  # infinities and NaN are values, as in PyTorch; the doctor finds them
                ans = self._compute(arrays, meta)
        else:
            ans = self._compute(arrays, meta)
        if trace_now.watcher is not None:
            trace_now.watcher.forward(self, inputs, ans)
        if recorded and mode.grad:
            return self._record(inputs, arrays, ans, meta)
        if isinstance(ans, tuple):
            return tuple(wrap(a, None, 0) for a in ans)
        return wrap(ans, None, 0)

    def _compute(self, arrays: list[Any], meta: dict[str, Any]) -> Any:
        """Run the forward function, after promotion; ``arrays`` then holds what it ran on."""
        if self.promotes and len(arrays) > 1:
            arrays[:] = promote(arrays)
        if self.floating:
            arrays[:] = [_to_float(a) for a in arrays]
        try:
            return self.forward(namespace(arrays), *arrays, **meta)
        except (ValueError, TypeError) as error:
            explained = _explain(self, arrays, error)
            if explained is error:
                raise
            raise explained from None

    def _record(self, inputs: tuple[Any, ...], arrays: list[Any], ans: Any, meta: dict[str, Any]) -> Any:
        edges = []
        kept: tuple[str, ...] = ()
        for rule, value in zip(self.vjps, inputs, strict=True):
            edge = value._edge() if rule is not None and isinstance(value, TensorBase) else None
            edges.append(edge)
            if edge is not None and rule is not None:
                kept += rule.keeps
        if not any(edges):
            return tuple(wrap(a, None, 0) for a in ans) if isinstance(ans, tuple) else wrap(ans, None, 0)
        if mode.keep_all:
            kept = (*self.inputs, "ans")
        saved = {name: ans if name == "ans" else arrays[self.inputs.index(name)] for name in kept}
        node = Node(
            self,
            tuple(edges),
            saved,
            {**self.defaults, **meta},
            tuple([getattr(a, "shape", ()) for a in arrays]),
            # the inputs' own dtypes, before promotion: gradients go back in them
            tuple([v._array.dtype if isinstance(v, TensorBase) else None for v in inputs]),
        )
        node.line = calling_line()
        if trace_now.modules:
            node.where = trace_now.modules[-1]
        if isinstance(ans, tuple):
            node.outputs = tuple((np.shape(a), a.dtype) for a in ans)
            return tuple(wrap(a, node, i) for i, a in enumerate(ans))
        node.outputs = ((ans.shape, ans.dtype),)
        return wrap(ans, node, 0)


_tensor_class: type[TensorBase] = TensorBase


def set_tensor_class(cls: type[TensorBase]) -> None:
    """Say what results are wrapped in; called once, by the module that defines Tensor."""
    global _tensor_class
    _tensor_class = cls


def wrap(array: Any, node: Node | None = None, index: int = 0) -> Any:
    """Make a Tensor of an array: output ``index`` of ``node``."""
    if isinstance(array, np.generic):  # NumPy turns zero-dimensional results into scalars
        array = np.asarray(array)
    if node is not None and array.dtype.kind not in "fVc":
        node = None  # indices and masks carry no gradient
    return _tensor_class(array, node, index)


def _to_float(array: Any) -> Any:
    """PyTorch's floating operations turn integers into the default float; NumPy's would turn them into float64."""
    dtype = getattr(array, "dtype", None)
    return array.astype(np.float32) if dtype is not None and dtype.kind in "iub" else array


def _explain(op: Op, arrays: list[Any], error: Exception) -> Exception:
    """Turn the array library's complaint about shapes into one that names the operation and all shapes."""
    if isinstance(error, GradwrightError):
        return error
    shapes = [getattr(a, "shape", ()) for a in arrays]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        found = " and ".join(f"{name} {shape}" for name, shape in zip(op.inputs, shapes, strict=True))
        return ShapeError(f"{op.name}: shapes do not fit together: {found}")
    return error


def sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """Add up a gradient over the axes along which its input was broadcast: the transpose of broadcasting."""
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(i + extra for i, n in enumerate(shape) if n == 1 and g.shape[i + extra] != 1)
    if axes:
        g = OPERATIONS["sum"](g, axis=axes, keepdims=True)
    return g if g.shape == shape else OPERATIONS["reshape"](g, shape=shape)


def elementwise(name: str, forward: Callable[..., Any], *local: Rule | float | None, floating: bool = False) -> Op:
    """Define an operation that works on each element by itself.

    Parameters
    ----------
    name : str
        PyTorch's name.
    forward : callable ``(xp, x, y, …, *, metadata)``
        What it computes, on the array namespace ``xp``.
    *local
        For each input the local derivative d ans / d input, as a rule or a constant; None where there is none.
    floating : bool
        Whether integer inputs become floats.
    """

    def names_of(rule: Rule) -> list[str]:
        return list(inspect.signature(rule).parameters)

    inputs = [p.name for p in list(inspect.signature(forward).parameters.values())[1:] if p.kind is not p.KEYWORD_ONLY]

    def reverse(rule: Rule | float | None, x: str) -> Rule | None:
        if rule is None:
            return None
        shape = f"{x}_shape"
        if not callable(rule):
            one = rule == 1
            return _named(["g", shape], lambda g, s: sum_to(g if one else g * rule, s))
        return _named(["g", shape, *names_of(rule)], lambda g, s, *a: sum_to(g * rule(*a), s))

    def ahead(rule: Rule | float | None) -> Rule | None:
        if rule is None:
            return None
        if not callable(rule):
            return _named(["t"], lambda t: t * rule)
        return _named(["t", *names_of(rule)], lambda t, *a: t * rule(*a))

    return Op(
        name,
        "elementwise",
        forward,
        [reverse(rule, x) for rule, x in zip(local, inputs, strict=True)],
        [ahead(rule) for rule in local],
        promotes=True,
        floating=floating,
    )


def linear(name: str, forward: Callable[..., Any], *transpose: Rule | None, promotes: bool = False) -> Op:
    """Define an operation that is linear in each of its inputs.

    Parameters
    ----------
    transpose
        For each input the rule that takes ``g`` back to it. Forward mode is the operation itself with the tangent in
        the input's place.
    """
    parameters = list(inspect.signature(forward).parameters.values())[1:]
    inputs = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
    meta = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]

    def ahead(position: int) -> Rule:
        others = [n for i, n in enumerate(inputs) if i != position]

        def rule(t: Any, *values: Any) -> Any:
            arrays = list(values[: len(others)])
            arrays.insert(position, t)
            return OPERATIONS[name](*arrays, **dict(zip(meta, values[len(others) :], strict=True)))

        return _named(["t", *others, *meta], rule)

    jvps = [ahead(i) if r is not None else None for i, r in enumerate(transpose)]
    return Op(name, "linear", forward, transpose, jvps, promotes=promotes, floating=False)


def general(
    name: str,
    forward: Callable[..., Any],
    *,
    vjp: Sequence[Rule | None],
    jvp: Sequence[Rule | None],
    floating: bool = False,
    promotes: bool = False,
) -> Op:
    """Define an operation by both its rules, one of each for every input."""
    return Op(name, "general", forward, vjp, jvp, promotes=promotes, floating=floating)


def nondifferentiable(name: str, forward: Callable[..., Any], *, promotes: bool = False) -> Op:
    """Define an operation through which no gradient flows: comparisons, indices."""
    n = sum(p.kind is not p.KEYWORD_ONLY for p in list(inspect.signature(forward).parameters.values())[1:])
    return Op(name, "nondifferentiable", forward, [None] * n, [None] * n, promotes=promotes, floating=False)


def _named(names: list[str], function: Callable[..., Any]) -> Rule:
    """Give a positional function parameter names, which is how rules say what they need."""
    unique = list(dict.fromkeys(names))
    if unique != names:
        positions = [unique.index(n) for n in names]
        inner = function

        def function(*values: Any) -> Any:
            return inner(*[values[i] for i in positions])

    def rule(*values: Any) -> Any:
        return function(*values)

    rule.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(n, inspect.Parameter.POSITIONAL_ONLY) for n in unique]
    )
    return rule


def retain(tensor: TensorBase) -> None:
    """Ask backward to leave the gradient of an inner node's tensor in its ``grad``."""
    node = tensor._node
    if isinstance(node, Node):
        kept = node.retained or []
        if not any(reference() is tensor for _, reference in kept):
            node.retained = [*kept, (tensor._index, weakref.ref(tensor))]
