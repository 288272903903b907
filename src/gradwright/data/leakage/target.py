"""The targets that the audit may read: of training and validation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.leakage.leak import Audited

__all__ = ["known_target"]


def known_target(audited: Audited) -> NDArray[Any] | None:
    """Class numbers or quantities of the rows `Audited.known`; None for tasks with more than one value a row."""
    if audited.task.kind not in ("binary", "multiclass", "regression"):
        return None
    dataset, rows = audited.dataset, audited.known
    target = audited.task.encode(dataset.target[rows], lambda row: dataset.place(int(rows[row])))
    return target if np.ndim(target) == 1 else None
