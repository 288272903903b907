"""A study is read as far as it is whole: what is broken is left out and said, what is needed is refused by name."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from tests.report.study_samples import tune_files, write_files

from gradwright.errors import RunError
from gradwright.report.study import read_study, study_summary, write_study_report

FILES = tune_files(8, 3)


def test_reads_what_was_written(tmp_path: Path) -> None:
    record = read_study(write_files(tmp_path / "a", FILES))
    assert (record.name, record.kind, record.metric, record.higher_is_better) == ("a", "tune", "accuracy", True)
    assert [t.number for t in record.trials] == list(range(8))
    assert record.space["lr"].low == 1e-5
    assert record.notes == ()
    written = [json.loads(line) for line in FILES["trials.jsonl"].splitlines()]
    assert [t.parameters for t in record.trials] == [t["parameters"] for t in written]
    curve = json.loads(FILES["curves.jsonl"].splitlines()[3])
    assert record.curves[3].columns["validation_accuracy"].tolist() == curve["validation_accuracy"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "study.json is missing"),
        ("", "study.json is not JSON"),
        ("[]", r"study.json: expected an object with kind, source, metric, direction, found \[\]"),
        ("[" * 100_000, "study.json: expected JSON of sensible depth"),
        ('{"kind": "other", "source": "", "metric": "", "direction": "maximize"}', "at kind: expected one of tune, cv"),
        ('{"kind": "cv", "source": "", "metric": "accuracy"}', "at direction: expected a value, found nothing"),
        (
            '{"kind": "cv", "source": "", "metric": "accuracy", "direction": "maximize", "space": {"a": {"kind": 1}}}',
            "at space.a.kind: expected one of linear, log, integer, categorical",
        ),
    ],
)
def test_a_broken_study_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    folder = write_files(tmp_path, {k: v for k, v in FILES.items() if k != "study.json"})
    if content is not None:
        (folder / "study.json").write_text(content)
    with pytest.raises(RunError, match=message):
        write_study_report(folder)
    assert not (folder / "report.html").exists()


def test_a_torn_tail_is_left_out_and_said(tmp_path: Path) -> None:
    folder = write_files(tmp_path, FILES | {"trials.jsonl": FILES["trials.jsonl"][:-40]})
    record = read_study(folder)
    assert [t.number for t in record.trials] == list(range(7))
    assert record.notes == (
        "trials.jsonl, line 8 was left out: it is not JSON, as after a study that was broken off while writing.",
    )
    assert record.notes[0] in write_study_report(folder).read_text(encoding="utf-8")
    assert study_summary(folder)["notes"] == list(record.notes)


@pytest.mark.parametrize(
    ("line", "note"),
    [
        (b'{"number": 1}', "should have a value at state"),
        (b'{"number": -1, "state": "complete"}', "should have a whole number, zero or more at number"),
        (b'{"number": 1, "state": "complete", "score": "high"}', "should have a number at score"),
        (b'{"number": 1, "state": "complete", "parameters": [1]}', "should have an object at parameters"),
        (b"17", "should have an object with number, state"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"[" * 100_000, "should have JSON of sensible depth"),
        (b'{"number": ' + b"9" * 5000 + b"}", "is not JSON"),
        (b'"' + b"x" * (9 * 2**20) + b'"', "is longer than 8,388,608 bytes"),
    ],
)
def test_a_broken_line_is_left_out_and_said(tmp_path: Path, line: bytes, note: str) -> None:
    folder = write_files(tmp_path, FILES)
    lines = FILES["trials.jsonl"].encode().splitlines()
    (folder / "trials.jsonl").write_bytes(b"\n".join([*lines[:2], line, *lines[2:]]))
    record = read_study(folder)
    assert len(record.trials) == 8
    assert len(record.notes) == 1
    assert record.notes[0].startswith("trials.jsonl, line 3 was left out: it ")
    assert note in record.notes[0]


def test_many_broken_lines_are_counted(tmp_path: Path) -> None:
    record = read_study(write_files(tmp_path, FILES | {"curves.jsonl": "{\n" * 30 + FILES["curves.jsonl"]}))
    assert len(record.curves) == 8
    assert len(record.notes) == 6
    assert record.notes[-1] == "curves.jsonl: 25 more broken lines were left out."


def test_a_number_that_stands_twice_counts_once(tmp_path: Path) -> None:
    again = json.dumps({"number": 0, "state": "complete", "score": 0.123})
    record = read_study(write_files(tmp_path, FILES | {"trials.jsonl": FILES["trials.jsonl"] + again + "\n"}))
    assert len(record.trials) == 8
    assert record.trials[0].score == 0.123
    assert record.notes == ("trials.jsonl: 1 line repeat a number; the last line of a number counts.",)


def test_columns_of_another_length_are_no_curve(tmp_path: Path) -> None:
    bad = json.dumps({"number": 9, "epoch": [1, 2], "validation_loss": [1.0]})
    record = read_study(write_files(tmp_path, FILES | {"curves.jsonl": FILES["curves.jsonl"] + bad}))
    assert 9 not in record.curves
    assert "should have a list of 2 at validation_loss" in record.notes[0]


def test_null_and_nan_are_nan(tmp_path: Path) -> None:
    lines = '{"number": 0, "state": "failed", "score": null}\n'
    lines += '{"number": 1, "state": "complete", "score": NaN, "loss": 1e999}\n'
    trials = read_study(write_files(tmp_path, FILES | {"trials.jsonl": lines})).trials
    assert math.isnan(trials[0].score)
    assert math.isnan(trials[1].score)
    assert trials[1].loss == math.inf


@pytest.mark.parametrize("content", [None, "{", "[1]"])
def test_without_a_result_the_study_is_unfinished(tmp_path: Path, content: str | None) -> None:
    folder = write_files(tmp_path, {k: v for k, v in FILES.items() if k != "result.json"})
    if content is not None:
        (folder / "result.json").write_text(content)
    record = read_study(folder)
    assert not record.finished
    assert len(record.notes) == (content is not None)
    assert "The search has not ended" in write_study_report(folder).read_text(encoding="utf-8")
    assert study_summary(folder)["finished"] is False


def test_an_enormous_file_is_refused_unread(tmp_path: Path) -> None:
    folder = write_files(tmp_path, FILES)
    with (folder / "study.json").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(RunError, match="expected at most 268,435,456 bytes, found 1,099,511,627,776 of them"):
        read_study(folder)


def test_an_enormous_line_takes_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradwright.report.study.records._LARGEST", 2**24)
    folder = write_files(tmp_path, FILES)
    with (folder / "curves.jsonl").open("wb") as file:
        file.truncate(2**40)
    record = read_study(folder)
    assert record.curves == {}
    assert record.notes == ("curves.jsonl holds more than 16,777,216 bytes; from line 1 on it was not read.",)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    record = read_study(write_files(tmp_path, {k: v for k, v in FILES.items() if k != "curves.jsonl"}))
    assert record.notes == ("curves.jsonl is not there, so nothing of it can be shown.",)


def test_a_report_that_was_there_stays_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_files(tmp_path, FILES)
    report = write_study_report(folder)
    before = report.read_bytes()

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", full)
    with pytest.raises(RunError, match=r"report\.html cannot be written: No space left on device"):
        write_study_report(folder)
    assert report.read_bytes() == before
