"""Trading time for memory: keep a block's inputs, and run the block again when backward needs what is inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradwright.engine.ahead import keeping_all, push_forward
from gradwright.engine.autocast import kept_autocast
from gradwright.engine.call import record_call
from gradwright.engine.mode import enable_grad, mode
from gradwright.engine.random import current_generator
from gradwright.engine.transforms.opened import captured_by, fresh, is_smooth, now, pull_back
from gradwright.engine.transforms.tree import leaves, rebuild

__all__ = ["checkpoint"]


def checkpoint(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call ``function`` and keep nothing of its inside; backward calls it once more.

    A chain of n layers cut into √n blocks so needs memory for about 2√n layers instead of n, and one forward pass more
    (T. Chen et al., *Training deep nets with sublinear memory cost*, 2016). Random draws inside are repeated exactly.

    Parameters
    ----------
    function : callable
        From Tensors, or nests of them, to a Tensor or a nest; parameters that it uses get their gradients too. It must
        do the same each time it is called, and change nothing.
    *args, **kwargs
        Its arguments.

    Examples
    --------
    >>> import gradwright as gw
    >>> x = gw.tensor([0.5, 1.0], requires_grad=True)
    >>> y = gw.checkpoint(lambda x: x.exp().sin(), x)
    >>> y.sum().backward()
    >>> bool(gw.allclose(x.grad, x.exp().cos() * x.exp()))
    True
    """
    if not mode.grad:
        return function(*args, **kwargs)
    function = kept_autocast(function)
    xs = leaves((args, kwargs))
    generator = current_generator()
    draws = generator.draws._array

    def run() -> tuple[Any, list[Any]]:
        """Call the function on fresh inputs: what it gave, and the inputs."""
        opened = [fresh(x) if is_smooth(x) else x for x in xs]
        with enable_grad():
            positional, named = rebuild((args, kwargs), iter(opened))
            return function(*positional, **named), opened

    def again() -> tuple[list[Any], list[Any]]:
        later = generator.draws._array
        generator.draws._array = draws
        try:
            out, opened = run()
        finally:
            generator.draws._array = later
        return leaves(out), [*opened, *held]

    def reverse(gs: tuple[Any, ...]) -> list[Any]:
        recorded = mode.grad
        ys, inputs = again()
        live = [(y, g) for y, g in zip(ys, gs, strict=True) if g is not None]
        asking = [x for x in inputs if x._requires_grad]
        found = iter(pull_back([y for y, _ in live], [g for _, g in live], asking, recorded, held))
        return [next(found) if x._requires_grad else None for x in inputs]

    def ahead(ts: tuple[Any, ...]) -> Any:
        with keeping_all():
            ys, inputs = again()
            return tuple(push_forward(ys, inputs, ts))

    since = now()
    out, opened = run()
    ends = leaves(out)
    # Only now it shows which parameters the function uses. The graph of this first call is dropped with it.
    held = captured_by(ends, [x for x in opened if x._requires_grad], since)
    arrays = tuple(y._array for y in ends)
    structure = rebuild(out, iter([_PLACE] * len(ends)))
    del out, ends, opened
    return _fill(structure, iter(record_call("checkpoint", [*xs, *held], arrays, reverse, ahead)))


_PLACE = object()


def _fill(structure: Any, tensors: Any) -> Any:
    return rebuild(structure, iter(()), lambda x: next(tensors) if x is _PLACE else x)
