"""Going through a network: its parts, parameters and buffers by their dotted paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import UnknownNameError

if TYPE_CHECKING:
    from gradwright.nn.module import Module

__all__ = ["Walking"]


class Walking:
    """What a Module can say of its parts."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]

    # --- parts ------------------------------------------------------------------------------------------------------
    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the direct parts with their names, each part once."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """Yield the direct parts."""
        yield from (m for _, m in self.named_children())

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield this module and all its parts with dotted paths.

        Parameters
        ----------
        memo : set of Module, optional
            Modules that have been seen already; they are left out.
        prefix : str
            What every path begins with.
        remove_duplicate : bool
            Yield a part that stands at several places once, under the first of its paths.
        """
        seen = set() if memo is None else memo
        if remove_duplicate:
            if self in seen:
                return
            seen.add(self)
        yield prefix, cast("Module", self)
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(seen, _joined(prefix, name), remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """Yield this module and all its parts, each once."""
        yield from (m for _, m in self.named_modules())

    # --- tensors ----------------------------------------------------------------------------------------------------
    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters with their dotted paths.

        Parameters
        ----------
        prefix : str
            What every path begins with.
        recurse : bool
            Whether the parts' parameters come too, or only this module's own.
        remove_duplicate : bool
            Yield a parameter that several layers share once, under the first of its paths.
        """
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield every parameter once."""
        yield from (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers with their dotted paths; see :meth:`named_parameters`."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield every buffer once."""
        yield from (b for _, b in self.named_buffers(recurse=recurse))

    def _named(self, store: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else ((prefix, self),)
        for path, module in modules:
            for name, value in getattr(module, store).items():
                if value is None or (remove_duplicate and id(value) in seen):
                    continue
                seen.add(id(value))
                yield _joined(path, name), value

    # --- by path ----------------------------------------------------------------------------------------------------
    def get_submodule(self, target: str) -> Module:
        """Return the part at a dotted path; the empty path is this module.

        Raises
        ------
        UnknownNameError
            Naming the first step of the path that is not there.

        Examples
        --------
        >>> from gradwright import nn
        >>> net = nn.Sequential(nn.Sequential(nn.Linear(2, 3)), nn.ReLU())
        >>> net.get_submodule("0.0"), net.get_parameter("0.0.bias").shape
        (Linear(in_features=2, out_features=3, bias=True), (3,))
        """
        found = cast("Module", self)
        for name in target.split(".") if target else ():
            if found._modules.get(name) is None:
                raise UnknownNameError(
                    f"get_submodule({target!r:.80}): {type(found).__name__} has no part {name!r:.80}; "
                    f"its parts: {', '.join(found._modules) or 'none'}"
                )
            found = cast("Module", found._modules[name])
        return found

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter at a dotted path, or raise UnknownNameError."""
        found: Parameter = self._at("get_parameter", target, "_parameters")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer at a dotted path, or raise UnknownNameError."""
        found: Tensor = self._at("get_buffer", target, "_buffers")
        return found

    def _at(self, asked: str, target: str, store: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        found = getattr(module, store).get(name)
        if found is None:
            raise UnknownNameError(
                f"{asked}({target!r:.80}): {type(module).__name__} has no {store[1:-1]} {name!r:.80}; it has: "
                f"{', '.join(k for k, v in getattr(module, store).items() if v is not None) or 'none'}"
            )
        return found

    # --- all at once ------------------------------------------------------------------------------------------------
    def name_parts(self) -> Module:
        """Tell every part and parameter its path, so that messages and graphs can name them."""
        for path, module in self.named_modules():
            module.__dict__["_path"] = f"{path} ({type(module).__name__})" if path else type(module).__name__
        for path, parameter in self.named_parameters():
            parameter.name = path
        return cast("Module", self)

    def apply(self, fn: Callable[[Module], Any]) -> Module:
        """Call ``fn`` on every part, innermost first, and on this module."""
        for child in self.children():
            child.apply(fn)
        fn(cast("Module", self))
        return cast("Module", self)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
