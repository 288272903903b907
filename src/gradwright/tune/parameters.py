"""The kinds of parameters of a search space: each maps [0, 1) to its values, and lists them for a grid."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from gradwright.errors import ConfigError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Choice", "Integer", "Linear", "Log", "Parameter", "choice_text"]

#: On which other parameters' values it depends whether a parameter is there at all.
When = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Parameter:
    """What all kinds share; ``when`` names other parameters and the values with which this one is there."""

    kind: ClassVar[str]
    when: When = field(default_factory=dict, kw_only=True)

    def from_unit(self, u: float) -> Any:
        """Return the value for a number in [0, 1]; equal parts of [0, 1) are equally likely values."""
        raise NotImplementedError

    def values(self) -> Iterator[Any]:
        """Return the values of a grid, in order."""
        raise NotImplementedError

    def probes(self) -> list[Any]:
        """Return the values that are tried on the settings: ends, one between them, or all choices."""
        return [self.from_unit(0.0), self.from_unit(0.38196601125), self.from_unit(1.0)]

    def scaled(self, value: Any, factor: float) -> Any:
        """Return ``value`` times ``factor``, kept in range; of choices the next one, or the one before."""
        raise NotImplementedError

    def distribution(self) -> BaseDistribution:
        """Return it as Optuna writes it down."""
        raise NotImplementedError

    def stored(self, value: Any) -> Any:
        """Return a value as Optuna holds it."""
        return value

    def loaded(self, value: Any) -> Any:
        """Return the value that :meth:`stored` was given."""
        return value

    def record(self) -> dict[str, Any]:
        """Return it as ``study.json`` holds it."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Range(Parameter):
    """A range of numbers, both ends included."""

    low: float
    high: float

    def record(self) -> dict[str, Any]:
        given = {k: v for k, v in self.__dict__.items() if v is not None and v is not False and k != "when"}
        return {"kind": self.kind, **given}


@dataclass(frozen=True)
class Linear(_Range):
    """Numbers between two ends, all equally likely.

    Parameters
    ----------
    low, high : float
        The ends, both included.
    count : int >= 2, optional
        Evenly spaced values of a grid.
    step : float > 0, optional
        Only low, low + step, … are values, in a grid and elsewhere.
    when : mapping of name to values, optional
        With which values of other parameters this one is there.

    Examples
    --------
    >>> Linear(0.0, 0.5).from_unit(0.25)
    0.125
    >>> list(Linear(0.0, 0.5, step=0.1).values())
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    """

    kind: ClassVar[str] = "linear"
    count: int | None = None
    step: float | None = None

    def __post_init__(self) -> None:
        _check_range(self, whole=False)
        if self.step is not None and not (_is_number(self.step) and 0 < self.step <= self.high - self.low):
            raise ConfigError(
                f"step = {self.step!r}: expected a number above 0 that fits into {self.low} to {self.high}"
            )
        if self.step is not None and self.count is not None:
            raise ConfigError(f"step = {self.step!r}, count = {self.count!r}: only one of the two")

    def from_unit(self, u: float) -> float:
        if self.step is None:
            return min(self.low + (self.high - self.low) * u, float(self.high))
        steps = self._steps()
        return self._at(min(math.floor(u * (steps + 1)), steps))

    def values(self) -> Iterator[float]:
        if self.step is not None:
            return (self._at(i) for i in range(self._steps() + 1))
        if self.count is None:
            raise ConfigError("a grid needs to know its points: add count, such as count = 5, or step")
        return (self.from_unit(i / (self.count - 1)) for i in range(self.count))

    def scaled(self, value: float, factor: float) -> float:
        scaled = min(max(value * factor, self.low), self.high)
        if self.step is None:
            return float(scaled)
        return self._at(min(round((scaled - self.low) / self.step), self._steps()))

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, step=self.step)

    def _steps(self) -> int:
        return int((Decimal(str(self.high)) - Decimal(str(self.low))) / Decimal(str(self.step)))

    def _at(self, i: int) -> float:
        return float(Decimal(str(self.low)) + i * Decimal(str(self.step)))  # 0.3, not 0.30000000000000004


@dataclass(frozen=True)
class Log(_Range):
    """Numbers between two ends whose logarithms are equally likely: low·(high/low)^u.

    Parameters
    ----------
    low, high : float > 0
        The ends, both included.
    count : int >= 2, optional
        Values of a grid, each the same multiple of the one before.
    when : mapping of name to values, optional
        With which values of other parameters this one is there.

    Examples
    --------
    >>> round(Log(1e-4, 1.0).from_unit(0.5), 12)
    0.01
    """

    kind: ClassVar[str] = "log"
    count: int | None = None

    def __post_init__(self) -> None:
        _check_range(self, whole=False)
        if self.low <= 0:
            raise ConfigError(f"low = {self.low!r}: a logarithm begins above 0; choose such as 1e-5, or linear")

    def from_unit(self, u: float) -> float:
        if u in (0.0, 1.0):
            return float(self.high if u else self.low)
        low = math.log10(self.low)
        value = 10.0 ** (low + (math.log10(self.high) - low) * u)  # decades come out round
        return min(max(value, float(self.low)), float(self.high))

    def values(self) -> Iterator[float]:
        if self.count is None:
            raise ConfigError("a grid needs to know its points: add count, such as count = 5")
        return (self.from_unit(i / (self.count - 1)) for i in range(self.count))

    def scaled(self, value: float, factor: float) -> float:
        return float(min(max(value * factor, self.low), self.high))

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=True)


@dataclass(frozen=True)
class Integer(_Range):
    """Whole numbers between two ends, all equally likely, or their logarithms are.

    Parameters
    ----------
    low, high : int
        The ends, both included.
    count : int >= 2, optional
        About so many values of a grid, evenly spaced; without it all are.
    step : int >= 1, optional
        Only low, low + step, … are values.
    log : bool
        Each number n is as likely as log((n + 1/2) / (n - 1/2)).
    when : mapping of name to values, optional
        With which values of other parameters this one is there.

    Examples
    --------
    >>> [Integer(1, 4).from_unit(u) for u in (0.0, 0.26, 0.99)]
    [1, 2, 4]
    >>> list(Integer(8, 128, log=True, count=5).values())
    [8, 16, 32, 64, 128]
    """

    kind: ClassVar[str] = "integer"
    low: int
    high: int
    count: int | None = None
    step: int | None = None
    log: bool = False

    def __post_init__(self) -> None:
        _check_range(self, whole=True)
        if type(self.log) is not bool:
            raise ConfigError(f"log = {self.log!r}: beside integer expected true or false")
        if self.log and self.low < 1:
            raise ConfigError(f"low = {self.low!r}: a logarithm of whole numbers begins at 1")
        if self.step is not None and not (type(self.step) is int and 1 <= self.step <= self.high - self.low):
            raise ConfigError(f"step = {self.step!r}: expected a whole number that fits into {self.low} to {self.high}")
        if self.step is not None and (self.count is not None or self.log):
            raise ConfigError(f"step = {self.step!r}: not together with {'log' if self.log else 'count'}")

    def from_unit(self, u: float) -> int:
        if self.log:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return min(max(round(math.exp(low + (high - low) * u)), self.low), self.high)
        steps = (self.high - self.low) // (self.step or 1)
        return self.low + min(math.floor(u * (steps + 1)), steps) * (self.step or 1)

    def values(self) -> Iterator[int]:
        if self.count is None:
            return iter(range(self.low, self.high + 1, self.step or 1))
        spaced = Log(self.low, self.high, self.count) if self.log else Linear(self.low, self.high, self.count)
        return iter(dict.fromkeys(round(v) for v in spaced.values()))

    def scaled(self, value: int, factor: float) -> int:
        step = self.step or 1
        near = self.low + round((value * factor - self.low) / step) * step
        if near == value and factor != 1:  # a small number times 1.2 is no longer itself
            near += step if factor > 1 else -step
        return min(max(near, self.low), self.low + (self.high - self.low) // step * step)

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.log, step=self.step or 1)

    def loaded(self, value: Any) -> int:
        return int(value)


@dataclass(frozen=True)
class Choice(Parameter):
    """One of a few values, all equally likely.

    Parameters
    ----------
    choices : sequence
        Texts, numbers, true or false, None (the setting is left away), or lists of those.
    when : mapping of name to values, optional
        With which values of other parameters this one is there.

    Examples
    --------
    >>> Choice([[32], [64, 64]]).from_unit(0.7)
    [64, 64]
    """

    kind: ClassVar[str] = "categorical"
    choices: Sequence[Any]

    def __post_init__(self) -> None:
        if isinstance(self.choices, str) or not isinstance(self.choices, Sequence) or not self.choices:
            raise ConfigError(f"choice = {self.choices!r:.80}: expected a list of one value or more")
        object.__setattr__(self, "choices", [_plain(value) for value in self.choices])
        seen: list[Any] = []
        for value in self.choices:
            text = self.stored(value)
            if text in seen:  # where 1, 1.0 and true are the same, as in what stores them
                raise ConfigError(f"choice: {choice_text(value)} stands in it twice")
            seen.append(text)

    def from_unit(self, u: float) -> Any:
        return self.choices[min(math.floor(u * len(self.choices)), len(self.choices) - 1)]

    def values(self) -> Iterator[Any]:
        return iter(self.choices)

    def probes(self) -> list[Any]:
        return list(self.choices)

    def scaled(self, value: Any, factor: float) -> Any:
        at = self.choices.index(value) + (factor > 1) - (factor < 1)
        return self.choices[min(max(at, 0), len(self.choices) - 1)]

    def distribution(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution([self.stored(value) for value in self.choices])

    def stored(self, value: Any) -> Any:
        return json.dumps(value) if isinstance(value, list | dict) else value

    def loaded(self, value: Any) -> Any:
        for choice in self.choices:
            if self.stored(choice) == value:
                return choice
        raise ConfigError(f"{value!r:.60}: none of the choices {choice_text(self.choices)}")

    def record(self) -> dict[str, Any]:
        return {"kind": self.kind, "choices": list(self.choices)}


def choice_text(value: Any) -> str:
    """Return a value as a reader of TOML writes it, cut short.

    Examples
    --------
    >>> choice_text([64, 64]), choice_text("sgd"), choice_text(None)
    ('[64, 64]', '"sgd"', '"none"')
    """
    text = json.dumps("none" if value is None else value, default=repr)
    return text if len(text) <= 60 else text[:59] + "…"


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 2.0**1023


def _check_range(given: Any, *, whole: bool) -> None:
    """Refuse ends that are no numbers or no range, and a count of points that is none."""
    for name in ("low", "high"):
        value = getattr(given, name)
        if not _is_number(value) or (whole and not (type(value) is int and abs(value) < 2**53)):
            raise ConfigError(f"{name} = {value!r:.60}: expected a {'whole number' if whole else 'number'}")
    if not given.low < given.high:
        raise ConfigError(f"the range {given.low} to {given.high} is empty; the first number must be the smaller one")
    count = given.count
    if count is not None and not (type(count) is int and 2 <= count <= 10**6):
        raise ConfigError(f"count = {count!r:.60}: expected a whole number from 2")


def _plain(value: Any) -> Any:
    """Return a choice as JSON has it: tuples as lists."""
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return {k: _plain(v) for k, v in value.items()}
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ConfigError(f"choice = {value!r:.60}: expected a text, a number, true or false, or a list of those")
