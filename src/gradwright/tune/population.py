"""``Population``: many networks of your own making, trained together."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradwright.engine.random import Generator, use_generator
from gradwright.errors import ConfigError
from gradwright.train.checks import check_counts, checked_part, rehearse
from gradwright.train.stopping import EarlyStopping
from gradwright.train.trainer import Trainer
from gradwright.tune.groups import Group, Groups
from gradwright.tune.layout import Layout
from gradwright.tune.runner import Runner

__all__ = ["Population"]

Arrays = tuple[np.ndarray, np.ndarray]


class Population:
    """Train many networks together: learning rates, dropout rates, seeds, folds, whatever you build.

    Each member is what ``build`` returns for its parameters, with a random stream of its own, and trains as it would
    alone: the same batches, the same masks, the same losses up to rounding. Members that differ in numbers only share
    one program; those of other widths, layers or update rules get a program of their own.

    Parameters
    ----------
    build : callable
        From parameters, by name, to a :class:`~gradwright.train.Trainer` of a new model. Its trainer's ``seed`` decides
        the order of the batches.
    space : Space, or sequence of dict
        What the parameters are drawn from, or the parameters of each member.
    members : int >= 1, optional
        How many to draw from a space.
    seed : int
        Of the draw, and of the members' random streams unless ``seeds`` gives them.
    seeds : sequence of int, optional
        Each member's seed: of its initial weights and all that is random in its steps. Unless given all have ``seed``,
        so that what differs between them is not luck.

    Attributes
    ----------
    parameters : list of dict
        Each member's.
    trainers : list of Trainer
        Each member's; after :meth:`fit` its model has the best weights.
    groups : list of Group
        Which members shared a program, in which layout, and why that one.

    Raises
    ------
    ConfigError
        When ``build`` returns something else, or cannot take the parameters.

    Examples
    --------
    >>> import gradwright as gw
    >>> from gradwright import nn, optim, train, tune
    >>> def build(lr, dropout):
    ...     model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 2))
    ...     return train.Trainer(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=lr))
    >>> _ = gw.manual_seed(0)
    >>> x = gw.randn(120, 3).numpy(); y = (x.sum(1) > 0).astype("int64")
    >>> settings = [{"lr": lr, "dropout": p} for lr in (1e-3, 1e-2) for p in (0.0, 0.2)]
    >>> population = tune.Population(build, settings)
    >>> histories = population.fit((x[:90], y[:90]), (x[90:], y[90:]), epochs=5, batch_size=30)
    >>> len(histories), len(population.groups), population.parameters[population.best()]["lr"]
    (4, 1, 0.01)
    """

    def __init__(
        self,
        build: Callable[..., Trainer],
        space: Any,
        members: int | None = None,
        *,
        seed: int = 0,
        seeds: Sequence[int] | None = None,
    ) -> None:
        self.parameters = _drawn(space, members, seed)
        streams = [seed] * len(self.parameters) if seeds is None else list(seeds)
        if len(streams) != len(self.parameters):
            raise ConfigError(f"Population: {len(streams)} seeds for {len(self.parameters)} members; give one for each")
        self._generators = [Generator(s) for s in streams]
        self.trainers = [
            _built(build, i, parameters, generator)
            for i, (parameters, generator) in enumerate(zip(self.parameters, self._generators, strict=True))
        ]
        self._runners: list[Runner] = []
        self.groups: list[Group] = []

    def __len__(self) -> int:
        """How many members there are."""
        return len(self.trainers)

    def fit(
        self,
        train: Arrays,
        validation: Arrays,
        *,
        epochs: int = 100,
        batch_size: int = 32,
        patience: int | None = None,
        early_stopping: EarlyStopping | None = None,
        validate_every: int = 1,
        folds: Sequence[tuple[np.ndarray, np.ndarray]] | None = None,
        layout: Layout | None = None,
        on_epoch: Callable[[int, Mapping[str, Any]], None] | None = None,
        say: Callable[[str], None] | None = None,
    ) -> list[list[dict[str, Any]]]:
        """Train all members, each with early stopping of its own, and put their best weights into their models.

        Parameters
        ----------
        train, validation : (x, y)
            As :meth:`Trainer.fit` takes them, for all members.
        epochs, batch_size, patience, early_stopping, validate_every
            As :meth:`Trainer.fit` takes them.
        folds : sequence of (rows, rows), optional
            For each member its rows of ``train`` to train on, and those of ``validation`` to validate with.
        layout : Layout, optional
            How members are laid out; unless given, the fastest in a short probe.
        on_epoch : callable, optional
            ``on_epoch(member, row)`` after each epoch of each member, by one thread at a time.
        say : callable, optional
            Told in words what takes a while.

        Returns
        -------
        list of lists of dict
            Each member's history, a row an epoch. A member whose loss stopped being a number has the rows before that.

        Raises
        ------
        ShapeError, IndexOutOfRangeError, NonFiniteError, ConfigError
            When data and members do not fit together; before anything is trained.
        """
        check_counts(epochs=epochs, batch_size=batch_size, patience=patience, validate_every=validate_every)
        if early_stopping is not None and patience is not None:
            raise ConfigError("fit: give patience or early_stopping, not both; EarlyStopping has a patience of its own")
        data, held = checked_part("train", *train), checked_part("validation", *validation)
        if folds is not None and len(folds) != len(self):
            raise ConfigError(f"fit: {len(folds)} folds for {len(self)} members; give one for each")
        every = (np.arange(len(data[0])), np.arange(len(held[0])))
        parts = [every] * len(self) if folds is None else [_rows(fold, every) for fold in folds]
        rule = early_stopping or EarlyStopping(patience=patience)
        self._runners = [
            Runner(i, trainer, generator, rows, held_rows, epochs, batch_size, replace(rule), validate_every)
            for i, (trainer, generator, (rows, held_rows)) in enumerate(
                zip(self.trainers, self._generators, parts, strict=True)
            )
        ]  # fmt: skip
        groups = Groups(self._runners, data, held, layout=layout)
        for runner in groups.firsts:
            for name, part in (("train", data), ("validation", held)):
                rehearse(f"member {runner.number}, {name}", runner.trainer.model, runner.trainer.criterion, *part)

        def told(runner: Runner) -> None:
            if on_epoch is not None and runner.history:
                on_epoch(runner.number, runner.history[-1])

        groups.run(None, told, say)
        groups.settle()
        for runner in self._runners:  # the models have what they are to have
            runner.changing, runner.steady, runner.best = [], [], None
        self.groups = groups.groups
        return self.histories

    @property
    def histories(self) -> list[list[dict[str, Any]]]:
        """Each member's history, a row an epoch."""
        return [runner.history for runner in self._runners]

    @property
    def problems(self) -> dict[int, str]:
        """What went wrong, by member."""
        return {runner.number: runner.problem for runner in self._runners if runner.problem is not None}

    @property
    def best_epochs(self) -> list[int]:
        """Each member's best epoch; 0 where none was good."""
        return [runner.best_epoch for runner in self._runners]

    def best(self, monitor: str = "validation_loss") -> int:
        """Return the member that is best by a figure of its best epoch; loss and errors are better when they are low.

        Raises
        ------
        ConfigError
            When no member has a good epoch, or none has this figure.
        """
        from gradwright.train.metrics.table import direction_of

        low = direction_of(monitor) == "min"
        found = {
            r.number: r.history[r.best_epoch - 1][monitor]
            for r in self._runners if r.best_epoch and r.history[r.best_epoch - 1].get(monitor) is not None
        }  # fmt: skip
        if not found:
            raise ConfigError(f"best: no member has a figure {monitor!r}; after fit() there are those of its rows")
        return (min if low else max)(found, key=lambda number: found[number])


def _drawn(space: Any, members: int | None, seed: int) -> list[dict[str, Any]]:
    if isinstance(space, Sequence) and not isinstance(space, str):
        if members is not None and members != len(space):
            raise ConfigError(f"Population: members={members}, but there are parameters for {len(space)}")
        if not space or not all(isinstance(p, Mapping) for p in space):
            raise ConfigError("Population: expected a Space, or a dict of parameters for each of at least one member")
        return [dict(p) for p in space]
    if not hasattr(space, "sample"):
        raise ConfigError(f"Population: expected a Space or a list of dicts, got {type(space).__name__}")
    if not isinstance(members, int) or isinstance(members, bool) or members < 1:
        raise ConfigError(f"Population: say how many members to draw from the space, as members=64; got {members!r}")
    random = np.random.default_rng(seed)
    return [space.sample(random) for _ in range(members)]


def _built(build: Callable[..., Trainer], i: int, parameters: dict[str, Any], generator: Generator) -> Trainer:
    try:
        inspect.signature(build).bind(**parameters)
    except TypeError as error:
        raise ConfigError(f"Population: build cannot take member {i}'s parameters {parameters}: {error}") from None
    with use_generator(generator):
        made = build(**parameters)
    if not isinstance(made, Trainer):
        raise ConfigError(
            f"Population: build returned {type(made).__name__} for member {i}; expected a train.Trainer of its model"
        )
    if made.callbacks:
        raise ConfigError(
            f"Population: member {i}'s trainer has callbacks, which its own fit alone would call; give on_epoch= to "
            "the population's"
        )
    return made


def _rows(fold: tuple[Any, Any], every: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    found = []
    for name, rows, all_rows in zip(("train", "validation"), fold, every, strict=True):
        rows = np.asarray(rows)
        if rows.ndim != 1 or rows.dtype.kind not in "iu" or not len(rows):
            raise ConfigError(
                f"fit: a fold's {name} rows must be a list of whole numbers, got {rows.dtype} {rows.shape}"
            )
        if rows.min() < 0 or rows.max() >= len(all_rows):
            raise ConfigError(f"fit: a fold names row {rows.max()} of {name}, which has rows 0 to {len(all_rows) - 1}")
        found.append(rows.astype(np.int64))
    return found[0], found[1]
