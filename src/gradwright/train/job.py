"""The whole job: from a source to a trained network and the records of how it came about."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from gradwright.backend import jax_modules
from gradwright.data import (
    Baseline,
    Ledger,
    LookBook,
    TargetScale,
    Task,
    corrected_claim,
    fit_baselines,
)
from gradwright.engine.random import current_generator, manual_seed
from gradwright.errors import ConfigError, TrainingInterrupted
from gradwright.train.assembly import check_monitor, make_stopping, make_trainer
from gradwright.train.assess import (
    baseline_figure,
    brief_figures,
    metric_name,
    metric_of,
    scale_of,
    show_figure,
)
from gradwright.train.best_epoch import best_epoch_remark
from gradwright.train.checkpointing import Checkpointing
from gradwright.train.checks import steps_per_epoch
from gradwright.train.config import Config, to_toml
from gradwright.train.criteria import make_criterion
from gradwright.train.environment import environment
from gradwright.train.findings import audit_words, findings, leak_findings
from gradwright.train.folder import write_json, write_lines, write_status, write_text
from gradwright.train.judging import judge, single
from gradwright.train.live import LiveRecords
from gradwright.train.loggers import LOGGERS, make_loggers
from gradwright.train.network import build_network, describe_network, network_words
from gradwright.train.plans import augmentation_record, schedule_record, search_rate, search_record
from gradwright.train.prepared import Reporter, StageClock, prepare
from gradwright.train.resume import check_same_data
from gradwright.train.saved import save_model
from gradwright.train.signals import Signals

__all__ = ["Execution", "MakeBaseline", "run_job"]

#: From a task, prepared training rows and their targets to a baseline that is fitted to them.
MakeBaseline = Callable[[Task, np.ndarray, np.ndarray], Baseline]


@dataclass(frozen=True)
class Execution:
    """How a job is run, as against what it computes: none of it changes a figure.

    Attributes
    ----------
    publish : callable, optional
        Called when training begins; puts the folder in its final place and returns that.
    signals : Signals, optional
        Ctrl-C and SIGTERM then stop the training at the end of a block of steps.
    state : dict, optional
        A checkpoint's content: training goes on from there, and what it began with must be in the folder.
    keep_every : int, optional
        Keep the checkpoint of every so-many-th epoch.
    log : sequence of str
        Other tools that figures are logged for: "tensorboard", "mlflow".
    changes : sequence of str
        What differs from when the run began, and was accepted.
    dry_run : bool
        A rehearsal: one batch, one epoch, and the validation part in the place of the test part, which stays sealed.
    """

    publish: Callable[[], Path] | None = None
    signals: Signals | None = None
    state: dict[str, Any] | None = None
    keep_every: int | None = None
    log: Sequence[str] = ()
    dry_run: bool = False
    changes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.keep_every is not None and self.keep_every < 1:
            raise ConfigError(f"keep_every = {self.keep_every}: expected 1 or more")
        for name in self.log:
            if name not in LOGGERS:
                raise ConfigError(f"--log {name}: no such logger; there are {', '.join(LOGGERS)}")


def run_job(
    config: Config,
    folder: Path,
    *,
    given: dict[str, Any] | None = None,
    reporter: Reporter | None = None,
    execution: Execution | None = None,
    more_baselines: Sequence[MakeBaseline] = (),
) -> dict[str, Any]:
    """Read, split, prepare, set baselines, train, look at the test part once, and write every record but the report.

    Parameters
    ----------
    config : Config
        What to do.
    folder : Path
        An empty folder for the records; see docs/RUN_FORMAT.md. When training goes on, the run's own.
    given : dict, optional
        What the user asked for literally, kept beside what it resolved to.
    reporter : Reporter, optional
        Is told of every stage and every epoch.
    execution : Execution, optional
        How it is run.
    more_baselines : sequence of callables
        ``make(task, features, target)`` fits a further baseline, such as one that a search has chosen.

    Returns
    -------
    dict
        ``result.json``'s content, with the baselines under ``"baselines"``.

    Raises
    ------
    DataError, ConfigError, NonFiniteError
        When the data, the settings or the training do not allow a result; nothing outside ``folder`` was touched.
    TrainingInterrupted
        When a signal stopped it; the folder holds a checkpoint to go on from.
    """
    execution = execution or Execution()
    reporter = reporter or Reporter()
    clock = StageClock()
    started = datetime.now(UTC).isoformat(timespec="seconds")

    if not config.eager:
        # importing JAX takes about as long as reading does, and needs nothing that is read
        threading.Thread(target=jax_modules, name="import jax", daemon=True).start()

    data = prepare(config, reporter, clock)
    whole = data
    if execution.dry_run:
        config = config.model_copy(update={"epochs": 1, "lr": None if config.lr == "auto" else config.lr})
        data = data.head(config.resolved(data.rows, data.preparation.width, data.task.kind).batch_size or 32)
    config = data.decided(config)
    stopping = make_stopping(config)  # here already, for what it refuses
    check_monitor(config, data.task.kind)
    task, preparation, notes = data.task, data.preparation, data.notes
    x, vx, vy, target = data.x, data.vx, data.vy, data.target

    # before anything is trained: what would make the figures worthless
    reporter.on_stage_start(3, "audit")
    with clock.part("audit"):
        leaks = whole.audit()
    reporter.on_stage(3, "audit", audit_words(leaks))

    # 4 baselines
    reporter.on_stage_start(4, "baselines")
    with clock.part("baselines"):
        baselines = fit_baselines(task, single(x), target, seed=config.seed % 2**32)
        baselines += [make(task, single(x), target) for make in more_baselines]
        on_validation = [baseline_figure(task, b, single(vx), data.validation_target) for b in baselines]
    metric = metric_of(task)
    shown = ", ".join(f"{b.name} {show_figure(metric, f)}" for b, f in zip(baselines, on_validation, strict=True))
    reporter.on_stage(4, "baselines", f"validation {metric_name(metric)}: {shown}")

    # 5 network
    config = config.resolved(data.rows, preparation.width, task.kind)
    manual_seed(config.seed)
    model = build_network(config, data.shape, data.outputs, data.x, data.vocabulary)
    criterion = make_criterion(task, config, data.weights(config.class_weights))
    network = describe_network(model, criterion, preparation.width, data.y, tokens=data.vocabulary is not None)
    words = f"{network_words(config, data.shape, data.outputs)}; {network['parameters']:,} parameters"
    reporter.on_stage(5, "network", words)

    # 6 train
    reporter.on_stage_start(6, "train")
    if config.lr == "auto":
        with clock.part("lr_find"):
            search = search_rate(config, model, criterion, (x, data.y), (vx, vy))
        config = config.model_copy(update={"lr": search.suggestion})
        reporter.on_stage(
            6, "lr", f"learning rate {search.suggestion:.3g}, by a range test of {len(search.rates)} steps"
        )
        write_json(folder / "lr_find.json", search_record(search))
    trainer = make_trainer(config, model, criterion, data, callbacks=[reporter])
    plan = schedule_record(trainer.scheduler, steps_per_epoch(model, data.rows, config.batch_size or data.rows), config)
    twin = None
    if config.compare == "torch":
        from gradwright.train.compare import TorchTwin, check_comparable_task

        check_comparable_task(task.kind)
        twin = TorchTwin(config, model, current_generator())
        trainer.callbacks.append(twin)
    if execution.state is None:
        text = to_toml(given if given is not None else config.model_dump(exclude_unset=True))
        write_text(folder / "config.given.toml", text)
        write_json(folder / "environment.json", environment(started))
        write_json(folder / "data.json", data.record())
        if leaks is not None:
            write_json(folder / "audit.json", [leak.to_dict() for leak in leaks])
        data.write_parts(folder)
        write_json(folder / "preparation.json", preparation.to_dict())
        write_json(folder / "task.json", task.to_dict())
        write_json(folder / "network.json", network)
        if plan is not None:
            write_json(folder / "schedule.json", plan)
        if trainer.augment is not None:
            write_json(folder / "augmentation.json", augmentation_record(config, data))
        write_json(folder / "config.json", config.model_dump())
        write_json(folder / "execution.json", {"keep_every": execution.keep_every, "log": list(execution.log)})
    else:
        check_same_data(folder, data)
    if execution.publish is not None:
        folder = execution.publish()
    scale = preparation.target_scale.std if isinstance(preparation.target_scale, TargetScale) else 1.0
    loggers = make_loggers(execution.log, folder, config.model_dump())
    trainer.callbacks += [
        LiveRecords(folder, lambda row: _own_unit(row, scale)),
        Checkpointing(folder / "checkpoints", keep_every=execution.keep_every),
        *loggers,
    ]
    if execution.state is not None:
        trainer.load_state_dict(execution.state)
        write_json(folder / "config.json", config.model_dump())  # only now is it known to fit
    polite = contextlib.nullcontext() if execution.signals is None else execution.signals.polite(trainer)
    with clock.part("train"), polite:
        history = trainer.fit(
            data.to_train_on(config.batch_size or 32),
            (vx, vy),
            epochs=config.epochs,
            batch_size=config.batch_size or 32,
            early_stopping=stopping,
            validate_every=config.validate_every,
        )
    far = {"epoch": len(history.rows), "epochs": config.epochs, "step": history.steps.count}
    write_status(folder, "running", **far, trained=True)
    if execution.signals is not None and execution.signals.caught is not None:
        raise TrainingInterrupted("stopped after the last epoch, before the look at the test part")
    clock.seconds["first epoch"] = history.first_epoch_seconds  # with what is compiled in it
    reporter.on_stage(6, "train", f"{len(history.rows)} epochs, best {history.best_epoch}; stopped {history.stopped}")
    comparison = None
    if twin is not None:
        reporter.on_stage_start(6, "compare")
        comparison = twin.compare((x, data.y), (vx, vy), history)
        losses, weights = comparison["max_loss_difference"], comparison["max_weight_difference"]
        words = f"PyTorch's losses differ by at most {losses:.2g}, its weights by at most {weights:.2g}"
        reporter.on_stage(6, "compare", words)

    # 7 one look at the test part
    reporter.on_stage_start(7, "test")
    book = None if execution.dry_run else LookBook(folder.resolve().parent)
    sealed = data.sealed(_ledger(folder / "ledger.jsonl"), book, folder.name)
    if execution.dry_run:
        test = data.held_out()
    else:
        test = sealed.open(reason="final evaluation", command="train")
    figures, on_test = judge(data, test, trainer, config, baselines)
    rows = [
        {"name": b.name, "description": b.description + data.sampled, "validation": v, "test": t}
        for b, v, t in zip(baselines, on_validation, on_test, strict=True)
    ]
    vo = trainer.predict(vx)
    on_validation_best = brief_figures(task, preparation, vo, data.validation_target, trainer.loss(vo, vy))
    result = {
        "task": task.kind,
        "metric": metric,
        "test": figures,
        "best_epoch": history.best_epoch,
        "epochs": len(history.rows),
        "stopped": history.stopped,
        "problem": history.problem,
        "validation": on_validation_best,
        "seconds": {**clock.seconds, "total": clock.total()},
        "parameters": network["parameters"],
        **sealed.history.to_dict(),
        "corrected": corrected_claim(figures[metric], figures["rows"], sealed.looks, scale=scale_of(metric)),
    }

    for logger in loggers:
        logger.log_result(figures)

    # the records
    result_rows = [_own_unit(row, scale) for row in history.rows]
    write_lines(folder / "metrics.jsonl", result_rows)
    write_json(folder / "baselines.json", rows)
    save_model(folder, model)
    write_json(folder / "result.json", result)
    changes = None
    if execution.changes:
        told = "; ".join(execution.changes)
        changes = {"severity": "warning", "title": "Training went on under other conditions", "detail": told}
    remarks = [changes, sealed.history.finding(), best_epoch_remark(history.rows, config.monitor)]
    found = [
        *leak_findings(leaks),
        *(remark for remark in remarks if remark is not None),
        *findings(task, history, rows, figures, notes, planned=_ends_low(plan)),
    ]
    write_json(folder / "findings.json", found)
    if comparison is not None:
        write_json(folder / "compare.json", comparison)
    write_status(folder, "finished", **far)
    return {**result, "baselines": rows}


def _ledger(path: Path) -> Ledger:
    """Return the run's ledger: a new one, or that of a run that was broken off after its look."""
    if path.exists():
        return Ledger.read(path)
    return Ledger(path)


def _own_unit(row: dict[str, Any], scale: float) -> dict[str, Any]:
    """Bring errors from the standardised target's unit to the target's own; R² has none."""
    scaled = ("_rmse", "_mae")
    return {k: v * scale if k.endswith(scaled) and v is not None else v for k, v in row.items()}


def _ends_low(plan: dict[str, Any] | None) -> bool:
    return plan is not None and plan["rates"][-1] <= 0.1 * max(plan["rates"])
