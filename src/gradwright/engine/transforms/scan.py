"""A loop with a carry, differentiable whatever its body is: as operations in a row, or as one loop of a program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradwright.backend import is_tracer, jax_modules
from gradwright.backend import scan as loop
from gradwright.engine.ahead import keeping_all, push_forward
from gradwright.engine.autocast import kept_autocast
from gradwright.engine.call import record_call
from gradwright.engine.mode import enable_grad, mode
from gradwright.engine.op import OPERATIONS, wrap
from gradwright.engine.random import current_generator
from gradwright.engine.tracing import trace_now
from gradwright.engine.transforms.opened import captured_by, fresh, is_smooth, now, pull_back
from gradwright.engine.transforms.tree import leaves, rebuild
from gradwright.errors import GraphError, ShapeError

__all__ = ["scan"]

#: From the carry and one place of each x to the next carry and one place of each y.
Body = Callable[[list[Any], list[Any]], tuple[list[Any], list[Any]]]


def scan(
    function: Callable[[Any, Any], tuple[Any, Any]], init: Any, xs: Any, *, dim: int = 0, reverse: bool = False
) -> tuple[Any, Any]:
    """Call ``function(carry, x) → (carry, y)`` for each x in turn, and return the last carry and all y.

    Equation: (cₜ, yₜ) = f(cₜ₋₁, xₜ).

    Eagerly this is a Python loop, and its operations stand in the graph. In a compiled step it is one XLA loop, so a
    program's length does not depend on the number of steps; its derivative is a loop the other way, which keeps the
    carries and computes the rest of each step once more.

    Parameters
    ----------
    function : callable
        From Tensors, or nests of them, to two nests; parameters that it uses get their gradients too. Random draws
        inside differ from step to step. It changes nothing else.
    init : Tensor, or nest of Tensors
        The first carry. Its structure, shapes and dtypes stay the same.
    xs : Tensor, or nest of Tensors
        All of one length, not 0, along ``dim``.
    dim : int
        The axis to walk along, of ``xs`` and of what is stacked.
    reverse : bool
        Begin at the end; each y keeps the place of its x.

    Returns
    -------
    (carry, ys)
        The last carry, and the y stacked along ``dim``.

    Raises
    ------
    ShapeError
        When lengths differ or are 0, or the carry changes its shape or dtype.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import func
    >>> def step(balance, payment):
    ...     balance = 1.1 * balance + payment
    ...     return balance, balance
    >>> last, all_ = func.scan(step, gw.tensor(100.0), gw.tensor([10.0, 0.0, -50.0]))
    >>> all_
    tensor([120.0000, 132.0000,  95.2000])
    """
    carry, inputs = leaves(init), leaves(xs)
    if dim != 0:
        inputs = [OPERATIONS["permute"](x, axes=_front(x.ndim, dim)) for x in inputs]
    lengths = {x.shape[0] if x.ndim else None for x in inputs}
    if len(lengths) != 1 or not next(iter(lengths)):
        shapes = ", ".join(str(x.shape) for x in leaves(xs)) or "nothing"
        raise ShapeError(f"scan: xs need one length along dim {dim}, at least 1; got {shapes}")
    structure: list[Any] = []
    function = kept_autocast(function)

    def body(carry: list[Any], xs_now: list[Any]) -> tuple[list[Any], list[Any]]:
        result = function(rebuild(init, iter(carry)), rebuild(xs, iter(xs_now)))
        if not (isinstance(result, tuple) and len(result) == 2):
            raise GraphError(f"scan: the function returns (carry, y), two things; got a {type(result).__name__}")
        structure[:] = [result[1]]
        new = leaves(result[0])
        _check_carry(carry, new)
        return new, leaves(result[1])

    last, ys = (_program if _is_traced([*carry, *inputs]) else _in_a_row)(body, carry, inputs, reverse)
    if dim != 0:
        ys = [OPERATIONS["permute"](y, axes=np.argsort(_front(y.ndim, dim)).tolist()) for y in ys]
    return rebuild(init, iter(last)), rebuild(structure[0], iter(ys))


def _front(ndim: int, dim: int) -> tuple[int, ...]:
    """Return the order of axes in which ``dim`` comes first."""
    return (dim % ndim, *(i for i in range(ndim) if i != dim % ndim))


def _check_carry(before: Sequence[Any], after: Sequence[Any]) -> None:
    found = [(c.shape, c.dtype) for c in after]
    expected = [(c.shape, c.dtype) for c in before]
    if found != expected:
        raise ShapeError(f"scan: the carry must keep its shapes and dtypes; it came as {expected}, went as {found}")


def _is_traced(tensors: Sequence[Any]) -> bool:
    return trace_now.trace is not None or any(is_tracer(t._array) for t in tensors)


def _in_a_row(body: Body, carry: list[Any], xs: list[Any], reverse: bool) -> tuple[list[Any], list[Any]]:
    """Loop in Python; unbinding once instead of indexing each time makes the backward pass linear in the length."""
    places = list(zip(*[OPERATIONS["unbind"](x, axis=0) for x in xs], strict=True))
    found: list[list[Any]] = []
    for now_ in reversed(places) if reverse else places:
        carry, ys = body(carry, list(now_))
        found.append(ys)
    if reverse:
        found.reverse()
    return carry, [OPERATIONS["stack"](*each, axis=0) for each in zip(*found, strict=True)]


def _program(body: Body, carry: list[Any], xs: list[Any], reverse: bool) -> tuple[list[Any], list[Any]]:
    """Loop in XLA, as one node of the graph whose rules are loops of the same kind."""
    generator = current_generator()
    drawn = [False]

    def drawing(carry: list[Any], xs_now: list[Any]) -> tuple[list[Any], list[Any]]:
        """Run the body with the number of random draws so far in the carry: each step has its own."""
        *own, draws = carry
        outside = generator.draws._array
        generator.draws._array = draws._array
        try:
            new, ys = body(own, xs_now)
            after = generator.draws._array
        finally:
            generator.draws._array = outside
        drawn[0] = drawn[0] or after is not draws._array
        return [*new, wrap(after)], ys

    (*own, draws), ys = _recorded(drawing, [*carry, wrap(generator.draws._array)], xs, reverse)
    if drawn[0]:
        generator.draws._set(draws._array)
    return own, ys


def _recorded(body: Body, carry: list[Any], xs: list[Any], reverse: bool) -> tuple[list[Any], list[Any]]:
    if not mode.grad:
        return _looped(body, carry, xs, reverse)
    held: list[Any] = []
    count: list[int] = []

    def once(before: list[Any], xs_now: list[Any]) -> tuple[list[Any], list[Any]]:
        """Run one step, and find out which parameters it uses; the carries stay, for the way back."""
        since = now()
        opened = [fresh(x) if is_smooth(x) else x for x in (*before, *xs_now)]
        new, ys = body(opened[: len(before)], opened[len(before) :])
        held[:] = captured_by([*new, *ys], [x for x in opened if x._requires_grad], since)
        count[:] = [len(ys)]
        return new, [*ys, *before]

    last, stacked = _looped(once, carry, xs, reverse)
    ys, carries = stacked[: count[0]], stacked[count[0] :]
    n, k = len(carry), len(xs)

    def opened_step(before: list[Any], xs_now: list[Any]) -> tuple[list[Any], list[Any]]:
        opened = [fresh(x) if is_smooth(x) else x for x in (*before, *xs_now)]
        with enable_grad():
            new, ys = body(opened[:n], opened[n:])
        return [*new, *ys], opened

    def back(gs: tuple[Any, ...]) -> list[Any]:
        again = mode.grad
        # to be differentiated once more the carries must hang in the graph: they are computed anew
        kept = _recorded(lambda c, x: (body(c, x)[0], c), carry, xs, reverse)[1] if again else carries
        moving = [i for i, c in enumerate(carry) if is_smooth(c)]
        smooth = [i for i, x in enumerate(xs) if is_smooth(x)]
        live = [i for i in range(count[0]) if gs[n + i] is not None]

        def step(upstream: list[Any], given: list[Any]) -> tuple[list[Any], list[Any]]:
            outs, opened = opened_step(given[:n], given[n : n + k])
            inputs = [*(opened[i] for i in moving), *(opened[n + i] for i in smooth), *held]
            ends = [*(outs[i] for i in moving), *(outs[n + i] for i in live)]
            seeds = [*upstream[: len(moving)], *given[n + k :]]
            found = pull_back(ends, seeds, inputs, again, held)
            sums = [a + g for a, g in zip(upstream[len(moving) :], found[len(moving) + len(smooth) :], strict=True)]
            return [*found[: len(moving)], *sums], found[len(moving) : len(moving) + len(smooth)]

        start = [OPERATIONS["zeros_like"](wrap(last[i]._array)) if gs[i] is None else gs[i] for i in moving]
        start += [OPERATIONS["zeros_like"](wrap(h._array)) for h in held]
        first, each = _recorded(step, start, [*kept, *xs, *(gs[n + i] for i in live)], not reverse)
        results: list[Any] = [None] * (n + k)
        for i, g in zip(moving, first, strict=False):
            results[i] = g
        for i, g in zip(smooth, each, strict=True):
            results[n + i] = g
        return [*results, *first[len(moving) :]]

    def ahead(ts: tuple[Any, ...]) -> Any:
        moving = [i for i, c in enumerate(carry) if is_smooth(c)]
        known = [i for i in range(k) if ts[n + i] is not None]

        def step(state: list[Any], given: list[Any]) -> tuple[list[Any], list[Any]]:
            tangents: list[Any] = [None] * (n + k)
            for i, t in zip(moving, state[n:], strict=True):
                tangents[i] = t
            for i, t in zip(known, given[k:], strict=True):
                tangents[n + i] = t
            with keeping_all():
                outs, opened = opened_step(state[:n], given[:k])
                pushed = push_forward(outs, [*opened, *held], [*tangents, *ts[n + k :]])
            return [*outs[:n], *(pushed[i] for i in moving)], pushed[n:]

        start = [OPERATIONS["zeros_like"](wrap(carry[i]._array)) if ts[i] is None else ts[i] for i in moving]
        ends, pushed = _recorded(step, [*carry, *start], [*xs, *(ts[n + i] for i in known)], reverse)
        results: list[Any] = [None] * n
        for i, t in zip(moving, ends[n:], strict=True):
            results[i] = t
        return (*results, *pushed)

    arrays = tuple(t._array for t in (*last, *ys))
    outputs = record_call("scan", [*carry, *xs, *held], arrays, back, ahead)
    return list(outputs[:n]), list(outputs[n:])


def _looped(body: Body, carry: list[Any], xs: list[Any], reverse: bool) -> tuple[list[Any], list[Any]]:
    """Run the loop on arrays."""
    jnp = jax_modules().numpy
    dtypes = [c.dtype for c in carry]

    def on_arrays(arrays: Any, now_: Any) -> tuple[Any, Any]:
        new, ys = body([wrap(a) for a in arrays], [wrap(a) for a in now_])
        # to JAX a dtype that somebody asked for is another than one that came from a Python number
        return tuple(c._array.astype(d) for c, d in zip(new, dtypes, strict=True)), tuple(y._array for y in ys)

    init = tuple(c._array.astype(d) for c, d in zip(carry, dtypes, strict=True))
    last, ys = loop(jnp, on_arrays, init, tuple(x._array for x in xs), reverse=reverse)
    return [wrap(a) for a in last], [wrap(y) for y in ys]
