"""The base of every layer and network."""

from __future__ import annotations

import copy
import itertools
from typing import Any, ClassVar

import numpy as np

from gradwright.backend import is_tracer
from gradwright.engine.creation import zeros_like
from gradwright.engine.functions.conversion import destination
from gradwright.engine.hooks import RemovableHandle
from gradwright.engine.parameters import parameters_of
from gradwright.engine.skeleton import building
from gradwright.engine.state import Lift, Stateful, structure_changed
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.engine.tracing import trace_now
from gradwright.errors import CompileError, ConfigError, StateError, UnknownNameError
from gradwright.nn.hooks import HookMethods, call_with_hooks
from gradwright.nn.saving import Saving

__all__ = ["DRAWING", "Module", "RemovableHandle"]


#: Methods that give initial values; while :data:`building` says so, modules are made without them.
DRAWING = ("reset_parameters", "_reset_parameters", "reset_running_stats")


def _leave() -> None:
    """Stand in for one of those."""


class Module(Saving, HookMethods, Stateful):
    """A part of a network: its parameters, its buffers, its parts, and what it computes.

    Subclasses call ``super().__init__()``, assign Parameters and Modules as attributes, and define ``forward``.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.inner = nn.Linear(3, 3)
    ...     def forward(self, x):
    ...         return self.inner(self.inner(x))
    >>> net = Twice()
    >>> net(gw.zeros(2, 3)).shape, [name for name, _ in net.named_parameters()]
    ((2, 3), ['inner.weight', 'inner.bias'])
    """

    #: Attributes that are numbers of which a compiled step serves every value: they are lifted, never baked in.
    hyperparameters: ClassVar[tuple[str, ...]] = ()

    training: bool

    def __init__(self) -> None:
        put = super().__setattr__
        put("training", True)
        put("_parameters", {})
        put("_buffers", {})
        put("_modules", {})
        put("_transient", set())
        put("_hooks", None)
        put("_path", type(self).__name__)
        if building.skeleton is not None:
            building.skeleton.take(0)
        if not building.draws:
            for name in DRAWING:
                put(name, _leave)

    def __deepcopy__(self, memo: dict[int, Any]) -> Module:
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        if building.skeleton is not None:
            building.skeleton.take(0)
        for name, value in self.__dict__.items():
            made.__dict__[name] = copy.deepcopy(value, memo)
        return made

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass defines this."""
        raise TypeError(f"{type(self).__name__} defines no forward method")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if trace_now.watcher is None:
            return self._call(args, kwargs)
        before = trace_now.modules
        trace_now.modules = (*before, self._path)
        try:
            output = self._call(args, kwargs)
        finally:
            trace_now.modules = before
        note = getattr(trace_now.watcher, "module", None)
        if note is not None:
            note(self, output)
        return output

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._hooks is None:
            return self.forward(*args, **kwargs)
        return call_with_hooks(self, self._hooks, args, kwargs)

    # --- parts ------------------------------------------------------------------------------------------------------
    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            if isinstance(value, Parameter | Module):
                raise TypeError(f"{type(self).__name__}: call super().__init__() before assigning {name!r}")
            super().__setattr__(name, value)
            return
        stores: tuple[dict[str, Any], ...] = (self._parameters, self._buffers, self._modules)
        if isinstance(value, Parameter):
            self._place(name, value, self._parameters)
        elif isinstance(value, Module):
            self._place(name, value, self._modules)
        elif name in self._buffers and (value is None or isinstance(value, Tensor)):
            old = self._buffers[name]
            if trace_now.trace is not None and old is not None and value is not None and old.shape == value.shape:
                old._assign(value)  # the state of a compiled step must stay in the tensor that was lifted
            else:
                self._place(name, value, self._buffers)
        elif value is None and any(name in store for store in stores):
            next(store for store in stores if name in store)[name] = None
            structure_changed(self)
        elif any(name in store for store in stores):
            kinds = ("parameter", "buffer", "module")
            kind = next(k for k, store in zip(kinds, stores, strict=True) if name in store)
            wanted = {"parameter": "a Parameter", "buffer": "a Tensor", "module": "a Module"}[kind]
            raise TypeError(f"{name} is a {kind}; assign {wanted} or None, not {type(value).__name__}")
        else:
            if name in self.__dict__ and not name.startswith("_") and name not in self.hyperparameters:
                self._changes(name, self.__dict__[name], value)
            super().__setattr__(name, value)

    def _changes(self, name: str, old: Any, value: Any) -> None:
        """Let compiled steps know that a plain attribute, which stands in their text, becomes another."""
        plain = (int, float, str, bool, type(None))
        if old is value or (isinstance(old, plain) and type(old) is type(value) and old == value):
            return
        traced = isinstance(value, Tensor) and is_tracer(value._array)
        if trace_now.trace is not None and (traced or isinstance(value, plain)):
            raise CompileError(
                f"compile: {self._path} sets self.{name} while the step is traced, which happens once, not at each "
                "call. What lasts from step to step is a buffer: self.register_buffer(name, tensor)."
            )
        structure_changed(self)

    def _place(self, name: str, value: Any, store: dict[str, Any]) -> None:
        if value is not None and store.get(name) is value:
            return  # `layer.weight *= 2` assigns the weight to its own place
        for other in (self._parameters, self._buffers, self._modules):
            if other is not store:
                other.pop(name, None)
        self.__dict__.pop(name, None)
        store[name] = value
        structure_changed(self)

    def __getattr__(self, name: str) -> Any:
        for store in ("_parameters", "_buffers", "_modules"):
            found = self.__dict__.get(store, {})
            if name in found:
                return found[name]
        raise UnknownNameError(f"{type(self).__name__} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._buffers, *self._modules})

    def __delattr__(self, name: str) -> None:
        for store in (self._parameters, self._buffers, self._modules):
            if name in store:
                del store[name]
                structure_changed(self)
                return
        super().__delattr__(name)

    def _check_name(self, name: str, store: dict[str, Any]) -> None:
        if not isinstance(name, str) or not name or "." in name or (name not in store and hasattr(self, name)):
            raise ConfigError(
                f"{type(self).__name__}: {name!r:.80} cannot name a part; it must be a string that is not "
                f"empty, has no dot "
                "(paths have those) and is not an attribute already"
            )

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter (None: a place for one, as for a layer without bias)."""
        self._check_name(name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise ConfigError(f"register_parameter: {name} must be a Parameter or None, got a {type(param).__name__}")
        self._place(name, param, self._parameters)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add state that is not trained, such as running statistics.

        Parameters
        ----------
        name : str
            The attribute's name.
        tensor : Tensor or None
            The state; None is a place for it.
        persistent : bool
            Whether it is part of :meth:`state_dict`.
        """
        self._check_name(name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise ConfigError(f"register_buffer: {name} must be a Tensor or None, got a {type(tensor).__name__}")
        self._place(name, tensor, self._buffers)
        (self._transient.discard if persistent else self._transient.add)(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a part under a name."""
        self._check_name(name, self._modules)
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}: part {name} is a {type(module).__name__}, not a Module")
        self._place(name, module, self._modules)

    register_module = add_module

    # --- what a compiler asks ---------------------------------------------------------------------------------------
    def lift_into(self, lift: Lift, path: str) -> None:
        """Show parameters, buffers, hyperparameters and modes of this module and its parts."""
        lift.mode(self)
        for store in (self._parameters, self._buffers):
            for key, tensor in store.items():
                if tensor is not None:
                    lift.tensor(f"{path}.{key}", tensor)
        for key in self.hyperparameters:
            if key in self.__dict__:
                lift.number(f"{path}.{key}", self.__dict__, key, zero_means_off=True)
        for key, part in self.named_children():
            lift.visit(f"{path}.{key}", part)
        for key, value in self.__dict__.items():
            if not key.startswith("_"):
                lift.visit(f"{path}.{key}", value)

    # --- modes ------------------------------------------------------------------------------------------------------
    def train(self, mode: bool = True) -> Module:
        """Put this module and its parts into training mode (dropout on, batch statistics)."""
        self.__dict__["training"] = mode
        for child in self.children():
            child.train(mode)  # which may be overridden, to keep a frozen part in evaluation mode
        return self

    def eval(self) -> Module:
        """Put this module and its parts into evaluation mode."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Train the parameters, or freeze them."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        structure_changed(self)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients; without ``set_to_none`` they become zeros."""
        for p in self.parameters():
            p.grad = None if set_to_none or p.grad is None else zeros_like(p.detach())

    def to(self, *where: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False) -> Module:
        """Convert the floating parameters and buffers: ``to(dtype)``, ``to(device)``, ``to(device, dtype)``.

        The parameters stay the same objects, so an optimizer that holds them goes on holding them.
        """
        dtype = destination(where, dtype, device)
        if dtype is None:
            return self
        if dtype.kind != "f" and dtype.name != "bfloat16":
            raise ConfigError(f"{type(self).__name__}.to: a network is made of floating numbers, not of {dtype}")
        for t in itertools.chain(self.parameters(), self.buffers()):
            if t.dtype.kind in "fV":
                t._set(t.detach().to(dtype)._array)
                t._grad = None
        structure_changed(self)
        return self

    def double(self) -> Module:
        """Convert the parameters and buffers to float64."""
        return self.to(np.float64)

    def float(self) -> Module:
        """Convert the parameters and buffers to float32."""
        return self.to(np.float32)

    def half(self) -> Module:
        """Convert the parameters and buffers to float16."""
        return self.to(np.float16)

    def bfloat16(self) -> Module:
        """Convert the parameters and buffers to bfloat16."""
        return self.to("bfloat16")

    def cpu(self) -> Module:
        """Return this module, which is on the CPU."""
        return self

    # --- printing ---------------------------------------------------------------------------------------------------
    def extra_repr(self) -> str:
        """Return what stands between the parentheses when the module is printed."""
        return ""

    def summary(self, input: Any) -> None:
        """Print a table of the layers: output shapes, parameters, memory kept for backward, FLOPs, and their totals.

        Parameters
        ----------
        input : tuple of int, Tensor, array, or a tuple of those
            The input's shape, batch axis included, or an example. ``nn.summary_info`` returns the numbers and says
            what they count.

        Examples
        --------
        >>> from gradwright import nn
        >>> nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).summary((2, 4))
        layer         output  parameters  kept  FLOPs
        ─────────────────────────────────────────────
        Sequential    (2, 3)          67  64 B    224
          0 (Linear)  (2, 8)          40     –    128
          1 (ReLU)    (2, 8)           –  64 B      –
          2 (Linear)  (2, 3)          27     –     96
        ─────────────────────────────────────────────
        parameters: 67 (67 trained, 0 frozen), 268 B; buffers: 0 B
        kept for backward: 64 B besides parameters and the input
        FLOPs of a forward pass: 224 in matrix products and convolutions (...); other operations compute 16 numbers
        """
        from gradwright.nn.summary import summary_info  # it needs to know more than layers do

        print(summary_info(self, input))

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments, read from the attributes of the same names.

        An argument that says whether a parameter is there (``bias``) is read as that. Layers whose arguments are kept
        otherwise override this.
        """
        return {name: self._argument(name) for name in parameters_of(type(self).__init__).names[1:]}

    def _argument(self, name: str) -> Any:
        if name in self._parameters:
            return self._parameters[name] is not None
        try:
            return getattr(self, name)
        except AttributeError:
            raise StateError(
                f"{type(self).__name__} cannot be written to a file: it keeps its argument {name!r} under no "
                "attribute of that name"
            ) from None

    def __repr__(self) -> str:
        extra = self.extra_repr()
        parts = [
            f"({name}): " + repr(module).replace("\n", "\n  ")
            for name, module in self._modules.items()
            if module is not None
        ]
        if not parts:
            return f"{type(self).__name__}({extra})"
        return f"{type(self).__name__}(\n  " + "\n  ".join([*extra.splitlines(), *parts]) + "\n)"
