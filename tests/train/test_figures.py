"""The figures of each kind of task, beside scikit-learn's, PyTorch's and a published table."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    mean_absolute_error,
    precision_recall_fscore_support,
    r2_score,
    root_mean_squared_error,
)

from gradwright.data import Preparation, Task, TokenFrequencies, TokenPreparation
from gradwright.train.assess import assess, baseline_figure, brief_figures, metric_of
from gradwright.train.figures import is_bio, of_labels, of_several, of_tags, spans, token_losses
from gradwright.train.figures.next_tokens import of_next_tokens
from gradwright.train.figures.quantities import mean_r2
from gradwright.train.figures.resampling import sums_interval

_spec = importlib.util.spec_from_file_location("conlleval_example", Path(__file__).with_name("conlleval_example.py"))
assert _spec is not None
assert _spec.loader is not None
example = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(example)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(4)


# --- labels -------------------------------------------------------------------------------------------------------
def test_labels_agree_with_scikit_learn(rng: np.random.Generator) -> None:
    target = (rng.random((60, 4)) < [0.5, 0.3, 0.1, 0.6]).astype(int)
    predicted = np.where(rng.random((60, 4)) < 0.7, target, 1 - target)
    figures = of_labels(target, predicted, list("abcd"))
    assert figures["micro_f1"]["value"] == pytest.approx(f1_score(target, predicted, average="micro"))
    assert figures["macro_f1"] == pytest.approx(f1_score(target, predicted, average="macro"))
    assert figures["subset_accuracy"]["value"] == pytest.approx(accuracy_score(target, predicted))
    assert figures["accuracy"]["value"] == pytest.approx((target == predicted).mean())
    expected = precision_recall_fscore_support(target, predicted)
    for row, *theirs in zip(figures["per_class"], *expected, strict=True):
        assert [row[k] for k in ("precision", "recall", "f1", "support")] == pytest.approx(theirs)
    assert figures["micro_f1"]["low"] < figures["micro_f1"]["value"] < figures["micro_f1"]["high"]


def test_labels_that_never_stand_have_no_figure() -> None:
    figures = of_labels(np.zeros((3, 2), int), np.zeros((3, 2), int), ["a", "b"])
    assert np.isnan(figures["micro_f1"]["value"])
    assert figures["macro_f1"] is None
    assert [row["f1"] for row in figures["per_class"]] == [None, None]
    assert figures["subset_accuracy"]["value"] == 1


# --- several targets ----------------------------------------------------------------------------------------------
def test_several_targets_agree_with_scikit_learn(rng: np.random.Generator) -> None:
    target = rng.normal(size=(50, 2)) * [1000, 0.01] + [5000, 1]
    predicted = target + rng.normal(size=(50, 2)) * [300, 0.004]
    figures = of_several(target, predicted, ("price", "mass"), ("EUR", "kg"))
    assert figures["r2"]["value"] == pytest.approx(r2_score(target, predicted))
    assert figures["r2"]["low"] < figures["r2"]["value"] < figures["r2"]["high"] < 1
    for i, one in enumerate(figures["targets"]):
        assert one["rmse"]["value"] == pytest.approx(root_mean_squared_error(target[:, i], predicted[:, i]))
        assert one["mae"] == pytest.approx(mean_absolute_error(target[:, i], predicted[:, i]))
        assert one["r2"]["value"] == pytest.approx(r2_score(target[:, i], predicted[:, i]))
    assert [one["unit"] for one in figures["targets"]] == ["EUR", "kg"]


def test_the_interval_of_several_targets_is_that_of_drawn_rows(rng: np.random.Generator) -> None:
    target = rng.normal(size=(12, 2)) * [1000, 0.01] + [5000, 1]
    predicted = target + rng.normal(size=(12, 2)) * [800, 0.01]
    rows = np.random.default_rng(0).integers(0, 12, (300, 12))
    theirs = [r2_score(target[i], predicted[i]) for i in rows]
    ours = mean_r2(target, predicted, draws=300)
    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(theirs, [0.025, 0.975])), rel=1e-6)


def test_a_target_that_is_constant_in_the_part_is_left_out_of_the_mean(rng: np.random.Generator) -> None:
    target = np.stack([rng.normal(size=20), np.full(20, 3.0)], axis=1)
    predicted = target + 0.1
    figures = of_several(target, predicted, ("a", "b"), ("", ""))
    assert figures["r2"]["value"] == pytest.approx(r2_score(target[:, 0], predicted[:, 0]))
    assert figures["targets"][1]["r2"] is None
    assert np.isnan(of_several(target[:, 1:], predicted[:, 1:], ("b",), ("",))["r2"]["value"])


# --- tags ---------------------------------------------------------------------------------------------------------
def arranged(sentences: list[list[str]], tags: list[str], fill: int) -> np.ndarray:
    out = np.full((len(sentences), max(map(len, sentences))), fill)
    for row, sentence in zip(out, sentences, strict=True):
        row[: len(sentence)] = [tags.index(tag) for tag in sentence]
    return out


def test_entities_agree_with_the_published_table_of_conlleval() -> None:
    truth, found = example.sentences(example.TRUTH), example.sentences(example.FOUND)
    assert (len(truth), sum(map(len, truth))) == (40, 961)
    tags = sorted(example.LETTERS.values())
    figures = of_tags(arranged(truth, tags, -100), arranged(found, tags, 0), tags)
    assert figures["tokens"] == 961
    assert figures["entity_precision"] == pytest.approx(371 / 539)
    assert figures["entity_recall"] == pytest.approx(371 / 459)
    assert round(100 * figures["entity_f1"]["value"], 2) == 74.35
    assert figures["entity_f1"]["low"] < 0.7435 < figures["entity_f1"]["high"]
    by_type = {row["class"]: row for row in figures["per_entity"]}
    for name, (claimed, precision, recall) in example.PUBLISHED.items():
        assert sum(1 for tags in found for span in spans(tags) if span[0] == name) == claimed
        assert round(100 * by_type[name]["precision"], 2) == precision
        assert round(100 * by_type[name]["recall"], 2) == recall


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["O", "O"], []),
        (["B-A"], [("A", 0, 1)]),
        (["I-A", "I-A", "I-B"], [("A", 0, 2), ("B", 2, 3)]),  # an I- without a B- begins one too
        (["B-A", "B-A", "I-A", "O", "I-A"], [("A", 0, 1), ("A", 1, 3), ("A", 4, 5)]),
        (["B-A-1", "I-A-1"], [("A-1", 0, 2)]),
        ([], []),
    ],
)
def test_spans(tags: list[str], expected: list[tuple[str, int, int]]) -> None:
    assert spans(tags) == expected


def test_tags_agree_with_scikit_learn(rng: np.random.Generator) -> None:
    target = rng.integers(0, 3, (12, 7))
    predicted = np.where(rng.random(target.shape) < 0.6, target, rng.integers(0, 3, target.shape))
    target[3:, 5:] = -100
    there = target >= 0
    figures = of_tags(target, predicted, ["ADJ", "NOUN", "VERB"])
    assert figures["accuracy"]["value"] == pytest.approx(accuracy_score(target[there], predicted[there]))
    assert figures["macro_f1"] == pytest.approx(f1_score(target[there], predicted[there], average="macro"))
    assert figures["tokens"] == there.sum() == np.sum(figures["confusion"])
    assert "entity_f1" not in figures
    assert not is_bio(["ADJ", "O"])


# --- next tokens --------------------------------------------------------------------------------------------------
def test_next_tokens_agree_with_pytorch(rng: np.random.Generator) -> None:
    output = rng.normal(size=(5, 6, 4)).astype(np.float32) * 30
    target = rng.integers(0, 6, (5, 4))
    target[4, 2:] = -100
    losses = token_losses(output, target)
    theirs = torch.nn.CrossEntropyLoss()(torch.from_numpy(output).double(), torch.from_numpy(target)).item()
    figures = of_next_tokens(losses, output.argmax(1) == target)
    assert figures["tokens"] == 18
    assert figures["perplexity"]["value"] == pytest.approx(np.exp(theirs))
    assert figures["bits_per_token"] == pytest.approx(theirs / np.log(2))
    assert np.isnan(losses[4, 2:]).all()


# --- intervals ----------------------------------------------------------------------------------------------------
def test_an_interval_of_sums_covers_as_often_as_it_says(rng: np.random.Generator) -> None:
    covered = 0
    for _ in range(150):
        rows = np.stack([rng.random(80) < 0.3, np.ones(80)], axis=1)
        interval = sums_interval(rows, lambda s: s[:, 0] / s[:, 1])
        covered += interval.low <= 0.3 <= interval.high
    assert 0.88 <= covered / 150 <= 0.99


# --- put together -------------------------------------------------------------------------------------------------
def test_each_task_has_its_measure() -> None:
    def task(kind: str, **more: object) -> Task:
        return Task(kind, "", **more)  # type: ignore[arg-type]

    assert metric_of(task("binary", classes=("a", "b"))) == "accuracy"
    assert metric_of(task("multilabel", classes=("a", "b"))) == "micro_f1"
    assert metric_of(task("regression")) == "rmse"
    assert metric_of(task("regression", targets=("a", "b"))) == "r2"
    assert metric_of(task("tagging", classes=("B-X", "I-X", "O"))) == "entity_f1"
    assert metric_of(task("tagging", classes=("NOUN", "VERB"))) == "accuracy"
    assert metric_of(task("next_token")) == "perplexity"


def test_a_network_that_says_what_bigrams_say_has_their_perplexity() -> None:
    text = np.array([2, 3, 2, 4, 2, 3, 3, 2, 4])
    x, y = text[None, :-1], text[None, 1:]
    bigrams = TokenFrequencies.fit(x, y, 2)
    task = Task("next_token", "")
    preparation = Preparation(tokens=TokenPreparation("characters", ("<pad>", "<unk>", "a", "b", "c"), 8))
    every = np.stack([bigrams.probabilities(x, np.full_like(y, t)) for t in range(5)], axis=1)
    np.testing.assert_allclose(every.sum(1), 1)
    output = np.log(every)
    figures = assess(task, preparation, output, y, 1.0)
    assert figures["perplexity"]["value"] == pytest.approx(baseline_figure(task, bigrams, x, y))
    assert brief_figures(task, preparation, output, y, 1.0)["perplexity"] == pytest.approx(
        figures["perplexity"]["value"]
    )
