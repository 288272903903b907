"""``compile``: an imperative step as one XLA program, and an epoch of steps as one program."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gradwright.backend import compiler_options, is_array, jax_modules
from gradwright.compile.lift import Lifted, lift
from gradwright.compile.schedules import Paused, advance, numbers_ahead
from gradwright.compile.trace import Program, trace_step
from gradwright.engine.op import wrap
from gradwright.engine.random import current_generator
from gradwright.engine.state import structure_version
from gradwright.engine.tensor import Tensor
from gradwright.engine.tracing import trace_now
from gradwright.engine.transforms.tree import leaves, rebuild
from gradwright.errors import CompileError, IndexOutOfRangeError, ShapeError

__all__ = ["CompiledStep", "compile", "place"]


_LIFTED = object()  # in the place of a number that is an input of the program


class CompiledStep:
    """A step that runs as one XLA program; made by :func:`compile`."""

    def __init__(self, function: Callable[..., Any], state: Sequence[Any] | None = None) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.traces = 0  # how often the step has been traced; tests watch it
        self._extra = list(state or [])
        self._lifted: Lifted | None = None
        self._generator: Any = None
        self._version = 0
        self._programs: dict[Any, Program] = {}
        self._compiled: dict[Any, Any] = {}
        self._numbers: tuple[bytes | None, Any] = (None, None)

    # --- state ------------------------------------------------------------------------------------------------------
    def lifted(self) -> Lifted:
        """Return the state that the step touches, looked for anew when a part or a name that led to it has changed."""
        generator, version = current_generator(), structure_version()
        found = self._lifted
        if (
            found is None
            or self._generator is not generator
            or found.moved()
            or (version != self._version and found.changed_since(self._version))
        ):
            more = [(f"state[{i}]", value) for i, value in enumerate(self._extra)]
            self._lifted = lift(self.function, [*more, ("generator", generator)])
            self._generator = generator
            self._programs.clear()
            self._compiled.clear()
        self._version = version
        assert self._lifted is not None
        return self._lifted

    def _state(self, job: _Job, ahead: np.ndarray | None = None) -> tuple[list[Any], list[Any], Any]:
        """Return the program's state; what is only read is placed once, numbers when they change.

        ``ahead`` are the numbers of each step when schedules change them.
        """
        for i in job.program.fixed:
            tensor = job.lifted.tensors[i][1]
            if isinstance(tensor._array, np.ndarray):
                tensor._array = place(tensor)[0]._array
        written, fixed, numbers = job.program.state(job.lifted)
        if ahead is not None:
            return written, fixed, place(ahead)[0]._array
        content = numbers.tobytes()
        if content != self._numbers[0]:
            self._numbers = (content, place(numbers)[0]._array)
        return written, fixed, self._numbers[1]

    def _run(self, job: _Job, ahead: np.ndarray | None = None) -> Any:
        """Run the executable and return what the step returned."""
        return job.program.rebuild(self._execute(job, ahead))

    def _execute(self, job: _Job, ahead: np.ndarray | None = None) -> Any:
        """Run the executable, compiling it when it is new, and put the state back; return what else came out."""
        arrays = job.inputs[0]
        inputs = (*self._state(job, ahead), *job.inputs)
        executable = self._compiled.get(job.key)
        if executable is None:
            executable = self._compiled[job.key] = job.compile(inputs)
        elif isinstance(executable, Future):
            executable = self._compiled[job.key] = executable.result()
        gradients = inputs[1][len(job.program.fixed) :]
        if any(type(a) is np.ndarray for a in (*arrays, *inputs[0], *gradients)):
            with jax_modules().jax.enable_x64(True):  # or NumPy's 64-bit numbers would be cut to 32 on the way in
                written, outputs = executable(*inputs)
        else:
            written, outputs = executable(*inputs)
        job.program.put_back(job.lifted, written)
        return outputs

    def _prepare(self, job: _Job) -> None:
        """Compile in the background what will be run later."""
        if job.key not in self._compiled:
            scheduled = job.steps is not None and job.program.schedules
            ahead = np.empty((job.steps or 0, len(job.program.numbers))) if scheduled else None
            inputs = (*self._state(job, ahead), *job.inputs)
            self._compiled[job.key] = _background().submit(job.compile, inputs)

    def program(
        self, arguments: _Arguments, shapes: tuple[Any, ...], lift_zeros: bool | frozenset[int] = False
    ) -> _Traced:
        """Return the traced program for these shapes and modes, tracing it when it is new."""
        lifted = self.lifted()
        # what is not lifted stands in the program's text, so its value is part of the key
        off = tuple(c.get() if lifted.off(i, lift_zeros) else _LIFTED for i, c in enumerate(lifted.numbers))
        key = (shapes, arguments.key, lifted.mode_key(), off)
        if key not in self._programs and sum(o.ensure_slots() for o in lifted.owners):
            return self.program(arguments, shapes, lift_zeros)  # momentum was switched on: its buffers are state too
        if key not in self._programs:
            self.traces += 1
            jax = jax_modules().jax
            with jax.enable_x64(True):  # so that dtypes mean the same as on NumPy
                examples = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in shapes]
                program = trace_step(self.function, lifted, examples, arguments.build, lift_zeros=lift_zeros)
            self._programs[key] = program
        return _Traced(key, self._programs[key], lifted)

    # --- running ----------------------------------------------------------------------------------------------------
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run one step and return what it returns, as Tensors."""
        if trace_now.watcher is not None:
            return self._watched(_Arguments(args, kwargs), [None])
        job = self._call_job(args, kwargs)
        job.check()
        result = self._run(job)
        advance(job.program)
        return result

    def prepare(self, *args: Any, **kwargs: Any) -> None:
        """Trace a call for such arguments now and compile it in the background; the call itself then finds it ready."""
        self._prepare(self._call_job(args, kwargs))

    def _call_job(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Job:
        arguments = _Arguments(args, kwargs)
        key, program, lifted = self.program(arguments, arguments.shapes())
        return _Job(key, program, lifted, lambda: program.run, (arguments.arrays,))

    def scan(self, *args: Any, order: Any = None) -> Any:
        """Run many steps as one program and return what each returned, stacked along a new first axis.

        Parameters
        ----------
        *args : Tensor or array
            Without ``order``: (steps, batch, …), one batch a step. With it: (rows, …), the whole data set, which stays
            where it is and is gathered batch by batch inside the program.
        order : (steps, batch) integers, optional
            Which rows make up each batch.

        Raises
        ------
        CompileError
            When gradients would pile up from step to step: call ``zero_grad()`` in the step.
        """
        if trace_now.watcher is not None:
            rows = range(len(leaves(args)[0] if leaves(args) else args[0])) if order is None else np.asarray(order)
            return self._watched(_Arguments(args, {}), list(rows))
        job = self._scan_job(args, order)
        job.check()
        if not job.program.schedules:
            return self._run(job)
        start = Paused(job.program.schedules, job.lifted)
        try:
            ahead = job.numbers_ahead()
            if ahead is None:
                start.restore()
                job = self._scan_job(args, order, lift_zeros=True)
                ahead = job.numbers_ahead()
            return self._run(job, ahead)
        except BaseException:
            start.restore()  # no step has run, so no schedule has gone on
            raise

    def _watched(self, arguments: _Arguments, rows: list[Any]) -> Any:
        """Run eagerly, so that whoever watches, such as ``detect_anomaly``, sees each operation; the numbers agree."""
        results = []
        for row in rows:
            arrays = [np.asarray(a) for a in arguments.arrays]
            args, kwargs = arguments.build(arrays if row is None else [a[row] for a in arrays])
            results.append(self.function(*args, **kwargs))
        if rows == [None]:
            return results[0]
        stacked = [wrap(np.stack([t._array for t in parts])) for parts in zip(*map(leaves, results), strict=True)]
        return rebuild(results[0], iter(stacked))

    def prepare_scan(self, *args: Any, order: Any = None) -> None:
        """Trace a scan of such arguments now and compile it in the background."""
        self._prepare(self._scan_job(args, order))

    def _scan_job(self, args: tuple[Any, ...], order: Any, lift_zeros: bool = False) -> _Job:
        arguments = _Arguments(args, {})
        if order is not None:
            order = np.asarray(order, dtype=np.int32)
            if order.ndim != 2:
                raise ShapeError(f"scan: order must have shape (steps, batch), got {order.shape}")
            check_rows(order, arguments.arrays)
            shapes = tuple(((order.shape[1], *shape[1:]), dtype) for shape, dtype in arguments.shapes())
        else:
            lengths = {shape[0] if shape else None for shape, _ in arguments.shapes()}
            if len(lengths) != 1 or None in lengths:
                raise ShapeError(
                    f"scan: all arguments must have the same number of steps first, got {sorted(map(str, lengths))}"
                )
            shapes = tuple((shape[1:], dtype) for shape, dtype in arguments.shapes())
        key, program, lifted = self.program(arguments, shapes, lift_zeros)
        if program.grads_in != program.grads_out or any(program.row_sparse):
            raise CompileError(
                "scan: the step leaves gradients behind that the next step would add to, or row-sparse ones. "
                "Call optimizer.zero_grad() at its start and optimizer.step() at its end."
            )
        steps = arguments.shapes()[0][0][0] if order is None else len(order)
        key = ("scan", steps, order is not None, arguments.shapes(), key)
        inputs = (arguments.arrays, order)
        return _Job(key, program, lifted, lambda: _scan_loop(program, order is not None), inputs, steps)


class _Traced(NamedTuple):
    """A program, its place among the step's programs, and the state that it runs on."""

    key: Any
    program: Program
    lifted: Lifted


@dataclass
class _Job:
    """A program together with what it is about to be run on."""

    key: Any
    program: Program
    lifted: Lifted
    make: Callable[[], Callable[..., Any]]
    inputs: tuple[Any, ...]
    steps: int | None = None  # of a scan

    def check(self) -> None:
        """Refuse inputs that the program could not refuse, such as labels out of range."""
        for position, check in self.program.checks:
            check(np.asarray(self.inputs[0][position]))

    def numbers_ahead(self) -> np.ndarray | None:
        """Run the schedules ahead; see :func:`gradwright.compile.schedules.numbers_ahead`."""
        return numbers_ahead(self.program, self.lifted, self.steps or 0)

    def compile(self, inputs: tuple[Any, ...]) -> Any:
        """Compile for inputs of these shapes; ahead of the call, which halves what a call costs."""
        jax = jax_modules().jax
        with jax.enable_x64(True):
            shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(np.shape(a), a.dtype), inputs)
            compiled = jax.jit(self.make(), donate_argnums=0, compiler_options=compiler_options())
            return compiled.lower(*shapes).compile()


@functools.lru_cache(maxsize=1)
def _background() -> ThreadPoolExecutor:
    """Return the one thread that compiles while others run; XLA lets go of the interpreter meanwhile."""
    return ThreadPoolExecutor(1, thread_name_prefix="compile")


def _scan_loop(program: Program, gathers: bool) -> Callable[..., Any]:
    """Return the loop over the steps: the changing state is carried, all else stays put."""
    lax = jax_modules().lax

    def loop(written: list[Any], fixed: list[Any], numbers: Any, arrays: list[Any], order: Any) -> Any:
        if gathers:
            arrays = gather_batches(arrays, order)

        return lax.scan(step_of(program, fixed, numbers), written, step_inputs(arrays, numbers))

    return loop


def step_of(program: Program, fixed: list[Any], numbers: Any) -> Callable[..., Any]:
    """Return the body of the loop: with schedules each step has its own numbers, otherwise all have the same."""

    def body(carry: list[Any], inputs: tuple[list[Any], Any]) -> tuple[list[Any], list[Any]]:
        batch, own = inputs
        return program.run(carry, fixed, numbers if own is None else own, batch)

    return body


def step_inputs(arrays: list[Any], numbers: Any) -> tuple[list[Any], Any]:
    """Return what the loop hands to each step: its batch, and its row of numbers where there is one for each."""
    return arrays, numbers if numbers.ndim == 2 else None


def check_rows(order: np.ndarray, arrays: list[Any]) -> None:
    """Refuse rows that are not there, which XLA would clamp in silence."""
    rows = min(len(a) for a in arrays)
    bad = np.argwhere((order < 0) | (order >= rows))
    if len(bad):
        place = tuple(int(i) for i in bad[0])
        raise IndexOutOfRangeError(
            f"scan: order{list(place)} is row {order[place]}, but the data has rows 0 to {rows - 1}"
        )


def gather_batches(arrays: list[Any], order: Any) -> list[Any]:
    """Lay out all batches before the loop: on CPUs a gather inside it costs as much as a small step."""
    # rows are in range by construction, so nothing need be clamped or filled
    return [a.at[order].get(mode="promise_in_bounds") for a in arrays]


class _Arguments:
    """A call's arguments, the arrays apart from everything else."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.arrays: list[Any] = []
        self._args = [self._take(a) for a in args]
        self._kwargs = {k: self._take(v) for k, v in kwargs.items()}
        self.key = (
            tuple(_static(a) for a in self._args),
            tuple((k, _static(v)) for k, v in self._kwargs.items()),
        )

    def _take(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            self.arrays.append(value._array)
            return _Slot(len(self.arrays) - 1)
        if is_array(value):
            self.arrays.append(value)
            return _Slot(len(self.arrays) - 1)
        if isinstance(value, float):  # its value may change from call to call
            self.arrays.append(np.float64(value))
            return _Slot(len(self.arrays) - 1)
        return value

    def shapes(self) -> tuple[tuple[tuple[int, ...], Any], ...]:
        return tuple((tuple(np.shape(a)), a.dtype) for a in self.arrays)

    def build(self, arrays: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        def fill(value: Any) -> Any:
            return wrap(arrays[value.position]) if isinstance(value, _Slot) else value

        return tuple(fill(a) for a in self._args), {k: fill(v) for k, v in self._kwargs.items()}


class _Slot:
    """Where an array stood among the arguments."""

    def __init__(self, position: int) -> None:
        self.position = position


def _static(value: Any) -> Any:
    if isinstance(value, _Slot):
        return ("array", value.position)
    try:
        hash(value)
    except TypeError:
        raise CompileError(
            f"compile: an argument of type {type(value).__name__} is neither an array nor hashable; pass its "
            f"tensors one by one"
        ) from None
    return (type(value), value)  # 1 and True are equal, but not the same program


def place(*arrays: Any) -> tuple[Tensor, ...]:
    """Put arrays where compiled programs read them, so that repeated calls need not copy them.

    Parameters
    ----------
    *arrays : Tensor or array

    Returns
    -------
    tuple of Tensor
        The same numbers and dtypes, on the device.
    """
    jax = jax_modules().jax
    with jax.enable_x64(True):
        return tuple(wrap(jax.device_put(a._array if isinstance(a, Tensor) else np.asarray(a))) for a in arrays)


def compile(step: Callable[..., Any] | None = None, *, state: Sequence[Any] | None = None) -> Any:
    """Turn an imperative training step into one XLA program.

    The state that the step touches (parameters, buffers, optimizer slots, step counts, the random stream) is lifted out
    of the objects that hold it, the step is traced once for each shape of its arguments, and the new state is put back.
    Hyperparameters that are numbers (learning rate, momentum, dropout rate, …) are read anew at each call and never
    need a new trace; only switching one of those whose 0 means "not there" between 0 and something else does.

    Parameters
    ----------
    step : callable
        The step: takes arrays or Tensors, returns Tensors (or tuples, lists and dicts of them).
    state : sequence of objects, optional
        Modules, optimizers, tensors that the step uses but does not visibly hold (through its closure, globals,
        ``self`` or defaults).

    Returns
    -------
    CompiledStep
        Call it like the step; ``.scan(...)`` runs many steps as one program; ``.traces`` counts.

    Raises
    ------
    CompileError
        At the first call, naming the line, when the step's control flow depends on a tensor's value.

    Notes
    -----
    A gradient that an optimizer has used within the step does not leave the program: ``p.grad`` is None afterwards.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn, optim
    >>> _ = gw.manual_seed(0)
    >>> model, criterion = nn.Linear(2, 1), nn.MSELoss()
    >>> opt = optim.SGD(model.parameters(), lr=0.1)
    >>> @gw.compile
    ... def step(x, y):
    ...     opt.zero_grad()
    ...     loss = criterion(model(x), y)
    ...     loss.backward()
    ...     opt.step()
    ...     return loss
    >>> x = gw.randn(16, 2); y = x.sum(1, keepdim=True)
    >>> losses = [step(x, y).item() for _ in range(50)]
    >>> losses[-1] < 0.01 * losses[0], step.traces
    (True, 1)
    """
    if step is None:
        return functools.partial(compile, state=state)
    return CompiledStep(step, state)
