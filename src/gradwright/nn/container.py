"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradwright.engine.tensor import Tensor
from gradwright.nn.module import Module

__all__ = ["Flatten", "ModuleList", "Sequential"]


class Sequential(Module):
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
            if not isinstance(module, Module):
                raise TypeError(f"Sequential: part {name} is a {type(module).__name__}, not a Module")
            self.add_module(str(name), module)

    def forward(self, input: Any) -> Any:
        """Return the last part's output."""
        for module in self._modules.values():
            input = module(input)
        return input

    def append(self, module: Module) -> Sequential:
        """Add a part at the end."""
        self.add_module(str(len(self)), module)
        return self

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __getitem__(self, index: int | slice) -> Any:
        parts = list(self._modules.items())
        if isinstance(index, slice):
            return Sequential(dict(parts[index]))
        return parts[index][1]


class ModuleList(Module):
    """A list of modules whose parameters are found."""

    def __init__(self, modules: Any = ()) -> None:
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())


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
