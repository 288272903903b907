"""When a loss stops being a number: go back to the last good state, and find out where it happened."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradwright.backend import to_numpy
from gradwright.compile import CompiledStep
from gradwright.compile.schedules import Paused
from gradwright.engine.anomaly import detect_anomaly
from gradwright.engine.tensor import Tensor
from gradwright.engine.tracing import Schedule
from gradwright.errors import NonFiniteError

__all__ = ["ADVICE", "Snapshot", "explain_nonfinite"]


class Snapshot:
    """A copy of everything that a step changes."""

    def __init__(self, step: CompiledStep, schedules: Sequence[Schedule] = ()) -> None:
        self._schedules = Paused(schedules, step.lifted())
        lifted = step.lifted().tensors
        self._paths = [path for path, _ in lifted]
        self._tensors = [t for _, t in lifted]
        self._copies = [to_numpy(t._array) for t in self._tensors]

    def restore(self) -> None:
        """Put everything back as it was."""
        self._schedules.restore()
        for tensor, copy in zip(self._tensors, self._copies, strict=True):
            tensor._set(copy.copy())

    def bad(self) -> str | None:
        """Name the first part of the state that is not finite now."""
        for path, tensor in zip(self._paths, self._tensors, strict=True):
            if tensor.dtype.kind == "f" and not np.isfinite(np.asarray(tensor._array)).all():
                return f"parameter {tensor.name}" if tensor.name else path
        return None


def explain_nonfinite(
    step: Callable[..., Any],
    state: Snapshot,
    x: Any,
    y: Any,
    batches: np.ndarray,
    bad: int,
    epoch: int,
    first: int,
) -> str:
    """Repeat a block's steps eagerly from the snapshot and name the operation where a value stopped being finite.

    Parameters
    ----------
    state : Snapshot
        Of before the block, restored.
    batches : (steps, batch)
        The block's rows, in order; ``bad`` is the step whose loss was not finite.
    first : int
        Number of the block's first step within the epoch.
    """
    x, y = np.asarray(x), np.asarray(y)
    with np.errstate(all="ignore"):
        for k in range(min(bad + 1, len(batches))):
            where = f"epoch {epoch}, step {first + k + 1}"
            # only the last two are watched: it is slow, and weights can go bad one step before the loss shows it
            watch = detect_anomaly() if k >= bad - 1 else contextlib.nullcontext()
            try:
                with watch:
                    step(Tensor(x[batches[k]]), Tensor(y[batches[k]]))
            except NonFiniteError as error:
                return f"{where}: {error}. {ADVICE}"
            if (name := state.bad()) is not None:
                return f"{where}: the update left {name} with a value that is not finite. {ADVICE}"
    return (
        f"epoch {epoch}, step {first + bad + 1}: a value is not finite, but repeating the step eagerly gave none such. "
        f"{ADVICE}"
    )


ADVICE = (
    "Most often the learning rate is too high (try a tenth), or an input is not standardised; "
    "clipping gradients also helps."
)
