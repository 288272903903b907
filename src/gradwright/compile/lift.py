"""Find all state that a step touches, and move it between the objects that own it and plain arrays."""

from __future__ import annotations

import types
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from gradwright.engine.mode import mode
from gradwright.engine.row_sparse import RowSparse
from gradwright.engine.state import Stateful, changed_since
from gradwright.engine.tensor import Parameter, Tensor

__all__ = ["Lifted", "NumberCell", "lift"]

_DEEPEST = 8  # objects within objects
_PLAIN = (
    str,
    bytes,
    int,
    float,
    complex,
    bool,
    type(None),
    type,
    types.ModuleType,
    types.BuiltinFunctionType,
)
_OWN = __name__.rpartition(".")[0]  # the part that this module belongs to
_NUMBERS = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class NumberCell:
    """One hyperparameter that is a number: an entry of an object's dictionary, or one place of a tuple there."""

    path: str
    store: dict[str, Any]
    key: str
    place: int | None
    zero_means_off: bool

    def get(self) -> Any:
        """Return the value as it stands."""
        value = self.store[self.key]
        return value if self.place is None else value[self.place]

    def put(self, value: Any) -> None:
        """Replace the value."""
        if self.place is not None:
            parts = list(self.store[self.key])
            parts[self.place] = value
            value = tuple(parts)
        self.store[self.key] = value


@dataclass(frozen=True)
class Name:
    """A name that the step uses: an entry of a dictionary, or a closure's cell."""

    holder: Any
    key: str
    value: Any

    def now(self) -> Any:
        """Return what the name means now."""
        if isinstance(self.holder, types.CellType):
            try:
                return self.holder.cell_contents
            except ValueError:  # emptied
                return None
        return self.holder.get(self.key)


@dataclass
class Lifted:
    """The state of a step: tensors, numbers, and the objects whose mode decides what is computed."""

    tensors: list[tuple[str, Tensor]] = field(default_factory=list)
    numbers: list[NumberCell] = field(default_factory=list)
    modes: list[Any] = field(default_factory=list)
    parameters: list[tuple[str, Tensor]] = field(default_factory=list)  # those whose grad is state too
    ids: set[int] = field(default_factory=set)  # of the tensors
    owners: list[Stateful] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)  # by which the state was found
    constants: list[Name] = field(default_factory=list)  # plain values that stand in the program's text
    holders: list[tuple[Any, list[int]]] = field(default_factory=list)  # plain containers, and what they held
    _seen: set[int] = field(default_factory=set)
    _depth: int = 0

    def tensor(self, path: str, tensor: Tensor) -> None:
        """Take a tensor, once."""
        if id(tensor) in self.ids:
            return
        self.ids.add(id(tensor))
        self.tensors.append((path, tensor))
        if isinstance(tensor, Parameter) or tensor._requires_grad:
            self.parameters.append((path, tensor))

    def number(self, path: str, store: dict[str, Any], key: str, *, zero_means_off: bool) -> None:
        """Take a number, or each number of a tuple."""
        value = store[key]
        for place in range(len(value)) if isinstance(value, tuple) else [None]:
            self.numbers.append(NumberCell(path, store, key, place, zero_means_off))

    def constant(self, store: dict[str, Any], key: str) -> None:
        """Take a plain value that stands in the program's text."""
        self.constants.append(Name(store, key, store[key]))

    def mode(self, owner: Any) -> None:
        """Take an object whose ``training`` flag decides what is computed."""
        self.modes.append(owner)

    def visit(self, path: str, value: Any) -> None:
        """Look for state in a value: itself, its items, its attributes."""
        if isinstance(value, _PLAIN) or id(value) in self._seen or self._depth > _DEEPEST:
            return
        if type(value).__module__.startswith(_OWN):
            return  # a compiled step, met by its name: what it knows of state is not state
        self._seen.add(id(value))
        self._depth += 1
        try:
            if isinstance(value, Tensor):
                self.tensor(path, value)
            elif isinstance(value, Stateful):
                self.owners.append(value)
                value.lift_into(self, path)
            elif isinstance(value, list | tuple | set | frozenset):
                self.holders.append((value, _held(value)))
                for i, item in enumerate(value):
                    if isinstance(item, types.FunctionType | types.MethodType):
                        _reach(item, self, self._seen)  # a list of what is called after each update, say
                    self.visit(f"{path}[{i}]", item)
            elif isinstance(value, dict):
                self.holders.append((value, _held(value)))
                for key, item in value.items():
                    self.visit(f"{path}[{key!r}]", item)
            elif hasattr(value, "__dict__") and not isinstance(value, types.FunctionType | types.MethodType):
                self.holders.append((value, _held(value)))
                for key, item in vars(value).items():
                    if not isinstance(item, _PLAIN):
                        self.names.append(Name(vars(value), key, item))
                    self.visit(f"{path}.{key}", item)
        finally:
            self._depth -= 1

    def off(self, index: int, on: bool | Container[int]) -> bool:
        """Say whether a number stays in the program's text: zero where that means "not there", or no number.

        ``on`` says which zeros are inputs all the same: all of them, or those with these indices.
        """
        cell = self.numbers[index]
        value = cell.get()
        if isinstance(value, bool) or not isinstance(value, Real):  # NumPy's numbers too
            return True
        return value == 0 and cell.zero_means_off and not (on if isinstance(on, bool) else index in on)

    def mode_key(self) -> tuple[Any, ...]:
        """Return everything besides shapes that decides which program a call needs."""
        return (
            tuple(m.training for m in self.modes),
            tuple(p._requires_grad for _, p in self.parameters),
            tuple(g.indices.shape if type(g := p._grad) is RowSparse else g is None for _, p in self.parameters),
            tuple(name.now() for name in self.constants),
            mode.autocast,
        )

    def changed_since(self, version: int) -> bool:
        """Say whether an object that was found, or a container of such, has changed since a structure version."""
        return changed_since(version, self.owners) or any(_held(holder) != held for holder, held in self.holders)

    def moved(self) -> bool:
        """Say whether any name by which the state was found means another object now."""
        return any(name.now() is not name.value for name in self.names)


def _held(holder: Any) -> list[int]:
    """Return the identities of what a container, or a plain object's attributes, hold; plain values are no state."""
    if isinstance(holder, dict):
        items: Iterable[Any] = holder.values()
    else:
        items = holder if isinstance(holder, list | tuple | set | frozenset) else vars(holder).values()
    return [id(item) for item in items if not isinstance(item, _PLAIN)]


def lift(function: Callable[..., Any], more: Iterable[tuple[str, Any]]) -> Lifted:
    """Walk from a step to every tensor and hyperparameter behind it, each once.

    Parameters
    ----------
    function : callable
        The step; what it can reach without arguments is its closure, the globals it names, its defaults, its ``self``.
    more : iterable of (path, object)
        Further objects that hold state.
    """
    found = Lifted()
    for path, value in more:
        found.visit(path, value)
    _reach(function, found, set())
    return found


def _reach(function: Any, found: Lifted, seen: set[int]) -> None:
    if isinstance(function, types.MethodType):
        found.visit(type(function.__self__).__name__, function.__self__)
        function = function.__func__
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    if not isinstance(function, types.FunctionType):
        found.visit("step", function)
        return
    if id(function) in seen:
        return
    seen.add(id(function))
    names = [Name(c, n, None) for n, c in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)]
    names += [
        Name(function.__globals__, n, None) for n in _global_names(function.__code__) if n in function.__globals__
    ]
    names += [
        Name({"": v}, "", None) for v in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    ]
    for name in names:
        value = name.now()
        if isinstance(value, _NUMBERS):
            found.constants.append(name)
            continue
        found.names.append(Name(name.holder, name.key, value))
        if isinstance(value, types.FunctionType | types.MethodType):
            # helpers that the user wrote are part of the step; the library's own touch state only through objects
            if not (getattr(value, "__module__", "") or "").startswith("gradwright."):
                _reach(value, found, seen)
        else:
            found.visit(name.key or "default", value)


def _global_names(code: types.CodeType) -> list[str]:
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):  # nested functions and comprehensions
            names += _global_names(constant)
    return list(dict.fromkeys(names))
