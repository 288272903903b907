"""`gradwright predict` and `gradwright evaluate`."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest


@pytest.fixture
def copy(home: Path, tmp_path: Path) -> Path:
    """The run and its data, to be changed at will."""
    shutil.copytree(home / "run", tmp_path / "run")
    shutil.copy(home / "flowers.csv", tmp_path / "flowers.csv")
    return tmp_path


# --- predict ---
def test_predictions_are_csv_on_stdout(gradwright, home: Path) -> None:
    done = gradwright("predict", "run", "flowers.csv", cwd=home)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    table = pl.read_csv(io.StringIO(done.stdout))
    assert table.columns == ["prediction", "probability_a", "probability_b", "probability_c"]
    assert table.height == 90
    np.testing.assert_allclose(table.select(pl.sum_horizontal(pl.exclude("prediction"))).to_series(), 1, atol=1e-9)
    truth = pl.read_csv(home / "flowers.csv")["species"]
    assert (table["prediction"] == truth).mean() > 0.8


def test_predictions_in_a_file_are_whole(here, copy: Path) -> None:
    on_stdout = here("predict", "run", "flowers.csv").stdout
    done = here("predict", "run", "flowers.csv", "--out", "p.csv")
    assert done.returncode == 0
    assert done.stdout == ""
    assert "90 predictions: p.csv" in done.stderr
    assert (copy / "p.csv").read_text() == on_stdout
    done = here("predict", "run", "flowers.csv", "--out", "missing/p.csv")
    assert done.returncode == 2
    assert "missing/p.csv" in done.stderr
    (copy / "bad.csv").write_text("length,width,colour\n1,2,red\n1,wide,red\n")
    done = here("predict", "run", "bad.csv", "--out", "p.csv")
    assert done.returncode == 2
    assert (copy / "p.csv").read_text() == on_stdout  # what was there before stays
    assert sorted(p.name for p in copy.iterdir()) == ["bad.csv", "flowers.csv", "p.csv", "run"]


@pytest.mark.parametrize(
    ("lines", "status", "words"),
    [
        (["colour,extra,width,length", "red,1,2,3"], 0, ["note: ", "'extra'"]),
        (["length,width,colour", "1,2,mauve"], 0, ["note: ", "'mauve'", "line 2"]),
        (["length,width,colour", "1,2,\x1b[31mmauve"], 0, ["note: "]),
        (["length,width", "1,2"], 2, ["'colour'", "missing"]),
        (["length,widht,colour", "1,2,red"], 2, ["'width'", "'widht'"]),
        (["length,width,colour", "1,2,red", "1,wide,red"], 2, ["rows.csv", "line 3", "'width'", "'wide'"]),
        (["length,width,colour"], 2, ["rows.csv"]),
    ],
)
def test_raw_rows_with_faults(here, copy: Path, lines: list[str], status: int, words: list[str]) -> None:
    (copy / "rows.csv").write_text("\n".join(lines) + "\n")
    done = here("predict", "run", "rows.csv")
    assert done.returncode == status, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    assert bool(done.stdout) == (status == 0)


def test_labels_with_escapes_do_not_reach_a_terminal_raw(gradwright, tmp_path: Path) -> None:
    label = "\x1b[31mred"
    lines = ["a,b,target", *(f"{i},{i * 7 % 11},{(label, 'no')[i % 2]}" for i in range(60))]
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n")
    assert gradwright("train", "data.csv", "--eager", "--epochs", "1", "--out", "run").returncode == 0
    piped = gradwright("predict", "run", "data.csv")
    assert label in piped.stdout  # a program gets the label as it is
    ours, theirs = pytest.importorskip("pty").openpty()
    command = [sys.executable, "-c", "from gradwright.cli.main import main; main()", "predict", "run", "data.csv"]
    seen = b""
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=theirs) as process:
        os.close(theirs)
        while True:
            try:
                content = os.read(ours, 65536)
            except OSError:  # the other end is closed: Linux says so by EIO
                break
            if not content:
                break
            seen += content
        assert process.wait() == 0
    os.close(ours)
    assert b"probability_" in seen
    assert b"\x1b[31m" not in seen


# --- evaluate ---
def test_validation_figures_are_those_of_the_records(here, copy: Path) -> None:
    done = here("evaluate", "run", "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    recorded = json.loads((copy / "run" / "result.json").read_text())["validation"]
    assert figures["accuracy"]["value"] == pytest.approx(recorded["accuracy"])
    assert figures["loss"] == pytest.approx(recorded["loss"], rel=1e-5)
    done = here("evaluate", "run")
    assert done.stdout.startswith(f"validation accuracy: {recorded['accuracy']:.1%} (95% interval ")


def test_another_look_must_be_asked_for_and_is_reported(here, gradwright, copy: Path) -> None:
    page = (copy / "run" / "report.html").read_text()
    assert "looked at once" in page
    done = here("evaluate", "run", "--test")
    assert done.returncode == 2
    assert "looked at 1 time" in done.stderr
    assert "--again" in done.stderr
    assert (copy / "run" / "report.html").read_text() == page
    done = here("evaluate", "run", "--test", "--again")
    assert done.returncode == 0, done.stderr
    recorded = json.loads((copy / "run" / "result.json").read_text())
    assert recorded["looks"] == 2
    assert f"test accuracy: {recorded['test']['accuracy']['value']:.1%}" in done.stdout
    assert "look 2" in done.stdout
    assert len((copy / "run" / "ledger.jsonl").read_text().splitlines()) == 2
    page = (copy / "run" / "report.html").read_text()
    assert "looked at twice" in page
    assert "no longer an unbiased" in page
    done = gradwright("evaluate", "run", "--test", "--again", "--json")
    assert json.loads(done.stdout)["looks"] == 3


def test_changed_data_is_refused(here, copy: Path) -> None:
    path = copy / "flowers.csv"
    original = path.read_text()
    path.write_text(original.replace("red", "blue", 1))
    done = here("evaluate", "run", "--test", "--again")
    assert done.returncode == 2
    assert "fingerprint" in done.stderr
    assert "flowers.csv" in done.stderr
    assert len((copy / "run" / "ledger.jsonl").read_text().splitlines()) == 1
    (copy / "moved.csv").write_text(original)
    assert here("evaluate", "run", "--source", "moved.csv").returncode == 0


def test_what_is_no_run(here, tmp_path: Path) -> None:
    for command in (["evaluate", "missing"], ["predict", "missing", "iris"], ["evaluate", "."]):
        done = here(*command)
        assert done.returncode == 2
        assert "run folder" in done.stderr
        assert "Traceback" not in done.stderr
