"""The parts of a report about leaks, sizes, and looks by other runs."""

from __future__ import annotations

import json

import pytest

from gradwright.errors import RunError
from gradwright.report import example_files, example_record, parse_record, render, summary_info
from gradwright.report.facts import data_info, data_words
from gradwright.report.leakage import leakage_info, leakage_words
from gradwright.report.ledger import ledger_info, ledger_words


def changed(file, function, **options):
    files = example_files(audited=True, **options)
    value = json.loads(files[file])
    files[file] = json.dumps(function(value) or value)
    return parse_record(files)


def test_a_run_without_records_of_them_has_no_such_parts():
    page = render(example_record())
    for words in ('id="leakage"', "Leakage audit", "Looks of all runs", "Bonferroni"):
        assert words not in page
    assert "95% interval" in page


def test_what_the_audit_found_is_shown(page_of):
    record = example_record(audited=True)
    page = page_of(render(record))
    shown = " ".join(element.text for element in page.all("section"))
    for words in ("Columns: pixel_0_0", "First rows: 'digits', row 3 (training)", "compared: 100, held out: 540"):
        assert words in shown
    assert "The test part has 270 rows." in shown
    assert [leak.severity for leak in leakage_info(record)] == ["warning", "info"]
    assert "Something was found once" in leakage_words(leakage_info(record))


def test_an_audit_that_found_nothing_says_so():
    record = changed("audit.json", lambda leaks: leaks.clear())
    assert leakage_info(record) == ()
    assert "None of these was found here." in render(record)


def test_looks_by_other_runs_are_named_and_the_claim_is_corrected():
    record = example_record(audited=True)
    info = ledger_info(record)
    assert (info.looks, info.clean, info.lost, len(info.entries)) == (3, False, False, 1)
    words = ledger_words(info)
    assert words.startswith(
        "The test part has been looked at 3 times, by the runs digits-20251231-090000 and example and by "
        "digits-20251231-100000 with another test part of the same data (15% of the rows in common); the figure is no"
    )
    assert "at a level of 98.33% instead of 95% (Bonferroni: 1 − 0.05/3)" in words
    summary = summary_info(record)
    plain = summary_info(example_record())
    assert (summary.level, plain.level) == ("98.3%", "95%")
    assert summary.interval != plain.interval
    assert f"(98.3% interval {summary.interval})" in summary.lead
    page = render(record)
    assert "98.3% interval" in page
    assert "Looks of all runs on the same data" in page
    assert "Not a clean test figure." in page


def test_the_only_look_of_all_runs_is_clean():
    def alone(result):
        result["looked_by"] = result["looked_by"][-1:]
        result |= {"looks": 1, "corrected": None}

    record = changed("result.json", alone)
    assert ledger_info(record).clean
    assert "Looks of all runs" not in render(record)
    assert "95% interval" in summary_info(record).lead


def test_own_looks_that_the_ledger_lacks_are_noticed():
    files = example_files(audited=True, looks=3)
    files["ledger.jsonl"] = files["ledger.jsonl"].splitlines()[2]
    assert ledger_info(parse_record(files)).lost
    files["ledger.jsonl"] = ""
    assert "Lines are missing from the ledger." in ledger_words(ledger_info(parse_record(files)))


@pytest.mark.parametrize(
    ("by", "column", "given", "words"),
    [
        ("groups", "patient", False, "(by whole groups of patient, seed 0)"),
        ("time", None, False, "(in the order of time, seed 0)"),
        ("groups", "patient", True, "(the source's own split, by whole groups of patient)"),
    ],
)
def test_how_rows_were_split_is_said(by, column, given, words):
    record = changed("data.json", lambda data: data["split"].update(by=by, column=column, given=given))
    assert words in data_words(data_info(record))["split"]


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        (
            "audit.json",
            lambda leaks: leaks[0].update(severity="dire"),
            r"at \[0\].severity: expected one of",
        ),
        ("audit.json", lambda leaks: leaks[0].update(rows="all"), r"audit.json, at \[0\].rows: expected a list"),
        ("result.json", lambda result: result["looked_by"][0].pop("run"), r"looked_by\[0\].run: expected a value"),
        ("result.json", lambda result: result["corrected"].pop("level"), "corrected.level: expected a value"),
        (
            "data.json",
            lambda data: data["size_advice"].update(small="yes"),
            "small: expected true or false",
        ),
    ],
)
def test_a_record_of_another_shape_is_refused(file, change, words):
    def only(value):
        change(value)

    with pytest.raises(RunError, match=words):
        changed(file, only)
