"""What optimizers around another one share: its parameters, groups and state are theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gradwright.engine.state import Lift, structure_changed
from gradwright.engine.tensor import Tensor
from gradwright.errors import ConfigError, StateError
from gradwright.optim.optimizer import Optimizer

__all__ = ["Around"]


class Around(Optimizer):
    """An optimizer that steps by another and keeps one more array for each parameter, and counts of its own.

    Parameters
    ----------
    optimizer : Optimizer
        The inner one. Schedules and ``add_param_group`` may be given either.
    slot : str
        The name of the array.
    counts : tuple of str
        Names of the counts, which begin at 0.
    """

    def __init__(self, optimizer: Optimizer, slot: str, counts: tuple[str, ...]) -> None:
        if not isinstance(optimizer, Optimizer):
            raise ConfigError(
                f"{type(self).__name__}: expected an optimizer, such as optim.Adam(model.parameters()), got a "
                f"{type(optimizer).__name__}"
            )
        self.optimizer = optimizer
        self.defaults = optimizer.defaults
        self.param_groups = optimizer.param_groups  # the same objects, not copies
        self.state = optimizer.state
        self._slot = slot
        self._arrays: dict[Tensor, Tensor] = {}
        self._counts = {name: Tensor(np.zeros((), np.float64)) for name in counts}
        self.ensure_slots()

    @property
    def closure(self) -> str | None:  # type: ignore[override]
        """What :meth:`step` must be given: what the inner optimizer must."""
        return self.optimizer.closure

    def _params(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def _start(self, p: Tensor) -> np.ndarray:
        """Return what a parameter's array begins as."""
        return np.zeros(p.shape, p.dtype)

    def _settings(self) -> dict[str, Any]:
        """Return what is saved besides arrays and counts: numbers by the names of their attributes."""
        return {}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters to the inner optimizer."""
        self.optimizer.add_param_group(param_group)
        self.ensure_slots()

    def ensure_slots(self, names: Iterable[str] = ()) -> bool:
        """Make the arrays that are missing or of another dtype; say whether there were any."""
        missing = [p for p in self._params() if p not in self._arrays or self._arrays[p].dtype != p.dtype]
        for p in missing:
            old = self._arrays.get(p)
            self._arrays[p] = Tensor(self._start(p) if old is None else old.numpy().astype(p.dtype))
        if missing:
            structure_changed(self)
        return bool(missing)

    def slot_names(self) -> tuple[str, ...]:
        """Return nothing: the inner optimizer answers for its slots itself."""
        return ()

    def lift_into(self, lift: Lift, path: str) -> None:
        """Show the inner optimizer, the arrays, the counts and the numbers."""
        lift.visit(f"{path}.optimizer", self.optimizer)
        for i, p in enumerate(self._params()):
            lift.tensor(f"{path}.{self._slot}[{i}]", self._arrays[p])
        for name, count in self._counts.items():
            lift.tensor(f"{path}.{name}", count)
        for name in self._settings():
            lift.number(f"{path}.{name}", vars(self), name, zero_means_off=False)

    def state_dict(self) -> dict[str, Any]:
        """Return the inner optimizer's state with the arrays beside its slots, and counts and numbers by themselves."""
        saved = self.optimizer.state_dict()
        arrays = [Tensor(self._arrays[p].detach().numpy()) for p in self._params()]
        counts = {name: float(np.asarray(count._array)) for name, count in self._counts.items()}
        return {**saved, type(self).__name__: {self._slot: arrays, **counts, **self._settings()}}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a saved state; nothing is changed when it does not fit."""
        name, own = type(self).__name__, state_dict.get(type(self).__name__)
        if own is None or any(key not in own for key in (*self._counts, *self._settings())):
            raise StateError(f"load_state_dict: the state was not saved by {name}; load it into the inner optimizer")
        params, arrays = self._params(), own.get(self._slot, ())
        for i, p in enumerate(params):
            if i >= len(arrays) or tuple(np.shape(arrays[i])) != p.shape:
                raise StateError(f"load_state_dict: parameter {i} has no {self._slot} of shape {p.shape}")
        self.optimizer.load_state_dict(state_dict)
        for p, array in zip(params, arrays, strict=True):
            self._arrays[p]._set(np.asarray(array).astype(p.dtype))
        for key, count in self._counts.items():
            count._set(np.asarray(own[key], np.float64))
        for key in self._settings():
            vars(self)[key] = own[key]

    def __repr__(self) -> str:
        settings = "".join(f", {key}={value}" for key, value in self._settings().items())
        return f"{type(self).__name__}({self.optimizer!r}{settings})"
