"""Whether a space makes sense: names, values, conditions, and each value beside each other."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from gradwright.errors import ConfigError
from gradwright.train.config import Config
from gradwright.tune.parameters import Parameter, choice_text

if TYPE_CHECKING:
    from gradwright.tune.space import Space

__all__ = ["check_fits", "check_name", "check_values", "in_order"]

#: Settings that are no matter of choice by a score, and why.
_FIXED: dict[str, str] = {
    **dict.fromkeys(
        ("source", "target", "task", "context", "tokens", "group", "time", "validation", "test", "stream"),
        "it decides what the data are, and scores on other data cannot be compared",
    ),
    **dict.fromkeys(
        ("monitor", "metrics", "compare"), "it decides what is measured, and other measures cannot be compared"
    ),
    "eager": "it changes how fast a training is, not what comes out",
    "seed": "the best of some seeds is luck, not a choice; several seeds show how much luck there is",
}


def check_name(name: str, where: str) -> None:
    """Refuse a name that is no setting, or one that is not searched."""
    if name in _FIXED:
        raise ConfigError(f"{where}: [{name}]: not searched: {_FIXED[name]}")
    known = [field for field in Config.model_fields if field not in _FIXED]
    if name not in known:
        close = difflib.get_close_matches(str(name), known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"
        raise ConfigError(f"{where}: [{str(name)[:60]}]: no such setting{hint}")


def check_values(name: str, parameter: Parameter, where: str) -> None:
    """Try ends and choices on the setting by itself."""
    for value in parameter.probes():
        try:
            Config(**{"source": "", name: value})
        except ValidationError as error:
            # what does not go together with the defaults may with what the run is given
            problems = [item["msg"] for item in error.errors() if item["loc"][:1] == (name,)]
            if problems:
                words = problems[0].removeprefix("Value error, ")
                raise ConfigError(f"{where}: [{name}]: {choice_text(value)}: {words}") from None


def in_order(parameters: Mapping[str, Parameter], where: str) -> dict[str, Parameter]:
    """Return the parameters, each behind those that its conditions name and else as given."""
    for name, parameter in parameters.items():
        for other, values in _conditions(name, parameter, where).items():
            _check_condition(name, other, values, parameters, where)
    ordered: dict[str, Parameter] = {}
    while len(ordered) < len(parameters):
        left = [name for name in parameters if name not in ordered]
        ready = next((name for name in left if all(other in ordered for other in parameters[name].when)), None)
        if ready is None:
            circle = " → ".join(_circle(left[0], parameters, set(left)))
            raise ConfigError(f"{where}: the conditions go in a circle: {circle}; take one `when` away")
        ordered[ready] = parameters[ready]
    return ordered


def _conditions(name: str, parameter: Parameter, where: str) -> Mapping[str, Any]:
    when = parameter.when
    lists = isinstance(when, Mapping) and all(isinstance(v, list | tuple) and v for v in when.values())
    if not lists:
        raise ConfigError(
            f"{where}: [{name}]: when = {when!r:.80}: expected names with lists of values, "
            'such as {"optimizer": ["sgd"]}'
        )
    return when


def _check_condition(name: str, other: str, values: Any, parameters: Mapping[str, Parameter], where: str) -> None:
    """Refuse a condition on what is not there, and on values that never come."""
    if other not in parameters:
        close = difflib.get_close_matches(str(other), parameters, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(parameters)}"
        raise ConfigError(f"{where}: [{name}]: when names {str(other)[:60]!r}, which is not in this space; {hint}")
    parent = parameters[other]
    if parent.kind not in ("categorical", "integer"):
        raise ConfigError(f"{where}: [{name}]: when names {other!r}, a range; conditions are on choices or integers")
    for value in values:
        possible = list(parent.values()) if parent.kind == "categorical" else []
        low, high, step = (getattr(parent, k, None) for k in ("low", "high", "step"))
        whole = type(value) is int and low is not None and high is not None
        if value not in possible and not (whole and low <= value <= high and (value - low) % (step or 1) == 0):
            choices = ", ".join(map(choice_text, possible)) or f"whole numbers from {low} to {high}"
            close = difflib.get_close_matches(str(value), [str(v) for v in possible], n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ConfigError(
                f"{where}: [{name}]: when {other} = {choice_text(value)}: it never is, it has {choices}{hint}"
            )


def _circle(start: str, parameters: Mapping[str, Parameter], left: set[str]) -> list[str]:
    """Return names that lead back to the first of them."""
    path = [start]
    while path[-1] not in path[:-1]:
        path.append(next(other for other in parameters[path[-1]].when if other in left))
    return path[path.index(path[-1]) :]


def check_fits(space: Space, base: Config) -> None:
    """Try each value on the settings of a run, and beside each value of each other parameter."""
    tried: set[str] = set()
    probes = [(name, value) for name, parameter in space.items() for value in parameter.probes()]
    for i, first in enumerate(probes):
        for second in (first, *probes[:i]):
            wanted = dict([second, first])
            values = _point(space, wanted)
            if wanted.items() <= values.items() and repr(values) not in tried:
                tried.add(repr(values))
                try:
                    _try(space, base, values)
                except ConfigError as error:
                    raise ConfigError(f"{error}{_advice(space, base, values, str(error))}") from None


def _point(space: Space, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return a point of the space with these values, as far as they can be there together.

    What has to be for a wanted one to be there is chosen so; of all else the first.
    """
    needed = dict(wanted)
    for name in reversed(list(space)):  # conditions name only earlier ones
        if name in needed:
            for other, allowed in space[name].when.items():
                needed.setdefault(other, allowed[0])
    values: dict[str, Any] = {}
    for name, parameter in space.items():
        if space.active(name, values):
            values[name] = needed.get(name, parameter.probes()[0])
    return values


def _try(space: Space, base: Config, values: dict[str, Any]) -> None:
    from gradwright.engine import zeros
    from gradwright.train.choices import make_optimizer

    config = space.apply(base, values)
    if config.momentum or config.weight_decay:  # which not every update rule has
        weight = zeros(1, 1, requires_grad=True)
        try:
            make_optimizer(config.optimizer, [weight], momentum=config.momentum, weight_decay=config.weight_decay)
        except ConfigError as error:
            raise ConfigError(f"{space.where}: {error}") from None


def _advice(space: Space, base: Config, values: dict[str, Any], problem: str) -> str:
    """Return the condition that would keep apart what does not go together."""
    name = problem.removeprefix(f"{space.where}: ").partition(" = ")[0]
    for other, value in values.items():
        if name in values and other != name and space[other].kind == "categorical" and str(value) in problem:
            fit = [v for v in space[other].values() if _passes(space, base, {**values, other: v})]
            if fit:
                shown = ", ".join(map(choice_text, fit))
                return f"; add when = {{ {other} = [{shown}] }} to [{name}]"
    return ""


def _passes(space: Space, base: Config, values: dict[str, Any]) -> bool:
    try:
        _try(space, base, values)
    except ConfigError:
        return False
    return True
