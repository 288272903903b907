"""Trains a small population and prints its histories; run with as many virtual devices as XLA is told to have."""

from __future__ import annotations

import json
import sys

import numpy as np

from gradwright import nn, optim, train, tune
from gradwright.backend import jax_modules


def histories() -> list[list[dict[str, float]]]:
    """Six members, of which one ends early."""
    random = np.random.default_rng(0)
    x = random.normal(size=(100, 4)).astype(np.float32)
    y = (x.sum(1) > 0).astype(np.int64)

    def build(lr: float, dropout: float) -> train.Trainer:
        model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Dropout(dropout), nn.Linear(6, 2))
        return train.Trainer(model, nn.CrossEntropyLoss(), optim.AdamW(model.parameters(), lr=lr))

    settings = [{"lr": 0.003 * (i + 1), "dropout": 0.1 * (i % 3)} for i in range(5)] + [{"lr": 1e30, "dropout": 0.1}]
    population = tune.Population(build, settings, seeds=range(6))
    found = population.fit((x[:70], y[:70]), (x[70:], y[70:]), epochs=3, batch_size=16)
    return [[{k: v for k, v in row.items() if k != "seconds"} for row in rows] for rows in found]


if __name__ == "__main__":
    found = histories()
    json.dump({"devices": len(jax_modules().jax.local_devices()), "histories": found}, sys.stdout)
