"""The whole job: every record is there, the test part is opened once and last, and one seed gives one result."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradwright.data import LabeledRows, SealedTest, Split
from gradwright.errors import DataError, NonFiniteError
from gradwright.train import Reporter, RunFolder, parse_config, run_job

RECORDS = {
    "config.given.toml",
    "config.json",
    "environment.json",
    "data.json",
    "split.npz",
    "preparation.json",
    "task.json",
    "metrics.jsonl",
    "baselines.json",
    "network.json",
    "model.json",
    "weights.safetensors",
    "result.json",
    "ledger.jsonl",
    "audit.json",
    "execution.json",
    "findings.json",
    "status.json",
    "steps.jsonl",
    "checkpoints",
}


def strict(text: str) -> Any:
    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is not JSON")

    return json.loads(text, parse_constant=refuse)


def records(run: Path) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for path in run.iterdir():
        if path.suffix == ".json":
            out[path.name] = strict(path.read_text())
        elif path.suffix == ".jsonl":
            out[path.name] = [strict(line) for line in path.read_text().splitlines()]
    return out


@pytest.fixture(params=["iris_run", "diabetes_run", "houses_run"])
def run(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def test_every_record_is_there_and_parses(run: Path) -> None:
    assert {p.name for p in run.iterdir()} == RECORDS
    r = records(run)
    tomllib.loads((run / "config.given.toml").read_text())
    data, result, config = r["data.json"], r["result.json"], r["config.json"]
    parts = Split.from_npz(run / "split.npz")
    assert data["split"] == {**data["split"], **{k: len(getattr(parts, k)) for k in ("train", "validation", "test")}}
    assert data["rows"] == len(parts.train) + len(parts.validation) + len(parts.test)
    assert all(config[k] is not None for k in ("hidden", "dropout", "lr", "batch_size"))
    assert {"gradwright", "python", "numpy", "jax", "polars", "scikit-learn", "platform", "cpus", "started"} <= set(
        r["environment.json"]
    )
    rows = r["metrics.jsonl"]
    assert [row["epoch"] for row in rows] == list(range(1, result["epochs"] + 1))
    figures = (
        {"train_rmse", "validation_rmse", "validation_r2"}
        if result["task"] == "regression"
        else {"train_accuracy", "validation_accuracy"}
    )
    for row in rows:
        assert set(row) == {"epoch", "train_loss", "validation_loss", "learning_rate", "seconds", "norms"} | figures
        assert row["norms"].keys() == {"gradient", "weight", "update"}
    assert {"read", "prepare", "baselines", "first epoch", "train", "total"} <= set(result["seconds"])
    assert result["looks"] == 1
    assert result["test"]["rows"] == len(parts.test)
    assert (
        result["parameters"]
        == r["network.json"]["parameters"]
        == sum(layer["parameters"] for layer in r["network.json"]["layers"])
    )
    assert [look["look"] for look in r["ledger.jsonl"]] == [1]
    assert r["ledger.jsonl"][0]["command"] == "train"
    for b in r["baselines.json"]:
        assert set(b) == {"name", "description", "validation", "test"}
        assert b["test"]["low"] <= b["test"]["value"] <= b["test"]["high"]
    nodes = r["network.json"]["graph"]["nodes"]
    assert [n["id"] for n in nodes] == list(range(len(nodes)))
    assert all(a < b for a, b in r["network.json"]["graph"]["edges"])


def test_classification_figures_fit_together(iris_run: Path) -> None:
    test = records(iris_run)["result.json"]["test"]
    confusion = np.array(test["confusion"])
    assert confusion.sum() == test["rows"] == 23
    assert test["accuracy"]["value"] == pytest.approx(np.trace(confusion) / 23)
    assert [c["support"] for c in test["per_class"]] == confusion.sum(1).tolist()
    assert [c["class"] for c in test["per_class"]] == test["classes"]


def test_regression_figures_are_in_the_targets_unit(houses_run: Path) -> None:
    r = records(houses_run)
    test, rows = r["result.json"]["test"], r["metrics.jsonl"]
    target, prediction = np.array(test["target"]), np.array(test["prediction"])
    assert len(target) == test["rows"] == 9
    assert target.mean() > 10_000
    assert test["rmse"]["value"] == pytest.approx(np.sqrt(np.mean((target - prediction) ** 2)), rel=1e-6)
    assert test["mae"] == pytest.approx(np.mean(np.abs(target - prediction)), rel=1e-6)
    assert test["r2"]["value"] == pytest.approx(
        1 - np.sum((target - prediction) ** 2) / np.sum((target - target.mean()) ** 2), rel=1e-5
    )
    std = r["preparation.json"]["target_scale"]["std"]
    best = rows[r["result.json"]["best_epoch"] - 1]
    assert best["validation_rmse"] == pytest.approx(std * np.sqrt(best["validation_loss"]), rel=1e-5)
    assert r["result.json"]["validation"]["rmse"] == pytest.approx(best["validation_rmse"], rel=1e-4)
    # the mean of the validation targets explains nothing
    import polars as pl

    price = pl.read_csv(r["data.json"]["source"])["price"].to_numpy()[
        Split.from_npz(houses_run / "split.npz").validation
    ]
    assert best["validation_r2"] == pytest.approx(1 - best["validation_rmse"] ** 2 / price.var(), rel=1e-3)


def test_what_was_asked_for_is_kept_apart_from_what_it_became(iris_run: Path) -> None:
    assert tomllib.loads((iris_run / "config.given.toml").read_text()) == {
        "source": "iris",
        "batch_norm": True,
        "epochs": 8,
        "eager": True,
    }


# --- the seal ---
def test_the_test_part_is_read_once_and_last(
    job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, houses: Path
) -> None:
    events: list[tuple[str, Any]] = []
    take, look = LabeledRows.take, SealedTest.open

    def watched_take(self: LabeledRows, rows: Any) -> LabeledRows:
        events.append(("take", frozenset(int(r) for r in rows)))
        return take(self, rows)

    def watched_open(self: SealedTest, **why: str) -> LabeledRows:
        events.append(("open", why))
        return look(self, **why)

    class Watch(Reporter):
        def on_fit_end(self, trainer: Any) -> None:
            events.append(("trained", None))

    monkeypatch.setattr(LabeledRows, "take", watched_take)
    monkeypatch.setattr(SealedTest, "open", watched_open)
    with RunFolder(tmp_path / "run") as folder:
        config = parse_config({"source": str(houses), "target": "price", "eager": True, "epochs": 2})
        run_job(config, folder.path, reporter=Watch())
    parts = Split.from_npz(tmp_path / "run" / "split.npz")
    test = {int(r) for r in parts.test}
    names = [name for name, _ in events]
    assert names.count("open") == 1
    at = names.index("open")
    assert names.index("trained") < at
    before = [rows for name, rows in events[:at] if name == "take"]
    assert before
    assert all(not rows & test for rows in before)
    taken = [rows for name, rows in events[at:] if name == "take"]
    assert taken == [test, test]  # for its fingerprint, which goes into the book first, and for the look
    assert events[at][1] == {"reason": "final evaluation", "command": "train"}


def test_preparation_and_training_know_the_training_rows_alone(job, tmp_path: Path, houses: Path) -> None:
    settings = {"target": "price", "epochs": 2}
    first = job(tmp_path / "first", source=str(houses), **settings)
    parts = Split.from_npz(first / "split.npz")
    lines = houses.read_text().splitlines()

    def changed(rows: np.ndarray, name: str) -> Path:
        out = list(lines)
        for row in rows:
            out[row + 1] = f"999999,violet,77,{-123456789 - row}"
        path = tmp_path / name
        path.write_text("\n".join(out) + "\n")
        return job(tmp_path / f"run-{name}", source=str(path), **settings)

    test, validation, train = (changed(getattr(parts, p), f"{p}.csv") for p in ("test", "validation", "train"))
    for other in (test, validation):
        assert (other / "split.npz").read_bytes() == (first / "split.npz").read_bytes()
        assert (other / "preparation.json").read_bytes() == (first / "preparation.json").read_bytes()
    assert (test / "weights.safetensors").read_bytes() == (first / "weights.safetensors").read_bytes()
    assert metrics(test) == metrics(first)
    assert metrics(validation) != metrics(first)
    assert [m["train_loss"] for m in metrics(validation)] == [m["train_loss"] for m in metrics(first)]
    assert (train / "preparation.json").read_bytes() != (first / "preparation.json").read_bytes()


def metrics(run: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in records(run)["metrics.jsonl"]]


@pytest.mark.parametrize("eager", [True, False])
def test_one_seed_one_result(job, tmp_path: Path, eager: bool) -> None:
    settings = {"source": "iris", "dropout": 0.2, "batch_norm": True, "epochs": 2}
    a, b = (job(tmp_path / name, seed=7, eager=eager, **settings) for name in "ab")
    assert metrics(a) == metrics(b)
    for name in (
        "weights.safetensors",
        "preparation.json",
        "baselines.json",
        "network.json",
        "model.json",
        "split.npz",
    ):
        assert (a / name).read_bytes() == (b / name).read_bytes(), name
    assert metrics(a) != metrics(job(tmp_path / "c", seed=8, **settings))


# --- failures ---
def test_a_failing_job_leaves_nothing(job, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        job(tmp_path / "run", source="iris", target="sepals")
    with pytest.raises(NonFiniteError, match="epoch 1"):
        job(tmp_path / "run", source="iris", lr=1e30, optimizer="sgd")
    assert list(tmp_path.iterdir()) == []


def test_training_that_breaks_down_later_still_gives_a_run(
    job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradwright.train import trainer as module

    row = module.Trainer._row

    def spoil(self: Any, epoch: int, *rest: Any) -> dict[str, Any]:
        if epoch == 2:
            self.optimizer.param_groups[0]["lr"] = 1e30
        return row(self, epoch, *rest)

    monkeypatch.setattr(module.Trainer, "_row", spoil)
    r = records(job(tmp_path / "run", source="iris", epochs=6))
    assert r["result.json"]["problem"].startswith("epoch 3, step ")
    assert r["result.json"]["epochs"] == 2
    assert "epoch 3" in r["result.json"]["stopped"]
    (finding,) = [f for f in r["findings.json"] if f["severity"] == "problem"]
    assert finding["detail"] == r["result.json"]["problem"]


def test_an_unfinished_training_is_a_finding(iris_run: Path) -> None:
    details = [f["detail"] for f in records(iris_run)["findings.json"]]
    assert any("all 8 epochs done" in d for d in details), details
    assert not any("{" in d for d in details)


def test_killed_in_the_middle(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from gradwright.train import *\n"
        "class Tell(Reporter):\n"
        "    def on_epoch_end(self, trainer, row): print('epoch', flush=True)\n"
        "with RunFolder(Path(sys.argv[1])) as f:\n"
        "    config = parse_config(dict(source='digits', epochs=10**6, patience=10**6, eager=True))\n"
        "    run_job(config, f.path, reporter=Tell())\n"
    )
    victim = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "run")], stdout=subprocess.PIPE)
    assert victim.stdout is not None
    try:
        assert victim.stdout.readline() == b"epoch\n"
        time.sleep(0.05)
    finally:
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        victim.stdout.close()
    assert [p.name for p in tmp_path.iterdir()] == [f".unfinished-run-{victim.pid}"]
    with RunFolder(tmp_path / "run"):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
