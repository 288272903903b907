"""Hooks of modules: functions that see, and may replace, what goes into a module, what comes out, and the gradients."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gradwright.engine.base import TensorBase
from gradwright.engine.function import Function
from gradwright.engine.hooks import RemovableHandle
from gradwright.engine.mode import mode
from gradwright.engine.op import wrap
from gradwright.engine.state import structure_changed
from gradwright.errors import ConfigError

if TYPE_CHECKING:
    from gradwright.nn.module import Module

__all__ = ["HookMethods", "Hooks", "RemovableHandle", "call_with_hooks"]

_keys = itertools.count()


class _Hook(NamedTuple):
    function: Callable[..., Any]
    with_kwargs: bool = False
    always: bool = False


class Hooks:
    """The hooks of one module, by when they run; each kind in the order in which they do."""

    def __init__(self) -> None:
        self.before: OrderedDict[int, _Hook] = OrderedDict()
        self.after: OrderedDict[int, _Hook] = OrderedDict()
        self.backward_before: OrderedDict[int, _Hook] = OrderedDict()
        self.backward_after: OrderedDict[int, _Hook] = OrderedDict()


class HookMethods:
    """The registering of hooks, under PyTorch's names. Every method returns a handle whose ``remove()`` undoes it."""

    _hooks: Hooks | None

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before each forward; what it returns, if anything, replaces the arguments.

        Parameters
        ----------
        hook : callable
            Returns None, a tuple of arguments, or the only argument.
        prepend : bool
            Run it before those that are registered already.
        with_kwargs : bool
            Call ``hook(module, args, kwargs)``; it returns None or new (args, kwargs).
        """
        return self._entered("before", _Hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after each forward; what it returns replaces the output.

        Parameters
        ----------
        hook : callable
            Returns None or the new output.
        prepend : bool
            Run it before those that are registered already.
        with_kwargs : bool
            Call ``hook(module, args, kwargs, output)``.
        always_call : bool
            Call it also when forward raises, with None for the output.
        """
        return self._entered("after", _Hook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when the outputs' gradients arrive; what it returns replaces them.

        ``grad_output`` is a tuple with an entry for each output, None where none arrived.
        """
        return self._entered("backward_before", _Hook(hook), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when backward has passed the module.

        What the hook returns, a tuple, replaces ``grad_input``, which has an entry for each positional argument of
        forward: None for what is no floating Tensor, zeros where no gradient goes. When no argument asks for a
        gradient all are None; the hook then runs as the outputs' gradients arrive, and may replace nothing.
        """
        return self._entered("backward_after", _Hook(hook), prepend)

    def _entered(self, kind: str, hook: _Hook, prepend: bool) -> RemovableHandle:
        if self._hooks is None:
            self._hooks = Hooks()
        hooks: OrderedDict[int, _Hook] = getattr(self._hooks, kind)
        key = next(_keys)
        hooks[key] = hook
        if prepend:
            hooks.move_to_end(key, last=False)
        structure_changed()  # a compiled step that runs this module says something else now
        return RemovableHandle(hooks, key, leaf=True)


def call_with_hooks(module: Module, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the module's forward between its hooks."""
    called: set[int] = set()
    try:
        for hook in list(hooks.before.values()):
            if hook.with_kwargs:
                changed = hook.function(module, args, kwargs)
                if changed is not None:
                    if not isinstance(changed, tuple) or len(changed) != 2:
                        raise ConfigError(
                            f"{type(module).__name__}: a forward pre-hook with_kwargs returns None or (args, kwargs), "
                            f"got a {type(changed).__name__}"
                        )
                    args, kwargs = changed
            else:
                changed = hook.function(module, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
        gate = _Gate(module, hooks) if hooks.backward_before or hooks.backward_after else None
        if gate is not None:
            args = gate.at_inputs(args)
        output = module.forward(*args, **kwargs)
        for key, hook in list(hooks.after.items()):
            called.add(key)
            changed = _after(hook, module, args, kwargs, output)
            if changed is not None:
                output = changed
        return output if gate is None else gate.at_outputs(output)
    except Exception:
        for key, hook in list(hooks.after.items()):
            if hook.always and key not in called:
                _after(hook, module, args, kwargs, None)
        raise


def _after(hook: _Hook, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
    if hook.with_kwargs:
        return hook.function(module, args, kwargs, output)
    return hook.function(module, args, output)


class _Pass(Function):
    """Hand tensors on unchanged, and their gradients to somebody who may change them."""

    @staticmethod
    def forward(ctx: Any, tell: Callable[[tuple[Any, ...]], Sequence[Any]], zeros: bool, *tensors: Any) -> Any:
        ctx.tell = tell
        ctx.set_materialize_grads(zeros)
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return (None, None, *ctx.tell(gradients))


class _Gate:
    """One call of a module whose backward hooks want the gradients on both of its sides."""

    def __init__(self, module: Module, hooks: Hooks) -> None:
        self.module = module
        self.before = list(hooks.backward_before.values())
        self.after = list(hooks.backward_after.values())
        self.n_inputs = 0
        self.asking: list[int] = []  # which arguments ask for gradients
        self.others: dict[int, tuple[tuple[int, ...], Any]] = {}  # shapes and dtypes of the tensors that do not
        self.grad_output: tuple[Any, ...] = ()

    def at_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.n_inputs = len(args)
        passed, self.asking = _passed(args, self._leaving, zeros=True)
        if self.asking:
            self.others = {
                i: (x._array.shape, x._array.dtype)
                for i, x in enumerate(args)
                if isinstance(x, TensorBase) and i not in self.asking and x._array.dtype.kind in "fV"
            }
        return passed

    def at_outputs(self, output: Any) -> Any:
        if not isinstance(output, TensorBase | tuple):
            raise ConfigError(
                f"{type(self.module).__name__}: backward hooks see the gradients of a Tensor or a tuple of Tensors, "
                f"but forward returned a {type(output).__name__}"
            )
        outputs = output if isinstance(output, tuple) else (output,)

        def arriving(gradients: tuple[Any, ...]) -> Sequence[Any]:
            grad_output = _spread(gradients, asking, len(outputs))
            for hook in self.before:
                grad_output = self._replaced(hook.function(self.module, grad_output), grad_output, "output")
            self.grad_output = grad_output
            if not self.asking:
                self._leaving(())
            return [grad_output[i] for i in asking]

        passed, asking = _passed(outputs, arriving, zeros=False)
        return passed if isinstance(output, tuple) else passed[0]

    def _leaving(self, gradients: tuple[Any, ...]) -> Sequence[Any]:
        grad_input = _spread(gradients, self.asking, self.n_inputs, self.others)
        for hook in self.after:
            grad_input = self._replaced(hook.function(self.module, grad_input, self.grad_output), grad_input, "input")
        if not self.asking and any(g is not None for g in grad_input):
            raise ConfigError(
                f"{type(self.module).__name__}: a backward hook returned gradients of inputs, but none asks for one"
            )
        return [grad_input[i] for i in self.asking]

    def _replaced(self, by: Any, old: tuple[Any, ...], side: str) -> tuple[Any, ...]:
        if by is None:
            return old
        new = by if isinstance(by, tuple) else (by,)
        if len(new) != len(old):
            raise ConfigError(
                f"{type(self.module).__name__}: a backward hook returned {len(new)} gradients for {len(old)} "
                f"{side}s: return one for each, or None to change nothing"
            )
        return new


def _passed(
    values: tuple[Any, ...], tell: Callable[[tuple[Any, ...]], Sequence[Any]], zeros: bool
) -> tuple[Any, list[int]]:
    """Lead the tensors that ask for gradients through one node of the graph; say which they are."""
    asking = [i for i, v in enumerate(values) if isinstance(v, TensorBase) and v._requires_grad] if mode.grad else []
    if not asking:
        return values, asking
    new = list(values)
    for i, tensor in zip(asking, _Pass.apply(tell, zeros, *[values[i] for i in asking]), strict=True):
        new[i] = tensor
    return tuple(new), asking


def _spread(gradients: tuple[Any, ...], places: list[int], count: int, zeros: Any = None) -> tuple[Any, ...]:
    """Return an entry for each of ``count`` values: the gradients in their places, zeros of a shape, or None."""
    found: list[Any] = [None] * count
    for i, (shape, dtype) in (zeros or {}).items():
        found[i] = wrap(np.zeros(shape, dtype))
    for i, g in zip(places, gradients, strict=False):
        found[i] = g
    return tuple(found)
