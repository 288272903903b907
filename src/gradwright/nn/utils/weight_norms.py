"""PyTorch's weight and spectral norm of old, whose tensors lie beside the weight: ``weight_g``, ``weight_orig``, ….

Networks that were saved with them load here. For new ones there is ``nn.utils.parametrizations``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gradwright.engine.mode import no_grad
from gradwright.engine.random import current_generator
from gradwright.engine.state import structure_changed
from gradwright.engine.tensor import Parameter, Tensor
from gradwright.errors import ConfigError
from gradwright.nn import functional as F
from gradwright.nn.module import Module
from gradwright.nn.utils.parametrizations import norm_except, output_axis

__all__ = ["remove_spectral_norm", "remove_weight_norm", "spectral_norm", "weight_norm"]


@functools.cache
def _class_with(base: Any, names: tuple[str, ...]) -> type[Module]:
    def read(name: str) -> property:
        return property(lambda self: self._computed[name](self))

    return type(base.__name__, (base,), {**{name: read(name) for name in names}, "_uncomputed": base})


def _compute(module: Module, name: str, parts: tuple[str, ...], function: Callable[[Module], Any]) -> Module:
    """Let ``name`` be computed from parts of the module whenever it is read."""
    computed = module.__dict__.setdefault("_computed", {})
    weight = getattr(module, name, None)
    if name in computed or not isinstance(weight, Parameter):
        raise ConfigError(f"{type(module).__name__}.{name:.80} is no parameter, or its norm is fixed already")
    delattr(module, name)
    computed[name] = function
    module.__dict__.setdefault("_computed_from", {})[name] = parts
    _set_class(module)
    return module


def _restore(module: Module, name: str, kind: type) -> Module:
    computed = module.__dict__.get("_computed", {})
    if not isinstance(computed.get(name), kind):
        raise ConfigError(f"{type(module).__name__} has no such norm of {name!r:.80} to remove")
    with no_grad():
        value = getattr(module, name).detach()
    del computed[name]
    for part in module.__dict__["_computed_from"].pop(name):
        delattr(module, part)
    _set_class(module)
    module.register_parameter(name, Parameter(Tensor(value._array)))
    return module


def _set_class(module: Module) -> None:
    base: Any = getattr(type(module), "_uncomputed", type(module))
    names = tuple(module.__dict__["_computed"])
    module.__class__ = _class_with(base, names) if names else base
    structure_changed()


class _WeightNorm:
    def __init__(self, name: str, dim: int) -> None:
        self.name, self.dim = name, dim

    def __call__(self, module: Module) -> Any:
        v = getattr(module, self.name + "_v")
        return v * (getattr(module, self.name + "_g") / norm_except(v, self.dim))


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn a weight's length ``<name>_g`` and its direction ``<name>_v`` apart: w = g · v / ‖v‖.

    See :func:`gradwright.nn.utils.parametrizations.weight_norm`.
    """
    norm = _WeightNorm(name, -1 if dim is None else dim)
    weight = getattr(module, name, None)
    _compute(module, name, (f"{name}_g", f"{name}_v"), norm)
    assert weight is not None
    with no_grad():
        module.register_parameter(f"{name}_g", Parameter(norm_except(weight, norm.dim)))
        module.register_parameter(f"{name}_v", Parameter(weight.clone()))
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight an ordinary parameter again, of the value that it has."""
    return _restore(module, name, _WeightNorm)


class _SpectralNorm:
    def __init__(self, name: str, times: int, dim: int, eps: float) -> None:
        self.name, self.times, self.dim, self.eps = name, times, dim, eps

    def matrix(self, weight: Tensor) -> Tensor:
        axes = [self.dim, *(i for i in range(weight.ndim) if i != self.dim)]
        return (weight.permute(*axes) if self.dim else weight).flatten(1)

    def __call__(self, module: Module) -> Any:
        weight, u, v = [getattr(module, self.name + part) for part in ("_orig", "_u", "_v")]
        matrix = self.matrix(weight)
        if module.training:
            with no_grad():
                for _ in range(self.times):
                    v._assign(F.normalize(matrix.T @ u, dim=0, eps=self.eps))
                    u._assign(F.normalize(matrix @ v, dim=0, eps=self.eps))
            u, v = u.clone(), v.clone()
        return weight / (u * (matrix @ v)).sum()


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight, now ``<name>_orig``, by its largest singular value, which ``<name>_u`` and ``<name>_v`` follow.

    See :func:`gradwright.nn.utils.parametrizations.spectral_norm`.
    """
    if n_power_iterations <= 0:
        raise ConfigError(f"spectral_norm: n_power_iterations must be at least 1, got {n_power_iterations}")
    norm = _SpectralNorm(name, n_power_iterations, output_axis(module, dim), eps)
    weight: Any = getattr(module, name, None)
    _compute(module, name, (f"{name}_orig", f"{name}_u", f"{name}_v"), norm)
    module.register_parameter(f"{name}_orig", weight)
    for part, n in zip("uv", norm.matrix(weight.detach()).shape, strict=True):
        drawn = Tensor(current_generator().normal((n,), weight.dtype))
        module.register_buffer(f"{name}_{part}", F.normalize(drawn, dim=0, eps=eps))
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight an ordinary parameter again, of the value that it has."""
    return _restore(module, name, _SpectralNorm)
