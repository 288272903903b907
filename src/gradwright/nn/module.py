"""The base of every layer and network."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from gradwright.engine.parameters import parameters_of
from gradwright.engine.state import Lift, Stateful, structure_changed
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.engine.tracing import trace_now
from gradwright.errors import ConfigError, ShapeError, StateError

__all__ = ["Module", "RemovableHandle"]


class RemovableHandle:
    """What registering a hook returns: ``remove()`` takes the hook away again."""

    def __init__(self, hooks: dict[int, Any], key: int) -> None:
        self._hooks = hooks
        self._key = key

    def remove(self) -> None:
        """Take the hook away; doing it twice is fine."""
        if self._hooks.pop(self._key, None) is not None:
            structure_changed()


class Module(Stateful):
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
        put("_forward_hooks", {})
        put("_forward_pre_hooks", {})
        put("_hook_keys", itertools.count())
        put("_path", type(self).__name__)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass defines this."""
        raise TypeError(f"{type(self).__name__} defines no forward method")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if trace_now.watcher is None:
            return self._call(args, kwargs)
        before = trace_now.modules
        trace_now.modules = (*before, self._path)
        try:
            return self._call(args, kwargs)
        finally:
            trace_now.modules = before

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for hook in list(self._forward_pre_hooks.values()):
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        output = self.forward(*args, **kwargs)
        for hook in list(self._forward_hooks.values()):
            changed = hook(self, args, output)
            if changed is not None:
                output = changed
        return output

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
        elif name in self._buffers:
            old = self._buffers[name]
            if trace_now.trace is not None and old is not None and value is not None and old.shape == value.shape:
                old._assign(value)  # the state of a compiled step must stay in the tensor that was lifted
            else:
                self._place(name, value, self._buffers)
        elif value is None and any(name in store for store in stores):
            next(store for store in stores if name in store)[name] = None
            structure_changed()
        elif name in self._parameters:
            raise TypeError(f"{name} is a parameter; assign a Parameter or None, not {type(value).__name__}")
        else:
            super().__setattr__(name, value)

    def _place(self, name: str, value: Any, store: dict[str, Any]) -> None:
        if value is not None and store.get(name) is value:
            return  # `layer.weight *= 2` assigns the weight to its own place
        for other in (self._parameters, self._buffers, self._modules):
            if other is not store:
                other.pop(name, None)
        self.__dict__.pop(name, None)
        store[name] = value
        structure_changed()

    def __getattr__(self, name: str) -> Any:
        for store in ("_parameters", "_buffers", "_modules"):
            found = self.__dict__.get(store, {})
            if name in found:
                return found[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        for store in (self._parameters, self._buffers, self._modules):
            if name in store:
                del store[name]
                structure_changed()
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
        self._place(name, param, self._parameters)

    def register_buffer(self, name: str, tensor: Tensor | None) -> None:
        """Add state that is saved but not trained, such as running statistics."""
        self._check_name(name, self._buffers)
        self._place(name, tensor, self._buffers)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a part under a name."""
        self._check_name(name, self._modules)
        self._place(name, module, self._modules)

    # --- walking ----------------------------------------------------------------------------------------------------
    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the direct parts with their names."""
        yield from ((name, m) for name, m in self._modules.items() if m is not None)

    def children(self) -> Iterator[Module]:
        """Yield the direct parts."""
        yield from (m for _, m in self.named_children())

    def named_modules(self, prefix: str = "", _seen: set[int] | None = None) -> Iterator[tuple[str, Module]]:
        """Yield this module and all its parts, each once, with dotted paths."""
        seen = set() if _seen is None else _seen
        if id(self) in seen:
            return
        seen.add(id(self))
        yield prefix, self
        for name, module in self.named_children():
            yield from module.named_modules(f"{prefix}.{name}" if prefix else name, seen)

    def modules(self) -> Iterator[Module]:
        """Yield this module and all its parts."""
        yield from (m for _, m in self.named_modules())

    def _named(self, store: str) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in getattr(module, store).items():
                if value is not None and id(value) not in seen:
                    seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield every parameter once, with its dotted path."""
        return self._named("_parameters")

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter once."""
        yield from (p for _, p in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every buffer once, with its dotted path."""
        return self._named("_buffers")

    def buffers(self) -> Iterator[Tensor]:
        """Yield every buffer once."""
        yield from (b for _, b in self.named_buffers())

    def name_parts(self) -> Module:
        """Tell every part and parameter its path, so that messages and graphs can name them."""
        for path, module in self.named_modules():
            module.__dict__["_path"] = f"{path} ({type(module).__name__})" if path else type(module).__name__
        for path, parameter in self.named_parameters():
            parameter.name = path
        return self

    def apply(self, function: Callable[[Module], Any]) -> Module:
        """Call ``function`` on every part, innermost first, and on this module."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

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
        structure_changed()
        return self

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for p in self.parameters():
            p.grad = None

    def to(self, dtype: Any) -> Module:
        """Convert the floating parameters and buffers to a dtype."""
        for t in itertools.chain(self.parameters(), self.buffers()):
            if t.dtype.kind == "f":
                t._set(t.detach().to(dtype)._array)
                t._grad = None
        structure_changed()
        return self

    def double(self) -> Module:
        """Convert the parameters and buffers to float64."""
        return self.to(np.float64)

    def float(self) -> Module:
        """Convert the parameters and buffers to float32."""
        return self.to(np.float32)

    # --- hooks ------------------------------------------------------------------------------------------------------
    def register_forward_pre_hook(self, hook: Callable[[Module, tuple[Any, ...]], Any]) -> RemovableHandle:
        """Call ``hook(module, args)`` before each forward; what it returns, if anything, replaces the arguments."""
        key = next(self._hook_keys)
        self._forward_pre_hooks[key] = hook
        structure_changed()
        return RemovableHandle(self._forward_pre_hooks, key)

    def register_forward_hook(self, hook: Callable[[Module, tuple[Any, ...], Any], Any]) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after each forward; what it returns replaces the output."""
        key = next(self._hook_keys)
        self._forward_hooks[key] = hook
        structure_changed()
        return RemovableHandle(self._forward_hooks, key)

    # --- saving -----------------------------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Tensor]:
        """Return parameters and buffers by dotted path, keys and layouts as PyTorch's; detached copies."""
        return {path: Tensor(value.detach().numpy()) for path, value in self._entries("")}

    def _entries(self, prefix: str) -> Iterator[tuple[str, Tensor]]:
        """Yield parameters and buffers under every path that leads to them: what is shared has several."""
        for store in (self._parameters, self._buffers):
            yield from ((prefix + name, value) for name, value in store.items() if value is not None)
        for name, child in self.named_children():
            yield from child._entries(f"{prefix}{name}.")

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> tuple[list[str], list[str]]:
        """Copy saved values into this module; nothing is changed when anything does not fit.

        Parameters
        ----------
        state_dict : mapping from path to Tensor or array
            What :meth:`state_dict` returned, here or in PyTorch (as NumPy arrays).
        strict : bool
            Raise on missing or unexpected keys; otherwise they are returned.

        Raises
        ------
        StateError, ShapeError
            Naming every key that is missing, unexpected or of another shape.
        """
        own = dict(self._entries(""))
        missing = [k for k in own if k not in state_dict]
        unexpected = [k for k in state_dict if k not in own]
        if strict and (missing or unexpected):
            raise StateError(
                f"load_state_dict into {type(self).__name__}: "
                + "; ".join(
                    f"{what}: {', '.join(keys)}"
                    for what, keys in (("missing", missing), ("unexpected", unexpected))
                    if keys
                )
            )
        new: list[tuple[Tensor, np.ndarray]] = []
        for key, tensor in own.items():
            if key in state_dict:
                value = state_dict[key]
                array = np.asarray(value._array if isinstance(value, Tensor) else value)
                if array.shape != tensor.shape:
                    raise ShapeError(f"load_state_dict: {key} has shape {array.shape}, this module's {tensor.shape}")
                new.append((tensor, array.astype(tensor.dtype)))
        for tensor, array in new:
            tensor._set(array)
        return missing, unexpected

    # --- printing ---------------------------------------------------------------------------------------------------
    def extra_repr(self) -> str:
        """Return what stands between the parentheses when the module is printed."""
        return ""

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
        lines = [f"  ({name}): " + repr(module).replace("\n", "\n  ") for name, module in self.named_children()]
        extra = self.extra_repr()
        if not lines:
            return f"{type(self).__name__}({extra})"
        return f"{type(self).__name__}({extra}\n" + "\n".join(lines) + "\n)"
