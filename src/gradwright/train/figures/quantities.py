"""One quantity or several, each in its own unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.train.figures.resampling import DRAWS, sums_interval
from gradwright.train.metrics import Interval, r2_interval, rmse_interval

__all__ = ["mean_r2", "of_quantities", "of_several"]

_PAIRS = 1000  # of truth and prediction that are kept for the picture


def of_quantities(target: np.ndarray, predicted: np.ndarray, name: str) -> dict[str, Any]:
    """Return RMSE, R² and MAE of one quantity, (n,) in its own unit, and pairs for a picture."""
    target, predicted = target.astype(np.float64), np.asarray(predicted, np.float64)
    r2 = r2_interval(target, predicted)
    return {
        "rmse": rmse_interval(target, predicted).to_dict(),
        "r2": None if r2 is None else r2.to_dict(),
        "mae": float(np.mean(np.abs(target - predicted))),
        "target_name": name,
        "target": target[:_PAIRS].tolist(),
        "prediction": predicted[:_PAIRS].tolist(),
    }


def mean_r2(target: np.ndarray, predicted: np.ndarray, draws: int = DRAWS) -> Interval:
    """Return the mean of the targets' R², rows drawn again for its interval; both (n, targets).

    A target that is constant in the part has no R² and is left out of the mean.
    """
    target = target.astype(np.float64)
    varied = target.min(0) != target.max(0)
    y, e = target[:, varied] - target[:, varied].mean(0), (target - predicted)[:, varied]
    k = int(varied.sum())
    if k == 0:
        return Interval(float("nan"), float("nan"), float("nan"), "no figure: the targets are constant here")
    scale = np.maximum(y.std(0), 1e-300)  # sums of targets of any unit stay of one size
    y, e = y / scale, e / scale
    rows = np.concatenate([e**2, y**2, y, np.ones((len(y), 1))], axis=1)

    def figure(sums: np.ndarray) -> np.ndarray:
        errors, squares, totals, n = np.split(sums, [k, 2 * k, 3 * k], axis=1)
        around = squares - totals**2 / n
        return np.asarray((1 - errors / np.where(around > 1e-9, around, np.nan)).mean(1))

    return sums_interval(rows, figure, draws=draws)


def of_several(
    target: np.ndarray, predicted: np.ndarray, names: tuple[str, ...], units: tuple[str, ...]
) -> dict[str, Any]:
    """Return the mean R² over the targets, and the figures of each in its own unit; both arrays (n, targets)."""
    each = []
    for i, name in enumerate(names):
        figures = of_quantities(target[:, i], predicted[:, i], name)
        each.append({"unit": (units[i] if i < len(units) else "") or None, **figures})
    return {"r2": mean_r2(target, predicted).to_dict(), "targets": each}
