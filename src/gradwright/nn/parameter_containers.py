"""Parameters in a row or by name."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import DTypeError, IndexOutOfRangeError
from gradwright.nn.module import Module

__all__ = ["ParameterDict", "ParameterList"]


def _as_parameter(owner: Module, value: Any) -> Parameter:
    if isinstance(value, Parameter):
        return value
    if isinstance(value, Tensor):
        return Parameter(value)
    raise DTypeError(f"{type(owner).__name__}: expected Parameters or Tensors, got a {type(value).__name__}")


def _shown(name: object, parameter: Parameter) -> str:
    return f"({name}): Parameter of shape {parameter.shape}, {parameter.dtype}"


class ParameterList(Module):
    """A list of parameters that a module learns; Tensors become Parameters.

    Parameters
    ----------
    values : iterable of Parameter or Tensor, optional
        The parameters.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> scales = nn.ParameterList([gw.ones(2), gw.ones(3)])
    >>> len(scales), list(scales.state_dict()), scales[1].requires_grad
    (2, ['0', '1'], True)
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend(values or ())

    def _name(self, index: Any) -> str:
        i = operator.index(index)
        if not -len(self) <= i < len(self):
            raise IndexOutOfRangeError(f"{type(self).__name__}: index {i} of {len(self)} parameters")
        return str(i % len(self))

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parameters.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return ParameterList(list(self)[index])
        return self._parameters[self._name(index)]

    def __setitem__(self, index: Any, value: Any) -> None:
        setattr(self, self._name(index), _as_parameter(self, value))

    def append(self, value: Any) -> ParameterList:
        """Add a parameter at the end."""
        self.register_parameter(str(len(self)), _as_parameter(self, value))
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Add parameters at the end."""
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)

    def pop(self, index: int = -1) -> Any:
        """Take a parameter out and return it."""
        rest = list(self)
        taken = rest.pop(int(self._name(index)))
        for name in list(self._parameters):
            delattr(self, name)
        self.extend(rest)
        return taken

    def extra_repr(self) -> str:
        """Return a line for each parameter."""
        return "\n  ".join(["", *(_shown(i, p) for i, p in enumerate(self))]) + "\n" if len(self) else ""


class ParameterDict(Module):
    """A dictionary of parameters that a module learns; Tensors become Parameters.

    Parameters
    ----------
    parameters : mapping of name → Parameter or Tensor, or iterable of pairs, optional
        The parameters.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> sides = nn.ParameterDict({"left": gw.ones(2), "right": gw.zeros(2)})
    >>> list(sides), list(sides.state_dict())
    (['left', 'right'], ['left', 'right'])
    """

    def __init__(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None) -> None:
        super().__init__()
        self.update(parameters or {})

    def __getitem__(self, key: str) -> Any:
        return self._parameters[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.register_parameter(key, _as_parameter(self, value))

    def __delitem__(self, key: str) -> None:
        if key not in self._parameters:
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __contains__(self, key: object) -> bool:
        return key in self._parameters

    def keys(self) -> Iterable[str]:
        """Return the names."""
        return self._parameters.keys()

    def values(self) -> Iterable[Any]:
        """Return the parameters."""
        return self._parameters.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Return pairs of name and parameter."""
        return self._parameters.items()

    def update(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add these, or put them in the place of those of the same names."""
        pairs = parameters.items() if isinstance(parameters, Mapping | ParameterDict) else parameters
        for key, value in pairs:
            self[key] = value

    def pop(self, key: str) -> Any:
        """Take a parameter out and return it."""
        taken = self[key]
        del self[key]
        return taken

    def extra_repr(self) -> str:
        """Return a line for each parameter."""
        return "\n  ".join(["", *(_shown(k, p) for k, p in self.items())]) + "\n" if len(self) else ""
