"""What is computed of the records, before anything is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from gradwright.report import (
    baselines_info,
    compare_info,
    confusion_info,
    curves_info,
    data_info,
    environment_info,
    example_files,
    example_record,
    layers_info,
    ledger_info,
    parse_record,
    scatter_info,
    settings_info,
    summary_info,
)
from gradwright.report.baselines import baselines_words, verdict
from gradwright.report.compare import compare_words
from gradwright.report.confusion import confusion_words
from gradwright.report.curves import curves_words
from gradwright.report.facts import data_words
from gradwright.report.layers import layers_words
from gradwright.report.ledger import ledger_words
from gradwright.report.metric import Estimate, Metric
from gradwright.report.scatter import scatter_words

Files = dict[str, str]
Changed = Callable[..., Files]


def test_summary_says_what_was_done_and_found() -> None:
    info = summary_info(example_record())
    assert info.lead == (
        "A network with 26,122 parameters was trained to tell 10 classes apart. On 270 test rows that were "
        "sealed "
        "until the end, it is right 97.0% of the time (95% interval 95.0% to 99.1%)."
    )
    assert [name for name, _ in info.points] == [
        "Data",
        "Task",
        "Split",
        "Network",
        "Training",
        "Baselines",
        "Test part",
    ]
    assert "2.6 points better than logistic regression, the 95% intervals overlap" in dict(info.points)["Baselines"]


def test_summary_of_a_regression() -> None:
    info = summary_info(example_record("regression"))
    assert (info.figure, info.figure_name, info.interval) == ("53.40", "test RMSE", "49.10 to 57.80")
    assert "It explains 48.0% of the variance." in info.lead


def test_more_than_one_look_stands_at_the_top() -> None:
    info = summary_info(example_record(looks=3))
    assert info.biased.startswith(
        "The test part has been looked at 3 times; the figure is no longer an unbiased estimate."
    )
    assert "sealed" not in info.lead


def test_problems_come_first(changed: Changed) -> None:
    def add(findings: list[Any]) -> list[Any]:
        return [*findings, {"severity": "problem", "title": "NaN in the loss"}]

    info = summary_info(parse_record(changed("findings.json", add)))
    assert [f.severity for f in info.findings] == ["problem", "warning", "info"]


def test_a_test_figure_that_is_not_finite_is_said_to_be_so(changed: Changed) -> None:
    def spoil(result: Any) -> None:
        result["test"]["accuracy"] = {"value": None, "low": None, "high": None}

    record = parse_record(changed("result.json", spoil))
    assert "its predictions cannot be used" in summary_info(record).lead
    assert baselines_words(baselines_info(record))[0].startswith("The network is not comparable with")


@pytest.mark.parametrize(
    ("own", "other", "words"),
    [
        (
            (0.9, 0.85, 0.94),
            (0.8, 0.74, 0.84),
            "10.0 points better than it; the 95% intervals do not overlap",
        ),
        ((0.9, 0.85, 0.94), (0.88, 0.8, 0.9), "2.0 points better than it; the 95% intervals overlap"),
        ((0.7, 0.6, 0.75), (0.71, 0.6, 0.8), "1.0 points worse than it; the 95% intervals overlap"),
        ((0.7, 0.6, 0.75), (0.7, 0.6, 0.8), "as good as it; the 95% intervals overlap"),
        ((0.7, math.nan, math.nan), (0.6, 0.5, 0.7), "10.0 points better than it"),
    ],
)
def test_verdicts(own: tuple[float, ...], other: tuple[float, ...], words: str) -> None:
    info = baselines_info(example_record())
    first, second = (
        info.rows[0]._replace(test=Estimate(*own)),
        info.rows[1]._replace(test=Estimate(*other), name="it"),
    )
    info = info._replace(rows=(first, second))
    assert verdict(info, second) == words.replace("1.0 points", "1.0 point")


def test_a_worse_network_is_told_to_step_back() -> None:
    info = baselines_info(example_record())
    better = info.rows[1]._replace(test=Estimate(0.999, 0.995, 1.0))
    words = baselines_words(info._replace(rows=(info.rows[0], better)))
    assert "The simpler model is the one to use until the network does better." in words[0]


def test_baselines_of_an_error_rank_upwards() -> None:
    assert [row.name for row in baselines_info(example_record("regression")).rows] == [
        "this network",
        "linear regression",
        "mean",
    ]


def test_no_baselines() -> None:
    info = baselines_info(parse_record(example_files() | {"baselines.json": "[]"}))
    assert baselines_words(info) == ["No baseline was recorded, so nothing says how hard the task is."]


def test_units_are_written() -> None:
    metric = Metric("rmse", "RMSE", False, unit="mm")
    assert metric.lead(3.0, 4.0, "the mean") == "better than the mean (RMSE lower by 1.00 mm, 25.0%)"
    assert metric.interval(Estimate(3, 2, 4)) == "2.000 to 4.000 mm"


def test_gaps_in_the_loss_are_told() -> None:
    files = example_files(epochs=2)
    files["metrics.jsonl"] = (
        '{"epoch": 1, "train_loss": 2.0, "validation_loss": 1.0}\n'
        '{"epoch": 2, "train_loss": NaN, "validation_loss": 1.0}\n'
    )
    info = curves_info(parse_record(files))
    assert info.not_finite == (2,)
    assert all(map(math.isnan, info.train_metric))
    assert any("not a finite number at epoch 2" in sentence for sentence in curves_words(info))


def test_confusion_of_a_faultless_network(changed: Changed) -> None:
    def perfect(result: Any) -> None:
        result["test"]["confusion"] = [[3 if i == j else 0 for j in range(10)] for i in range(10)]

    info = confusion_info(parse_record(changed("result.json", perfect)))
    assert info is not None
    assert confusion_words(info) == ["No test row was taken for a class that it is not."]
    assert info.level(0, 0) == 10
    assert info.level(0, 1) == 0


def test_confusion_with_a_class_nobody_met(changed: Changed) -> None:
    def empty(result: Any) -> None:
        test = result["test"]
        test["confusion"][0] = [0] * 10
        test["per_class"][0] = {"class": "0", "precision": None, "recall": None, "f1": None, "support": 0}

    info = confusion_info(parse_record(changed("result.json", empty)))
    assert info is not None
    assert confusion_words(info)[-1] == "1 class had no row in the test part."
    assert info.level(0, 0) == 0


def test_the_most_frequent_confusion_comes_first() -> None:
    info = confusion_info(example_record(classes=20))
    assert info is not None
    counts = [mixup.rows for mixup in info.mixups]
    assert counts == sorted(counts, reverse=True)


def test_scatter_leaves_out_what_cannot_be_drawn(changed: Changed) -> None:
    def spoil(result: Any) -> None:
        result["test"]["prediction"][0] = None
        result["test"]["r2"]["value"] = -0.5

    (info,) = scatter_info(parse_record(changed("result.json", spoil, task="regression")))
    assert info is not None
    words = " ".join(scatter_words(info))
    assert info.left_out == 1
    assert "1 pair without a finite value could not be drawn." in words
    assert "further off than always saying the mean" in words


def test_layers_add_up() -> None:
    info = layers_info(example_record(hidden=3))
    assert sum(row.parameters for row in info.rows) == info.parameters
    assert sum(row.share for row in info.rows) == pytest.approx(1)
    assert "7 layers" in layers_words(info)


def test_a_network_without_parameters() -> None:
    files = example_files() | {"network.json": '{"layers": [], "parameters": 0, "graph": {"nodes": [], "edges": []}}'}
    assert layers_words(layers_info(parse_record(files))) == "0 layers with 0 parameters, all of them trained."


def test_a_line_taken_out_of_the_ledger_is_noticed() -> None:
    files = example_files(looks=3)
    files["ledger.jsonl"] = files["ledger.jsonl"].splitlines()[2] + "\n"
    info = ledger_info(parse_record(files))
    assert (info.looks, info.lost, info.clean) == (3, True, False)
    assert ledger_words(info).endswith("Lines are missing from the ledger.")


def test_an_empty_ledger_is_no_clean_look(changed: Changed) -> None:
    def forget(result: Any) -> None:
        result["looks"] = 0

    info = ledger_info(parse_record(changed("result.json", forget) | {"ledger.jsonl": ""}))
    assert not info.clean
    assert "nothing vouches for it" in ledger_words(info)


def test_comparison_in_words() -> None:
    info = compare_info(example_record(compare=True, epochs=10))
    assert info is not None
    assert "over 10 epochs the loss differs by at most 2.0e-6 (epoch 10)" in compare_words(info)[1].replace(
        "2e-6", "2.0e-6"
    )
    other = info._replace(max_loss_difference=math.nan, own_seconds=9.0, other_seconds=3.0)
    assert "cannot be compared" in compare_words(other)[1]
    assert compare_words(other)[2].endswith("Gradwright took 3.0 times as long.")
    apart = info._replace(max_loss_difference=0.9)
    assert compare_words(apart)[1].startswith("The two runs differ")
    same = info._replace(max_loss_difference=0.0)
    assert compare_words(same)[1].startswith("The two agree number by number")


def test_comparison_of_epochs_that_we_did_not_train(changed: Changed) -> None:
    def more(compare: Any) -> None:
        compare["epochs"].append({"epoch": 99, "train_loss": 1.0})

    info = compare_info(parse_record(changed("compare.json", more, compare=True)))
    assert info is not None
    assert math.isnan(info.epochs[-1].own_train_loss)


def test_data_in_words() -> None:
    words = data_words(data_info(example_record("regression")))
    assert words["task"] == "Predict the number target. Recognised by: 214 distinct numbers."
    assert words["split"] == "1,257 for training, 270 for validation, 270 for test (at random, seed 0)."


def test_settings_know_who_set_them() -> None:
    given = {s.name for s in settings_info(example_record()) if s.given}
    assert given == {"source", "seed", "network.hidden"}
    assert ("cpus", "2") in environment_info(example_record())
