"""Every kind of task through the whole job: train, load, predict, evaluate, report."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from gradwright.cli.words import evaluation_words, result_words
from gradwright.data import LabeledRows, Rows, Split, fingerprint_of
from gradwright.errors import ConfigError, RunError
from gradwright.report import write_report
from gradwright.train import evaluate_run, load_run, parse_config, predict_rows
from gradwright.train import prepared as prepared_module
from gradwright.train import use as use_module
from gradwright.train.compare import check_comparable

HOSTILE = "<b>art</b>"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two labels in columns, the same in cells, and two quantities with units."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(140, 3))
    frame = pl.DataFrame({f"x{i}": x[:, i] for i in range(3)}).with_columns(
        pl.Series(HOSTILE, (x[:, 0] > 0).astype(int)),
        pl.Series("news", (x[:, 1] + x[:, 0] > 0.5).astype(int)),
        pl.Series("price [EUR]", 1000 + 300 * x[:, 0]),
        pl.Series("mass (kg)", 0.01 * x[:, 2] + 0.02 * x[:, 1]),
    )
    path = tmp_path_factory.mktemp("kinds") / "table.csv"
    frame.write_csv(path)
    return path


def cells(table: Path) -> Path:
    frame = pl.read_csv(table)
    labels = ["; ".join(n for n in (HOSTILE, "news") if row[n]) for row in frame.to_dicts()]
    path = table.with_name("cells.csv")
    frame.select("x0", "x1", "x2").with_columns(labels=pl.Series(labels)).write_csv(path)
    return path


def sentences() -> LabeledRows:
    """Names of people and places, which their neighbours tell apart: "Paris" is either."""
    rng = np.random.default_rng(1)
    tokens, tags = [], []
    for _ in range(120):
        name = ["Ada", "Paris", "Eve"][rng.integers(3)]
        place = ["Paris", "Rome"][rng.integers(2)]
        tokens.append([name, "Smith", "likes", place, "today"][: int(rng.integers(3, 6))])
        tags.append(["B-PER", "I-PER", "O", "B-LOC", "O"][: len(tokens[-1])])
    frame, target = pl.DataFrame({"tokens": tokens}), pl.Series("tags", tags)
    return LabeledRows("a.bio", "sequences", frame, ("tokens",), target, "tags", fingerprint_of(frame, target))


def running_text() -> LabeledRows:
    frame = pl.DataFrame({"text": ["the <i>cat</i> sat on the mat"] * 40})
    return LabeledRows("a.txt", "table", frame, ("text",), frame["text"], "text", fingerprint_of(frame))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[[LabeledRows], str]:
    """Let every reader give these rows."""

    def give(rows: LabeledRows) -> str:
        for module in (prepared_module, use_module):
            monkeypatch.setattr(module, "read", lambda *_, **__: rows)
        some = rows.features[:2] if rows.kind == "table" else rows.features  # of text, two to go on from
        monkeypatch.setattr(use_module, "read_rows", lambda *_, **__: Rows(rows.name, rows.kind, some))
        return rows.name

    return give


def finished(path: Path, source: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Result, predictions and report of a run, and that evaluating it again gives the same figures."""
    result = json.loads((path / "result.json").read_text())
    run = load_run(path)
    figures = evaluate_run(run, source=source)
    metric = result["metric"]
    assert figures["loss"] == pytest.approx(result["validation"]["loss"])
    assert figures[metric]["value"] == pytest.approx(result["validation"][metric])
    baselines = json.loads((path / "baselines.json").read_text())
    for line in [*result_words({**result, "baselines": baselines}), evaluation_words(figures)]:
        assert "95% interval" in line or line.startswith("Test ")
    columns, _ = predict_rows(run, source)
    report = write_report(path).read_text()
    assert HOSTILE not in report
    assert "<i>cat" not in report
    return result, columns, report


def test_labels_in_columns(job: Callable[..., Path], table: Path, tmp_path: Path) -> None:
    target = [HOSTILE, "news"]
    run = job(tmp_path / "run", source=str(table), target=target, class_weights="balanced", epochs=25, lr=0.01)
    result, columns, report = finished(run, str(table))
    test = result["test"]
    assert (result["task"], result["metric"]) == ("multilabel", "micro_f1")
    assert test["micro_f1"]["value"] > 0.8
    assert [row["class"] for row in test["per_class"]] == target
    p = np.array([columns[f"probability_{name}"] for name in target]).T
    joined = [";".join(n for n, q in zip(target, row, strict=True) if q > 0.5) for row in p]
    assert columns["prediction"] == joined
    assert escape(HOSTILE) in report
    assert "right in all labels" in report
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["validation_accuracy"] > 0.7
    assert json.loads((run / "config.json").read_text())["class_weights"] == "balanced"


def test_labels_in_cells(job: Callable[..., Path], table: Path, tmp_path: Path) -> None:
    source = str(cells(table))
    run = job(tmp_path / "run", source=source, target="labels", task="multilabel", epochs=3)
    result, columns, report = finished(run, source)
    assert result["test"]["classes"] == sorted([HOSTILE, "news"])
    assert set(columns["prediction"]) <= {"", HOSTILE, "news", f"{HOSTILE};news"}
    assert "labels with ; between them" in report


def test_several_targets(job: Callable[..., Path], table: Path, tmp_path: Path) -> None:
    names = ("price [EUR]", "mass (kg)")
    run = job(tmp_path / "run", source=str(table), target=",".join(names), epochs=30, lr=0.01, dropout=0.0)
    result, columns, report = finished(run, str(table))
    test = result["test"]
    assert (result["task"], result["metric"]) == ("regression", "r2")
    assert test["r2"]["value"] > 0.7
    rows = pl.read_csv(table)[Split.from_npz(run / "split.npz").test]
    for one, name, unit in zip(test["targets"], names, ("EUR", "kg"), strict=True):
        predicted = np.array(columns[f"prediction_{name}"])[Split.from_npz(run / "split.npz").test]
        assert one["unit"] == unit
        assert one["target"] == pytest.approx(rows[name].to_list(), rel=1e-5)
        assert one["rmse"]["value"] == pytest.approx(
            np.sqrt(np.mean((rows[name].to_numpy() - predicted) ** 2)), rel=1e-4
        )
        assert f"predicted {name}" in report
        assert f"{name} ({unit})" not in report  # its name has said so
    assert "errors of different units cannot be added" in report
    evaluate_run(load_run(run), test=True, again=True, source=str(table))
    again = json.loads((run / "result.json").read_text())
    assert again["corrected"]["low"] < test["r2"]["low"] < test["r2"]["high"] < again["corrected"]["high"]


def test_one_target_is_shown_in_its_unit(job: Callable[..., Path], table: Path, tmp_path: Path) -> None:
    run = job(tmp_path / "run", source=str(table), target="price [EUR]", epochs=2)
    _, _, report = finished(run, str(table))
    assert json.loads((run / "data.json").read_text())["task"]["unit"] == "EUR"
    assert "EUR</p>" in report


def test_text_columns(job: Callable[..., Path], tmp_path: Path) -> None:
    texts = ["what a good and lovely film it was", "such a bad and boring waste of time"]
    rows = {"text": [f"{texts[i % 2]} w{i}" for i in range(80)], "label": ["good", "bad"] * 40}
    source = tmp_path / "reviews.csv"
    pl.DataFrame(rows).write_csv(source)
    run = job(tmp_path / "run", source=str(source), target="label", epochs=25, lr=0.02, class_weights={"bad": 2.0})
    result, columns, _ = finished(run, str(source))
    assert result["test"]["accuracy"]["value"] == 1
    assert columns["prediction"] == rows["label"]
    kept = json.loads((run / "preparation.json").read_text())["columns"][0]
    assert kept["kind"] == "text"
    test = Split.from_npz(run / "split.npz").test
    assert not {f"w{i}" for i in test} & set(kept["terms"])  # words of the training part alone


@pytest.mark.parametrize("network", ["tagger", "window-tagger"])
def test_tagging(job: Callable[..., Path], made: Callable[[LabeledRows], str], tmp_path: Path, network: str) -> None:
    data = sentences()
    source = made(data)
    settings = {"network": network, "width": 16} if network != "tagger" else {}
    run = job(tmp_path / "run", source=source, epochs=6, lr=0.02, **settings)
    result, columns, report = finished(run, source)
    assert (result["task"], result["metric"]) == ("tagging", "entity_f1")
    assert json.loads((run / "config.json").read_text())["network"] == network
    by_name = {b["name"]: b["test"]["value"] for b in json.loads((run / "baselines.json").read_text())}
    # "Paris" is a person or a place: only what reads the words around it can tell
    assert by_name["commonest tag"] == 0
    assert by_name["commonest tag of each token"] < 0.95 < result["test"]["entity_f1"]["value"]
    assert [len(tags.split()) for tags in columns["prediction"]] == data.target.list.len().to_list()
    assert '<h2 id="figures-title">Entities</h2>' in report
    assert '<h2 id="classes-title">Tags</h2>' in report


def test_next_tokens(job: Callable[..., Path], made: Callable[[LabeledRows], str], tmp_path: Path) -> None:
    source = made(running_text())
    run = job(tmp_path / "run", source=source, context=16, network="gpt", width=16, depth=1, epochs=12, lr=0.02)
    result, columns, report = finished(run, source)
    assert (result["task"], result["metric"]) == ("next_token", "perplexity")
    by_name = {b["name"]: b["test"]["value"] for b in json.loads((run / "baselines.json").read_text())}
    assert result["test"]["perplexity"]["value"] < by_name["bigrams"] < by_name["unigrams"]
    assert len(columns["prediction"]) == 2
    assert all(len(text) <= 200 for text in columns["prediction"])
    assert len(result["test"]["samples"]) == 2
    assert "bits" in report


def test_next_words(job: Callable[..., Path], made: Callable[[LabeledRows], str], tmp_path: Path) -> None:
    settings = {"context": 8, "tokens": "words", "epochs": 1}
    run = job(tmp_path / "run", source=made(running_text()), **settings)
    vocabulary = json.loads((run / "preparation.json").read_text())["tokens"]["vocabulary"]
    assert {"cat", "<", "sat", " ", "\n"} < set(vocabulary)
    assert json.loads((run / "config.json").read_text())["network"] == "gpt"


def test_tagging_compiled_is_as_eager(
    job: Callable[..., Path], made: Callable[[LabeledRows], str], tmp_path: Path
) -> None:
    source = made(sentences())
    settings = {"network": "window-tagger", "width": 4, "epochs": 2, "batch_size": 42, "class_weights": "balanced"}
    runs = [job(tmp_path / name, source=source, eager=name == "eager", **settings) for name in ("eager", "compiled")]
    rows = [[json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()] for run in runs]
    for eager, compiled in zip(*rows, strict=True):
        for key in ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy"):
            assert compiled[key] == pytest.approx(eager[key], rel=1e-5)


# --- refusals -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"network": "lenet"}, "network = lenet: it is not for tagging; choose tagger, window-tagger"),
        ({"network": "gpt"}, "network = gpt: it is not for tagging"),
        ({"hidden": [8]}, r"hidden = \(8,\): tagger has no such setting"),
        ({"context": 9}, "context = 9: only a text"),
        ({"augment": ["noise=0.1"]}, "rows of tokens are not augmented"),
    ],
)
def test_settings_that_do_not_fit_the_task_are_refused(
    job: Callable[..., Path], made: Callable[[LabeledRows], str], tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        job(tmp_path / "run", source=made(sentences()), **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"network": "tagger"}, "it takes tokens, and a row of this data is numbers"),
        ({"tokens": "words"}, "tokens = words: only a text"),
        ({"class_weights": {"setoza": 2.0}}, "'setoza' is no class of the target; did you mean 'setosa'"),
    ],
)
def test_tables_refuse_what_is_of_sequences(
    job: Callable[..., Path], tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        job(tmp_path / "run", source="iris", **settings)


def test_the_comparison_refuses_what_it_does_not_know(
    job: Callable[..., Path], made: Callable[[LabeledRows], str], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="class_weights = balanced"):
        check_comparable(parse_config({"source": "iris", "class_weights": "balanced"}))
    with pytest.raises(ConfigError, match="the task is tagging"):
        job(tmp_path / "run", source=made(sentences()), compare="torch")


def test_files_of_two_runs_of_tokens_do_not_fit(
    job: Callable[..., Path], made: Callable[[LabeledRows], str], tmp_path: Path
) -> None:
    run = job(tmp_path / "run", source=made(sentences()), network="window-tagger", width=4, epochs=1)
    prepared = json.loads((run / "preparation.json").read_text())
    prepared["tokens"]["vocabulary"] += [f"more{i}" for i in range(9)]
    (run / "preparation.json").write_text(json.dumps(prepared))
    with pytest.raises(RunError, match=r"model\.json does not take the 5 tokens a row"):
        load_run(run)
