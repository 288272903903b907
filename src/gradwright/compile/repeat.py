"""A loop inside a compiled step whose body changes state: gradients, running statistics, the random stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradwright.backend import jax_modules, namespace
from gradwright.compile.trace import _flatten
from gradwright.engine.op import wrap
from gradwright.engine.row_sparse import RowSparse
from gradwright.engine.tracing import trace_now

__all__ = ["repeat"]


def repeat(function: Callable[..., Any], *xs: Any) -> Any:
    """Call ``function`` on each row of the Tensors ``xs`` in turn and return what it gave, stacked.

    While a step is compiled this is one loop of the program, so that what a call keeps is let go of before the next
    one; the state that the step holds goes round with the loop. Elsewhere, and where gradients are row-sparse, whose
    length differs from call to call, it is a Python loop.

    Parameters
    ----------
    function : callable
        From one row of each to a Tensor, or a nest of them; it may run ``backward()`` and write to what the step holds.
    *xs : Tensor (n, …)
    """
    trace: Any = trace_now.trace
    found = None if trace is None else _probe(trace, function, xs)
    if found is None:
        return _stacked([function(*[x[i] for x in xs]) for i in range(len(xs[0]))])
    return _loop(trace, function, xs, *found)


def _stacked(results: list[Any]) -> Any:
    parts = [_flatten(r)[0] for r in results]
    return _flatten(results[0])[1]([namespace(list(each)).stack(each) for each in zip(*parts, strict=True)])


def _probe(trace: Any, function: Callable[..., Any], xs: tuple[Any, ...]) -> tuple[list[int], list[int], Any] | None:
    """Call the function once on shapes: which tensors it writes, which parameters get a gradient, what it gives."""
    jax = jax_modules().jax
    tensors, parameters = [t for _, t in trace.lifted.tensors], [p for _, p in trace.lifted.parameters]
    arrays, grads = [t._array for t in tensors], [p._grad for p in parameters]
    checks, found = list(trace.checks), []

    def probe(rows: list[Any]) -> list[Any]:
        leaves, rebuild = _flatten(function(*[wrap(r) for r in rows]))
        written = [i for i, (t, a) in enumerate(zip(tensors, arrays, strict=True)) if t._array is not a]
        reached = [i for i, (p, g) in enumerate(zip(parameters, grads, strict=True)) if p._grad is not g]
        dense = all(type(parameters[i]._grad) is not RowSparse and type(grads[i]) is not RowSparse for i in reached)
        found.append((written, reached, rebuild) if dense else None)
        return leaves

    try:
        jax.eval_shape(probe, [x._array[0] for x in xs])
    finally:
        _put(tensors, arrays, parameters, grads)
        trace.checks[:] = checks  # the loop's own pass asks for them again
    return found[0]


def _loop(
    trace: Any, function: Callable[..., Any], xs: tuple[Any, ...], written: list[int], reached: list[int], rebuild: Any
) -> Any:
    jnp, lax = jax_modules().numpy, jax_modules().lax
    tensors = [trace.lifted.tensors[i][1] for i in written]
    parameters = [trace.lifted.parameters[i][1] for i in reached]

    def body(carry: Any, rows: list[Any]) -> Any:
        _put(tensors, carry[0], parameters, [wrap(g) for g in carry[1]])
        leaves, _ = _flatten(function(*[wrap(r) for r in rows]))
        after = [t._array for t in tensors], [p._grad._array for p in parameters]
        # to JAX a dtype that somebody asked for is another than one that came from a Python number
        return [
            [b.astype(a.dtype) for a, b in zip(*each, strict=True)] for each in zip(carry, after, strict=True)
        ], leaves

    before = [t._array for t in tensors], [p._grad for p in parameters]
    grads = [jnp.zeros(p.shape, p.dtype) if p._grad is None else p._grad._array for p in parameters]
    try:
        last, leaves = lax.scan(body, [list(before[0]), grads], [x._array for x in xs])
    except BaseException:
        _put(tensors, before[0], parameters, before[1])
        raise
    _put(tensors, last[0], parameters, [wrap(g) for g in last[1]])
    return rebuild(leaves)


def _put(tensors: list[Any], arrays: list[Any], parameters: list[Any], grads: list[Any]) -> None:
    for tensor, array in zip(tensors, arrays, strict=True):
        tensor._array = array
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter._grad = grad
