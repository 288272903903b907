"""Whether two steps are one program: compared by what they hold, as tracing each of many members takes seconds."""

from __future__ import annotations

import enum
import functools
import sys
import types
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np

from gradwright.backend import is_array
from gradwright.compile.lift import Lifted
from gradwright.engine.op import Op
from gradwright.engine.tensor import Tensor

__all__ = ["signature"]

#: Types whose values say all of themselves.
_PLAIN = (str, bytes, int, bool, type(None), np.dtype)
_OWN = frozenset({"_structure"})  # what an object notes for the compiler
_HOST = ("initial_", "max_", "min_", "base_")  # begin the numbers that schedules note in an optimizer's groups
_COMPILED = __name__.rpartition(".")[0]
_HOOKS = ("gradwright.nn.hooks", "Hooks")


def signature(lifted: Lifted, function: Any) -> tuple[Any, ...]:
    """Return what decides the program of a step, up to the numbers and tensors that are its inputs.

    Two steps with equal signatures are traced to the same text: the same functions with the same values in their
    closures and defaults, on objects of the same types with the same attributes, whatever containers these are in, in
    the same modes, on tensors of the same shapes in the same places. What cannot be looked into is alike only when it
    is the same object. It errs on the side of difference.

    Parameters
    ----------
    lifted : Lifted
        The step's state.
    function : callable
        The step.
    """
    walk = _Walk(lifted)
    try:
        says = walk.says(function)
    except RecursionError:  # containers in containers, hundreds deep
        says = _Same(function)
    return (
        tuple((path, t.shape, str(t.dtype), t._requires_grad) for path, t in lifted.tensors),
        tuple((c.path, c.key, c.place, walk.says_number(c.get())) for c in lifted.numbers),
        lifted.mode_key(),
        says,
    )


class _Walk:
    """Says what a step is made of; an object that comes again is named by its place, as are the state's tensors."""

    def __init__(self, lifted: Lifted) -> None:
        self._tensors = {id(tensor): i for i, (_, tensor) in enumerate(lifted.tensors)}
        self._numbers = {(id(cell.store), cell.key) for cell in lifted.numbers}
        self._met: dict[int, tuple[int, Any]] = {}  # with the object, so that its id stays its own

    def says_number(self, value: Any) -> Any:
        """Say whether a hyperparameter is a number, an input; anything else stands in the program's text."""
        return "a number" if isinstance(value, Real) and not isinstance(value, bool) else self.says(value)

    def says(self, value: Any) -> Any:
        """Say what a value is."""
        kind = type(value)
        if kind in _PLAIN or isinstance(value, np.dtype):
            return kind, value
        if kind is float:
            return kind, value.hex()  # NaN equals itself, and 0 is not -0
        if isinstance(value, complex | np.generic):
            return kind, np.asarray(value).tobytes()
        if isinstance(value, Tensor):
            place = self._tensors.get(id(value))
            return (kind, place) if place is not None else (kind, _Array(np.asarray(value._array)))
        if kind is not np.ndarray and is_array(value):
            return kind, _Array(np.asarray(value))
        if kind is np.ndarray:
            return kind, _Array(value) if value.dtype != object else self._all(value.tolist())
        if kind in (range, slice):
            return kind, self._all((value.start, value.stop, value.step))
        if isinstance(value, type | types.ModuleType | enum.Enum | Op) or _importable(value):
            return _Same(value)
        if kind in (tuple, frozenset):
            return kind, self._all(value)
        if id(value) in self._met:
            return "met", self._met[id(value)][0]
        self._met[id(value)] = len(self._met), value
        if _is_schedule(value):
            return "a schedule"  # of which a program has only the numbers of its optimizer
        return kind, self._inside(value)

    def _all(self, values: Any) -> tuple[Any, ...]:
        return tuple([self.says(value) for value in values])

    def _inside(self, value: Any) -> Any:
        """Say what is in an object."""
        if isinstance(value, types.FunctionType):
            cells = [_contents(cell) for cell in value.__closure__ or ()]
            return (
                value.__code__, _Same(value.__globals__), self._all(cells), self.says(value.__defaults__),
                self._entries(value.__kwdefaults__ or {}), self._entries(vars(value)),
            )  # fmt: skip
        if isinstance(value, types.MethodType):
            return self.says(value.__func__), self.says(value.__self__)
        if isinstance(value, types.BuiltinFunctionType | types.MethodWrapperType):
            return value.__name__, self.says(value.__self__)
        if isinstance(value, functools.partial):
            return self.says(value.func), self._all(value.args), self._entries(value.keywords)
        if type(value).__module__.startswith(_COMPILED):
            return None  # a compiled step that was met: what it knows of state is not state
        if (type(value).__module__, type(value).__name__) == _HOOKS:  # their keys are counted through all modules
            return tuple((kind, self._all(hooks.values())) for kind, hooks in vars(value).items())
        parts: list[Any] = []
        if isinstance(value, dict | types.MappingProxyType):
            parts.append(self._entries(value))
        elif isinstance(value, list | tuple | set | frozenset | deque):
            parts.append(self._all(value))
        elif isinstance(value, str | bytes | int | float):
            parts.append(repr(value))
        elif any(base is not object and not base.__flags__ & _HEAP for base in type(value).__mro__):
            parts.append(_Same(value))  # made in C, which holds what cannot be seen
        attributes = _attributes(value)
        if attributes is None and not parts:
            return _Same(value)
        if attributes and hasattr(value, "param_groups"):
            attributes = self._optimizer(value, attributes)
        if attributes:
            parts.append(self._entries(attributes, vars(value) if hasattr(value, "__dict__") else None))
        return tuple(parts)

    def _entries(self, entries: Mapping[Any, Any], store: Any = None) -> tuple[Any, ...]:
        """Say what is in a dictionary, but for the numbers that are inputs."""
        own = id(entries if store is None else store)
        return tuple(
            [
                (self.says(key), self.says(value))
                for key, value in entries.items()
                if not (isinstance(key, str) and (key in _OWN or (own, key) in self._numbers))
            ]
        )

    def _optimizer(self, value: Any, attributes: dict[str, Any]) -> dict[str, Any]:
        """Leave out of an optimizer what is no part of its program: defaults, and what schedules note in its groups."""
        kept = {key: entry for key, entry in attributes.items() if key not in ("defaults", "param_groups")}
        if "param_groups" in attributes:
            inputs = self._numbers
            kept["param_groups"] = [
                tuple(
                    (key, entry)
                    for key, entry in group.items()
                    if (id(group), key) not in inputs and not (type(entry) is float and key.startswith(_HOST))
                )
                for group in value.param_groups
            ]
        return kept


_HEAP = 1 << 9  # of a type's flags: it was made while Python ran


class _Same:
    """Equal to itself only."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is _Same and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


class _Array:
    """Equal to an array of the same numbers, bit for bit; looked at only when it comes to that."""

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __eq__(self, other: object) -> bool:
        if type(other) is not _Array or hash(other) != hash(self):
            return False
        return other.array is self.array or other.array.tobytes() == self.array.tobytes()

    def __hash__(self) -> int:
        return hash((self.array.shape, str(self.array.dtype)))


def _is_schedule(value: Any) -> bool:
    """A schedule runs on the host."""
    return not hasattr(value, "param_groups") and hasattr(value, "optimizer") and hasattr(value, "step")


def _importable(value: Any) -> bool:
    """Say whether it is a function at the top of a module: the same object for all."""
    if not isinstance(value, types.FunctionType | types.BuiltinFunctionType):
        return False
    module: Any = sys.modules.get(value.__module__ or "")
    return module is not None and getattr(module, value.__name__, None) is value


def _contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was put into it yet
        return _contents


def _attributes(value: Any) -> dict[str, Any] | None:
    """Return an object's attributes, those in slots too; None where it has no place for any."""
    found: dict[str, Any] = dict(getattr(value, "__dict__", {}))
    slots = _slots(type(value))
    for name, slot in slots:
        try:
            found[name] = slot(value)
        except AttributeError:  # empty
            continue
    return found if slots or hasattr(value, "__dict__") else None


_Slots = tuple[tuple[str, Callable[[Any], Any]], ...]
_KNOWN: weakref.WeakKeyDictionary[type, _Slots] = weakref.WeakKeyDictionary()


def _slots(kind: type) -> _Slots:
    """Return the slots of a type, by name, and what reads each; looked for once."""
    if kind not in _KNOWN:
        _KNOWN[kind] = tuple(
            (f"{base.__qualname__}.{name}", entry.__get__)
            for base in kind.__mro__
            for name, entry in vars(base).items()
            if isinstance(entry, types.MemberDescriptorType)
        )
    return _KNOWN[kind]
