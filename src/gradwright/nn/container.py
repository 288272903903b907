"""Modules made of modules, in a row or by name."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn, TypeVar

from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, IndexOutOfRangeError
from gradwright.nn.module import Module

__all__ = ["Flatten", "ModuleDict", "ModuleList", "Sequential"]

Row = TypeVar("Row", bound="_Row")


def _need_module(owner: Module, name: Any, module: Any) -> Module:
    if not isinstance(module, Module):
        raise TypeError(f"{type(owner).__name__}: part {name} is a {type(module).__name__}, not a Module")
    return module


class _Row(Module):
    """Modules in an order, numbered from 0."""

    def _place_of(self, index: Any) -> int:
        i = operator.index(index)
        if not -len(self) <= i < len(self):
            raise IndexOutOfRangeError(f"{type(self).__name__}: index {i} of {len(self)} parts")
        return i % len(self)

    def _put(self, parts: Iterable[Module]) -> None:
        """Hold these parts instead, numbered anew."""
        new = list(parts)
        for name in list(self._modules):
            delattr(self, name)
        for i, module in enumerate(new):
            self.add_module(str(i), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __contains__(self, module: object) -> bool:
        return any(m is module for m in self)

    def __getitem__(self, index: Any) -> Any:
        parts = list(self._modules.items())
        if isinstance(index, slice):
            return self._sliced(parts[index])
        return parts[self._place_of(index)][1]

    def _sliced(self, parts: list[tuple[str, Any]]) -> Any:
        raise NotImplementedError

    def __setitem__(self, index: Any, module: Module) -> None:
        name = list(self._modules)[self._place_of(index)]
        setattr(self, name, _need_module(self, name, module))

    def __delitem__(self, index: Any) -> None:
        parts = list(self)
        del parts[index if isinstance(index, slice) else self._place_of(index)]
        self._put(parts)

    def append(self: Row, module: Module) -> Row:
        """Add a part at the end."""
        self.add_module(str(len(self)), _need_module(self, len(self), module))
        return self

    def insert(self: Row, index: int, module: Module) -> Row:
        """Add a part before the one at ``index``."""
        parts = list(self)
        parts.insert(index, _need_module(self, index, module))
        self._put(parts)
        return self

    def extend(self: Row, modules: Iterable[Module]) -> Row:
        """Add parts at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def pop(self, index: int = -1) -> Any:
        """Take a part out and return it."""
        part = self[index]
        del self[index]
        return part


class Sequential(_Row):
    """Run modules one after the other.

    Parameters
    ----------
    *args : Module, or one dict of name → Module
        The parts, in order.

    Examples
    --------
    >>> from gradwright import nn
    >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    >>> len(net), net[-1].out_features
    (3, 3)
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        parts = args[0].items() if len(args) == 1 and isinstance(args[0], dict) else enumerate(args)
        for name, module in parts:
            self.add_module(str(name), _need_module(self, name, module))

    def forward(self, input: Any) -> Any:
        """Return the last part's output."""
        for module in self._modules.values():
            input = module(input)
        return input

    def _sliced(self, parts: list[tuple[str, Any]]) -> Sequential:
        return Sequential(dict(parts))

    def __add__(self, other: Any) -> Sequential:
        if not isinstance(other, Sequential):
            return NotImplemented
        return Sequential(*self, *other)

    def __iadd__(self, other: Any) -> Sequential:
        if not isinstance(other, Sequential):
            return NotImplemented
        return self.extend(other)

    def __mul__(self, times: int) -> Sequential:
        """Run the same parts, not copies, ``times`` times one after the other."""
        if not isinstance(times, int) or times < 1:
            raise ConfigError(f"Sequential * {times!r:.40}: a network is repeated 1, 2, 3, … times")
        return Sequential(*list(self) * times)

    __rmul__ = __mul__


class ModuleList(_Row):
    """A list of modules whose parameters are found; it computes nothing itself.

    Parameters
    ----------
    modules : iterable of Module, optional
        The parts.

    Examples
    --------
    >>> from gradwright import nn
    >>> heads = nn.ModuleList(nn.Linear(4, k) for k in (1, 2))
    >>> [head.out_features for head in heads], list(heads.state_dict())[0]
    ([1, 2], '0.weight')
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _sliced(self, parts: list[tuple[str, Any]]) -> ModuleList:
        return ModuleList(module for _, module in parts)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __iadd__(self, modules: Iterable[Module]) -> ModuleList:
        return self.extend(modules)

    def __repr__(self) -> str:
        """Say equal neighbours once, as ``(0-5): 6 x …``."""
        texts = [repr(module) for module in self]
        lines, start = [], 0
        for end in range(1, len(texts) + 1):
            if end == len(texts) or texts[end] != texts[start]:
                many = end - start > 1
                name = f"({start}-{end - 1}): {end - start} x " if many else f"({start}): "
                lines.append("  " + name + texts[start].replace("\n", "\n  "))
                start = end
        return "\n".join([f"{type(self).__name__}(", *lines, ")"]) if lines else f"{type(self).__name__}()"

    def forward(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise: which part runs when is for the module that holds the list to say."""
        raise TypeError(f"{type(self).__name__} computes nothing itself: call its parts, as in `for part in parts: …`")


class ModuleDict(Module):
    """A dictionary of modules whose parameters are found; it computes nothing itself.

    Parameters
    ----------
    modules : mapping of name → Module, or iterable of pairs, optional
        The parts.

    Examples
    --------
    >>> from gradwright import nn
    >>> choices = nn.ModuleDict({"relu": nn.ReLU(), "tanh": nn.Tanh()})
    >>> choices["tanh"], "gelu" in choices
    (Tanh(), False)
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, _need_module(self, key, module))

    def __delitem__(self, key: str) -> None:
        if key not in self._modules:
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def keys(self) -> Iterable[str]:
        """Return the names."""
        return self._modules.keys()

    def values(self) -> Iterable[Any]:
        """Return the modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Return pairs of name and module."""
        return self._modules.items()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add these, or put them in the place of those of the same names."""
        pairs = modules.items() if isinstance(modules, Mapping | ModuleDict) else modules
        for key, module in pairs:
            self[key] = module

    def pop(self, key: str) -> Any:
        """Take a part out and return it."""
        part = self[key]
        del self[key]
        return part

    def clear(self) -> None:
        """Take all parts out."""
        for key in list(self):
            del self[key]

    forward = ModuleList.forward


class Flatten(Module):
    """Fold the axes from ``start_dim`` to ``end_dim`` into one: (N, 28, 28) becomes (N, 784)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with the axes folded."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
