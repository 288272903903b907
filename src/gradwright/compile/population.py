"""Many networks as one program: the same step under ``vmap``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradwright.backend import compiler_options, jax_modules
from gradwright.compile.lift import Lifted
from gradwright.compile.schedules import Paused, numbers_ahead
from gradwright.compile.signature import signature
from gradwright.compile.step import (
    CompiledStep,
    _Arguments,
    _Traced,
    check_rows,
    gather_batches,
    step_inputs,
    step_of,
)
from gradwright.compile.trace import Program
from gradwright.engine.random import Generator, use_generator
from gradwright.errors import CompileError

__all__ = ["Population"]


class Population:
    """Train several members as one compiled program.

    Each member is built by the same factory, with its own hyperparameters and its own random stream. The first
    member's step is traced; its program runs under ``vmap`` with every member's state and hyperparameters along a
    leading axis. What differs between members must be numbers: what changes the program (widths, layers, optimizers)
    needs a population of its own.

    Parameters
    ----------
    factory : callable
        Called once for each member with that member's keyword arguments; builds model and optimizer and returns the
        step.
    members : sequence of dict
        Keyword arguments for the factory, one dict a member.
    seeds : sequence of int
        Each member's seed: of its initial weights and everything random in its steps.

    Raises
    ------
    CompileError
        When the members' states differ in number, shape or dtype.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn, optim
    >>> def member(lr):
    ...     model = nn.Linear(2, 1)
    ...     opt = optim.SGD(model.parameters(), lr=lr)
    ...     def step(x, y):
    ...         opt.zero_grad()
    ...         loss = nn.functional.mse_loss(model(x), y)
    ...         loss.backward()
    ...         opt.step()
    ...         return loss
    ...     return step
    >>> population = gw.Population(member, [{"lr": 0.01}, {"lr": 0.1}], seeds=[0, 0])
    >>> x = gw.randn(5, 16, 2); y = x.sum(2, keepdim=True)
    >>> population.scan(x, y).shape      # (members, steps)
    (2, 5)
    """

    def __init__(
        self,
        factory: Callable[..., Callable[..., Any]],
        members: Sequence[dict[str, Any]],
        seeds: Sequence[int],
    ) -> None:
        if not members or len(members) != len(seeds):
            raise CompileError(
                f"Population: {len(members)} members and {len(seeds)} seeds; need one seed for each of at least one"
            )
        self.generators = [Generator(seed) for seed in seeds]
        self.steps: list[CompiledStep] = []
        for generator, arguments in zip(self.generators, members, strict=True):
            with use_generator(generator):
                self.steps.append(CompiledStep(factory(**arguments)))
        self._same_slots()
        self._compiled: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self.steps)

    def scan(self, *args: Any, order: Any = None) -> Any:
        """Run many steps of every member as one program; the data and the batches are shared.

        Parameters
        ----------
        *args : Tensor or array
            As in :meth:`CompiledStep.scan`.
        order : (steps, batch), or (members, steps, batch) integers, optional
            Which rows make up each batch, for all members or for each.

        Returns
        -------
        What the step returns, with two leading axes: (members, steps, …).
        """
        modules = jax_modules()
        jax, jnp = modules.jax, modules.numpy
        arguments = _Arguments(args, {})
        own_order = order is not None and np.ndim(order) == 3
        if order is None:
            shapes = tuple((shape[1:], dtype) for shape, dtype in arguments.shapes())
        else:
            order = np.asarray(order, np.int32)
            check_rows(order, arguments.arrays)
            shapes = tuple(((order.shape[-1], *shape[1:]), dtype) for shape, dtype in arguments.shapes())
        with jax.enable_x64(True):
            members = self._members()
            traced = self._programs(arguments, shapes)
            key, program, _ = traced[0]
            for position, check in program.checks:
                check(np.asarray(arguments.arrays[position]))
            states = [program.state(lifted) for lifted in members]
            stacked = [
                [_stack(jnp, [state[part][i] for state in states]) for i in range(len(states[0][part]))]
                for part in range(2)
            ]
            numbers: list[Any] = [own for _, _, own in states]
            start = [Paused(t.program.schedules, m) for t, m in zip(traced, members, strict=True)]
            try:
                if any(t.program.schedules for t in traced):
                    steps = arguments.shapes()[0][0][0] if order is None else order.shape[-2]
                    numbers = [numbers_ahead(t.program, m, steps) for t, m in zip(traced, members, strict=True)]
                run = self._executable((key, order is None, own_order), program, own_order)
                written, outputs = run(*stacked, _stack(jnp, numbers), arguments.arrays, order)
                written = [np.asarray(w) for w in written]
            except BaseException:
                for paused in start:
                    paused.restore()
                raise
        for i, lifted in enumerate(members):
            program.put_back(lifted, [np.array(w[i]) for w in written])
        return program.rebuild(outputs)

    def _executable(self, key: Any, program: Program, own_order: bool) -> Any:
        """Return the program of all members together, made anew when a member's has been traced anew."""
        jax, lax = jax_modules().jax, jax_modules().lax
        found = self._compiled.get(key)
        if found is None or found[0] is not program:

            def member(written: Any, fixed: Any, numbers: Any, arrays: Any, rows: Any) -> Any:
                batches = arrays if rows is None else gather_batches(arrays, rows)
                return lax.scan(step_of(program, fixed, numbers), written, step_inputs(batches, numbers))

            everyone = jax.vmap(member, in_axes=(0, 0, 0, None, 0 if own_order else None))
            compiled = jax.jit(everyone, donate_argnums=0, compiler_options=compiler_options())
            found = self._compiled[key] = (program, compiled)
        return found[1]

    def _same_slots(self) -> None:
        """Give all members the state that any has: beside a member with momentum, one without it has a buffer too."""
        found = []
        for generator, step in zip(self.generators, self.steps, strict=True):
            with use_generator(generator):
                found.append(step.lifted().owners)
        for same in zip(*found, strict=False):
            names = dict.fromkeys(name for owner in same for name in owner.slot_names())
            for owner in same:
                owner.ensure_slots(names)

    def _programs(self, arguments: _Arguments, shapes: tuple[Any, ...]) -> list[_Traced]:
        """Return every member's program, after checking that they say the same."""
        programs: list[_Traced] = []
        says: list[Any] = []
        for generator, step in zip(self.generators, self.steps, strict=True):
            with use_generator(generator):
                lifted = step.lifted()
                says.append(signature(lifted, step.function))
                # schedules are each member's own, and a program knows its own only
                if programs and says[-1] == says[0] and not programs[0].program.schedules:
                    programs.append(programs[0]._replace(lifted=lifted))
                else:
                    programs.append(step.program(arguments, shapes, lift_zeros=True))
        for i, traced in enumerate(programs):
            if traced.program.text != programs[0].program.text:
                raise CompileError(
                    f"Population: member {i}'s step computes something else than member 0's. What differs between "
                    "members must be a hyperparameter of a module or an optimizer (learning rate, dropout rate, …), "
                    "which is an input of the program; layers, flags and numbers of your own stand in its text."
                )
        return programs

    def _members(self) -> list[Lifted]:
        """Return every member's state, after checking that it has the first one's structure."""
        members = []
        for generator, step in zip(self.generators, self.steps, strict=True):
            with use_generator(generator):
                members.append(step.lifted())
        first = members[0]
        for i, other in enumerate(members[1:], 1):
            if len(first.tensors) != len(other.tensors) or len(first.numbers) != len(other.numbers):
                raise CompileError(
                    f"Population: member {i} has {len(other.tensors)} tensors and {len(other.numbers)} numbers, "
                    f"member 0 has {len(first.tensors)} and {len(first.numbers)}. Members may differ in numbers only; "
                    "put other structures into another population."
                )
            for (_, mine), (path, theirs) in zip(first.tensors, other.tensors, strict=True):
                if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
                    raise CompileError(
                        f"Population: {path} of member {i} has shape {theirs.shape} {theirs.dtype} where member 0 has "
                        f"{mine.shape} {mine.dtype}. Members may differ in numbers only; put other shapes into "
                        "another population."
                    )
        return members


def _stack(jnp: Any, values: list[Any]) -> Any:
    return jnp.asarray(np.stack([np.asarray(v) for v in values]))
