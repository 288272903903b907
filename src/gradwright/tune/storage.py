"""The trials of a study, where Optuna keeps them: its dashboard opens them, and a killed study goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gradwright.errors import RunError, StateError
from gradwright.train.folder import plain
from gradwright.tune.parameters import choice_text
from gradwright.tune.space import Space
from gradwright.tune.storage_place import StudyPlace

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = ["StoredTrial", "StudyStore"]

#: States in our words and in Optuna's.
_STATES = {"waiting": "WAITING", "running": "RUNNING", "complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
_WORDS = {theirs: ours for ours, theirs in _STATES.items()}

_SPACE = "gradwright:space"  # an attribute of the study
_NUMBER = "number"  # of a trial in our study


@dataclass(frozen=True)
class StoredTrial:
    """One trial as it was stored.

    Attributes
    ----------
    number : int
        Ours; Optuna's is the same unless others have written into the study.
    parameters : dict
        The values by name, lists as lists.
    state : {"waiting", "running", "complete", "pruned", "failed"}
        What became of it; waiting means that it was broken off and is to be run again.
    value : float or None
        Its score.
    curve : dict of int to float
        The score after each epoch that was reported.
    attrs : dict
        Whatever else was noted: seed, fold, epochs, problem.
    """

    number: int
    parameters: dict[str, Any]
    state: str
    value: float | None = None
    curve: dict[int, float] = field(default_factory=dict)
    attrs: dict[str, Any] = field(default_factory=dict)


class StudyStore(StudyPlace):
    """The trials of one study in Optuna's storage, with one process that writes.

    Made by :meth:`create` and :meth:`open`; a context that ends with :meth:`close`.

    Attributes
    ----------
    space : Space
        What varies.
    direction : {"minimize", "maximize"}
        Which scores are better.
    shown : str
        Where it is, without any password.
    notes : list of str
        What had to be mended or put back when it was opened, in words.
    """

    space: Space
    direction: Literal["minimize", "maximize"]

    def __init__(self, where: Path | str, name: str) -> None:
        super().__init__(where, name)
        self._ids: dict[int, int] = {}  # Optuna's of ours

    @classmethod
    def create(
        cls,
        where: Path | str,
        name: str,
        space: Space,
        direction: Literal["minimize", "maximize"],
        attrs: Mapping[str, Any] | None = None,
    ) -> StudyStore:
        """Begin a study.

        Parameters
        ----------
        where : Path or str
            A file in a folder that is there, for Optuna's journal; or a database's address, such as
            ``sqlite:///studies.db`` or ``postgresql://user:password@host/studies``.
        name : str
            The study's, unique in that place.
        space : Space
            What varies.
        direction : {"minimize", "maximize"}
            Which scores are better.
        attrs : mapping, optional
            What else is to be kept of the study, JSON.

        Raises
        ------
        RunError
            When a study of that name is there already, or the place cannot be written to.
        """
        from optuna.study import StudyDirection

        store = cls(where, name)
        try:
            with store._guard("begin"):
                if store._study_id() is not None and (store._attrs().get(_SPACE) is not None or store._frozen()):
                    raise RunError(f"{store.shown}: study {name!r:.80} is there already; resume it, or name another")
                with store.together():
                    if store._study_id() is None:
                        store._storage.create_new_study([StudyDirection[direction.upper()]], name)
                    for key, value in {**(attrs or {}), _SPACE: space.record()}.items():
                        store._storage.set_study_user_attr(store._study(), key, plain(value))
            store._begin_writing(take_over=False)
        except BaseException:
            store.close()
            raise
        store.space, store.direction = space, direction
        return store

    @classmethod
    def open(
        cls,
        where: Path | str,
        name: str,
        space: Space | None = None,
        *,
        write: bool = True,
        take_over: bool = False,
    ) -> StudyStore:
        """Go on with a study, or look at it.

        What was running when the process that ran it ended waits again, under its old number.

        Parameters
        ----------
        where, name
            As given to :meth:`create`.
        space : Space, optional
            What varies; another than the study was begun with is refused.
        write : bool
            Whether trials are to be run; then nobody else may be at it.
        take_over : bool
            Go on although a process on another machine has not said that it ended.

        Raises
        ------
        RunError
            When there is no such study, another process is at it, or what is there is no storage of Optuna's.
        StateError
            When the space is another one, with the differences.
        """
        if "://" not in str(where) and not Path(where).exists():
            raise RunError(f"{where}: no such file; a journal of trials was expected")
        store = cls(where, name)
        try:
            with store._guard("open"):
                if store._study_id() is None:
                    raise RunError(f"{store.shown}: no study {name!r:.80}; {store._there()}")
                record = store._attrs().get(_SPACE)
                if record is None:
                    raise RunError(f"{store.shown}: study {name!r:.80} was not begun by Gradwright")
                store.space = Space.from_record(record, store.shown)
                direction = store._storage.get_study_directions(store._study())[0].name.lower()
                store.direction = "maximize" if direction == "maximize" else "minimize"
                if space is not None and space.record() != record:
                    raise StateError(f"{store.shown}: begun with another space: {_differences(record, space.record())}")
                store._ids = {t.user_attrs[_NUMBER]: t._trial_id for t in store._ours()}
            if write:
                store._begin_writing(take_over=take_over)
                store._put_back()
        except BaseException:
            store.close()
            raise
        return store

    def begin(
        self,
        numbers: Sequence[int],
        parameters: Sequence[Mapping[str, Any]],
        attrs: Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        """Note that trials begin, new ones or ones that waited.

        Parameters
        ----------
        numbers : sequence of int
            Which; from 0.
        parameters : sequence of mapping
            The values of each.
        attrs : sequence of mapping, optional
            What else is known of each, such as its seed.

        Raises
        ------
        StateError
            For a trial that runs or has ended already, or waited with other values.
        """
        with self._guard("write"), self.together():
            self._check_writer()
            states = {t.user_attrs[_NUMBER]: t for t in self._ours()}
            for number, values, more in zip(numbers, parameters, attrs or [{}] * len(numbers), strict=True):
                trial = states.get(number)
                if trial is None:
                    self._ids[number] = self._create(number, values, more)
                elif trial.state.name != "WAITING":
                    raise StateError(
                        f"{self.shown}: trial {number} is {_WORDS[trial.state.name]}; it cannot begin again"
                    )
                else:
                    found = self._values(trial)
                    if found != dict(values):
                        raise StateError(
                            f"{self.shown}: trial {number} began with {_listed(found)} and should go on with "
                            f"{_listed(values)}; the study was changed since"
                        )
                    self._set_state(number, "running")

    def report(self, number: int, epoch: int, value: float) -> None:
        """Note the score of a running trial after an epoch; a number that is none is left out.

        Inside :meth:`together`, those of many trials are one write.
        """
        if math.isfinite(value):
            with self._guard("write"):
                self._storage.set_trial_intermediate_value(self._id(number), int(epoch), float(value))

    def finish(
        self,
        number: int,
        state: Literal["complete", "pruned", "failed"],
        value: float | None = None,
        attrs: Mapping[str, Any] | None = None,
    ) -> None:
        """Note how a trial ended.

        Parameters
        ----------
        number : int
            Which.
        state : {"complete", "pruned", "failed"}
            How: trained, given up for better ones, or without a score.
        value : float, optional
            Its score; a complete one has one.
        attrs : mapping, optional
            What else is known of it, JSON: epochs, problem.

        Raises
        ------
        StateError
            For a trial that does not run, or a complete one without a score.
        """
        if state not in ("complete", "pruned", "failed"):
            raise StateError(f"state = {state!r:.40}: expected complete, pruned or failed")
        if value is not None and not math.isfinite(value):
            value = None
        if state == "complete" and value is None:
            raise StateError(f"trial {number}: complete without a score; say failed, and what the problem was")
        with self._guard("write"), self.together():
            self._check_writer()
            for key, what in (attrs or {}).items():
                if key != _NUMBER:
                    self._storage.set_trial_user_attr(self._id(number), key, plain(what))
            self._set_state(number, state, None if state == "failed" else value)

    def trials(self) -> list[StoredTrial]:
        """Return all trials in order of their numbers."""
        with self._guard("read"):
            found = {}
            for trial in self._ours():
                number, state = trial.user_attrs[_NUMBER], _WORDS[trial.state.name]
                attrs = {k: v for k, v in trial.user_attrs.items() if k != _NUMBER}
                # a trial that was broken off and run again may have gone further the first time
                last = attrs.get("epochs") if state in ("complete", "pruned", "failed") else None
                curve = {
                    epoch: value
                    for epoch, value in sorted(trial.intermediate_values.items())
                    if type(last) is not int or epoch <= last
                }
                value = trial.value if trial.values else None
                found[number] = StoredTrial(number, self._values(trial), state, value, curve, attrs)
            return [found[number] for number in sorted(found)]

    def _frozen(self) -> list[FrozenTrial]:
        return list(self._storage.get_all_trials(self._study(), deepcopy=False))

    def _ours(self) -> list[FrozenTrial]:
        """Return the trials that this study numbered, in the order they were begun; others may have added theirs."""
        return [t for t in self._frozen() if type(t.user_attrs.get(_NUMBER)) is int]

    def _id(self, number: int) -> int:
        if number not in self._ids:
            raise StateError(f"{self.shown}: trial {number} has not begun")
        return self._ids[number]

    def _create(self, number: int, values: Mapping[str, Any], more: Mapping[str, Any]) -> int:
        from optuna.trial import TrialState, create_trial

        trial = create_trial(
            state=TrialState.RUNNING,
            params={name: self.space[name].stored(value) for name, value in values.items()},
            distributions={name: self.space[name].distribution() for name in values},
            user_attrs={**plain(dict(more)), _NUMBER: int(number)},
        )
        return int(self._storage.create_new_trial(self._study(), template_trial=trial))

    def _values(self, trial: FrozenTrial) -> dict[str, Any]:
        return {name: self.space[name].loaded(trial.params[name]) for name in self.space if name in trial.params}

    def _set_state(self, number: int, state: str, value: float | None = None) -> None:
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        try:
            done = self._storage.set_trial_state_values(
                self._id(number), TrialState[_STATES[state]], None if value is None else [float(value)]
            )
        except UpdateFinishedTrialError:
            raise StateError(f"{self.shown}: trial {number} has ended already") from None
        if not done:
            raise StateError(f"{self.shown}: trial {number} is run by another process")

    def _put_back(self) -> None:
        with self._guard("write"), self.together():
            broken_off = [t.user_attrs[_NUMBER] for t in self._ours() if t.state.name == "RUNNING"]
            for number in broken_off:
                self._set_state(number, "waiting")
        if broken_off:
            shown = ", ".join(map(str, sorted(broken_off)[:12])) + (", …" if len(broken_off) > 12 else "")
            self.notes.append(f"broken off while they ran, and run again: trials {shown}")


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {choice_text(value)}" for name, value in values.items())


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return what differs between two spaces' records."""
    found = []
    for name in dict.fromkeys([*old, *new]):
        before, after = old.get(name), new.get(name)
        if before != after:
            words = [choice_text(each) if each is not None else "not there" for each in (before, after)]
            found.append(f"{name} was {words[0]} and is {words[1]}")
    return "; ".join(found[:6]) or "another order of the parameters"
