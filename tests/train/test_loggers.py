"""Loggers: what a training says, read back with the tools' own readers."""

from __future__ import annotations

import builtins
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright import nn, optim
from gradwright.errors import MissingDependencyError, RunError
from gradwright.train import Callback, Trainer
from gradwright.train.loggers import FigureLogger, MLflowLogger, TensorBoardLogger
from gradwright.train.loggers.base import Scalar, flat

SETTINGS = {"lr": 0.05, "source": "a|b <b>*", "network": {"hidden": [4, 2], "dropout": None}}


class Norms(Callback):
    """Put norms into the row, as a recorder of norms does, and a figure that is no number."""

    def on_validation_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
        row["norms"] = {"gradient": {"0.weight": float(row["epoch"]), "bad": float("nan")}}
        row["validation_nothing"] = None


class Stop(Callback):
    """Ask to stop in the second epoch."""

    def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
        if epoch == 2:
            trainer.stop("asked to")

    def on_interrupt(self, trainer: Trainer) -> None:
        self.state = trainer.state_dict()


class Fail(Callback):
    def on_epoch_start(self, trainer: Trainer, epoch: int) -> None:
        if epoch == 2:
            raise ZeroDivisionError("on purpose")


def make_trainer(*callbacks: Callback) -> Trainer:
    gw.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    return Trainer(model, nn.CrossEntropyLoss(), optimizer, eager=True, callbacks=[Norms(), *callbacks])


def fit(trainer: Trainer, epochs: int = 3) -> Any:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3)).astype(np.float32)
    y = (x.sum(1) > 0).astype(np.int64)
    return trainer.fit((x[:35], y[:35]), (x[35:], y[35:]), epochs=epochs, batch_size=10)  # 3 whole batches and one of 5


def expected(history: Any) -> dict[str, list[tuple[int, float]]]:
    """Return what must have been logged, by name: (at, value)."""
    rows, steps = history.rows, history.steps
    found = {
        f"step/{name}": list(zip(steps["step"].tolist(), steps[name].tolist(), strict=True))
        for name in ("loss", "learning_rate")
    }
    for name in ("loss", "accuracy"):
        for part in ("train", "validation"):
            found[f"{part}/{name}"] = [(row["epoch"], row[f"{part}_{name}"]) for row in rows]
            best = rows[history.best_epoch - 1]
            found[f"best/{part}/{name}"] = [(history.best_epoch, best[f"{part}_{name}"])]
    found["norm/gradient/0.weight"] = [(row["epoch"], float(row["epoch"])) for row in rows]
    found["result/accuracy.value"] = [(0, 0.5)]
    return found


def assert_logged(logged: dict[str, list[tuple[int, float]]], history: Any) -> None:
    wanted = expected(history)
    assert len(wanted["step/loss"]) == 12
    for name, points in wanted.items():
        assert [at for at, _ in logged[name]] == [at for at, _ in points], name
        np.testing.assert_allclose([v for _, v in logged[name]], [v for _, v in points], rtol=1e-6, err_msg=name)
    epochs = {name for name in logged if name not in wanted}
    assert epochs == {"epoch/learning_rate", "epoch/seconds", "best/epoch/learning_rate", "best/epoch/seconds"}


# --- TensorBoard ---
def read_events(folder: Path) -> tuple[dict[str, list[tuple[int, float]]], dict[str, str]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    tags = events.Tags()
    texts = {t: events.Tensors(t)[0].tensor_proto.string_val[0].decode() for t in tags["tensors"]}
    return {t: [(e.step, e.value) for e in events.Scalars(t)] for t in tags["scalars"]}, texts


def test_tensorboard_reads_what_was_logged(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    logger = TensorBoardLogger(tmp_path / "events", SETTINGS)
    assert not (tmp_path / "events").exists()
    history = fit(make_trainer(logger))
    logger.log_result({"accuracy": {"value": 0.5, "method": "Wilson"}, "classes": ["a"]})
    logged, texts = read_events(tmp_path / "events")
    assert_logged(logged, history)
    (text,) = texts.values()
    assert "| lr | 0.05 |" in text
    assert "a&#124;b &#60;b&#62;&#42;" in text  # no cell ends, no markup
    assert "network.hidden" in text
    assert "dropout" not in text


def test_tensorboard_of_a_resumed_training_has_each_step_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    whole = fit(make_trainer())
    first = make_trainer(TensorBoardLogger(tmp_path), stop := Stop())
    with pytest.raises(Exception, match="asked to"):
        fit(first)
    second = make_trainer(TensorBoardLogger(tmp_path), Callback())
    second.load_state_dict(stop.state)
    fit(second)
    logged, _ = read_events(tmp_path)
    steps = whole.steps
    assert [at for at, _ in logged["step/loss"]] == steps["step"].tolist()
    np.testing.assert_allclose([v for _, v in logged["step/loss"]], steps["loss"], rtol=1e-6)
    assert [at for at, _ in logged["validation/loss"]] == [1, 2, 3]


# --- MLflow ---
@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """MLflow in a folder of this test; its client."""
    pytest.importorskip("mlflow")
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.chdir(tmp_path)
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=(tmp_path / "mlruns").as_uri())


def test_mlflow_reads_what_was_logged(store: Any) -> None:
    logger = MLflowLogger("digits", SETTINGS)
    history = fit(make_trainer(logger))
    logger.log_result({"accuracy": {"value": 0.5, "method": "Wilson"}, "classes": ["a"]})
    run = store.get_run(logger.run_id)
    assert (run.info.run_name, run.info.status) == ("digits", "FINISHED")
    assert store.get_experiment(run.info.experiment_id).name == "gradwright"
    assert run.data.params == {"lr": "0.05", "source": "a|b <b>*", "network.hidden": "[4, 2]"}
    logged = {
        name: sorted((m.step, m.value) for m in store.get_metric_history(logger.run_id, name))
        for name in run.data.metrics
    }
    assert_logged(logged, history)


@pytest.mark.parametrize(("callback", "status"), [(Stop(), "KILLED"), (Fail(), "FAILED")])
def test_mlflow_says_how_it_ended_and_a_resumed_run_goes_on(store: Any, callback: Callback, status: str) -> None:
    logger = MLflowLogger("digits")
    trainer = make_trainer(logger, callback)
    with pytest.raises(Exception, match=r"asked to|on purpose"):
        fit(trainer)
    assert store.get_run(logger.run_id).info.status == status
    if not isinstance(callback, Stop):
        return
    resumed = MLflowLogger("digits", SETTINGS)
    second = make_trainer(resumed, Callback())
    second.load_state_dict(callback.state)
    fit(second)
    assert resumed.run_id == logger.run_id
    assert store.get_run(logger.run_id).info.status == "FINISHED"
    assert [m.step for m in store.get_metric_history(logger.run_id, "step/loss")] == list(range(1, 13))
    assert store.get_run(logger.run_id).data.params == {}  # logged once, by the first


def test_mlflow_takes_any_number_of_figures_under_any_name(store: Any) -> None:
    logger = MLflowLogger("digits", {f"layer {i} ü{{}}": "x" * 9000 for i in range(120)})
    logger.open(0)
    logger.write([Scalar("step/a b*<ü>", float(i), i) for i in range(2100)])
    run = store.get_run(logger.run_id)
    assert len(run.data.params) == 120
    assert run.data.params["layer 7 ___"] == "x" * 6000
    assert len(store.get_metric_history(logger.run_id, "step/a b____")) == 2100


def test_a_store_that_cannot_be_used_is_an_error_before_training(store: Any, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunError, match=r"taken/x cannot be used: .*leave it out"):
        MLflowLogger("digits", tracking_uri=(tmp_path / "taken" / "x").as_uri())


# --- both ---
@pytest.mark.parametrize(("make", "extra"), [(TensorBoardLogger, "tensorboard"), (MLflowLogger, "mlflow")])
def test_a_missing_extra_says_what_to_install(make: Any, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] in ("tensorboardX", "mlflow"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=re.escape(f"pip install 'gradwright[{extra}]'")):
        make("runs/x")


def test_without_settings_and_with_nested_ones() -> None:
    assert FigureLogger().settings == {}
    assert flat({"a": {"b": {"c": 1}, "d": None}, "e": []}) == {"a.b.c": 1, "e": []}
