"""Run folders in the making."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Lines = list[dict[str, Any]]


def lines(rows: Lines) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def step_rows(count: int, per_epoch: int = 10) -> Lines:
    return [
        {"step": k, "epoch": (k - 1) // per_epoch + 1, "loss": 10.0 / k, "learning_rate": 0.1}
        for k in range(1, count + 1)
    ]


def epoch_rows(count: int) -> Lines:
    return [
        {"epoch": e, "train_loss": 2.0 / e, "validation_loss": 3.0 / e, "seconds": 2.0} for e in range(1, count + 1)
    ]


@pytest.fixture
def run_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a run folder with so many epochs of ten steps."""

    def write(epochs: int = 3, name: str = "digits-1", **status: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "metrics.jsonl").write_text(lines(epoch_rows(epochs)))
        (folder / "steps.jsonl").write_text(lines(step_rows(10 * epochs)))
        said = {"state": "running", "pid": os.getpid(), "epoch": epochs, "epochs": 10, "step": 10 * epochs, **status}
        (folder / "status.json").write_text(json.dumps(said))
        return folder

    return write
