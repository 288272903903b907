"""A network's structure as plain data, and back: only layers whose names are known here are ever built."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from gradwright.errors import StateError
from gradwright.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from gradwright.nn.batchnorm import BatchNorm1d
from gradwright.nn.container import Flatten, Sequential
from gradwright.nn.dropout import Dropout
from gradwright.nn.linear import Identity, Linear
from gradwright.nn.module import Module

__all__ = ["LAYERS", "from_structure", "to_structure"]

#: The layers that a file may name.
LAYERS: dict[str, type[Module]] = {
    cls.__name__: cls
    for cls in (
        BatchNorm1d,
        Dropout,
        Flatten,
        Identity,
        Linear,
        LogSoftmax,
        ReLU,
        Sequential,
        Sigmoid,
        Softmax,
        Tanh,
    )
}

_DEPTH = 100  # nesting that no network needs; a hostile file could recurse further than the interpreter can
_SIZE = 2**24  # of one axis
_WEIGHTS = (
    2**28
)  # of the whole network, 1 GiB: checked before anything is built, so a short file cannot take the memory

#: What a file may give for a constructor's argument, by the argument's annotation.
_FITS: dict[str, Callable[[Any], bool]] = {
    "int": lambda v: type(v) is int and -_SIZE <= v <= _SIZE,
    "bool": lambda v: type(v) is bool,
    "float": lambda v: type(v) in (int, float) and abs(v) <= 1e300 and math.isfinite(v),
    "float | None": lambda v: v is None or _FITS["float"](v),
}


def to_structure(module: Module) -> dict[str, Any]:
    """Return the module as nested dictionaries of layer names and constructor arguments."""
    name = type(module).__name__
    if LAYERS.get(name) is not type(module):
        raise StateError(f"to_structure: {name} is not a layer that a file can name; known: {', '.join(LAYERS)}")
    if isinstance(module, Sequential):
        return {"layer": name, "parts": {key: to_structure(part) for key, part in module.named_children()}}
    return {"layer": name, **module.config()}


def from_structure(structure: Any) -> Module:
    """Build the module that :func:`to_structure` described.

    Raises
    ------
    StateError
        For an unknown layer name, arguments that the layer does not take, or sizes that no network has; before
        any memory is taken for weights.
    """
    total = _check(structure, 0)
    if total > _WEIGHTS:
        raise StateError(f"from_structure: the network would have {total} weights; more than {_WEIGHTS} are refused")
    return _build(structure)


def _check(structure: Any, depth: int) -> int:
    """Raise unless the structure can be built; return the number of its weights."""
    if depth > _DEPTH:
        raise StateError(f"from_structure: more than {_DEPTH} levels of nesting")
    if not isinstance(structure, dict) or not isinstance(structure.get("layer"), str):
        raise StateError("from_structure: expected an object with a 'layer' name")
    arguments = {k: v for k, v in structure.items() if k != "layer"}
    name = structure["layer"]
    if name not in LAYERS:
        raise StateError(f"from_structure: unknown layer {name[:80]!r}; known: {', '.join(LAYERS)}")
    if name == "Sequential":
        parts = arguments.get("parts")
        if not isinstance(parts, dict) or len(arguments) != 1 or not all(isinstance(key, str) for key in parts):
            raise StateError("from_structure: Sequential takes 'parts', an object of layers")
        return sum(_check(part, depth + 1) for part in parts.values())
    takes = inspect.signature(LAYERS[name].__init__).parameters
    for key, value in arguments.items():
        if key == "self" or key not in takes:
            raise StateError(f"from_structure: {name} takes no {str(key)[:80]!r}")
        kind = takes[key].annotation
        if not _FITS[kind](value):
            raise StateError(
                f"from_structure: {name}.{key} must be {kind} of a sensible size, got a {type(value).__name__}"
            )
    if name == "Linear":
        return _size(arguments, "in_features") * _size(arguments, "out_features")
    return 4 * _size(arguments, "num_features") if name == "BatchNorm1d" else 0


def _size(arguments: dict[str, Any], key: str) -> int:
    size: int = arguments.get(key, 0)
    if size < 0:
        raise StateError(f"from_structure: {key} is {size}, but a size cannot be negative")
    return size


def _build(structure: dict[str, Any]) -> Module:
    name = structure["layer"]
    try:
        if name == "Sequential":
            return Sequential({key: _build(part) for key, part in structure["parts"].items()})
        return LAYERS[name](**{k: v for k, v in structure.items() if k != "layer"})
    except (TypeError, ValueError, MemoryError) as error:
        raise StateError(f"from_structure: {name} cannot be built from this: {error}") from None
