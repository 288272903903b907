"""Weights that are computed from other weights whenever they are read: ``nn.utils.parametrize``.

The module's class becomes a subclass in which the weight is a property; what is learnt lies in
``module.parametrizations``, under the keys that PyTorch gives it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from gradwright.engine.mode import no_grad
from gradwright.engine.state import structure_changed
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import ConfigError, ShapeError
from gradwright.nn.container import ModuleDict, ModuleList
from gradwright.nn.module import Module

__all__ = [
    "ParametrizationList", "is_parametrized", "register_parametrization", "remove_parametrizations",
    "type_before_parametrizations",
]  # fmt: skip


class ParametrizationList(ModuleList):
    """What one tensor is computed from: ``original`` (or ``original0``, …), and the modules that compute, in order.

    Parameters
    ----------
    modules : sequence of Module
        Each maps the tensor before it to the next one; ``right_inverse``, where it has one, goes the other way.
    original : Parameter or Tensor
        The tensor as it was.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor) -> None:
        super().__init__(modules)
        found = self._backwards(original)
        self.is_tensor = isinstance(found, Tensor)
        if self.is_tensor:
            original._set(found.detach()._array)  # the same object, which an optimizer may hold
            self._register("original", original)
        else:
            for i, part in enumerate(found):
                part = Tensor(part.detach()._array)
                if isinstance(original, Parameter):
                    part = Parameter(part, original.requires_grad)
                self._register(f"original{i}", part)

    def _register(self, name: str, tensor: Tensor) -> None:
        if isinstance(tensor, Parameter):
            self.register_parameter(name, tensor)
        else:
            self.register_buffer(name, tensor)

    @no_grad()
    def _backwards(self, value: Any) -> Any:
        for module in reversed(list(self)):
            inverse = getattr(module, "right_inverse", None)
            value = value if inverse is None else inverse(value)
        return value

    def originals(self) -> list[Tensor]:
        """Return what is learnt."""
        return [*self.parameters(recurse=False), *self.buffers(recurse=False)]

    def right_inverse(self, value: Tensor) -> None:
        """Change the originals so that the tensor becomes ``value``."""
        found = self._backwards(value)
        for original, part in zip(self.originals(), (found,) if self.is_tensor else found, strict=True):
            original._set(part.detach().to(original.dtype)._array)

    def forward(self) -> Any:
        """Return the tensor."""
        first, *rest = self
        value = first(*self.originals())
        for module in rest:
            value = module(value)
        return value


@functools.cache
def _class_with(base: Any, names: tuple[str, ...]) -> type[Module]:
    """Return a subclass in which these names are computed."""

    def assign(self: Any, name: str, value: Any) -> None:
        if name in names:
            self.parametrizations[name].right_inverse(value)
        else:
            base.__setattr__(self, name, value)

    def read(name: str) -> property:
        return property(lambda self: self.parametrizations[name]())

    properties = {name: read(name) for name in names}
    return type(f"Parametrized{base.__name__}", (base,), {**properties, "__setattr__": assign, "_unparametrized": base})


def type_before_parametrizations(module: Module) -> type[Module]:
    """Return the class that the module had before any of its tensors was parametrized."""
    return getattr(type(module), "_unparametrized", type(module))


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Say whether this tensor of the module, or any of its own, is parametrized."""
    found = module._modules.get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let a tensor of a module be computed by another module whenever it is read.

    Parameters
    ----------
    module : Module
        Whose tensor; changed in place.
    tensor_name : str
        A parameter or buffer of it. A second parametrization is applied to what the first one gives.
    parametrization : Module
        Its forward maps the learnt tensor to the one that is used. With a method ``right_inverse``, the value stays
        what it was; if that returns several tensors, all of them are learnt.
    unsafe : bool
        Allow another shape or dtype than before.

    Raises
    ------
    ConfigError, ShapeError
        No such tensor; another shape or dtype.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = nn.utils.parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> bool(gw.equal(layer.weight, layer.weight.T)), [name for name, _ in layer.named_parameters()]
    (True, ['bias', 'parametrizations.weight.original'])
    """
    parametrization.train(module.training)
    before = getattr(module, tensor_name, None)
    if not isinstance(before, Tensor):
        raise ConfigError(
            f"register_parametrization: {type(module).__name__} has no parameter or buffer called {tensor_name!r:.80}"
        )
    if is_parametrized(module, tensor_name):
        module.parametrizations[tensor_name].append(parametrization)
    else:
        made = ParametrizationList([parametrization], before)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            module.parametrizations = ModuleDict()
        module.parametrizations[tensor_name] = made
        _set_class(module)
    if not unsafe:
        with no_grad():
            after = getattr(module, tensor_name)
        if after.shape != before.shape or after.dtype != before.dtype:
            raise ShapeError(
                f"register_parametrization: {tensor_name} was {before.shape} {before.dtype} and would become "
                f"{after.shape} {after.dtype}; unsafe=True allows that"
            )
    return module


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make the tensor an ordinary one again.

    Parameters
    ----------
    module : Module
        Changed in place.
    tensor_name : str
        Which tensor.
    leave_parametrized : bool
        Keep the value that was computed; otherwise the learnt one, of which there must be only one.
    """
    if not is_parametrized(module, tensor_name):
        raise ConfigError(
            f"remove_parametrizations: {tensor_name!r:.80} of {type(module).__name__} is not parametrized"
        )
    made = module.parametrizations[tensor_name]
    originals = made.originals()
    if not leave_parametrized and not made.is_tensor:
        raise ConfigError(
            f"remove_parametrizations: {tensor_name} is computed from {len(originals)} tensors, so none of them can "
            "take its place; use leave_parametrized=True"
        )
    with no_grad():
        value = made().detach() if leave_parametrized else originals[0].detach()
    del module.parametrizations[tensor_name]
    if not is_parametrized(module):
        del module.parametrizations
    _set_class(module)
    if made.is_tensor:
        originals[0]._set(value._array)  # the same object, which an optimizer may hold
        tensor = originals[0]
    else:
        tensor = Tensor(value._array)
        if isinstance(originals[0], Parameter):
            tensor = Parameter(tensor, originals[0].requires_grad)
    if isinstance(tensor, Parameter):
        module.register_parameter(tensor_name, tensor)
    else:
        module.register_buffer(tensor_name, tensor)
    return module


def _set_class(module: Module) -> None:
    base: Any = type_before_parametrizations(module)
    names = tuple(module.parametrizations) if is_parametrized(module) else ()
    module.__class__ = _class_with(base, names) if names else base
    structure_changed()
