"""A function of one example as a function of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradwright.backend import is_tracer, jax_modules, threefry, to_numpy
from gradwright.engine.ahead import keeping_all, push_forward
from gradwright.engine.autocast import kept_autocast
from gradwright.engine.call import record_call
from gradwright.engine.mode import enable_grad, mode, no_grad
from gradwright.engine.op import OPERATIONS, wrap
from gradwright.engine.random import Generator, current_generator, use_generator
from gradwright.engine.transforms.opened import captured_by, fresh, is_smooth, now, pull_back
from gradwright.engine.transforms.tree import leaves, rebuild
from gradwright.errors import ConfigError, GraphError, ShapeError

__all__ = ["vmap"]

Flat = Callable[[list[Any]], list[Any]]


def vmap(
    function: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error"
) -> Callable[..., Any]:
    """Return ``function`` mapped over an axis of its arguments, as one vectorised call.

    Equation: vmap(f)(x)[i] = f(x[i]).

    Parameters
    ----------
    function : callable
        From Tensors, or nests of them, to a Tensor or a nest; it may use derivatives itself, such as :func:`grad`.
    in_dims : int, None, or a tuple of them
        For each argument the axis to map over; None gives every call the whole argument.
    out_dims : int or tuple of int
        Where the mapped axis goes in the outputs.
    randomness : "error", "same" or "different"
        What random draws inside do: are refused, are the same for all examples, or differ.

    Returns
    -------
    callable
        Differentiable in both modes, also with respect to parameters that the function uses.

    Raises
    ------
    ShapeError
        When the mapped axes differ in length, or there is none.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> gw.vmap(gw.func.grad(lambda row: (row ** 2).sum()))(x)
    tensor([[2., 4.],
            [6., 8.]])
    """
    if randomness not in ("error", "same", "different"):
        raise ConfigError(f"vmap: randomness must be 'error', 'same' or 'different', got {randomness!r}")

    def mapped(*args: Any) -> Any:
        per_argument = (in_dims,) * len(args) if in_dims is None or isinstance(in_dims, int) else tuple(in_dims)
        if len(per_argument) != len(args):
            raise ShapeError(f"vmap: in_dims has {len(per_argument)} entries for {len(args)} arguments")
        dims = [d for arg, d in zip(args, per_argument, strict=True) for _ in leaves(arg)]
        xs = leaves(args)
        lengths = {x.shape[d] for x, d in zip(xs, dims, strict=True) if d is not None}
        if len(lengths) != 1:
            shapes = ", ".join(f"{x.shape} along {d}" for x, d in zip(xs, dims, strict=True))
            raise ShapeError(f"vmap: the mapped axes must have one length; the arguments are {shapes}")
        (count,) = lengths
        fronted = [x if d is None else _moved(x, d, 0) for x, d in zip(xs, dims, strict=True)]
        structure: list[Any] = []
        inside = kept_autocast(function)

        def flat(moved: list[Any]) -> list[Any]:
            out = inside(*rebuild(args, iter(moved)))
            structure[:] = [out]
            ys = leaves(out)
            rebuild(out, iter(ys), _refuse)
            return ys

        outs = _map(flat, fronted, [d is not None for d in dims], count, randomness)
        ends = (out_dims,) * len(outs) if isinstance(out_dims, int) else tuple(out_dims)
        return rebuild(structure[0], iter([_moved(y, 0, d) for y, d in zip(outs, ends, strict=True)]))

    return mapped


def _refuse(value: Any) -> Any:
    raise GraphError(f"vmap: the function must return Tensors, got {type(value).__name__}")


def _moved(x: Any, source: int, target: int) -> Any:
    if source % x.ndim == target % x.ndim:
        return x
    order = [i for i in range(x.ndim) if i != source % x.ndim]
    order.insert(target % x.ndim, source % x.ndim)
    return OPERATIONS["permute"](x, axes=tuple(order))


def _map(function: Flat, xs: Sequence[Any], batched: Sequence[bool], count: int, randomness: str) -> list[Any]:
    """Map a flat function over the first axis of those inputs that are batched; the outputs' first axis is mapped."""
    held: list[Any] = []
    recorded = mode.grad

    def once(moved: list[Any]) -> list[Any]:
        """Run one example, and find out which parameters the function uses."""
        if not recorded:
            with no_grad():
                return function(moved)
        since = now()
        opened = [fresh(x) if is_smooth(x) else x for x in moved]
        ys = function(opened)
        held[:] = captured_by(ys, [x for x in opened if x._requires_grad], since)
        return ys

    arrays = tuple(_vectorised(once, xs, batched, count, randomness))

    def open_all(moved: list[Any]) -> tuple[list[Any], list[Any]]:
        opened = [fresh(x) if is_smooth(x) else x for x in moved]
        with enable_grad():
            return function(opened), [*opened, *held]

    def reverse(gs: tuple[Any, ...]) -> list[Any]:
        again = mode.grad
        live = [k for k, g in enumerate(gs) if g is not None]
        smooth = [is_smooth(x) for x in (*xs, *held)]

        def back(moved: list[Any]) -> list[Any]:
            ys, inputs = open_all(moved[: len(xs)])
            asking = [x for x, s in zip(inputs, smooth, strict=True) if s]
            return pull_back([ys[k] for k in live], moved[len(xs) :], asking, again, held)

        given = [gs[k] for k in live]
        found = iter(_map(back, [*xs, *given], [*batched, *[True] * len(live)], count, "same"))
        every = [next(found) if s else None for s in smooth]
        is_batched = [*batched, *[False] * len(held)]
        # what all examples share gets the sum of their gradients
        return [g if b or g is None else OPERATIONS["sum"](g, axis=0) for g, b in zip(every, is_batched, strict=True)]

    def ahead(ts: tuple[Any, ...]) -> Any:
        places = [i for i, t in enumerate(ts) if t is not None]

        def push(moved: list[Any]) -> list[Any]:
            with keeping_all():
                ys, inputs = open_all(moved[: len(xs)])
                tangents: list[Any] = [None] * len(inputs)
                for i, t in zip(places, moved[len(xs) :], strict=True):
                    tangents[i] = t
                return push_forward(ys, inputs, tangents)

        is_batched = [*batched, *[False] * len(held)]
        return tuple(
            _map(push, [*xs, *[ts[i] for i in places]], [*batched, *[is_batched[i] for i in places]], count, "same")
        )

    inputs = [*xs, *held]
    return list(record_call("vmap", inputs, arrays, reverse, ahead))


def _vectorised(function: Flat, xs: Sequence[Any], batched: Sequence[bool], count: int, randomness: str) -> list[Any]:
    """Run a flat function on arrays under JAX's batching; the arrays come back as they went in, NumPy's or tracers."""
    jax = jax_modules().jax
    generator = current_generator()
    key, draws = generator.key._array, generator.draws._array

    def on_arrays(index: Any, *arrays: Any) -> list[Any]:
        with use_generator(generator if randomness != "different" else _own_stream(key, draws, index)):
            ys = function([wrap(a) for a in arrays])
        return [y._array for y in ys]

    with jax.enable_x64(True):
        found = jax.vmap(on_arrays, in_axes=(0, *[0 if b else None for b in batched]), out_axes=0)(
            np.arange(count, dtype=np.uint32), *[x._array for x in xs]
        )
    if randomness == "different":
        generator.draws._set(draws + np.uint32(1) if is_tracer(draws) else np.asarray(int(draws) + 1, np.uint32))
    elif randomness == "error" and generator.draws._array is not draws:
        generator.draws._set(draws)
        raise GraphError(
            "vmap: the function draws random numbers. Say whether all examples get the same (randomness='same') or "
            "each its own (randomness='different')."
        )
    return [a if is_tracer(a) else to_numpy(a) for a in found]


def _own_stream(key: Any, draws: Any, index: Any) -> Generator:
    """Return a generator for one example: its key is the stream's, encrypted with the example's number."""
    jnp = jax_modules().numpy
    key = jnp.asarray(key)
    own = Generator()
    own.key._array = jnp.stack(threefry(key[0], key[1], jnp.asarray(draws), index))
    own.draws._array = jnp.zeros((), np.uint32)
    return own
