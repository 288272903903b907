"""What a run's result says of looks, and that other runs' looks reach it later."""

import json

import numpy as np

from gradwright.data import LookBook, SealedTest, corrected_claim, read
from gradwright.train.looks import recount_looks


def run(folder, name):
    (folder / name).mkdir()
    sealed = SealedTest(read("iris"), np.arange(0, 150, 5), book=LookBook(folder), run=name)
    sealed.open(reason="final evaluation", command="train")
    figure = {"value": 0.9, "low": 0.744, "high": 0.965, "method": "Wilson score, 95%"}
    figures = {"rows": 30, "accuracy": figure}
    claim = corrected_claim(figure, 30, sealed.looks)
    result = {"metric": "accuracy", "test": figures, **sealed.history.to_dict(), "corrected": claim}
    (folder / name / "result.json").write_text(json.dumps(result))
    return result


def test_an_earlier_run_is_brought_up_to_date(tmp_path):
    first, second = run(tmp_path, "first"), run(tmp_path, "second")
    assert (first["looks"], first["corrected"]) == (1, None)
    assert second["looks"] == 2
    assert second["corrected"]["low"] < 0.744
    again = recount_looks(tmp_path / "first")
    assert again["looks"] == 2
    assert [look["run"] for look in again["looked_by"]] == ["first", "second"]
    assert again["corrected"] == second["corrected"]
    assert json.loads((tmp_path / "first" / "result.json").read_text()) == again


def test_a_count_never_falls(tmp_path):
    run(tmp_path, "first")
    second = run(tmp_path, "second")
    (tmp_path / "looks.jsonl").unlink()
    assert recount_looks(tmp_path / "second") == second
    (tmp_path / "second" / "result.json").write_text('{"looks": 1}')
    assert recount_looks(tmp_path / "second") == {"looks": 1}, "a run from before looks were counted"
