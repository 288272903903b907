"""The regression target's scale, and the checks that all parts of a saved preparation share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.messages import listed, shown
from gradwright.errors import DataError, StateError

__all__ = ["TargetScale", "TargetScales", "check_state", "finite"]


@dataclass(frozen=True)
class TargetScale:
    """Mean and standard deviation of the training targets, in the target's own unit.

    A network learns targets of mean 0 and standard deviation 1 at the learning rates that suit everything
    else; figures for people are in the target's own unit again.

    Examples
    --------
    >>> scale = TargetScale.fit(np.array([10.0, 20.0, 30.0]))
    >>> scale.inverse(np.array([0.0, 1.0]))
    array([20.        , 28.16496581])
    """

    mean: float
    std: float

    @classmethod
    def fit(cls, target: NDArray[Any]) -> TargetScale:
        """Learn from training targets, float, shape (n,), in their own unit; the standard deviation is the
        biased one.

        Raises
        ------
        DataError
            A target that is not finite, or targets that are all equal.
        """
        values = np.asarray(target, np.float64)
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
            raise DataError(
                f"cannot scale a target of shape {values.shape}: expected finite numbers of shape (n,), n at least 1"
            )
        mean, std = float(values.mean()), float(values.std())
        if values.min() == values.max():
            raise DataError(f"cannot learn the target: all training rows have {mean!r}; expected different values")
        if not (math.isfinite(mean) and math.isfinite(std) and std > 0):
            raise DataError("cannot scale the target: its values lie beyond the range of float64; divide them first")
        return cls(mean, std)

    def transform(self, target: NDArray[Any]) -> NDArray[np.float32]:
        """From the target's own unit to mean 0 and standard deviation 1; shape (n,) to float32 (n,)."""
        return ((np.asarray(target, np.float64) - self.mean) / self.std).astype(np.float32)

    def inverse(self, scaled: NDArray[Any]) -> NDArray[np.float64]:
        """From standardised predictions, shape (n,), back to the target's own unit, as float64."""
        return np.asarray(scaled, np.float64) * self.std + self.mean

    def to_dict(self) -> dict[str, float]:
        """Both figures, as JSON values."""
        return {"mean": self.mean, "std": self.std}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> TargetScale:
        """Read what `to_dict` wrote; raises `StateError` when it is not that."""
        fields = check_state(state, "target_scale", mean=float, std=float)
        return cls(finite(fields["mean"], "mean"), finite(fields["std"], "std", positive=True))


@dataclass(frozen=True)
class TargetScales:
    """The scales of several targets, each in its own unit.

    Examples
    --------
    >>> scales = TargetScales.fit(np.array([[10.0, 1.0], [20.0, 3.0]]), ("price", "size"))
    >>> scales.inverse(np.array([[0.0, 1.0]]))
    array([[15.,  3.]])
    """

    scales: tuple[TargetScale, ...]

    @classmethod
    def fit(cls, target: NDArray[Any], names: Sequence[str]) -> TargetScales:
        """Learn from training targets, float, shape (n, targets); a `DataError` names the target that is wrong."""
        scales = []
        for column, name in zip(np.asarray(target).T, names, strict=True):
            try:
                scales.append(TargetScale.fit(column))
            except DataError as error:
                raise DataError(f"target {shown(name)}: {error}") from None
        return cls(tuple(scales))

    def transform(self, target: NDArray[Any]) -> NDArray[np.float32]:
        """From the targets' own units to mean 0 and standard deviation 1; shape (n, targets)."""
        return np.stack([s.transform(target[:, i]) for i, s in enumerate(self.scales)], axis=1)

    def inverse(self, scaled: NDArray[Any]) -> NDArray[np.float64]:
        """From standardised predictions, shape (n, targets), back to the targets' own units."""
        return np.stack([s.inverse(scaled[:, i]) for i, s in enumerate(self.scales)], axis=1)

    def to_dict(self) -> list[dict[str, float]]:
        """The scale of each, as JSON values."""
        return [scale.to_dict() for scale in self.scales]

    @classmethod
    def from_list(cls, state: Sequence[Any]) -> TargetScales:
        """Read what `to_dict` wrote; raises `StateError` when it is not that."""
        if len(state) < 2:
            raise StateError("cannot read the preparation: a list of target scales has two or more")
        return cls(tuple(TargetScale.from_dict(entry) for entry in state))


def check_state(state: Mapping[str, Any], what: str, **kinds: Any) -> dict[str, Any]:
    """Check that a saved state has just the fields expected, each of its type.

    Parameters
    ----------
    state : mapping
        As read from JSON.
    what : str
        What it describes, for the message.
    **kinds : type, or (type, None)
        The fields; with None the value may be null. float takes whole numbers as well; int takes no booleans.

    Returns
    -------
    dict
        The fields.

    Raises
    ------
    StateError
        The message names the field.

    Examples
    --------
    >>> check_state({"mean": 1}, "scale", mean=float)
    {'mean': 1.0}
    >>> check_state({"mean": "1"}, "scale", mean=float)
    Traceback (most recent call last):
    ...
    gradwright.errors.StateError: cannot read the preparation: scale has mean = '1'; expected float
    """
    if not isinstance(state, Mapping):
        raise StateError(f"cannot read the preparation: {what} is {shown(state)}; expected an object")
    lost, extra = [k for k in kinds if k not in state], [k for k in state if k not in kinds]
    if lost or extra:
        raise StateError(
            f"cannot read the preparation: {what} "
            + (f"lacks {listed(lost)}" if lost else f"has the unknown field {listed(extra)}")
            + f"; expected {', '.join(kinds)}"
        )
    fields: dict[str, Any] = {}
    for name, kind in kinds.items():
        value = state[name]
        optional = isinstance(kind, tuple)
        kind = kind[0] if optional else kind
        if kind is float and type(value) is int and abs(value) < 2**1000:
            value = float(value)
        if not (type(value) is kind or (optional and value is None)):
            raise StateError(
                f"cannot read the preparation: {what} has {name} = {shown(value)}; expected {kind.__name__}"
                + (" or null" if optional else "")
            )
        fields[name] = value
    return fields


def finite(value: float, name: str, *, positive: bool = False) -> float:
    """The number, or `StateError` when it is not finite (or not above 0)."""
    if not math.isfinite(value) or (positive and value <= 0):
        raise StateError(
            f"cannot read the preparation: {name} is {value!r}; expected a finite number" + " above 0" * positive
        )
    return value
