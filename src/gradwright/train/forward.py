"""Outputs for many rows, block by block."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradwright import nn
from gradwright.engine.mode import no_grad
from gradwright.engine.tensor import Tensor

__all__ = ["EVALUATION_ROWS", "forward_rows"]

#: Rows that are evaluated as one program.
EVALUATION_ROWS = 8192


def forward_rows(
    model: nn.Module,
    x: np.ndarray,
    forward: Callable[[Tensor], Tensor] | None = None,
    between: Callable[[], None] | None = None,
) -> np.ndarray:
    """Return the outputs for many rows in evaluation mode, block by block, without recording anything.

    Parameters
    ----------
    x : (rows, …)
    forward : callable, optional
        The forward pass of a block; by default the model itself.
    between : callable, optional
        Called after each block; it may raise.
    """
    training = model.training
    model.eval()
    try:
        with no_grad():
            parts = []
            for start in range(0, max(len(x), 1), EVALUATION_ROWS):
                rows = Tensor(x[start : start + EVALUATION_ROWS])
                parts.append(np.asarray((forward or model)(rows)._array))
                if between is not None:
                    between()
            return np.concatenate(parts)
    finally:
        model.train(training)
