"""Run a step once on tracers and keep the program that it wrote."""

from __future__ import annotations

import functools
import gc
import traceback
import weakref
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradwright.backend import is_tracer, jax_modules
from gradwright.compile.lift import Lifted
from gradwright.engine.op import wrap
from gradwright.engine.row_sparse import RowSparse, arrays_of, rebuilt
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.engine.tracing import Schedule, trace_now
from gradwright.errors import CompileError

__all__ = ["Program", "trace_step"]

_PACKAGE = Path(__file__).parents[1]


@dataclass
class Program:
    """A traced step as a pure function: (written, fixed, numbers, arguments) → (written, outputs).

    State is named by its position in the :class:`Lifted` it was traced with, so that one program serves every object
    of the same structure, as the members of a population are.
    """

    run: Callable[..., tuple[list[Any], list[Any]]]
    written: list[int]  # tensors that the step changes
    fixed: list[int]  # tensors that it only reads
    grads_in: list[int]  # parameters that come with a gradient
    grads_out: list[int]  # parameters that leave with one
    row_sparse: list[bool]  # which of these are
    numbers: list[int]  # hyperparameters that are lifted
    rebuild: Callable[[list[Any]], Any]
    checks: list[tuple[int, Callable[[np.ndarray], None]]]
    schedules: list[Schedule]  # which the host advances after each step
    jaxpr: Any

    @functools.cached_property
    def text(self) -> tuple[Any, ...]:
        """What the program says: two with the same text compute the same."""
        return (str(self.jaxpr.jaxpr), *(np.asarray(c).tobytes() for c in self.jaxpr.consts))

    def state(self, lifted: Lifted) -> tuple[list[Any], list[Any], np.ndarray]:
        """Return what goes in: arrays that come back changed, arrays that do not, and the numbers as one array.

        Row-sparse gradients are among those that do not: of another length, they cannot come back in the same memory.
        """
        tensors, params = lifted.tensors, lifted.parameters
        written = [tensors[i][1]._array for i in self.written]
        fixed = [tensors[i][1]._array for i in self.fixed]
        for i in self.grads_in:
            arrays = arrays_of(params[i][1]._grad)  # settled: whoever holds it keeps it
            (written if len(arrays) == 1 else fixed).extend(arrays)
        return written, fixed, self.numbers_now(lifted)

    def numbers_now(self, lifted: Lifted) -> np.ndarray:
        """Return the hyperparameters as they stand."""
        return np.array([lifted.numbers[i].get() for i in self.numbers], np.float64)

    def put_back(self, lifted: Lifted, arrays: list[Any]) -> None:
        """Give the changed state back to its owners."""
        n = len(self.written)
        for i, array in zip(self.written, arrays[:n], strict=True):
            lifted.tensors[i][1]._array = array
        for i in self.grads_in:
            lifted.parameters[i][1]._grad = None
        rest = iter(arrays[n:])
        for i, many in zip(self.grads_out, self.row_sparse, strict=True):
            p = lifted.parameters[i][1]
            p._grad = rebuilt([next(rest) for _ in range(1 + many)], p.shape)


class _Trace:
    """What operations tell while the step is traced; see :class:`gradwright.engine.tracing.Trace`."""

    def __init__(self, lifted: Lifted, inputs: list[Any], numbers: list[tuple[Any, Any]]) -> None:
        self.lifted = lifted
        self.numbers = numbers  # each as it is in the program, and as it is now
        self.inputs = {id(array): i for i, array in enumerate(inputs)}
        self.kept = inputs  # so that the ids stay theirs
        self.checks: list[tuple[int, Callable[[np.ndarray], None]]] = []
        self.used: dict[int, Any] = {}
        self.schedules: list[Schedule] = []
        self.strays: dict[int, tuple[weakref.ref[Tensor], Any]] = {}

    def check_read(self, tensor: Any) -> None:
        if type(tensor) is Parameter and id(tensor) not in self.lifted.ids and not is_tracer(tensor._array):
            raise CompileError(
                f"compile: the step uses a parameter of shape {tensor.shape} that it does not visibly hold, so its "
                "value would be frozen into the program. Pass what holds it: compile(step, state=[model, optimizer])."
            )

    def check_write(self, tensor: Any, array: Any) -> None:
        if id(tensor) not in self.lifted.ids and not is_tracer(tensor._array) and is_tracer(array):
            self.strays.setdefault(id(tensor), (weakref.ref(tensor), tensor._array))

    def check_input(self, array: Any, check: Callable[[np.ndarray], None]) -> bool:
        position = self.inputs.get(id(array))
        if position is None:
            return False
        self.checks.append((position, check))
        return True

    def number(self, value: Any) -> Any:
        return next((now for traced, now in self.numbers if traced is value), value)

    def consumed(self, parameter: Any) -> None:
        self.used[id(parameter)] = parameter._grad

    def after_step(self, schedule: Schedule) -> None:
        self.schedules.append(schedule)


def trace_step(
    function: Callable[..., Any],
    lifted: Lifted,
    arguments: list[Any],
    call: Callable[[list[Any]], tuple[tuple[Any, ...], dict[str, Any]]],
    *,
    lift_zeros: bool | Container[int] = False,
) -> Program:
    """Trace ``function`` and return it as a pure program.

    Parameters
    ----------
    function : callable
        The step.
    lifted : Lifted
        Its state.
    arguments : list of arrays
        The arrays of one call; only their shapes and dtypes matter.
    call : callable
        Puts a list of array arguments back into the positional and keyword arguments of the step.
    lift_zeros : bool, or set of int
        Lift also hyperparameters whose 0 means "not there", so that one program serves zero and others: all, or those
        at these places among the state's numbers.
    """
    jax = jax_modules().jax
    tensors = [t for _, t in lifted.tensors]
    lifted_numbers = [i for i in range(len(lifted.numbers)) if not lifted.off(i, lift_zeros)]
    numbers = [lifted.numbers[i] for i in lifted_numbers]
    params = [p for _, p in lifted.parameters]
    grads_in = [p for p in params if p._grad is not None]
    before = [(t, t._array) for t in tensors]
    before_numbers = [(c, c.get()) for c in numbers]
    before_grads = [(p, p._grad) for p in params]
    found: dict[str, Any] = {}

    def pure(state: list[Any], grads: list[Any], values: list[Any], arrays: list[Any]) -> Any:
        trace = _Trace(lifted, arrays, [(v, now) for v, (_, now) in zip(values, before_numbers, strict=True)])
        try:
            for tensor, array in zip(tensors, state, strict=True):
                tensor._array = array
            for cell, value in zip(numbers, values, strict=True):
                cell.put(value)
            for p in params:
                p._grad = None
            for p, g in zip(grads_in, grads, strict=True):
                p._grad = rebuilt(g, p.shape)
            trace_now.trace = trace
            args, kwargs = call(arrays)
            output = function(*args, **kwargs)
            found["written"] = [t._array is not array for t, array in zip(tensors, state, strict=True)]
            for cell, value in zip(numbers, values, strict=True):
                if cell.get() is not value:
                    raise CompileError(
                        f"compile: the step changes the hyperparameter {cell.path}. Change it between calls: "
                        "a compiled step reads it anew each time, without a new trace."
                    )
            out_params = [p for p in params if p._grad is not None and trace.used.get(id(p)) is not p._grad]
            found["grads_out"] = out_params
            found["row_sparse"] = [type(p._grad) is RowSparse for p in out_params]
            found["checks"] = trace.checks
            found["schedules"] = trace.schedules
            leaves, found["rebuild"] = _flatten(output)
            results = (
                [t._array for t, w in zip(tensors, found["written"], strict=True) if w],
                [arrays_of(p._grad) for p in out_params],
                leaves,
            )
            found["strays"] = trace.strays
            return results
        finally:
            trace_now.trace = None
            for tensor, array in before:
                tensor._array = array
            for cell, value in before_numbers:
                cell.put(value)
            for p, g in before_grads:
                p._grad = g
            for reference, array in trace.strays.values():
                stray = reference()
                if stray is not None:
                    stray._array = array

    try:
        closed = jax.make_jaxpr(pure)(
            [t._array for t in tensors], [arrays_of(p._grad) for p in grads_in],
            [float(c.get()) for c in numbers], arguments,
        )  # fmt: skip
    except jax.errors.JAXTypeError as error:
        raise CompileError(_explain(error)) from None
    _refuse_strays(found["strays"])

    evaluate = jax.extend.core.jaxpr_as_fun(closed)
    read = {id(v) for equation in closed.jaxpr.eqns for v in equation.invars} | {id(v) for v in closed.jaxpr.outvars}
    is_read = [id(v) in read for v in closed.jaxpr.invars[: len(tensors)]]
    is_written: list[bool] = found["written"]
    grads_out: list[Tensor] = found["grads_out"]
    row_sparse: list[bool] = found["row_sparse"]
    n_written = sum(is_written)
    rows_in = [type(g) is RowSparse for _, g in before_grads if g is not None]
    # what is neither written nor read need not travel with every call; any array of its shape will do in its place
    blanks = [
        None if w or r else np.zeros(t.shape, t.dtype) for t, w, r in zip(tensors, is_written, is_read, strict=True)
    ]

    def run(written: list[Any], fixed: list[Any], values: Any, arrays: list[Any]) -> tuple[list[Any], list[Any]]:
        changing, steady = iter(written), iter(fixed)
        state = [
            next(changing) if w else next(steady) if r else blank
            for w, r, blank in zip(is_written, is_read, blanks, strict=True)
        ]
        grads = [a for rows in rows_in for a in ((next(steady), next(steady)) if rows else (next(changing),))]
        flat = evaluate(*state, *grads, *[values[i] for i in range(len(numbers))], *arrays)
        k = n_written + len(grads_out) + sum(row_sparse)
        return flat[:k], flat[k:]

    positions = {id(p): i for i, p in enumerate(params)}
    return Program(
        run=run,
        written=[i for i, w in enumerate(is_written) if w],
        fixed=[i for i, (w, r) in enumerate(zip(is_written, is_read, strict=True)) if r and not w],
        grads_in=[positions[id(p)] for p in grads_in],
        grads_out=[positions[id(p)] for p in grads_out],
        row_sparse=row_sparse,
        numbers=lifted_numbers,
        rebuild=found["rebuild"],
        checks=found["checks"],
        schedules=found["schedules"],
        jaxpr=closed,
    )


def _flatten(output: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """Take the arrays out of what a step returns, and say how to put others in their places."""
    if isinstance(output, Tensor):
        return [output._array], lambda arrays: wrap(arrays[0])
    if isinstance(output, tuple | list | dict):
        items = output.values() if isinstance(output, dict) else output
        parts = [_flatten(item) for item in items]
        sizes = [len(leaves) for leaves, _ in parts]

        def rebuild(arrays: list[Any]) -> Any:
            out, start = [], 0
            for (_, part), size in zip(parts, sizes, strict=True):
                out.append(part(arrays[start : start + size]))
                start += size
            if isinstance(output, dict):
                return dict(zip(output, out, strict=True))
            return type(output)(*out) if hasattr(output, "_fields") else type(output)(out)  # named tuples

        return [leaf for leaves, _ in parts for leaf in leaves], rebuild
    if is_tracer(output):
        return [output], lambda arrays: arrays[0]
    if isinstance(output, RowSparse):
        raise CompileError("compile: the step returns a RowSparse; return its indices and values, or to_dense()")
    return [], lambda arrays: output


def _refuse_strays(strays: dict[int, tuple[Any, Any]]) -> None:
    """Refuse writes to tensors that outlive the trace but were not part of its state."""
    if not strays:
        return
    gc.collect()
    for reference, _ in strays.values():
        tensor = reference()
        if tensor is not None:
            raise CompileError(
                f"compile: the step writes to a tensor of shape {tensor.shape} that it does not visibly hold. "
                "Pass what holds it: compile(step, state=[…])."
            )


def _explain(error: Exception) -> str:
    """Say which line needed a number that a traced program does not have yet, and what to write instead."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not Path(f.filename).is_relative_to(_PACKAGE) and "/jax/" not in f.filename]
    place = f"{own[-1].filename}:{own[-1].lineno}: {own[-1].line}" if own else "the step"
    return (
        "compile: this line needs the value of a tensor while the step is being traced, when there are only shapes:\n"
        f"  {place}\n"
        "A compiled step runs once on placeholders. Instead of `if`/`while` on a tensor use gradwright.where; "
        "instead of .item(), float() or numpy() return the tensor from the step and read it outside."
    )
