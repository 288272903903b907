"""The jobs: many small trainings, each given down to its initial weights and its batches, for everybody the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from gradwright.data import epoch_order

__all__ = ["BATCH", "JOBS", "Job", "Setting", "Trained", "folds", "seeds", "spread", "stacked", "sweep"]

BATCH = 32


class Setting(NamedTuple):
    """What differs between two members on the same rows."""

    lr: float
    weight_decay: float  # λ of Adam's coupled decay: the gradient gets λθ
    dropout: float
    seed: int


class Trained(NamedTuple):
    """What a contender returns."""

    loss: np.ndarray  # (members, epochs): mean training loss; empty where it is not told
    accuracy: np.ndarray  # (members, epochs) on the validation rows; (members, 1) where only the end is told
    waited: float = 0.0  # seconds before training began, where every run traces and compiles
    note: str = ""


@dataclass(frozen=True)
class Job:
    """Every setting on every split: one member each, settings first."""

    name: str
    title: str
    sizes: tuple[int, ...]
    x: np.ndarray
    y: np.ndarray
    settings: list[Setting]
    splits: list[tuple[np.ndarray, np.ndarray]]  # training rows, a multiple of the batch; validation rows
    epochs: int
    chosen: tuple[int, ...] | None = None  # of the product, the members that are trained; all unless told

    @cached_property
    def members(self) -> list[tuple[Setting, int]]:
        """Return each member's setting and the number of its split."""
        everyone = list(product(self.settings, range(len(self.splits))))
        return everyone if self.chosen is None else [everyone[i] for i in self.chosen]

    def __len__(self) -> int:
        return len(self.members)

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return len(self.splits[0][0]) // BATCH

    @property
    def shared(self) -> bool:
        """Whether all members see the same batches."""
        return len({self.key(k) for k in range(len(self))}) == 1

    @property
    def drops(self) -> bool:
        """Whether any member has dropout."""
        return any(setting.dropout for setting, _ in self.members)

    def column(self, name: str) -> np.ndarray:
        """Return one number of every member, in float32."""
        return np.array([getattr(setting, name) for setting, _ in self.members], np.float32)

    def key(self, member: int) -> int:
        """Return the number that decides a member's batches and its initial weights: of its seed and its split."""
        setting, split = self.members[member]
        return setting.seed * len(self.splits) + split

    def order(self, member: int) -> np.ndarray:
        """Return a member's batches: rows of the data, (epochs, steps, batch)."""
        rows = self.splits[self.members[member][1]][0]
        orders = [epoch_order(len(rows), key=self.key(member), epoch=epoch + 1) for epoch in range(self.epochs)]
        return rows[np.stack(orders)].reshape(self.epochs, -1, BATCH).astype(np.int32)

    def validation(self, member: int) -> np.ndarray:
        """Return the rows that a member is validated on."""
        return self.splits[self.members[member][1]][1]

    def weights(self, member: int) -> list[np.ndarray]:
        """Return a member's initial weights, drawn as PyTorch draws them: (out, in) and (out,) for each layer."""
        rng = np.random.default_rng(self.key(member))
        found = []
        for a, b in pairwise(self.sizes):
            bound = 1 / np.sqrt(a)
            found += [rng.uniform(-bound, bound, shape).astype(np.float32) for shape in ((b, a), (b,))]
        return found

    def part(self, count: int) -> Job:
        """Return the job with so many of its members, spread evenly over all."""
        everyone = range(len(self.settings) * len(self.splits)) if self.chosen is None else self.chosen
        return replace(self, chosen=tuple(everyone[i] for i in spread(len(everyone), count)))

    @property
    def operations(self) -> float:
        """Return the additions and multiplications of all members' matrix products, validation included."""
        forward = 2.0 * sum(a * b for a, b in pairwise(self.sizes))
        first = 2.0 * self.sizes[0] * self.sizes[1]  # nobody needs the gradient of the data
        a_step = BATCH * (3 * forward - first)
        return len(self) * self.epochs * (self.steps * a_step + len(self.splits[0][1]) * forward)


def spread(n: int, count: int) -> list[int]:
    """Return so many of the numbers below n, evenly."""
    return [round(i) for i in np.linspace(0, n - 1, min(count, n))]


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's digits, between 0 and 1."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x / 16).astype(np.float32), y.astype(np.int64)


def sweep(epochs: int = 100) -> Job:
    """Return 4 learning rates × 4 decays × 4 dropout rates on digits; 1,440 rows to train on and 357 to validate."""
    x, y = digits()
    rows = np.random.default_rng(0).permutation(len(x))
    settings = [
        Setting(lr, decay, rate, 0)
        for lr, decay, rate in product((3e-4, 1e-3, 3e-3, 1e-2), (1e-6, 1e-5, 1e-4, 1e-3), (0.05, 0.1, 0.2, 0.4))
    ]
    title = "64 configurations on digits, 64-64-64-10"
    return Job("sweep", title, (64, 64, 64, 10), x, y, settings, [(rows[:1440], rows[1440:])], epochs)


def folds(epochs: int = 100) -> Job:
    """Return 5×2cv of two configurations on digits: halves of 896 rows, so that every batch is full."""
    x, y = digits()
    splits: list[tuple[np.ndarray, np.ndarray]] = []
    for repeat in range(5):
        rows = np.random.default_rng(repeat).permutation(len(x))
        a, b = rows[:896], rows[896:1792]
        splits += [(a, b), (b, a)]
    settings = [Setting(1e-3, 1e-4, 0.0, 0), Setting(3e-3, 1e-3, 0.0, 0)]
    title = "5×2cv of two configurations on digits, 64-64-64-10"
    return Job("folds", title, (64, 64, 64, 10), x, y, settings, splits, epochs)


def seeds(epochs: int = 100) -> Job:
    """Return 32 seeds on breast cancer, columns standardised; 448 rows to train on and 121 to validate."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(x))
    train, validation = rows[:448], rows[448:]
    x = (x - x[train].mean(0)) / x[train].std(0)
    settings = [Setting(1e-3, 1e-4, 0.0, seed) for seed in range(32)]
    title = "32 seeds on breast cancer, 30-32-2"
    return Job(
        "seeds", title, (30, 32, 2), x.astype(np.float32), y.astype(np.int64), settings, [(train, validation)], epochs
    )


JOBS = {"sweep": sweep, "folds": folds, "seeds": seeds}


def stacked(arrays: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Return the members' arrays along a new first axis."""
    return [np.stack(same) for same in zip(*arrays, strict=True)]
