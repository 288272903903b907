"""Looks across runs: none is lost, none is counted that is none, and the claim is corrected as SciPy says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from gradwright.data import LookBook, SealedTest, TestPart, corrected_claim, infer_task, read, split
from gradwright.data.looks import _hashed
from gradwright.errors import RunError

IRIS = read("iris")


def look(folder, run, dataset=IRIS, seed=0, **options) -> SealedTest:
    parts = split(dataset, infer_task(dataset), seed=seed)
    sealed = SealedTest(dataset, parts.test, book=LookBook(folder), run=run, **options)
    sealed.open(reason="final evaluation", command="train")
    return sealed


def test_the_second_run_is_told_of_the_first(tmp_path):
    assert look(tmp_path, "first").looks == 1
    second = look(tmp_path, "second")
    assert second.looks == 2
    assert len(second.ledger) == 1
    assert second.history.level == pytest.approx(0.975)
    assert second.history.words() == "looked at 2 times: by the runs 'first' and 'second'"
    assert "at a level of 97.50% instead of 95% (Bonferroni: 1 - 0.05/2)" in second.history.finding()["detail"]
    assert set(second.history.to_dict()["looked_by"][0]) == {"run", "time", "command", "reason", "share"}


def test_asking_is_no_look(tmp_path):
    parts = split(IRIS, infer_task(IRIS))
    sealed = SealedTest(IRIS, parts.test, book=LookBook(tmp_path))
    assert sealed.looks == 0
    assert sealed.history.words() == "never looked at"
    assert sealed.history.finding() is None
    assert not (tmp_path / "looks.jsonl").exists()
    assert look(tmp_path, "first").history.finding() is None


def test_other_data_and_other_workspaces_do_not_count(tmp_path):
    look(tmp_path, "first")
    assert look(tmp_path, "wine", read("wine")).looks == 1
    (tmp_path / "elsewhere").mkdir()
    assert look(tmp_path / "elsewhere", "second").looks == 1


def test_another_seed_counts_and_is_told_apart(tmp_path):
    look(tmp_path, "first", seed=0)
    second = look(tmp_path, "second", seed=1)
    ours, theirs = (set(split(IRIS, infer_task(IRIS), seed=seed).test.tolist()) for seed in (1, 0))
    first = second.history.entries[0]
    assert first.share == len(ours & theirs) / len(ours) > 0
    assert second.looks == 2
    assert second.history.words() == (
        f"looked at 2 times: by the run 'second'; and by the run 'first', with another test part of the same data "
        f"({first.share:.0%} of the rows in common)"
    )
    disjoint = np.setdiff1d(np.arange(150), sorted(ours | theirs))
    assert SealedTest(IRIS, disjoint, book=LookBook(tmp_path)).looks == 0


@pytest.mark.parametrize("share", [0.02, 0.15, 0.5, 0.9])
def test_the_share_of_large_parts_is_estimated(share):
    rows, common = 20_000, int(20_000 * share)
    mine, theirs = np.arange(rows), np.arange(rows - common, 2 * rows - common)

    def part(numbers, name):
        order = np.argsort(_hashed(numbers))[:1024]
        return TestPart("data", name, rows, tuple(int(n) for n in numbers[order]))

    assert part(mine, "a").share_in(part(theirs, "b")) == pytest.approx(share, abs=0.045)
    assert part(mine, "a").share_in(part(mine + rows, "b")) == 0
    small = TestPart("data", "c", 10, tuple(range(10)))
    assert small.share_in(part(mine, "a")) in (0.0, 1.0), "few of ten rows are among the 1,024 that were kept"


def test_a_deleted_run_still_counts(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        look(tmp_path, name)
    (tmp_path / "first").rmdir()
    assert [entry.run for entry in look(tmp_path, "third").history.entries] == ["first", "second", "third"]


def test_equal_test_rows_count_though_the_rest_of_the_data_has_changed(tmp_path):
    longer = IRIS.take(np.r_[np.arange(150), 0])
    for dataset, fingerprint in ((IRIS, "sha256:1"), (longer, "sha256:2")):
        dataset = type(dataset)(**{**vars(dataset), "fingerprint": fingerprint, "numbers": None})
        sealed = SealedTest(dataset, np.arange(0, 150, 7), book=LookBook(tmp_path))
        sealed.open(reason="final", command="train")
    assert sealed.looks == 2


@pytest.mark.parametrize("cut", [5, 100, 200, 300])
def test_a_torn_line_hides_no_later_look(tmp_path, cut):
    """Cut within the data's or the test part's fingerprint it names nothing; later it counts."""
    look(tmp_path, "first")
    path = tmp_path / "looks.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:cut])
    second = look(tmp_path, "second")
    runs = [entry.run for entry in second.history.entries]
    assert runs == (["first", "second"] if cut < 82 else ["first", "unknown", "second"])
    assert path.read_bytes().startswith(whole + whole[:cut] + b"\n")
    if cut > 82:
        assert "whose record was cut short" in second.history.words()


@pytest.mark.parametrize("line", [b"{}", b"[]", b"null", b"[" * 50_000, b"\xff\xfe", b'{"rows": 1e999}', b"\n\n"])
def test_lines_of_others_are_passed_over(tmp_path, line):
    look(tmp_path, "first")
    with (tmp_path / "looks.jsonl").open("ab") as file:
        file.write(line + b"\n")
    assert look(tmp_path, "second").looks == 2


def test_a_forged_sample_is_refused(tmp_path):
    sealed = look(tmp_path, "first")
    path = tmp_path / "looks.jsonl"
    line = json.loads(path.read_bytes())
    for sample in ([0.5], [-1], [2**63], ["a"], list(range(2000)), None):
        path.write_text(json.dumps({**line, "data": "x", "test": "y", "sample": sample}) + "\n")
        assert sealed.looks == 1  # its own, which its ledger knows


MANY = """
import sys
from gradwright.data import LookBook, TestPart
part = TestPart("data", "test", 2000, tuple(range(1024)))
for _ in range(30):
    LookBook(sys.argv[1]).append(part, run=sys.argv[2], command="train", reason="x" * 5000)
"""


def test_runs_may_look_at_the_same_time(tmp_path):
    started = [subprocess.Popen([sys.executable, "-c", MANY, str(tmp_path), f"run {i}"]) for i in range(2)]
    assert [process.wait(60) for process in started] == [0, 0]
    history = LookBook(tmp_path).history("test")
    assert history.looks == 60
    assert {entry.run for entry in history.entries} == {"run 0", "run 1"}


def test_no_look_where_it_cannot_be_recorded(tmp_path):
    sealed = SealedTest(IRIS, np.arange(5), book=LookBook(tmp_path / "gone"))
    with pytest.raises(RunError, match=r"cannot write the look into .*The test part stays sealed"):
        sealed.open(reason="final", command="train")
    assert len(sealed.ledger) == 0
    (tmp_path / "looks.jsonl").mkdir()
    with pytest.raises(RunError, match="cannot read the looks in"):
        LookBook(tmp_path).history("sha256:0")


def test_a_disk_that_takes_half_of_the_line(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, text: write(descriptor, text[: len(text) // 2]))
    with pytest.raises(RunError, match="only a part of the line"):
        look(tmp_path, "first")
    monkeypatch.undo()
    assert look(tmp_path, "second").looks == 2, "the torn look counts: nobody can say that it was not taken"


@pytest.mark.parametrize(("right", "rows", "looks"), [(97, 100, 2), (253, 270, 3), (270, 270, 7), (9_012, 10_000, 40)])
def test_a_proportion_is_corrected_as_scipy_does(right, rows, looks):
    usual = binomtest(right, rows).proportion_ci(0.95, method="wilson")
    figure = {"value": right / rows, "low": usual.low, "high": usual.high, "method": "Wilson score, 95%"}
    claim = corrected_claim(figure, rows, looks)
    judge = binomtest(right, rows).proportion_ci(1 - 0.05 / looks, method="wilson")
    assert (claim["low"], claim["high"]) == pytest.approx((judge.low, judge.high), rel=1e-9)
    assert f"Bonferroni for {looks} looks" in claim["method"]


@pytest.mark.parametrize("looks", [2, 5, 20])
def test_an_rmse_is_widened_as_the_bootstrap_of_its_rows_would(looks):
    random = np.random.default_rng(0)
    squares = random.normal(size=400) ** 2
    figures = np.sqrt(squares[random.integers(0, 400, (40_000, 400))].mean(1))
    low, high = np.quantile(figures, [0.025, 0.975])
    figure = {"value": float(np.sqrt(squares.mean())), "low": low, "high": high, "method": "bootstrap, 95%"}
    claim = corrected_claim(figure, 400, looks, scale="positive")
    judge = np.quantile(figures, [0.025 / looks, 1 - 0.025 / looks])
    assert np.abs(np.array([claim["low"], claim["high"]]) - judge).max() < 0.05 * (high - low)
    share = norm.ppf(1 - 0.025 / looks) / norm.ppf(0.975)
    assert np.log(claim["high"] / claim["value"]) == pytest.approx(share * np.log(high / claim["value"]))


def test_what_is_not_corrected():
    figure = {"value": 0.9, "low": 0.8, "high": 0.95, "method": "Wilson"}
    assert corrected_claim(figure, 100, 1) is None
    assert corrected_claim({**figure, "low": None}, 100, 3) is None
    assert corrected_claim({**figure, "low": float("nan")}, 100, 3) is None
    assert corrected_claim({"value": 0.9}, 100, 3) is None
    micro = corrected_claim({"value": 0.99, "low": 0.98, "high": 0.995, "method": "bootstrap"}, 100, 9)
    assert 0 < micro["low"] < 0.98 < 0.995 < micro["high"] < 1, "a share stays a share"
    tokens = corrected_claim({"value": 0.9, "low": 0.88, "high": 0.918, "method": "Wilson score, 95%"}, 100, 9)
    assert 0.86 < tokens["low"] < 0.88, "of tokens: more than the 100 rows"
    explained = corrected_claim({"value": 0.1, "low": -0.2, "high": 0.4, "method": "bootstrap"}, 100, 2, scale="any")
    assert (explained["low"] + explained["high"]) / 2 == pytest.approx(0.1)
    assert explained["low"] < -0.2


def test_the_book_is_a_file_of_lines(tmp_path):
    look(tmp_path, "a\nb \x1b[2J")
    (line,) = Path(tmp_path, "looks.jsonl").read_text().splitlines()
    assert list(json.loads(line)) == ["data", "test", "run", "time", "command", "reason", "rows", "sample"]
    assert line.isascii()
