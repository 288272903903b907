"""The whole job: from a source to a trained network and the records of how it came about."""

from __future__ import annotations

import math
import platform
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from gradwright import nn
from gradwright.backend import jax_modules
from gradwright.data import (
    Note,
    Preparation,
    SealedTest,
    data_record,
    fit_baselines,
    infer_task,
    read,
    split,
)
from gradwright.engine.random import current_generator, manual_seed
from gradwright.train.assembly import make_trainer
from gradwright.train.assess import assess, baseline_figure, baseline_interval
from gradwright.train.callbacks import Callback
from gradwright.train.config import Config, to_toml
from gradwright.train.folder import write_json, write_lines, write_text
from gradwright.train.network import build_network, describe_network
from gradwright.train.plans import augmentation_record, schedule_record, search_rate, search_record
from gradwright.train.saved import save_model

__all__ = ["Reporter", "run_job"]


class Reporter(Callback):
    """Somebody who is told what the job does; this one says nothing."""

    def on_stage(self, number: int, name: str, words: str) -> None:
        """A stage is done, and this is what came of it."""

    def on_stage_start(self, number: int, name: str) -> None:
        """A stage begins that may take a while."""


class _Clock:
    """Seconds spent in each part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started

    def total(self) -> float:
        return time.perf_counter() - self._started


def make_criterion(classes: bool, label_smoothing: float = 0.0) -> nn.Module:
    """Return the loss of the task: cross-entropy from logits, or squared error."""
    return nn.CrossEntropyLoss(label_smoothing=label_smoothing) if classes else nn.MSELoss()


def run_job(
    config: Config, folder: Path, *, given: dict[str, Any] | None = None, reporter: Reporter | None = None
) -> dict[str, Any]:
    """Read, split, prepare, set baselines, train, look at the test part once, and write every record but the report.

    Parameters
    ----------
    config : Config
        What to do.
    folder : Path
        An empty folder for the records; see docs/RUN_FORMAT.md.
    given : dict, optional
        What the user asked for literally, kept beside what it resolved to.
    reporter : Reporter, optional
        Is told of every stage and every epoch.

    Returns
    -------
    dict
        ``result.json``'s content, with the baselines under ``"baselines"``.

    Raises
    ------
    DataError, ConfigError, NonFiniteError
        When the data, the settings or the training do not allow a result; nothing outside ``folder`` was touched.
    """
    reporter = reporter or Reporter()
    clock = _Clock()
    started = datetime.now(UTC).isoformat(timespec="seconds")

    if not config.eager:
        # importing JAX takes about as long as reading does, and needs nothing that is read
        threading.Thread(target=jax_modules, name="import jax", daemon=True).start()

    # 1 read
    reporter.on_stage_start(1, "read")
    with clock.part("read"):
        dataset = read(config.source, target=config.target, task=config.task)
        task = infer_task(dataset, config.task)
    words = f"{dataset.rows:,} rows, {len(dataset.feature_names):,} columns; task: {task.kind} ({task.reason})"
    reporter.on_stage(1, "read", words)

    # 2 split
    parts = split(dataset, task, seed=config.seed % 2**32, validation=config.validation, test=config.test)
    sealed = SealedTest(dataset, parts.test)
    sealed.ledger.bind(folder / "ledger.jsonl")
    how = "as the source gives it" if parts.given else "stratified by class" if parts.stratified else "at random"
    reporter.on_stage(
        2,
        "split",
        f"{len(parts.train):,} to train, {len(parts.validation):,} to validate, {len(parts.test):,} to test ({how}); "
        "the test part is sealed",
    )

    # 3 prepare
    reporter.on_stage_start(3, "prepare")
    notes: list[Note] = []
    with clock.part("prepare"):
        train_rows, validation_rows = dataset.take(parts.train), dataset.take(parts.validation)
        target = task.encode(train_rows.target, train_rows.place)
        validation_target = task.encode(validation_rows.target, validation_rows.place)
        preparation = Preparation.fit(
            train_rows.features, None if task.is_classification else target, place=train_rows.place
        )
        dtype = np.dtype(config.dtype)
        x = preparation.transform(train_rows.features, place=train_rows.place, notes=notes).astype(dtype, copy=False)
        vx = preparation.transform(validation_rows.features, place=validation_rows.place, notes=notes).astype(
            dtype, copy=False
        )
        y, vy = _targets(preparation, target, dtype), _targets(preparation, validation_target, dtype)
    reporter.on_stage(3, "prepare", f"{preparation.width:,} numbers a row, fitted on the training part alone")

    # 4 baselines
    reporter.on_stage_start(4, "baselines")
    with clock.part("baselines"):
        x32, vx32 = x.astype(np.float32, copy=False), vx.astype(np.float32, copy=False)
        baselines = fit_baselines(task, x32, target, seed=config.seed % 2**32)
        on_validation = [baseline_figure(task, b, vx32, validation_target) for b in baselines]
    measure = "accuracy" if task.is_classification else "RMSE"
    shown = ", ".join(
        f"{b.name} {_short(task.is_classification, f)}" for b, f in zip(baselines, on_validation, strict=True)
    )
    reporter.on_stage(4, "baselines", f"validation {measure}: {shown}")

    # 5 network
    config = config.resolved(len(x), preparation.width)
    manual_seed(config.seed)
    shape = (preparation.width,) if preparation.images is None else preparation.images.shape
    model = build_network(config, shape, task.outputs)
    criterion = make_criterion(task.is_classification, config.label_smoothing if task.is_classification else 0.0)
    network = describe_network(model, criterion, preparation.width, y)
    reporter.on_stage(5, "network", f"{_network_words(config, shape, task)}; {network['parameters']:,} parameters")

    # 6 train
    reporter.on_stage_start(6, "train")
    search = None
    if config.lr == "auto":
        with clock.part("lr_find"):
            search = search_rate(config, model, criterion, (x, y), (vx, vy))
        config = config.model_copy(update={"lr": search.suggestion})
        reporter.on_stage(
            6, "lr", f"learning rate {search.suggestion:.3g}, by a range test of {len(search.rates)} steps"
        )
    classes = task.outputs if task.is_classification else None
    ground = 0.0 if preparation.images is None else -preparation.images.mean / preparation.images.std
    trainer = make_trainer(
        config, model, criterion, rows=len(x), shape=shape, classes=classes, ground=ground, callbacks=[reporter]
    )
    plan = schedule_record(trainer.scheduler, len(x), config)
    twin = None
    if config.compare == "torch":
        from gradwright.train.compare import TorchTwin

        twin = TorchTwin(config, model, current_generator())
        trainer.callbacks.append(twin)
    with clock.part("train"):
        history = trainer.fit(
            (x, y),
            (vx, vy),
            epochs=config.epochs,
            batch_size=config.batch_size or 32,
            patience=config.patience,
        )
    clock.seconds["compile"] = history.compile_seconds
    reporter.on_stage(6, "train", f"{len(history.rows)} epochs, best {history.best_epoch}; stopped {history.stopped}")
    comparison = None
    if twin is not None:
        reporter.on_stage_start(6, "compare")
        comparison = twin.compare((x, y), (vx, vy), history)
        losses, weights = comparison["max_loss_difference"], comparison["max_weight_difference"]
        words = f"PyTorch's losses differ by at most {losses:.2g}, its weights by at most {weights:.2g}"
        reporter.on_stage(6, "compare", words)

    # 7 one look at the test part
    reporter.on_stage_start(7, "test")
    test = sealed.open(reason="final evaluation", command="train")
    test_target = task.encode(test.target, test.place)
    tx = preparation.transform(test.features, place=test.place, notes=notes).astype(dtype, copy=False)
    output = trainer.predict(tx)
    figures = assess(
        task,
        preparation,
        output,
        test_target,
        trainer.loss(output, _targets(preparation, test_target, dtype)),
    )
    tx32 = tx.astype(np.float32, copy=False)
    rows = [
        {
            "name": b.name,
            "description": b.description,
            "validation": v,
            "test": baseline_interval(task, b, tx32, test_target),
        }
        for b, v in zip(baselines, on_validation, strict=True)
    ]
    vo = trainer.predict(vx)
    if task.is_classification:
        on_validation_best: dict[str, Any] = {
            "loss": trainer.loss(vo, vy),
            "accuracy": float(np.mean(vo.argmax(1) == vy)),
        }
    else:
        on_validation_best = {
            "loss": trainer.loss(vo, vy),
            "rmse": float(np.sqrt(np.mean((preparation.unscale_target(vo[:, 0]) - validation_target) ** 2))),
        }
    result = {
        "task": task.kind,
        "metric": "accuracy" if task.is_classification else "rmse",
        "test": figures,
        "best_epoch": history.best_epoch,
        "epochs": len(history.rows),
        "stopped": history.stopped,
        "problem": history.problem,
        "validation": on_validation_best,
        "seconds": {**clock.seconds, "total": clock.total()},
        "parameters": network["parameters"],
        "looks": sealed.looks,
    }

    # the records
    scale = 1.0 if preparation.target_scale is None else float(preparation.target_scale.std)
    write_text(
        folder / "config.given.toml",
        to_toml(given if given is not None else config.model_dump(exclude_unset=True)),
    )
    write_json(folder / "config.json", config.model_dump())
    write_json(folder / "environment.json", environment(started))
    write_json(folder / "data.json", data_record(dataset, task, parts, preparation))
    parts.to_npz(folder / "split.npz")
    write_json(folder / "preparation.json", preparation.to_dict())
    write_json(folder / "task.json", task.to_dict())
    write_lines(folder / "metrics.jsonl", _own_unit(history.rows, scale))
    write_json(folder / "baselines.json", rows)
    write_json(folder / "network.json", network)
    save_model(folder, model)
    write_json(folder / "result.json", result)
    write_json(folder / "findings.json", findings(task, history, rows, figures, notes))
    if comparison is not None:
        write_json(folder / "compare.json", comparison)
    if plan is not None:
        write_json(folder / "schedule.json", plan)
    if search is not None:
        write_json(folder / "lr_find.json", search_record(search))
    if trainer.augment is not None:
        shown = _samples(y)
        labels = [str(label) for label in task.decode(y[shown])] if classes else [f"{v:.3g}" for v in target[shown]]
        write_json(folder / "augmentation.json", augmentation_record(config, shape, x[shown], labels, classes, ground))
    return {**result, "baselines": rows}


def _network_words(config: Config, shape: tuple[int, ...], task: Any) -> str:
    """Say what the network is, in a few words."""
    if config.network != "mlp":
        return f"{config.network} for {' × '.join(str(size) for size in shape)} → {task.outputs}"
    widths = " → ".join(str(w) for w in (math.prod(shape), *(config.hidden or ()), task.outputs))
    return f"{widths}, {config.activation}"


def _samples(y: np.ndarray, most: int = 8) -> np.ndarray:
    """Return a few rows, of as many classes as there are."""
    if y.dtype.kind != "i":
        return np.arange(min(most, len(y)))
    return np.sort(np.unique(y, return_index=True)[1])[:most]


def _targets(preparation: Preparation, target: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return targets as the loss wants them: labels (n,), or standardised quantities (n, 1)."""
    if target.dtype.kind == "i":
        return target
    return preparation.scale_target(target).astype(dtype)[:, None]


def _own_unit(rows: list[dict[str, Any]], scale: float) -> list[dict[str, Any]]:
    """Bring RMSE columns from the standardised target's unit to the target's own; R² has none."""
    out = []
    for row in rows:
        new = dict(row)
        for key in ("train_rmse", "validation_rmse"):
            if key in new:
                new[key] = new[key] * scale
        out.append(new)
    return out


def _short(classes: bool, figure: float) -> str:
    return f"{figure:.1%}" if classes else f"{figure:.4g}"


def findings(
    task: Any, history: Any, baselines: list[dict[str, Any]], test: dict[str, Any], notes: list[Note]
) -> list[dict[str, str]]:
    """Return what the reader should know besides the figures."""
    out = []
    if history.problem:
        out.append({"severity": "problem", "title": "Training broke down", "detail": history.problem})
    if history.stopped.startswith("all"):
        out.append(
            {
                "severity": "info",
                "title": "Training was not finished",
                "detail": "Validation loss was still within its patience when the last epoch ended "
                f"({history.stopped}). More epochs may help.",
            }
        )
    metric = "accuracy" if task.is_classification else "rmse"
    own = test[metric]["value"]
    best = (max if task.is_classification else min)(baselines, key=lambda b: b["test"]["value"])
    better = own > best["test"]["value"] if task.is_classification else own < best["test"]["value"]
    if not better:
        out.append(
            {
                "severity": "warning",
                "title": "A baseline is as good",
                "detail": f"On the test part the network does not beat the baseline {best['name']!r}. "
                "Prefer the simpler model, or find out why the network learns no more.",
            }
        )
    out += [{"severity": "info", "title": "Data", "detail": str(note)} for note in notes]
    return out


def environment(started: str) -> dict[str, Any]:
    """Return what the run ran on."""
    import os

    def of(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    return {
        "gradwright": of("gradwright"),
        "python": platform.python_version(),
        "numpy": of("numpy"),
        "jax": of("jax"),
        "polars": of("polars"),
        "scikit-learn": of("scikit-learn"),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "started": started,
        "command": " ".join(["gradwright", *sys.argv[1:]]) if sys.argv else "gradwright",
    }
