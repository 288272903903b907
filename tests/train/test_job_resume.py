"""A whole job that is stopped by signals, again and again, leaves what it would have left."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright.errors import RunError, TrainingInterrupted
from gradwright.train import Reporter, RunFolder, Trainer, parse_config, run_job
from gradwright.train import trainer as module
from gradwright.train.job import Execution
from gradwright.train.resume import settings_to_resume
from gradwright.train.signals import Signals

SETTINGS: dict[str, Any] = {
    "source": "iris",
    "epochs": 6,
    "patience": 4,
    "dropout": 0.2,
    "eager": True,
    "batch_norm": True,
}


class SignalAt(Reporter):
    """Send this process a signal at one moment of the training: a block of steps, or a validation; perhaps twice."""

    def __init__(self, moment: int, number: int, times: int = 1) -> None:
        self.moment, self.number, self.times = moment, number, times
        self.count = 0

    def _now(self) -> None:
        self.count += 1
        if self.count == self.moment:
            for _ in range(self.times):
                os.kill(os.getpid(), self.number)

    def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
        self._now()

    def on_validation_start(self, trainer: Trainer, epoch: int) -> None:
        self._now()


def run(folder: RunFolder, config: Any, state: Any = None, reporter: Reporter | None = None, **settings: Any) -> None:
    signals = Signals()
    with gw.use_generator(gw.Generator(0)), signals, folder as place:
        execution = Execution(publish=place.publish, signals=signals, state=state, **settings)
        run_job(config, place.path, reporter=reporter, execution=execution)


def left(folder: Path) -> dict[str, Any]:
    """All that a run leaves, without times and without how often it was broken off."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    result = json.loads((folder / "result.json").read_text())
    return {
        "rows": [{k: v for k, v in row.items() if k != "seconds"} for row in lines],
        "steps": (folder / "steps.jsonl").read_text(),
        "weights": (folder / "weights.safetensors").read_bytes(),
        # runs beside each other count each other's looks
        "result": {k: v for k, v in result.items() if k not in ("seconds", "looks", "looked_by", "corrected")},
        "state": json.loads((folder / "status.json").read_text())["state"],
    }


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, Any]:
    run(RunFolder(tmp_path / "whole"), parse_config(SETTINGS))
    return left(tmp_path / "whole")


def test_stopped_at_every_moment_once(tmp_path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 3)
    for moment in range(1, 17, 2):
        folder = tmp_path / f"run{moment}"
        kind, times = [(signal.SIGTERM, 1), (signal.SIGINT, 1), (signal.SIGINT, 2)][moment % 3]
        with pytest.raises(TrainingInterrupted, match=r"stopped by (SIGTERM|Ctrl-C) in epoch"):
            run(RunFolder(folder), parse_config(SETTINGS), reporter=SignalAt(moment, kind, times))
        assert json.loads((folder / "status.json").read_text())["state"] == "interrupted"
        assert not (folder / "result.json").exists()
        config, state, said = settings_to_resume(folder, {}, accept=False)
        assert said == []
        run(RunFolder.resume(folder), config, state)
        assert left(folder) == whole


def test_stopped_again_and_again(tmp_path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 2)
    folder, state, config = tmp_path / "run", None, parse_config(SETTINGS)
    stops = 0
    while True:
        try:
            place = RunFolder(folder) if state is None else RunFolder.resume(folder)
            run(place, config, state, SignalAt(3, signal.SIGTERM))
            break
        except TrainingInterrupted:
            stops += 1
            config, state, _ = settings_to_resume(folder, {}, accept=False)
    assert stops > 5
    assert left(folder) == whole


def test_a_finished_run_goes_on_for_more_epochs_when_told_so(tmp_path: Path, whole: dict[str, Any]) -> None:
    short = {**SETTINGS, "epochs": 3}
    run(RunFolder(tmp_path / "run"), parse_config(short))
    with pytest.raises(RunError, match="finished"):
        settings_to_resume(tmp_path / "run", {}, accept=False)
    with pytest.raises(RunError, match=r"epochs.*3.*6"):
        settings_to_resume(tmp_path / "run", {"epochs": 6}, accept=False)
    config, state, said = settings_to_resume(tmp_path / "run", {"epochs": 6}, accept=True)
    assert any("epochs" in words for words in said)
    run(RunFolder.resume(tmp_path / "run"), config, state)
    longer = left(tmp_path / "run")
    assert longer["rows"] == whole["rows"]
    assert longer["weights"] == whole["weights"]
    looks = json.loads((tmp_path / "run" / "result.json").read_text())["looked_by"]
    assert [look["run"] for look in looks] == ["whole", "run", "run"]


def test_other_data_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = tmp_path / "table.csv"
    rows = [f"{a:.3f},{b:.3f},{'yn'[int(a > 0)]}" for a, b in rng.standard_normal((60, 2))]
    table.write_text("\n".join(["a,b,c", *rows]))
    settings = {**SETTINGS, "source": str(table)}
    with pytest.raises(TrainingInterrupted):
        run(RunFolder(tmp_path / "run"), parse_config(settings), reporter=SignalAt(1, signal.SIGTERM))
    config, state, _ = settings_to_resume(tmp_path / "run", {}, accept=False)
    table.write_text("\n".join(["a,b,c", *reversed(rows)]))
    with pytest.raises(RunError, match="the data's content"):
        run(RunFolder.resume(tmp_path / "run"), config, state)
    assert (tmp_path / "run" / "status.json").exists()


def test_what_grows_while_it_trains(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []

    class Look(Reporter):
        def on_epoch_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
            folder = tmp_path / "run"
            status = json.loads((folder / "status.json").read_text())
            counts = [len((folder / name).read_text().splitlines()) for name in ("metrics.jsonl", "steps.jsonl")]
            seen.append((status["state"], *counts))

    run(RunFolder(tmp_path / "run"), parse_config(SETTINGS), reporter=Look())
    steps = seen[0][2]
    assert seen == [("running", epoch - 1, steps * epoch) for epoch in range(1, len(seen) + 1)]


def test_a_dry_run_leaves_the_seal(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    result = run_job(parse_config(SETTINGS), tmp_path / "run", execution=Execution(dry_run=True))
    assert result["looks"] == 0
    assert result["epochs"] == 1
    assert (tmp_path / "run" / "ledger.jsonl").read_text() == ""


def test_a_batch_learnt_by_heart_and_one_that_cannot_be() -> None:
    from gradwright.train.rehearsals import overfit_one_batch

    outcome = overfit_one_batch(parse_config({**SETTINGS, "lr": 0.01}))
    assert outcome["learnt"]
    assert outcome["last"] < 0.05 * outcome["first"]
    outcome = overfit_one_batch(parse_config({**SETTINGS, "lr": 1e-9}))
    assert not outcome["learnt"]
    assert "another learning rate" in outcome["words"]
