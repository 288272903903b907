"""Find all state that a step touches, and move it between the objects that own it and plain arrays."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from gradwright.engine.random import Generator
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.nn.module import Module
from gradwright.optim.optimizer import Optimizer

__all__ = ["Lifted", "NumberCell", "lift"]

_PLAIN = (str, bytes, int, float, complex, bool, type(None), type, types.ModuleType, types.BuiltinFunctionType)


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


@dataclass
class Lifted:
    """The state of a step: tensors, numbers, and the modules whose mode decides what is computed."""

    tensors: list[tuple[str, Tensor]] = field(default_factory=list)
    numbers: list[NumberCell] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    optimizers: list[Optimizer] = field(default_factory=list)
    parameters: list[tuple[str, Tensor]] = field(default_factory=list)  # those whose grad is state too
    ids: set[int] = field(default_factory=set)

    def off(self, cell: NumberCell, every: bool) -> bool:
        """Say whether the number stays in the program's text: zero where that means "not there", or no number."""
        value = cell.get()
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        return value == 0 and cell.zero_means_off and not every

    def mode_key(self) -> tuple[Any, ...]:
        """Return everything besides shapes that decides which program a call needs."""
        return (
            tuple(m.training for m in self.modules),
            tuple(p._requires_grad for _, p in self.parameters),
            tuple(p._grad is None for _, p in self.parameters),
        )


def lift(roots: Iterable[tuple[str, Any]]) -> Lifted:
    """Walk from named objects to every module, optimizer, generator and tensor behind them, each once."""
    found = Lifted()
    seen: set[int] = set()
    for path, root in roots:
        _visit(path, root, found, seen, 0)
    return found


def reachable(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    """Return what a function can reach without arguments: its closure, the globals it names, its ``self``."""
    roots: list[tuple[str, Any]] = []
    _reach(function, roots, set())
    return roots


def _reach(function: Any, roots: list[tuple[str, Any]], seen: set[int]) -> None:
    if isinstance(function, types.MethodType):
        roots.append((type(function.__self__).__name__, function.__self__))
        function = function.__func__
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    if not isinstance(function, types.FunctionType) or id(function) in seen:
        if not isinstance(function, types.FunctionType):
            roots.append(("step", function))
        return
    seen.add(id(function))
    named: list[tuple[str, Any]] = []
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            named.append((name, cell.cell_contents))
        except ValueError:  # not assigned yet
            continue
    names = _global_names(function.__code__)
    named += [(name, function.__globals__[name]) for name in names if name in function.__globals__]
    named += [(f"default {i}", v) for i, v in enumerate(function.__defaults__ or ())]
    named += list((function.__kwdefaults__ or {}).items())
    for name, value in named:
        if isinstance(value, types.FunctionType | types.MethodType):
            # helpers that the user wrote are part of the step; the library's own touch state only through objects
            if not (getattr(value, "__module__", "") or "").startswith("gradwright."):
                _reach(value, roots, seen)
        else:
            roots.append((name, value))


def _global_names(code: types.CodeType) -> list[str]:
    names = list(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):  # nested functions and comprehensions
            names += _global_names(constant)
    return list(dict.fromkeys(names))


def _visit(path: str, value: Any, found: Lifted, seen: set[int], depth: int) -> None:
    if isinstance(value, _PLAIN) or id(value) in seen or depth > 8:
        return
    seen.add(id(value))
    if isinstance(value, Tensor):
        _add_tensor(path, value, found)
    elif isinstance(value, Generator):
        _add_tensor(f"{path}.key", value.key, found)
        _add_tensor(f"{path}.draws", value.draws, found)
    elif isinstance(value, Module):
        _visit_module(path, value, found, seen, depth)
    elif isinstance(value, Optimizer):
        _visit_optimizer(path, value, found, seen, depth)
    elif isinstance(value, list | tuple | set | frozenset):
        for i, item in enumerate(value):
            _visit(f"{path}[{i}]", item, found, seen, depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _visit(f"{path}[{key!r}]", item, found, seen, depth + 1)
    elif hasattr(value, "__dict__") and not isinstance(value, types.FunctionType | types.MethodType):
        for key, item in vars(value).items():
            _visit(f"{path}.{key}", item, found, seen, depth + 1)


def _visit_module(path: str, module: Module, found: Lifted, seen: set[int], depth: int) -> None:
    for name, part in module.named_modules(path):
        seen.add(id(part))
        found.modules.append(part)
        for store in (part._parameters, part._buffers):
            for key, tensor in store.items():
                if tensor is not None:
                    _add_tensor(f"{name}.{key}", tensor, found)
        found.numbers += [
            NumberCell(f"{name}.{key}", part.__dict__, key, None, True)
            for key in part.hyperparameters
            if key in part.__dict__
        ]
        for key, item in part.__dict__.items():
            if not key.startswith("_") and key not in part.hyperparameters:
                _visit(f"{name}.{key}", item, found, seen, depth + 1)


def _visit_optimizer(path: str, optimizer: Optimizer, found: Lifted, seen: set[int], depth: int) -> None:
    found.optimizers.append(optimizer)
    for i, (group, steps) in enumerate(zip(optimizer.param_groups, optimizer._steps, strict=True)):
        for j, p in enumerate(group["params"]):
            _add_tensor(f"{path}.param_groups[{i}].params[{j}]", p, found)
            for name, slot in optimizer.state[p].items():
                _add_tensor(f"{path}.{name}[{i}][{j}]", slot, found)
        _add_tensor(f"{path}.step[{i}]", steps, found)
        for key in optimizer.hyperparameters:
            value = group[key]
            places = range(len(value)) if isinstance(value, tuple) else [None]
            found.numbers += [
                NumberCell(f"{path}.param_groups[{i}].{key}", group, key, k, key in optimizer.zero_means_off)
                for k in places
            ]


def _add_tensor(path: str, tensor: Tensor, found: Lifted) -> None:
    if id(tensor) in found.ids:
        return
    found.ids.add(id(tensor))
    found.tensors.append((path, tensor))
    if isinstance(tensor, Parameter) or tensor._requires_grad:
        found.parameters.append((path, tensor))
