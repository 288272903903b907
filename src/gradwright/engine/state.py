"""How objects that hold state show it to a compiler, without knowing it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, Protocol

__all__ = ["Lift", "Stateful", "changed_since", "structure_changed", "structure_version"]

_changes = itertools.count(1)
_version = 0
_everywhere = 0  # the last change of which nobody said whose it was


def structure_version() -> int:
    """Return a number that grows whenever any stateful object gains, loses or replaces a part."""
    return _version


def structure_changed(owner: Stateful | None = None) -> None:
    """Say that an object has gained, lost or replaced a part; compiled steps that hold it look for their state anew.

    Without an ``owner`` all compiled steps do.
    """
    global _version, _everywhere
    _version = next(_changes)
    if owner is None:
        _everywhere = _version
    else:
        owner.__dict__["_structure"] = _version


def changed_since(version: int, owners: Iterable[Stateful]) -> bool:
    """Say whether any of these objects has changed since; a new network beside them is no change of theirs."""
    return _everywhere > version or any(owner.__dict__.get("_structure", 0) > version for owner in owners)


class Lift(Protocol):
    """What collects the state of a step."""

    def tensor(self, path: str, tensor: Any) -> None:
        """Take a tensor that the step may read or write."""

    def number(self, path: str, store: dict[str, Any], key: str, *, zero_means_off: bool) -> None:
        """Take a hyperparameter: the number, or tuple of numbers, at ``store[key]``."""

    def constant(self, store: dict[str, Any], key: str) -> None:
        """Take the plain value at ``store[key]``, which decides what is computed: another one needs a new trace."""

    def mode(self, owner: Any) -> None:
        """Take an object whose ``training`` flag decides what is computed."""

    def visit(self, path: str, value: Any) -> None:
        """Look into a value that may hold state."""


class Stateful:
    """An object that shows its state; modules, optimizers and generators are such."""

    def lift_into(self, lift: Lift, path: str) -> None:
        """Hand every tensor and number to ``lift``, named by paths that begin with ``path``."""
        raise TypeError(f"{type(self).__name__} does not say what state it has")

    def ensure_slots(self, names: Iterable[str] = ()) -> bool:
        """Make state that is missing, and that which is named; say whether there was any."""
        return False

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the state that :meth:`ensure_slots` makes."""
        return ()
