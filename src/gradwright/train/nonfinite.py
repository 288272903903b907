"""When a loss stops being a number: go back to the last good state, and find out where it happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradwright.backend import to_numpy
from gradwright.compile import CompiledStep
from gradwright.engine.anomaly import detect_anomaly
from gradwright.engine.tensor import Tensor
from gradwright.errors import NonFiniteError

__all__ = ["Snapshot", "explain_nonfinite"]


class Snapshot:
    """A copy of everything that a step changes."""

    def __init__(self, step: CompiledStep) -> None:
        self._tensors = [t for _, t in step.lifted().tensors]
        self._copies = [to_numpy(t._array) for t in self._tensors]

    def restore(self) -> None:
        """Put everything back as it was."""
        for tensor, copy in zip(self._tensors, self._copies, strict=True):
            tensor._set(copy.copy())

    def finite(self) -> bool:
        """Say whether all state is finite now."""
        return all(t.dtype.kind != "f" or bool(np.isfinite(np.asarray(t._array)).all()) for t in self._tensors)


def explain_nonfinite(
    step: Callable[..., Any], x: Any, y: Any, batches: np.ndarray, bad: int, epoch: int, first: int
) -> str:
    """Repeat a block's steps eagerly from the snapshot and name the operation where a value stopped being finite.

    Parameters
    ----------
    batches : (steps, batch)
        The block's rows, in order; ``bad`` is the step whose loss was not finite.
    first : int
        Number of the block's first step within the epoch.
    """
    x, y = np.asarray(x), np.asarray(y)
    with np.errstate(all="ignore"):
        for k in range(min(bad + 1, len(batches))):
            batch = Tensor(x[batches[k]]), Tensor(y[batches[k]])
            try:
                if k < bad - 1:
                    step(*batch)  # the weights can have gone bad one step before the loss shows it
                    continue
                with detect_anomaly():
                    step(*batch)
            except NonFiniteError as error:
                return f"epoch {epoch}, step {first + k + 1}: {error}. {_ADVICE}"
    return (
        f"epoch {epoch}, step {first + bad + 1}: the loss is not finite, but repeating the step eagerly was. {_ADVICE}"
    )


_ADVICE = (
    "Most often the learning rate is too high (try a tenth), or an input is not standardised; "
    "clipping gradients also helps."
)
