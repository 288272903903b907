"""Predictions for raw rows, and further looks at a run's parts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from gradwright.data import Split
from gradwright.errors import DataError, RunError
from gradwright.train import evaluate_run, load_run, predict_rows


def table(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n")
    return str(path)


# --- predict ---
def test_columns_in_any_order_and_extra_ones(houses_run: Path, tmp_path: Path) -> None:
    run = load_run(houses_run)
    straight, notes = predict_rows(run, table(tmp_path / "a.csv", "size,colour,rooms", "90,red,3", ",blue,2"))
    assert notes == []
    turned, notes = predict_rows(
        run, table(tmp_path / "b.csv", "rooms,street,colour,price,size", "3,Elm,red,1,90", "2,Oak,blue,2,")
    )
    assert turned == straight
    (note,) = notes
    assert "'street'" in str(note)
    assert "price" not in str(note)  # the target needs no remark
    assert 20_000 < straight["prediction"][0] < 400_000  # its own unit
    assert list(straight) == ["prediction"]


def test_prediction_equals_the_records(houses_run: Path, houses: Path) -> None:
    columns, _ = predict_rows(load_run(houses_run), str(houses))
    test = json.loads((houses_run / "result.json").read_text())["test"]
    rows = Split.from_npz(houses_run / "split.npz").test
    np.testing.assert_allclose(np.array(columns["prediction"])[rows], test["prediction"], rtol=1e-5)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["size,colour", "90,red"], ["'rooms'", "missing"]),
        (["Size,colour,rooms", "90,red,3"], ["'size'", "'Size'", "renamed"]),
        (["size,colour,rooms", "90,red,3", "large,blue,2"], ["line 3", "'size'", "'large'"]),
        (["size,colour,rooms", "90,red,3", "inf,blue,2"], ["line 3", "'size'"]),
        (["size,colour,rooms", "90,red,3", "1e300,blue,2"], ["line 3", "'size'"]),
        (["size,colour,rooms", "90,red,3", "90,red,3,4"], ["line 3"]),
        (["size,colour,rooms"], ["a.csv"]),
    ],
)
def test_faults_name_line_and_column(houses_run: Path, tmp_path: Path, lines: list[str], words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        predict_rows(load_run(houses_run), table(tmp_path / "a.csv", *lines))
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_an_unseen_category_is_a_note(houses_run: Path, tmp_path: Path) -> None:
    columns, notes = predict_rows(
        load_run(houses_run), table(tmp_path / "a.csv", "size,colour,rooms", "90,red,3", "90,mauve,3")
    )
    (note,) = notes
    assert "'mauve'" in str(note)
    assert "'colour'" in str(note)
    assert "line 3" in str(note)
    assert np.isfinite(columns["prediction"]).all()


def test_class_probabilities_sum_to_one_and_decide(iris_run: Path) -> None:
    run = load_run(iris_run)
    columns, notes = predict_rows(run, "iris")
    assert notes == []
    assert list(columns) == ["prediction", *(f"probability_{c}" for c in ("setosa", "versicolor", "virginica"))]
    p = np.array([columns[f"probability_{c}"] for c in run.task.classes or ()]).T
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-12)
    assert ((p >= 0) & (p <= 1)).all()
    assert columns["prediction"] == [(run.task.classes or ())[k] for k in p.argmax(1)]


# --- evaluate ---
@pytest.fixture
def copy(tmp_path: Path, iris_run: Path) -> Path:
    return Path(shutil.copytree(iris_run, tmp_path / "copy"))


def test_validation_reproduces_the_recorded_figures(iris_run: Path, diabetes_run: Path, houses_run: Path) -> None:
    for path in (iris_run, diabetes_run, houses_run):
        recorded = json.loads((path / "result.json").read_text())
        figures = evaluate_run(load_run(path))
        assert figures["part"] == "validation"
        assert figures["looks"] == 1
        assert figures["loss"] == pytest.approx(recorded["validation"]["loss"], rel=1e-6)
        metric = recorded["metric"]
        assert figures[metric]["value"] == pytest.approx(recorded["validation"][metric], rel=1e-6)
        assert figures[metric]["low"] <= figures[metric]["value"] <= figures[metric]["high"]


def test_validation_needs_no_look(copy: Path) -> None:
    before = {p.name: p.read_bytes() for p in copy.iterdir() if p.is_file()}
    evaluate_run(load_run(copy))
    assert {p.name: p.read_bytes() for p in copy.iterdir() if p.is_file()} == before


def test_the_test_part_stays_sealed_without_again(copy: Path) -> None:
    before = {p.name: p.read_bytes() for p in copy.iterdir() if p.is_file()}
    with pytest.raises(RunError, match=r"looked at 1 time \(this run's last: final evaluation.*--again"):
        evaluate_run(load_run(copy), test=True)
    assert {p.name: p.read_bytes() for p in copy.iterdir() if p.is_file()} == before


def test_each_further_look_is_written_down(copy: Path) -> None:
    first = json.loads((copy / "result.json").read_text())
    for look in (2, 3):
        figures = evaluate_run(load_run(copy), test=True, again=True)
        assert figures["looks"] == look
        now = json.loads((copy / "result.json").read_text())
        assert {**now, **{k: first[k] for k in ("looks", "looked_by", "corrected")}} == first
        assert now["looks"] == len(now["looked_by"]) == look
        assert now["corrected"]["level"] == pytest.approx(1 - 0.05 / look)
        lines = [json.loads(line) for line in (copy / "ledger.jsonl").read_text().splitlines()]
        assert [line["look"] for line in lines] == list(range(1, look + 1))
        assert "--again" in lines[-1]["command"]
    assert figures["part"] == "test"
    assert figures["confusion"] == first["test"]["confusion"]
    assert figures["accuracy"] == first["test"]["accuracy"]
    assert figures["loss"] == pytest.approx(first["test"]["loss"], rel=1e-6)


def test_other_data_is_refused_before_a_look(job, houses: Path, tmp_path: Path) -> None:
    mine = tmp_path / "houses.csv"
    shutil.copy(houses, mine)
    path = job(tmp_path / "run", source=str(mine), target="price", epochs=1)
    mine.write_text(mine.read_text().replace("red", "pink", 1))
    for again in (False, True):
        with pytest.raises(RunError, match="fingerprint") as caught:
            evaluate_run(load_run(path), test=again, again=again)
        assert "houses.csv" in str(caught.value)
    assert len((path / "ledger.jsonl").read_text().splitlines()) == 1
    assert evaluate_run(load_run(path), source=str(houses))["part"] == "validation"
    mine.unlink()
    with pytest.raises(DataError, match="no such source"):
        evaluate_run(load_run(path))


def test_predictions_are_read_back_by_polars(iris_run: Path, tmp_path: Path) -> None:
    columns, _ = predict_rows(load_run(iris_run), "iris")
    pl.DataFrame(columns).write_csv(tmp_path / "p.csv")
    assert pl.read_csv(tmp_path / "p.csv").to_dict(as_series=False) == columns
