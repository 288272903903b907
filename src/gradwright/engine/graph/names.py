"""What the user calls each tensor: its own name, or that of the variable that holds it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Any

from gradwright.engine.base import Edge, TensorBase
from gradwright.engine.lines import is_ours
from gradwright.engine.state import Stateful

__all__ = ["Names"]


class Names:
    """Names of tensors.

    Parameters
    ----------
    given : mapping from str to Tensor
        Names that the user gives; they come first.
    function : callable, optional
        Variables that it closes over and globals of its module are looked through as well.
    """

    def __init__(self, given: Mapping[str, TensorBase], function: Callable[..., Any] | None = None) -> None:
        self._edges: dict[Edge, str] = {}
        self._arrays: dict[int, str] = {}
        self._held: list[Any] = []  # arrays that are known by their id must outlive this
        self._take(given.items(), own_names=False)
        scopes: list[Mapping[str, Any]] = []
        frame = _users_frame()
        if frame is not None:
            scopes += [frame.f_locals, frame.f_globals]
        code = getattr(function, "__code__", None)
        if code is not None:
            cells = zip(code.co_freevars, getattr(function, "__closure__", None) or (), strict=False)
            scopes.insert(0, {name: cell.cell_contents for name, cell in cells if _filled(cell)})
            scopes.append(getattr(function, "__globals__", {}))
        for scope in scopes:
            self._take([(k, v) for k, v in list(scope.items()) if not k.startswith("_")], own_names=True)

    def of_edge(self, edge: Edge) -> str:
        """The name of what a node gives, or an empty string."""
        return self._edges.get(edge, "")

    def of_array(self, array: Any) -> str:
        """The name of the tensor that holds this very array, or an empty string."""
        return self._arrays.get(id(array), "")

    def _take(self, items: Iterable[tuple[str, Any]], *, own_names: bool) -> None:
        for name, value in items:
            if isinstance(value, TensorBase):
                self._name(value, (own_names and value.name) or name)
            elif isinstance(value, Stateful):
                # a module: its parameters go by their paths
                parts: Iterable[tuple[str, TensorBase]] = getattr(value, "named_parameters", tuple)()
                for path, parameter in parts:
                    self._name(parameter, parameter.name or path)

    def _name(self, tensor: TensorBase, name: str) -> None:
        if tensor._node is not None:
            self._edges.setdefault((tensor._node, tensor._index), name)
        else:
            self._arrays.setdefault(id(tensor._array), name)
            self._held.append(tensor._array)


def _users_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_ours(frame.f_code):
        frame = frame.f_back
    return frame


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # a variable that has no value yet
        return False
