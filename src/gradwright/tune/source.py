"""What a study explores: the rows of a source but for its test part, which stays sealed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data import LabeledRows, Split, Task, infer_task, must_stream, read, split
from gradwright.errors import ConfigError
from gradwright.train.assess import higher_is_better, metric_of
from gradwright.train.config import Config

__all__ = ["Source", "read_source"]


@dataclass(frozen=True)
class Source:
    """A data set, its task, and the parts that `gradwright train` with the same settings would have.

    Attributes
    ----------
    dataset : LabeledRows
    task : Task
    parts : Split
    """

    dataset: LabeledRows = field(repr=False)
    task: Task
    parts: Split = field(repr=False)

    @property
    def explored(self) -> NDArray[np.int64]:
        """The rows that a study may use: all but the test part."""
        return np.sort(np.concatenate([self.parts.train, self.parts.validation]))

    @property
    def metric(self) -> str:
        """The figure of the task: accuracy, rmse, …"""
        return metric_of(self.task)

    @property
    def direction(self) -> str:
        """``maximize`` or ``minimize``."""
        return "maximize" if higher_is_better(self.metric) else "minimize"

    def record(self) -> dict[str, Any]:
        """Return the entries of ``study.json`` that say what was explored."""
        sizes = {name: len(getattr(self.parts, name)) for name in ("train", "validation", "test")}
        return {
            "source": self.dataset.name,
            "task": self.task.to_dict(),
            "metric": self.metric,
            "direction": self.direction,
            "rows": {"all": self.dataset.rows, **sizes},
        }


def read_source(config: Config) -> Source:
    """Read what the settings name, and split it as `gradwright train` does.

    Raises
    ------
    ConfigError
        For a source that is read in blocks: many networks are trained on rows in memory.
    DataError
        As reading and splitting raise it.
    """
    if config.stream or must_stream(config.source):
        raise ConfigError(
            f"{config.source}: it is read in blocks, and many networks are trained on rows in memory. Search on a part "
            "of it that fits, and train the best settings on all of it"
        )
    dataset = read(config.source, target=config.target, task=config.task)
    task = infer_task(dataset, config.task)
    parts = split(
        dataset, task, seed=config.seed % 2**32, validation=config.validation, test=config.test,
        groups=config.group, time=config.time,
    )  # fmt: skip
    return Source(dataset, task, parts)
