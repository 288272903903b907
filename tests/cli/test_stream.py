"""`gradwright train --stream` and what it says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gradwright.data import limits


@pytest.fixture
def table(tmp_path: Path) -> Path:
    x = np.random.default_rng(0).normal(size=(300, 2))
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "kind": x[:, 0] > 0}).write_parquet(tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


QUICK = ("--target", "kind", "--eager", "--epochs", "1", "--out", "run")


def test_asked_for(here, table: Path) -> None:
    done = here("train", table, *QUICK, "--stream")
    assert done.returncode == 0, done.stderr
    assert "300 rows in blocks (as asked for), 2 columns; task: binary" in done.stderr
    assert "by a hash of seed and row number); the test part is sealed" in done.stderr
    assert "leaks were not looked for" in done.stderr
    run = table.parent / "run"
    assert "Leaks were not looked for" in (run / "report.html").read_text()
    assert "stream = true" in (run / "config.given.toml").read_text()
    done = here("evaluate", run, "--json")
    assert json.loads(done.stdout)["part"] == "validation"


def test_unasked_and_predictions_too(here, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 1000)
    done = here("train", table, *QUICK)
    assert done.returncode == 0, done.stderr
    assert "300 rows in blocks (they do not fit into memory)" in done.stderr
    done = here("predict", "run", table)
    lines = done.stdout.splitlines()
    assert lines[0] == "prediction,probability_false,probability_true"
    assert len(lines) == 301
    done = here("predict", "run", table, "--out", "p.csv")
    assert "300 predictions: p.csv" in done.stderr
    assert (table.parent / "p.csv").read_text().splitlines() == lines


def test_what_cannot_be_said_in_blocks(here, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 1000)
    done = here("train", table, "--optimizer", "lbfgs", "--group", "a", "--out", "run")
    assert done.returncode == 2
    assert "which does not fit into memory and is read in blocks: target is missing" in done.stderr
    assert "group = 'a'" in done.stderr
    assert "optimizer = lbfgs: it wants all rows in one batch" in done.stderr
    assert not (table.parent / "run").exists()


def test_neither_rehearsal_writes(here, table: Path) -> None:
    done = here("train", table, "--target", "kind", "--eager", "--stream", "--fast-dry-run")
    assert done.returncode == 0, done.stderr
    assert "went well" in done.stdout
    assert [p.name for p in table.parent.iterdir()] == ["rows.parquet"]
