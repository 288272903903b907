"""The same training in PyTorch: how far apart the two may be, measured."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradwright import nn
from gradwright.engine.random import Generator
from gradwright.errors import ConfigError
from gradwright.train import parse_config
from gradwright.train.compare import TorchTwin


def comparison(job: Callable[..., Path], out: Path, **settings: Any) -> dict[str, Any]:
    path = job(out, compare="torch", patience=1000, **settings)
    found: dict[str, Any] = json.loads((path / "compare.json").read_text())
    assert found["library"] == "torch"
    assert found["mode"] == ("eager" if settings.get("eager", True) else "compiled")
    ours = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    assert [e["epoch"] for e in found["epochs"]] == [row["epoch"] for row in ours]
    for e, row in zip(found["epochs"], ours, strict=True):
        # the differences are those of the two records, not numbers of their own
        assert e["loss_difference"] == pytest.approx(
            max(abs(e[k] - row[k]) for k in ("train_loss", "validation_loss")), abs=1e-12
        )
        assert e["train_loss"] > 0
    assert found["max_loss_difference"] == max(e["loss_difference"] for e in found["epochs"])
    assert found["max_weight_difference"] == max(e["weight_difference"] for e in found["epochs"])
    return found


# --- float64 on NumPy: weights to 1e-8 after a hundred steps ---
@pytest.mark.parametrize(
    "settings",
    [
        {"source": "digits", "epochs": 4},  # 40 steps an epoch: 160
        {"source": "iris", "dropout": 0.3, "batch_norm": True, "optimizer": "sgd", "lr": 0.05, "weight_decay": 1e-3},
        {
            "source": "iris",
            "dropout": 0.5,
            "batch_norm": True,
            "optimizer": "adamw",
            "weight_decay": 0.1,
            "clip_norm": 0.3,
        },
        {"source": "wine", "optimizer": "adam", "weight_decay": 1e-2, "activation": "tanh", "hidden": (9, 7, 5)},
        {"source": "diabetes", "dropout": 0.2, "optimizer": "sgd", "momentum": 0.0, "lr": 0.02, "clip_norm": 0.5},
        {"source": "diabetes", "batch_norm": True, "activation": "sigmoid", "hidden": (8,)},
        {"source": "breast-cancer", "batch_norm": True, "batch_size": 33, "epochs": 9},
    ],
    ids=lambda s: "-".join(str(v) for v in s.values()),
)
def test_float64_weights_agree(job, tmp_path: Path, settings: dict[str, Any]) -> None:
    found = comparison(job, tmp_path / "run", **({"dtype": "float64", "epochs": 17} | settings))
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    rows = json.loads((tmp_path / "run" / "data.json").read_text())["split"]["train"]
    assert len(found["epochs"]) * (rows // config["batch_size"]) >= 100, "too few steps to mean anything"
    assert found["dtype"] == "float64"
    assert found["max_weight_difference"] < 1e-8
    assert found["max_loss_difference"] < 1e-8


def test_a_last_batch_of_one_row_is_left_out_in_both(job, tmp_path: Path) -> None:
    settings = {"source": "iris", "batch_norm": True, "dtype": "float64", "epochs": 5}
    rows = 104  # of training
    found = comparison(job, tmp_path / "run", batch_size=rows - 1, **settings)
    assert found["max_weight_difference"] < 1e-8


# --- float32, compiled: the demo ---
@pytest.mark.slow
def test_float32_loss_curves_of_the_demo_agree(job, tmp_path: Path) -> None:
    from gradwright.report import write_report

    found = comparison(job, tmp_path / "run", source="digits", epochs=10, eager=False)
    assert len(found["epochs"]) == 10
    assert found["max_loss_difference"] < 1e-3
    assert all(e["loss_difference"] < 1e-3 for e in found["epochs"])
    last = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])
    assert found["epochs"][-1]["validation_accuracy"] == pytest.approx(last["validation_accuracy"], abs=0.01)
    assert found["seconds"]["gradwright"] > 0
    assert found["seconds"]["torch"] > 0
    write_report(tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "PyTorch" in page
    assert found["version"] in page


# --- the comparison can fail ---
@pytest.mark.parametrize("setting", [{"lr": 0.0101}, {"seed": 1}, {"clip_norm": 0.01}, {"optimizer": "adamw"}])
def test_another_training_is_told_apart(make_trainer, blobs, setting: dict[str, Any]) -> None:
    data = blobs(dtype="float64")
    told = {
        "lr": 0.01,
        "seed": 0,
        "batch_size": 16,
        "weight_decay": 0.1,
        "optimizer": "adam",
        "dtype": "float64",
    } | setting
    trainer = make_trainer(dtype="float64", lr=0.01, eager=True, seed=0)
    trainer.optimizer.param_groups[0]["weight_decay"] = 0.1
    twin = TorchTwin(parse_config({"source": "x", "eager": True, **told}), trainer.model, Generator(0))
    trainer.callbacks.append(twin)
    history = trainer.fit(data.train, data.validation, epochs=2, batch_size=16)
    found = twin.compare(data.train, data.validation, history)
    assert found["max_weight_difference"] > 1e-6


def test_the_same_training_is_not_told_apart(make_trainer, blobs) -> None:
    data = blobs(dtype="float64")
    trainer = make_trainer(dtype="float64", lr=0.01, eager=True)
    values = {"source": "x", "eager": True, "lr": 0.01, "batch_size": 16, "dtype": "float64"}
    twin = TorchTwin(parse_config(values), trainer.model, Generator(0))
    trainer.callbacks.append(twin)
    history = trainer.fit(data.train, data.validation, epochs=2, batch_size=16)
    assert twin.compare(data.train, data.validation, history)["max_weight_difference"] < 1e-12


def test_a_layer_without_a_twin_is_named(make_trainer, network, blobs) -> None:
    data = blobs()
    trainer = make_trainer(model=nn.Sequential(*network(), nn.Softmax(1)), eager=True)
    twin = TorchTwin(parse_config({"source": "x", "lr": 0.01}), trainer.model, Generator(0))
    trainer.callbacks.append(twin)
    history = trainer.fit(data.train, data.validation, epochs=1)
    with pytest.raises(ConfigError, match="Softmax"):
        twin.compare(data.train, data.validation, history)


def test_without_pytorch_it_says_how_to_get_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from gradwright.cli.main import main\n"
        "sys.argv = ['gradwright', 'train', 'iris', '--compare', 'torch', '--eager', '--epochs', '1']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "pip install 'gradwright[torch]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []  # said before the training, not after


def test_masks_are_the_ones_that_the_network_drew(job, tmp_path: Path) -> None:
    found = comparison(job, tmp_path / "run", source="iris", dtype="float64", dropout=0.5, hidden=(16, 8), epochs=3)
    assert found["max_weight_difference"] < 1e-10
    assert np.isfinite(found["max_loss_difference"])
