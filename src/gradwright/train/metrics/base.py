"""What every streaming metric shares: a state that a batch is measured into, and that two can be joined to."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

from gradwright.errors import ConfigError, ShapeError, StateError

__all__ = ["Metric", "State"]

#: Arrays that add up, or lists of arrays that are gathered.
State = dict[str, Any]
M = TypeVar("M", bound="Metric")


class Metric(ABC):
    """A figure of merit over batches of any size: sums and counts are kept, not means of means.

    A metric says how one batch is measured (``_measure``), how two states become one (``_join``; by adding up, unless
    it says otherwise) and what the figure of a state is (``_figure``). So any cut into batches, and any merging of
    parts, gives the same figure up to rounding.
    """

    #: Whether more ("max") or less ("min") is better.
    direction: ClassVar[Literal["max", "min"]] = "max"

    _state: State | None = None

    def update(self, output: Any, target: Any, weight: Any = None) -> None:
        """Take a batch into account.

        Parameters
        ----------
        output : array or Tensor
            Logits (n, classes) or (n, classes, length), logits (n, labels) for a 0/1 target of the same shape, or
            values (n,) or (n, targets): as the class says.
        target : array or Tensor
            Labels (n,) or (n, length), 0/1 (n, labels), or values in the output's shape.
        weight : array >= 0, optional
            For each row (n,), or for each element of the target. A weight of 0 leaves out.
        """
        with np.errstate(all="ignore"):  # weights of a network on their way to infinity: the figure then is None
            batch = self._measure(output, target, weight)
            self._state = batch if self._state is None else self._joined(self._state, batch)

    def merge(self: M, other: M) -> None:
        """Take into account what another metric of the same kind has seen; it keeps its own state."""
        if type(self) is not type(other) or self._settings() != other._settings():
            raise ConfigError(f"merge: cannot merge {other!r} into {self!r}; both must have the same settings")
        if other._state is not None:
            theirs = copy.deepcopy(other._state)
            with np.errstate(all="ignore"):
                self._state = theirs if self._state is None else self._joined(self._state, theirs)

    def compute(self) -> float | None:
        """Return the figure of all that came since the last reset; None where it has no meaning as a finite number."""
        if self._state is None:
            return None
        with np.errstate(all="ignore"):
            figure = self._figure(self._state)
        return float(figure) if figure is not None and np.isfinite(figure) else None

    def reset(self) -> None:
        """Forget everything."""
        self._state = None

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return what was seen so far as arrays, for a checkpoint."""
        state = self._state or {}
        return {k: np.concatenate(v) if isinstance(v, list) else np.array(v) for k, v in state.items()}

    def load_state_dict(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what :meth:`state_dict` gave."""
        expected = set(self._names())
        if state and set(state) != expected:
            raise StateError(f"{self!r}: the state holds {sorted(state)}; expected {sorted(expected)}")
        gathered = self._gathered
        loaded: State = {k: [np.array(v)] if k in gathered else np.array(v) for k, v in state.items()}
        self._state = loaded or None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._settings().items())})"

    # --- what a metric defines --------------------------------------------------------------------------------------
    #: Names of the state's lists, which are gathered instead of added up.
    _gathered: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def _measure(self, output: Any, target: Any, weight: Any) -> State:
        """Return the state of one batch alone; each time with the same names."""

    @abstractmethod
    def _names(self) -> tuple[str, ...]:
        """Return the names in the state."""

    def _join(self, a: State, b: State) -> State:
        """Return the state of both; ``a`` may be used up."""
        for name in a:
            a[name] = a[name] + b[name]
        return a

    @abstractmethod
    def _figure(self, state: State) -> Any:
        """Return the figure; None, NaN and infinity all say that it has no meaning."""

    # --- helpers ----------------------------------------------------------------------------------------------------
    def _joined(self, a: State, b: State) -> State:
        for name, value in a.items():
            shape, other = (s[-1].shape[1:] if name in self._gathered else np.shape(s) for s in (value, b[name]))
            if shape != other:
                raise ShapeError(
                    f"{self!r}: this batch has {_columns(other)} classes or targets, those before {_columns(shape)}"
                )
        return self._join(a, b)

    def _settings(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


def _columns(shape: tuple[int, ...]) -> int:
    return shape[0] if shape else 1
