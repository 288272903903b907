"""What a run's `data.json` says about its data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradwright.data.size_advice import size_advice

if TYPE_CHECKING:
    from gradwright.data.preparation import Preparation
    from gradwright.data.rows import LabeledRows
    from gradwright.data.splits import Split
    from gradwright.data.task import Task

__all__ = ["data_record"]


def data_record(dataset: LabeledRows, task: Task, parts: Split, preparation: Preparation) -> dict[str, Any]:
    """Describe the data as docs/RUN_FORMAT.md lays down.

    Parameters
    ----------
    dataset : LabeledRows
        The whole data set.
    task, parts, preparation
        What was inferred, drawn and fitted from it.

    Returns
    -------
    dict
        JSON values only. The column figures are of all rows, so that they describe the source.

    Examples
    --------
    >>> from gradwright.data import Preparation, infer_task, read, split
    >>> iris = read("iris")
    >>> task = infer_task(iris)
    >>> parts = split(iris, task)
    >>> record = data_record(iris, task, parts, Preparation.fit(iris.take(parts.train).features))
    >>> record["task"]["kind"], record["split"]["train"], record["prepared_features"]
    ('multiclass', 104, 4)
    """
    about = task.to_dict()
    del about["target"]
    return {
        "source": dataset.name,
        "kind": dataset.kind,
        "fingerprint": dataset.fingerprint,
        "rows": dataset.rows,
        "features": len(dataset.feature_names),
        "columns": dataset.columns,
        "target": dataset.target_name,
        "task": about,
        "split": parts.to_dict(),
        "prepared_features": preparation.width,
        "size_advice": size_advice(task, parts).to_dict(),
        "notes": [*dataset.notes, *task.notes, *parts.notes, *preparation.notes],
    }
