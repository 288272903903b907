"""Losses and class weights beside scikit-learn's and PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

import gradwright as gw
from gradwright import nn
from gradwright.data import Task
from gradwright.errors import ConfigError
from gradwright.train import parse_config
from gradwright.train.criteria import class_weights, make_criterion

THREE = Task("multiclass", "", classes=("a", "b", "c"))
LABELS = Task("multilabel", "", classes=("a", "b", "c"))


def config(**values: Any) -> Any:
    return parse_config({"source": "x", **values})


def test_balanced_weights_are_scikit_learns() -> None:
    y = np.array([0] * 7 + [1] * 2 + [2] * 11)
    theirs = compute_class_weight("balanced", classes=np.arange(3), y=y)
    np.testing.assert_allclose(class_weights("balanced", THREE, y), theirs)
    tags = Task("tagging", "", classes=("a", "b", "c"))
    padded = np.concatenate([y, np.full(4, -100)]).reshape(4, 6)
    np.testing.assert_allclose(class_weights("balanced", tags, padded), theirs)


def test_a_class_without_rows_weighs_one() -> None:
    np.testing.assert_allclose(class_weights("balanced", THREE, np.array([0, 0, 0, 2])), [4 / 6, 1, 2])


def test_balanced_labels_weigh_the_rows_without_beside_those_with() -> None:
    y = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 1, 1]], np.float32)
    np.testing.assert_allclose(class_weights("balanced", LABELS, y), [3, 1, 3])


@pytest.mark.parametrize("kind", ["multiclass", "tagging", "multilabel"])
def test_weighted_losses_are_pytorchs(kind: str) -> None:
    rng = np.random.default_rng(0)
    weights = np.array([0.5, 2.0, 3.0])
    task = Task(kind, "", classes=("a", "b", "c"))  # type: ignore[arg-type]
    shape = {"multiclass": (5, 3), "tagging": (5, 3, 4), "multilabel": (5, 3)}[kind]
    output = rng.normal(size=shape)
    if kind == "multilabel":
        target: np.ndarray = rng.integers(0, 2, (5, 3)).astype(float)
        theirs: Any = torch.nn.BCEWithLogitsLoss(pos_weight=torch.from_numpy(weights))
    else:
        target = rng.integers(0, 3, (5, 4) if kind == "tagging" else 5)
        if kind == "tagging":
            target[2:, 2:] = -100
        theirs = torch.nn.CrossEntropyLoss(torch.from_numpy(weights))
    ours = make_criterion(task, config(dtype="float64"), weights)
    expected = theirs(torch.from_numpy(output), torch.from_numpy(target)).item()
    assert ours(gw.tensor(output), gw.tensor(target)).item() == pytest.approx(expected, rel=1e-12)


def test_each_task_has_its_loss() -> None:
    assert isinstance(make_criterion(Task("regression", "")), nn.MSELoss)
    assert isinstance(make_criterion(Task("next_token", "")), nn.CrossEntropyLoss)
    smooth = make_criterion(THREE, config(label_smoothing=0.1))
    assert isinstance(smooth, nn.CrossEntropyLoss)
    assert smooth.label_smoothing == 0.1


@pytest.mark.parametrize(
    ("task", "setting", "words"),
    [
        (Task("regression", ""), "balanced", "the target is a quantity"),
        (Task("next_token", ""), "balanced", "the next token of a text"),
        (THREE, {"bb": 2.0}, "'bb' is no class of the target; did you mean 'b'"),
        (THREE, "even", "expected balanced"),
    ],
)
def test_weights_that_mean_nothing_are_refused(task: Task, setting: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        class_weights(setting, task, np.array([0, 1]))


@pytest.mark.parametrize(("kind", "words"), [("regression", "a number"), ("multilabel", "any number of labels")])
def test_smoothing_is_refused_where_there_is_nothing_to_smooth_over(kind: str, words: str) -> None:
    task = Task(kind, "", classes=("a", "b") if kind == "multilabel" else None)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=words):
        make_criterion(task, config(label_smoothing=0.1))


@pytest.mark.parametrize("value", ["even", {"a": 0.0}, {"a": -1.0}, 3])
def test_a_setting_of_weights_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="class_weights"):
        config(class_weights=value)
