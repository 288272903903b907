"""What stands round a search: baselines searched as hard, nested validation, importance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, root_mean_squared_error

from gradwright.data import Task
from gradwright.train import parse_config
from gradwright.train.prepared import Reporter, StageClock, prepare
from gradwright.tune import Choice, Linear, Log, Members, Space
from gradwright.tune.folds import draw_folds
from gradwright.tune.importance import importance
from gradwright.tune.job_book import JobBook
from gradwright.tune.nested import nested
from gradwright.tune.plans import SearchSettings, make_plan
from gradwright.tune.source import read_source
from gradwright.tune.statistics import fold_interval
from gradwright.tune.tuned_baselines import families, tune_baselines

from .searching import config, space, work


@pytest.mark.parametrize("source", ["iris", "diabetes"])
def test_the_chosen_baseline_is_the_best_of_those_that_were_drawn(source: str) -> None:
    base = parse_config({"source": source, "seed": 5})
    data = read_source(base)
    tuned = tune_baselines(data, base, data.parts.train, data.parts.validation, trials=4, seconds=60.0)
    assert [b["tried"] for b in tuned] == [4, 4, 4]
    rows = prepare(base, Reporter(), StageClock())
    linear = families(data.task)[0]
    drawn = [linear.first, *(linear.draw(np.random.default_rng([5, 0, i])) for i in range(1, 4))]
    x, vx = rows.x.astype(np.float32), rows.vx.astype(np.float32)
    figures = []
    for values in drawn:
        if source == "iris":
            fitted = LogisticRegression(**values, max_iter=200, tol=1e-3).fit(x, rows.target)
            figures.append(accuracy_score(rows.validation_target, fitted.predict(vx)))
        else:
            figures.append(
                root_mean_squared_error(rows.validation_target, Ridge(**values).fit(x, rows.target).predict(vx))
            )
    best = int(np.argmax(figures) if source == "iris" else np.argmin(figures))
    assert tuned[0]["parameters"] == drawn[best]
    assert tuned[0]["validation"] == pytest.approx(figures[best], rel=1e-6)
    assert "the best of 4 by validation" in tuned[0]["description"]


def test_baselines_have_no_more_time_than_the_network_had() -> None:
    base = config()
    data = read_source(base)
    tuned = tune_baselines(data, base, data.parts.train, data.parts.validation, trials=100, seconds=0.0)
    assert [b["tried"] for b in tuned] == [1, 1, 1]  # each its usual configuration
    assert tune_baselines(
        data, base, data.parts.train, data.parts.validation, trials=9, seconds=9.0, stopped=lambda: "Ctrl-C"
    ) == []  # fmt: skip
    assert families(Task("next_token", "text")) == []


def test_nested_scores_rows_that_nothing_was_chosen_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = work()
    seen: dict[str, Any] = {"trained": [], "looked": []}
    predict, init = Members.predict, Members.__init__

    def watched_init(self: Members, dataset: Any, task: Any, members: Any, **kwargs: Any) -> None:
        seen["trained"].append(np.union1d(members[0].train, members[0].validation))
        init(self, dataset, task, members, **kwargs)

    def watched_predict(self: Members, number: int, rows: Any) -> Any:
        assert len(np.intersect1d(rows, seen["trained"][-1])) == 0
        seen["looked"].append(rows)
        return predict(self, number, rows)

    monkeypatch.setattr(Members, "__init__", watched_init)
    monkeypatch.setattr(Members, "predict", watched_predict)

    def plan() -> Any:
        return make_plan(SearchSettings(trials=2), space(), epochs=3, seed=3, direction="maximize")

    found = nested(plan, one, 2, lambda i: JobBook(tmp_path / f"fold-{i}"))
    folds, _ = draw_folds(one.source, one.base, 2)
    # each fold: a search and the winner, then one look at the rows held out; never the test part
    assert len(seen["trained"]) == 4
    assert len(seen["looked"]) == 2
    for rows, fold in zip(seen["looked"], folds, strict=True):
        np.testing.assert_array_equal(rows, fold.held)
    touched = np.unique(np.concatenate([*seen["trained"], *seen["looked"]]))
    assert len(np.intersect1d(touched, one.source.parts.test)) == 0
    scores = [row["score"] for row in found["per_fold"]]
    assert found["mean"] == pytest.approx(np.mean(scores))
    assert found["std"] == pytest.approx(np.std(scores, ddof=1))
    interval = fold_interval(scores, [len(f.train) + len(f.validation) for f in folds], [len(f.held) for f in folds])
    assert (found["low"], found["high"]) == (max(interval.low, 0.0), min(interval.high, 1.0))
    assert "Nested validation in 2 folds" in found["words"]
    again = nested(plan, one, 2, lambda i: JobBook(tmp_path / f"fold-{i}"))
    assert again["per_fold"] == found["per_fold"]
    assert len(seen["trained"]) == 6  # the searches were in the books; only the winners were trained again


def test_importance_finds_the_parameter_that_matters() -> None:
    varied = Space(
        {
            "lr": Log(1e-4, 1e-1),
            "dropout": Linear(0.0, 0.5),
            "optimizer": Choice(["sgd", "adam"]),
            "momentum": Linear(0.0, 0.9, when={"optimizer": ["sgd"]}),
        }
    )
    rng = np.random.default_rng(0)
    trials = []
    for _ in range(40):
        values = varied.sample(rng)
        score = -((np.log10(values["lr"]) + 2.5) ** 2) + 0.05 * values["dropout"]
        trials.append({"parameters": values, "state": "complete", "score": score})
    found = importance(varied, [*trials, {"parameters": {"lr": 1.0}, "state": "failed", "score": None}], "maximize")
    shares = found["shares"]
    assert max(shares, key=shares.get) == "lr"
    assert shares["lr"] > 0.8
    assert sum(shares.values()) == pytest.approx(1.0)
    assert "momentum" not in shares
    assert found["method"].endswith("without momentum, which only some of them have")
    assert importance(varied, trials[:3], "maximize")["shares"] == {}
