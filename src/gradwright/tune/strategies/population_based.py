"""Population-based training: the worst go on from the best one's weights, with changed values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gradwright.errors import ConfigError
from gradwright.tune.space import Space
from gradwright.tune.strategies.base import Direction, better_first

__all__ = ["Copy", "PopulationBased"]

#: Settings that can change while the weights stay: numbers that a step reads anew, of no network's shape.
_CHANGEABLE = (
    *("lr", "momentum", "weight_decay", "l1", "l2", "max_norm", "dropout", "label_smoothing", "gradient_noise"),
    *("weight_noise", "stochastic_depth", "ema", "clip_norm", "clip_value"),
)


@dataclass(frozen=True)
class Copy:
    """One member takes another's place.

    Attributes
    ----------
    to, source : int
        Numbers of the member that is given up, and of the one whose weights and optimizer's state it gets.
    parameters : dict
        The values with which it goes on.
    """

    to: int
    source: int
    parameters: dict[str, Any]


@dataclass(frozen=True)
class PopulationBased:
    """At each interval the worst fifth copy the best fifth (exploit) and change the values they copied (explore).

    Exploit is truncation selection: each of the worst copies one of the best, drawn evenly. Explore changes each value
    by a factor, drawn from two, or draws it anew from the space. All draws are a function of the seed and the interval.

    Parameters
    ----------
    space : Space
        What varies: numbers that can change in training, such as the learning rate, dropout and weight decay.
    members : int >= 2
        How many train at once.
    interval : int >= 1
        Epochs from one exchange to the next.
    seed : int >= 0
        Of all draws.
    truncation : float in (0, 0.5]
        The part that copies, and the part that is copied.
    resample : float in [0, 1]
        How often a value is drawn anew instead of changed.
    factors : tuple of two floats
        By which a value is changed, kept in the space's range.
    direction : {"minimize", "maximize"}
        Which scores are better.

    References
    ----------
    Jaderberg et al., "Population Based Training of Neural Networks", arXiv:1711.09846 (2017).

    Examples
    --------
    >>> from gradwright.tune import Log, Space
    >>> pbt = PopulationBased(Space({"lr": Log(1e-5, 1.0)}), members=5, interval=2)
    >>> now = dict(enumerate(pbt.start()))
    >>> [(copy.to, copy.source) for copy in pbt.exchange(1, {0: 0.3, 1: 0.1, 2: 0.2, 3: 0.9, 4: 0.4}, now)]
    [(3, 1)]
    """

    name: ClassVar[str] = "pbt"
    space: Space
    members: int
    interval: int
    seed: int = 0
    truncation: float = 0.2
    resample: float = 0.25
    factors: tuple[float, float] = (0.8, 1.2)
    direction: Direction = "minimize"

    def __post_init__(self) -> None:
        for name, least in (("members", 2), ("interval", 1), ("seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or not least <= value < 2**63:
                raise ConfigError(f"{name} = {value!r}: expected a whole number from {least}")
        if not 0 < self.truncation <= 0.5:
            raise ConfigError(f"truncation = {self.truncation!r}: expected a number above 0, to 0.5")
        if not 0 <= self.resample <= 1:
            raise ConfigError(f"resample = {self.resample!r}: expected a number from 0 to 1")
        if len(self.factors) != 2 or not all(0 < factor < math.inf for factor in self.factors):
            raise ConfigError(f"factors = {self.factors!r}: expected two numbers above 0")
        if self.direction not in ("minimize", "maximize"):
            raise ConfigError(f"direction = {self.direction!r}: expected minimize or maximize")
        for name, parameter in self.space.items():
            if name not in _CHANGEABLE or parameter.kind == "categorical":
                raise ConfigError(
                    f"{self.space.where}: [{name}]: population-based training changes numbers while the weights stay, "
                    f"and this is none of them; it can search {', '.join(_CHANGEABLE)}"
                )

    def start(self) -> list[dict[str, Any]]:
        """Return the values with which the members begin."""
        return [self.space.sample(np.random.default_rng([self.seed, 0, number])) for number in range(self.members)]

    def exchange(
        self, interval: int, scores: Mapping[int, float | None], parameters: Mapping[int, Mapping[str, Any]]
    ) -> list[Copy]:
        """Return who copies whom after an interval, in order of ``to``; the loop copies weights and values together.

        Parameters
        ----------
        interval : int >= 1
            Which exchange this is; the same one is the same again.
        scores : mapping of int to float or None
            Of all members. Who has none copies in any case, and is never copied.
        parameters : mapping of int to mapping
            The values that the members have now.
        """
        if type(interval) is not int or interval < 1:
            raise ConfigError(f"interval = {interval!r}: exchanges are numbered from 1")
        ranked = better_first(scores, self.direction)
        failed = sorted(set(scores) - set(ranked))
        # at least one, and never one that copies and is copied
        part = min(math.ceil(round(len(scores) * self.truncation, 9)), len(ranked) // 2)
        best = ranked[: max(part, 1)]
        worst = ranked[len(ranked) - max(part - len(failed), 0) :]
        copies = []
        for to in sorted([*worst, *failed]) if best else []:
            rng = np.random.default_rng([self.seed, interval, to])
            source = best[int(rng.integers(len(best)))]
            copies.append(Copy(to, source, self._explored(rng, parameters[source])))
        return copies

    def _explored(self, rng: np.random.Generator, values: Mapping[str, Any]) -> dict[str, Any]:
        changed = {}
        for name, parameter in self.space.items():
            # always as many draws, whatever comes of them
            anew, u, side = rng.random(3)
            if anew < self.resample:
                changed[name] = parameter.from_unit(u)
            else:
                changed[name] = parameter.scaled(values[name], self.factors[int(side >= 0.5)])
        return changed
