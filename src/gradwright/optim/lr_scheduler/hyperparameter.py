"""A hyperparameter by its name: ``"lr"``, or ``"betas[0]"`` for one place of a tuple."""

from __future__ import annotations

import re
from collections.abc import Sequence
from numbers import Real
from typing import Any

from gradwright.errors import ConfigError

__all__ = ["check_name", "groups_of", "momentum_name", "numbers_in", "one_a_group", "read", "write"]

_NAME = re.compile(r"(\w+)(?:\[(\d+)\])?")


def groups_of(owner: Any) -> list[dict[str, Any]]:
    """Return an optimizer's parameter groups; of any other object its attributes, as the one group that it has."""
    groups = getattr(owner, "param_groups", None)
    return [vars(owner)] if groups is None else groups


def read(group: dict[str, Any], name: str) -> Any:
    """Return the hyperparameter's value in a group."""
    key, place = _parts(name)
    return group[key] if place is None else group[key][place]


def write(group: dict[str, Any], name: str, value: Any) -> None:
    """Give the hyperparameter another value in a group."""
    key, place = _parts(name)
    if place is not None:
        value = (*group[key][:place], value, *group[key][place + 1 :])
    group[key] = value


def check_name(who: str, owner: Any, name: str) -> None:
    """Raise ConfigError when ``owner`` has no number of this name in every group."""
    if not hasattr(owner, "param_groups") and not hasattr(owner, "__dict__"):
        raise ConfigError(f"{who}: expected an optimizer, got a {type(owner).__name__}")
    for i, group in enumerate(groups_of(owner)):
        try:
            value = read(group, name)
        except (KeyError, TypeError, IndexError):
            value = None
        if not isinstance(value, Real) or isinstance(value, bool):
            known = [n for n in _numbers(group) if not n.startswith("initial_")]
            raise ConfigError(
                f"{who}: group {i} of {type(owner).__name__} has no number {name!r}; it has "
                f"{', '.join(known) or 'none'}"
            )


def one_a_group(who: str, name: str, value: Any, owner: Any) -> list[Any]:
    """Return a value for each group: the one number for all, or the list of them as it is."""
    groups = groups_of(owner)
    if not isinstance(value, Sequence):
        return [value] * len(groups)
    if len(value) != len(groups):
        raise ConfigError(f"{who}: {name} has {len(value)} values, but there are {len(groups)} parameter groups")
    return list(value)


def momentum_name(who: str, owner: Any) -> str:
    """Return what the optimizer calls its momentum: β₁ of Adam and its kin, or ``momentum``."""
    defaults = getattr(owner, "defaults", {})
    if "betas" in defaults:
        return "betas[0]"
    if "momentum" in defaults:
        return "momentum"
    raise ConfigError(f"{who}: {type(owner).__name__} has neither momentum nor betas; pass cycle_momentum=False")


def numbers_in(group: dict[str, Any]) -> dict[str, float]:
    """Return all numbers of a group by their names, those of tuples one by one."""
    return {name: float(read(group, name)) for name in _numbers(group)}


def _parts(name: str) -> tuple[str, int | None]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise ConfigError(f"{name!r} names no hyperparameter; write 'lr', or 'betas[0]' for the first of a pair")
    return match[1], None if match[2] is None else int(match[2])


def _numbers(group: dict[str, Any]) -> list[str]:
    names = []
    for key, value in group.items():
        if isinstance(value, tuple):
            names += [f"{key}[{i}]" for i, v in enumerate(value) if _is_number(v)]
        elif _is_number(value):
            names.append(key)
    return names


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
