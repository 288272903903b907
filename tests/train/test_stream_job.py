"""Whole jobs on data that is read in blocks: the trainer's own figures, scikit-learn's, and the same after any stop."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sklearn import metrics as sk

import gradwright as gw
from gradwright import data, nn, optim
from gradwright.data import limits
from gradwright.errors import ConfigError, RunError, TrainingInterrupted
from gradwright.report import write_report
from gradwright.train import (
    RunFolder,
    Trainer,
    evaluate_run,
    judging,
    load_run,
    parse_config,
    predict_blocks,
    predict_rows,
    prepared_stream,
    run_job,
)
from gradwright.train.figures import running
from gradwright.train.job import Execution
from gradwright.train.network import build_network
from gradwright.train.prepared import Reporter
from gradwright.train.resume import settings_to_resume
from gradwright.train.signals import Signals

ROWS = 400


@pytest.fixture(autouse=True)
def _many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared_stream, "_BLOCK_BYTES", 800)
    monkeypatch.setattr(judging, "EVALUATION_ROWS", 16)


def small(source: str | Path, **more: Any) -> data.Streamed:
    return data.stream(source, **{"block_bytes": 800, **more})


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, 3))
    colour = np.array(["red", "blue"])[rng.integers(0, 2, ROWS)]
    kind = np.array(["a", "b", "c"])[(x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5)]
    price = 1e4 + 300 * x[:, 0] + 100 * x[:, 1] ** 2
    frame = pl.DataFrame({**{f"x{i}": x[:, i] for i in range(3)}, "colour": colour, "kind": kind, "price": price})
    file = tmp_path_factory.mktemp("rows") / "rows.parquet"
    frame.write_parquet(file, row_group_size=64)
    return file


class SignalAt(Reporter):
    """Send this process SIGTERM at one moment of the training: a block of steps, or a validation."""

    def __init__(self, moment: int) -> None:
        self.left = moment

    def _now(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)

    def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
        self._now()

    def on_validation_start(self, trainer: Trainer, epoch: int) -> None:
        self._now()


def run(folder: RunFolder, config: Any, state: Any = None, reporter: Reporter | None = None) -> None:
    signals = Signals()
    with gw.use_generator(gw.Generator(0)), signals, folder as place:
        execution = Execution(publish=place.publish, signals=signals, state=state)
        run_job(config, place.path, given={"stream": config.stream}, reporter=reporter, execution=execution)


def left(folder: Path) -> dict[str, Any]:
    """All that a run leaves, without times and without the looks of other runs."""
    result = read(folder, "result.json")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {
        "rows": [{k: v for k, v in row.items() if k != "seconds"} for row in lines],
        "steps": (folder / "steps.jsonl").read_text(),
        "weights": (folder / "weights.safetensors").read_bytes(),
        "data": (folder / "data.json").read_text(),
        "result": {k: v for k, v in result.items() if k not in ("seconds", "looks", "looked_by", "corrected")},
        "state": read(folder, "status.json")["state"],
    }


def settings(path: Path, **more: Any) -> dict[str, Any]:
    base = {"source": str(path), "target": "kind", "stream": True, "eager": True, "epochs": 3, "batch_size": 16}
    return {**base, "hidden": (8,), **more}


def done(path: Path, out: Path, **more: Any) -> Path:
    values = settings(path, **more)
    run(RunFolder(out), parse_config(values))
    return out


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text())


@pytest.fixture(scope="module")
def classes(path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepared_stream, "_BLOCK_BYTES", 800)
        patch.setattr(judging, "EVALUATION_ROWS", 16)
        return done(path, tmp_path_factory.mktemp("runs") / "classes", dropout=0.2)


def test_the_same_as_the_trainer_by_hand(path: Path, classes: Path) -> None:
    streamed = small(path, target="kind", batch_size=16)
    config = parse_config(read(classes, "config.json"))
    assert (config.stream, config.validation, config.test) == (True, *streamed.shares)
    gw.manual_seed(config.seed)
    model = build_network(config, (streamed.preparation.width,), 3)
    trainer = Trainer(
        model, nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=config.lr), eager=True, norms=True
    )
    history = trainer.fit(streamed.train, streamed.validation.arrays(), epochs=3)
    lines = [json.loads(line) for line in (classes / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == 3
    for line, row in zip(lines, history.rows, strict=True):
        assert {k: v for k, v in line.items() if k != "seconds"} == {k: v for k, v in row.items() if k != "seconds"}
    for name, weights in load_run(classes).model.state_dict().items():
        np.testing.assert_array_equal(weights.numpy(), model.state_dict()[name].numpy())
    assert len(streamed.train) > 10 * 16  # several blocks, several batches


def test_the_look_at_the_test_part_is_scikit_learns(path: Path, classes: Path) -> None:
    test = read(classes, "result.json")["test"]
    x, y = small(path, target="kind").test.arrays()
    logits = load_run(classes).model(gw.tensor(x)).detach().numpy()
    assert test["rows"] == len(y) > 32
    assert test["accuracy"]["value"] == sk.accuracy_score(y, logits.argmax(1))
    assert test["confusion"] == sk.confusion_matrix(y, logits.argmax(1)).tolist()
    assert test["loss"] == pytest.approx(sk.log_loss(y, torch.tensor(logits).softmax(1).numpy()), rel=1e-5)
    assert [c["f1"] for c in test["per_class"]] == pytest.approx(sk.f1_score(y, logits.argmax(1), average=None))
    baselines = read(classes, "baselines.json")
    common = int(np.argmax(small(path, target="kind").train.class_counts()))
    assert baselines[0]["test"]["value"] == np.mean(y == common)
    assert [b["name"] for b in baselines] == ["majority class", "random in proportion", "logistic regression"]


def test_a_quantity_in_its_own_unit(path: Path, tmp_path: Path) -> None:
    folder = done(path, tmp_path / "run", target="price")
    test, streamed = read(folder, "result.json")["test"], small(path, target="price")
    x, y = streamed.test.arrays()
    truth = streamed.preparation.unscale_target(y[:, 0])
    predicted = streamed.preparation.unscale_target(load_run(folder).model(gw.tensor(x)).detach().numpy()[:, 0])
    assert test["rmse"]["value"] == pytest.approx(sk.root_mean_squared_error(truth, predicted), rel=1e-5)
    assert test["r2"]["value"] == pytest.approx(sk.r2_score(truth, predicted), rel=1e-4)
    assert test["mae"] == pytest.approx(sk.mean_absolute_error(truth, predicted), rel=1e-5)
    np.testing.assert_allclose(test["target"], truth, rtol=1e-6)
    scaled = streamed.preparation.scale_target(predicted)
    assert test["loss"] == pytest.approx(sk.mean_squared_error(y[:, 0], scaled), rel=1e-4)


def test_class_weights_are_of_all_training_rows(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradwright.data.streaming import fitting

    monkeypatch.setattr(fitting, "SAMPLE_ROWS", 60)  # so that the sample's shares are others
    folder = done(path, tmp_path / "run", class_weights="balanced")
    streamed = small(path, target="kind")
    trained = np.concatenate([y for _, y in streamed.train.blocks(1)])
    assert streamed.train.class_counts().tolist() == np.bincount(trained).tolist()
    x, y = streamed.test.arrays()
    weights = len(trained) / (3 * np.bincount(trained))
    output = torch.tensor(load_run(folder).model(gw.tensor(x)).detach().numpy())
    loss = torch.nn.functional.cross_entropy(output, torch.tensor(y), torch.tensor(weights, dtype=torch.float32))
    assert read(folder, "result.json")["test"]["loss"] == pytest.approx(loss.item(), rel=1e-5)
    described = [b["description"] for b in read(folder, "baselines.json")]
    words = f"fitted on a sample of {len(streamed.sample.target)} of the {len(trained)} training rows"
    assert all(words in d for d in described)


# --- stopped and gone on with -----------------------------------------------------------------------------------------
def test_stopped_by_signals_and_gone_on_with(path: Path, classes: Path, tmp_path: Path) -> None:
    whole = left(classes)
    config = parse_config(settings(path, dropout=0.2))
    for moment in (1, 4, 7):
        folder = tmp_path / f"run{moment}"
        with pytest.raises(TrainingInterrupted, match="SIGTERM"):
            run(RunFolder(folder), config, reporter=SignalAt(moment))
        resumed, state, said, *_ = settings_to_resume(folder, {}, accept=False)
        assert said == []
        run(RunFolder.resume(folder), resumed, state)
        assert left(folder) == whole


def test_other_rows_are_refused(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "rows.parquet"
    copy.write_bytes(path.read_bytes())
    with pytest.raises(TrainingInterrupted):
        run(RunFolder(tmp_path / "run"), parse_config(settings(copy)), reporter=SignalAt(1))
    config, state, *_ = settings_to_resume(tmp_path / "run", {}, accept=False)
    with pytest.raises(RunError, match="which rows train, validate and test differs"):
        run(RunFolder.resume(tmp_path / "run"), config.model_copy(update={"test": 0.2}), state)
    pl.read_parquet(path).reverse().write_parquet(copy)
    with pytest.raises(RunError, match="the data's content"):
        run(RunFolder.resume(tmp_path / "run"), config, state)


# --- what is said -----------------------------------------------------------------------------------------------------
def test_unasked_beyond_what_fits_into_memory(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not data.must_stream(str(path))
    monkeypatch.setattr(limits, "MAX_BYTES", 8 * 6 * ROWS - 1)
    assert data.must_stream(str(path))
    assert data.must_stream(str(path.parent / "*.parquet"))
    folder = done(path, tmp_path / "run", stream=False, epochs=1)
    assert read(folder, "config.json")["stream"] is True
    assert not (folder / "split.npz").exists()
    assert not (folder / "audit.json").exists()
    assert "Leaks were not looked for" in [f["title"] for f in read(folder, "findings.json")]
    write_report(folder)
    page = (folder / "report.html").read_text()
    assert "Leaks were not looked for" in page
    assert f"{ROWS} rows" in page


def test_what_a_forged_footer_claims_is_not_believed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 100)
    monkeypatch.setattr(limits, "TABLE_RATIO", 0.1)
    assert not data.must_stream(str(path))
    assert not data.must_stream(str(path.parent / "none.parquet"))
    assert not data.must_stream("iris")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"group": "colour"}, "group = 'colour': a row's part follows from its number"),
        ({"time": "x0"}, "time = 'x0': a row's part"),
        ({"optimizer": "lbfgs"}, "optimizer = lbfgs: it wants all rows in one batch"),
        ({"dtype": "float64"}, "dtype = float64: a stream is prepared in float32"),
        ({"compare": "torch"}, "compare = torch: both train on all rows"),
        ({"task": "multilabel"}, "task = multilabel: a stream has classes or one quantity"),
        ({"task": "next_token"}, "task = next_token: a stream has"),
        ({"target": ("kind", "price")}, "a stream has one target"),
        ({"target": None}, "target is missing: a stream does not guess it"),
    ],
)
def test_settings_that_cannot_work(path: Path, tmp_path: Path, more: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words), RunFolder(tmp_path / "run") as folder:
        run_job(parse_config(settings(path, **more)), folder.path)
    assert not (tmp_path / "run").exists()


def test_looks_of_two_runs_are_counted(path: Path, tmp_path: Path) -> None:
    done(path, tmp_path / "one", epochs=1)
    second = done(path, tmp_path / "two", epochs=1)
    result = read(second, "result.json")
    assert result["looks"] == 2
    assert [look["run"] for look in result["looked_by"]] == ["one", "two"]
    assert result["corrected"]["level"] == 0.975
    third = read(done(path, tmp_path / "three", epochs=1, seed=1), "result.json")
    shares = [look["share"] for look in third["looked_by"]]
    mine, theirs = (np.concatenate(list(small(path, target="kind", seed=s).test.members())) for s in (1, 0))
    assert shares == [pytest.approx(np.isin(mine, theirs).mean())] * 2 + [1.0]
    assert 0 < shares[0] < 0.5


def test_a_dry_run_leaves_the_seal(path: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    result = run_job(parse_config(settings(path)), tmp_path / "run", execution=Execution(dry_run=True))
    assert (result["looks"], result["epochs"]) == (0, 1)
    assert not (tmp_path / "looks.jsonl").exists()


# --- afterwards -------------------------------------------------------------------------------------------------------
def test_evaluated_again(path: Path, tmp_path: Path) -> None:
    folder = done(path, tmp_path / "run", epochs=1, class_weights="balanced")
    saved, result = load_run(folder), read(folder, "result.json")
    figures = evaluate_run(saved)
    assert (figures["part"], figures["looks"]) == ("validation", 1)
    assert figures["accuracy"]["value"] == result["validation"]["accuracy"]
    assert figures["loss"] == pytest.approx(result["validation"]["loss"], rel=1e-5)
    with pytest.raises(RunError, match="--again"):
        evaluate_run(saved, test=True)
    again = evaluate_run(saved, test=True, again=True)
    assert again["confusion"] == result["test"]["confusion"]
    assert again["looks"] == read(folder, "result.json")["looks"] == 2
    other = tmp_path / "other.parquet"
    pl.read_parquet(path).reverse().write_parquet(other)
    with pytest.raises(RunError, match="not what the run was trained on"):
        evaluate_run(saved, source=str(other))


def test_predictions_block_by_block(path: Path, classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradwright.train import use

    frame = pl.read_parquet(path).with_columns(pl.lit("green").alias("colour")).drop("kind")
    frame.write_parquet(tmp_path / "new.parquet")
    whole, notes = predict_rows(load_run(classes), str(tmp_path / "new.parquet"))
    monkeypatch.setattr(limits, "MAX_BYTES", 100)
    monkeypatch.setattr(use, "_BLOCK_BYTES", 1000)
    blocks = list(predict_blocks(load_run(classes), str(tmp_path / "new.parquet")))
    assert len(blocks) > 5
    assert [p for columns, _ in blocks for p in columns["prediction"]] == whole["prediction"]
    found = np.concatenate([columns["probability_b"] for columns, _ in blocks])
    np.testing.assert_allclose(found, whole["probability_b"], rtol=1e-5)
    assert sum("green" in str(note) for _, notes in blocks for note in notes) == 1
    assert any("green" in str(note) for note in notes)


# --- figures that do not grow -----------------------------------------------------------------------------------------
def test_a_quantity_of_more_rows_than_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    truth = 1e6 + 20 * rng.normal(size=6000)
    predicted = truth + 5 * rng.standard_t(6, size=6000)
    preparation = data.Preparation((), None, data.TargetScale(1e6 + 3, 19.0), ())
    task = data.Task("regression", "as an example", "price", units=("",))
    few, many = running.running_figures(task, preparation), None
    monkeypatch.setattr(running, "HELD", 2500)
    many = running.running_figures(task, preparation)
    for start in range(0, 6000, 700):
        many.add(truth[start : start + 700], predicted[start : start + 700])
    monkeypatch.setattr(running, "HELD", 10_000)
    few.add(truth, predicted)
    a, b = few.figures(), many.figures()
    assert b["rmse"]["value"] == pytest.approx(sk.root_mean_squared_error(truth, predicted), rel=1e-9)
    assert b["r2"]["value"] == pytest.approx(sk.r2_score(truth, predicted), rel=1e-9)
    assert b["mae"] == pytest.approx(sk.mean_absolute_error(truth, predicted), rel=1e-9)
    assert b["target"] == truth[:1000].tolist()
    for name in ("rmse", "r2"):  # two bootstraps of 2,000 draws: their widths differ by some per cent
        assert "groups of rows" in b[name]["method"]
        assert b[name]["high"] - b[name]["low"] == pytest.approx(a[name]["high"] - a[name]["low"], rel=0.15)
        assert b[name]["low"] == pytest.approx(a[name]["low"], rel=0.01)
    assert many.headline().value == b["rmse"]["value"]


def test_a_constant_quantity_has_no_r2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "HELD", 10)
    preparation = data.Preparation((), None, data.TargetScale(0.0, 1.0), ())
    figures = running.running_figures(data.Task("regression", "", units=("",)), preparation)
    for _ in range(4):
        figures.add(np.full(8, 2.0), np.arange(8.0))
    assert figures.figures()["r2"] is None
