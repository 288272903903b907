"""A study's folder: what was tried, every member's curve, and what came of it; see RUN_FORMAT."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from gradwright.errors import RunError
from gradwright.train.environment import environment
from gradwright.train.folder import RunFolder, plain, write_json, write_lines

__all__ = ["StudyFolder", "curve_line", "write_study"]


class StudyFolder(RunFolder):
    """The folder of a study in the making; one that was broken off stays when it can go on: it has a journal."""

    worth_keeping = "journal.log"


def curve_line(number: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a member's history as a line of ``curves.jsonl``: a list of each figure, null where an epoch has none."""
    names = dict.fromkeys(name for row in rows for name in row if name not in ("seconds", "learning_rate", "norms"))
    return {"number": number, **{name: [_number(row.get(name)) for row in rows] for name in names}}


def write_study(
    folder: Path,
    record: Mapping[str, Any],
    trials: Sequence[Mapping[str, Any]],
    curves: Sequence[Mapping[str, Any]],
    result: Mapping[str, Any],
    *,
    started: str | None = None,
) -> None:
    """Write ``study.json``, ``trials.jsonl``, ``curves.jsonl`` and ``result.json``, each whole or not at all."""
    started = started or datetime.now(UTC).isoformat(timespec="seconds")
    write_json(folder / "study.json", {"format": 1, **record, "started": started, "environment": environment(started)})
    write_lines(folder / "trials.jsonl", [_finite(trial) for trial in trials])
    write_lines(folder / "curves.jsonl", [_finite(curve) for curve in curves])
    write_json(folder / "result.json", _finite(result))


def append_line(path: Path, line: Mapping[str, Any]) -> None:
    """Append a line of JSON, by a single write."""
    text = (json.dumps(plain(_finite(line)), allow_nan=False, ensure_ascii=False) + "\n").encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(descriptor, text)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float | np.number) and np.isfinite(value) else None


def _finite(value: Any) -> Any:
    """Return records with null where a number is none."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
