"""Small data, small networks, and finished runs that many tests look at and none changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gradwright as gw
from gradwright import nn, optim
from gradwright.train import Callback, RunFolder, Trainer, parse_config, run_job


@pytest.fixture(autouse=True)
def _one_thread_and_a_fresh_stream():
    torch.set_num_threads(1)
    with gw.use_generator(gw.Generator(0)):
        yield


class Blobs:
    """Three clouds of points with labels, or one plane with noise; a training and a validation part."""

    def __init__(self, n: int = 70, validation: int = 30, dtype: str = "float32", regression: bool = False) -> None:
        rng = np.random.default_rng(3)
        total = n + validation
        labels = rng.integers(0, 3, total)
        centres = np.array([[0, 0, 1, 0], [1.5, 0, 0, 1], [0, 1.5, 0, -1]])
        x = (centres[labels] + 0.7 * rng.standard_normal((total, 4))).astype(dtype)
        y = labels
        if regression:
            y = (x @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.1 * rng.standard_normal(total)).astype(dtype)[:, None]
        self.train, self.validation = (x[:n], y[:n]), (x[n:], y[n:])


@pytest.fixture
def blobs() -> type[Blobs]:
    return Blobs


def _network(outputs: int = 3, batch_norm: bool = False, dropout: float = 0.0, dtype: str = "float32") -> nn.Sequential:
    gw.manual_seed(1)
    layers: list[nn.Module] = [nn.Linear(4, 8)]
    if batch_norm:
        layers.append(nn.BatchNorm1d(8))
    layers.append(nn.ReLU())
    if dropout:
        layers.append(nn.Dropout(dropout))
    model = nn.Sequential(*layers, nn.Linear(8, outputs))
    return model.double() if dtype == "float64" else model


@pytest.fixture
def network() -> Callable[..., nn.Sequential]:
    return _network


@pytest.fixture
def make_trainer() -> Callable[..., Trainer]:
    def make(*, lr: float = 0.05, rule: str = "adam", regression: bool = False, **kwargs: Any) -> Trainer:
        shape = {k: kwargs.pop(k) for k in ("batch_norm", "dropout", "dtype") if k in kwargs}
        model = kwargs.pop("model", None) or _network(1 if regression else 3, **shape)
        criterion = kwargs.pop("criterion", None) or (nn.MSELoss() if regression else nn.CrossEntropyLoss())
        optimizer = {
            "adam": lambda: optim.Adam(model.parameters(), lr=lr),
            "sgd": lambda: optim.SGD(model.parameters(), lr=lr),
        }[rule]()
        return Trainer(model, criterion, optimizer, **kwargs)

    return make


class Recorder(Callback):
    """Write down every call, and the weights after each epoch."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.weights: list[dict[str, np.ndarray]] = []

    def on_fit_start(self, trainer: Trainer, *, epochs: int, steps: int) -> None:
        self.calls.append(("start", epochs, steps))

    def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
        self.calls.append(("steps", epoch, step))

    def on_epoch_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
        self.calls.append(("epoch", row["epoch"]))
        self.weights.append({k: v.numpy().copy() for k, v in trainer.model.state_dict().items()})

    def on_fit_end(self, trainer: Trainer) -> None:
        self.calls.append(("end",))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def _job(out: Path, **values: Any) -> Path:
    values = {"eager": True, "epochs": 3} | values
    with gw.use_generator(gw.Generator(0)), RunFolder(out) as folder:
        run_job(parse_config(values), folder.path, given=values)
    return out


@pytest.fixture
def job() -> Callable[..., Path]:
    """Run a short eager job into a folder that is not there yet."""
    return _job


@pytest.fixture(scope="session")
def iris_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _job(tmp_path_factory.mktemp("shared") / "iris", source="iris", batch_norm=True, epochs=8)


@pytest.fixture(scope="session")
def diabetes_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _job(tmp_path_factory.mktemp("shared") / "diabetes", source="diabetes", dtype="float64", epochs=4)


HOUSES = 60


@pytest.fixture(scope="session")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with numbers, a category, gaps, and a quantity to predict."""
    rng = np.random.default_rng(5)
    lines = ["size,colour,rooms,price"]
    for i in range(HOUSES):
        size, rooms = rng.uniform(40, 200), int(rng.integers(1, 6))
        colour = ("red", "blue", "green")[int(rng.integers(3))]
        shown = "" if i % 13 == 5 else f"{size:.2f}"
        lines.append(f"{shown},{colour},{rooms},{1000 * size + 5000 * rooms + rng.normal(0, 500):.2f}")
    path = tmp_path_factory.mktemp("tables") / "houses.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def houses_run(tmp_path_factory: pytest.TempPathFactory, houses: Path) -> Path:
    return _job(tmp_path_factory.mktemp("shared") / "houses", source=str(houses), target="price", epochs=5)
