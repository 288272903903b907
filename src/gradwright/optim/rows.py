"""Steps by row-sparse gradients: only the rows that were looked up move, and only they cost anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gradwright.engine.base import settle
from gradwright.engine.row_sparse import arrays_of, put_rows, take_rows
from gradwright.engine.tensor import Tensor
from gradwright.engine.tracing import trace_now
from gradwright.errors import ConfigError

if TYPE_CHECKING:
    from gradwright.optim.optimizer import Optimizer

__all__ = ["check_gradients", "step_rows"]

#: Hyperparameters that, unless they are 0, move rows without a gradient too.
_MOVE_ALL_ROWS = ("momentum", "weight_decay")


def check_gradients(optimizer: Optimizer, group: Mapping[str, Any], moved: list[int], rows: list[int]) -> None:
    """Refuse gradients that the rule does not take, before anything has changed.

    Parameters
    ----------
    moved, rows : list of int
        The parameters of the group that have a gradient, and which of them have a row-sparse one.
    """
    name = type(optimizer).__name__
    if not optimizer.dense:
        for i in moved:
            if i not in rows:
                raise ConfigError(
                    f"{name}: {_named(group, i)} has an ordinary gradient, but {name} takes row-sparse ones only. "
                    "Make its layer with sparse=True, or give it to another optimizer, such as Adam."
                )
    if rows and not optimizer.sparse:
        raise ConfigError(
            f"{name}: {_named(group, rows[0])} has a row-sparse gradient, which {name} does not take. "
            f"{', '.join(sorted(_takers()))} do; or make its layer with sparse=False."
        )
    for key in _MOVE_ALL_ROWS if rows else ():
        # a step that is being compiled has the number as an input; what counts is what it is now
        value = group.get(key, 0) if trace_now.trace is None else trace_now.trace.number(group.get(key, 0))
        if value != 0:
            raise ConfigError(
                f"{name}: {_named(group, rows[0])} has a row-sparse gradient, but {key}={value} would move other rows "
                f"too. Set {key}=0 for its group, or make its layer with sparse=False."
            )


def _named(group: Mapping[str, Any], i: int) -> str:
    p = group["params"][i]
    return f"{p.name or f'parameter {i}'} of shape {p.shape}"


def _takers() -> Iterator[str]:
    """Yield the names of the rules that take row-sparse gradients."""
    from gradwright.optim.optimizer import Optimizer

    waiting: list[type[Optimizer]] = [Optimizer]
    while waiting:
        rule = waiting.pop()
        waiting += rule.__subclasses__()
        if rule.sparse:
            yield rule.__name__


def step_rows(optimizer: Optimizer, xp: ModuleType, p: Tensor, step: dict[str, Any], group: Mapping[str, Any]) -> None:
    """Update those rows of a parameter and of its slots that its gradient lists."""
    grad: Any = p._grad
    rows, g = arrays_of(grad.coalesce())
    state = optimizer.state[p]
    # no name for a whole array: one that is held here too would be copied before it is written to
    old = {name: take_rows(settle(slot), rows) for name, slot in state.items()}
    new, slots = optimizer.update(xp, take_rows(settle(p), rows), g, old, step, group)
    put_rows(p, rows, new)
    for name, array in slots.items():
        put_rows(state[name], rows, array)
    if trace_now.trace is not None:
        trace_now.trace.consumed(p)
