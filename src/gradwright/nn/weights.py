"""Which parameters of a network count as weights: what initialisation fills and regularisation shrinks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from gradwright.engine.tensor import Parameter
from gradwright.errors import ConfigError
from gradwright.nn.module import Module

__all__ = ["Weight", "chosen_weights", "is_norm", "named_weights"]

_NORM = re.compile(r"Norm(\dd)?$")


class Weight(NamedTuple):
    """One parameter and where it stands."""

    path: str
    module: Module
    name: str
    parameter: Parameter


def is_norm(module: Module) -> bool:
    """Say whether a layer normalises: BatchNorm1d, LayerNorm, RMSNorm, … and what is derived from them."""
    return any(_NORM.search(cls.__name__) for cls in type(module).__mro__)


def _all(model: Module) -> Iterator[Weight]:
    seen: set[int] = set()
    for path, module in model.named_modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and id(parameter) not in seen:
                seen.add(id(parameter))
                yield Weight(f"{path}.{name}" if path else name, module, name, parameter)


def named_weights(model: Module) -> list[Weight]:
    """Return every parameter once, without biases, slopes of PReLU and what normalising layers learn.

    A bias moves a unit's output but does not make it steeper; a normalising layer's weight undoes any shrinking of
    the weights before it. A bias is known by its name, in which "bias" stands.
    """
    return [
        w for w in _all(model)
        if "bias" not in w.name and not is_norm(w.module) and type(w.module).__name__ != "PReLU"
    ]  # fmt: skip


def chosen_weights(who: str, model: Module, patterns: str | Sequence[str] | None) -> list[Weight]:
    """Return the trained parameters whose dotted paths match one of the patterns; without patterns, the weights.

    Parameters
    ----------
    who : str
        Who asks, for messages.
    model : Module
    patterns : str or sequence of str, optional
        As file names have them: ``"0.weight"``, ``"encoder.*"``, ``"*"`` (everything, biases too).

    Raises
    ------
    ConfigError
        When a pattern matches nothing, or there is no weight that is trained.
    """
    if not isinstance(model, Module):
        raise ConfigError(f"{who}: expected a Module, got {type(model).__name__}")
    if patterns is None:
        found = named_weights(model)
    else:
        given = [patterns] if isinstance(patterns, str) else list(patterns)
        everything = list(_all(model))
        for pattern in given:
            if not any(fnmatchcase(w.path, pattern) for w in everything):
                raise ConfigError(
                    f"{who}: no parameter of {type(model).__name__} matches {pattern!r}; there are "
                    f"{', '.join(w.path for w in everything) or 'none'}"
                )
        found = [w for w in everything if any(fnmatchcase(w.path, pattern) for pattern in given)]
    trained = [w for w in found if w.parameter.requires_grad]
    if not trained:
        raise ConfigError(f"{who}: {type(model).__name__} has no such weight that is trained; nothing would be done")
    return trained
