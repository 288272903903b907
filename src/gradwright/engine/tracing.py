"""The hooks by which a compiler, or somebody looking, watches operations happen. Nothing here compiles."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

__all__ = ["Schedule", "Trace", "Watcher", "trace_now"]


class Schedule(Protocol):
    """Something that sets hyperparameters anew after each step; plain numbers, on the host."""

    def step(self) -> None:
        """Go on by one step."""

    def state_dict(self) -> dict[str, Any]:
        """Return where it stands."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go back to where it stood."""


class Trace(Protocol):
    """What operations tell the compiler while it traces a step."""

    def check_read(self, tensor: Any) -> None:
        """A tensor that holds numbers, not tracers, is read: is that a constant, or state that was not lifted?"""

    def check_write(self, tensor: Any, array: Any) -> None:
        """A tensor is about to be given another array."""

    def check_input(self, array: Any, check: Callable[[Any], None]) -> bool:
        """If ``array`` is an input of the step, run ``check`` on its numbers before every call and say True."""

    def number(self, value: Any) -> Any:
        """Return what a lifted hyperparameter is as the step is traced; anything else as it is."""

    def consumed(self, parameter: Any) -> None:
        """An update rule has used this parameter's gradient; it need not leave the program."""

    def after_step(self, schedule: Schedule) -> None:
        """After each step that runs, call ``schedule.step()`` on the host: the next step sees the new numbers."""


class Watcher(Protocol):
    """Somebody who looks at each operation's result, such as ``detect_anomaly``.

    One with a method ``module(module, output)`` is also told of each module's.
    """

    def forward(self, op: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """An operation has computed ``output``."""

    def backward(self, node: Any, gradient: Any, position: int) -> None:
        """A rule has computed the gradient for input ``position`` of ``node``."""


class _TraceNow(threading.local):
    trace: Trace | None = None
    watcher: Watcher | None = None
    modules: tuple[str, ...] = ()  # paths of the modules whose forward is running, when watched
    meta: Mapping[str, Any] = MappingProxyType({})  # what the watched operation was called with besides inputs


trace_now = _TraceNow()
