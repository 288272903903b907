"""Training on a stream: PyTorch's losses on the same batches, and the same to the bit after any stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import gradwright as gw
from gradwright import data, nn, optim
from gradwright.errors import DataError, TrainingInterrupted
from gradwright.train import Callback, Trainer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(150, 3))
    kind = np.array(["a", "b", "c"])[(x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5)]
    pl.DataFrame({**{f"x{i}": x[:, i] for i in range(3)}, "kind": kind}).write_parquet(tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


def opened(path: Path, batch_size: int = 8) -> data.Streamed:
    return data.stream(path, target="kind", batch_size=batch_size, block_bytes=400)


def made(eager: bool, *callbacks: Callback) -> Trainer:
    gw.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Dropout(0.2), nn.Linear(5, 3))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 50)
    return Trainer(model, nn.CrossEntropyLoss(), optimizer, scheduler=schedule, eager=eager, callbacks=list(callbacks))


def outcome(trainer: Trainer) -> tuple[Any, ...]:
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in trainer.history.rows]
    weights = {k: v.numpy().tobytes() for k, v in trainer.model.state_dict().items()}
    return rows, weights, trainer.history.steps["loss"].tobytes()


def fit(trainer: Trainer, streamed: data.Streamed) -> None:
    trainer.fit(streamed.train, streamed.validation.arrays(), epochs=2)


@pytest.mark.parametrize("batch_size", [8, 1000])
def test_losses_are_pytorchs_on_the_same_batches(path: Path, batch_size: int) -> None:
    streamed = opened(path, batch_size)
    trainer = made(True)
    trainer.model[2].p = 0.0
    twin = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
    for p, q in zip(twin.parameters(), trainer.model.parameters(), strict=True):
        p.data = torch.tensor(q.detach().numpy())
    sgd = torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, 50)
    losses = []
    for epoch in (1, 2):
        x, y = (torch.tensor(np.concatenate(c)) for c in zip(*streamed.train.blocks(epoch), strict=True))
        for a, b in zip(x.split(batch_size), y.split(batch_size), strict=True):
            sgd.zero_grad()
            loss = torch.nn.functional.cross_entropy(twin(a), b)
            loss.backward()
            sgd.step()
            schedule.step()
            losses.append(loss.item())
    fit(trainer, streamed)
    np.testing.assert_allclose(trainer.history.steps["loss"], losses, rtol=2e-5)
    assert trainer.history.steps["epoch"].tolist() == np.repeat([1, 2], streamed.train.steps).tolist()


class StopAfter(Callback):
    def __init__(self, blocks: int) -> None:
        self.left = blocks
        self.state: dict[str, Any] = {}

    def on_steps_end(self, trainer: Trainer, *, epoch: int, step: int) -> None:
        self.left -= 1
        if self.left == 0:
            trainer.stop("test")

    def on_interrupt(self, trainer: Trainer) -> None:
        self.state = trainer.state_dict()


def resumed(path: Path, eager: bool, blocks: int) -> Trainer | None:
    """Stop after so many blocks and go on with everything made anew; None when training ended before."""
    stop = StopAfter(blocks)
    try:
        fit(made(eager, stop), opened(path))
        return None
    except TrainingInterrupted:
        again = made(eager)
        again.load_state_dict(stop.state)
        fit(again, opened(path))
        return again


def test_stopped_after_every_block_and_gone_on_with(path: Path) -> None:
    whole = made(True)
    fit(whole, opened(path))
    stops = 0
    while (again := resumed(path, True, stops + 1)) is not None:
        assert outcome(again) == outcome(whole)
        stops += 1
    assert stops >= 8


def test_compiled_it_is_the_same_and_goes_on_too(path: Path) -> None:
    eager = made(True)
    fit(eager, opened(path))
    whole = made(False)
    fit(whole, opened(path))
    np.testing.assert_allclose(whole.history.steps["loss"], eager.history.steps["loss"], rtol=2e-5)
    again = resumed(path, False, 4)
    assert again is not None
    assert outcome(again) == outcome(whole)


def test_a_single_row_left_over_sits_out_with_batch_norm(path: Path) -> None:
    rows = opened(path).train.rows
    streamed = opened(path, rows - 1)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=0.1), eager=True)
    fit(trainer, streamed)
    assert len(trainer.history.steps["loss"]) == 2


def test_a_file_that_is_damaged_meanwhile(path: Path) -> None:
    streamed = opened(path)
    validation = streamed.validation.arrays()
    path.write_bytes(path.read_bytes()[:200])
    trainer = made(True)
    before = trainer.model.state_dict()
    with pytest.raises(DataError, match=r"rows\.parquet' on: it has changed"):
        trainer.fit(streamed.train, validation, epochs=1)
    for name, weights in trainer.model.state_dict().items():
        np.testing.assert_array_equal(weights.numpy(), before[name].numpy())
