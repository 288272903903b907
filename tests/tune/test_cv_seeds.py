"""Many seeds at once against a run of one seed, and against the plain formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gradwright.data import LookBook
from gradwright.errors import ConfigError
from gradwright.report.study import read_study, study_summary
from gradwright.train import Config, RunFolder, parse_config, run_job
from gradwright.tune.outcome import Outcome
from gradwright.tune.seeds import train_seeds


def _config(**more: Any) -> Config:
    return parse_config({"source": "iris", "hidden": [4], "epochs": 3, "lr": 0.02, "dropout": 0.2, **more})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def found(runs: Path) -> Outcome:
    return train_seeds(_config(seed=3), 4, book=LookBook(runs), run="four seeds")


def test_the_first_seed_is_the_network_that_train_trains(found: Outcome, runs: Path) -> None:
    with RunFolder(runs / "one") as folder:
        result = run_job(_config(seed=3, eager=True), folder.path)
    first = found.result["per_seed"][0]
    assert first["seed"] == 3
    assert first["score"] == pytest.approx(result["test"]["accuracy"]["value"])
    assert first["loss"] == pytest.approx(result["test"]["loss"], rel=1e-5)
    assert (first["low"], first["high"]) == pytest.approx([result["test"]["accuracy"][end] for end in ("low", "high")])
    assert first["best_epoch"] == result["best_epoch"]
    theirs = {b["name"]: b["test"]["value"] for b in result["baselines"]}
    assert {b["name"]: b["score"] for b in found.result["baselines"]} == pytest.approx(theirs)
    # all four seeds looked once, and this run once
    assert found.result["looks"] == 1
    assert [e["run"] for e in found.result["looked_by"]] == ["four seeds"]
    assert result["looks"] == 2


def test_mean_spread_and_interval(found: Outcome) -> None:
    scores = np.array([row["score"] for row in found.result["per_seed"]])
    assert [t["seed"] for t in found.trials] == [3, 4, 5, 6]
    assert [t["score"] for t in found.trials] == scores.tolist()
    assert len(set(scores)) > 1
    assert found.result["mean"] == pytest.approx(scores.mean())
    assert found.result["std"] == pytest.approx(scores.std(ddof=1))
    assert found.result["spread"] == pytest.approx(np.ptp(scores))
    low, high = stats.t.interval(0.95, 3, scores.mean(), stats.sem(scores))
    assert found.result["low"] == pytest.approx(max(low, 0))
    assert found.result["high"] == pytest.approx(min(high, 1))
    assert len(found.record["groups"]) == 1


def test_words_and_report(found: Outcome, tmp_path: Path) -> None:
    found.write(tmp_path)
    record = read_study(tmp_path)
    assert (record.kind, record.finished, record.notes, len(record.curves)) == ("seeds", True, (), 4)
    assert f"{100 * found.result['mean']:.1f}"[:3] in study_summary(tmp_path)["figure"]
    for words in ("may be the seed alone", "not about other rows", "looked at once for all seeds"):
        assert words in found.result["words"]


def test_a_second_look_widens_the_interval(runs: Path, found: Outcome) -> None:
    assert found.result["corrected"] is None
    again = train_seeds(_config(seed=3, eager=True), 4, book=LookBook(runs), run="again").result
    assert again["looks"] >= 2
    assert again["corrected"]["low"] < again["low"]
    assert "looked at" in again["words"]


def test_seeds_that_break_down_are_in_no_figure() -> None:
    found = train_seeds(_config(optimizer="sgd", lr=1e30, eager=True), 2)
    assert found.result["mean"] is None
    assert found.result["words"].startswith("No seed has a score")
    assert [t["state"] for t in found.trials] == ["failed", "failed"]


def test_one_seed_is_none() -> None:
    with pytest.raises(ConfigError, match="expected 2 or more"):
        train_seeds(_config(), 1)
