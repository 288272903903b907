"""Members as settings: what `gradwright train` would train one after the other, trained together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwright import nn
from gradwright.data import LabeledRows, Note, Preparation, Split, TargetScale, Task, fit_preparation
from gradwright.engine.random import Generator, use_generator
from gradwright.errors import ConfigError, GradwrightError, StateError
from gradwright.train.assembly import check_monitor, make_stopping, make_trainer
from gradwright.train.config import CONTEXT, TOKENS, Config
from gradwright.train.criteria import make_criterion
from gradwright.train.forward import forward_rows
from gradwright.train.network import build_network
from gradwright.train.prepared import PreparedRows, prepared_part
from gradwright.tune.groups import Group, Groups
from gradwright.tune.layout import Layout
from gradwright.tune.masking import InputMask, input_mask
from gradwright.tune.runner import Runner, Until

__all__ = ["Member", "MemberResult", "Members", "train_members"]

_NONE = np.empty(0, np.int64)

OnMemberEpoch = Callable[[int, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Member:
    """One network to train.

    Attributes
    ----------
    number : int
        Unique in its study, from 0.
    config : Config
        All its settings, its seed included.
    train, validation : int64 arrays
        Row numbers of the data set. What prepares the rows is fitted on the first alone.
    without : tuple of str
        Columns that are no features.
    masked : tuple of str, optional
        Columns that the network sees as 0, their mean once standardised. Members that have any, or (), share a program
        where they differ in nothing else; see :func:`~gradwright.tune.masking.masking_is_exact`.
    """

    number: int
    config: Config
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    without: tuple[str, ...] = ()
    masked: tuple[str, ...] | None = None


@dataclass(frozen=True)
class MemberResult:
    """What came of a member.

    Attributes
    ----------
    number : int
    rows : list of dict
        A row an epoch, as `Trainer`'s history has them, figures in the target's own unit.
    best_epoch : int
        0 when no epoch was good.
    stopped : str
        Why it ended.
    problem : str, optional
        What went wrong.
    validation : dict
        ``loss`` and ``accuracy`` or ``rmse`` at the best epoch; empty when there was none.
    outputs : array, optional
        (validation rows, outputs) at the best weights.
    weights : dict of arrays, optional
        The best weights.
    preparation : Preparation, optional
        What its rows were prepared with.
    """

    number: int
    rows: list[dict[str, Any]]
    best_epoch: int
    stopped: str
    problem: str | None
    validation: dict[str, float]
    outputs: NDArray[Any] | None = None
    weights: dict[str, NDArray[Any]] | None = field(default=None, repr=False)
    preparation: Preparation | None = field(default=None, repr=False)


class Members:
    """Members under way: built from their settings, trained together, up to an epoch at a time.

    Parameters
    ----------
    dataset, task
        The rows, and what is to be predicted.
    members : sequence of Member
        Each is what `gradwright train` would train with its settings on these rows.
    layouts, fixed : optional
        As :class:`Groups` takes them.
    refused : dict of int to str, optional
        Takes down the members that cannot be built and why, so that the others train; unless given, the first such
        member is an error.

    Raises
    ------
    ConfigError
        A setting that a member cannot have.
    """

    def __init__(
        self,
        dataset: LabeledRows,
        task: Task,
        members: Sequence[Member],
        *,
        layouts: Mapping[tuple[int, ...], Layout] | None = None,
        fixed: bool = False,
        refused: dict[int, str] | None = None,
    ) -> None:
        self.dataset, self.task = dataset, task
        self._settled = False
        parts = self._parts = _Parts(dataset, task)
        self.members, self.runners = [], []
        for member in members:
            try:
                self.runners.append(parts.runner(member))
                self.members.append(member)
            except GradwrightError as error:
                if refused is None:
                    raise
                refused[member.number] = str(error)
        self._scales = {member.number: parts.scale(member) for member in self.members}
        self._preparations = [parts.of(member).preparation for member in self.members]
        self.notes = parts.notes
        # categories that occur in the training rows of some members only make rows of another length
        self._shapes = [parts.of(member).x.shape[1:] for member in self.members]
        self._data = {shape: parts.arrays(shape) for shape in dict.fromkeys(self._shapes)}
        self._groups = [
            Groups(
                [r for r, s in zip(self.runners, self._shapes, strict=True) if s == shape], *data,
                layouts=layouts, fixed=fixed,
            )
            for shape, data in self._data.items()
        ]  # fmt: skip

    def run(
        self,
        until: Until = None,
        on_epoch: OnMemberEpoch | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Train all that may go on, up to an epoch or each to its own; None: to their end."""

        def told(runner: Runner) -> None:
            if on_epoch is not None and runner.history:
                on_epoch(runner.number, self._own_unit(runner)[-1])

        self._settled = False
        for groups in self._groups:
            groups.run(until, told, say)

    def results(self, keep: Collection[str] = ("outputs",)) -> list[MemberResult]:
        """Return what came of each, in the order of the members; ``keep`` may name outputs and weights."""
        self._settle()
        return [self._result(i, keep) for i in range(len(self.members))]

    def predict(self, number: int, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any], float]:
        """Return what a member's best weights say of any rows, prepared as its training rows were.

        Parameters
        ----------
        number : int
            Which member.
        rows : int64 array
            Row numbers of the data set, such as those that were held out.

        Returns
        -------
        outputs : (rows, …)
            Logits, or standardised numbers.
        target : array
            The true values, quantities in their own units.
        loss : float
            The criterion of these outputs.

        Raises
        ------
        StateError
            The member had no good epoch.
        """
        self._settle()
        i = next(i for i, member in enumerate(self.members) if member.number == number)
        runner, member = self.runners[i], self.members[i]
        if runner.best_epoch == 0:
            raise StateError(f"member {number} cannot predict: {runner.problem or 'it was not trained'}")
        x, target, y = prepared_part(
            self.task, self._preparations[i], self.dataset.take(rows), member.config, self.notes
        )
        with use_generator(runner.generator):
            outputs = forward_rows(runner.trainer._judged, x)
            loss = runner.trainer.loss(outputs, y)
        return outputs, target, loss

    def _settle(self) -> None:
        """Put the best weights into the models, once after each run."""
        if not self._settled:
            for groups in self._groups:
                groups.settle()
            self._settled = True

    def adopt(self, number: int, source: int, member: Member) -> None:
        """Let a member that has run go on in another's place: from the weights and the history of a third one.

        Parameters
        ----------
        number : int
            Whose place it takes; that one is no more.
        source : int
            Whose weights, optimizer's state, random stream and history it begins with.
        member : Member
            What it is now: a number of its own, and settings that differ from the source's in numbers only.

        Raises
        ------
        StateError
            When its network or its steps are others than the source's.
        """
        at = next(i for i, m in enumerate(self.members) if m.number == number)
        old, giver = (next(r for r in self.runners if r.number == n) for n in (number, source))
        new = self._parts.runner(member)
        for mine, theirs in zip(new.states[0].owners, old.states[0].owners, strict=False):
            if mine.ensure_slots(theirs.slot_names()):
                new.look_again()
        for runner in (old, giver):
            runner.trainer.model.train()  # results may have been looked at meanwhile
        cohort = next((c for groups in self._groups if (c := groups.cohort_of(old)) is not None), None)
        if cohort is None or new.key() != giver.key() or new.key() != old.key():
            raise StateError(f"member {member.number}: it cannot go on from member {source}, which is another network")
        steps = new.full + (new.rest > 0)
        for _ in giver.history if new.schedules else ():
            cohort.together.numbers(new.states, new.schedules, steps)  # its schedule stands where the source's does
        # in the same object, which is what cohort and groups hold
        for name in ("number", "trainer", "generator", "step", "judge", "rule"):
            setattr(old, name, getattr(new, name))
        old.look_again()
        old.changing, old.steady = ([np.array(a) for a in arrays] for arrays in (giver.changing, giver.steady))
        old.best = None if giver.best is None else [np.array(a) for a in giver.best]
        old.history, old.best_epoch = [dict(row) for row in giver.history], giver.best_epoch
        old.stopped, old.problem = "", None
        self.members[at] = member
        self._settled = False
        self._scales[member.number] = self._parts.scale(member)

    def _own_unit(self, runner: Runner) -> list[dict[str, Any]]:
        scale = self._scales[runner.number]
        if scale == 1.0:
            return runner.history
        names = ("train_rmse", "validation_rmse")
        return [{k: v * scale if k in names else v for k, v in row.items()} for row in runner.history]

    def _result(self, i: int, keep: Collection[str]) -> MemberResult:
        runner, rows = self.runners[i], self._own_unit(self.runners[i])
        found: dict[str, float] = {}
        outputs = weights = None
        good = runner.best_epoch > 0
        if good:
            best = rows[runner.best_epoch - 1]
            found = {
                key.removeprefix("validation_"): float(value)
                for key, value in best.items()
                if key.startswith("validation_") and value is not None
            }
        if good and "outputs" in keep:
            with use_generator(runner.generator):
                outputs = forward_rows(runner.trainer._judged, self._data[self._shapes[i]][1][0][runner.held])
        if good and "weights" in keep:
            weights = {k: np.array(t.detach().numpy()) for k, t in runner.trainer.weights().items()}
        return MemberResult(
            runner.number, rows, runner.best_epoch, runner.stopped, runner.problem, found, outputs, weights,
            self._preparations[i],
        )  # fmt: skip

    @property
    def groups(self) -> list[Group]:
        """How the members are grouped and laid out, as far as they have run."""
        return [group for groups in self._groups for group in groups.groups]

    def record(self) -> list[dict[str, Any]]:
        """Return the groups as a study's record holds them."""
        return [group.to_dict() for group in self.groups]


def train_members(
    dataset: LabeledRows,
    task: Task,
    members: Sequence[Member],
    *,
    on_epoch: OnMemberEpoch | None = None,
    keep: Collection[str] = ("outputs",),
    layouts: Mapping[tuple[int, ...], Layout] | None = None,
    say: Callable[[str], None] | None = None,
) -> tuple[list[MemberResult], list[Group]]:
    """Train members to their end, those that can share a program together.

    Parameters
    ----------
    dataset, task, members, layouts
        As :class:`Members` takes them.
    on_epoch : callable, optional
        ``on_epoch(number, row)`` after each epoch of each member, by one thread at a time.
    keep : collection of {"outputs", "weights"}
        What the results hold besides figures.

    Returns
    -------
    list of MemberResult, list of Group
        In the order of the members; and how they were grouped and laid out.

    Examples
    --------
    >>> from gradwright.data import infer_task, read
    >>> from gradwright.train import parse_config
    >>> import numpy as np
    >>> iris = read("iris")
    >>> rows = np.random.default_rng(0).permutation(iris.rows)
    >>> config = parse_config({"source": "iris", "hidden": [8], "epochs": 3})
    >>> configs = [config.model_copy(update={"lr": lr}) for lr in (0.001, 0.01)]
    >>> members = [Member(i, each, rows[:100], rows[100:]) for i, each in enumerate(configs)]
    >>> results, groups = train_members(iris, infer_task(iris), members)
    >>> [len(r.rows) for r in results], len(groups)
    ([3, 3], 1)
    """
    together = Members(dataset, task, members, layouts=layouts)
    together.run(None, on_epoch, say)
    return together.results(keep), together.groups


class _Parts:
    """Prepared rows, once for each pair of row sets and each way of preparing; all laid end to end."""

    def __init__(self, dataset: LabeledRows, task: Task) -> None:
        self.dataset, self.task = dataset, task
        self.notes: list[Note] = []
        self._known: dict[Any, tuple[PreparedRows, int, int]] = {}
        self._ends: dict[tuple[int, ...], tuple[int, int]] = {}

    def _key(self, member: Member) -> tuple[Any, ...]:
        config = member.config
        return (
            member.train.tobytes(), member.validation.tobytes(),
            config.dtype, config.context, config.tokens, config.group, config.time, member.without,
        )  # fmt: skip

    def _entry(self, member: Member) -> tuple[PreparedRows, int, int]:
        key = self._key(member)
        if key not in self._known:
            data = self._prepare(member)
            shape = data.x.shape[1:]
            start, held = self._ends.get(shape, (0, 0))
            self._known[key] = (data, start, held)
            self._ends[shape] = (start + len(data.x), held + len(data.vx))
        return self._known[key]

    def of(self, member: Member) -> PreparedRows:
        return self._entry(member)[0]

    def _prepare(self, member: Member) -> PreparedRows:
        config, task = member.config, self.task
        notes: list[Note] = []
        rows, held = self.dataset.take(member.train), self.dataset.take(member.validation)
        by = "groups" if config.group is not None else "time" if config.time is not None else None
        parts = Split(member.train, member.validation, _NONE, by=by, column=config.group or config.time)
        drop = {**dict.fromkeys(member.without, "it is left out"), **parts.not_features}
        preparation = fit_preparation(
            task, rows, context=config.context or CONTEXT, tokens=config.tokens or TOKENS, drop=drop
        )
        x, target, y = prepared_part(task, preparation, rows, config, notes)
        vx, validation_target, vy = prepared_part(task, preparation, held, config, notes)
        self.notes += [n for n in notes if n not in self.notes]
        return PreparedRows(self.dataset, task, preparation, notes, x, y, vx, vy, target, validation_target, parts)

    def scale(self, member: Member) -> float:
        """Return what turns a standardised error into the target's own unit."""
        target = self.of(member).preparation.target_scale
        return float(target.std) if isinstance(target, TargetScale) else 1.0

    def runner(self, member: Member) -> Runner:
        data, start, held = self._entry(member)
        config = data.decided(member.config)
        if config.lr == "auto":
            raise ConfigError("lr = 'auto': many networks cannot each have a range test; give a rate, or search it")
        if config.stream:
            raise ConfigError("stream: many networks are trained on rows in memory; leave it away")
        if config.compare is not None:
            raise ConfigError(f"compare = {config.compare}: one network at a time is compared with another library")
        stopping = make_stopping(config)
        check_monitor(config, self.task.kind)
        config = config.resolved(data.rows, data.preparation.width, self.task.kind)
        generator = Generator(config.seed)
        with use_generator(generator):
            model = build_network(config, data.shape, data.outputs, data.x, data.vocabulary)
            if member.masked is not None:
                model = nn.Sequential(InputMask(input_mask(data.preparation, member.masked)), *model)
            criterion = make_criterion(self.task, config, data.weights(config.class_weights))
            trainer = make_trainer(config, model, criterion, data)
        return Runner(
            member.number, trainer, generator,
            np.arange(start, start + len(data.x)), np.arange(held, held + len(data.vx)),
            config.epochs, config.batch_size or 32, stopping, config.validate_every,
        )  # fmt: skip

    def arrays(self, shape: tuple[int, ...]) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Return all rows of a shape to train on, and all to validate with."""
        every = [data for data, _, _ in self._known.values() if data.x.shape[1:] == shape]
        return (
            (_joined([d.x for d in every]), _joined([d.y for d in every])),
            (_joined([d.vx for d in every]), _joined([d.vy for d in every])),
        )


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
