"""The key proof: a member that is trained in a population equals the same member trained alone.

Same rows, same batches, same masks and noise; figures of all epochs, weights, slots and outputs equal to rounding. Most
of it in float64, where nothing but rounding could be as small as the tolerance.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright.data import infer_task, read
from gradwright.train import RunFolder, parse_config, run_job
from gradwright.train.choices import SHELVES
from gradwright.tune import Layout, Member, Members
from gradwright.tune.source import read_source

from .alone import compare, train_alone

# Measured: at most 5.1e-15 times the number itself.
TOLERANCE = 2e-14
# Measured: 1.2e-14 in Muon's buffers and 1.7e-12 with Newton, which inverts matrices.
MORE_TOLERANCE = {"muon": 1e-13, "newton": 2e-11}
# Measured in float32: 1.8e-7.
TOLERANCE_32 = 1e-6

IRIS = read("iris")
ROWS = np.random.default_rng(0).permutation(IRIS.rows)
SMALL = {"source": "iris", "hidden": [5], "batch_size": 21, "epochs": 3, "dropout": 0.0, "dtype": "float64", "lr": 0.02}
THIN = ("adam", "lion", "rmsprop", "sgd")
AT_ONCE = {"lbfgs": 105, "newton": 105}


def members_of(settings: list[dict[str, Any]], rows: Any = None, dataset: Any = IRIS) -> list[Member]:
    """Return members with settings beside the small ones; each on its own rows, or all on the same."""
    rows = [(ROWS[:105], ROWS[105:])] * len(settings) if rows is None else rows
    made = []
    for i, own in enumerate(settings):
        config = parse_config({**SMALL, "seed": i, **own})
        made.append(Member(i, config, *rows[i]))
    return made


def train(members: list[Member], layout: Layout | None = None, dataset: Any = IRIS) -> tuple[Members, list[Any]]:
    """Train together; every group in the given layout."""
    together = Members(dataset, infer_task(dataset), members)
    if layout is not None:
        numbers = [tuple(r.number for r in part) for groups in together._groups for part in groups._parts]
        together = Members(dataset, infer_task(dataset), members, layouts=dict.fromkeys(numbers, layout))
    together.run()
    return together, together.results(("outputs", "weights"))


def largest_difference(
    members: list[Member], layout: Layout | None = None, dataset: Any = IRIS, alone: Any = None, groups: int | None = 1
) -> float:
    """Train together and each alone; return the largest difference."""
    together, results = train(members, layout, dataset)
    assert groups is None or len(together.groups) == groups, [g.members for g in together.groups]
    alone = [train_alone(dataset, infer_task(dataset), m) for m in members] if alone is None else alone
    found = [compare(*each) for each in zip(together.runners, results, alone, strict=True)]
    assert all(len({row["train_loss"] for row in r.rows}) == len(r.rows) for r in results), "weights move"
    assert len({r.rows[0]["train_loss"] for r in results}) == len(results), "members differ"
    print(max(found, key=lambda d: d.largest()))
    return max(d.largest() for d in found)


# --- update rules -----------------------------------------------------------------------------------------------------
def of_rules(names: Any) -> list[Member]:
    """Return three members of each rule: with another rate, smoothing and decay."""
    settings = []
    for name in names:
        for k in range(3):
            own: dict[str, Any] = {"optimizer": name, "hidden": [], "label_smoothing": [0.0, 0.1, 0.0][k]}
            own |= {"batch_size": AT_ONCE[name]} if name in AT_ONCE else {}
            own |= {"lr": [0.01, 0.02, 0.005][k]} if name not in AT_ONCE else {}
            own |= {"weight_decay": [0.0, 0.01, 0.03][k]} if name in ("adam", "muon", "sgd", "adamw", "lamb") else {}
            own |= {"momentum": [0.0, 0.9, 0.5][k]} if name in ("sgd", "lars", "rmsprop") else {}
            settings.append(own)
    return members_of(settings)


def test_members_of_several_rules_in_one_call():
    """Each rule is a program; rate, momentum (0 beside 0.9), decay and smoothing (0 beside more) are its inputs.

    L-BFGS, whose way depends on values, has none: its members train for themselves.
    """
    assert largest_difference(of_rules((*THIN, "lbfgs")), groups=len(THIN) + 3) < TOLERANCE  # L-BFGS trains alone


@pytest.mark.long
def test_every_rule():
    rest = [name for name in SHELVES["optimizers"] if name not in THIN]
    assert len(rest) == len(SHELVES["optimizers"]) - 4
    members = of_rules(rest)
    together, results = train(members)
    assert len(together.groups) == len(rest) - 1, "L-BFGS, whose way depends on values, trains for itself"
    for runner, result, member in zip(together.runners, results, members, strict=True):
        alone = train_alone(IRIS, infer_task(IRIS), member)
        name = member.config.optimizer
        assert compare(runner, result, alone).largest() < MORE_TOLERANCE.get(name, TOLERANCE), name


# --- everything else --------------------------------------------------------------------------------------------------
EVERYTHING = [
    {
        "batch_norm": True, "batch_size": 16, "dropout": 0.1 + 0.1 * i, "label_smoothing": [0.1, 0.0, 0.2, 0.0][i],
        "weight_decay": [0.0, 0.01, 0.0, 0.1][i], "l1": 1e-3 * (i + 1), "gradient_noise": 0.01 * (i + 1),
        "weight_noise": 0.01 * (i + 1), "max_norm": 1.0 + i, "clip_norm": 0.5 + i, "ema": 0.5 + 0.1 * i,
        "augment": [f"noise={0.05 * (i + 1):.2f}"], "schedule": "onecycle", "warmup": 0.1, "lr": 0.01 * (i + 1),
    }
    for i in range(4)
]  # fmt: skip


def folds(count: int) -> list[Any]:
    """Return other rows of the same sizes for each member, an epoch with a short last batch."""
    return [(np.roll(ROWS, 37 * i)[:105], np.roll(ROWS, 37 * i)[105:]) for i in range(count)]


@pytest.mark.slow
def test_everything_that_settings_can_ask_for_at_once():
    """Dropout, batch norm, augmentation, schedule, warm-up, average, clipping, penalties, noise; a short last batch.

    Members have rows of their own, and what prepares them is fitted on those.
    """
    members = members_of(EVERYTHING, folds(4))
    assert largest_difference(members, Layout(2, 2)) < TOLERANCE


@pytest.mark.long
@pytest.mark.parametrize(
    "own",
    [
        {"optimizer": "sgd", "lookahead": 3, "schedule": "cosine-restarts", "clip_value": 0.1, "l2": 1e-3},
        {"accumulate": 3, "batch_size": 16, "prior": "student-t=1", "class_weights": "balanced"},
        {"network": "highway", "width": 6, "depth": 2, "hidden": None, "dropout": None, "validate_every": 2},
        {"init": "orthogonal", "activation": "gelu", "metrics": ["f1_macro"], "monitor": "validation_accuracy"},
    ],
    ids=["lookahead", "accumulate", "highway", "metrics"],
)
def test_more_settings(own):
    settings = [{**own, "lr": 0.01 * (i + 1)} for i in range(3)]
    assert largest_difference(members_of(settings, folds(3)), Layout(3, 1)) < TOLERANCE


@pytest.mark.long
@pytest.mark.parametrize(
    "own",
    [
        {"network": "resnet", "depth": 8, "width": 2, "stochastic_depth": 0.3},
        {"hidden": [5], "augment": ["shift=1", "rotate=10", "mixup=0.2"]},
    ],
    ids=["resnet", "mlp"],
)
def test_images(own):
    digits = read("digits")
    rows = np.random.default_rng(1).permutation(digits.rows)
    shared = {"source": "digits", "hidden": None, "dropout": None, "batch_size": 20, "epochs": 2}
    settings = [{**shared, **own, "lr": 0.003 * (i + 1)} for i in range(2)]
    parts = [(rows[100 * i : 100 * i + 50], rows[200:240]) for i in range(2)]
    assert largest_difference(members_of(settings, parts), Layout(2, 1), digits) < TOLERANCE


def test_a_schedule_that_goes_by_validation():
    settings = [
        {"optimizer": "sgd", "schedule": "plateau", "epochs": 9, "hidden": [], "lr": lr} for lr in (1e-7, 0.3, 3e-7)
    ]
    members = members_of(settings)
    assert largest_difference(members, Layout(3, 1)) < TOLERANCE
    _, results = train(members, Layout(3, 1))
    rates = [[row["learning_rate"] for row in r.rows] for r in results]
    assert len(set(rates[0])) > 1, "a rate was divided"
    assert len(set(rates[1])) == 1, "another was not"


def test_numbers_in_their_own_unit_in_float32():
    diabetes = read("diabetes")
    rows = np.random.default_rng(1).permutation(diabetes.rows)
    settings = [
        {"source": "diabetes", "dtype": "float32", "batch_size": 50, "dropout": 0.1 * (i + 1), "lr": 0.003 * (i + 1)}
        for i in range(3)
    ]
    parts = [(np.roll(rows, 50 * i)[:230], np.roll(rows, 50 * i)[230:300]) for i in range(3)]
    members = members_of(settings, parts)
    assert largest_difference(members, Layout(3, 1), diabetes) < TOLERANCE_32


# --- layouts ----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def seven() -> tuple[list[Member], list[Any]]:
    """Seven members that end at different epochs, so that places fall free; and each trained alone."""
    settings = [{"lr": 0.02 * (i + 1), "epochs": 6, "patience": 1, "dropout": 0.3, "batch_size": 50} for i in range(7)]
    members = members_of(settings)
    alone = [train_alone(IRIS, infer_task(IRIS), m) for m in members]
    assert len({len(a.rows) for a in alone}) > 1, "they end at different epochs"
    return members, alone


@pytest.mark.parametrize(("chunk", "lanes"), [
    (3, 2), pytest.param(1, 2, marks=pytest.mark.long), pytest.param(7, 1, marks=pytest.mark.long),
])  # fmt: skip
def test_chunks_and_lanes_change_nothing(seven, chunk, lanes):
    members, alone = seven
    assert largest_difference(members, Layout(chunk, lanes), alone=alone) < TOLERANCE


def test_batches_that_are_shared():
    """Members with one seed and one set of rows see the same batches; what differs is the rate and the decay."""
    settings = [{"seed": 5, "lr": 0.01 * (i + 1), "dropout": 0.2, "batch_size": 50, "epochs": 4} for i in range(5)]
    members = members_of(settings)
    members[1] = Member(1, members[1].config.model_copy(update={"epochs": 2}), members[1].train, members[1].validation)
    together, results = train(members, Layout(3, 1, shared=True))
    assert {g.choice.layout.shared for g in together.groups} == {True}
    for runner, result, member in zip(together.runners, results, members, strict=True):
        assert compare(runner, result, train_alone(IRIS, infer_task(IRIS), member)).largest() < TOLERANCE


def test_pausing_changes_nothing(seven):
    """Epoch by epoch, as rungs ask for it, is the same as in one go."""
    members, alone = seven
    together = Members(IRIS, infer_task(IRIS), members, layouts={tuple(range(7)): Layout(3, 1)})
    for epoch in (1, 3, 4, 6):
        together.run(until=epoch)
        assert all(r.epoch == epoch or r.stopped for r in together.runners)
    results = together.results(("outputs", "weights"))
    found = [compare(*each).largest() for each in zip(together.runners, results, alone, strict=True)]
    assert max(found) < TOLERANCE


# --- what `gradwright train` itself writes ----------------------------------------------------------------------------
def test_the_whole_command_gives_the_same_figures(tmp_path):
    """`read_source` has the rows that `gradwright train` splits off, and curves are those that it records."""
    values = {"source": "wine", "network": "linear", "epochs": 4, "seed": 3, "dtype": "float64", "augment": ["noise"]}
    config = parse_config(values)
    with gw.use_generator(gw.Generator(99)), RunFolder(tmp_path / "run") as folder:
        run_job(config.model_copy(update={"eager": True}), folder.path, given=values)
    recorded = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    source = read_source(config)
    together = Members(
        source.dataset, source.task, [Member(0, config, source.parts.train, source.parts.validation)]
    )  # fmt: skip
    together.run()
    (result,) = together.results()
    assert len(recorded) == len(result.rows) == 4
    for mine, theirs in zip(result.rows, recorded, strict=True):
        for key in set(theirs) - {"seconds", "norms"}:
            assert mine[key] == pytest.approx(theirs[key], rel=0, abs=TOLERANCE), key


# --- a member that goes wrong -----------------------------------------------------------------------------------------
def test_one_members_nan_touches_no_other():
    """The others are the same to the bit as without it; it is frozen, and its problem has words."""
    good = [{"optimizer": "sgd", "lr": 0.05 * (i + 1), "momentum": 0.9, "hidden": [], "epochs": 4} for i in range(4)]
    bad = {"optimizer": "sgd", "lr": 1.7e308, "momentum": 0.9, "hidden": [], "epochs": 4, "seed": 9}
    settings = [{**each, "seed": i} for i, each in enumerate(good)]
    _, with_it = train(members_of([*settings[:1], bad, *settings[1:]]), Layout(5, 1))
    _, without = train(members_of([*settings, settings[0]]), Layout(5, 1))
    frozen = with_it.pop(1)
    assert "stopped being a number" in (frozen.problem or "")
    assert "epoch 1" in (frozen.problem or "")
    assert (frozen.best_epoch, frozen.validation, frozen.outputs) == (0, {}, None)
    assert frozen.rows == []
    for mine, theirs in zip(with_it, without[:4], strict=True):
        assert [{k: v for k, v in r.items() if k != "seconds"} for r in mine.rows] == [
            {k: v for k, v in r.items() if k != "seconds"} for r in theirs.rows
        ]
        assert len(mine.rows) == 4
        for name, weight in theirs.weights.items():
            np.testing.assert_array_equal(mine.weights[name], weight)


def test_a_member_without_a_good_epoch_says_so():
    """The loss is finite before the only update, and the weights after it; validation is not."""
    own = {"optimizer": "gd", "hidden": [], "batch_size": 105, "epochs": 1, "dtype": "float32"}
    _, results = train(members_of([{**own, "lr": 0.1}, {**own, "lr": 1e38}]), Layout(2, 1))
    assert results[0].problem is None
    assert results[1].problem == "the validation loss was not a finite number in any of 1 epochs"
    assert (results[1].best_epoch, len(results[1].rows), results[1].validation) == (0, 1, {})


# --- the proof would notice -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["seeds", "number"])
def test_planted_faults_are_seen(fault, monkeypatch):
    """Two members' seeds swapped; a number of the first member baked in for all."""
    settings = [{"lr": 0.01, "label_smoothing": 0.1 * i, "epochs": 1, "hidden": []} for i in range(3)]
    members = members_of(settings)
    alone = [train_alone(IRIS, infer_task(IRIS), m) for m in members]
    if fault == "seeds":
        swapped = [members[0], *[Member(i, members[3 - i].config, *folds(1)[0]) for i in (1, 2)]]
        together, results = train(swapped, Layout(3, 1))
    else:
        from gradwright.tune.cohort import Cohort

        monkeypatch.setattr(Cohort, "_on", lambda self, which: frozenset())
        together, results = train(members, Layout(3, 1))
    for runner, result, own in zip(together.runners, results, alone, strict=True):
        if runner.number == 0:
            assert compare(runner, result, own).largest() < TOLERANCE
        else:
            with pytest.raises(AssertionError):
                assert compare(runner, result, own).largest() < 1e10 * TOLERANCE
