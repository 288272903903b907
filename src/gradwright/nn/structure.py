"""A network's structure as plain data, and back: only layers whose names are known here are ever built."""

from __future__ import annotations

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
    for cls in (BatchNorm1d, Dropout, Flatten, Identity, Linear, LogSoftmax, ReLU, Sequential, Sigmoid, Softmax, Tanh)
}

_DEPTH = 100  # nesting that no network needs; a hostile file could recurse further than the interpreter can


def to_structure(module: Module) -> dict[str, Any]:
    """Return the module as nested dictionaries of layer names and constructor arguments."""
    name = type(module).__name__
    if LAYERS.get(name) is not type(module):
        raise StateError(f"to_structure: {name} is not a layer that a file can name; known: {', '.join(LAYERS)}")
    if isinstance(module, Sequential):
        return {"layer": name, "parts": {key: to_structure(part) for key, part in module.named_children()}}
    return {"layer": name, **module.config()}


def from_structure(structure: Any, depth: int = 0) -> Module:
    """Build the module that :func:`to_structure` described.

    Raises
    ------
    StateError
        For an unknown layer name or arguments that the layer does not take.
    """
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
        if not isinstance(parts, dict) or len(arguments) != 1:
            raise StateError("from_structure: Sequential takes 'parts', an object of layers")
        return Sequential({key: from_structure(part, depth + 1) for key, part in parts.items()})
    for key, value in arguments.items():
        if isinstance(value, int) and not isinstance(value, bool) and not -1 <= value <= 2**24:
            raise StateError(f"from_structure: {name}.{key} = {value} is no size that a layer can have")
        if value is not None and not isinstance(value, int | float | bool | str):
            raise StateError(f"from_structure: {name}.{key} must be a number, got {type(value).__name__}")
    try:
        return LAYERS[name](**arguments)
    except (TypeError, ValueError, MemoryError) as error:
        raise StateError(f"from_structure: {name} does not take these arguments: {error}") from None
