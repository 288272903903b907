"""Columns whose being missing tells the target."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gradwright.data.leakage.leak import Audited, Leak
from gradwright.data.leakage.target import known_target
from gradwright.data.messages import plural, shown

__all__ = ["find_telling_gaps"]

_LEAST = 5  # missing, and present, rows
_WARN, _SURE = 0.6, 0.9


def find_telling_gaps(audited: Audited) -> list[Leak]:
    """Find columns whose gaps go with one class (by the correlation φ) or with high or low quantities.

    For a quantity it is |2·AUC - 1| between rows with and without a value, which is the rank-biserial correlation.
    """
    target = known_target(audited)
    if target is None:
        return []
    found = []
    for column in audited.columns:
        gone = column[audited.known].is_null().to_numpy()
        if min(gone.sum(), (~gone).sum()) < _LEAST:
            continue
        strength, whom = _strength(gone, target, audited)
        if strength >= _WARN:
            rows = audited.known[gone]
            found.append(
                Leak(
                    "missingness",
                    "problem" if strength >= _SURE else "warning",
                    f"That column {shown(column.name)} is missing tells the target",
                    f"It is missing in {plural(int(gone.sum()), 'row')} of training and validation, and that goes with "
                    f"{whom} (correlation {strength:.2f}). If the value is filled in only after the outcome is known, "
                    f"leave the column out; if its lack is known beforehand, it may stay.",
                    audited.name_rows(rows),
                    (column.name,),
                    {"missing": int(gone.sum()), "rows": len(gone)},
                )
            )
    return found


def _strength(gone: NDArray[np.bool_], target: NDArray[np.generic], audited: Audited) -> tuple[float, str]:
    if audited.task.classes is not None:
        best, whom = 0.0, ""
        for i, label in enumerate(audited.task.classes):
            has = target == i
            if 0 < has.sum() < len(has):
                phi = float(np.corrcoef(gone, has)[0, 1])
                if abs(phi) > best:
                    best, whom = abs(phi), f"class {shown(label)}" if phi > 0 else f"not being class {shown(label)}"
        return best, whom
    from scipy.stats import rankdata

    ranks = rankdata(target)
    m, n = int(gone.sum()), int((~gone).sum())
    area = (ranks[gone].sum() - m * (m + 1) / 2) / (m * n)
    return float(abs(2 * area - 1)), "high values" if area > 0.5 else "low values"
