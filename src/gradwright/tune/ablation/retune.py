"""A small sweep of the learning rate, so that rules are compared each at a rate that suits it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradwright.errors import ConfigError
from gradwright.tune.ablation.arms import Arm, Arms

__all__ = ["FACTORS", "retuned"]

#: What the given rate is multiplied by.
FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)
#: Seeds of each rate.
SEEDS = 2


def retuned(arms: Arms, wanted: Sequence[Arm], *, higher_is_better: bool) -> list[tuple[Arm, dict[str, Any]]]:
    """Return each arm with the rate whose mean score over two seeds is best, and what was tried.

    A rate with a training that has no score is out.

    Raises
    ------
    ConfigError
        No rate of an arm has a score with every seed.
    """
    tried = []
    for arm in wanted:
        for factor in FACTORS:
            rate = float(f"{arm.config.lr * factor:.3g}") if isinstance(arm.config.lr, float) else 0.0
            tried.append(Arm(f"{arm.name}, rate {rate:g}", arm.config.model_copy(update={"lr": rate}), arm.columns))
    scores = arms.train(tried, seeds=min(SEEDS, arms.seeds))
    found = []
    for i, arm in enumerate(wanted):
        own = slice(i * len(FACTORS), (i + 1) * len(FACTORS))
        means = [None if None in s else float(np.mean([v for v in s if v is not None])) for s in scores[own]]
        known = [(mean if higher_is_better else -mean, -k) for k, mean in enumerate(means) if mean is not None]
        if not known:
            raise ConfigError(f"--retune: {arm.name}: no rate trained to the end; the whole has rate {arm.config.lr}")
        best = -max(known)[1]  # the lowest rate of equals
        chosen = tried[own][best].config
        record = {
            "name": arm.name, "optimizer": arm.config.optimizer, "rates": [t.config.lr for t in tried[own]],
            "scores": means, "chosen": chosen.lr,
        }  # fmt: skip
        found.append((Arm(arm.name, chosen, arm.columns), record))
    return found
