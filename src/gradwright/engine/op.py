"""Operations: a forward function, and its reverse-mode and forward-mode rules beside it.

Three kinds, three constructors:

* :func:`elementwise`: give the local derivative; both rules follow (downstream = upstream × local).
* :func:`linear`: give the transpose for each input; forward mode is the operation itself.
* :func:`general`: give both.

A rule's parameter names say what it needs and therefore what the graph keeps: ``g`` the upstream gradient (``t`` the
tangent in a forward rule), ``ans`` the output, the forward function's own names for its inputs, ``x_shape`` for
the shape of input ``x``, and the names of the metadata. Rules are made of these very operations: on plain arrays they
compute, on Tensors they are recorded, and then derivatives of derivatives work.

An operation of any number of inputs takes ``*xs`` and has one rule of each mode: reverse is asked for each input ``i``
by itself, forward once, with the tuple ``ts`` of tangents. Where an operation has several outputs, ``ans`` and ``g``
are tuples. Both kinds of tuple hold None where nothing arrived.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from gradwright.backend import jax_modules, namespace, promote
from gradwright.backend.dtypes import agreed, get_default_dtype
from gradwright.engine.base import Node, TensorBase, settle
from gradwright.engine.mode import mode
from gradwright.engine.parameters import name_parameters, parameters_of
from gradwright.engine.tracing import trace_now
from gradwright.errors import ConfigError, DTypeError, GradwrightError, ShapeError

__all__ = [
    "OPERATIONS",
    "Op",
    "elementwise",
    "general",
    "linear",
    "lowered",
    "nondifferentiable",
    "retain",
    "set_tensor_class",
    "set_track",
    "shows",
    "sum_to",
    "wrap",
]

Rule = Callable[..., Any]

#: What array libraries would turn into arrays, or into numbers that no Tensor holds, in silence.
_FOREIGN = (list, tuple, str, bytes, complex)

#: Every operation by name; the test battery has a row for each, and a row without an operation fails.
OPERATIONS: dict[str, Op] = {}


class _PlannedRule:
    """A rule with its parameter names resolved, so that calling it needs no introspection."""

    __slots__ = ("function", "keeps", "names", "places")

    def __init__(self, function: Rule, known: set[str], op: Op) -> None:
        self.function = function
        self.names = parameters_of(function).names
        self.keeps = tuple(n for n in self.names if n in op.inputs or n == "ans")
        unknown = [n for n in self.names if n not in known]
        if unknown:
            raise TypeError(
                f"rule of {op.name}: nothing is called {', '.join(unknown)}; there are {', '.join(sorted(known))}"
            )
        self.places = [self._place(n, op) for n in self.names]

    def _place(self, name: str, op: Op) -> tuple[str | None, Any]:
        """Say which of a node's attributes holds a value, and under which key; None for what comes from outside."""
        if name in ("g", "t", "i", "ts"):
            return None, name
        if name in self.keeps:
            return "saved", name
        return ("shapes", op.shape_names.index(name)) if name in op.shape_names else ("meta", name)

    def __call__(self, values: dict[str, Any]) -> Any:
        return self.function(*[values[name] for name in self.names])

    def on(self, node: Node, g: Any) -> Any:
        """Call a reverse rule of an operation that is not variadic on plain arrays: what most backward passes do."""
        given = []
        for holder, key in self.places:
            given.append(g if holder is None else getattr(node, holder)[key])
        return self.function(*given)


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
        "lowers",
        "name",
        "plans",
        "promotes",
        "recorded",
        "shape_names",
        "variadic",
        "view",
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
        parameters = parameters_of(forward)
        self.inputs = parameters.positional[1:]  # after `xp`
        self.variadic = parameters.variadic
        if self.variadic and len(self.inputs) > 1:
            raise TypeError(f"{name}: an operation of any number of inputs has no others")
        if len(vjps) != len(self.inputs) or len(jvps) != len(self.inputs):
            raise TypeError(f"{name} has inputs {self.inputs} but {len(vjps)} reverse and {len(jvps)} forward rules")
        self.defaults = parameters.defaults
        self.name = name
        self.view: Callable[[dict[str, Any]], bool] | None = None  # whether its results show the first input's elements
        self.lowers = False  # whether autocast computes it in a lower precision
        self.recorded: Callable[[Node], None] | None = None  # who looks at the nodes of its calls
        self.kind = kind
        self.forward = forward
        self.shape_names = tuple(f"{x}_shapes" if self.variadic else f"{x}_shape" for x in self.inputs)
        common = {"ans", *self.inputs, *self.shape_names, *parameters.keyword}
        reverse = common | {"g", "i"} if self.variadic else common | {"g"}
        ahead = common | {"ts"} if self.variadic else common | {"t"}
        self.vjps = tuple(r and _PlannedRule(r, reverse, self) for r in vjps)
        self.jvps = tuple(r and _PlannedRule(r, ahead, self) for r in jvps)
        self.plans: dict[int, tuple[tuple[str, int], ...] | None] = {}
        self.promotes = promotes
        self.floating = floating
        before = OPERATIONS.get(name)
        if before is not None and _is_ours(before.forward) and not _is_ours(forward):
            raise ConfigError(f"an operation called {name!r} is part of the library, whose rules use it; name it anew")
        OPERATIONS[name] = self

    def __repr__(self) -> str:
        return f"<operation {self.name}({', '.join(self.inputs)})>"

    def __call__(self, *inputs: Any, **meta: Any) -> Any:
        for value in inputs:
            if isinstance(value, TensorBase):
                break
        else:  # plain arrays: a rule is running, and the one who runs it has seen to NumPy's warnings
            return self._compute(list(inputs), meta)
        arrays: list[Any] = []
        asking = 0  # a bit for each input that asks for a gradient
        tracing = trace_now.trace
        for i, value in enumerate(inputs):
            if isinstance(value, TensorBase):
                array = value._array
                if type(array) is not ndarray:
                    array = settle(value)
                if value._requires_grad:
                    asking |= 1 << i
                if tracing is not None:
                    tracing.check_read(value)
            else:
                if isinstance(value, _FOREIGN):
                    raise DTypeError(f"{self.name}: expected a Tensor or a number, got {type(value).__name__}")
                # a NumPy scalar beside a Tensor counts as a Python number
                array = value.item() if isinstance(value, np.generic) else value
            arrays.append(array)
        if self.lowers and mode.autocast is not None:
            # as promotion, so gradients go back in the inputs' own dtypes
            arrays = [_in_lower(a, mode.autocast) for a in arrays]
        # infinities and NaN are values, as in PyTorch; the doctor finds them
        ans = mode.quietly(self._compute, arrays, meta) if tracing is None else self._compute(arrays, meta)
        if trace_now.watcher is not None:
            trace_now.meta = meta
            trace_now.watcher.forward(self, inputs, ans)
        node = self._record(inputs, arrays, ans, meta, asking) if asking and mode.grad else None
        many = type(ans) is tuple
        outputs = tuple([wrap(a, node, i) for i, a in enumerate(ans)]) if many else wrap(ans, node, 0)
        if self.view is not None and self.view(meta) and isinstance(inputs[0], TensorBase):
            _track(self, inputs[0], outputs if many else (outputs,), meta)
        return outputs

    def _compute(self, arrays: list[Any], meta: dict[str, Any]) -> Any:
        """Run the forward function, after promotion; ``arrays`` then holds what it ran on."""
        common = agreed(arrays)
        if common is None and self.promotes and len(arrays) > 1:
            arrays[:] = promote(arrays)
        if common is not _SINGLE and (common is None or common.kind != "f"):
            if self.floating:
                for i, array in enumerate(arrays):
                    dtype = getattr(array, "dtype", None)
                    if dtype is not None and dtype.kind in "iub":
                        # PyTorch's floating operations turn integers into the default float; NumPy's into float64
                        arrays[i] = array.astype(get_default_dtype())
            if self.view is None and _all_half(arrays) and not (self.lowers and _on_accelerator(arrays)):
                return self._through_float32(arrays, meta)
        try:
            return self.forward(np if common is not None else namespace(arrays), *arrays, **meta)
        except OverflowError:  # a Python number outside the range of a small integer dtype wraps, as in PyTorch
            wrapped = _wrap_numbers(arrays)
            if wrapped is None:
                raise
            return self.forward(namespace(wrapped), *wrapped, **meta)
        except (ValueError, TypeError) as error:
            explained = _explain(self, arrays, error)
            if explained is error:
                raise
            raise explained from None

    def _through_float32(self, arrays: list[Any], meta: dict[str, Any]) -> Any:
        """Compute what came in bfloat16 in float32 and round the result, as PyTorch's kernels do.

        NumPy has few functions of it, and sums in it lose their digits. Accelerators have products of their own.
        """
        half = next(a.dtype for a in arrays if getattr(a, "dtype", _BOOL).kind == "V")
        ans = self._compute([a.astype(_SINGLE) if getattr(a, "dtype", _BOOL).kind == "V" else a for a in arrays], meta)
        if self.name == "cast":
            return ans
        if type(ans) is tuple:
            return tuple([a.astype(half) if a.dtype == _SINGLE else a for a in ans])
        return ans.astype(half) if ans.dtype == _SINGLE else ans

    def _record(
        self, inputs: tuple[Any, ...], arrays: list[Any], ans: Any, meta: dict[str, Any], asking: int
    ) -> Node | None:
        """Make the graph's node of this call, or None when none of the inputs that ask can have a gradient."""
        plan = self.plans.get(asking, ...)
        if plan is ... or mode.keep_all:
            plan = self._plan(asking, len(inputs))
        if plan is None:
            return None
        edges: list[Any] = []
        shapes, dtypes = [], []
        rules = self.vjps * len(inputs) if self.variadic else self.vjps
        for i, value in enumerate(inputs):
            shapes.append(getattr(arrays[i], "shape", ()))
            if asking >> i & 1 and rules[i] is not None:
                edges.append(value._edge())
                # the input's own dtype, before promotion: gradients go back in it
                dtypes.append(value._array.dtype)
            else:
                edges.append(None)
                dtypes.append(None)
        kept = tuple(arrays) if self.variadic else None
        saved = {}
        for name, i in plan:
            saved[name] = ans if i < 0 else kept or arrays[i]
        many = type(ans) is tuple
        outputs = tuple([(np.shape(a), a.dtype) for a in ans]) if many else ((ans.shape, ans.dtype),)
        meta = {**self.defaults, **meta} if meta else self.defaults
        node = Node(self, tuple(edges), saved, meta, tuple(shapes), tuple(dtypes), outputs, many)
        if trace_now.modules:
            node.where = trace_now.modules[-1]
        if self.recorded is not None:
            self.recorded(node)
        return node

    def _plan(self, asking: int, count: int) -> tuple[tuple[str, int], ...] | None:
        """Say what a call keeps when these inputs ask for a gradient: names, and positions (-1 is the output)."""
        rules = self.vjps * count if self.variadic else self.vjps
        live = [r for i, r in enumerate(rules) if r is not None and asking >> i & 1]
        names = dict.fromkeys(name for rule in live for name in rule.keeps)
        if mode.keep_all:
            names = dict.fromkeys((*self.inputs, "ans"))
        plan = tuple((n, -1 if n == "ans" else self.inputs.index(n)) for n in names) if live else None
        if not mode.keep_all and not self.variadic:
            self.plans[asking] = plan
        return plan


_SINGLE, _BOOL = np.dtype(np.float32), np.dtype(np.bool_)


def _in_lower(array: Any, dtype: np.dtype) -> Any:
    """Return floats in a lower precision, but not float64, which somebody chose."""
    return array.astype(dtype) if getattr(array, "dtype", _BOOL).kind in "fV" and array.dtype.itemsize < 8 else array


def _all_half(arrays: list[Any]) -> bool:
    """Say whether the floats among arrays are all bfloat16, and there are some."""
    kinds = {a.dtype.kind for a in arrays if hasattr(a, "dtype")}
    return "V" in kinds and "f" not in kinds


def _on_accelerator(arrays: list[Any]) -> bool:
    return namespace(arrays) is not np and jax_modules().jax.default_backend() != "cpu"


def _is_ours(forward: Callable[..., Any]) -> bool:
    return (forward.__module__ or "").startswith("gradwright.")


_tensor_class: type[TensorBase] = TensorBase
_track: Callable[..., None]


def set_tensor_class(cls: type[TensorBase]) -> None:
    """Say what results are wrapped in; called once, by the module that defines Tensor."""
    global _tensor_class
    _tensor_class = cls


def set_track(track: Callable[[Op, TensorBase, tuple[TensorBase, ...], dict[str, Any]], None]) -> None:
    """Say who notes that results show an input's elements; called once, by the module of views."""
    global _track
    _track = track


def wrap(array: Any, node: Node | None = None, index: int = 0) -> Any:
    """Make a Tensor of an array: output ``index`` of ``node``."""
    if type(array) is not ndarray and isinstance(array, np.generic):  # zero-dimensional results come as scalars
        array = np.asarray(array)
    if node is not None and array.dtype.kind not in "fVc":
        node = None  # indices and masks carry no gradient
    return _tensor_class(array, node, index)


def _wrap_numbers(arrays: list[Any]) -> list[Any] | None:
    """Return the arrays with Python numbers cut down to the bits of the arrays' integer dtype, if they have one."""
    dtype = next((a.dtype for a in arrays if getattr(a, "dtype", np.dtype(bool)).kind in "iu"), None)
    if dtype is None:
        return None
    mask = (1 << 8 * dtype.itemsize) - 1
    return [np.array(a & mask, np.uint64).astype(dtype)[()] if type(a) is int else a for a in arrays]


def _explain(op: Op, arrays: list[Any], error: Exception) -> Exception:
    """Turn the array library's complaint about shapes or dtypes into one that names the operation and all of them."""
    if isinstance(error, GradwrightError):
        return error
    if isinstance(error, TypeError):
        # not XLA's errors about traced values, which are TypeErrors too and are explained elsewhere
        if type(error) is TypeError or type(error).__module__.startswith("numpy"):
            if not _fit(arrays):  # JAX's complaint about shapes is a TypeError
                return _unfit(op, arrays)
            dtypes = ", ".join(str(getattr(a, "dtype", type(a).__name__)) for a in arrays)
            return DTypeError(f"{op.name} of {dtypes}: {error}")
        return error
    return error if _fit(arrays) else _unfit(op, arrays)


def _fit(arrays: list[Any]) -> bool:
    """Say whether the shapes broadcast together."""
    try:
        np.broadcast_shapes(*[getattr(a, "shape", ()) for a in arrays])
    except ValueError:
        return False
    return True


def _unfit(op: Op, arrays: list[Any]) -> ShapeError:
    names = [f"{op.inputs[0]}[{i}]" for i in range(len(arrays))] if op.variadic else op.inputs
    found = " and ".join(f"{n} {tuple(getattr(a, 'shape', ()))}" for n, a in zip(names, arrays, strict=True))
    return ShapeError(f"{op.name}: shapes do not fit together: {found}")


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
        For each input the local derivative d ans / d input, as a rule or a constant; None where there is none. A
        constant 0 gives gradients of zeros, as PyTorch's flat functions have them.
    floating : bool
        Whether integer inputs become floats.
    """

    def names_of(rule: Rule) -> tuple[str, ...]:
        return parameters_of(rule).names

    inputs = parameters_of(forward).positional[1:]

    def reverse(rule: Rule | float | None, x: str) -> Rule | None:
        if rule is None:
            return None
        if callable(rule) and len(inputs) == 1:  # nothing was broadcast
            return _named(["g", *names_of(rule)], lambda g, *a: g * rule(*a))
        shape = f"{x}_shape"
        if not callable(rule):
            if rule == 0:  # flat nearly everywhere: zeros, where 0·inf would be NaN
                return _named(["g", shape], lambda g, s: OPERATIONS["zeros_like"](sum_to(g, s)))
            if rule == 1:
                return _named(["g", shape], lambda g, s: sum_to(g, s))
            return _named(["g", shape], lambda g, s: sum_to(g * rule, s))
        return _named(["g", shape, *names_of(rule)], lambda g, s, *a: sum_to(g * rule(*a), s))

    def ahead(rule: Rule | float | None) -> Rule | None:
        if rule is None:
            return None
        if not callable(rule):
            if rule == 0:
                return _named(["t"], lambda t: OPERATIONS["zeros_like"](t))
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
    parameters = parameters_of(forward)
    inputs, meta = parameters.positional[1:], parameters.keyword

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


def lowered(*ops: Op) -> None:
    """Declare operations that autocast computes in a lower precision: products."""
    for op in ops:
        op.lowers = True


def shows(op: Op, when: Callable[[dict[str, Any]], bool] = lambda meta: True) -> Op:
    """Declare that an operation's results are views of its input, always or for some metadata."""
    op.view = when
    return op


def nondifferentiable(name: str, forward: Callable[..., Any], *, promotes: bool = False) -> Op:
    """Define an operation through which no gradient flows: comparisons, indices."""
    n = len(parameters_of(forward).positional) - 1
    return Op(name, "nondifferentiable", forward, [None] * n, [None] * n, promotes=promotes, floating=False)


def _named(names: list[str], function: Callable[..., Any]) -> Rule:
    """Give a positional function parameter names, which is how rules say what they need."""
    unique = list(dict.fromkeys(names))
    rule = function
    if unique != names:
        positions = [unique.index(n) for n in names]

        def rule(*values: Any) -> Any:
            return function(*[values[i] for i in positions])

    return name_parameters(rule, unique)


def retain(tensor: TensorBase) -> None:
    """Ask backward to leave the gradient of an inner node's tensor in its ``grad``."""
    node = tensor._node
    if isinstance(node, Node):
        kept = node.retained or []
        if not any(reference() is tensor for _, reference in kept):
            node.retained = [*kept, (tensor._index, weakref.ref(tensor))]
