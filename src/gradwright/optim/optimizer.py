"""What every update rule shares: parameter groups, state, saving."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from gradwright.backend import namespace
from gradwright.engine.base import settle
from gradwright.engine.creation import zeros_like
from gradwright.engine.mode import enable_grad, mode, no_grad
from gradwright.engine.row_sparse import RowSparse, arrays_of
from gradwright.engine.state import Lift, Stateful, structure_changed
from gradwright.engine.tensor import Tensor
from gradwright.engine.tracing import trace_now
from gradwright.errors import ConfigError, StateError
from gradwright.optim.rows import check_gradients, step_rows

__all__ = ["Optimizer", "decoupled", "descent", "gradient", "off", "same_dtype", "steps_taken"]


class Optimizer(Stateful):
    """Update parameters from their gradients.

    A subclass says what it remembers for each parameter (:meth:`slots`) and how one parameter moves
    (:meth:`update`), on plain arrays of either library; everything else is here. All slots exist from the start, so
    a compiled step sees the same state at every call.

    A gradient that is None passes its parameter over. One that holds NaN or infinity is used as it is, as in PyTorch:
    the parameter and its slots are spoilt. ``nn.utils.clip_grad_norm_`` refuses it before the step.

    Parameters
    ----------
    params : iterable of Tensor, or of dicts
        What to train; a dict is a parameter group with its own hyperparameters: ``{"params": [...], "lr": 0.1}``.
    defaults : dict
        Hyperparameters of groups that name none of their own.
    """

    #: Hyperparameters that are numbers; a compiled step serves every value from one program.
    hyperparameters: ClassVar[tuple[str, ...]] = ("lr",)
    #: Hyperparameters for which 0 means that a part of the rule is not there at all.
    zero_means_off: ClassVar[tuple[str, ...]] = ()
    #: Hyperparameters that must be below 1, as the decay of an average.
    below_one: ClassVar[tuple[str, ...]] = ()
    #: Whether :meth:`update`, given some rows of a parameter and of its slots, does to them what is right: the rule
    #: then takes row-sparse gradients, and rows without a gradient stay as they are.
    sparse: ClassVar[bool] = False
    #: Whether the rule takes ordinary gradients.
    dense: ClassVar[bool] = True
    #: What :meth:`step` must be given, if anything: a closure that computes "gradients", or one that only the "loss".
    closure: ClassVar[str | None] = None

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[Tensor, dict[str, Tensor]] = {}
        self._steps: list[Tensor] = []
        groups = list(params)
        if not groups:
            raise ConfigError(
                f"{type(self).__name__}: no parameters to train. A generator such as model.parameters() is "
                "used up after one pass; make a new one for each optimizer."
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def slots(self, group: Mapping[str, Any]) -> tuple[str, ...] | Mapping[str, Any]:
        """Return the names of the arrays kept for each parameter of the group; they start at 0.

        A mapping says where they start: a number fills an array like the parameter, a NumPy array is the start itself.
        """
        raise TypeError(f"{type(self).__name__} defines no slots")

    def update(
        self, xp: ModuleType, p: Any, g: Any, slots: dict[str, Any], step: Any, h: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the new parameter and slots.

        Parameters
        ----------
        xp : module
            numpy or jax.numpy.
        p, g : arrays of one shape
            Parameter and gradient.
        slots : dict of arrays
            What :meth:`slots` names.
        step : integer or integer array
            How many updates this parameter has had, this one included: 1 at the first.
        h : mapping
            The group's hyperparameters; numbers, or zero-dimensional arrays in a compiled step.
        """
        raise TypeError(f"{type(self).__name__} defines no update")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with their own hyperparameters."""
        group = _with_tuples({**self.defaults, **param_group})
        params = group["params"]
        group["params"] = [params] if isinstance(params, Tensor) else list(params)
        known = {id(p) for g in self.param_groups for p in g["params"]}
        for i, p in enumerate(group["params"]):
            if not isinstance(p, Tensor):
                raise ConfigError(f"{type(self).__name__}: parameter {i} is a {type(p).__name__}, not a Tensor")
            if not p.is_leaf:
                raise ConfigError(f"{type(self).__name__}: parameter {i} is the result of an operation, not a leaf")
            if id(p) in known:
                raise ConfigError(f"{type(self).__name__}: parameter {i} of shape {p.shape} is in the optimizer twice")
            known.add(id(p))
        self.check(group)
        self.param_groups.append(group)
        # one count for each parameter: one that has had no gradient has not been updated
        self._steps.append(Tensor(np.zeros(len(group["params"]), np.int32)))
        for p in group["params"]:
            self.state[p] = {}
        self.ensure_slots()

    def ensure_slots(self, names: Iterable[str] = ()) -> bool:
        """Make the slots that are missing, those named, and those of another dtype; say whether there were any.

        A hyperparameter that was 0 when the optimizer was made (SGD's momentum) may ask for a slot later, a model may
        be converted to another dtype, and a population gives all its members the same slots.
        """
        missing = []
        for group in self.param_groups:
            starts = {**dict.fromkeys(names, 0), **self._starts(group)}
            for p in group["params"]:
                state = self.state[p]
                for name, start in starts.items():
                    dtype = start.dtype if isinstance(start, np.ndarray) else p.dtype
                    if name not in state or state[name].dtype != dtype:
                        missing.append((p, name, start, dtype))
        for p, name, start, dtype in missing:
            old = self.state[p].get(name)
            self.state[p][name] = Tensor(_start(p, start) if old is None else old.numpy().astype(dtype))
        if missing:
            structure_changed(self)
        return bool(missing)

    def _starts(self, group: Mapping[str, Any]) -> dict[str, Any]:
        slots = self.slots(group)
        return dict(slots) if isinstance(slots, Mapping) else dict.fromkeys(slots, 0)

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of all slots that any parameter has."""
        return tuple(dict.fromkeys(name for slots in self.state.values() for name in slots))

    def check(self, group: Mapping[str, Any]) -> None:
        """Raise ConfigError for hyperparameters outside their range."""
        for name in self.hyperparameters:
            rule: Any = type(self)
            given, length = group[name], _tuples(rule).get(name)
            if length is not None and not (isinstance(given, tuple) and len(given) == length):
                raise ConfigError(f"{type(self).__name__}: {name} must be {length} numbers, got {given!r}")
            for i, value in enumerate(given if isinstance(given, tuple) else (given,)):
                place = f"{name}[{i}]" if isinstance(given, tuple) else name
                if not isinstance(value, numbers.Real):
                    raise ConfigError(f"{type(self).__name__}: {place} must be a number, got a {type(value).__name__}")
                self.check_number(name, place, float(value))

    def check_number(self, name: str, place: str, value: float) -> None:
        """Raise ConfigError for a number that this hyperparameter cannot be; ``place`` names it within a tuple."""
        if not value >= 0:  # NaN is refused too
            raise ConfigError(f"{type(self).__name__}: {place} must be at least 0, got {value}")
        if name in self.below_one and not value < 1:
            raise ConfigError(f"{type(self).__name__}: {place} must be at least 0 and below 1, got {value}")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients (set them to None, or to zeros)."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                elif p._grad is not None:
                    p._grad = p._grad.cleared() if type(p._grad) is RowSparse else zeros_like(p._grad)

    @no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss anew, with its backward, before the update; its value is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        if trace_now.trace is None:  # a compiled step has asked before it was traced
            self.ensure_slots()
        for group, steps in zip(self.param_groups, self._steps, strict=True):
            params = group["params"]
            moved = [i for i, p in enumerate(params) if p._grad is not None]
            if not moved:
                continue
            rows = [i for i in moved if type(params[i]._grad) is RowSparse]
            if rows or not self.dense:
                check_gradients(self, group, moved, rows)
            count = settle(steps)
            xp = namespace([count, settle(params[moved[0]]), *arrays_of(params[moved[0]]._grad)])
            if len(moved) == len(params):
                count = count + np.int32(1)
            else:
                count = count + xp.asarray([p._grad is not None for p in params], dtype=np.int32)
            steps._set(count)
            run = mode.quietly if xp is np else _call  # without NumPy's warnings, as every operation
            shared = run(self.prepare, xp, count, group)
            for i in moved:
                p = params[i]
                state = self.state[p]
                if i in rows:
                    run(step_rows, self, xp, p, {k: v[i] for k, v in shared.items()}, group)
                    continue
                old = {name: settle(slot) for name, slot in state.items()}
                new, slots = run(
                    self.update, xp, settle(p), settle(p._grad), old, {k: v[i] for k, v in shared.items()}, group
                )
                p._set(new)
                for name, array in slots.items():
                    state[name]._set(array)
                if trace_now.trace is not None:
                    trace_now.trace.consumed(p)
        return loss

    def prepare(self, xp: ModuleType, count: Any, h: Mapping[str, Any]) -> dict[str, Any]:
        """Compute, once for the group, what depends on the step counts alone; one entry for each parameter."""
        return {}

    def lift_into(self, lift: Lift, path: str) -> None:
        """Show the parameters, their slots and step counts, and the hyperparameters of each group."""
        for i, (group, steps) in enumerate(zip(self.param_groups, self._steps, strict=True)):
            for j, p in enumerate(group["params"]):
                lift.tensor(f"{path}.param_groups[{i}].params[{j}]", p)
                for name, slot in self.state[p].items():
                    lift.tensor(f"{path}.{name}[{i}][{j}]", slot)
            lift.tensor(f"{path}.step[{i}]", steps)
            for key in self.hyperparameters:
                lift.number(f"{path}.param_groups[{i}].{key}", group, key, zero_means_off=key in self.zero_means_off)
            for key, value in group.items():  # flags and counts are no inputs, but they decide what the program says
                if key not in self.hyperparameters and isinstance(value, bool | int | str):
                    lift.constant(group, key)

    # --- saving -----------------------------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """Return the state and the groups in PyTorch's layout: parameters by their position."""
        order = [p for group in self.param_groups for p in group["params"]]
        position = {id(p): i for i, p in enumerate(order)}
        counts = [n for steps in self._steps for n in np.asarray(steps._array).tolist()]
        state = {
            i: {
                "step": counts[i],
                **{name: Tensor(slot.detach().numpy()) for name, slot in self.state[p].items()},
            }
            for i, p in enumerate(order)
        }
        groups = [
            {
                **{k: v for k, v in g.items() if k != "params"},
                "params": [position[id(p)] for p in g["params"]],
            }
            for g in self.param_groups
        ]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a saved state; nothing is changed when it does not fit.

        A parameter that has no entry, or None for a slot, has had no gradient yet, as in PyTorch; but a state without
        any entry is refused where this optimizer remembers something.
        """
        groups = state_dict["param_groups"]
        sizes = [len(g["params"]) for g in groups]
        own = [len(g["params"]) for g in self.param_groups]
        if sizes != own:
            raise StateError(
                f"load_state_dict: the saved groups have {sizes} parameters, this {type(self).__name__}'s have {own}"
            )
        order = [p for group in self.param_groups for p in group["params"]]
        entries = state_dict["state"]
        for i, p in enumerate(order):
            for name, slot in self.state[p].items():
                if (i in entries or not entries) and name not in entries.get(i, {}):
                    raise StateError(f"load_state_dict: the saved state of parameter {i} has no {name}")
                value = entries.get(i, {}).get(name)
                if value is not None and tuple(np.shape(value)) != slot.shape:
                    raise StateError(
                        f"load_state_dict: {name} of parameter {i} has shape {tuple(np.shape(value))}, expected "
                        f"{slot.shape}"
                    )
        counts = iter([_steps_in(entries.get(i, {})) for i in range(len(order))])
        for group, saved_group, steps in zip(self.param_groups, groups, self._steps, strict=True):
            group.update(_with_tuples({k: v for k, v in saved_group.items() if k != "params"}))
            steps._set(np.array([next(counts) for _ in group["params"]], np.int32))
        self.ensure_slots()  # the saved numbers may ask for more: momentum where there was none
        starts = [self._starts(group) for group in self.param_groups for _ in group["params"]]
        for i, p in enumerate(order):
            for name, slot in self.state[p].items():
                value = entries.get(i, {}).get(name)
                slot._set(
                    (_start(p, starts[i].get(name, 0)) if value is None else np.asarray(value)).astype(slot.dtype)
                )

    def __repr__(self) -> str:
        lines = []
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {k}: {v}" for k, v in sorted(group.items()) if k != "params"]
        return f"{type(self).__name__} (\n" + "\n".join(lines) + "\n)"


def _start(p: Tensor, start: Any) -> np.ndarray:
    """Return the array that a slot starts as; see :meth:`Optimizer.slots`."""
    return start.copy() if isinstance(start, np.ndarray) else np.full(p.shape, start, p.dtype)


def _steps_in(saved: Mapping[str, Any]) -> int:
    """Return the saved number of steps; PyTorch's SGD saves none, but a momentum buffer says that there was one."""
    return int(saved["step"]) if "step" in saved else int(any(slot is not None for slot in saved.values()))


def same_dtype(array: Any, p: Any) -> Any:
    """Return the array in the dtype of ``p``; hyperparameters that are float64 arrays must not promote a parameter."""
    return array if array.dtype == p.dtype else array.astype(p.dtype)


def gradient(p: Any) -> Any:
    """Return a parameter's gradient as an array; a row-sparse one is filled up with zeros."""
    return settle(p._grad.to_dense() if type(p._grad) is RowSparse else p._grad)


def off(value: Any) -> bool:
    """Say whether a hyperparameter is the number 0; an array never is, its values may differ from call to call."""
    return isinstance(value, int | float) and value == 0


def descent(p: Any, g: Any, h: Mapping[str, Any]) -> Any:
    """Return the gradient to go down: turned round when maximizing, with the coupled weight decay in it."""
    if h["maximize"]:
        g = -g
    return g if off(h["weight_decay"]) else g + h["weight_decay"] * p


def decoupled(p: Any, g: Any, h: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the parameter, decayed by γλ of itself, and the gradient to go down."""
    g = -g if h["maximize"] else g
    return (p if off(h["weight_decay"]) else p * (1 - h["lr"] * h["weight_decay"])), g


def steps_taken(xp: ModuleType, count: Any) -> Any:
    """Return the step counts in float64 for powers of them: 1 - 0.999 has only four good digits in float32.

    A parameter that is still to have its first gradient counts as 1, so that nothing divides by 0.
    """
    return xp.maximum(count, 1).astype(np.float64)


def _tuples(rule: type[Optimizer]) -> dict[str, int]:
    """Return the lengths of those hyperparameters that are tuples, as the constructor's defaults say."""
    parameters = inspect.signature(rule.__init__).parameters.values()
    return {p.name: len(p.default) for p in parameters if isinstance(p.default, tuple)}


def _with_tuples(group: dict[str, Any]) -> dict[str, Any]:
    """Return the group with tuples for lists of numbers, which files and people write."""
    return {k: tuple(v) if isinstance(v, list) and k != "params" else v for k, v in group.items()}


def _call(function: Any, *args: Any) -> Any:
    return function(*args)
