"""A network's structure as plain data, and back: only layers whose names are known here are ever built."""

from __future__ import annotations

import functools
import math
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Union

from gradwright import nn
from gradwright.engine.skeleton import PARTS, building, skeleton
from gradwright.errors import StateError
from gradwright.nn.module import DRAWING, Module

__all__ = ["LAYERS", "from_structure", "to_structure"]

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_LEFT_OUT = (Module, nn.ParameterList, nn.ParameterDict)  # what they hold is no plain argument


def _layers() -> dict[str, type[Module]]:
    """Every public layer and ready network of this package; losses are no part of a network."""
    found = {}
    for public in (nn, nn.models):
        for name in public.__all__:
            value = getattr(public, name)
            if not isinstance(value, type) or not issubclass(value, Module) or value in _LEFT_OUT:
                continue
            if value.__module__.startswith("gradwright.nn.") and not name.endswith("Loss"):
                found[name] = value
    return found


#: The layers that a file may name.
LAYERS: dict[str, type[Module]] = _layers()

#: Annotations of arguments that are lists of others.
_ROWS = (tuple, list, Sequence, Iterable)

_DEPTH = 100  # nesting that no network needs; a hostile file could recurse further than the interpreter can
_SIZE = 2**24  # of one axis
_LENGTH = 10_000  # of a list of arguments
_TEXT = 1000  # characters of an argument
_WEIGHTS = (
    2**28
)  # of the whole network, 1 GiB: counted before anything is built, so a short file cannot take the memory


# --- writing ----------------------------------------------------------------------------------------------------------
def to_structure(module: Module) -> dict[str, Any]:
    """Return the module as nested dictionaries of layer names and constructor arguments.

    Parameters and buffers that stand at several places are named under ``shared``, each with the place of the first.

    Raises
    ------
    StateError
        For a class that is none of :data:`LAYERS`, or an argument that is not plain: numbers, strings, truth values,
        None, tuples of them, and modules; or a network that was changed since it was built.
    """
    structure = _written(module)
    with skeleton(_WEIGHTS), _without_drawing():
        again = _build(structure)
    shapes = [{key: t.shape for key, t in m._entries("")} for m in (module, again)]
    if repr(again) != repr(module) or shapes[0] != shapes[1]:
        raise StateError(
            f"to_structure: this {type(module).__name__} is no longer what its arguments build: a part was put in, "
            "taken out or changed since. Build it of the parts with Sequential, or save its weights alone."
        )
    first: dict[int, str] = {}
    shared = {}
    for path, tensor in module._entries(""):
        if first.setdefault(id(tensor), path) != path:
            shared[path] = first[id(tensor)]
    return {**structure, "shared": shared} if shared else structure


def _written(module: Module) -> dict[str, Any]:
    name = type(module).__name__
    if LAYERS.get(name) is not type(module):
        raise StateError(
            f"to_structure: {name} is not a layer that a file can name; those are gradwright.nn's own layers and "
            "gradwright.nn.models"
        )
    if isinstance(module, _CONTAINERS):
        parts = {key: _written(part) for key, part in module._modules.items() if part is not None}
        return {"layer": name, "parts": parts}
    return {"layer": name, **{key: _plain(name, key, value) for key, value in module.config().items()}}


def _plain(name: str, key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Module):
        return _written(value)
    if isinstance(value, tuple | list):
        return [_plain(name, key, v) for v in value]
    raise StateError(
        f"to_structure: {name}.{key} is a {type(value).__name__}, which a file cannot hold; numbers, strings, truth "
        "values, tuples of them and layers can be written"
    )


# --- reading ----------------------------------------------------------------------------------------------------------
def from_structure(structure: Any, *, draw: bool = True) -> Module:
    """Build the module that :func:`to_structure` described.

    Parameters
    ----------
    structure : dict
        Nothing in it is trusted.
    draw : bool
        Whether initial weights are drawn; without, they hold nothing of use until a state is loaded.

    Raises
    ------
    StateError
        For an unknown layer name, arguments that the layer does not take, or sizes that no network has; before
        any memory is taken for weights.
    """
    shared = {}
    if isinstance(structure, dict) and "shared" in structure:
        shared = structure["shared"]
        structure = {k: v for k, v in structure.items() if k != "shared"}
    _Check().layer(structure, 0)
    try:
        with skeleton(_WEIGHTS), _without_drawing():
            _build(structure)
    except StateError as error:
        raise StateError(f"from_structure: {error}") from None
    if draw:
        module = _build(structure)
    else:
        with _without_drawing():
            module = _build(structure)
        for part in module.modules():
            for name in DRAWING:
                part.__dict__.pop(name, None)
    _share(module, shared)
    return module


@contextmanager
def _without_drawing() -> Iterator[None]:
    before, building.draws = building.draws, False
    try:
        yield
    finally:
        building.draws = before


def _share(module: Module, shared: Any) -> None:
    """Put one tensor at all its places."""
    own = dict(module._entries(""))
    if not isinstance(shared, dict):
        raise StateError("from_structure: expected an object of paths under 'shared'")
    for path, first in shared.items():
        here, there = own.get(path), own.get(first) if isinstance(first, str) else None
        if here is None or there is None or here.shape != there.shape or type(here) is not type(there):
            raise StateError(
                f"from_structure: {str(path)[:80]!r} and {str(first)[:80]!r} are no two tensors of one shape that "
                "could be shared"
            )
        owner, _, name = path.rpartition(".")
        place = module.get_submodule(owner)
        place._place(name, there, place._parameters if name in place._parameters else place._buffers)


@functools.cache
def _takes(name: str) -> dict[str, Any]:
    """Return the annotations of a layer's constructor's arguments."""
    hints = typing.get_type_hints(LAYERS[name].__init__)
    hints.pop("return", None)
    return hints


def _spoken(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")


class _Check:
    """Raises unless names are known, and arguments of the kinds that the layers take."""

    def __init__(self) -> None:
        self.parts = 0

    def layer(self, structure: Any, depth: int, wanted: type = Module) -> None:
        """Look at a layer and all that it is made of."""
        self.parts += 1
        if self.parts > PARTS:
            raise StateError(f"from_structure: more than {PARTS:,} layers")
        if depth > _DEPTH:
            raise StateError(f"from_structure: more than {_DEPTH} levels of nesting")
        if not isinstance(structure, dict) or not isinstance(structure.get("layer"), str):
            raise StateError("from_structure: expected an object with a 'layer' name")
        arguments = {k: v for k, v in structure.items() if k != "layer"}
        name = structure["layer"]
        if name not in LAYERS:
            raise StateError(f"from_structure: unknown layer {name[:80]!r}; known are the layers of gradwright.nn")
        if not issubclass(LAYERS[name], wanted):
            raise StateError(f"from_structure: expected a {wanted.__name__}, found {name}")
        if LAYERS[name] in _CONTAINERS:
            self._container(name, arguments, depth)
            return
        takes = _takes(name)
        for key, value in arguments.items():
            if key not in takes:
                raise StateError(f"from_structure: {name} takes no {str(key)[:80]!r}")
            if not self._fits(value, takes[key], depth):
                raise StateError(
                    f"from_structure: {name}.{key} must be {_spoken(takes[key])} of a sensible size, got a "
                    f"{type(value).__name__}"
                )

    def _container(self, name: str, arguments: dict[str, Any], depth: int) -> None:
        parts = arguments.get("parts")
        if not isinstance(parts, dict) or len(arguments) != 1 or not all(isinstance(key, str) for key in parts):
            raise StateError(f"from_structure: {name} takes 'parts', an object of layers")
        if name == "ModuleList" and list(parts) != [str(i) for i in range(len(parts))]:
            raise StateError("from_structure: the parts of a ModuleList are numbered from 0")
        for part in parts.values():
            self.layer(part, depth + 1)

    def _fits(self, value: Any, hint: Any, depth: int) -> bool:
        """Say whether a file may give this value for an argument that is annotated so."""
        origin, kinds = typing.get_origin(hint), typing.get_args(hint)
        if origin in (Union, types.UnionType):
            return any(self._fits(value, kind, depth) for kind in kinds)
        if origin is Literal:
            return type(value) in (str, int, bool, type(None)) and value in kinds
        if origin in _ROWS:
            return self._row_fits(value, origin, kinds, depth)
        if isinstance(hint, type) and issubclass(hint, Module):
            if isinstance(value, dict):
                self.layer(value, depth + 1, hint)
                return True
            return False
        if hint is Any:
            return any(self._fits(value, kind, depth) for kind in (int, bool, float, str, None))
        if hint is None or hint is type(None):
            return value is None
        if hint is float:
            return type(value) in (int, float) and abs(value) <= 1e300 and math.isfinite(value)
        if hint is int:
            return type(value) is int and -_SIZE <= value <= _SIZE
        if hint is str:
            return type(value) is str and len(value) <= _TEXT
        return hint is bool and type(value) is bool

    def _row_fits(self, value: Any, origin: Any, kinds: tuple[Any, ...], depth: int) -> bool:
        if not isinstance(value, list | tuple) or len(value) > _LENGTH:
            return False
        if origin is tuple and kinds[-1] is not Ellipsis:
            return len(value) == len(kinds) and all(map(self._fits, value, kinds, [depth] * len(kinds)))
        return all(self._fits(v, kinds[0], depth) for v in value)


def _build(structure: dict[str, Any]) -> Module:
    name = structure["layer"]
    layer: Any = LAYERS[name]
    try:
        if layer in _CONTAINERS:
            parts = {key: _build(part) for key, part in structure["parts"].items()}
            return layer(parts.values()) if layer is nn.ModuleList else layer(parts)
        return layer(**{k: _argument(v) for k, v in structure.items() if k != "layer"})
    except StateError:
        raise
    except Exception as error:  # whatever a constructor says to arguments that make no sense
        raise StateError(f"{name} cannot be built from this: {str(error)[:200]}") from None


def _argument(value: Any) -> Any:
    if isinstance(value, dict):
        return _build(value)
    return tuple(_argument(v) for v in value) if isinstance(value, list | tuple) else value
