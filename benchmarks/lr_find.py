"""Is the suggested learning rate as good as the best of many? ``python benchmarks/lr_find.py [SET …] [--seeds N]``.

For each set and seed: split, prepare and build the network as ``gradwright train`` does, find a rate with ``lr_find``,
and train with it and with each of 13 rates from 1e-5 to 10, half a decade apart, always from the same weights with the
same batches, by Adam with early stopping. The figure is the accuracy (or 100 R²) on the rows that were not trained on,
validation and test together, the mean over the seeds. The suggestion is to be within 1 point of the best of the 13,
which has the advantage of having been chosen on these very rows; so it is also said how far it is behind, on the test
rows, the rate that each seed's validation rows choose.

A set is the name of a built-in one, a file, or a folder of IDX files such as Fashion-MNIST's.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from asked import said, table

import gradwright as gw
from gradwright.errors import NonFiniteError
from gradwright.train import Reporter, Trainer, parse_config
from gradwright.train.choices import make_optimizer
from gradwright.train.config import Config
from gradwright.train.job import make_criterion
from gradwright.train.network import build_network
from gradwright.train.plans import search_rate
from gradwright.train.prepared import Prepared, StageClock, prepare, prepared_part

SETS = ("digits", "iris", "wine", "breast-cancer", "diabetes")
RATES = tuple(float(10.0 ** (k / 2)) for k in range(-10, 3))
POINTS = 1.0
LONG_EPOCHS = 10  # of sets that are not built in, which are also tried with one seed only

Arrays = tuple[np.ndarray, np.ndarray]


def prepared(source: str, seed: int, epochs: int) -> tuple[Config, Prepared, Arrays]:
    """Read, split and prepare, as ``gradwright train`` does with its defaults; the last is the test part."""
    config = parse_config({"source": source, "seed": seed, "epochs": epochs})
    data = prepare(config, Reporter(), StageClock())
    x, _, y = prepared_part(data.task, data.preparation, data.dataset.take(data.parts.test), config, [])
    return config.resolved(len(data.x), data.preparation.width), data, (x, y)


class Run:
    """A network that can be trained from the same start again and again, by the same programs."""

    def __init__(self, config: Config, data: Prepared, test: Arrays) -> None:
        self.config, self.data = config, data
        self.parts = ((data.x, data.y), (data.vx, data.vy), test)
        gw.manual_seed(config.seed)
        self.model = build_network(config, data.shape, data.outputs)
        self.criterion = make_criterion(data.task)
        self.optimizer = make_optimizer(config.optimizer, self.model.parameters())
        self.trainer = Trainer(self.model, self.criterion, self.optimizer, seed=config.seed)
        self.weights = {k: gw.tensor(v.numpy()) for k, v in self.model.state_dict().items()}
        self.state = self.optimizer.state_dict()
        self.random = gw.get_rng_state()

    def find(self) -> tuple[float, float]:
        """Return the suggestion, and the seconds that it took."""
        started = time.perf_counter()
        found = search_rate(self.config, self.model, self.criterion, *self.parts[:2])
        return found.suggestion, time.perf_counter() - started

    def figures(self, rate: float) -> list[float]:
        """Train with a rate; return the figures, in points, of validation and test together, and of each."""
        self.model.load_state_dict(self.weights)
        self.optimizer.load_state_dict(self.state)
        gw.set_rng_state(self.random)
        self.optimizer.param_groups[0]["lr"] = rate
        config = self.config
        try:
            self.trainer.fit(
                *self.parts[:2], epochs=config.epochs, batch_size=config.batch_size or 32,
                patience=config.patience,
            )  # fmt: skip
        except NonFiniteError:
            return [-np.inf] * 3
        both = (np.concatenate(pair) for pair in zip(*self.parts[1:], strict=True))
        return [self._figure(*part) for part in (both, *self.parts[1:])]

    def _figure(self, x: np.ndarray, y: np.ndarray) -> float:
        output = self.trainer.predict(x)
        if self.data.classes is not None:
            return float(100 * np.mean(output.argmax(1) == y))
        return float(100 * (1 - np.sum((output - y) ** 2) / np.sum((y - y.mean()) ** 2)))


def measured(source: str, seeds: int, epochs: int) -> tuple[list[Any], np.ndarray]:
    """Return a set's line of the table, and the mean figure of each of the 13 rates."""
    suggestions, seconds, own, others = [], [], [], []
    for seed in range(seeds):
        run = Run(*prepared(source, seed, epochs))
        rate, took = run.find()
        suggestions.append(rate)
        seconds.append(took)
        own.append(run.figures(rate))
        others.append([run.figures(r) for r in RATES])
    found = np.array(others)  # (seeds, rates, 3)
    means, (figure, _, on_test) = found[:, :, 0].mean(axis=0), np.mean(own, axis=0)
    best, chosen = int(np.argmax(means)), np.argmax(found[:, :, 1], axis=1)
    behind_choice = float(found[np.arange(seeds), chosen, 2].mean() - on_test)
    behind = float(means[best]) - figure
    shown = f"{min(suggestions):.1e} … {max(suggestions):.1e}" if seeds > 1 else f"{suggestions[0]:.1e}"
    line = [
        Path(source).name, shown, f"{np.median(seconds):.1f}", f"{figure:.2f}", f"{means[best]:.2f}",
        f"{RATES[best]:.1e}", f"{behind_choice:+.2f}", f"{behind:+.2f}", said(behind <= POINTS),
    ]  # fmt: skip
    return line, means


def section(sources: tuple[str, ...] = SETS, seeds: int = 5, epochs: int = 100) -> list[str]:
    """Measure and return the lines of the report."""
    lines, figures = [], []
    for source in sources:
        small = source in SETS
        line, means = measured(source, seeds if small else 1, epochs if small else min(epochs, LONG_EPOCHS))
        print(*line, flush=True)
        lines.append(line)
        figures.append([Path(source).name, *(f"{m:.1f}" for m in means), ""])
    heads = (
        "set",
        "suggested",
        "s",
        "figure",
        "best of 13",
        "at",
        "behind validation's choice",
        "behind",
        f"within {POINTS:g} point",
    )
    return [
        "## Learning-rate range test",
        "",
        f"Figures in points: accuracy, or 100 R², on validation and test rows together, means of {seeds} seeds; "
        f"sets that are not built in: one seed, at most {LONG_EPOCHS} epochs.",
        "",
        *table(heads, lines, left=2),
        "",
        *table(("set", *(f"{r:.0e}" for r in RATES), ""), figures),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=SETS, metavar="SET", help=f"default: {' '.join(SETS)}")
    parser.add_argument("--seeds", type=int, default=5, help="splits and starts for each set")
    parser.add_argument("--epochs", type=int, default=100, help="at most so many; training stops early")
    options = parser.parse_args()
    print("\n" + "\n".join(section(tuple(options.sets), options.seeds, options.epochs)))


if __name__ == "__main__":
    main()
