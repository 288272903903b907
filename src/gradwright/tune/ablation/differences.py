"""How far arms are from the whole: paired by seed, with intervals, and p-values corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwright.tune.ablation.parts import Part
from gradwright.tune.ablation.words import verdict
from gradwright.tune.statistics import Comparison, compare_seeds, holm

__all__ = ["corrected", "difference", "order_of_harm"]

Scores = Sequence[float | None]

ALPHA = 0.05


def difference(part: Part, base: Scores, arm: Scores, metric: str) -> dict[str, Any]:
    """Return a part's row of ``result.json``; `mean` and all else are over the seeds that have a score in both."""
    pairs = [(b, a) for b, a in zip(base, arm, strict=True) if b is not None and a is not None]
    row: dict[str, Any] = {
        "name": part.name, "family": part.family, "what": part.what, "replaced": part.replaced,
        "per_seed": list(arm), "failed": sum(score is None for score in arm),
        "mean": None, "difference": None, "low": None, "high": None, "p": None, "p_holm": None,
        "within_spread": None, "test": None,
    }  # fmt: skip
    if not pairs:
        return row
    whole, left = np.array(pairs, float).T
    test = compare_seeds(left, whole, paired=True, of=Comparison.by(metric, f"without {part.name}", "the whole"))
    row |= {
        "mean": float(left.mean()), "difference": test.difference, "low": test.low, "high": test.high, "p": test.p,
        "test": test.to_dict(),
    }  # fmt: skip
    if len(pairs) > 1:
        spread = float(np.sqrt((whole.var(ddof=1) + left.var(ddof=1)) / 2))
        row["within_spread"] = bool(abs(test.difference) < spread)
    return row


def corrected(rows: Sequence[dict[str, Any]], *, higher_is_better: bool, what: str = "it") -> list[dict[str, Any]]:
    """Return the rows with p-values corrected for one another (Holm), and what each says in words; ``what`` is gone."""
    known = [row for row in rows if row["p"] is not None]
    by_row = {id(row): float(p) for row, p in zip(known, holm([r["p"] for r in known]), strict=True)} if known else {}
    found = []
    for row in rows:
        new = {**row, "p_holm": by_row.get(id(row))}
        found.append({**new, "words": verdict(new, higher_is_better=higher_is_better, alpha=ALPHA, what=what)})
    return found


def order_of_harm(rows: Sequence[dict[str, Any]], *, higher_is_better: bool) -> list[str]:
    """Return the names of the parts, that first whose absence does the least harm (or the most good).

    Those without a score come last; ties stay in the order given.
    """
    sign = 1.0 if higher_is_better else -1.0

    def harm(row: dict[str, Any]) -> float:
        return float("inf") if row["difference"] is None else -sign * row["difference"]

    return [row["name"] for row in sorted(rows, key=harm)]
