"""What a saved run is good for: predictions for raw rows, and figures of its validation or test part."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradwright.data import LabeledRows, Note, SealedTest, Split, read, read_rows
from gradwright.errors import RunError
from gradwright.train.assess import assess, probabilities
from gradwright.train.folder import write_json
from gradwright.train.forward import forward_rows
from gradwright.train.job import make_criterion
from gradwright.train.saved import SavedRun, read_object

__all__ = ["evaluate_run", "predict_rows"]


def predict_rows(run: SavedRun, source: str) -> tuple[dict[str, Any], list[Note]]:
    """Predict for raw rows, the preparation included.

    Returns
    -------
    columns : dict of column name → values
        ``prediction``, and for classes ``probability_<label>``, a value a row.
    notes : list of Note
        What was remarkable about the rows: unseen categories, missing values, extra columns.
    """
    rows = read_rows(source)
    notes = [Note(words) for words in run.notes]
    x = run.preparation.transform(rows.features, place=rows.place, notes=notes, ignore=[run.task.target_name])
    output = forward_rows(run.model, x.astype(run.config.dtype, copy=False))
    if run.task.classes is None:
        return {"prediction": run.preparation.unscale_target(output[:, 0]).tolist()}, notes
    p = probabilities(output)
    columns: dict[str, Any] = {"prediction": run.task.decode(p.argmax(1))}
    for i, label in enumerate(run.task.classes):
        columns[f"probability_{label}"] = p[:, i].tolist()
    return columns, notes


def _dataset_of(run: SavedRun, source: str | None) -> LabeledRows:
    """Read the run's data again and refuse other data than it was trained on."""
    where = source or run.config.source
    dataset = read(where, target=run.config.target, task=run.config.task)
    expected = run.data.get("fingerprint")
    if dataset.fingerprint != expected:
        raise RunError(
            f"{where}: its content is not what the run was trained on (fingerprint "
            f"{dataset.fingerprint[:19]}…, the run's "
            f""
            f"{str(expected)[:19]}…). The row numbers of its parts would mean other rows. Give the original "
            f"file with --source."
        )
    return dataset


def evaluate_run(
    run: SavedRun, *, test: bool = False, again: bool = False, source: str | None = None
) -> dict[str, Any]:
    """Return the figures of the validation part, or of the test part once more.

    Parameters
    ----------
    test : bool
        Look at the test part. Training has looked already, so this needs ``again``, and is written into the ledger
        before anything is read.
    source : str, optional
        Where the run's data lies now.

    Raises
    ------
    RunError
        When the test part is asked for without ``again``, or the data is not the run's.
    """
    ledger = run.ledger
    if test and len(ledger) and not again:
        last = ledger.looks[-1]
        raise RunError(
            f"the test part of {run.path} has been looked at {len(ledger)} time{'s' if len(ledger) > 1 else ''} "
            f"(last: {last.reason}, {last.time}); its figure is in result.json. Each further look makes it less "
            "trustworthy as an estimate. If you must: --again, and the ledger and the report will say so. "
            "For choosing between models, evaluate the validation part: leave --test away."
        )
    dataset = _dataset_of(run, source)
    parts = Split.from_npz(run.path / "split.npz")
    result = read_object(run.path / "result.json")
    if test:
        rows = SealedTest(dataset, parts.test, ledger=ledger).open(
            reason="another look, asked for with --again", command="evaluate --test --again"
        )
    else:
        rows = dataset.take(parts.validation)
    target = run.task.encode(rows.target, rows.place)
    notes: list[Note] = []
    x = run.preparation.transform(rows.features, place=rows.place, notes=notes).astype(run.config.dtype, copy=False)
    output = forward_rows(run.model, x)
    y = target if run.task.is_classification else run.preparation.scale_target(target).astype(run.config.dtype)[:, None]
    from gradwright.engine.tensor import Tensor

    criterion = make_criterion(run.task.is_classification, run.config.label_smoothing)
    loss = criterion(Tensor(output), Tensor(np.asarray(y))).item()
    figures = assess(run.task, run.preparation, output, target, float(loss))
    if test:
        result["looks"] = len(run.ledger)
        write_json(run.path / "result.json", result)
    return {"part": "test" if test else "validation", "looks": len(run.ledger), **figures}
