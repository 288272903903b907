"""Scales of parameters: numbers, even or logarithmic, and choices that have no numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from gradwright.report.axes import Axis, fitted, tick_text
from gradwright.report.study.records import Parameter, StudyRecord
from gradwright.report.study.scores import value_text
from gradwright.report.text import short

__all__ = ["Scale", "scales_info"]


class Scale(NamedTuple):
    """One parameter over the trials of a study.

    Attributes
    ----------
    name : str
    kind : str
        ``linear``, ``log``, ``integer`` or ``categorical``.
    choices : tuple of str
        Of a categorical one.
    low, high : float
        Of the others: what was searched, and what was tried beyond it.
    values : Mapping of int to float
        By the trial's number: the number itself, or the place among the choices. A trial to which the parameter
        does not apply is not in it.
    words : Mapping of int to str
        The same as written.
    """

    name: str
    kind: str
    choices: tuple[str, ...]
    low: float
    high: float
    values: dict[int, float]
    words: dict[int, str]

    @property
    def varied(self) -> bool:
        """Whether trials differ in it."""
        return len(set(self.words.values())) > 1

    def axis(self, start: float, end: float, about: int = 4, room: int = 12) -> tuple[Axis, list[tuple[float, str]]]:
        """Lay the scale on paper: the axis, and where which words stand, each at most `room` characters."""
        if self.kind == "categorical":
            last = max(len(self.choices) - 1, 0)
            axis = Axis(-0.5, last + 0.5, start, end, tuple(map(float, range(last + 1))))
            every = max(1, math.ceil(len(self.choices) / max(about, 1)))
            return axis, [(float(i), short(text, room)) for i, text in enumerate(self.choices) if i % every == 0]
        axis = fitted([self.low, self.high], start=start, end=end, about=about, log=self.kind == "log")
        ticks = axis.ticks
        if self.kind == "integer" and not axis.log:
            ticks = tuple(t for t in ticks if t == int(t))
        if axis.log and len(ticks) > about + 2:
            powers = tuple(t for t in ticks if f"{t:e}".startswith("1.000000e"))
            ticks = powers if len(powers) > 1 else ticks[:: math.ceil(len(ticks) / (about + 2))]
        return axis, [(t, tick_text(t, axis)) for t in ticks]


def scales_info(record: StudyRecord) -> tuple[Scale, ...]:
    """One scale for each parameter of the space, in its order, and for each that trials have besides.

    Examples
    --------
    >>> bare = dict.fromkeys(StudyRecord.__dataclass_fields__, {})
    >>> record = StudyRecord(**{**bare, "space": {"lr": Parameter("log", 1e-4, 0.1)}, "trials": ()})
    >>> scales_info(record)[0].axis(0, 100)[1]
    [(0.0001, '0.0001'), (0.001, '0.001'), (0.01, '0.01'), (0.1, '0.1')]
    """
    names = list(record.space)
    for trial in record.trials:
        names += [name for name in trial.parameters if name not in record.space]
    return tuple(_scale(record, name) for name in dict.fromkeys(names))


def _scale(record: StudyRecord, name: str) -> Scale:
    tried = {t.number: t.parameters[name] for t in record.trials if name in t.parameters}
    numbers = {n: v for n, v in tried.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    spec = record.space.get(name) or _guessed(len(numbers) == len(tried), list(numbers.values()))
    words = {n: value_text(v) for n, v in tried.items()}
    if spec.kind == "categorical" or len(numbers) < len(tried):
        choices = list(dict.fromkeys([*map(value_text, spec.choices), *words.values()]))
        return Scale(name, "categorical", tuple(choices), math.nan, math.nan, _placed(words, choices), words)
    values = {n: float(v) for n, v in numbers.items() if abs(v) < 1e300}
    ends = [v for v in (spec.low, spec.high, *values.values()) if math.isfinite(v)] or [0.0, 1.0]
    kind = "linear" if spec.kind == "log" and min(ends) <= 0 else spec.kind
    return Scale(name, kind, (), min(ends), max(ends), values, words)


def _placed(words: dict[int, str], choices: Sequence[str]) -> dict[int, float]:
    places = {text: float(i) for i, text in enumerate(choices)}
    return {number: places[text] for number, text in words.items()}


def _guessed(numeric: bool, values: Sequence[float]) -> Parameter:
    """The kind of a parameter that the space does not name."""
    if not numeric:
        return Parameter("categorical")
    if all(isinstance(v, int) for v in values):
        return Parameter("integer")
    return Parameter("log" if values and min(values) > 0 and max(values) / min(values) > 40 else "linear")
