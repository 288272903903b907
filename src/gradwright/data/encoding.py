"""From rows to arrays, whatever the task: one entrance for training, validation and test part."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright.data.messages import DataWarning, Note
from gradwright.data.preparation import Preparation
from gradwright.data.rows import LabeledRows
from gradwright.data.task import Task
from gradwright.data.tokens import IGNORED, TokenPreparation

__all__ = ["encode_rows", "fit_preparation", "network_targets", "outputs_of"]


def fit_preparation(
    task: Task,
    rows: LabeledRows,
    *,
    context: int = 64,
    tokens: str = "characters",
    drop: Mapping[str, str] | None = None,
) -> Preparation:
    """Learn from the training part how its rows become numbers.

    Parameters
    ----------
    task : Task
        What is predicted.
    rows : LabeledRows
        The training part alone.
    context : int >= 1
        For next tokens: how many tokens the network sees at once.
    tokens : {"characters", "words"}
        For next tokens: what the text is cut into.
    drop : mapping of str to str, optional
        Columns that shall be no features, each with the reason.

    Returns
    -------
    Preparation

    Raises
    ------
    DataError
        Nothing to learn from; the message names the column.

    Examples
    --------
    >>> from gradwright.data import infer_task, read
    >>> rows = read("iris")
    >>> fit_preparation(infer_task(rows), rows).width
    4
    """
    if task.kind == "tagging":
        fitted, note = TokenPreparation.fit_sentences(rows.features)
        return Preparation(tokens=fitted, notes=(note,))
    if task.kind == "next_token":
        fitted, note = TokenPreparation.fit_text(rows.features, tokens, context)
        return Preparation(tokens=fitted, notes=(note,))
    target = task.encode(rows.target, rows.place) if task.kind == "regression" else None
    return Preparation.fit(rows.features, target, place=rows.place, target_names=task.targets, drop=drop)


def encode_rows(
    task: Task, preparation: Preparation, rows: LabeledRows, *, notes: list[Note] | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Prepare the rows of a part.

    Parameters
    ----------
    task, preparation
        What is predicted, and how rows become numbers.
    rows : LabeledRows
        The part.
    notes : list of Note, optional
        Remarks are added here; without it each becomes a `DataWarning`.

    Returns
    -------
    x : float32 array, shape (n, width); or int64 array, shape (m, length), of token numbers
        A row of tokens is a piece of a sentence or a window of the text, so m need not be n.
    target : array
        Classes int64 (n,); labels float32 (n, labels) of 0 and 1; quantities float32 (n,) or (n, targets) in their own
        units; tags or next tokens int64 (m, length), -100 where a row is filled up.

    Raises
    ------
    DataError
        As `Preparation.transform` and `Task.encode`.

    Examples
    --------
    >>> import polars as pl
    >>> from gradwright.data import LabeledRows, infer_task
    >>> text = pl.DataFrame({"text": ["to be or not"]})
    >>> rows = LabeledRows("as an example", "table", text, ("text",), text["text"], "text", "sha256:0")
    >>> task = infer_task(rows)
    >>> preparation = fit_preparation(task, rows, context=4, tokens="words")
    >>> x, target = encode_rows(task, preparation, rows)
    >>> x.tolist(), target.tolist()
    ([[6, 2, 3, 2], [5, 2, 0, 0]], [[2, 3, 2, 5], [2, 4, -100, -100]])
    """

    def report(note: Note) -> None:
        if notes is None:
            warnings.warn(str(note), DataWarning, 3)
        else:
            notes.append(note)

    if task.kind == "next_token" and preparation.tokens is not None:
        return preparation.tokens.windows(rows.features, rows.place, report)
    x = preparation.transform(rows.features, place=rows.place, notes=notes)
    target = task.encode(rows.target, rows.place)
    if task.kind == "tagging" and preparation.tokens is not None:
        target = preparation.tokens.arranged(target, IGNORED)
    return x, target


def network_targets(preparation: Preparation, target: NDArray[Any], dtype: Any = np.float32) -> NDArray[Any]:
    """Return targets as the loss wants them: whole numbers as they are; flags and standardised quantities in `dtype`.

    One quantity becomes a column, shape (n, 1).
    """
    if target.dtype.kind == "i":
        return target
    scaled = preparation.scale_target(target).astype(dtype, copy=False)
    return scaled if scaled.ndim == 2 else scaled[:, None]


def outputs_of(task: Task, preparation: Preparation) -> int:
    """Return how many numbers a network puts out: the task's, or for next tokens the size of the vocabulary."""
    if task.kind == "next_token" and preparation.tokens is not None:
        return preparation.tokens.size
    return task.outputs
