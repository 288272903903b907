"""scikit-learn's ``GridSearchCV`` over ``MLPClassifier``."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from sweeps.jobs import BATCH, Job, Trained

__all__ = ["sklearn_grid"]


def sklearn_grid(job: Job) -> Callable[[], Trained]:
    """Every setting on every split, in two processes.

    What differs: no dropout (in its place each rate counts as another seed), no decay of biases, Glorot's initial
    weights, own batches, and accuracy at the end alone. ``alpha`` is divided by the batch, so it is the decay times the
    batch.
    """
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier

    rates = sorted({s.dropout for s in job.settings})
    settings = [s for s in job.settings if any(s == setting for setting, _ in job.members)]
    splits = sorted({split for _, split in job.members})
    grid = [
        {
            "learning_rate_init": [s.lr],
            "alpha": [s.weight_decay * BATCH],
            "random_state": [s.seed + rates.index(s.dropout)],
        }
        for s in settings
    ]
    network = MLPClassifier(
        job.sizes[1:-1], batch_size=BATCH, max_iter=job.epochs, n_iter_no_change=10**9, early_stopping=False
    )
    search = GridSearchCV(network, grid, cv=[job.splits[k] for k in splits], n_jobs=2, refit=False)

    def run() -> Trained:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged is what was asked
            search.fit(job.x, job.y)
        scores = [
            search.cv_results_[f"split{splits.index(split)}_test_score"][settings.index(s)] for s, split in job.members
        ]
        return Trained(np.empty((len(job), 0)), np.array(scores)[:, None])

    return run
