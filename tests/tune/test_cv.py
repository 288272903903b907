"""Cross-validation against scikit-learn, against networks trained alone, and against its own words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gradwright as gw
from gradwright.data import LookBook, TestPart
from gradwright.errors import ConfigError
from gradwright.report.study import read_study, study_summary
from gradwright.train import Config, parse_config
from gradwright.train.assembly import make_stopping, make_trainer
from gradwright.train.criteria import make_criterion
from gradwright.train.network import build_network
from gradwright.train.prepared import PreparedRows, prepared_part
from gradwright.tune.cross_validation import cross_validate
from gradwright.tune.folds import Fold, draw_folds
from gradwright.tune.held_out import Scored, prepare_fold, resolve_once, train_on_folds
from gradwright.tune.outcome import Outcome
from gradwright.tune.source import Source, read_source


def _config(**more: Any) -> Config:
    return parse_config({"source": "iris", "hidden": [8], "epochs": 4, "lr": 0.03, "dropout": 0.2, **more})


def _alone(source: Source, config: Config, fold: Fold) -> tuple[list[dict[str, Any]], np.ndarray, float]:
    """Train a fold's network by a Trainer, on NumPy, and score its held-out rows: what `gradwright train` would do."""
    preparation = prepare_fold(source, config, fold.train)
    notes: list[Any] = []
    x, target, y = prepared_part(source.task, preparation, source.dataset.take(fold.train), config, notes)
    vx, vtarget, vy = prepared_part(source.task, preparation, source.dataset.take(fold.validation), config, notes)
    hx, _, hy = prepared_part(source.task, preparation, source.dataset.take(fold.held), config, notes)
    data = PreparedRows(source.dataset, source.task, preparation, notes, x, y, vx, vy, target, vtarget, source.parts)
    config = config.model_copy(update={"eager": True})
    with gw.use_generator(gw.Generator(config.seed)):
        model = build_network(config, data.shape, data.outputs, x)
        trainer = make_trainer(config, model, make_criterion(source.task, config), data)
        history = trainer.fit(
            (x, y), (vx, vy), epochs=config.epochs, batch_size=config.batch_size or 32,
            early_stopping=make_stopping(config),
        )  # fmt: skip
        output = trainer.predict(hx)
        return history.rows, output.argmax(1), trainer.loss(output, hy)


def test_each_fold_equals_a_network_trained_alone_on_it() -> None:
    config = _config(lr=0.3)
    source = read_source(config)
    folds, _ = draw_folds(source, config, 3)
    config = resolve_once(source, config, folds)
    training = train_on_folds(source, [config], folds)
    assert len(training.groups) == 1  # all folds are one program
    assert {one.result.best_epoch for one in training.scored} == {3, 4}  # so that the best is not always the last
    for fold, one in zip(folds, training.scored, strict=True):
        rows, predicted, loss = _alone(source, config, fold)
        for name in ("train_loss", "validation_loss"):
            np.testing.assert_allclose([r[name] for r in one.result.rows], [r[name] for r in rows], rtol=1e-5)
        np.testing.assert_array_equal(one.predicted, predicted)
        np.testing.assert_allclose(one.figures["loss"], loss, rtol=1e-5)


def test_the_mean_is_about_that_of_scikit_learns_network_on_the_same_folds() -> None:
    config = parse_config(
        {"source": "breast-cancer", "hidden": [16], "epochs": 40, "lr": 0.005, "dropout": 0.0, "batch_size": 32}
    )
    found = cross_validate(config, folds=5)
    source = read_source(config)
    folds, _ = draw_folds(source, config, 5)
    x = np.column_stack([source.dataset.features[name].to_numpy() for name in source.dataset.feature_names])
    y = np.asarray(source.dataset.target)
    cuts = [(np.union1d(f.train, f.validation), f.held) for f in folds]
    net = MLPClassifier(
        (16,), learning_rate_init=0.005, batch_size=32, max_iter=40, early_stopping=True, random_state=0
    )
    theirs = cross_val_score(make_pipeline(StandardScaler(), net), x, y, cv=cuts)
    # each of 5 × 97 rows counts 0.2 points: the two are apart by no more than three of them a fold
    assert found.result["mean"] == pytest.approx(theirs.mean(), abs=0.03)
    assert found.result["mean"] > 0.93
    assert len(found.record["groups"]) == 1


def test_the_rows_that_are_scored_decide_nothing(tmp_path: Path) -> None:
    def source_with(scale: float) -> tuple[Source, Config]:
        random = np.random.default_rng(0)
        x = random.normal(size=(50, 2))
        label = np.where(x[:, 0] > 0, "a", "b")
        path = tmp_path / "rows.csv"
        x[10:20] *= scale  # the rows that will be scored
        path.write_text("p,q,y\n" + "".join(f"{a},{b},{c}\n" for (a, b), c in zip(x, label, strict=True)))
        config = _config(source=str(path), target="y", eager=True, epochs=6, patience=2)
        return read_source(config), config

    rest = np.setdiff1d(np.arange(50), np.arange(10, 20))
    fold = Fold(0, 0, rest[:30], rest[30:], np.arange(10, 20))
    found = []
    for scale in (1.0, -1000.0):
        source, config = source_with(scale)
        found.append(train_on_folds(source, [resolve_once(source, config, [fold])], [fold]).scored[0])
    first, second = ([{k: v for k, v in row.items() if k != "seconds"} for row in f.result.rows] for f in found)
    assert first == second
    assert found[0].result.best_epoch == found[1].result.best_epoch
    assert found[0].figures["loss"] != found[1].figures["loss"]


@pytest.fixture(scope="module")
def found() -> Outcome:
    return cross_validate(_config(eager=True), folds=3, repeats=2, seeds=2)


def test_mean_and_interval_follow_nadeau_and_bengio(found: Outcome) -> None:
    rows = found.result["per_fold"]
    assert [(r["repeat"], r["fold"]) for r in rows] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    scores = np.array([r["score"] for r in rows])
    for row in rows:
        assert row["score"] == pytest.approx(np.mean(row["per_seed"]))
        assert len(row["per_seed"]) == 2
    # of 127 rows each is held once a repeat, and trained on (or stopped by) in two folds of three but for idle ones
    train = sum(r["train_rows"] + r["validation_rows"] for r in rows)
    half = stats.t.ppf(0.975, 5) * np.sqrt((1 / 6 + sum(r["held_rows"] for r in rows) / train) * scores.var(ddof=1))
    assert found.result["mean"] == pytest.approx(scores.mean(), abs=1e-12)
    assert found.result["low"] == pytest.approx(max(0, scores.mean() - half), abs=1e-12)
    assert found.result["high"] == pytest.approx(min(1, scores.mean() + half), abs=1e-12)


def test_trials_say_fold_repeat_and_seed(found: Outcome) -> None:
    places = [(t["repeat"], t["fold"], t["seed"]) for t in found.trials]
    assert places == [(r, f, 2 * r + s) for r in range(2) for f in range(3) for s in range(2)]
    assert [t["number"] for t in found.trials] == list(range(12)) == [c["number"] for c in found.curves]
    assert all(
        t["state"] == "complete" and t["epochs"] == len(c["epoch"])
        for t, c in zip(found.trials, found.curves, strict=True)
    )


def test_baselines_are_of_the_same_folds(found: Outcome) -> None:
    baselines = {b["name"]: b for b in found.result["baselines"]}
    assert set(baselines) == {"majority class", "random in proportion", "logistic regression"}
    linear = baselines["logistic regression"]
    assert len(linear["per_fold"]) == 6
    assert linear["mean"] == pytest.approx(np.mean(linear["per_fold"]))
    assert linear["mean"] > 0.85
    assert "the network" in linear["words"]
    assert baselines["majority class"]["mean"] == pytest.approx(1 / 3, abs=0.03)


def test_records_are_read_by_the_report(found: Outcome, tmp_path: Path) -> None:
    found.write(tmp_path)
    record = read_study(tmp_path)
    assert (record.kind, record.finished, record.notes, len(record.trials)) == ("cv", True, (), 12)
    assert "stays sealed" in found.result["words"][0]
    figure = study_summary(tmp_path)["figure"]
    assert float(figure.rstrip("%")) == pytest.approx(100 * found.result["mean"], abs=0.06)
    assert (tmp_path / "folds.npz").is_file()
    assert "NaN" not in (tmp_path / "result.json").read_text()


def test_leave_one_out_gives_the_figure_of_all_rows_together(tmp_path: Path) -> None:
    path = tmp_path / "line.csv"
    random = np.random.default_rng(0)
    path.write_text("x,y\n" + "".join(f"{i},{3 * i + random.normal():.4f}\n" for i in range(14)))
    config = _config(
        source=str(path), target="y", task="regression", hidden=[], epochs=30, lr=0.1, dropout=None, eager=True
    )
    found = cross_validate(config, leave_one_out=True, all_rows=True)
    assert (found.result["folds"], len(found.trials)) == (14, 14)
    # a fold is one row, so its RMSE is the size of its error
    errors = np.array([t["score"] for t in found.trials])
    assert found.result["mean"] == pytest.approx(root_mean_squared_error(np.zeros(14), errors), rel=1e-6)
    assert found.result["mean"] != pytest.approx(errors.mean(), rel=0.01)
    assert found.result["low"] < found.result["mean"] < found.result["high"]


def test_leave_one_out_accuracy_has_wilsons_interval() -> None:
    config = _config(source="iris", epochs=1, eager=True, test=0.9, validation=0.05)
    found = cross_validate(config, leave_one_out=True)
    right, rows = sum(t["score"] for t in found.trials), len(found.trials)
    from scipy.stats import binomtest

    interval = binomtest(int(right), rows).proportion_ci(method="wilson")
    assert found.result["mean"] == pytest.approx(right / rows)
    assert (found.result["low"], found.result["high"]) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_a_fold_that_breaks_down_leaves_no_mean_but_says_so() -> None:
    found = cross_validate(_config(lr=1e30, optimizer="sgd", eager=True, epochs=2), folds=2)
    assert found.result["mean"] is None
    assert {t["state"] for t in found.trials} == {"failed"}
    assert "2 of 2 networks have no score" in " ".join(found.result["words"])
    assert json.dumps(found.result, allow_nan=False)


def test_all_rows_are_a_look_at_the_test_part(tmp_path: Path) -> None:
    config = _config(eager=True, epochs=1)
    source = read_source(config)
    book, part = LookBook(tmp_path), TestPart.of(source.dataset, source.parts.test)
    cross_validate(config, folds=2, book=book, run="first")
    assert book.history(part).looks == 0
    found = cross_validate(config, folds=2, all_rows=True, book=book, run="second")
    [look] = book.history(part).entries
    assert (look.run, look.command) == ("second", "cv")
    assert sum(r["held_rows"] for r in found.result["per_fold"]) == 150


def test_many_folds_are_trained_in_parts_that_fit_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    config = _config(eager=True, epochs=2)
    source = read_source(config)
    folds, _ = draw_folds(source, config, 4, repeats=2)
    config = resolve_once(source, config, folds)
    whole = train_on_folds(source, [config], folds)
    row = 4 * 4
    monkeypatch.setattr("gradwright.tune.held_out.memory_budget", lambda: 4 * (3 * 96 * row))
    parts = train_on_folds(source, [config], folds)
    assert [_brief(one) for one in parts.scored] == [_brief(one) for one in whole.scored]
    assert [one.result.number for one in parts.scored] == list(range(8))


def _brief(one: Scored) -> Any:
    return one.arm, one.seed, one.fold.repeat, one.fold.fold, one.figures


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ConfigError, match="leave --seeds away"):
        cross_validate(_config(), leave_one_out=True, seeds=2)
    with pytest.raises(ConfigError, match="expected 1 or more"):
        cross_validate(_config(), seeds=0)
    with pytest.raises(ConfigError, match="range test"):
        cross_validate(_config(lr="auto"), folds=2)
