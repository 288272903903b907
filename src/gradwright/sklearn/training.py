"""Epochs for the estimators: their batches, their shape, and where they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gradwright.compile import place
from gradwright.compile.epochs import Plateau, run_epochs
from gradwright.data import epoch_order
from gradwright.engine.tensor import Tensor
from gradwright.errors import NonFiniteError
from gradwright.sklearn.scaling import standard
from gradwright.sklearn.workshop import Weights, Workshop

__all__ = ["Rows", "Shape", "Trained", "runs_eagerly", "train"]

#: Widths of batches are rounded up to a multiple of this: folds that differ by a row share a program.
WIDTH_STEP = 32
#: Rows of the epochs that run as one program, and how many epochs at most.
CHUNK_ROWS, CHUNK_EPOCHS = 2**15, 50
#: Data that are larger than this when made dense stay as they are, and are made dense some batches at a time.
MOST_BYTES = 2**29
#: Fits that would take less run eagerly: compiling takes more than a second of a core, and tracing alone, with the
#: program on disk, about as long as this.
EAGER_SECONDS = 0.165


@dataclass
class Rows:
    """What is trained on: columns dense or sparse with what standardises them, targets and weights (all above 0)."""

    X: Any
    y: np.ndarray
    weight: np.ndarray
    mean: np.ndarray | None
    scale: np.ndarray | None
    dtype: Any

    def __len__(self) -> int:
        return len(self.y)

    def columns(self, rows: Any = slice(None)) -> np.ndarray:
        """Return rows as the network sees them."""
        return standard(self.X[rows], self.mean, self.scale, self.dtype)

    def large(self) -> bool:
        """Say whether all rows together, made dense, would take too much memory."""
        return bool(np.prod(self.X.shape, dtype=float) * np.dtype(self.dtype).itemsize > MOST_BYTES)


@dataclass(frozen=True)
class Shape:
    """How an epoch is cut: ``steps`` batches of ``batch`` rows, in a program of ``width`` rows, some of weight 0."""

    rows: int
    batch: int

    @property
    def steps(self) -> int:
        """How many batches an epoch has; the last may be short."""
        return -(-self.rows // self.batch)

    @property
    def width(self) -> int:
        """How many rows a batch has in the program."""
        return self.batch if self.steps > 1 else -(-self.rows // WIDTH_STEP) * WIDTH_STEP

    def order(self, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
        """Return the rows of an epoch's batches, (steps, width); rows from ``self.rows`` on only fill up."""
        order = np.arange(self.steps * self.width)
        if shuffle:
            order[: self.rows] = epoch_order(self.rows, key=seed, epoch=epoch)
        return order.reshape(self.steps, self.width)


@dataclass
class Trained:
    """What came of it."""

    losses: list[float]
    scores: list[float] | None = None
    weights: Weights | None = None  # the best by score, where scores were asked for


def runs_eagerly(sizes: tuple[int, ...], shape: Shape, epochs: int) -> bool:
    """Say whether a fit is so short that compiling is not worth it; by its shape alone, so that equal fits are equal.

    Measured on one core: a step takes 0.25 ms a layer for calling NumPy, 15 ns a weight for the optimizer, and for each
    row 0.2 ns a weight and 10 ns a hidden unit.
    """
    weights = sum(a * b for a, b in pairwise(sizes))
    row = 2e-10 * weights + 1e-8 * sum(sizes[1:-1])
    step = 2.5e-4 * len(sizes) + 1.5e-8 * weights + shape.batch * row
    return epochs * shape.steps * step < EAGER_SECONDS


def train(
    workshop: Workshop,
    rows: Rows,
    shape: Shape,
    plateau: Plateau,
    *,
    epochs: int,
    seed: int,
    first_epoch: int = 0,
    shuffle: bool = True,
    eager: bool = False,
    judge: Callable[[Weights], float] | None = None,
    tell: Callable[[int, float], None] | None = None,
) -> Trained:
    """Train for up to ``epochs`` epochs or until ``plateau`` says stop.

    Parameters
    ----------
    first_epoch : int
        The number of the first epoch, which with ``seed`` decides the order of the rows.
    judge : callable, optional
        Gives weights a score after each epoch: it, not the loss, then decides when to stop and which weights are best.
    tell : callable, optional
        Called with each epoch's number, from 1, and its loss.

    Raises
    ------
    NonFiniteError
        When the loss is no longer a finite number.
    """
    step = _epochs_of(workshop, rows, shape, eager)
    by_loss = Plateau(0.0, np.inf) if judge else plateau
    most = 1 if judge or epochs == 1 else int(np.clip(CHUNK_ROWS // (shape.steps * shape.width), 1, CHUNK_EPOCHS))
    done = Trained([], [] if judge else None)
    best = -np.inf
    with workshop.inside():
        while len(done.losses) < epochs and not plateau.over():
            count = min(most, epochs - len(done.losses))
            start = first_epoch + len(done.losses)
            order = [shape.order(seed, start + min(k, count - 1), shuffle) for k in range(count if eager else most)]
            losses = step(np.stack(order), count, by_loss)
            for loss in losses:
                done.losses.append(float(loss))
                if not np.isfinite(loss):
                    raise NonFiniteError(
                        f"fit: the loss of epoch {len(done.losses)} is {loss}. Lower learning_rate_init, or bring the "
                        "columns to comparable sizes (standardize=True does)."
                    )
                if tell is not None:
                    tell(len(done.losses), float(loss))
            if judge is not None and done.scores is not None:
                weights = workshop.weights()
                score = judge(weights)
                plateau.take(-score)
                done.scores.append(score)
                if score > best or done.weights is None:
                    best, done.weights = score, weights
    return done


def _epochs_of(
    workshop: Workshop, rows: Rows, shape: Shape, eager: bool
) -> Callable[[np.ndarray, int, Plateau], list[float] | np.ndarray]:
    """Return what runs the epochs of an order, up to so many, and gives their losses."""
    filled = shape.steps * shape.width - len(rows)
    y, weight = _filled(rows.y, filled), _filled(rows.weight, filled)
    if rows.large():
        return _by_blocks(workshop, rows, shape, y, weight)
    x = _filled(rows.columns(), filled)
    if eager:
        return _eagerly(workshop, x, y, weight)
    x, y, weight = (t._array for t in place(x, y, weight))

    def compiled(order: np.ndarray, count: int, plateau: Plateau) -> np.ndarray:
        return run_epochs(workshop.compiled, x, y, weight, order=order, count=count, plateau=plateau)

    return compiled


def _eagerly(
    workshop: Workshop, x: np.ndarray, y: np.ndarray, weight: np.ndarray
) -> Callable[[np.ndarray, int, Plateau], list[float]]:
    def epochs(order: np.ndarray, count: int, plateau: Plateau) -> list[float]:
        losses: list[float] = []
        for batches in order[:count]:
            pairs = []
            for batch in batches:
                pair = workshop.step(Tensor(x[batch]), Tensor(y[batch]), Tensor(weight[batch]))
                pairs.append([t.item() for t in pair])
            losses.append(_mean(np.array(pairs, np.float64)))
            plateau.take(losses[-1])
            if plateau.over() or not np.isfinite(losses[-1]):
                break
        return losses

    return epochs


def _by_blocks(
    workshop: Workshop, rows: Rows, shape: Shape, y: np.ndarray, weight: np.ndarray
) -> Callable[[np.ndarray, int, Plateau], list[float]]:
    """Make some batches dense at a time: for data that would not fit into memory all at once."""
    each = shape.width * rows.X.shape[1] * np.dtype(rows.dtype).itemsize
    together = max(1, MOST_BYTES // 16 // each)

    def epochs(order: np.ndarray, count: int, plateau: Plateau) -> list[float]:
        losses: list[float] = []
        for batches in order[:count]:
            pairs = []
            for start in range(0, len(batches), together):
                some = batches[start : start + together]
                x = rows.columns(np.minimum(some, len(rows) - 1).ravel()).reshape(*some.shape, -1)
                pair = workshop.compiled.scan(x, y[some], weight[some])
                pairs.append(np.stack([t.numpy() for t in pair], 1))
            losses.append(_mean(np.concatenate(pairs)))
            plateau.take(losses[-1])
            if plateau.over() or not np.isfinite(losses[-1]):
                break
        return losses

    return epochs


def _mean(pairs: np.ndarray) -> float:
    """Return the mean of the losses by their weights."""
    pairs = pairs.astype(np.float64)
    return float((pairs[:, 0] * pairs[:, 1]).sum() / pairs[:, 1].sum())


def _filled(array: np.ndarray, more: int) -> np.ndarray:
    return np.concatenate([array, np.zeros((more, *array.shape[1:]), array.dtype)])
