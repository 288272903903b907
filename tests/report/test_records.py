"""A folder is read whole and checked, or refused with a message that says where and what."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradwright.errors import RunError
from gradwright.report import example_files, parse_record, read_record

Files = dict[str, str]
NEEDED = sorted(set(example_files()) - {"findings.json", "compare.json"})


def test_reads_what_was_written(run_folder: Callable[[Files], Path], variant: Files) -> None:
    record = read_record(run_folder(variant))
    assert record.name == "20260101-120000-digits"
    assert len(record.metrics) == len(variant["metrics.jsonl"].splitlines())


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_file_is_named(run_folder: Callable[[Files], Path], name: str) -> None:
    folder = run_folder(example_files())
    (folder / name).unlink()
    with pytest.raises(RunError, match=f"{name} is missing from run .* train again"):
        read_record(folder)


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_cut_short_is_named(run_folder: Callable[[Files], Path], name: str) -> None:
    folder = run_folder(example_files())
    content = (folder / name).read_text()
    (folder / name).write_text(content[: len(content) // 2 + 1].rstrip().rstrip("}]") + '"')
    with pytest.raises(RunError, match=f"(?s){name}.*(is not JSON|is not TOML|expected).*train again"):
        read_record(folder)


def test_optional_files_may_be_absent() -> None:
    files = example_files()
    del files["findings.json"]
    record = parse_record(files)
    assert record.compare is None
    assert record.findings == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.json", "[]", r"data.json: expected an object with source, .* found \[\]"),
        ("data.json", "[" * 100_000, "data.json: expected JSON of sensible depth"),
        ("config.json", '{"a":' * 90 + "1" + "}" * 90, r"config.json: expected at most 60 levels"),
        ("config.json", "[1]", "config.json: expected an object"),
        ("metrics.jsonl", "", "metrics.jsonl: expected at least one epoch, found nothing"),
        (
            "metrics.jsonl",
            '{"epoch": 1}',
            "metrics.jsonl, line 1, at train_loss: expected a value, found nothing",
        ),
        ("ledger.jsonl", '{"look": 1}\n{"look":', "ledger.jsonl, line 2 is not JSON"),
        ("ledger.jsonl", '{"look": -1}', "ledger.jsonl, line 1, at look: expected a whole number"),
        (
            "findings.json",
            '[{"severity": "x", "title": ""}]',
            r"at \[0\].severity: expected one of info, war",
        ),
        ("config.given.toml", "= 3", "config.given.toml is not TOML"),
        ("result.json", "9" * 5000, "result.json is not JSON"),
    ],
)
def test_a_broken_value_is_named(name: str, content: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        parse_record(example_files() | {name: content})


def _set(path: str, value: Any) -> Callable[[Any], None]:
    *steps, last = path.split(".")

    def change(document: Any) -> None:
        for step in steps:
            document = document[int(step) if step.isdigit() else step]
        document[int(last) if last.isdigit() else last] = value

    return change


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        (
            "data.json",
            "rows",
            "many",
            "data.json, at rows: expected a whole number, zero or more, found 'many'",
        ),
        (
            "data.json",
            "columns.3.name",
            None,
            r"data.json, at columns\[3\].name: expected text, found nothing",
        ),
        (
            "data.json",
            "task.kind",
            "ranking",
            "expected one of binary, multiclass, multilabel, regression, tagging, next_token, found 'ranking'",
        ),
        ("data.json", "task.class_counts", [1], "task.class_counts: expected one count a class"),
        ("result.json", "task", "binary", "result.json, at task: expected multiclass, as in data.json"),
        ("result.json", "test.confusion", [[1, 2]], "at test.confusion: expected 10 rows of 10 counts"),
        ("result.json", "test.per_class", [], "at test.per_class: expected 10 entries"),
        ("result.json", "test.accuracy.low", True, "at test.accuracy.low: expected a number, found True"),
        (
            "network.json",
            "graph.edges.0",
            [5, 2],
            r"graph.edges\[0\]: expected the ids of an earlier and a later",
        ),
        ("network.json", "graph.edges.0", [0, 999], r"graph.edges\[0\]: expected the ids of an earlier"),
        ("network.json", "graph.edges.0", [0], r"graph.edges\[0\]: expected a list of 2"),
        ("network.json", "graph.nodes.1.id", 0, "graph.nodes: expected an id of its own for every node"),
    ],
)
def test_a_wrong_value_is_placed(changed: Callable[..., Files], name: str, path: str, value: Any, message: str) -> None:
    with pytest.raises(RunError, match=message):
        parse_record(changed(name, _set(path, value)))


def test_as_many_targets_as_predictions(changed: Callable[..., Files]) -> None:
    files = changed("result.json", _set("test.prediction", [1.0]), task="regression")
    with pytest.raises(RunError, match="expected as many targets as predictions"):
        parse_record(files)


def test_null_and_nan_are_nan() -> None:
    files = example_files(epochs=2)
    files["metrics.jsonl"] = (
        '{"epoch": 2, "train_loss": NaN, "validation_loss": null}\n'
        '{"epoch": 1, "train_loss": 1e999, "validation_loss": "NaN"}\n'
    )
    record = parse_record(files)
    assert [line["epoch"] for line in record.metrics] == [1, 2]
    assert math.isnan(record.metrics[1]["train_loss"])
    assert record.metrics[1]["validation_loss"] is None  # it need not be there at all
    assert record.metrics[0]["train_loss"] == math.inf


def test_numbers_may_be_class_names(changed: Callable[..., Files]) -> None:
    files = changed("result.json", _set("test.classes", list(range(10))))
    assert parse_record(files).result["test"]["classes"][3] == "3"


def test_bytes_that_are_no_text_are_named(run_folder: Callable[[Files], Path]) -> None:
    folder = run_folder(example_files())
    (folder / "data.json").write_bytes(b'{"source": "\xff\xfe"}')
    with pytest.raises(RunError, match=r"data.json: expected UTF-8 text, found the byte 0xff at 12"):
        read_record(folder)


def test_a_byte_order_mark_does_no_harm(run_folder: Callable[[Files], Path]) -> None:
    folder = run_folder(example_files())
    (folder / "data.json").write_bytes(b"\xef\xbb\xbf" + (folder / "data.json").read_bytes())
    assert read_record(folder).data["rows"] == 1797


def test_an_enormous_file_is_refused_unread(run_folder: Callable[[Files], Path]) -> None:
    folder = run_folder(example_files())
    with (folder / "data.json").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(RunError, match=r"data.json holds 1,099,511,627,776 bytes"):
        read_record(folder)


def test_a_folder_in_place_of_a_file(run_folder: Callable[[Files], Path]) -> None:
    folder = run_folder(example_files())
    (folder / "data.json").unlink()
    (folder / "data.json").mkdir()
    with pytest.raises(RunError, match=r"data.json cannot be read: Is a directory"):
        read_record(folder)


def test_disguising_characters_are_shown_everywhere() -> None:
    files = example_files()
    data = json.loads(files["data.json"])
    data["source"] = "a\u202eb\x00c\ud800"
    files["data.json"] = json.dumps(data)
    assert parse_record(files).data["source"] == "a⟨U+202E⟩b⟨U+0000⟩c⟨U+D800⟩"
