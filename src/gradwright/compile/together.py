"""The steps of many members as programs for all of them: a block of whole batches, and the end of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradwright.backend import compiler_options, jax_modules
from gradwright.compile.lift import Lifted
from gradwright.compile.mesh import Spread
from gradwright.compile.schedules import numbers_ahead
from gradwright.compile.step import CompiledStep, _Arguments, gather_batches, step_inputs
from gradwright.compile.trace import Program
from gradwright.engine.random import Generator, use_generator
from gradwright.engine.tensor import Tensor
from gradwright.engine.tracing import Schedule
from gradwright.errors import CompileError

__all__ = ["Together"]

#: Bytes of batches that are laid out before a block of steps; more are gathered step by step.
LAID_OUT = 64 * 2**20


class Together:
    """The programs of members that are alike, traced on the first of them.

    A member's state is two lists of arrays: what its steps change, and what they only read. Programs run on many
    members along a leading axis.

    Parameters
    ----------
    step, judge : CompiledStep
        Of one member: ``step(x, y) → outputs``, and ``judge(x, y) → figures`` of rows that are not trained on, which
        changes nothing.
    generator : Generator
        The member's random stream.
    data, held : tuples of arrays
        All rows to train on, and to judge by.
    batch, rest, judged : int
        Rows of a whole batch, of the epoch's last short one (0: there is none), and of those to judge by.
    on, judged_on : bool or set of int
        Which of the step's, and of the judging's, numbers are inputs although they are 0.
    best : tensors
        What is kept of the best epoch.
    """

    def __init__(
        self,
        step: CompiledStep,
        judge: CompiledStep,
        generator: Generator,
        data: tuple[Any, ...],
        held: tuple[Any, ...],
        *,
        batch: int,
        rest: int,
        judged: int,
        on: bool | frozenset[int],
        judged_on: bool | frozenset[int],
        best: Iterable[Tensor],
    ) -> None:
        with use_generator(generator):
            self.full = _traced(step, data, batch, on)
            self.short = _traced(step, data, rest, on) if rest else None
            self.judge = _traced(judge, held, judged, judged_on)
            lifted, other = step.lifted(), judge.lifted()
        # each member has its own schedules; the first one's would keep its optimizer and model
        self.scheduled = len(self.full.schedules)
        self.full = replace(self.full, schedules=[])
        self.short = None if self.short is None else replace(self.short, schedules=[])
        programs = [(self.full, lifted), (self.judge, other)]
        if self.short is not None:
            programs.append((self.short, lifted))
        for program, _ in programs:
            if program.grads_in or program.grads_out:
                raise CompileError(
                    "a population's step leaves gradients behind that the next step would add to. Call "
                    "optimizer.zero_grad() at its start and optimizer.step() at its end."
                )
        # every tensor once, named by where it is in the state of a step or of the judging
        self._places: dict[int, tuple[int, int]] = {}
        for which, state in enumerate((lifted, other)):
            for i, (_, tensor) in enumerate(state.tensors):
                self._places.setdefault(id(tensor), (which, i))
        used = [{id(state.tensors[i][1]) for i in (*p.written, *p.fixed)} for p, state in programs]
        written = {id(state.tensors[i][1]) for p, state in programs for i in p.written}
        self._changing = [i for i in self._places if i in written]
        self._steady = [i for i in self._places if i in set().union(*used) - written]
        kept = {id(tensor) for tensor in best}
        self._kept = [k for k, i in enumerate(self._changing) if i in kept]
        where = {i: (True, k) for k, i in enumerate(self._changing)}
        where |= {i: (False, k) for k, i in enumerate(self._steady)}
        self._uses = {
            id(p): (
                [where[id(state.tensors[i][1])] for i in p.written],
                [where[id(state.tensors[i][1])] for i in p.fixed],
            )
            for p, state in programs
        }

    # --- a member's state -------------------------------------------------------------------------------------------
    def _tensors(self, keys: list[int], states: tuple[Lifted, Lifted]) -> list[Tensor]:
        return [states[which].tensors[i][1] for which, i in (self._places[key] for key in keys)]

    def state(self, states: tuple[Lifted, Lifted]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return a member's arrays: those that its steps change, and those that they read."""
        changing, steady = (
            [np.asarray(t._array) for t in self._tensors(keys, states)] for keys in (self._changing, self._steady)
        )
        return changing, steady

    def written(self, states: tuple[Lifted, Lifted]) -> list[Tensor]:
        """Return the tensors that a member's steps change."""
        return self._tensors(self._changing, states)

    def put_back(self, states: tuple[Lifted, Lifted], changing: list[np.ndarray]) -> None:
        """Give a member's arrays back to their owners."""
        for tensor, array in zip(self._tensors(self._changing, states), changing, strict=True):
            tensor._array = array

    def kept(self, changing: list[Any]) -> list[Any]:
        """Return those of the changing arrays that are kept of the best epoch."""
        return [changing[k] for k in self._kept]

    def with_kept(self, changing: list[Any], kept: list[Any]) -> list[Any]:
        """Return the changing arrays with others in the places of those that are kept."""
        out = list(changing)
        for k, array in zip(self._kept, kept, strict=True):
            out[k] = array
        return out

    def numbers(self, states: tuple[Lifted, Lifted], schedules: Sequence[Schedule], steps: int) -> np.ndarray:
        """Return a member's numbers, of every step where its schedules set them; these then stand after the last."""
        if not self.scheduled:
            return self.full.numbers_now(states[0])
        if len(schedules) != self.scheduled:
            raise CompileError(
                f"the step advances {self.scheduled} schedules, but {len(schedules)} are known; give the "
                "trainer its schedule as scheduler="
            )
        ahead = numbers_ahead(replace(self.full, schedules=list(schedules)), states[0], steps)
        if ahead is None:
            raise CompileError("a schedule changes a number that is no input of the program")
        return ahead

    def judge_numbers(self, states: tuple[Lifted, Lifted]) -> np.ndarray:
        """Return the numbers that judging reads."""
        return self.judge.numbers_now(states[1])

    def check(self, data: tuple[Any, ...], held: tuple[Any, ...]) -> None:
        """Refuse data that a program could not refuse, such as labels out of range."""
        for program, arrays in ((self.full, data), (self.judge, held)):
            for position, check in program.checks:
                check(np.asarray(arrays[position]))

    # --- programs ---------------------------------------------------------------------------------------------------
    def _run(self, program: Program, changing: list[Any], steady: list[Any], numbers: Any, arrays: list[Any]) -> Any:
        """Run one of the programs on a member's state; return the changed state and the outputs."""
        written, fixed = ([changing[k] if new else steady[k] for new, k in use] for use in self._uses[id(program)])
        after, outputs = program.run(written, fixed, numbers, arrays)
        changed = list(changing)
        for (_, k), array in zip(self._uses[id(program)][0], after, strict=True):
            changed[k] = array
        return changed, outputs

    def block(self, *, shared: bool, inside: bool) -> Callable[..., Any]:
        """Return the program of a block of whole batches, for members along a leading axis.

        ``(changing, steady, numbers, data, order) → (changing, outputs of each step)``; with ``shared`` there is one
        order (steps, batch) for all members, otherwise one for each; with ``inside`` a batch is gathered when its step
        comes.
        """
        jax, lax = jax_modules().jax, jax_modules().lax

        def member(changing: Any, steady: Any, numbers: Any, data: Any, order: Any) -> Any:
            def step(carry: Any, inputs: Any) -> Any:
                rows, own = inputs
                batch = gather_batches(data, rows) if inside else rows
                return self._run(self.full, carry, steady, numbers if own is None else own, batch)

            rows = order if inside else gather_batches(data, order)
            return lax.scan(step, changing, step_inputs(rows, numbers))

        return jax.vmap(member, in_axes=(0, 0, 0, None, None if shared else 0))

    def ending(self, *, shared: bool, same_held: bool) -> Callable[..., Any]:
        """Return the program of an epoch's end, for members along a leading axis: the short batch, and a judgement.

        ``(changing, steady, numbers, judge_numbers, data, rows, held, judged) → (changing, outputs, figures, finite)``.
        ``rows`` (rest,) are those of the short batch; ``judged`` those to judge by, None with ``same_held``, when all
        members are judged by all of ``held``. ``finite`` says whether all numbers of the state are.
        """
        jax, jnp = jax_modules().jax, jax_modules().numpy

        def member(
            changing: Any, steady: Any, numbers: Any, more: Any, data: Any, rows: Any, held: Any, judged: Any
        ) -> Any:
            outputs: list[Any] = []
            if self.short is not None:
                changing, outputs = self._run(self.short, changing, steady, numbers, gather_batches(data, rows))
            looked = held if same_held else gather_batches(held, judged)
            _, figures = self._run(self.judge, changing, steady, more, looked)
            finite = jnp.array(True)
            for array in changing:
                if jnp.issubdtype(array.dtype, jnp.inexact):
                    finite &= jnp.isfinite(array).all()
            return changing, outputs, figures, finite

        axes = (0, 0, 0, 0, None, None if shared else 0, None, None if same_held else 0)
        return jax.vmap(member, in_axes=axes)


def compiled(function: Callable[..., Any], own: tuple[bool, ...], inputs: tuple[Any, ...], members: int) -> Any:
    """Compile for inputs of these shapes, the first of which is given up.

    With several devices each computes its share of the members; ``own`` says which inputs have them along an axis.
    """
    jax = jax_modules().jax
    options: dict[str, Any] = {"donate_argnums": 0, "compiler_options": compiler_options()}
    if len(jax.local_devices()) > 1:
        spread = Spread(members)
        function, options["in_shardings"] = spread.over(function, own), spread.shardings(own)
    with jax.enable_x64(True):
        shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(np.shape(a), a.dtype), inputs)
        return jax.jit(function, **options).lower(*shapes).compile()


def _traced(step: CompiledStep, arrays: tuple[Any, ...], rows: int, on: bool | frozenset[int]) -> Program:
    arguments = _Arguments(arrays, {})
    shapes = tuple(((rows, *shape[1:]), dtype) for shape, dtype in arguments.shapes())
    return step.program(arguments, shapes, lift_zeros=on).program
