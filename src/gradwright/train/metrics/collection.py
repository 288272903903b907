"""Several metrics that see the same batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gradwright.errors import StateError
from gradwright.train.metrics.base import Metric
from gradwright.train.metrics.table import make_metric

__all__ = ["MetricCollection"]


class MetricCollection:
    """Several metrics by name, updated and computed together.

    Parameters
    ----------
    metrics : iterable of str, or dict of str to Metric
        Names of the shelf, or metrics under the names they shall have.

    Examples
    --------
    >>> m = MetricCollection(["accuracy", "roc_auc"])
    >>> m.update([[2.0, 0.0], [0.0, 1.0]], [0, 1])
    >>> m.compute("validation_")
    {'validation_accuracy': 1.0, 'validation_roc_auc': 1.0}
    """

    def __init__(self, metrics: Iterable[str] | Mapping[str, Metric]) -> None:
        self.metrics: dict[str, Metric] = (
            dict(metrics) if isinstance(metrics, Mapping) else {name: make_metric(name) for name in metrics}
        )

    def update(self, output: Any, target: Any, weight: Any = None) -> None:
        """Take a batch into account; see :meth:`Metric.update`."""
        output, target = np.asarray(output), np.asarray(target)
        for metric in self.metrics.values():
            metric.update(output, target, weight)

    def compute(self, prefix: str = "") -> dict[str, float | None]:
        """Return each metric's figure under its name, with ``prefix`` before it."""
        return {prefix + name: metric.compute() for name, metric in self.metrics.items()}

    def reset(self) -> None:
        """Forget everything."""
        for metric in self.metrics.values():
            metric.reset()

    def merge(self, other: MetricCollection) -> None:
        """Take into account what another collection of the same metrics has seen."""
        for name, metric in self.metrics.items():
            metric.merge(other.metrics[name])

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return what was seen so far as arrays, for a checkpoint."""
        return {
            f"{name}.{k}": array for name, metric in self.metrics.items() for k, array in metric.state_dict().items()
        }

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what :meth:`state_dict` gave."""
        parts: dict[str, dict[str, np.ndarray]] = {name: {} for name in self.metrics}
        for key, array in state.items():
            name, _, k = key.rpartition(".")
            if name not in parts:
                raise StateError(f"metrics: the state holds {name!r}; there are {', '.join(parts)}")
            parts[name][k] = array
        for name, metric in self.metrics.items():
            metric.load_state_dict(parts[name])
