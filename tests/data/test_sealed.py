"""The seal holds until a look is recorded, and the ledger loses nothing."""

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from gradwright.data import Ledger, SealedTest, read
from gradwright.errors import RunError


@pytest.fixture
def sealed() -> SealedTest:
    return SealedTest(read("iris"), np.array([0, 60, 120]))


@pytest.mark.parametrize("name", ["features", "target", "rows", "take", "X", "y"])
def test_nothing_is_read_before_the_look(sealed, name):
    with pytest.raises(RunError, match=f"the test part is sealed, so its '{name}' cannot be read.*open"):
        getattr(sealed, name)
    assert sealed.looks == 0


@pytest.mark.parametrize("act", [list, pickle.dumps, copy.copy, copy.deepcopy, lambda s: s[0]])
def test_other_ways_in(sealed, act):
    with pytest.raises(RunError, match="the test part is sealed"):
        act(sealed)


def test_open_records_and_returns(sealed):
    assert len(sealed) == 3
    test = sealed.open(reason="final evaluation", command="train")
    assert test.target.to_list() == ["setosa", "versicolor", "virginica"]
    assert test.numbers.tolist() == [0, 60, 120]
    (look,) = sealed.ledger.looks
    assert (look.look, look.command, look.reason) == (1, "train", "final evaluation")
    assert abs(datetime.fromisoformat(look.time) - datetime.now(UTC)) < timedelta(minutes=1)
    sealed.open(reason="again", command="evaluate")
    assert sealed.looks == 2
    assert "2 looks" in repr(sealed)


def test_a_reason_is_needed(sealed):
    with pytest.raises(RunError, match="without a reason"):
        sealed.open(reason=" ", command="train")
    assert sealed.looks == 0


def test_the_file_is_as_the_run_format_says(tmp_path):
    ledger = Ledger()
    ledger.append(command="train", reason="final evaluation")
    ledger.bind(tmp_path / "ledger.jsonl")
    ledger.append(command="evaluate", reason="again\nand \x1b[2J again")
    lines = (tmp_path / "ledger.jsonl").read_text().splitlines()
    assert [list(json.loads(line)) for line in lines] == [["look", "time", "command", "reason"]] * 2
    again = Ledger.read(tmp_path / "ledger.jsonl")
    assert again.looks == ledger.looks
    again.append(command="evaluate", reason="a third time")
    assert len(Ledger.read(tmp_path / "ledger.jsonl")) == 3


def test_a_ledger_is_never_overwritten(tmp_path):
    Ledger(tmp_path / "ledger.jsonl").append(command="train", reason="final")
    with pytest.raises(RunError, match="looks are never overwritten"):
        Ledger(tmp_path / "ledger.jsonl")
    assert len(Ledger.read(tmp_path / "ledger.jsonl")) == 1


def test_follows_a_renamed_folder(tmp_path):
    (tmp_path / "old").mkdir()
    ledger = Ledger(tmp_path / "old" / "ledger.jsonl")
    ledger.append(command="train", reason="final")
    (tmp_path / "old").rename(tmp_path / "new")
    ledger.follow(tmp_path / "new" / "ledger.jsonl")
    ledger.append(command="evaluate", reason="again")
    assert len(Ledger.read(tmp_path / "new" / "ledger.jsonl")) == 2
    with pytest.raises(RunError, match="no such file"):
        ledger.follow(tmp_path / "nowhere.jsonl")


def test_no_look_where_it_cannot_be_recorded(tmp_path):
    (tmp_path / "run").mkdir()
    ledger = Ledger(tmp_path / "run" / "ledger.jsonl")
    sealed = SealedTest(read("iris"), np.array([0]), ledger=ledger)
    (tmp_path / "run").rename(tmp_path / "gone")
    with pytest.raises(RunError, match="The test part stays sealed"):
        sealed.open(reason="final", command="train")
    assert sealed.looks == 0


def test_a_torn_last_line_counts_as_a_look(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    for _ in range(2):
        ledger.append(command="train", reason="final")
    path.write_bytes(path.read_bytes()[:-20])
    again = Ledger.read(path)
    assert len(again) == 2
    assert "cut short" in again.looks[1].reason
    again.append(command="evaluate", reason="again")
    assert [look.look for look in Ledger.read(path)] == [1, 2, 3]


@pytest.mark.parametrize(
    "line", ["{}", "[]", "not json", '{"look": 1, "time": "", "command": 1, "reason": ""}', "[" * 100_000]
)
def test_a_damaged_line_is_named(tmp_path, line):
    path = tmp_path / "ledger.jsonl"
    Ledger(path).append(command="train", reason="final")
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(RunError, match="line 2: expected look 2"):
        Ledger.read(path)


def test_a_removed_look_is_noticed(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    for _ in range(3):
        ledger.append(command="train", reason="final")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[2])
    with pytest.raises(RunError, match="line 2: expected look 2"):
        Ledger.read(path)


def test_no_ledger(tmp_path):
    with pytest.raises(RunError, match="cannot read the ledger"):
        Ledger.read(tmp_path / "none.jsonl")
