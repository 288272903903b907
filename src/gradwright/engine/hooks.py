"""Hooks of tensors: functions that see a gradient when it has been added up, and may put another in its place."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import TracebackType
from typing import Any

from gradwright.engine.base import Leaf, Node, TensorBase
from gradwright.engine.op import wrap
from gradwright.engine.row_sparse import RowSparse
from gradwright.engine.state import structure_changed
from gradwright.errors import DTypeError, GraphError, ShapeError

__all__ = ["RemovableHandle", "register", "register_after", "run_hooks"]

_keys = itertools.count()


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes the hook away again; so does leaving a ``with`` block."""

    __slots__ = ("_hooks", "_leaf", "id")

    def __init__(self, hooks: dict[int, Any], key: int, leaf: bool = False) -> None:
        self._hooks = hooks
        self._leaf = leaf
        self.id = key

    def remove(self) -> None:
        """Take the hook away; doing it twice is fine."""
        if self._hooks.pop(self.id, None) is not None and self._leaf:
            structure_changed()

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def register(tensor: TensorBase, hook: Callable[[Any], Any]) -> RemovableHandle:
    """Let ``hook`` see each gradient of ``tensor``; what it returns, unless None, takes the gradient's place."""
    edge = tensor._edge()
    if edge is None:
        raise GraphError("register_hook: this tensor has requires_grad=False, so no gradient will come to it")
    if not callable(hook):
        raise DTypeError(f"register_hook: expected a function of the gradient, got {type(hook).__name__}")
    node, index = edge
    if node.hooks is None:
        node.hooks = {}
    return _entered(node, node.hooks, (index, hook))


def register_after(tensor: TensorBase, hook: Callable[[Any], None]) -> RemovableHandle:
    """Let ``hook`` see the leaf ``tensor`` whenever backward has added to its ``grad``."""
    edge = tensor._edge()
    if edge is None or not isinstance(edge[0], Leaf):
        raise GraphError(
            "register_post_accumulate_grad_hook: only leaf tensors with requires_grad=True have that moment"
        )
    leaf = edge[0]
    if leaf.after is None:
        leaf.after = {}
    return _entered(leaf, leaf.after, hook)


def _entered(node: Node | Leaf, hooks: dict[int, Any], entry: Any) -> RemovableHandle:
    key = next(_keys)
    hooks[key] = entry
    leaf = isinstance(node, Leaf)
    if leaf:
        structure_changed()  # a compiled step that ends in this leaf says something else now
    return RemovableHandle(hooks, key, leaf)


def run_hooks(hooks: dict[int, tuple[int, Callable[[Any], Any]]], index: int, g: Any) -> Any:
    """Show the gradient of output ``index`` to its hooks, in the order of their registration."""
    for at, hook in tuple(hooks.values()):
        if at != index:
            continue
        shown = g if isinstance(g, TensorBase | RowSparse) else wrap(g)
        new = hook(shown)
        if new is None:
            new = shown  # which the hook may have written to
        elif not isinstance(new, TensorBase | RowSparse):
            raise DTypeError(f"{_named(hook)}: a hook returns a Tensor or None, got {type(new).__name__}")
        if tuple(new.shape) != tuple(g.shape):
            raise ShapeError(
                f"{_named(hook)}: a gradient of shape {tuple(g.shape)} came in, but the hook returned "
                f"{tuple(new.shape)}"
            )
        g = new if isinstance(g, TensorBase) or isinstance(new, RowSparse) else new._array
    return g


def _named(hook: Any) -> str:
    return f"hook {getattr(hook, '__name__', type(hook).__name__)!r}"
