"""Trials over rungs, promoted one by one, and exchanging weights: held to trials that were simply trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright.errors import ConfigError, StateError
from gradwright.train import Callback, Trainer
from gradwright.train.assembly import make_stopping, make_trainer
from gradwright.train.criteria import make_criterion
from gradwright.train.network import build_network
from gradwright.train.prepared import Reporter, StageClock, prepare
from gradwright.tune import ASHA, Choice, Hyperband, Member, Members, PopulationBased, Space, SuccessiveHalving
from gradwright.tune.plans import SearchSettings, make_plan

from .searching import config, job, space, work

EPOCHS = 6
RATES = [0.002, 0.05, 0.0004, 0.02, 0.0001, 0.01]
PARAMETERS = [{"lr": rate, "weight_decay": 0.001} for rate in RATES]


@pytest.fixture(scope="module")
def straight() -> dict[str, Any]:
    """All trials trained to their end."""
    return work(config(epochs=EPOCHS))(job({"name": "straight"}, *PARAMETERS))


def _figures(done: dict[str, Any], number: int, epochs: int) -> list[Any]:
    curve = next(c for c in done["curves"] if c["number"] == number)
    assert curve["epoch"] == list(range(1, len(curve["epoch"]) + 1))
    return [curve["train_loss"][:epochs], curve["validation_loss"][:epochs], curve["validation_accuracy"][:epochs]]


def _prefixes(done: dict[str, Any], straight: dict[str, Any]) -> None:
    """Every trial went as one that is simply trained, as far as it went; pausing changes no bit of it."""
    for trial in done["trials"]:
        n = trial["epochs"]
        assert _figures(done, trial["number"], n) == _figures(straight, trial["number"], n)


def _score_at(straight: dict[str, Any], number: int, epoch: int) -> float:
    """The accuracy at the epoch with the lowest validation loss, of the first ones."""
    _, losses, accuracies = _figures(straight, number, epoch)
    return accuracies[int(np.argmin(losses))]


def test_halving_lets_the_best_of_each_rung_go_on(straight) -> None:
    halving = {"members": 6, "epochs": EPOCHS, "shortest": 1, "eta": 2, "direction": "maximize"}
    rungs = SuccessiveHalving(**halving).rungs
    assert [(r.members, r.epochs) for r in rungs] == [(6, 2), (3, 3), (1, 6)]
    done = work(config(epochs=EPOCHS))(job({"name": "halving", **halving}, *PARAMETERS))
    alive = list(range(6))
    expected = dict.fromkeys(alive, (0, 2, "pruned"))
    for i, rung in enumerate(rungs[1:], 1):
        ranked = sorted(alive, key=lambda n: (-_score_at(straight, n, rungs[i - 1].epochs), n))
        alive = sorted(ranked[: rung.members])
        expected |= dict.fromkeys(alive, (i, rung.epochs, "complete" if i == 2 else "pruned"))
    assert {t["number"]: (t["rung"], t["epochs"], t["state"]) for t in done["trials"]} == expected
    _prefixes(done, straight)


def test_asha_promotes_by_what_was_finished(straight) -> None:
    rule = {"epochs": EPOCHS, "shortest": 1, "eta": 2, "direction": "maximize"}
    done = work(config(epochs=EPOCHS))(job({"name": "asha", **rule, "places": 2}, *PARAMETERS))
    asha, fresh, finished, rung_of = ASHA(**rule), list(range(6)), [{}, {}, {}], {}
    assert asha.epochs_of == (1, 2, 4)
    while jobs := asha.jobs(finished, 2, len(fresh)):
        for one in jobs:
            number = fresh.pop(0) if one.number is None else one.number
            rung_of[number] = one.rung
            finished[one.rung][number] = _score_at(straight, number, (1, 2, EPOCHS)[one.rung])
    assert {t["number"]: t["rung"] for t in done["trials"]} == rung_of
    # the last rung is the end of the training, not the last power of eta
    assert {t["number"]: t["epochs"] for t in done["trials"]} == {n: (1, 2, EPOCHS)[r] for n, r in rung_of.items()}
    assert 2 in rung_of.values()
    _prefixes(done, straight)


class _Change(Callback):
    """Another rate and decay after an epoch: what exploring does, by hand."""

    def __init__(self, after: int, lr: float, weight_decay: float) -> None:
        self.after, self.lr, self.weight_decay = after, lr, weight_decay

    def on_epoch_end(self, trainer: Trainer, row: dict[str, Any]) -> None:
        if row["epoch"] == self.after:
            trainer.optimizer.param_groups[0]["lr"] = self.lr
            trainer.optimizer.param_groups[0]["weight_decay"] = self.weight_decay


def _by_hand(base: Any, changes: list[Callback]) -> list[dict[str, Any]]:
    """Train as `gradwright train` does, with callbacks."""
    data = prepare(base, Reporter(), StageClock())
    base = base.resolved(data.rows, data.preparation.width, data.task.kind)
    gw.manual_seed(base.seed)
    model = build_network(base, data.shape, data.outputs, data.x)
    trainer = make_trainer(base, model, make_criterion(data.task, base, None), data, callbacks=changes)
    history = trainer.fit(
        (data.x, data.y), (data.vx, data.vy), epochs=base.epochs, batch_size=base.batch_size,
        early_stopping=make_stopping(base),
    )  # fmt: skip
    return history.rows


def test_who_copies_weights_goes_on_as_if_its_values_had_been_changed_by_hand() -> None:
    course = {"name": "pbt", "interval": 2, "seed": 1, "direction": "maximize"}
    base = config(epochs=EPOCHS, optimizer="adamw")
    one = work(base)
    done = one(job(course, *PARAMETERS))
    trials = {t["number"]: t for t in done["trials"]}
    assert sorted(trials) == list(range(len(trials)))
    assert sum(t["parent"] is not None for t in trials.values()) == 4  # two of six, in two exchanges
    assert sum(t["state"] == "complete" for t in trials.values()) == 6
    # the first exchange is what the rule says of the accuracies after two epochs
    now = {n: _figures(done, n, 2)[2][-1] for n in range(6)}
    copies = PopulationBased(one.space, 6, 2, 1, direction="maximize").exchange(1, now, dict(enumerate(PARAMETERS)))
    assert [(c.source, c.parameters) for c in copies] == [
        (trials[n]["parent"], trials[n]["parameters"]) for n in range(6, 6 + len(copies))
    ]
    for copy in copies:
        assert (trials[copy.to]["state"], trials[copy.to]["epochs"]) == ("pruned", 2)
    child, parent = trials[6], trials[trials[6]["parent"]]
    changed = _Change(2, **child["parameters"])
    rows = _by_hand(config(epochs=EPOCHS, optimizer="adamw", **parent["parameters"]), [changed])
    assert child["epochs"] > 2
    for name, curve in zip(("train_loss", "validation_loss"), _figures(done, 6, EPOCHS), strict=False):
        np.testing.assert_allclose(curve, [row[name] for row in rows[: child["epochs"]]], rtol=1e-5)
    assert _figures(done, 6, 2) == _figures(done, parent["number"], 2)


def test_a_copy_with_the_same_values_goes_on_as_its_source_does_schedule_and_masks_included() -> None:
    one = work(config(epochs=5, schedule="cosine", dropout=0.3))
    members = [one.member(i, values) for i, values in enumerate(PARAMETERS[:3])]
    together = Members(one.source.dataset, one.source.task, members)
    together.run(2)
    together.results()  # looking does not disturb
    together.adopt(0, 1, one.member(7, PARAMETERS[1]))
    together.run()
    copy, source, other = together.results(())
    assert (copy.number, source.number, other.number) == (7, 1, 2)
    figures = [[(r["train_loss"], r["validation_loss"], r["learning_rate"]) for r in m.rows] for m in (copy, source)]
    assert len(figures[0]) == 5
    assert figures[0] == figures[1]
    with pytest.raises(StateError, match="another network"):
        together.adopt(7, 1, Member(8, config(hidden=[9]), one.train, one.validation))


def test_brackets_are_jobs_of_their_own() -> None:
    plan = make_plan(SearchSettings("hyperband"), space(), epochs=27, seed=0, direction="maximize")
    jobs = plan.jobs()
    brackets = Hyperband(27, 1, 3, "maximize").brackets
    assert [len(j["trials"]) for j in jobs] == [b.members for b in brackets]
    assert [t["number"] for j in jobs for t in j["trials"]] == list(range(plan.trials))
    assert plan.jobs() == []


def test_what_cannot_pause_has_no_rungs() -> None:
    halving = {"name": "halving", "members": 2, "epochs": 3, "shortest": 1, "eta": 2, "direction": "maximize"}
    eager = work(config(eager=True), Space({"lr": Choice([0.1, 0.2])}))
    with pytest.raises(ConfigError, match="pauses its trials"):
        eager(job(halving, {"lr": 0.1}, {"lr": 0.2}))
