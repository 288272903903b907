"""A column that is masked is as one that was never there: the shortcut that lets all columns share a program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradwright as gw
from gradwright.data import fit_preparation, infer_task, read
from gradwright.errors import ConfigError
from gradwright.train import parse_config
from gradwright.tune import Member, Members
from gradwright.tune.masking import input_mask, masking_is_exact

IRIS = read("iris")
TASK = infer_task(IRIS)
ROWS = np.random.default_rng(0).permutation(IRIS.rows)
GONE = "petal width (cm)"
SETTINGS = {
    "source": "iris", "hidden": [5], "dropout": 0.2, "batch_norm": True, "epochs": 3, "batch_size": 40, "lr": 0.01,
    "dtype": "float64", "eager": True,
}  # fmt: skip
EXACT = ["adadelta", "adagrad", "adam", "adamax", "adamw", "gd", "lion", "nadam", "radam", "rmsprop", "rprop", "sgd"]


def difference(own: dict[str, Any]) -> float:
    """Train with the column masked, and without it from the same other weights; return how far they are apart."""
    config = parse_config({**SETTINGS, **own})
    rows = (ROWS[:105], ROWS[105:])
    with_mask = Members(IRIS, TASK, [Member(0, config, *rows, masked=(GONE,))])
    without = Members(IRIS, TASK, [Member(0, config, *rows, without=(GONE,))])
    (masked,), (dropped,) = with_mask.runners, without.runners
    start = {}
    for name, weight in masked.trainer.model.state_dict().items():
        place, _, key = name.partition(".")
        if key != "mask":
            values = weight.detach().numpy()
            start[f"{int(place) - 1}.{key}"] = gw.tensor(values[:, :3] if name == "1.weight" else values)
    dropped.trainer._put(start)
    dropped.generator.set_state(masked.generator.get_state())
    for together in (with_mask, without):
        together.run()
    a, b = (together.results(("outputs",))[0] for together in (with_mask, without))
    assert len(a.rows) == len(b.rows) == 3
    assert a.rows[0]["train_loss"] != a.rows[-1]["train_loss"]
    figures = [abs(x["train_loss"] - y["train_loss"]) for x, y in zip(a.rows, b.rows, strict=True)]
    return max(*figures, float(np.abs(a.outputs - b.outputs).max()))


@pytest.mark.parametrize("rule", EXACT)
def test_a_masked_column_is_one_that_was_never_there(rule):
    own = {"optimizer": rule, "l1": 1e-3, "clip_value": 0.1} if rule not in ("gd", "rprop") else {"optimizer": rule}
    own["weight_decay"] = 0.1 if rule in ("adam", "adamw", "sgd", "lion") else None
    assert masking_is_exact(parse_config({**SETTINGS, **own}))
    assert difference(own) < 1e-13  # measured: 4.4e-16


@pytest.mark.parametrize(
    "own",
    [{"optimizer": "lamb"}, {"optimizer": "lars"}, {"optimizer": "muon"}, {"max_norm": 0.5},
     {"clip_norm": 0.1, "l2": 0.1}],
    ids=["lamb", "lars", "muon", "max_norm", "clip_norm and penalty"],
)  # fmt: skip
def test_where_weights_are_looked_at_together_it_is_not(own):
    """These are not called exact, and they are not."""
    assert not masking_is_exact(parse_config({**SETTINGS, **own}))
    assert difference(own) > 1e-7


def test_clipping_by_the_norm_alone_is_exact():
    assert masking_is_exact(parse_config({**SETTINGS, "clip_norm": 0.1}))
    assert difference({"clip_norm": 0.1}) < 1e-13


def test_convolutions_are_not_exact():
    assert not masking_is_exact(parse_config({"source": "digits", "network": "resnet"}))


def test_all_columns_share_a_program_with_the_whole():
    columns = IRIS.feature_names
    own = {"eager": False, "batch_norm": False, "dropout": 0.0, "batch_size": 35, "hidden": []}
    config = parse_config({**SETTINGS, **own})
    rows = (ROWS[:105], ROWS[105:])
    members = [Member(i, config, *rows, masked=m) for i, m in enumerate([(), *((c,) for c in columns)])]
    members += [Member(5, config, *rows)]
    together = Members(IRIS, TASK, members)
    together.run()
    results = together.results(())
    assert [group.members for group in together.groups] == [(0, 1, 2, 3, 4), (5,)]
    whole, *others, plain = ([row["train_loss"] for row in r.rows] for r in results)
    np.testing.assert_allclose(whole, plain, rtol=0, atol=1e-14)  # a mask of ones changes nothing
    assert len({losses[-1] for losses in [whole, *others]}) == 5


def test_columns_with_several_prepared_values_go_together():
    import polars as pl

    from gradwright.data import LabeledRows

    frame = pl.DataFrame({"colour": ["red", "blue", "teal"] * 4, "size": [1.0, None, 2.0] * 4, "age": [1, 2, 3] * 4})
    target = pl.Series("kind", ["a", "b", "a"] * 4)
    rows = LabeledRows("toy", "table", frame, ("colour", "size", "age"), target, "kind", "sha256:0")
    preparation = fit_preparation(infer_task(rows), rows)
    assert preparation.feature_names == ("colour=blue", "colour=red", "colour=teal", "size", "size (missing)", "age")
    assert input_mask(preparation, ("colour",)).tolist() == [False] * 3 + [True] * 3
    assert input_mask(preparation, ("size",)).tolist() == [True] * 3 + [False, False, True]
    with pytest.raises(ConfigError, match="'hue'"):
        input_mask(preparation, ("hue",))
    with pytest.raises(ConfigError, match="nothing would be left"):
        input_mask(preparation, ("age", "colour", "size"))
