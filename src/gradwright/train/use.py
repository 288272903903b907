"""What a saved run is good for: predictions for raw rows, and figures of its validation or test part."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gradwright.data import (
    Features,
    History,
    LabeledRows,
    LookBook,
    Note,
    Rows,
    SealedTest,
    Split,
    corrected_claim,
    encode_rows,
    must_stream,
    read,
    read_rows,
)
from gradwright.data.column_preparation import DroppedColumn
from gradwright.data.messages import PlaceOf
from gradwright.data.progress import watched
from gradwright.data.streaming.parquet import ParquetSource, parquet_files
from gradwright.data.streaming.source import blocks_of
from gradwright.errors import DataError, RunError
from gradwright.train.assess import assess, metric_of, predictions, probabilities, scale_of
from gradwright.train.continuation import continue_text
from gradwright.train.criteria import class_weights, make_criterion
from gradwright.train.folder import write_json
from gradwright.train.forward import forward_rows
from gradwright.train.looks import recount_looks
from gradwright.train.prepared import prepared_part
from gradwright.train.saved import SavedRun, read_object

__all__ = ["evaluate_run", "predict_blocks", "predict_rows"]

_BLOCK_BYTES = 32 * 2**20  # of prepared rows

_CONTINUED = 40  # tokens that a text is continued by: each is a forward pass


def predict_rows(run: SavedRun, source: str) -> tuple[dict[str, Any], list[Note]]:
    """Predict for raw rows, the preparation included.

    Returns
    -------
    columns : dict of column name → values
        ``prediction``, a value a row, and for classes and labels ``probability_<label>``; for several targets
        ``prediction_<target>``. Tags stand with spaces between; of next tokens it is the text that comes after.
    notes : list of Note
        What was remarkable about the rows: unseen categories, missing values, extra columns.
    """
    task, preparation = run.task, run.preparation
    images = preparation.images
    size = None if images is None else (images.shape[0], images.shape[1])
    rows = read_rows(source, task=task.kind, columns=[c.name for c in preparation.columns], image_size=size)
    notes = [Note(words) for words in run.notes]
    if task.kind == "next_token":
        return {"prediction": _continued(run, rows)}, notes
    if task.kind != "tagging":
        return _columns(run, rows.features, rows.place, notes), notes
    x = preparation.transform(rows.features, place=rows.place, notes=notes, ignore=[task.target_name, "tags"])
    return {"prediction": _tags(run, rows, predictions(task, preparation, forward_rows(run.model, x)))}, notes


def predict_blocks(run: SavedRun, source: str) -> Iterator[tuple[dict[str, Any], list[Note]]]:
    """Predict for raw rows; of Parquet files that do not fit into memory, block by block.

    Yields
    ------
    (columns, notes)
        As `predict_rows` returns them, of one block after the other; a remark comes once.
    """
    if run.task.is_sequences or Path(source).is_dir() or not must_stream(source):
        yield predict_rows(run, source)
        return
    opened = ParquetSource(source, parquet_files(source), None)
    needed = {c.name for c in run.preparation.columns if not isinstance(c, DroppedColumn)} or None
    told: set[tuple[str | None, str]] = set()
    first = [Note(words) for words in run.notes]
    for block in blocks_of(opened, max(1, _BLOCK_BYTES // (4 * run.preparation.width))):
        notes: list[Note] = []
        columns = _columns(run, opened.frame(block, needed), block.place, notes)
        new = {key: n for n in reversed(notes) if (key := (n.column, str(n.value))) not in told}
        told |= set(new)
        yield columns, [*first, *reversed(new.values())]
        first = []


def _columns(run: SavedRun, features: Features, place: PlaceOf, notes: list[Note]) -> dict[str, Any]:
    """Predict for rows that are no sequences."""
    task, preparation = run.task, run.preparation
    x = preparation.transform(features, place=place, notes=notes, ignore=[task.target_name, *task.targets, "tags"])
    if x.dtype.kind == "f":
        x = x.astype(run.config.dtype, copy=False)
    output = forward_rows(run.model, x)
    if task.kind == "regression":
        found = predictions(task, preparation, output)
        if not task.targets:
            return {"prediction": found.tolist()}
        return {f"prediction_{name}": found[:, i].tolist() for i, name in enumerate(task.targets)}
    columns: dict[str, Any] = {}
    if task.kind == "multilabel":
        p = 1 / (1 + np.exp(-output.astype(np.float64)))
        between = task.separator or ";"
        columns["prediction"] = [between.join(labels) for labels in task.decode(output > 0)]
    else:
        p = probabilities(output)
        columns["prediction"] = task.decode(p.argmax(1))
    for i, label in enumerate(task.classes or ()):
        columns[f"probability_{label}"] = p[:, i].tolist()
    return columns


def _tags(run: SavedRun, rows: Rows, found: np.ndarray) -> list[str]:
    """The tags of each sentence, with spaces between, from rows that are pieces of sentences."""
    assert run.preparation.tokens is not None
    lengths = run.preparation.tokens.lengths(rows.features, rows.place)
    return [" ".join(tags) for tags in run.task.decode(run.preparation.tokens.collected(found, lengths))]


def _continued(run: SavedRun, rows: Rows) -> list[str]:
    """What comes after the text of each row."""
    if isinstance(rows.features, np.ndarray) or "text" not in rows.features.columns:
        raise DataError(f"{rows.name}: expected a column 'text' to go on from")
    texts = rows.features["text"].to_list()
    prompts = watched([str(text or "") for text in texts], "continuing texts")
    return [continue_text(run.model, run.preparation, p, tokens=_CONTINUED, seed=i) for i, p in enumerate(prompts)]


def _dataset_of(run: SavedRun, source: str | None) -> LabeledRows:
    """Read the run's data again and refuse other data than it was trained on."""
    where = source or run.config.source
    dataset = read(where, target=run.config.target, task=run.config.task)
    _check_content(run, where, dataset.fingerprint)
    return dataset


def _check_content(run: SavedRun, where: str, fingerprint: str) -> None:
    expected = run.data.get("fingerprint")
    if fingerprint != expected:
        raise RunError(
            f"{where}: its content is not what the run was trained on (fingerprint {fingerprint[:19]}…, the run's "
            f"{str(expected)[:19]}…). The row numbers of its parts would mean other rows. Give the original file with "
            "--source."
        )


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
        looks = max(len(ledger), int(recount_looks(run.path).get("looks") or 0))
        raise RunError(
            f"the test part of {run.path} has been looked at {looks} time{'s' if looks > 1 else ''} "
            f"(this run's last: {last.reason}, {last.time}); its figure is in result.json. Each further look makes it "
            "less trustworthy as an estimate. If you must: --again, and the ledger and the report will say so. "
            "For choosing between models, evaluate the validation part: leave --test away."
        )
    if run.config.stream:
        figures, seen = _of_stream(run, source, test)
        return _reported(run, figures, seen)
    dataset = _dataset_of(run, source)
    parts = Split.from_npz(run.path / "split.npz")
    if test:
        sealed = SealedTest(
            dataset, parts.test, ledger=ledger, book=LookBook(run.path.resolve().parent), run=run.path.resolve().name
        )
        rows = sealed.open(reason="another look, asked for with --again", command="evaluate --test --again")
    else:
        rows = dataset.take(parts.validation)
    notes: list[Note] = []
    x, target, y = prepared_part(run.task, run.preparation, rows, run.config, notes)
    output = forward_rows(run.model, x)
    from gradwright.engine.tensor import Tensor

    weights = None
    if run.config.class_weights is not None:
        trained = encode_rows(run.task, run.preparation, dataset.take(parts.train), notes=[])[1]
        weights = class_weights(run.config.class_weights, run.task, trained)
    loss = make_criterion(run.task, run.config, weights)(Tensor(output), Tensor(np.asarray(y))).item()
    figures = assess(run.task, run.preparation, output, target, float(loss))
    return _reported(run, figures, sealed.history if test else None)


def _of_stream(run: SavedRun, source: str | None, test: bool) -> tuple[dict[str, Any], History | None]:
    """Return the figures of a part that is read in blocks, and if it is the test part, the looks at it."""
    from gradwright.train.judging import judge_stream
    from gradwright.train.prepared import Reporter, StageClock
    from gradwright.train.prepared_stream import prepare_stream

    where = source or run.config.source
    data = prepare_stream(run.config.model_copy(update={"source": where}), Reporter(), StageClock())
    _check_content(run, where, data.dataset.fingerprint)
    part, sealed = data.streamed.validation, None
    if test:
        sealed = data.sealed(run.ledger, LookBook(run.path.resolve().parent), run.path.resolve().name)
        part = sealed.open(reason="another look, asked for with --again", command="evaluate --test --again")
    criterion = make_criterion(run.task, run.config, data.weights(run.config.class_weights))
    predict = partial(forward_rows, run.model)
    figures, _ = judge_stream(run.task, run.preparation, part, predict, criterion, notes=[])
    return figures, None if sealed is None else sealed.history


def _reported(run: SavedRun, figures: dict[str, Any], seen: History | None) -> dict[str, Any]:
    """Return the figures with how often the test part was looked at; ``result.json`` is told of another look."""
    metric = metric_of(run.task)
    if seen is not None:
        result = read_object(run.path / "result.json")
        result |= seen.to_dict()
        result["corrected"] = corrected_claim(
            result["test"][metric], result["test"]["rows"], seen.looks, scale=scale_of(metric)
        )
        write_json(run.path / "result.json", result)
        figures = {**figures, "corrected": result["corrected"]}
    looks = len(run.ledger) if seen is None else seen.looks
    return {"part": "validation" if seen is None else "test", "metric": metric, "looks": looks, **figures}
