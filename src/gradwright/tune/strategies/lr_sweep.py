"""The coarse-to-fine sweep of the learning rate."""

from __future__ import annotations

from typing import Any, ClassVar

from gradwright.errors import ConfigError
from gradwright.tune.parameters import Log
from gradwright.tune.space import Space
from gradwright.tune.strategies.base import Direction, Strategy

__all__ = ["LRSweep"]

#: 1e-5, 3e-5, 1e-4, … 1
_COARSE = [float(f"{digit}e{power}") for power in range(-5, 0) for digit in (1, 3)] + [1.0]


class LRSweep(Strategy):
    """Learning rates 1e-5, 3e-5, 1e-4, … 1, and then finer ones on both sides of the best.

    The finer ones lie between the best rate and its neighbours, each the same multiple of the one before. Beyond the
    first and the last rate the neighbours would be 3e-6 and 3.

    Parameters
    ----------
    fine : int >= 0
        Rates on each side of the best in the second stage; 3 make steps of about a factor 1.3.
    direction : {"minimize", "maximize"}
        Which scores are better.

    References
    ----------
    The spacing is Ng's ("Machine Learning", lectures, 2011: try 0.001, 0.003, 0.01, …).

    Examples
    --------
    >>> sweep = LRSweep()
    >>> rates = [values["lr"] for values in sweep.ask(11)]
    >>> rates[:4], rates[-1]
    ([1e-05, 3e-05, 0.0001, 0.0003], 1.0)
    >>> for number, rate in enumerate(rates):
    ...     sweep.tell(number, abs(rate - 0.012))
    >>> [round(values["lr"], 4) for values in sweep.ask(11)]  # around 0.01
    [0.0041, 0.0055, 0.0074, 0.0132, 0.0173, 0.0228]
    """

    name: ClassVar[str] = "lr-sweep"

    def __init__(self, *, fine: int = 3, direction: Direction = "minimize") -> None:
        if type(fine) is not int or not 0 <= fine <= 1000:
            raise ConfigError(f"fine = {fine!r}: expected a whole number from 0 to 1000")
        super().__init__(Space({"lr": Log(3e-6, 3.0)}), trials=len(_COARSE) + 2 * fine, direction=direction)
        self.fine = fine

    @property
    def done(self) -> bool:
        if len(self.asked) == len(self.scores) == len(_COARSE) and self.best() is None:
            return True  # no rate trained at all, so there is nothing to be finer around
        return super().done

    def record(self) -> dict[str, Any]:
        return {"name": self.name, "trials": self.trials, "fine": self.fine}

    def _propose(self, count: int) -> list[dict[str, Any]]:
        begin = len(self.asked)
        rates = _COARSE if begin < len(_COARSE) else [*_COARSE, *self._finer()]
        # a batch ends with its stage, since the next one depends on all of it
        return [{"lr": rate} for rate in rates[begin : begin + count]]

    @property
    def adaptive(self) -> bool:  # type: ignore[override]
        return len(self.asked) >= len(_COARSE)

    def _finer(self) -> list[float]:
        """Return the rates of the second stage; they depend on the first alone."""
        first = {number: score for number, score in self.scores.items() if number < len(_COARSE)}
        sign = -1.0 if self.direction == "maximize" else 1.0
        at = min((sign * score, number) for number, score in first.items() if score is not None)[1]
        rates = [3e-6, *_COARSE, 3.0]
        below, best, above = rates[at : at + 3]
        parts = self.fine + 1
        return [
            *(below * (best / below) ** (i / parts) for i in range(1, parts)),
            *(best * (above / best) ** (i / parts) for i in range(1, parts)),
        ]
